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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso2709::encode::encode;
    use proptest::prelude::*;

    type Parts = (Option<u8>, Option<u8>, Vec<u8>, Vec<(Vec<u8>, Vec<u8>)>);

    fn parts(data: &[u8]) -> Parts {
        let field = FieldRef::new(*b"500", data);
        let (first, second) = field.indicators();
        let subfields = field.subfields().map(|subfield| (subfield.code().to_vec(), subfield.value().to_vec()));
        (first, second, field.stray_text().to_vec(), subfields.collect())
    }

    fn subfield(code: &str, value: &[u8]) -> (Vec<u8>, Vec<u8>) {
        (code.as_bytes().to_vec(), value.to_vec())
    }

    #[test]
    fn a_field_is_indicators_stray_text_and_subfields_whatever_is_missing() {
        assert_eq!(parts(b""), (None, None, vec![], vec![]));
        assert_eq!(parts(b"1"), (Some(b'1'), None, vec![], vec![]));
        assert_eq!(parts(b"10text"), (Some(b'1'), Some(b'0'), b"text".to_vec(), vec![]));
        assert_eq!(parts(b"\x1f"), (None, None, vec![], vec![subfield("", b"")]));
        let empty = vec![subfield("", b""), subfield("a", b""), subfield("", b""), subfield("b", b"x")];
        assert_eq!(parts(b" 1\x1f\x1fa\x1f\x1fbx"), (Some(b' '), Some(b'1'), vec![], empty));
    }

    #[test]
    fn a_code_is_one_character_or_one_byte_of_what_is_none() {
        for code in ["a", "=", "é", "漢", "🎼"] {
            assert_eq!(parts(format!("  \x1f{code}é").as_bytes()).3, [subfield(code, "é".as_bytes())]);
        }
        for code in
            [&b"\xE9"[..], b"\xFF", b"\x80", b"\xC3", b"\xE6\xBC", b"\xF0\x9F\x8E", b"\xE9te", b"\xF5\x80\x80\x80"]
        {
            assert_eq!(parts(&[b"  \x1f", code].concat()).3, [(code[..1].to_vec(), code[1..].to_vec())]);
        }
    }

    #[test]
    fn what_is_no_record_has_no_fields() {
        let mut outline = Outline::default();
        assert_eq!(RecordRef::new(b"too short", &mut outline).err(), Some(Code::TooShort));
    }

    proptest! {
        #[test]
        fn fields_and_subfields_together_are_the_record(
            fields in prop::collection::vec(
                ("[0-9A-Z]{3}", prop::collection::vec(prop_oneof![4 => 0x20..0x7Fu8, 1 => Just(DELIMITER), 1 => 0x80..=0xFFu8], 0..30)),
                0..8,
            ),
        ) {
            let leader = b"00000nam a2200000 a 4500";
            let tag = |tag: &str| *tag.as_bytes().first_chunk::<3>().unwrap();
            let bytes = encode(leader, fields.iter().map(|(name, data)| (tag(name), &data[..]))).unwrap();
            let mut outline = Outline::default();
            let record = RecordRef::new(&bytes, &mut outline).unwrap();
            prop_assert!(record.flaws().is_empty());
            prop_assert_eq!(record.as_bytes(), &bytes[..]);
            prop_assert_eq!(record.leader().record_length(), Some(bytes.len()));
            let found: Vec<_> = record.fields().map(|field| (field.tag(), field.data().to_vec())).collect();
            let expected: Vec<_> = fields.iter().map(|(name, data)| (tag(name), data.clone())).collect();
            prop_assert_eq!(found, expected);
            let first = fields.iter().find(|(name, _)| name == "001").map(|(_, data)| &data[..]);
            prop_assert_eq!(record.control_number(), first);
            for field in record.fields() {
                let (first, second) = field.indicators();
                let mut again: Vec<u8> = first.into_iter().chain(second).collect();
                again.extend_from_slice(field.stray_text());
                for subfield in field.subfields() {
                    again.push(DELIMITER);
                    again.extend_from_slice(subfield.code());
                    again.extend_from_slice(subfield.value());
                }
                prop_assert_eq!(again, field.data());
                let number = std::str::from_utf8(&field.tag()).ok().and_then(|tag| tag.parse::<u32>().ok());
                prop_assert_eq!(field.is_control(), number.is_some_and(|number| number < 10));
            }
        }
    }
}
