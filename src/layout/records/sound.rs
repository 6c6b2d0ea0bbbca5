//! Records in which everything is as it should be, which are nearly all: one pass over the marks finds their subfields and
//! fields, one over the directory checks that it says the same, and the rest fill one column after the other.
//!
//! Which record that is, and what becomes of it, must agree with `Outline::read`, `BlockText::judge` and
//! `RecordsBuilder::push`, to which every other record is left; tests compare the two ways on any records. Loops are short
//! and each does one thing, so that what they need stays in registers.

use super::{DATA, IND1, IND2, RecordsBuilder, VALUE};
use crate::iso2709::directory::{ENTRY_LENGTH, Entry};
use crate::iso2709::{DELIMITER, FIELD_TERMINATOR, LEADER_LENGTH, Leader, RECORD_TERMINATOR, is_control_tag};
use crate::layout::arrays::{BLOCK, view, view_between};

/// A record whose bytes are text as a whole, whatever its structure is.
pub(in crate::layout) struct Candidate<'a> {
    pub block: &'a [u8],
    /// Where it begins and ends in the block.
    pub start: usize,
    pub end: usize,
    /// The block's marks from the record's first on, and the block's length after the last.
    pub marks: &'a [u32],
}

/// Records with more marks are left to the general way. A power of two.
const MOST: usize = 1024;

/// What the marks of a record say; used again for each.
#[derive(Debug, Default)]
pub(in crate::layout) struct Found {
    /// Of each subfield, its delimiter and its end. `MOST` places, once they were needed.
    subfields: Vec<(u32, u32)>,
    fields: Vec<Field>,
    subfield_count: usize,
    field_count: usize,
    mark_count: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Field {
    start: u32,
    /// Its terminator.
    end: u32,
    /// Subfields of the record that begin before its end.
    subfields: u32,
}

impl Found {
    /// Looks at the marks before `end`, the first field beginning at `start`.
    #[inline(never)]
    fn read(&mut self, block: &[u8], start: usize, end: usize, marks: &[u32]) -> Option<()> {
        self.subfields.resize(MOST, (0, 0));
        self.fields.resize(MOST, Field::default());
        let subfields: &mut [_; MOST] = self.subfields.as_mut_slice().try_into().ok()?;
        let fields: &mut [_; MOST] = self.fields.as_mut_slice().try_into().ok()?;
        let (mut subfield_count, mut field_count, mut field_start) = (0usize, 0usize, start as u32);
        let (&first, rest) = marks.split_first()?;
        let mut at = first;
        // Whether a mark is a delimiter or a terminator cannot be foretold, so it is written as both, and counted as one.
        #[allow(clippy::indexing_slicing)] // below MOST
        for &next in rest.get(..rest.len().min(MOST))? {
            if at as usize >= end {
                (self.subfield_count, self.field_count) = (subfield_count, field_count);
                self.mark_count = subfield_count + field_count;
                return Some(());
            }
            let is_subfield = *block.get(at as usize)? == DELIMITER;
            subfields[subfield_count % MOST] = (at, next);
            fields[field_count % MOST] = Field { start: field_start, end: at, subfields: subfield_count as u32 };
            subfield_count += usize::from(is_subfield);
            field_count += usize::from(!is_subfield);
            field_start = if is_subfield { field_start } else { at + 1 };
            at = next;
        }
        // The last record of a block has no mark after it but the block's length.
        (self.subfield_count, self.field_count) = (subfield_count, field_count);
        self.mark_count = subfield_count + field_count;
        (at as usize >= end).then_some(())
    }

    fn subfields(&self) -> &[(u32, u32)] {
        self.subfields.get(..self.subfield_count).unwrap_or_default()
    }

