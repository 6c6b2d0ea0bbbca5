//! Counting a block: the loop over every field and value.
//!
//! A value costs a look into a dense table for the place of its cell, a hash, and a register of the cell's sketch. Nothing is
//! allocated for it, but for what is new: a cell, a hash in a small set, a sample.

use std::collections::HashMap;
use std::ops::Range;

use super::cells::{Cells, Merge, Sample};
use super::hash::{Measured, measure_inline, measure_long};
use super::key::{Key, Symbol, Tag};
use super::{Name, POSITIONS, Profile, Values};
use crate::encoding::Encoding;
use crate::iso2709::LEADER_LENGTH;
use crate::layout::{Built, Plain, has_ind1, has_ind2, has_value, is_data};
use crate::problem::{Code, Problem};

/// Stands for no place.
const NONE: u32 = u32::MAX;

/// Where the cells of a block's keys are, by numbers that are made of dictionary keys.
#[derive(Debug, Default)]
struct Local {
    dense: Vec<u32>,
    /// What lies beyond: blocks with so many tags and codes are no catalogue's.
    sparse: HashMap<usize, u32>,
}

impl Local {
    const DENSE: usize = 1 << 20;

    /// Forgets all, and makes room for so many numbers.
    fn clear(&mut self, numbers: usize) {
        self.dense.clear();
        self.dense.resize(numbers.min(Self::DENSE), NONE);
        self.sparse.clear();
    }


    fn set(&mut self, number: usize, place: u32) {
        match self.dense.get_mut(number) {
            Some(slot) => *slot = place,
            None => drop(self.sparse.insert(number, place)),
        }
    }
}

/// The place of the cell of a key whose number in this block is `number`.
#[inline]
fn place<V: Merge>(local: &mut Local, cells: &mut Cells<V>, number: usize, key: impl FnOnce() -> Key) -> u32 {
    match local.dense.get(number) {
        Some(&place) if place != NONE => place,
        _ => find(local, cells, number, key()),
    }
}

#[cold]
fn find<V: Merge>(local: &mut Local, cells: &mut Cells<V>, number: usize, key: Key) -> u32 {
    if let Some(&place) = local.sparse.get(&number) {
        return place;
    }
    if cells.is_full() {
        cells.prune();
        let numbers = local.dense.len();
        local.clear(numbers);
    }
    let place = cells.place(key);
    local.set(number, place);
    place
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
    fields: Local,
    pairs: Local,
    subfields: Local,
    /// The values of a record.
    measured: Vec<Measured>,
    /// Records so far, for [`Counts`](super::cells::Counts).
    records: u64,
}

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
            fields: Local::default(),
            pairs: Local::default(),
            subfields: Local::default(),
            measured: Vec::new(),
            records: 0,
        }
    }
}

