//! Records in which everything but, it may be, the encoding is as it should be, which are nearly all: the marks say where
//! fields and subfields are, a pass over the directory checks that it says the same, and the rest fill one column after the
//! other.
//!
//! Which record that is, and what becomes of it, must agree with `Outline::read`, `BlockText::judge` and
//! `RecordsBuilder::push`, to which every other record is left; tests compare the two ways on any records. Loops are short
//! and each does one thing, so that what they need stays in registers.

use super::{Capacity, DATA, IND1, IND2, RecordsBuilder, VALUE};
use crate::encoding::{Decoding, is_plain_ascii};
use crate::iso2709::agreement::{Controls, agree};
use crate::iso2709::directory::ENTRY_LENGTH;
use crate::iso2709::tape::Tape;
use crate::iso2709::{FIELD_TERMINATOR, LEADER_LENGTH, Leader, RECORD_TERMINATOR, is_control_tag};
use crate::layout::arrays::{BLOCK, extend_with_subfields, view};
use crate::layout::symbols::extend_with_indicators;

/// A record about whose text there is nothing to say, whatever its structure is.
pub(in crate::layout) struct Candidate<'a> {
    pub block: &'a [u8],
    /// Where it begins and ends in the block.
    pub start: usize,
    pub end: usize,
    /// The block's marks; where not all fields are wanted, its terminators.
    pub tape: &'a Tape,
    /// The number of the first terminator that is not before the record.
    pub terminator: usize,
    /// How its values become text; `None` where all of them are that as they stand.
    pub decoding: Option<Decoding>,
}

/// Fields of a record and their subfields, as its marks say.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    /// The byte before each field: a terminator.
    pub before: &'a [u32],
    /// Every field's terminator.
    pub ends: &'a [u32],
    /// How many delimiters were counted before these, and up to each field's end.
    pub first: u32,
    pub reached: &'a [u32],
    /// Each subfield's delimiter, and its end.
    pub delimiters: &'a [u32],
    pub subfield_ends: &'a [u32],
    /// The byte behind each delimiter, where those were found along with it.
    pub codes: Option<&'a [u8]>,
}

/// The entries of a record's directory and as many terminators after that of the directory itself, where that is at the base
/// address, and the last one is the last byte but one.
pub(super) fn frame<'a>(record: &Candidate<'a>) -> Option<(&'a [[u8; ENTRY_LENGTH]], &'a [u32])> {
    let Candidate { block, start, end, tape, terminator, .. } = *record;
    let bytes = block.get(start..end)?;
    let leader = Leader::new(bytes).filter(|leader| leader.as_bytes().is_ascii())?;
    let base = leader.base_address()?;
    let (entries, excess) = bytes.get(LEADER_LENGTH..base.checked_sub(1)?)?.as_chunks::<ENTRY_LENGTH>();
    let terminators = tape.terminators().get(terminator..=terminator + entries.len())?;
    let framed = excess.is_empty()
        && !entries.is_empty()
        && terminators.first() == Some(&((start + base - 1) as u32))
        && terminators.last() == Some(&((end - 2) as u32))
        && bytes.get(base - 1) == Some(&FIELD_TERMINATOR)
        && bytes.last() == Some(&RECORD_TERMINATOR);
    framed.then_some((entries, terminators))
}

impl<'a> Found<'a> {
    /// What there is between the `terminators`, the first of which has this number.
    fn new(tape: &'a Tape, directory: usize, terminators: &'a [u32]) -> Option<Self> {
        let (_, ends) = terminators.split_first()?;
        let (_, before) = terminators.split_last()?;
        let (&first, reached) = tape.before().get(directory..directory + terminators.len())?.split_first()?;
        let subfields = first as usize..*reached.last()? as usize;
        let (delimiters, subfield_ends) =
            (tape.delimiters().get(subfields.clone())?, tape.ends().get(subfields.clone())?);
        let codes = tape.codes().get(subfields);
        Some(Self { before, ends, first, reached, delimiters, subfield_ends, codes })
    }
}

impl RecordsBuilder {
    /// Appends the record if it is sound and tells how many fields it has; `None`, and nothing is appended, if something about it
    /// is out of the ordinary.
    pub(in crate::layout) fn push_sound(&mut self, record: &Candidate<'_>) -> Option<usize> {
        if self.tags.is_some() {
            return self.push_sound_part(record);
        }
        let Candidate { block, start, tape, terminator, .. } = *record;
        let (entries, terminators) = frame(record)?;
        let found = Found::new(tape, terminator, terminators)?;
        let controls = control_fields(block, entries, terminators, &found)?;
        let number = entries.iter().take(controls).position(|entry| entry.starts_with(b"001"));
        let fields = self.flags.len();
        if !self.push_run(block, entries, controls, &found, record.decoding.as_ref()) {
            return None;
        }
        let control_number = number.and_then(|place| self.value.get(fields + place).copied());
        self.push_record(block, start, control_number);
        Some(entries.len())
    }

    /// Appends the columns that a record has one value in each of; to be called after its fields.
    pub(in crate::layout) fn push_record(&mut self, block: &[u8], start: usize, control_number: Option<u128>) {
        self.leader.push(view(block, start, start + LEADER_LENGTH, BLOCK));
        self.control_number.push(control_number.unwrap_or(0));
        self.has_control_number.push(u8::from(control_number.is_some()));
        self.field_ends.push(self.flags.len() as i64);
    }

    /// Appends fields in the order of the record; false, and nothing is appended, if something does not fit.
    pub(super) fn push_run(
        &mut self,
        block: &[u8],
        entries: &[[u8; ENTRY_LENGTH]],
        controls: usize,
        found: &Found<'_>,
        decoding: Option<&Decoding>,
    ) -> bool {
        let before = self.length();
        if !self.push_columns(block, entries, controls, found) {
            self.truncate(before);
            return false;
        }
        if let Some(&decoding) = decoding {
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
        let Found { before, ends, first, reached, delimiters, subfield_ends, codes: behind } = *found;
        let (control, data) = before.split_at_checked(controls).unwrap_or_default();
        let data_count = data.len();

        let parts = (self.code.parts(), self.tag.parts(), self.ind1.parts(), self.ind2.parts());
        let (Some((codes, mut code)), Some((tags, mut tag)), Some((keys1, mut ind1)), Some((keys2, mut ind2))) = parts
        else {
            return false;
        };
        keys1.resize(keys1.len() + controls, 0);
        keys2.resize(keys2.len() + controls, 0);
        // A code or indicator that is a mark is not printable.
        let known = match behind {
            Some(behind) => code.extend_with(codes, behind),
            None => code.extend_behind(codes, block, delimiters),
        };
        let known = known
            && extend_with_indicators((keys1, &mut ind1), (keys2, &mut ind2), block, data)
            && tag.extend(tags, entries);
        if !known {
            return false;
        }
        extend_with_subfields(&mut self.subfield_value, block, delimiters, subfield_ends);
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
fn control_fields(
    block: &[u8],
    entries: &[[u8; ENTRY_LENGTH]],
    terminators: &[u32],
    found: &Found<'_>,
) -> Option<usize> {
    let Controls { count: controls, come_first } = agree(entries, terminators)?;
    let mut agrees = come_first;
    let control = found.before.get(..controls)?;
    // A delimiter in one is data, and a cut may only be made beside ASCII.
    agrees &= controls.checked_sub(1).is_none_or(|last| found.reached.get(last) == Some(&found.first));
    agrees &= control.iter().all(|&at| block.get(at as usize + 1).is_some_and(u8::is_ascii));
    agrees.then_some(controls)
}
