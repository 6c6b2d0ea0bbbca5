//! Counting a block: fields in their order, then values sorted by what they are values of.
//!
//! Text is hashed in the order of the block. What came of it is sorted by tag and code, so that the registers of one sketch are
//! in the nearest cache while they are needed, what is counted is in registers of the processor, and branches are foretold.
//! Nothing is allocated for a value, but for what is new: a cell, a hash in a small set, a sample.

use std::collections::HashMap;

use super::cells::{Cell, Counts, SAMPLES, Sample};
use super::hash::{Measured, measure_inline, measure_long};
use super::key::{Key, Symbol, Tag};
use super::sketch::raise;
use super::{Name, POSITIONS, Profile, Values};
use crate::encoding::Encoding;
use crate::iso2709::LEADER_LENGTH;
use crate::layout::{Built, Plain, has_ind1, has_ind2, has_value, is_data};
use crate::problem::{Code, Problem};

/// Stands for no number.
const NONE: u32 = u32::MAX;

/// What is counted in a part, in the order of its appearance, by numbers that are made of dictionary keys.
#[derive(Debug)]
struct Local<T> {
    dense: Vec<u32>,
    /// What lies beyond: blocks with so many tags and codes are no catalogue's.
    sparse: HashMap<usize, u32>,
    found: Vec<(usize, T)>,
}

impl<T> Default for Local<T> {
    fn default() -> Self {
        Self { dense: Vec::new(), sparse: HashMap::new(), found: Vec::new() }
    }
}

impl<T: Default> Local<T> {
    const DENSE: usize = 1 << 20;

    /// Forgets all, and makes room for so many numbers.
    fn clear(&mut self, numbers: usize) {
        self.dense.clear();
        self.dense.resize(numbers.min(Self::DENSE), NONE);
        self.sparse.clear();
        self.found.clear();
    }

    /// Where in `found` the number is.
    #[inline]
    fn place(&mut self, number: usize) -> u32 {
        match self.dense.get(number) {
            Some(&place) if place != NONE => place,
            _ => self.find(number),
        }
    }

    #[cold]
    fn find(&mut self, number: usize) -> u32 {
        if let Some(&place) = self.sparse.get(&number) {
            return place;
        }
        let place = self.found.len() as u32;
        self.found.push((number, T::default()));
        match self.dense.get_mut(number) {
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

/// Counts of a part, whose records count from 0.
#[derive(Debug, Clone, Copy)]
struct Met {
    last: u32,
    in_record: u32,
    records: u32,
    occurrences: u32,
    max: u32,
}

impl Default for Met {
    fn default() -> Self {
        Self { last: NONE, in_record: 0, records: 0, occurrences: 0, max: 0 }
    }
}

impl Met {
    /// Counts one more.
    #[inline]
    fn add(&mut self, record: u32) {
        // What repeats cannot be foretold, so there is no branch.
        let again = u32::from(self.last == record);
        self.last = record;
        self.in_record = self.in_record * again + 1;
        self.records += 1 - again;
        self.occurrences += 1;
        self.max = self.max.max(self.in_record);
    }

    fn counts(&self) -> Counts {
        Counts { records: self.records.into(), occurrences: self.occurrences.into(), max: self.max }
    }
}

/// The values of one tag and code: how many, then where the next of them is put in order.
type Group = u32;

/// A value: its record's place in the part, and what it measures.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    hash: u64,
    length: u32,
    record: u32,
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
    /// Of the part under way.
    tags: Vec<Tag>,
    codes: Vec<Symbol>,
    indicators: (Vec<Symbol>, Vec<Symbol>),
    fields: Vec<Met>,
    pairs: Local<Met>,
    groups: Local<Group>,
    /// The group of each subfield, and of each value of fields.
    of_subfields: Vec<u32>,
    of_fields: Vec<u32>,
    /// Values sorted by group, and where each is in the block.
    order: Vec<Found>,
    places: Vec<u32>,
}

/// How many values what is used again has room for; blocks with more are no catalogue's.
const KEEP: usize = 1 << 20;

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
            tags: Vec::new(),
            codes: Vec::new(),
            indicators: (Vec::new(), Vec::new()),
            fields: Vec::new(),
            pairs: Local::default(),
            groups: Local::default(),
            of_subfields: Vec::new(),
            of_fields: Vec::new(),
            order: Vec::new(),
            places: Vec::new(),
        }
    }
}

