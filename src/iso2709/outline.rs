//! Where the fields of one record are, whatever its directory says.
//!
//! The directory is trusted where every entry is in range and ends in its only `0x1E`. Otherwise fields are split at
//! `0x1E`: with as many pieces as entries they pair in directory order, else each entry takes the piece that holds its
//! start. Bytes that no field got are named in a [`Flaw`]; nothing is dropped without one.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::directory::{Directory, Place};
use super::leader::Leader;
use super::{FIELD_TERMINATOR, MIN_RECORD, RECORD_TERMINATOR};
use crate::problem::Code;

/// Fields may share data, but only so much that output stays in proportion to input.
const SHARING: usize = 2;

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

    /// Finds the fields of `record`, the bytes of a whole record.
    ///
    /// # Errors
    ///
    /// The code of the reject, if this is no record: [`Code::TooShort`], [`Code::NoDirectory`], [`Code::NotMarc`].
    pub fn read(&mut self, record: &[u8]) -> Result<(), Code> {
        self.fields.clear();
        self.flaws.clear();
        let leader = Leader::new(record).filter(|_| record.len() >= MIN_RECORD).ok_or(Code::TooShort)?;
        let directory = Directory::new(record).ok_or(Code::NoDirectory)?;
        if leader.base_address() != Some(directory.base_address()) {
            if directory.entries().all(|entry| entry.place.is_none()) {
                return Err(Code::NotMarc);
            }
            self.flaws.push(Flaw::new(Code::BaseAddressMismatch));
        }
        if directory.excess() != 0 {
            self.flaws.push(Flaw::new(Code::DirectorySize));
        }
        let data = directory.base_address()..data_end(record);
        if self.sequential(record, directory, &data) {
            return Ok(());
        }
        self.fields.clear();
        if self.in_range(record, directory, &data) {
            self.note_sharing_and_gaps(&data);
        } else {
            self.fields.clear();
            self.flaws.push(Flaw::new(Code::DirectoryMismatch));
            self.split(record, directory, &data);
        }
        Ok(())
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
        let mut taken = 0;
        for entry in directory.entries() {
            let Some(Place { length, start }) = entry.place else { return false };
            let start = data.start + start;
            let end = start + length;
            let field = match record.get(start..end) {
                Some(field) if end <= data.end => field,
                _ => return false,
            };
            taken += length;
            if taken > SHARING * record.len() || memchr(FIELD_TERMINATOR, field) != length.checked_sub(1) {
                return false;
            }
            self.push(entry.tag, start..end - 1);
        }
        true
    }

    fn note_sharing_and_gaps(&mut self, data: &Range<usize>) {
        let mut spans: Vec<Range<usize>> =
            self.fields.iter().map(|field| field.start as usize..field.end as usize + 1).collect();
        spans.sort_unstable_by_key(|span| span.start);
        let mut lost = Vec::new();
        let mut shared = false;
        let mut next = data.start;
        for span in spans {
            shared |= span.start < next;
            if span.start > next {
                lost.push(next..span.start);
            }
            next = next.max(span.end);
        }
        if next < data.end {
            lost.push(next..data.end);
        }
        if shared {
            self.flaws.push(Flaw::new(Code::SharedData));
        }
        self.note_lost(lost);
    }

    fn split(&mut self, record: &[u8], directory: Directory<'_>, data: &Range<usize>) {
        let pieces = pieces(record, data);
        let entries = directory.entries();
        if pieces.len() == entries.len() {
            for (entry, piece) in entries.zip(pieces) {
                self.push(entry.tag, piece);
            }
            return;
        }
        let mut used = vec![false; pieces.len()];
        let mut taken = 0;
        let (mut shared, mut limited) = (false, false);
        for entry in entries {
            let found = entry.place.and_then(|place| {
                let start = data.start + place.start;
                let index = pieces.partition_point(|piece| piece.end < start);
                pieces.get(index).filter(|piece| piece.start <= start).map(|piece| (index, piece.clone()))
            });
            let Some((index, piece)) = found else {
                self.flaws.push(Flaw { tag: Some(entry.tag), ..Flaw::new(Code::EntryWithoutField) });
                continue;
            };
            if let Some(used) = used.get_mut(index) {
                shared |= *used;
                *used = true;
            }
            taken += piece.len();
            if taken > SHARING * record.len() {
                limited = true;
                self.push(entry.tag, piece.end..piece.end);
            } else {
                self.push(entry.tag, piece);
            }
        }
        if shared {
            self.flaws.push(Flaw::new(Code::SharedData));
        }
        if limited {
            self.flaws.push(Flaw::new(Code::SharedDataLimit));
        }
        let unused = pieces.into_iter().zip(used).filter(|(_, used)| !used);
        self.note_lost(unused.map(|(piece, _)| piece.start..(piece.end + 1).min(data.end)).collect());
    }

    fn note_lost(&mut self, lost: Vec<Range<usize>>) {
        if !lost.is_empty() {
            self.flaws.push(Flaw { lost, ..Flaw::new(Code::UnreferencedData) });
        }
    }

    #[inline]
    fn push(&mut self, tag: [u8; 3], data: Range<usize>) {
        // Records are at most `scanner::MAX_RECORD` long when they come from the scanner; longer ones are refused above it.
        debug_assert!(u32::try_from(data.end).is_ok());
        self.fields.push(FieldSpan { tag, start: data.start as u32, end: data.end as u32 });
    }
}

/// One past the last byte of data: before the record terminator, where there is one.
pub(super) fn data_end(record: &[u8]) -> usize {
    record.len() - usize::from(record.last() == Some(&RECORD_TERMINATOR))
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