    fn fields(&self) -> &[Field] {
        self.fields.get(..self.field_count).unwrap_or_default()
    }
}

impl RecordsBuilder {
    /// Appends the record if it is sound and tells how many marks it has; `None`, and nothing is appended, if something about
    /// it is out of the ordinary.
    pub(in crate::layout) fn push_sound(&mut self, record: &Candidate<'_>, found: &mut Found) -> Option<usize> {
        let Candidate { block, start, end, marks } = *record;
        let bytes = block.get(start..end)?;
        let leader = Leader::new(bytes).filter(|leader| leader.as_bytes().is_ascii())?;
        let (&directory_end, marks) = marks.split_first()?;
        let base = (directory_end as usize + 1).checked_sub(start)?;
        let (entries, excess) = bytes.get(LEADER_LENGTH..base.checked_sub(1)?)?.as_chunks::<ENTRY_LENGTH>();
        let framed = leader.base_address() == Some(base)
            && excess.is_empty()
            && bytes.get(base - 1) == Some(&FIELD_TERMINATOR)
            && bytes.last() == Some(&RECORD_TERMINATOR);
        if !framed {
            return None;
        }
        found.read(block, start + base, end, marks)?;
        let data_end = (end - 1) as u32;
        if found.field_count != entries.len() || found.fields().last()?.end + 1 != data_end {
            return None;
        }
        let controls = control_fields(block, start + base, entries, found)?;
        let before = self.length();
        if !self.push_columns(block, entries, controls, found) {
            self.truncate(before);
            return None;
        }
        self.leader.push(view(block, start, start + LEADER_LENGTH, BLOCK));
        let control_number = entries.iter().take(controls).position(|entry| entry.starts_with(b"001"));
        let control_number = control_number.and_then(|place| self.value.get(before.fields + place)).copied();
        self.control_number.push(control_number.unwrap_or(0));
        self.has_control_number.push(u8::from(control_number.is_some()));
        self.field_ends.push(self.flags.len() as i64);
        Some(found.mark_count + 1)
    }

    /// Appends fields, the first `controls` of which are control fields, and subfields; false if something does not fit.
    fn push_columns(&mut self, block: &[u8], entries: &[[u8; ENTRY_LENGTH]], controls: usize, found: &Found) -> bool {
        let (fields, subfields) = (found.fields(), found.subfields());
        let (control, data) = fields.split_at_checked(controls).unwrap_or_default();
        let byte = |at: u32| block.get(at as usize).copied().unwrap_or_default();

        let parts = (self.code.parts(), self.tag.parts(), self.ind1.parts(), self.ind2.parts());
        let (Some((codes, mut code)), Some((tags, mut tag)), Some((keys1, mut ind1)), Some((keys2, mut ind2))) = parts
        else {
            return false;
        };
        // A code or indicator that is a mark is not printable.
        keys1.resize(keys1.len() + controls, 0);
        keys2.resize(keys2.len() + controls, 0);
        let known = code.extend(codes, subfields.iter().map(|&(at, _)| byte(at + 1)))
            && ind1.extend(keys1, data.iter().map(|field| byte(field.start)))
            && ind2.extend(keys2, data.iter().map(|field| byte(field.start + 1)))
            && tag.extend(tags, entries);
        if !known || !data.iter().all(|field| byte(field.start + 2) == DELIMITER) {
            return false;
        }
        self.subfield_value
            .extend(subfields.iter().map(|&(at, end)| view_between(block, at as usize + 2, end as usize)));
        self.value.extend(control.iter().map(|field| view(block, field.start as usize, field.end as usize, BLOCK)));
        self.value.resize(self.value.len() + data.len(), 0);
        self.flags.resize(self.flags.len() + controls, VALUE);
        self.flags.resize(self.flags.len() + data.len(), DATA | IND1 | IND2);
        let before = self.subfield_ends.last().copied().unwrap_or(0);
        self.subfield_ends.extend(fields.iter().map(|field| before + i64::from(field.subfields)));
        true
    }
}

/// How many control fields the record begins with; `None` if the directory does not say what the marks do, or there are more
/// control fields after others.
#[inline(never)]
fn control_fields(block: &[u8], data: usize, entries: &[[u8; ENTRY_LENGTH]], found: &Found) -> Option<usize> {
    let fields = found.fields();
    let mut agrees = true;
    let mut controls = 0;
    for (entry, field) in entries.iter().zip(fields) {
        let Entry { tag, place } = Entry::new(entry);
        let place = place?;
        let (start, end) = (field.start as usize, field.end as usize);
        agrees &= place.start == start - data && place.length == end + 1 - start;
        controls += usize::from(is_control_tag(tag));
    }
    let control = fields.get(..controls)?;
    let first = |entry: &[u8; ENTRY_LENGTH]| entry.first_chunk().is_some_and(|&tag| is_control_tag(tag));
    agrees &= entries.iter().take(controls).all(first);
    // A delimiter in one is data, and a cut may only be made beside ASCII.
    agrees &= control.last().is_none_or(|field| field.subfields == 0);
    agrees &= control.iter().all(|field| block.get(field.start as usize).is_some_and(u8::is_ascii));
    agrees.then_some(controls)
}
