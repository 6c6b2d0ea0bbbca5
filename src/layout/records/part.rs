//! Sound records of which some fields are wanted: those are gathered by the directory and looked into, the others are not.

use std::mem;

use super::RecordsBuilder;
use super::sound::{Candidate, Found, frame};
use crate::iso2709::agreement::agree;
use crate::iso2709::directory::ENTRY_LENGTH;
use crate::iso2709::is_control_tag;
use crate::iso2709::tape;
use crate::iso2709::tape::Subfields;
use crate::layout::Tags;
#[cfg(target_arch = "x86_64")]
use crate::layout::vectors::Vectors;

/// The fields of a record that are wanted: what [`Found`] has of all.
#[derive(Default)]
pub(super) struct Gathered {
    /// Which fields of the record are wanted or control fields.
    looked_at: Vec<u32>,
    entries: Vec<[u8; ENTRY_LENGTH]>,
    before: Vec<u32>,
    ends: Vec<u32>,
    reached: Vec<u32>,
    subfields: tape::Found,
}

impl Gathered {
    fn clear(&mut self) {
        self.entries.clear();
        for list in [&mut self.before, &mut self.ends, &mut self.reached] {
            list.clear();
        }
        self.subfields.clear();
    }

    fn push(&mut self, block: &[u8], entry: [u8; ENTRY_LENGTH], before: u32, end: u32, find: Subfields) {
        find.extend(&mut self.subfields, block, before as usize + 1, end as usize);
        self.entries.push(entry);
        self.before.push(before);
        self.ends.push(end);
        self.reached.push(self.subfields.delimiters.len() as u32);
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
        let mut gathered = self.gathered.take().unwrap_or_default();
        let pushed = self.push_gathered(record, &mut gathered);
        self.gathered = Some(gathered);
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
        let Gathered { entries: wanted, before, ends, reached, subfields, .. } = &*gathered;
        let tape::Found { delimiters, ends: subfield_ends, codes } = subfields;
        let found = Found { before, ends, first: 0, reached, delimiters, subfield_ends, codes: Some(codes) };
        if !self.push_run(block, wanted, controls, &found, decoding.as_ref()) {
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

    /// Gathers the fields that are wanted; `None` if the directory does not say what the terminators do, or something is out of
    /// the ordinary.
    fn gather(
        &mut self,
        block: &[u8],
        entries: &[[u8; ENTRY_LENGTH]],
        terminators: &[u32],
        gathered: &mut Gathered,
    ) -> Option<Beside> {
        let tags = self.tags.as_ref()?;
        agree(entries, terminators)?;
        let mut looked_at = mem::take(&mut gathered.looked_at);
        look_through(entries, tags, &mut looked_at);
        let positions = self.positions.len();
        gathered.clear();
        let mut beside = Beside { controls: 0, number: None };
        let mut sound = true;
        let find = Subfields::new();
        for &place in &looked_at {
            let (place, entry) = (place as usize, entries.get(place as usize)?);
            let (&before, &end) = (terminators.get(place)?, terminators.get(place + 1)?);
            let &[a, b, c, ..] = entry;
            let tag = [a, b, c];
            let is_wanted = tags.contains(tag);
            let is_control = is_control_tag(tag);
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
                gathered.push(block, *entry, before, end, find);
                sound &= !is_control || gathered.subfields.delimiters.is_empty();
                beside.controls += usize::from(is_control);
                self.positions.push(place as u32 + 1);
            }
        }
        gathered.looked_at = looked_at;
        if !sound {
            self.positions.truncate(positions);
        }
        sound.then_some(beside)
    }
}

/// Finds the fields that are wanted, and the control fields.
#[inline(never)] // what the loop needs stays in registers
fn look_through(entries: &[[u8; ENTRY_LENGTH]], tags: &Tags, found: &mut Vec<u32>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(vectors) = Vectors::worthwhile(entries.len())
        && vectors.select(found, entries, tags.bits())
    {
        return;
    }
    found.resize(entries.len(), 0);
    let mut count = 0;
    for (place, &[a, b, c, ..]) in entries.iter().enumerate() {
        // Which fields those are cannot be foretold, so every one is written down, and what is none of them is not kept.
        if let Some(slot) = found.get_mut(count) {
            *slot = place as u32;
        }
        count += usize::from(tags.contains([a, b, c]) | is_control_tag([a, b, c]));
    }
    found.truncate(count);
}
