//! Records in which everything but, it may be, the encoding is as it should be, which are nearly all: the marks say where
//! fields and subfields are, a pass over the directory checks that it says the same, and the rest fill one column after the
//! other.
//!
//! Which record that is, and what becomes of it, must agree with `Outline::read`, `BlockText::judge` and
//! `RecordsBuilder::push`, to which every other record is left; tests compare the two ways on any records. Loops are short
//! and each does one thing, so that what they need stays in registers.

use std::ops::Range;

use super::{Capacity, DATA, IND1, IND2, RecordsBuilder, VALUE};
use crate::encoding::{Decoding, is_plain_ascii};
use crate::iso2709::directory::{ENTRY_LENGTH, Entry, Place};
use crate::iso2709::tape::Tape;
use crate::iso2709::{DELIMITER, FIELD_TERMINATOR, LEADER_LENGTH, Leader, RECORD_TERMINATOR, is_control_tag};
use crate::layout::Tags;
use crate::layout::arrays::{BLOCK, view, view_between};

/// A record about whose text there is nothing to say, whatever its structure is.
pub(in crate::layout) struct Candidate<'a> {
    pub block: &'a [u8],
    /// Where it begins and ends in the block.
    pub start: usize,
    pub end: usize,
    /// The block's marks.
    pub tape: &'a Tape,
    /// The number of the first terminator that is not before the record.
    pub terminator: usize,
    /// How its values become text; `None` where all of them are that as they stand.
    pub decoding: Option<Decoding>,
}

/// The fields of a record and its subfields, as its marks say.
#[derive(Clone, Copy)]
struct Found<'a> {
    /// The byte before each field: the terminator of the directory, then that of every field but the last.
    before: &'a [u32],
    /// Every field's terminator.
    ends: &'a [u32],
    /// The block's delimiters before the record's, and those before each field's end.
    first: u32,
    reached: &'a [u32],
    /// Each subfield's delimiter, and its end.
    delimiters: &'a [u32],
    subfield_ends: &'a [u32],
}

impl<'a> Found<'a> {
    /// What there is between the directory's terminator, which has this number, and the `fields`th after it.
    fn new(tape: &'a Tape, directory: usize, fields: usize) -> Option<Self> {
        let terminators = tape.terminators().get(directory..=directory + fields)?;
        let (_, ends) = terminators.split_first()?;
        let before = terminators.get(..fields)?;
        let (&first, reached) = tape.before().get(directory..=directory + fields)?.split_first()?;
        let subfields = first as usize..*reached.last()? as usize;
        let (delimiters, subfield_ends) = (tape.delimiters().get(subfields.clone())?, tape.ends().get(subfields)?);
        Some(Self { before, ends, first, reached, delimiters, subfield_ends })
    }

    /// Of some of the fields, one after the other.
    fn part(&self, fields: Range<usize>) -> Option<Self> {
        let (before, ends) = (self.before.get(fields.clone())?, self.ends.get(fields.clone())?);
        let first = fields.start.checked_sub(1).map_or(Some(&self.first), |last| self.reached.get(last))?;
        let reached = self.reached.get(fields)?;
        let subfields = (first - self.first) as usize..(*reached.last()? - self.first) as usize;
        let (delimiters, subfield_ends) = (self.delimiters.get(subfields.clone())?, self.subfield_ends.get(subfields)?);
        Some(Self { before, ends, first: *first, reached, delimiters, subfield_ends })
    }
}

