//! Counting a block, part by part: records, then fields and their indicators in the order of the part, then values, sorted by what
//! they are values of ([`super::sorted`]).
//!
//! Nothing is allocated for a value, but for what is new: a cell, a hash in a small set, what may be shown of it.

use std::collections::HashMap;

use super::cells::{Cell, Cells, Counts, MOST_CELLS, SAMPLES, Sample};
use super::numbers::Numbers;
use super::sketch::raise;
use super::sorted::{DENSE, Found, Sorted, Wanted, fill};
use super::{Name, POSITIONS, Profile, Values};
use crate::encoding::Encoding;
use crate::iso2709::LEADER_LENGTH;
use crate::layout::{Built, Plain, has_ind1, has_ind2, has_value, is_data};
use crate::problem::{Code, Problem};

/// Stands for no number.
const NONE: u32 = u32::MAX;

/// What is counted by number, in the order of its appearance.
#[derive(Debug)]
struct Local<T> {
    dense: Vec<u32>,
    /// What lies beyond: blocks with so many tags and indicators are no catalogue's.
    sparse: HashMap<u64, u32>,
    found: Vec<(u64, T)>,
}

impl<T> Default for Local<T> {
    fn default() -> Self {
        Self { dense: Vec::new(), sparse: HashMap::new(), found: Vec::new() }
    }
}

impl<T: Default> Local<T> {
    /// Makes room for so many numbers.
    fn grow(&mut self, numbers: u64) {
        let dense = numbers.min(DENSE as u64) as usize;
        if self.dense.len() < dense {
            self.dense.resize(dense, NONE);
        }
    }

    /// Where in `found` the number is.
    #[inline]
    fn place(&mut self, number: u64) -> u32 {
        match usize::try_from(number).ok().and_then(|number| self.dense.get(number)) {
            Some(&place) if place != NONE => place,
            _ => self.find(number),
        }
    }

    #[cold]
    fn find(&mut self, number: u64) -> u32 {
        if let Some(&place) = self.sparse.get(&number) {
            return place;
        }
        let place = self.found.len() as u32;
        self.found.push((number, T::default()));
        match usize::try_from(number).ok().and_then(|number| self.dense.get_mut(number)) {
            Some(slot) => *slot = place,
            None => drop(self.sparse.insert(number, place)),
        }
        place
    }

    #[inline]
    fn at(&mut self, place: u32) -> Option<&mut T> {
        self.found.get_mut(place as usize).map(|(_, found)| found)
    }
}

/// How often something was met in up to [`MOST_COUNTED`] records and fields, and those of a part.
#[derive(Debug, Clone, Copy)]
struct Met {
    /// The record that it was met in last, in the high half, and how often.
    last: u64,
    /// How many records, in the high half, and how often in all.
    counts: u64,
    max: u32,
}

impl Default for Met {
    fn default() -> Self {
        Self { last: u64::MAX << 32, counts: 0, max: 0 }
    }
}

impl Met {
    /// Counts one more.
    #[inline]
    fn add(&mut self, record: u32) {
        // What repeats cannot be foretold, so there is no branch.
        let first = u64::from(record) << 32;
        let is_again = self.last >> 32 == u64::from(record);
        self.last = if is_again { self.last } else { first } + 1;
        self.counts += u64::from(!is_again) << 32 | 1;
        self.max = self.max.max(self.last as u32);
    }

    fn counts(&self) -> Counts {
        Counts { records: self.counts >> 32, occurrences: self.counts & u64::from(u32::MAX), max: self.max }
    }

    fn is_met(&self) -> bool {
        self.counts > 0
    }
}

/// How often each character stands at each of [`POSITIONS`] of a leader; the last is what is no character.
type Leaders = [[u64; 129]; POSITIONS.len()];

/// A profile under way, for one block after the other, in the order of the input but with gaps.
#[derive(Debug)]
pub(crate) struct Accumulator {
    profile: Profile,
    leaders: Box<Leaders>,
    encodings: [u64; Encoding::ALL.len()],
    problems: [ProblemCount; Code::ALL.len()],
    numbers: Numbers,
    /// Counted by number, and not yet in the profile.
    fields: Vec<Met>,
    pairs: Local<Met>,
    /// How many records and fields those are.
    counted: (usize, usize),
    /// Places of cells in the profile, by the number of the subfield.
    places: Vec<u32>,
    sorted: Sorted,
}