/// A dictionary's values, by key.
fn symbols(values: &[String], to: &mut Vec<Symbol>) {
    to.clear();
    to.extend(values.iter().map(|value| Symbol::new(Some(value)).unwrap_or_default()));
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
        self.fields.clear(self.tags.len());
        self.subfields.clear(self.tags.len() * (self.codes.len() + 1));
        self.pairs.clear(self.tags.len() * (self.indicators.0.len() + 1) * (self.indicators.1.len() + 1));
        self.add_records(plain);
        self.add_fields(plain);
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

    fn add_fields(&mut self, plain: &Plain<'_>) {
        let mut walk = Walk {
            tags: &self.tags,
            codes: &self.codes,
            indicators: (&self.indicators.0, &self.indicators.1),
            local: (&mut self.fields, &mut self.pairs, &mut self.subfields),
            fields: &mut self.profile.fields,
            pairs: &mut self.profile.indicators,
            subfields: &mut self.profile.subfields,
            plain,
            number: 0,
            now: self.records,
        };
        for (record, ends) in plain.field_ends.windows(2).enumerate() {
            let &[start, end] = ends else { continue };
            walk.number = plain.numbers.get(record).copied().unwrap_or_default();
            walk.now += 1;
            #[allow(clippy::cast_sign_loss)] // offsets count from 0
            walk.add_record(start as usize..end as usize, &mut self.measured);
        }
        self.records = walk.now;
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

/// What a loop over the fields of records looks at.
struct Walk<'a> {
    tags: &'a [Tag],
    codes: &'a [Symbol],
    indicators: (&'a [Symbol], &'a [Symbol]),
    local: (&'a mut Local, &'a mut Local, &'a mut Local),
    fields: &'a mut Cells<()>,
    pairs: &'a mut Cells<()>,
    subfields: &'a mut Cells<Values>,
    plain: &'a Plain<'a>,
    /// The record's number in the input, and in this accumulator.
    number: u64,
    now: u64,
}

/// The symbol that a dictionary's key stands for; 0 stands for null, and keys count from 1.
fn symbol(key: usize, symbols: &[Symbol]) -> Symbol {
    key.checked_sub(1).and_then(|key| symbols.get(key)).copied().unwrap_or_default()
}

#[allow(clippy::cast_sign_loss)] // offsets count from 0
impl Walk<'_> {
    fn add_record(&mut self, fields: Range<usize>, measured: &mut Vec<Measured>) {
        let plain = self.plain;
        let ends = plain.subfield_ends.get(fields.start..=fields.end).unwrap_or_default();
        let (Some(&first), Some(&last)) = (ends.first(), ends.last()) else { return };
        let all = first as usize..last as usize;
        let views = plain.subfield_value.get(all.clone()).unwrap_or_default();
        let codes = plain.code.keys.get(all).unwrap_or_default();
        // Hashes come first, in a loop of their own: what is done with them takes many branches that depend on them.
        measured.clear();
        measured.extend(views.iter().map(|&view| measure(plain, view)));
        let mut subfields = codes.iter().zip(&*measured).zip(views);

        let flags = plain.flags.get(fields.clone()).unwrap_or_default();
        let tags = plain.tag.keys.get(fields.clone()).unwrap_or_default();
        let ind1 = plain.ind1.keys.get(fields.clone()).unwrap_or_default();
        let ind2 = plain.ind2.keys.get(fields.clone()).unwrap_or_default();
        let values = plain.value.get(fields).unwrap_or_default();
        let columns = flags.iter().zip(tags).zip(ind1.iter().zip(ind2)).zip(values.iter().zip(ends.windows(2)));
        let stride = self.codes.len() + 1;
        for (((&flags, &tag), (&ind1, &ind2)), (&value, ends)) in columns {
            let tag = usize::from(tag);
            self.add_field(tag);
            if is_data(flags) {
                let first = (usize::from(ind1) + 1) * has_ind1(flags);
                let second = (usize::from(ind2) + 1) * has_ind2(flags);
                self.add_pair(tag, first, second);
            }
            if has_value(flags) {
                self.add_value(tag, 0, stride, measure(plain, value), value);
            }
            let count = if let &[start, end] = ends { (end - start) as usize } else { 0 };
            for ((&code, &measured), &view) in subfields.by_ref().take(count) {
                self.add_value(tag, usize::from(code) + 1, stride, measured, view);
            }
        }
    }

    #[inline]
    fn add_field(&mut self, tag: usize) {
        let tags = self.tags;
        let key = || Key { tag: tags.get(tag).copied().unwrap_or_default(), ..Key::default() };
        let place = place(self.local.0, self.fields, tag, key);
        if let Some(cell) = self.fields.at(place) {
            cell.counts.add(self.now);
        }
    }

    #[inline]
    fn add_pair(&mut self, tag: usize, first: usize, second: usize) {
        let (firsts, seconds) = self.indicators;
        let tags = self.tags;
        let key = || Key {
            tag: tags.get(tag).copied().unwrap_or_default(),
            first: symbol(first, firsts),
            second: symbol(second, seconds),
        };
        let number = (tag * (firsts.len() + 1) + first) * (seconds.len() + 1) + second;
        let place = place(self.local.1, self.pairs, number, key);
        if let Some(cell) = self.pairs.at(place) {
            cell.counts.add(self.now);
        }
    }

    #[inline]
    fn add_value(&mut self, tag: usize, code: usize, stride: usize, measured: Measured, view: u128) {
        let (tags, codes) = (self.tags, self.codes);
        let key = || Key {
            tag: tags.get(tag).copied().unwrap_or_default(),
            first: symbol(code, codes),
            second: Symbol::NULL,
        };
        let place = place(self.local.2, self.subfields, tag * stride + code, key);
        let Some(cell) = self.subfields.at(place) else { return };
        cell.counts.add(self.now);
        if cell.values.add(measured) {
            let (plain, number) = (self.plain, self.number);
            self.subfields.show(place, || Sample::new(&plain.text(view), measured.hash, number));
        }
    }
}

#[inline]
fn measure(plain: &Plain<'_>, view: u128) -> Measured {
    match plain.long(view) {
        None => measure_inline(view),
        Some(value) => measure_long(value),
    }
}
