//! The values of a part of a block, sorted by what they are values of.
//!
//! So the registers of one sketch are in the nearest cache while they are needed, what is counted is in registers of the processor,
//! and branches are foretold. Each loop goes over all values of the part and does one thing, without a branch that depends on how
//! many subfields a field has. Nothing is allocated for a value where there are no more numbers than [`DENSE`].

use std::collections::HashMap;
use std::ops::Range;

use super::hash::{Measured, measure, measure_all};
use super::numbers::Numbers;
use crate::layout::Plain;

/// How many subfields most fields have at most.
const FEW: usize = 8;

/// Numbers up to here have a place in a table. Blocks with so many tags and codes are no catalogue's.
pub(super) const DENSE: usize = 1 << 20;

/// How many values what is used again has room for; parts with more are no catalogue's.
const KEEP: usize = 1 << 20;

/// Values, sorted by what they are values of.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    of_fields: List,
    of_subfields: List,
    /// The values of fields; those of subfields are the part's.
    values: Vec<u128>,
    /// How many values each number has, then where the next of them comes.
    counts: Vec<u32>,
    /// Where there are more numbers than [`DENSE`]: those that were met, in the order of the numbers that they have in place of them.
    renumbered: Vec<u32>,
    groups: Vec<Group>,
    found: Vec<Found>,
    /// While the views of a record's values are looked for: by number, the first of those that are wanted. Otherwise [`NOWHERE`].
    heads: Vec<u32>,
}

/// Stands for no place.
const NOWHERE: u32 = u32::MAX;

/// Of each value, in their order.
#[derive(Debug, Default)]
struct List {
    /// What it is a value of.
    numbers: Vec<u32>,
    /// The place of its record in the part.
    records: Vec<u32>,
}

/// A value.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    pub hash: u64,
    /// In characters.
    pub length: u32,
    /// The place of its record in the part.
    pub record: u32,
}

/// A value whose text is to be shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The place of its number among those that have values.
    pub group: usize,
    pub value: Found,
}

/// Where the values of a number are.
#[derive(Debug, Clone, Copy)]
struct Group {
    number: u32,
    start: u32,
    end: u32,
}

impl Sorted {
    /// Forgets all, and makes room for so many subfields.
    pub(super) fn clear(&mut self, subfields: usize) {
        if self.found.capacity() > KEEP {
            *self = Self::default();
        }
        self.of_fields.numbers.clear();
        self.of_fields.records.clear();
        self.values.clear();
        self.of_subfields.records.clear();
        // What is there already is overwritten.
        self.of_subfields.numbers.resize(subfields + FEW, 0);
    }

    /// Takes the value of a field.
    #[inline]
    pub(super) fn push_value(&mut self, record: u32, number: u32, view: u128) {
        self.of_fields.numbers.push(number);
        self.of_fields.records.push(record);
        self.values.push(view);
    }

    /// Says that a record has so many subfields.
    #[inline]
    pub(super) fn push_record(&mut self, record: u32, subfields: usize) {
        let records = &mut self.of_subfields.records;
        records.resize(records.len() + subfields, record);
    }

    /// Room for what each subfield, by its place, and some more that are not there, begin to count from.
    pub(super) fn subfields(&mut self) -> &mut [u32] {
        &mut self.of_subfields.numbers
    }

    /// Sorts the values that were taken.
    pub(super) fn sort(&mut self, plain: &Plain<'_>, numbers: &Numbers) {
        let numbers_of_codes = numbers.codes();
        self.of_subfields.numbers.truncate(plain.code.keys.len());
        for (number, &key) in self.of_subfields.numbers.iter_mut().zip(plain.code.keys) {
            *number += numbers_of_codes.get(usize::from(key)).copied().unwrap_or_default();
        }
        self.counts.clear();
        self.renumbered.clear();
        if numbers.subfields() <= DENSE {
            self.counts.resize(numbers.subfields(), 0);
            for &number in self.of_fields.numbers.iter().chain(&self.of_subfields.numbers) {
                if let Some(count) = self.counts.get_mut(number as usize) {
                    *count += 1;
                }
            }
        } else {
            self.renumber();
        }
        self.groups.clear();
        let mut start = 0;
        for (number, count) in (0..).zip(&mut self.counts).filter(|(_, count)| **count > 0) {
            let end = start + *count;
            self.groups.push(Group { number, start, end });
            *count = start;
            start = end;
        }
        // What is there already is overwritten.
        self.found.resize(start as usize, Found::default());
        let mut sorter = Sorter { plain, next: &mut self.counts, found: &mut self.found };
        sorter.put(&self.of_fields, &self.values);
        sorter.put(&self.of_subfields, plain.subfield_value);
    }