/// So many records or fields, and a part's, are counted before they come into the profile: counts have 32 bits.
const MOST_COUNTED: usize = if cfg!(test) { 1 << 8 } else { 1 << 30 };

/// The same for pairs of indicators, of which a profile has no more, either.
const MOST_PAIRS: usize = if cfg!(test) { 1 << 8 } else { MOST_CELLS };

#[derive(Debug, Clone, Copy, Default)]
struct ProblemCount {
    records: u64,
    occurrences: u64,
    last: Option<u64>,
}

impl Default for Accumulator {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            leaders: Box::new([[0; 129]; POSITIONS.len()]),
            encodings: [0; Encoding::ALL.len()],
            problems: [ProblemCount::default(); Code::ALL.len()],
            numbers: Numbers::default(),
            fields: Vec::new(),
            pairs: Local::default(),
            counted: (0, 0),
            places: Vec::new(),
            sorted: Sorted::default(),
        }
    }
}

impl Accumulator {
    /// The number of the first record that may come next.
    pub(crate) fn reached(&self) -> u64 {
        self.profile.end
    }

    /// Adds what was built of a part of a block.
    pub(crate) fn add(&mut self, plain: &Plain<'_>) {
        let (records, fields) = self.counted;
        let is_full = records.max(fields) > MOST_COUNTED || self.pairs.found.len() > MOST_PAIRS;
        if is_full || !self.numbers.take(plain) {
            self.settle();
            self.numbers.start_with(plain);
        }
        self.add_records(plain);
        self.add_fields(plain);
        self.add_values(plain);
    }

    /// Adds what is wrong with a whole block, or source, of so many bytes.
    pub(crate) fn end(&mut self, built: &Built, bytes: u64, end: u64) {
        for &Problem { code, record, .. } in &built.problems {
            if let Some(count) = self.problems.get_mut(code as usize) {
                count.occurrences += 1;
                count.records += u64::from(record.is_some() && record != count.last);
                count.last = record.or(count.last);
            }
        }
        self.profile.file.bytes += bytes;
        self.profile.end = self.profile.end.max(end);
    }

    fn add_records(&mut self, plain: &Plain<'_>) {
        let file = &mut self.profile.file;
        for span in plain.spans {
            file.add(span.length.into());
        }
        for &encoding in plain.encodings {
            if let Some(count) = self.encodings.get_mut(encoding as usize) {
                *count += 1;
            }
        }
        for &view in plain.leader {
            let made;
            let leader = match plain.buffers.long(view) {
                Some(leader) if leader.len() == LEADER_LENGTH => leader,
                long => {
                    // One with bytes that are no text: each became a character of several.
                    let text = String::from_utf8_lossy(long.unwrap_or_default());
                    made = text.chars().map(|char| u8::try_from(char).unwrap_or(0x80)).collect::<Vec<u8>>();
                    &made
                }
            };
            for (counts, position) in self.leaders.iter_mut().zip(POSITIONS) {
                if let Some(count) = leader.get(position).and_then(|&byte| counts.get_mut(usize::from(byte.min(128)))) {
                    *count += 1;
                }
            }
        }
    }