/// A dictionary's values, by key.
fn symbols(values: &[impl AsRef<str>], to: &mut Vec<Symbol>) {
    to.clear();
    to.extend(values.iter().map(|value| Symbol::new(Some(value.as_ref())).unwrap_or_default()));
}

impl Accumulator {
    /// The number of the first record that may come next.
    pub(crate) fn reached(&self) -> u64 {
        self.profile.end
    }

    /// Adds what was built of a part of a block.
    pub(crate) fn add(&mut self, plain: &Plain<'_>) {
        self.tags.clear();
        self.tags.extend(plain.tag.values.iter().map(|tag| Tag::new(tag).unwrap_or_default()));
        symbols(plain.code.values, &mut self.codes);
        symbols(plain.ind1.values, &mut self.indicators.0);
        symbols(plain.ind2.values, &mut self.indicators.1);
        self.add_records(plain);
        self.add_fields(plain);
        self.add_values(plain);
        if self.order.capacity() > KEEP {
            (self.order, self.places) = (Vec::new(), Vec::new());
            (self.of_fields, self.of_subfields) = (Vec::new(), Vec::new());
            (self.pairs, self.groups) = (Local::default(), Local::default());
        }
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
            let leader = match plain.long(view) {
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

    /// Counts fields and indicators, and finds the group of each value.
    #[allow(clippy::cast_sign_loss)] // offsets count from 0
    fn add_fields(&mut self, plain: &Plain<'_>) {
        let (firsts, seconds) = (self.indicators.0.len() + 1, self.indicators.1.len() + 1);
        let stride = self.codes.len() + 1;
        self.fields.clear();
        self.fields.resize(self.tags.len(), Met::default());
        self.pairs.clear(self.tags.len() * firsts * seconds);
        self.groups.clear(self.tags.len() * stride);
        self.of_subfields.clear();
        self.of_subfields.reserve(plain.subfield_value.len());
        self.of_fields.clear();
        self.of_fields.resize(plain.value.len(), NONE);
        let mut record = 0;
        let mut left = plain.field_ends.get(1).copied().unwrap_or_default();
        let mut codes = plain.code.keys.iter();
        let symbols = plain.ind1.keys.iter().zip(plain.ind2.keys);
        let columns = plain.flags.iter().zip(plain.tag.keys).zip(symbols).zip(plain.subfield_ends.windows(2));
        for ((((&flags, &tag), (&ind1, &ind2)), ends), of_field) in columns.zip(&mut self.of_fields) {
            while left == 0 {
                record += 1;
                let ends = plain.field_ends.get(record..record + 2).unwrap_or_default();
                let &[start, end] = ends else { return };
                left = end - start;
            }
            left -= 1;
            let tag = usize::from(tag);
            if let Some(met) = self.fields.get_mut(tag) {
                met.add(record as u32);
            }
            if is_data(flags) {
                let first = (usize::from(ind1) + 1) * has_ind1(flags);
                let second = (usize::from(ind2) + 1) * has_ind2(flags);
                let place = self.pairs.place((tag * firsts + first) * seconds + second);
                if let Some(met) = self.pairs.at(place) {
                    met.add(record as u32);
                }
            }
            let mut group = |number| {
                let place = self.groups.place(number);
                if let Some(count) = self.groups.at(place) {
                    *count += 1;
                }
                place
            };
            if has_value(flags) {
                *of_field = group(tag * stride);
            }
            let count = if let &[start, end] = ends { (end - start) as usize } else { 0 };
            self.of_subfields
                .extend(codes.by_ref().take(count).map(|&code| group(tag * stride + usize::from(code) + 1)));
        }
        let symbol = |key: usize, symbols: &[Symbol]| {
            key.checked_sub(1).and_then(|key| symbols.get(key)).copied().unwrap_or_default()
        };
        for (&tag, met) in self.tags.iter().zip(&self.fields).filter(|(_, met)| met.occurrences > 0) {
            self.profile.fields.add(Key { tag, ..Key::default() }, &met.counts());
        }
        for &(number, met) in &self.pairs.found {
            let tag = self.tags.get(number / seconds / firsts).copied().unwrap_or_default();
            let first = symbol(number / seconds % firsts, &self.indicators.0);
            let second = symbol(number % seconds, &self.indicators.1);
            self.profile.indicators.add(Key { tag, first, second }, &met.counts());
        }
    }

    /// Sorts values by group, and counts group by group.
    #[allow(clippy::cast_sign_loss)] // offsets count from 0
    fn add_values(&mut self, plain: &Plain<'_>) {
        let mut start = 0;
        for (_, count) in &mut self.groups.found {
            start += std::mem::replace(count, start);
        }
        // What is there already is overwritten.
        self.order.resize(start as usize, Found::default());
        self.places.resize(start as usize, 0);
        let groups = &mut self.groups.found;
        let mut put = |group: u32, record: usize, place: usize, view: u128| {
            let Measured { hash, length } = measure(plain, view);
            if let Some((_, reached)) = groups.get_mut(group as usize) {
                let at = *reached as usize;
                if let (Some(slot), Some(slot_of_place)) = (self.order.get_mut(at), self.places.get_mut(at)) {
                    *slot = Found { hash, length, record: record as u32 };
                    *slot_of_place = place as u32;
                }
                *reached += 1;
            }
        };
        for (record, ends) in plain.field_ends.windows(2).enumerate() {
            let &[start, end] = ends else { continue };
            let fields = start as usize..end as usize;
            let of_subfields = |field: usize| plain.subfield_ends.get(field).map_or(0, |&end| end as usize);
            let subfields = of_subfields(fields.start)..of_subfields(fields.end);
            let of_fields = self.of_fields.get(fields.clone()).unwrap_or_default();
            let values = plain.value.get(fields.clone()).unwrap_or_default();
            for (place, (&view, &group)) in fields.zip(values.iter().zip(of_fields)) {
                if group != NONE {
                    put(group, record, place, view);
                }
            }
            let of_subfields = self.of_subfields.get(subfields.clone()).unwrap_or_default();
            let values = plain.subfield_value.get(subfields.clone()).unwrap_or_default();
            for (place, (&view, &group)) in subfields.zip(values.iter().zip(of_subfields)) {
                put(group, record, place, view);
            }
        }
        let stride = self.codes.len() + 1;
        let mut rest = self.order.as_slice();
        let mut before = 0;
        for &(number, end) in &self.groups.found {
            let Some((values, after)) = rest.split_at_checked((end - before) as usize) else { return };
            (rest, before) = (after, end);
            let tag = self.tags.get(number / stride).copied().unwrap_or_default();
            let code = (number % stride).checked_sub(1);
            let first = code.and_then(|code| self.codes.get(code)).copied().unwrap_or_default();
            let cells = &mut self.profile.subfields;
            cells.make_room();
            let place = cells.place(Key { tag, first, second: Symbol::NULL });
            for at in add_group(values, cells.at(place)) {
                let start = before as usize - values.len();
                let Some((found, &at)) = values.get(at).zip(self.places.get(start + at)) else { continue };
                let number = plain.numbers.get(found.record as usize).copied().unwrap_or_default();
                let views = if code.is_none() { plain.value } else { plain.subfield_value };
                if let Some(&view) = views.get(at as usize) {
                    cells.show(place, || Sample::new(&plain.text(view), found.hash, number));
                }
            }
        }
    }

    /// What was counted, for good.
    pub(crate) fn finish(mut self) -> Profile {
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

/// Adds values to a cell; which of them are new to it, up to as many as are shown.
fn add_group(values: &[Found], cell: Option<&mut Cell<Values>>) -> Vec<usize> {
    let mut new = Vec::new();
    let Some(Cell { counts, values: known }) = cell else { return new };
    let mut met = Met::default();
    let (mut shortest, mut longest, mut total) = (known.shortest, known.longest, known.total);
    for &Found { length, record, .. } in values {
        met.add(record);
        shortest = shortest.min(length);
        longest = longest.max(length);
        total += u64::from(length);
    }
    (known.shortest, known.longest, known.total) = (shortest, longest, total);
    counts.merge(&met.counts());
    let mut rest = values.iter().enumerate();
    // Where few values differ, many are like the one before.
    let mut last = 0;
    while !known.sketch.is_registers()
        && let Some((at, &found)) = rest.next()
    {
        if found.hash != last {
            last = found.hash;
            if known.sketch.insert(last) && new.len() < SAMPLES {
                new.push(at);
            }
        }
    }
    if let Some(registers) = known.sketch.registers() {
        for (_, found) in rest {
            raise(registers, found.hash);
        }
    }
    new
}

#[inline]
fn measure(plain: &Plain<'_>, view: u128) -> Measured {
    match plain.long(view) {
        None => measure_inline(view),
        Some(value) => measure_long(value),
    }
}
