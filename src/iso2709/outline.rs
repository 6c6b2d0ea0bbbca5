//! Where the fields of one record are, whatever its directory says.
//!
//! The directory is trusted where every entry is in range and ends in its only `0x1E`. Where it is not, readings of it are tried
//! (`salvage`) that would account for every byte of the data: by characters, from another byte on, with a terminator too many or
//! too few. Where none does, fields are split at `0x1E`: with as many pieces as entries they pair in order, or in the order of
//! their starts if more lengths fit then; else each entry takes the piece that holds its start. Bytes that no field got are
//! named in a [`Flaw`]; nothing is dropped without one.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr_iter;

use super::directory::{Directory, ENTRY_LENGTH, Entry, Place};
use super::leader::Leader;
use super::salvage::{self, Ends, Unit, exact};
use super::scanner::MAX_RECORD;
use super::{FIELD_TERMINATOR, LEADER_LENGTH, MIN_RECORD, RECORD_TERMINATOR};
use crate::problem::Code;

/// One field: its tag, and where its data lies in the record, without the field terminator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpan {
    /// The tag's three bytes.
    pub tag: [u8; 3],
    /// First byte, counted from the start of the record.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Something that was put right in a record's structure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flaw {
    /// What it was.
    pub code: Code,
    /// The field's tag, where it is one field's.
    pub tag: Option<[u8; 3]>,
    /// The bytes of the record that no field got.
    pub lost: Vec<Range<usize>>,
}

impl Flaw {
    pub(crate) fn new(code: Code) -> Self {
        Self { code, tag: None, lost: Vec::new() }
    }
}

/// The fields of one record; reused from record to record, so that sound ones cost no allocation.
#[derive(Debug, Default)]
pub struct Outline {
    fields: Vec<FieldSpan>,
    flaws: Vec<Flaw>,
    /// How many bytes come before the directory, if they are not 24.
    odd_leader: Option<usize>,
}

impl Outline {
    /// Fields in directory order.
    #[must_use]
    pub fn fields(&self) -> &[FieldSpan] {
        &self.fields
    }

    /// What was put right.
    #[must_use]
    pub fn flaws(&self) -> &[Flaw] {
        &self.flaws
    }