impl RecordsBuilder {
    /// Appends the record if it is sound and tells how many fields it has; `None`, and nothing is appended, if something about it
    /// is out of the ordinary.
    pub(in crate::layout) fn push_sound(&mut self, record: &Candidate<'_>) -> Option<usize> {
        let Candidate { block, start, end, tape, terminator, decoding } = *record;
        let bytes = block.get(start..end)?;
        let leader = Leader::new(bytes).filter(|leader| leader.as_bytes().is_ascii())?;
        let base = leader.base_address()?;
        let (entries, excess) = bytes.get(LEADER_LENGTH..base.checked_sub(1)?)?.as_chunks::<ENTRY_LENGTH>();
        let found = Found::new(tape, terminator, entries.len())?;
        // The directory ends in the record's first terminator, and the last of the fields' in its last.
        let framed = excess.is_empty()
            && found.before.first() == Some(&((start + base - 1) as u32))
            && found.ends.last() == Some(&((end - 2) as u32))
            && bytes.get(base - 1) == Some(&FIELD_TERMINATOR)
            && bytes.last() == Some(&RECORD_TERMINATOR);
        if !framed {
            return None;
        }
        let controls = control_fields(block, entries, &found)?;
        let number = entries.iter().take(controls).position(|entry| entry.starts_with(b"001"));
        let before = self.length();
        // Where the control number is left out of the fields, it is not decoded with them.
        let is_wanted = |tags: &Option<Tags>, tag| tags.as_ref().is_none_or(|tags| tags.contains(tag));
        let alone = number.filter(|_| !is_wanted(&self.tags, *b"001")).and_then(|place| {
            let (start, end) = (*found.before.get(place)? as usize + 1, *found.ends.get(place)? as usize);
            Some(match decoding.filter(|_| !block.get(start..end).is_some_and(is_plain_ascii)) {
                None => view(block, start, end, BLOCK),
                Some(decoding) => self.decoded(block, start, end, decoding, *b"001"),
            })
        });
        let pushed = match self.tags {
            None => self.push_run(block, entries, controls, &found, decoding),
            Some(_) => self.push_wanted(block, entries, controls, &found, decoding),
        };
        if !pushed {
            self.truncate(before);
            return None;
        }
        let control_number = alone.or_else(|| {
            let earlier = entries.iter().take(number?).filter_map(|entry| entry.first_chunk());
            let place = earlier.filter(|tag| is_wanted(&self.tags, **tag)).count();
            self.value.get(before.fields + place).copied()
        });
        self.leader.push(view(block, start, start + LEADER_LENGTH, BLOCK));
        self.control_number.push(control_number.unwrap_or(0));
        self.has_control_number.push(u8::from(control_number.is_some()));
        self.field_ends.push(self.flags.len() as i64);
        Some(entries.len())
    }

    /// Appends those of the fields that are wanted, in runs; false, and nothing is appended, if something does not fit.
    fn push_wanted(
        &mut self,
        block: &[u8],
        entries: &[[u8; ENTRY_LENGTH]],
        controls: usize,
        found: &Found<'_>,
        decoding: Option<Decoding>,
    ) -> bool {
        let before = self.length();
        let is_wanted = |tags: &Option<Tags>, place: usize| {
            let tag = entries.get(place).and_then(|entry| entry.first_chunk().copied());
            tag.zip(tags.as_ref()).is_some_and(|(tag, tags)| tags.contains(tag))
        };
        let mut place = 0;
        while place < entries.len() {
            let start = place;
            while is_wanted(&self.tags, place) {
                place += 1;
            }
            if start < place {
                let run = entries.get(start..place).zip(found.part(start..place));
                let controls = controls.clamp(start, place) - start;
                if !run.is_some_and(|(entries, found)| self.push_run(block, entries, controls, &found, decoding)) {
                    self.truncate(before);
                    return false;
                }
                self.positions.extend(start as u32 + 1..=place as u32);
            }
            place += 1;
        }
        true
    }

    /// Appends fields, one after the other in the record; false, and nothing is appended, if something does not fit.
    fn push_run(
        &mut self,
        block: &[u8],
        entries: &[[u8; ENTRY_LENGTH]],
        controls: usize,
        found: &Found<'_>,
        decoding: Option<Decoding>,
    ) -> bool {
        let before = self.length();
        if !self.push_columns(block, entries, controls, found) {
            self.truncate(before);
            return false;
        }
        if let Some(decoding) = decoding {
            self.decode_values(block, entries, found, before, decoding);
        }
        true
    }