    /// Counts fields and indicators, and takes values to be sorted.
    #[allow(clippy::cast_sign_loss)] // offsets count from 0
    fn add_fields(&mut self, plain: &Plain<'_>) {
        let Self { numbers, fields, pairs, sorted, .. } = self;
        let before = self.counted.0 as u32;
        fields.resize(fields.len().max(numbers.tags()), Met::default());
        pairs.grow(numbers.pairs());
        sorted.clear(plain.subfield_value.len());
        let ends = plain.subfield_ends.windows(2).map(|ends| if let &[a, b] = ends { (a, b) } else { (0, 0) });
        // What the loop needs stays in registers.
        let (tags, fields) = (numbers.tags_of_part(), fields.as_mut_slice());
        let ([first, second], [stride_of_pairs, stride]) = (numbers.indicators(), numbers.strides());
        let (first, second) = (first.as_slice(), second.as_slice());
        let of = |numbers: &[u32], key: u8, is_there: bool| {
            if is_there { numbers.get(usize::from(key)).map_or(0, |&number| number as usize) } else { 0 }
        };
        let columns = plain.flags.iter().zip(plain.tag.keys).zip(plain.ind1.keys.iter().zip(plain.ind2.keys));
        let mut columns = columns.zip(plain.value.iter().zip(ends));
        for (record, range) in (0..).zip(plain.field_ends.windows(2)) {
            let number = before + record;
            let &[start, end] = range else { continue };
            let mut subfields = 0;
            for (((&flags, &tag), (&ind1, &ind2)), (&view, (from, to))) in columns.by_ref().take((end - start) as usize)
            {
                let tag = tags.get(usize::from(tag)).map_or(0, |&tag| tag as usize);
                if let Some(met) = fields.get_mut(tag) {
                    met.add(number);
                }
                if is_data(flags) {
                    let pair = of(first, ind1, has_ind1(flags)) + of(second, ind2, has_ind2(flags));
                    let place = pairs.place(tag as u64 * stride_of_pairs as u64 + pair as u64);
                    if let Some(met) = pairs.at(place) {
                        met.add(number);
                    }
                }
                let value = (tag * stride) as u32;
                if has_value(flags) {
                    sorted.push_value(record, value, view);
                }
                fill(sorted.subfields(), from as usize..to as usize, value + 1);
                subfields += (to - from) as usize;
            }
            sorted.push_record(record, subfields);
        }
        self.counted.0 += plain.numbers.len();
        self.counted.1 += plain.value.len();
    }

    /// Brings what was counted by number into the profile.
    fn settle(&mut self) {
        for (tag, met) in self.fields.drain(..).enumerate().filter(|(_, met)| met.is_met()) {
            self.profile.fields.add(self.numbers.key_of_tag(tag), &met.counts());
        }
        for (number, met) in std::mem::take(&mut self.pairs).found {
            self.profile.indicators.add(self.numbers.key_of_pair(number), &met.counts());
        }
        self.counted = (0, 0);
        self.places.clear();
    }

    /// Sorts values by what they are of, and counts them.
    fn add_values(&mut self, plain: &Plain<'_>) {
        self.sorted.sort(plain, &self.numbers);
        self.places.resize(self.numbers.subfields().min(DENSE).max(self.places.len()), NONE);
        // Those that are to be shown, and by which cell.
        let (mut wanted, mut shown_by) = (Vec::new(), Vec::new());
        for at in 0..self.sorted.len() {
            let Some((number, _)) = self.sorted.get(at) else { continue };
            let cells = &mut self.profile.subfields;
            let place = match self.places.get(number) {
                Some(&place) if place != NONE => place,
                _ => {
                    if cells.is_full() {
                        // Before their cells are in other places.
                        show(&mut self.sorted, cells, plain, &mut wanted, &mut shown_by);
                        cells.prune();
                        self.places.fill(NONE);
                    }
                    let place = cells.place(self.numbers.key_of_subfield(number));
                    if let Some(slot) = self.places.get_mut(number) {
                        *slot = place;
                    }
                    place
                }
            };
            let Some((_, values)) = self.sorted.get(at) else { continue };
            let room = cells.room(place);
            let new = add_group(values, cells.at(place));
            wanted.extend(new.into_iter().take(room).map(|value| Wanted { group: at, value }));
            shown_by.resize(wanted.len(), place);
        }
        show(&mut self.sorted, &mut self.profile.subfields, plain, &mut wanted, &mut shown_by);
    }

    /// What was counted, for good.
    pub(crate) fn finish(mut self) -> Profile {
        self.settle();
        let mut named = |name: Name, records: Option<u64>, occurrences: u64| {
            if occurrences > 0 {
                self.profile.named.entry(name).or_default().add(records, occurrences);
            }
        };
        for (counts, position) in self.leaders.iter().zip(POSITIONS) {
            for (character, &count) in (0_u8..).zip(counts) {
                let value = if character < 0x80 { char::from(character) } else { char::REPLACEMENT_CHARACTER };
                named(Name::Leader(position as u8, value.into()), Some(count), count);
            }
        }
        for &(name, encoding) in Encoding::ALL {
            let count = self.encodings.get(encoding as usize).copied().unwrap_or_default();
            named(Name::Encoding(name.into()), Some(count), count);
        }
        for &code in Code::ALL {
            if let Some(count) = self.problems.get(code as usize) {
                let records = Some(count.records).filter(|&records| records > 0);
                named(Name::Problem(code.as_str().into()), records, count.occurrences);
            }
        }
        self.profile.prune();
        self.profile
    }
}