    /// The 24 bytes of the leader of `record`, which was read last: where some are missing, blanks come after the others.
    pub(crate) fn leader<'a>(&self, record: &'a [u8]) -> Cow<'a, [u8]> {
        let length = LEADER_LENGTH.min(self.odd_leader.unwrap_or(LEADER_LENGTH));
        let leader = record.get(..length).unwrap_or_default();
        if length == LEADER_LENGTH {
            return leader.into();
        }
        [leader, [b' '; LEADER_LENGTH].get(length..).unwrap_or_default()].concat().into()
    }

    /// Finds the fields of `record`, the bytes of a whole record.
    ///
    /// # Errors
    ///
    /// The code of the reject, if this is no record: [`Code::TooShort`], [`Code::NoDirectory`], [`Code::NotMarc`], or
    /// [`Code::NoTerminator`] if it is longer than 64 MiB.
    pub fn read(&mut self, record: &[u8]) -> Result<(), Code> {
        self.fields.clear();
        self.flaws.clear();
        self.odd_leader = None;
        let leader = Leader::new(record).filter(|_| record.len() >= MIN_RECORD).ok_or(Code::TooShort)?;
        if record.len() > MAX_RECORD {
            return Err(Code::NoTerminator);
        }
        let directory = Directory::new(record).ok_or(Code::NoDirectory)?;
        let whole = directory.base_address()..data_end(record);
        // A byte in place of the record terminator is no field.
        let data = whole.start..whole.end - usize::from(has_other_end(record, &whole));
        let base = leader.base_address();
        if directory.excess() != 0 && self.has_odd_leader(record, directory, &data) {
            if base != Some(directory.base_address()) {
                self.flaws.push(Flaw::new(Code::BaseAddressMismatch));
            }
            self.note_gaps(&whole);
            return Ok(());
        }
        if base != Some(directory.base_address()) {
            if self.has_open_directory(record, base, &data, true) {
                self.note_gaps(&whole);
                return Ok(());
            }
            if directory.entries().all(|entry| entry.place.is_none()) {
                return Err(Code::NotMarc);
            }
        }
        let framed = directory.excess() == 0 && base == Some(directory.base_address());
        if framed || !self.has_broken_lines(record, directory, base, &data) {
            self.note_frame(directory, base);
            if self.sequential(record, directory, &data) {
                if whole != data {
                    self.note_gaps(&whole);
                }
                return Ok(());
            }
            self.fields.clear();
            if !self.in_range(record, directory, &data) {
                self.fields.clear();
                self.salvage(record, directory, base, &data);
            }
        }
        self.note_gaps(&whole);
        Ok(())
    }

    /// Whether [`Outline::read`] surely finds `record` to be one, which is told by what its directory begins with and by the byte that
    /// should end it, without going through it.
    pub(crate) fn surely_takes(record: &[u8]) -> bool {
        const DIRECTORY: usize = LEADER_LENGTH + ENTRY_LENGTH;
        // A whole entry with a place is in the directory, wherever that ends, so that it is MARC's; and it ends here, if not before.
        let first = record.get(LEADER_LENGTH..).and_then(<[u8]>::first_chunk).map(Entry::new);
        let is_entry = first.is_some_and(|entry| entry.place.is_some() && !entry.tag.contains(&FIELD_TERMINATOR));
        let base = Leader::new(record).and_then(Leader::base_address).filter(|&base| base > DIRECTORY);
        is_entry && base.is_some_and(|base| ends_field(record, base)) && record.len() <= MAX_RECORD
    }

    /// Notes a base address that is wrong, and what there is of an incomplete entry.
    fn note_frame(&mut self, directory: Directory<'_>, base: Option<usize>) {
        if base != Some(directory.base_address()) {
            self.flaws.push(Flaw::new(Code::BaseAddressMismatch));
        }
        if directory.excess() != 0 {
            let end = directory.base_address() - 1;
            let lost = std::iter::once(end - directory.excess()..end).collect();
            self.flaws.push(Flaw { lost, ..Flaw::new(Code::DirectorySize) });
        }
    }

    /// Whether the directory is right if it is taken to begin some bytes sooner or later.
    fn has_odd_leader(&mut self, record: &[u8], directory: Directory<'_>, data: &Range<usize>) -> bool {
        let late = directory.excess();
        let mut starts = [LEADER_LENGTH + late, LEADER_LENGTH + late - ENTRY_LENGTH];
        starts.sort_unstable_by_key(|start| start.abs_diff(LEADER_LENGTH));
        for start in starts {
            let Some(shifted) = directory.beginning_at(record, start).filter(|shifted| shifted.excess() == 0) else {
                continue;
            };
            let entries: Vec<Entry> = shifted.entries().collect();
            // One in a tag is a byte too many, and not one too many in front of it.
            if entries.iter().any(|entry| entry.tag.into_iter().any(salvage::is_line_break)) {
                continue;
            }
            if let Some((places, unit)) = exact_by_any_unit(record, &entries, data) {
                self.take(&entries, places);
                self.odd_leader = Some(start);
                let lost = (start > LEADER_LENGTH).then_some(LEADER_LENGTH..start).into_iter().collect();
                self.flaws.push(Flaw { lost, ..Flaw::new(Code::LeaderLength) });
                if unit == Unit::Characters {
                    self.flaws.push(Flaw::new(Code::DirectoryMismatch));
                }
                return true;
            }
        }
        false
    }

    /// Whether the directory ends at the base address that the leader tells, with another byte for its terminator or none: then
    /// the first terminator is some field's. Its entries must account for all of the data or, if not `strict`, be as many as
    /// there are pieces.
    fn has_open_directory(&mut self, record: &[u8], base: Option<usize>, data: &Range<usize>, strict: bool) -> bool {
        let Some(base) = base.filter(|base| (LEADER_LENGTH + ENTRY_LENGTH..data.start).contains(base)) else {
            return false;
        };
        let replaced = (base - LEADER_LENGTH) % ENTRY_LENGTH == 1;
        if !replaced && !(base - LEADER_LENGTH).is_multiple_of(ENTRY_LENGTH) {
            return false;
        }
        let Some(entries) = record.get(LEADER_LENGTH..base - usize::from(replaced)) else { return false };
        let entries: Vec<Entry> = entries.as_chunks().0.iter().map(Entry::new).collect();
        let inner = base..data.end;
        let agrees = if strict {
            let Some((places, unit)) = exact_by_any_unit(record, &entries, &inner) else { return false };
            self.take(&entries, places);
            unit == Unit::Bytes
        } else {
            let pieces = pieces(record, &inner);
            if pieces.len() != entries.len() {
                return false;
            }
            self.pair(record, &entries, &pieces);
            false
        };
        // What was said of the directory up to the first terminator is not so.
        self.flaws.clear();
        let lost = replaced.then_some(base - 1..base).into_iter().collect();
        self.flaws.push(Flaw { lost, ..Flaw::new(Code::MissingDirectoryTerminator) });
        if !agrees {
            self.flaws.push(Flaw::new(Code::DirectoryMismatch));
        }
        true
    }

    /// Whether there are line breaks within the directory, and without them it has an entry for every piece of the data.
    fn has_broken_lines(
        &mut self,
        record: &[u8],
        directory: Directory<'_>,
        base: Option<usize>,
        data: &Range<usize>,
    ) -> bool {
        let broken = directory.as_bytes();
        let breaks = broken.iter().filter(|&&byte| salvage::is_line_break(byte)).count();
        if breaks == 0 || !(broken.len() - breaks).is_multiple_of(ENTRY_LENGTH) {
            return false;
        }
        let mended: Vec<u8> = broken.iter().copied().filter(|&byte| !salvage::is_line_break(byte)).collect();
        let entries: Vec<Entry> = mended.as_chunks().0.iter().map(Entry::new).collect();
        if let Some((places, _)) = exact_by_any_unit(record, &entries, data) {
            self.take(&entries, places);
        } else {
            let pieces = pieces(record, data);
            if pieces.len() != entries.len() {
                return false;
            }
            self.pair(record, &entries, &pieces);
        }
        let places = broken.iter().enumerate().filter(|(_, byte)| salvage::is_line_break(**byte));
        let lost = places.map(|(at, _)| LEADER_LENGTH + at..LEADER_LENGTH + at + 1).collect();
        self.flaws.push(Flaw { lost, ..Flaw::new(Code::DirectorySize) });
        if base != Some(data.start) {
            self.flaws.push(Flaw::new(Code::BaseAddressMismatch));
        }
        true
    }

    /// Gives each entry a piece, of which there are as many.
    fn pair(&mut self, record: &[u8], entries: &[Entry], pieces: &[Range<usize>]) {
        for (entry, rank) in entries.iter().zip(salvage::ranks(record, entries, pieces)) {
            self.push(entry.tag, pieces.get(rank).cloned().unwrap_or_default());
        }
    }

    fn take(&mut self, entries: &[Entry], places: Vec<Range<usize>>) {
        for (entry, place) in entries.iter().zip(places) {
            self.push(entry.tag, place);
        }
    }

    /// Fields of a record whose directory cannot be trusted as it stands.
    fn salvage(&mut self, record: &[u8], directory: Directory<'_>, base: Option<usize>, data: &Range<usize>) {
        let entries: Vec<Entry> = directory.entries().collect();
        if let Some((places, unit)) = exact_by_any_unit(record, &entries, data) {
            let code = if unit == Unit::Bytes { Code::TerminatorInField } else { Code::DirectoryMismatch };
            self.flaws.push(Flaw::new(code));
            self.take(&entries, places);
            return;
        }
        let mut pieces = pieces(record, data);
        salvage::drop_blank(record, &mut pieces, entries.len());
        if pieces.len() == entries.len() {
            self.flaws.push(Flaw::new(Code::DirectoryMismatch));
            salvage::strip_line_breaks(record, &mut pieces);
            self.pair(record, &entries, &pieces);
            return;
        }
        let short = [Ends::Replaced, Ends::Deleted];
        if let Some(places) = short.into_iter().find_map(|ends| exact(record, &entries, data, Unit::Bytes, ends)) {
            self.flaws.push(Flaw::new(Code::MissingFieldTerminator));
            self.take(&entries, places);
            return;
        }
        if base != Some(directory.base_address()) && self.has_open_directory(record, base, data, false) {
            return;
        }
        self.flaws.push(Flaw::new(Code::DirectoryMismatch));
        self.split(&entries, record.len(), &pieces, data);
    }

    /// The usual case: entries lie one after the other and fill the data.
    fn sequential(&mut self, record: &[u8], directory: Directory<'_>, data: &Range<usize>) -> bool {
        let mut next = data.start;
        for entry in directory.entries() {
            let Some(Place { length, start }) = entry.place else { return false };
            let end = next + length;
            if data.start + start != next || end > data.end || length == 0 || !ends_field(record, end) {
                return false;
            }
            self.push(entry.tag, next..end - 1);
            next = end;
        }
        // Each field ends in 0x1E; with no more of them than fields, it is its only one.
        next == data.end
            && record
                .get(data.clone())
                .is_some_and(|data| memchr_iter(FIELD_TERMINATOR, data).count() == self.fields.len())
    }

    /// Entries in any order, sharing or leaving out data, but each a whole field.
    fn in_range(&mut self, record: &[u8], directory: Directory<'_>, data: &Range<usize>) -> bool {
        let pieces = pieces(record, data);
        let mut given = Given::new(&pieces, record.len());
        for entry in directory.entries() {
            let Some(Place { length, start }) = entry.place else { return false };
            let start = data.start + start;
            // The first terminator at or after the start must be the last byte.
            let index = pieces.partition_point(|piece| piece.end < start);
            let ends = pieces.get(index).is_some_and(|piece| start >= piece.start && start + length == piece.end + 1);
            if length == 0 || !ends || start + length > data.end {
                return false;
            }
            self.push(entry.tag, given.give(index, start));
        }
        self.note_sharing(&given);
        true
    }

    fn note_sharing(&mut self, given: &Given<'_>) {
        if given.shared {
            self.flaws.push(Flaw::new(Code::SharedData));
        }
        if given.limited {
            self.flaws.push(Flaw::new(Code::SharedDataLimit));
        }
    }

    /// Notes the data that no field has got.
    fn note_gaps(&mut self, data: &Range<usize>) {
        let mut spans: Vec<Range<usize>> =
            self.fields.iter().map(|field| field.start as usize..field.end as usize + 1).collect();
        spans.sort_unstable_by_key(|span| span.start);
        let mut lost = Vec::new();
        let mut next = data.start;
        for span in spans {
            if span.start > next {
                lost.push(next..span.start);
            }
            next = next.max(span.end);
        }
        if next < data.end {
            lost.push(next..data.end);
        }
        if !lost.is_empty() {
            self.flaws.push(Flaw { lost, ..Flaw::new(Code::UnreferencedData) });
        }
    }

    /// Each entry takes the piece that holds its start; of two entries that begin in one piece each takes its part, if the first
    /// says that it ends where the second begins.
    fn split(&mut self, entries: &[Entry], record: usize, pieces: &[Range<usize>], data: &Range<usize>) {
        let pieces = &salvage::cut_at_starts(entries, pieces, data.start);
        let mut given = Given::new(pieces, record);
        let mut orphans = Flaw::new(Code::EntryWithoutField);
        for (number, entry) in entries.iter().enumerate() {
            let start = entry.place.map(|place| data.start + place.start);
            let index = start.map(|start| pieces.partition_point(|piece| piece.end < start));
            // Where pieces touch, it is the second that begins there.
            let index = index.map(|index| {
                let next = pieces.get(index + 1).is_some_and(|next| Some(next.start) == start);
                index + usize::from(next)
            });
            match (index, index.and_then(|index| pieces.get(index)), start) {
                (Some(index), Some(piece), Some(start)) if piece.start <= start => {
                    self.push(entry.tag, given.give(index, piece.start));
                }
                _ => {
                    orphans.tag.get_or_insert(entry.tag);
                    let at = LEADER_LENGTH + number * ENTRY_LENGTH;
                    match orphans.lost.last_mut() {
                        Some(last) if last.end == at => last.end += ENTRY_LENGTH,
                        _ => orphans.lost.push(at..at + ENTRY_LENGTH),
                    }
                }
            }
        }
        if orphans.tag.is_some() {
            self.flaws.push(orphans);
        }
        self.note_sharing(&given);
    }

    #[inline]
    fn push(&mut self, tag: [u8; 3], data: Range<usize>) {
        // Records are at most `MAX_RECORD` long.
        self.fields.push(FieldSpan { tag, start: data.start as u32, end: data.end as u32 });
    }
}