    /// Appends fields, the first `controls` of which are control fields, and subfields; false if something does not fit.
    fn push_columns(
        &mut self,
        block: &[u8],
        entries: &[[u8; ENTRY_LENGTH]],
        controls: usize,
        found: &Found<'_>,
    ) -> bool {
        let Found { before, ends, first, reached, delimiters, subfield_ends } = *found;
        let (control, data) = before.split_at_checked(controls).unwrap_or_default();
        let data_count = data.len();

        let parts = (self.code.parts(), self.tag.parts(), self.ind1.parts(), self.ind2.parts());
        let (Some((codes, mut code)), Some((tags, mut tag)), Some((keys1, mut ind1)), Some((keys2, mut ind2))) = parts
        else {
            return false;
        };
        // A code or indicator that is a mark is not printable.
        let byte = |at: u32| block.get(at as usize).copied().unwrap_or_default();
        keys1.resize(keys1.len() + controls, 0);
        keys2.resize(keys2.len() + controls, 0);
        let known = code.extend(codes, delimiters.iter().map(|&at| byte(at + 1)))
            && ind1.extend(keys1, data.iter().map(|&at| byte(at + 1)))
            && ind2.extend(keys2, data.iter().map(|&at| byte(at + 2)))
            && tag.extend(tags, entries);
        if !known || !data.iter().fold(true, |all, &at| all & (byte(at + 3) == DELIMITER)) {
            return false;
        }
        let subfields = delimiters.iter().zip(subfield_ends);
        self.subfield_value.extend(subfields.map(|(&at, &end)| view_between(block, at as usize + 2, end as usize)));
        let values = control.iter().zip(ends);
        self.value.extend(values.map(|(&at, &end)| view(block, at as usize + 1, end as usize, BLOCK)));
        self.value.resize(self.value.len() + data_count, 0);
        self.flags.resize(self.flags.len() + controls, VALUE);
        self.flags.resize(self.flags.len() + data_count, DATA | IND1 | IND2);
        let before = self.subfield_ends.last().copied().unwrap_or(0);
        self.subfield_ends.extend(reached.iter().map(|&reached| before + i64::from(reached - first)));
        true
    }
}

impl RecordsBuilder {
    /// Puts decoded text in place of values that were appended since there was this `length` and are no text as they stand.
    fn decode_values(
        &mut self,
        block: &[u8],
        entries: &[[u8; ENTRY_LENGTH]],
        found: &Found<'_>,
        length: Capacity,
        decoding: Decoding,
    ) {
        let mut subfield = 0;
        let fields = found.before.iter().zip(found.ends).zip(found.reached).zip(entries);
        for (number, (((&before, &end), &reached), entry)) in fields.enumerate() {
            let tag = entry.first_chunk().copied().unwrap_or_default();
            let (before, end) = (before as usize, end as usize);
            if block.get(before..end).is_some_and(is_plain_ascii) {
                subfield = (reached - found.first) as usize;
                continue;
            }
            if is_control_tag(tag) {
                let value = self.decoded(block, before + 1, end, decoding, tag);
                if let Some(slot) = self.value.get_mut(length.fields + number) {
                    *slot = value;
                }
            }
            while subfield < (reached - found.first) as usize {
                if let (Some(&at), Some(&end)) = (found.delimiters.get(subfield), found.subfield_ends.get(subfield)) {
                    let value = self.decoded(block, at as usize + 2, end as usize, decoding, tag);
                    if let Some(slot) = self.subfield_value.get_mut(length.subfields + subfield) {
                        *slot = value;
                    }
                }
                subfield += 1;
            }
        }
    }
}

/// How many control fields the record begins with; `None` if the directory does not say what the marks do, or there are more
/// control fields after others.
#[inline(never)]
fn control_fields(block: &[u8], entries: &[[u8; ENTRY_LENGTH]], found: &Found<'_>) -> Option<usize> {
    let mut agrees = true;
    let mut controls = 0;
    let base = *found.before.first()?;
    for ((entry, &before), &end) in entries.iter().zip(found.before).zip(found.ends) {
        let Entry { tag, place } = Entry::new(entry);
        let (start, length) = ((before - base) as usize, (end - before) as usize);
        agrees &= place == Some(Place { length, start });
        controls += usize::from(is_control_tag(tag));
    }
    let control = found.before.get(..controls)?;
    let first = |entry: &[u8; ENTRY_LENGTH]| entry.first_chunk().is_some_and(|&tag| is_control_tag(tag));
    agrees &= entries.iter().take(controls).all(first);
    // A delimiter in one is data, and a cut may only be made beside ASCII.
    agrees &= controls.checked_sub(1).is_none_or(|last| found.reached.get(last) == Some(&found.first));
    agrees &= control.iter().all(|&at| block.get(at as usize + 1).is_some_and(u8::is_ascii));
    agrees.then_some(controls)
}