/// Has values shown by cells, each by one, and forgets them.
fn show(
    sorted: &mut Sorted,
    cells: &mut Cells<Values>,
    plain: &Plain<'_>,
    wanted: &mut Vec<Wanted>,
    shown_by: &mut Vec<u32>,
) {
    if wanted.is_empty() {
        return;
    }
    let views = sorted.views(plain, wanted);
    for ((Wanted { value, .. }, place), view) in wanted.drain(..).zip(shown_by.drain(..)).zip(views) {
        let number = plain.numbers.get(value.record as usize).copied().unwrap_or_default();
        if let Some(view) = view {
            cells.show(place, || Sample::new(&plain.text(view), value.hash, number));
        }
    }
}

/// Adds values to a cell; those of them that are new to it, up to as many as are shown.
fn add_group(values: &[Found], cell: Option<&mut Cell<Values>>) -> Vec<Found> {
    let mut new = Vec::new();
    let Some(Cell { counts, values: known }) = cell else { return new };
    known.shortest = values.iter().fold(known.shortest, |shortest, value| shortest.min(value.length));
    known.longest = values.iter().fold(known.longest, |longest, value| longest.max(value.length));
    known.total += values.iter().map(|value| u64::from(value.length)).sum::<u64>();
    counts.records += runs(values);
    counts.occurrences += values.len() as u64;
    counts.max = longest_run(values, counts.max);
    let mut rest = values.iter();
    // Where few values differ, many are like the one before.
    let mut last = 0;
    while !known.sketch.is_registers()
        && let Some(value) = rest.next()
    {
        if value.hash != last {
            last = value.hash;
            if known.sketch.insert(value.hash) && new.len() < SAMPLES {
                new.push(*value);
            }
        }
    }
    if let Some(registers) = known.sketch.registers() {
        for value in rest {
            raise(registers, value.hash);
        }
    }
    new
}

/// How many values are looked at together.
const STEP: usize = 64;

/// How many records values are of, which are in their order.
fn runs(values: &[Found]) -> u64 {
    let pairs = values.iter().zip(values.get(1..).unwrap_or_default());
    // Numbers of 32 bits are added several at a time.
    let changes: u32 = pairs.map(|(value, next)| u32::from(value.record != next.record)).sum();
    u64::from(changes) + u64::from(!values.is_empty())
}

/// How many values there are of the record that has most of them, or `known`, if that is more. They are in the order of records.
fn longest_run(values: &[Found], known: u32) -> u32 {
    let mut longest = known as usize;
    let mut rest = values;
    // A run is longer if what is so far behind its beginning is of it, too.
    let begins = |rest: &[Found], longest: usize| {
        let behind = rest.get(longest..).unwrap_or_default();
        let is_run = |(value, behind): (&Found, &Found)| value.record == behind.record;
        let steps = (0..).step_by(STEP).zip(rest.chunks(STEP).zip(behind.chunks(STEP)));
        // Without an end before its end, all of a step is done at once.
        let mut steps = steps
            .filter(|(_, (values, behind))| values.iter().zip(*behind).fold(false, |any, pair| any | is_run(pair)));
        let (from, (values, behind)) = steps.next()?;
        Some(from + values.iter().zip(behind).position(is_run)?)
    };
    while let Some(start) = begins(rest, longest) {
        rest = rest.get(start..).unwrap_or_default();
        let record = rest.first().map(|value| value.record);
        let run = rest.iter().take_while(|value| Some(value.record) == record).count();
        longest = run.max(longest);
        rest = rest.get(run..).unwrap_or_default();
    }
    longest as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_are_those_of_records(lengths in prop::collection::vec(1_usize..5, 0..120), longer in 0_usize..150, known in 0_u32..8) {
            let lengths: Vec<usize> = lengths.into_iter().chain([longer]).filter(|&length| length > 0).collect();
            let values: Vec<Found> = (0..)
                .zip(&lengths)
                .flat_map(|(record, &length)| std::iter::repeat_n(Found { hash: 1, length: 1, record }, length))
                .collect();
            prop_assert_eq!(runs(&values), lengths.len() as u64);
            let longest = lengths.iter().max().map_or(0, |&length| length as u32);
            prop_assert_eq!(longest_run(&values, known), longest.max(known));
        }
    }
}