/// Which pieces of the data have been given to fields, and how much of them more than once.
struct Given<'a> {
    pieces: &'a [Range<usize>],
    used: Vec<bool>,
    /// Bytes that may still be given again.
    spare: usize,
    shared: bool,
    limited: bool,
}

impl<'a> Given<'a> {
    fn new(pieces: &'a [Range<usize>], record: usize) -> Self {
        Self { pieces, used: vec![false; pieces.len()], spare: record, shared: false, limited: false }
    }

    /// The piece from `start` on or, when it has been given before and there is no more to spare, nothing of it.
    fn give(&mut self, index: usize, start: usize) -> Range<usize> {
        let Some((piece, used)) = self.pieces.get(index).zip(self.used.get_mut(index)) else { return start..start };
        let field = start..piece.end;
        if *used {
            self.shared = true;
            let Some(spare) = self.spare.checked_sub(field.len()) else {
                self.limited = true;
                return piece.end..piece.end;
            };
            self.spare = spare;
        }
        *used = true;
        field
    }
}

/// Entries that account for all of the data, by bytes or else by characters.
fn exact_by_any_unit(record: &[u8], entries: &[Entry], data: &Range<usize>) -> Option<(Vec<Range<usize>>, Unit)> {
    let by = |unit| exact(record, entries, data, unit, Ends::All).map(|places| (places, unit));
    by(Unit::Bytes).or_else(|| by(Unit::Characters))
}

/// One past the last byte of data: before the record terminator, where there is one.
pub(super) fn data_end(record: &[u8]) -> usize {
    record.len() - usize::from(record.last() == Some(&RECORD_TERMINATOR))
}

/// Whether one byte that is no record terminator follows the last field.
fn has_other_end(record: &[u8], data: &Range<usize>) -> bool {
    record.last() != Some(&RECORD_TERMINATOR)
        && data.len() > 1
        && !ends_field(record, data.end)
        && ends_field(record, data.end - 1)
}

fn ends_field(record: &[u8], end: usize) -> bool {
    end.checked_sub(1).and_then(|last| record.get(last)) == Some(&FIELD_TERMINATOR)
}

/// The data cut at each `0x1E`; a last piece without one counts, unless it is empty.
fn pieces(record: &[u8], data: &Range<usize>) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = data.start;
    for found in memchr_iter(FIELD_TERMINATOR, record.get(data.clone()).unwrap_or_default()) {
        pieces.push(start..data.start + found);
        start = data.start + found + 1;
    }
    if start < data.end {
        pieces.push(start..data.end);
    }
    pieces
}

#[cfg(test)]
mod tests;
