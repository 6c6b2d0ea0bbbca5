//! Sound records of which some fields are wanted: those are gathered by the directory and looked into, the others are not.

use std::mem;

use memchr::memchr_iter;

use super::RecordsBuilder;
use super::sound::{Candidate, Found, frame};
use crate::iso2709::directory::{ENTRY_LENGTH, Entry, Place};
use crate::iso2709::{DELIMITER, is_control_tag};

/// The fields of a record that are wanted: what [`Found`] has of all.
#[derive(Default)]
pub(super) struct Gathered {
    entries: Vec<[u8; ENTRY_LENGTH]>,
    before: Vec<u32>,
    ends: Vec<u32>,
    reached: Vec<u32>,
    delimiters: Vec<u32>,
    subfield_ends: Vec<u32>,
}

impl Gathered {
    fn clear(&mut self) {
        self.entries.clear();
        for list in [&mut self.before, &mut self.ends, &mut self.reached, &mut self.delimiters, &mut self.subfield_ends]
        {
            list.clear();
        }
    }

    fn push(&mut self, block: &[u8], entry: [u8; ENTRY_LENGTH], before: u32, end: u32) {
        let start = before + 1;
        let first = self.delimiters.len();
        let field = block.get(start as usize..end as usize).unwrap_or_default();
        self.delimiters.extend(memchr_iter(DELIMITER, field).map(|at| start + at as u32));
        if let Some(nexts) = self.delimiters.get(first + 1..) {
            self.subfield_ends.extend(nexts);
            self.subfield_ends.push(end);
        }
        self.entries.push(entry);
        self.before.push(before);
        self.ends.push(end);
        self.reached.push(self.delimiters.len() as u32);
    }
}

/// What was found beside the fields that were gathered.
struct Beside {
    /// How many of them are control fields, which come first.
    controls: usize,
    /// The first control number: its place among them or, where it is none of them, in the block.
    number: Option<Number>,
}

enum Number {
    Among(usize),
    Alone { start: usize, end: usize },
}

impl RecordsBuilder {
    /// As `push_sound`, of the fields that are wanted.
    pub(super) fn push_sound_part(&mut self, record: &Candidate<'_>) -> Option<usize> {
        let mut gathered = mem::take(&mut self.gathered);
        let pushed = self.push_gathered(record, &mut gathered);
        self.gathered = gathered;
        pushed
    }

    fn push_gathered(&mut self, record: &Candidate<'_>, gathered: &mut Gathered) -> Option<usize> {
        let Candidate { block, start, decoding, .. } = *record;
        let (entries, terminators) = frame(record)?;
        let length = self.length();
        let Beside { controls, number } = self.gather(block, entries, terminators, gathered)?;
        let alone = match number {
            Some(Number::Alone { start, end }) => Some(self.text(block, start, end, decoding, *b"001")),
            _ => None,
        };
        let Gathered { entries: wanted, before, ends, reached, delimiters, subfield_ends } = &*gathered;
        let found = Found { before, ends, first: 0, reached, delimiters, subfield_ends };
        if !self.push_run(block, wanted, controls, &found, decoding) {
            self.truncate(length);
            return None;
        }
        let control_number = match number {
            Some(Number::Among(place)) => self.value.get(length.fields + place).copied(),
            _ => alone,
        };
        self.push_record(block, start, control_number);
        Some(entries.len())
    }

    /// Gathers the fields that are wanted; `None` if the directory does not say what the terminators do, or something is out of the
    /// ordinary.
    fn gather(
        &mut self,
        block: &[u8],
        entries: &[[u8; ENTRY_LENGTH]],
        terminators: &[u32],
        gathered: &mut Gathered,
    ) -> Option<Beside> {
        let tags = self.tags.as_ref()?;
        if !agree(entries, terminators) {
            return None;
        }
        let positions = self.positions.len();
        gathered.clear();
        let mut beside = Beside { controls: 0, number: None };
        let mut sound = true;
        for (place, (entry, &before)) in entries.iter().zip(terminators).enumerate() {
            let &[a, b, c, ..] = entry;
            let tag = [a, b, c];
            let is_wanted = tags.contains(tag);
            let is_control = is_control_tag(tag);
            if !is_wanted && !is_control {
                continue;
            }
            let end = *terminators.get(place + 1)?;
            if is_control {
                // A cut may only be made beside ASCII.
                sound &= block.get(before as usize + 1).is_some_and(u8::is_ascii);
                if tag == *b"001" && beside.number.is_none() {
                    beside.number = Some(if is_wanted {
                        Number::Among(gathered.entries.len())
                    } else {
                        Number::Alone { start: before as usize + 1, end: end as usize }
                    });
                }
            }
            if is_wanted {
                // Control fields come first, and a delimiter in one is data.
                sound &= !is_control || beside.controls == gathered.entries.len();
                gathered.push(block, *entry, before, end);
                sound &= !is_control || gathered.delimiters.is_empty();
                beside.controls += usize::from(is_control);
                self.positions.push(place as u32 + 1);
            }
        }
        if !sound {
            self.positions.truncate(positions);
        }
        sound.then_some(beside)
    }
}

/// Whether the directory says what the terminators do.
#[inline(never)]
fn agree(entries: &[[u8; ENTRY_LENGTH]], terminators: &[u32]) -> bool {
    let Some((&base, ends)) = terminators.split_first() else { return false };
    entries.iter().zip(terminators).zip(ends).fold(true, |all, ((entry, &before), &end)| {
        let place = Place { length: (end - before) as usize, start: (before - base) as usize };
        all & (Entry::new(entry).place == Some(place))
    })
}
