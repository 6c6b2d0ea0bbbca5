//! A borrowed record: a cursor over fields and subfields that decodes nothing and, for a sound record, allocates nothing.

use std::slice;

use memchr::memchr;

use super::leader::Leader;
use super::outline::{FieldSpan, Flaw, Outline};
use super::{DELIMITER, is_control_tag};
use crate::problem::Code;

/// One record's bytes and where its fields are.
///
/// # Examples
///
/// ```
/// use mrrc_arrow::iso2709::{Outline, RecordRef};
///
/// let bytes = b"00059nam a2200049 a 4500001000200000245000700002\x1eX\x1e10\x1faOz\x1e\x1d";
/// let mut outline = Outline::default(); // reuse it from record to record
/// let record = RecordRef::new(bytes, &mut outline).unwrap();
/// assert_eq!(record.control_number(), Some(&b"X"[..]));
/// let title = record.fields().find(|field| field.tag() == *b"245").unwrap();
/// assert_eq!(title.indicators(), (Some(b'1'), Some(b'0')));
/// let subfield = title.subfields().next().unwrap();
/// assert_eq!((subfield.code(), subfield.value()), (&b"a"[..], &b"Oz"[..]));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RecordRef<'a> {
    bytes: &'a [u8],
    leader: Leader<'a>,
    outline: &'a Outline,
}

impl<'a> RecordRef<'a> {
    /// Finds the fields of `bytes`, a whole record, with `outline` for the space that takes.
    ///
    /// # Errors
    ///
    /// The code of the reject, if the bytes are no record.
    pub fn new(bytes: &'a [u8], outline: &'a mut Outline) -> Result<Self, Code> {
        outline.read(bytes)?;
        let leader = Leader::new(bytes).ok_or(Code::TooShort)?;
        Ok(Self { bytes, leader, outline })
    }

    /// The leader.
    #[must_use]
    pub fn leader(&self) -> Leader<'a> {
        self.leader
    }

    /// All bytes of the record.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What had to be put right in the record's structure.
    #[must_use]
    pub fn flaws(&self) -> &'a [Flaw] {
        self.outline.flaws()
    }

    /// Fields in directory order.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields { bytes: self.bytes, spans: self.outline.fields().iter() }
    }

    /// The value of the first 001.
    #[must_use]
    pub fn control_number(&self) -> Option<&'a [u8]> {
        self.fields().find(|field| field.tag() == *b"001").map(FieldRef::data)
    }
}

/// Iterator over a record's fields.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    spans: slice::Iter<'a, FieldSpan>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = FieldRef<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let span = self.spans.next()?;
        let data = self.bytes.get(span.start as usize..span.end as usize)?;
        Some(FieldRef { tag: span.tag, data })
    }
}

/// One field: a tag and its data without the field terminator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldRef<'a> {
    tag: [u8; 3],
    data: &'a [u8],
}

impl<'a> FieldRef<'a> {
    pub(crate) fn new(tag: [u8; 3], data: &'a [u8]) -> Self {
        Self { tag, data }
    }

    /// The tag's three bytes.
    #[must_use]
    pub fn tag(self) -> [u8; 3] {
        self.tag
    }

    /// All bytes of the field; for a control field, its value.
    #[must_use]
    pub fn data(self) -> &'a [u8] {
        self.data
    }

    /// Whether the tag is 001 to 009 (or 000).
    #[must_use]
    pub fn is_control(self) -> bool {
        is_control_tag(self.tag)
    }

    /// What stands before the first delimiter: two indicators, and rarely more or less.
    fn head(self) -> &'a [u8] {
        let end = memchr(DELIMITER, self.data).unwrap_or(self.data.len());
        self.data.get(..end).unwrap_or_default()
    }

    /// The indicators of a data field; `None` where one is missing.
    #[must_use]
    pub fn indicators(self) -> (Option<u8>, Option<u8>) {
        let head = self.head();
        (head.first().copied(), head.get(1).copied())
    }

    /// Text between the indicators and the first delimiter, where there should be none.
    #[must_use]
    pub fn stray_text(self) -> &'a [u8] {
        self.head().get(2..).unwrap_or_default()
    }

    /// The subfields of a data field, in order, empty ones included.
    #[must_use]
    pub fn subfields(self) -> Subfields<'a> {
        Subfields { rest: self.data.get(self.head().len()..).unwrap_or_default() }
    }
}

/// Iterator over a field's subfields.
#[derive(Debug, Clone)]
pub struct Subfields<'a> {
    /// Empty, or begins with a delimiter.
    rest: &'a [u8],
}

impl<'a> Iterator for Subfields<'a> {
    type Item = SubfieldRef<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (_, rest) = self.rest.split_first()?;
        let end = memchr(DELIMITER, rest).unwrap_or(rest.len());
        let (subfield, rest) = rest.split_at_checked(end)?;
        self.rest = rest;
        let (code, value) = subfield.split_at_checked(code_length(subfield))?;
        Some(SubfieldRef { code, value })
    }
}

/// One subfield. The code is empty where nothing follows the delimiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubfieldRef<'a> {
    code: &'a [u8],
    value: &'a [u8],
}

impl<'a> SubfieldRef<'a> {
    /// The code: the bytes of one character.
    #[must_use]
    pub fn code(self) -> &'a [u8] {
        self.code
    }

    /// The value.
    #[must_use]
    pub fn value(self) -> &'a [u8] {
        self.value
    }
}

/// How many bytes the code takes at the start of a subfield: those of one UTF-8 character, or one byte.
#[inline]
pub(crate) fn code_length(subfield: &[u8]) -> usize {
    match subfield.first() {
        None => 0,
        Some(0..0x80) => 1,
        Some(&first) => {
            let length = match first {
                0xC2..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF4 => 4,
                _ => 1,
            };
            match subfield.get(..length) {
                Some(character) if std::str::from_utf8(character).is_ok() => length,
                _ => 1,
            }
        }
    }
}