    /// Counts values where there are too many numbers, and gives them others without gaps.
    #[cold]
    fn renumber(&mut self) {
        let mut known = HashMap::new();
        for number in self.of_fields.numbers.iter_mut().chain(&mut self.of_subfields.numbers) {
            let next = self.renumbered.len() as u32;
            let other = *known.entry(*number).or_insert(next);
            if other == next {
                self.renumbered.push(*number);
                self.counts.push(0);
            }
            if let Some(count) = self.counts.get_mut(other as usize) {
                *count += 1;
            }
            *number = other;
        }
    }

    /// How many numbers have values.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// One of the numbers that have values, and these, in their order.
    pub(super) fn get(&self, at: usize) -> Option<(usize, &[Found])> {
        let &Group { number, start, end } = self.groups.get(at)?;
        let values = self.found.get(start as usize..end as usize)?;
        Some((self.renumbered.get(number as usize).copied().unwrap_or(number) as usize, values))
    }

    /// The views of `wanted`, each that of the first value of its record that is the same, of the same number. Goes through each
    /// of their records once, however much of it is wanted.
    #[cold]
    pub(super) fn views(&mut self, plain: &Plain<'_>, wanted: &[Wanted]) -> Vec<Option<u128>> {
        let mut views = vec![None; wanted.len()];
        // Those of a record together, and of those the ones of a number.
        let mut order: Vec<(u32, u32, usize)> = Vec::with_capacity(wanted.len());
        for (place, Wanted { group, value }) in wanted.iter().enumerate() {
            if let Some(group) = self.groups.get(*group) {
                order.push((value.record, group.number, place));
            }
        }
        order.sort_unstable();
        self.heads.resize(self.heads.len().max(self.counts.len()), NOWHERE);
        for of_record in order.chunk_by(|a, b| a.0 == b.0) {
            for (place, &(_, number, _)) in of_record.iter().enumerate().rev() {
                if let Some(head) = self.heads.get_mut(number as usize) {
                    *head = place as u32;
                }
            }
            let record = of_record.first().map_or(0, |&(record, _, _)| record);
            for (list, of_list) in [(&self.of_fields, &self.values[..]), (&self.of_subfields, plain.subfield_value)] {
                let from = list.records.partition_point(|&one| one < record);
                let values = list.records.iter().zip(&list.numbers).zip(of_list).skip(from);
                for ((_, &number), &view) in values.take_while(|((one, _), _)| **one == record) {
                    let head = self.heads.get(number as usize).copied().unwrap_or(NOWHERE);
                    let of_number = of_record.get(head as usize..).unwrap_or_default();
                    if of_number.is_empty() {
                        continue;
                    }
                    let hash = measure(plain.buffers, view).hash;
                    for &(_, _, place) in of_number.iter().take_while(|(_, one, _)| *one == number) {
                        let is_it = wanted.get(place).is_some_and(|wanted| wanted.value.hash == hash);
                        if let Some(found) = views.get_mut(place).filter(|found| is_it && found.is_none()) {
                            *found = Some(view);
                        }
                    }
                }
            }
            for &(_, number, _) in of_record {
                if let Some(head) = self.heads.get_mut(number as usize) {
                    *head = NOWHERE;
                }
            }
        }
        views
    }
}

/// Puts values where they belong.
struct Sorter<'a> {
    plain: &'a Plain<'a>,
    /// By number.
    next: &'a mut [u32],
    found: &'a mut [Found],
}

impl Sorter<'_> {
    fn put(&mut self, list: &List, views: &[u128]) {
        let Self { plain, next, found } = self;
        let mut list = list.numbers.iter().zip(&list.records);
        measure_all(plain.buffers, views, |Measured { hash, length }| {
            let Some((&number, &record)) = list.next() else { return };
            let Some(next) = next.get_mut(number as usize) else { return };
            if let Some(slot) = found.get_mut(*next as usize) {
                *slot = Found { hash, length, record };
            }
            *next += 1;
        });
    }
}

/// Has every one of `places` of `list` be `number`.
#[inline]
pub(super) fn fill(list: &mut [u32], places: Range<usize>, number: u32) {
    // Those beyond the last are overwritten, too.
    if let Some(first) = list.get_mut(places.start..).and_then(|rest| rest.first_chunk_mut::<FEW>()) {
        *first = [number; FEW];
    }
    if places.len() > FEW
        && let Some(all) = list.get_mut(places)
    {
        all.fill(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_may_have_any_number_of_subfields() {
        let counts = [0, 1, 7, 8, 9, 2, 0, 16, 17, 40, 0, 3];
        let mut list = vec![0; counts.iter().sum::<usize>() + FEW];
        let mut expected = Vec::new();
        for (number, count) in (1..).zip(counts) {
            fill(&mut list, expected.len()..expected.len() + count, number);
            expected.extend(std::iter::repeat_n(number, count));
        }
        assert_eq!(list[..expected.len()], expected);
    }
}
