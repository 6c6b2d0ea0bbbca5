//! Whether a record's text can be viewed in place, and what it is encoded in.
//!
//! Strings in a batch are views into the block, and Arrow takes them for UTF-8 unseen. Text is sound when
//!
//! * the whole block, or the whole record, is valid UTF-8 **and** no cut that the record's structure makes falls inside
//!   a character, or
//! * each value is valid UTF-8 by itself.
//!
//! [`BlockText::judge`] establishes one of the two for every record before a layout sees it; a record for which neither
//! holds is rejected.

pub(crate) mod marc8;

use memchr::memchr;
use simdutf8::basic::from_utf8;

use crate::iso2709::{DELIMITER, FieldSpan, LEADER_LENGTH, Leader, is_control_tag};
use crate::problem::Code;

const ESCAPE: u8 = 0x1B;

/// What is known of the text of a whole block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockText {
    utf8: bool,
}

/// What the text of a record is encoded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    Marc8,
}

impl Charset {
    /// Leader 09 decides, but for records that are UTF-8 beyond doubt whatever it says.
    pub(crate) fn of(record: &[u8]) -> Self {
        let flagged = Leader::new(record).is_some_and(Leader::is_utf8);
        let utf8 = flagged || !record.is_ascii() && memchr(ESCAPE, record).is_none() && from_utf8(record).is_ok();
        if utf8 { Self::Utf8 } else { Self::Marc8 }
    }
}

/// Whether `value` is its own text in every encoding that records may be in.
#[inline]
pub(crate) fn is_plain_ascii(value: &[u8]) -> bool {
    value.is_ascii() && memchr(ESCAPE, value).is_none()
}

/// The text of a value in MARC-8; what stands for nothing in it becomes U+FFFD.
pub(crate) fn decode_marc8(value: &[u8]) -> String {
    let mut text = String::new();
    marc8::Decoder::new().decode(value, &mut text);
    text
}

/// A repair that concerns text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TextRepair {
    pub code: Code,
    /// The field's tag, if it is one field's.
    pub tag: Option<[u8; 3]>,
    /// The bytes that tables show as something else.
    pub raw: Vec<u8>,
}

impl BlockText {
    pub(crate) fn new(block: &[u8]) -> Self {
        Self { utf8: from_utf8(block).is_ok() }
    }

    /// Where nothing is known of the block.
    pub(crate) fn unknown() -> Self {
        Self { utf8: false }
    }

    /// Whether all of `record` is text that is viewed in place, wherever it is cut between ASCII bytes.
    pub(crate) fn is_text(self, record: &[u8]) -> bool {
        let flagged = Leader::new(record).is_some_and(Leader::is_utf8);
        if flagged { self.utf8 } else { is_plain_ascii(record) }
    }

    /// Establishes that every piece of `record` that `fields` cut out is sound text; notes repairs.
    ///
    /// # Errors
    ///
    /// The code of the reject, where some value is not.
    pub(crate) fn judge(self, record: &[u8], fields: &[FieldSpan], repairs: &mut Vec<TextRepair>) -> Result<(), Code> {
        let flagged = Leader::new(record).is_some_and(Leader::is_utf8);
        // The first test settles nearly every record.
        if !flagged && record.is_ascii() {
            return if memchr(ESCAPE, record).is_none() { Ok(()) } else { unescaped(record, fields) };
        }
        if flagged && self.utf8 && is_plain(record, fields) {
            return Ok(());
        }
        note_structure(record, fields, repairs);
        let utf8 = self.utf8 || from_utf8(record).is_ok();
        if !flagged {
            // The text may be ASCII for all that, and what is not be in the structure alone.
            if unescaped(record, fields).is_ok() {
                return Ok(());
            }
            if !utf8 || memchr(ESCAPE, record).is_some() {
                return Err(Code::UnsupportedEncoding);
            }
            repairs.push(TextRepair { code: Code::Utf8NotFlagged, tag: None, raw: Vec::new() });
        }
        if utf8 && cuts_are_sound(record, fields) {
            return Ok(());
        }
        all_values(record, fields, |value| from_utf8(value).is_ok()).ok_or(Code::InvalidUtf8)
    }
}

/// Values in MARC-8 are sound text as they stand only where they are ASCII without escape sequences.
fn unescaped(record: &[u8], fields: &[FieldSpan]) -> Result<(), Code> {
    all_values(record, fields, |value| value.is_ascii() && memchr(ESCAPE, value).is_none())
        .ok_or(Code::UnsupportedEncoding)
}

fn field<'a>(record: &'a [u8], span: &FieldSpan) -> &'a [u8] {
    record.get(span.start as usize..span.end as usize).unwrap_or_default()
}

/// Whether leader, tags and indicators are ASCII, so that in a valid record no cut falls inside a character.
fn is_plain(record: &[u8], fields: &[FieldSpan]) -> bool {
    let leader = record.get(..LEADER_LENGTH).is_some_and(<[u8]>::is_ascii);
    let bytes = fields.iter().fold(0, |bytes, span| {
        // What follows a field is ASCII, so nothing is missed where one is shorter than two bytes.
        let [a, b, c] = span.tag;
        let at = span.start as usize;
        let first = record.get(at).copied().unwrap_or(0);
        let second = if is_control_tag(span.tag) { 0 } else { record.get(at + 1).copied().unwrap_or(0) };
        bytes | a | b | c | first | second
    });
    leader && bytes.is_ascii()
}

/// In a valid record, whether each field begins at a character and its indicators are ASCII. A field ends before an ASCII
/// byte, subfields begin after one, and a code is one whole character, so these are the only cuts in doubt.
fn cuts_are_sound(record: &[u8], fields: &[FieldSpan]) -> bool {
    fields.iter().all(|span| match field(record, span) {
        [] => true,
        [first, ..] if is_control_tag(span.tag) => !(0x80..0xC0).contains(first),
        [first, second, ..] => first.is_ascii() && second.is_ascii(),
        [first] => first.is_ascii(),
    })
}

/// Whether `sound` holds for each value by itself: control fields, text before a first delimiter, subfields with their codes.
fn all_values(record: &[u8], fields: &[FieldSpan], sound: impl Fn(&[u8]) -> bool) -> Option<()> {
    fields
        .iter()
        .all(|span| {
            let data = field(record, span);
            if is_control_tag(span.tag) {
                return sound(data);
            }
            let head = memchr(DELIMITER, data).unwrap_or(data.len());
            let (head, subfields) = data.split_at_checked(head).unwrap_or_default();
            head.get(2..).is_none_or(&sound) && subfields.split(|&byte| byte == DELIMITER).all(&sound)
        })
        .then_some(())
}

/// Notes leader, tags and indicators that are not ASCII; in tables each of their bytes that is not becomes U+FFFD.
fn note_structure(record: &[u8], fields: &[FieldSpan], repairs: &mut Vec<TextRepair>) {
    let code = Code::NonAsciiStructure;
    let leader = record.get(..LEADER_LENGTH).unwrap_or_default();
    if !leader.is_ascii() {
        repairs.push(TextRepair { code, tag: None, raw: leader.to_vec() });
    }
    for span in fields {
        let data = field(record, span);
        let indicators = if is_control_tag(span.tag) { &[] } else { data.get(..2).unwrap_or(data) };
        let indicators = indicators.split(|&byte| byte == DELIMITER).next().unwrap_or_default();
        if !span.tag.is_ascii() || !indicators.is_ascii() {
            repairs.push(TextRepair { code, tag: Some(span.tag), raw: [&span.tag, indicators].concat() });
        }
    }
}

/// Leader or tag as text: each byte that is not ASCII becomes U+FFFD, so that positions keep their meaning.
pub(crate) fn structure_text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of one field; the block is valid UTF-8 if the record is.
    fn judge(leader09: u8, tag: [u8; 3], data: &[u8]) -> (Result<(), Code>, Vec<TextRepair>) {
        let mut record = b"00000nam  2200037 a 4500".to_vec();
        record[9] = leader09;
        let start = record.len() as u32;
        record.extend_from_slice(data);
        let end = record.len() as u32;
        record.push(0x1E);
        let mut repairs = Vec::new();
        let fields = [FieldSpan { tag, start, end }];
        (BlockText::new(&record).judge(&record, &fields, &mut repairs), repairs)
    }

    #[test]
    fn ascii_is_sound_under_any_flag() {
        assert_eq!(judge(b'a', *b"245", b"10\x1faText"), (Ok(()), vec![]));
        assert_eq!(judge(b' ', *b"245", b"10\x1faText"), (Ok(()), vec![]));
    }

    #[test]
    fn marc8_beyond_ascii_is_rejected_by_its_own_code() {
        assert_eq!(judge(b' ', *b"245", b"10\x1faCaf\xe2e").0, Err(Code::UnsupportedEncoding));
        assert_eq!(judge(b' ', *b"245", b"10\x1fa\x1b$1!0!").0, Err(Code::UnsupportedEncoding));
    }

    #[test]
    fn utf8_that_is_not_flagged_is_a_repair() {
        let (sound, repairs) = judge(b' ', *b"245", "10\x1faCafé".as_bytes());
        assert_eq!((sound, repairs.len(), repairs[0].code), (Ok(()), 1, Code::Utf8NotFlagged));
    }

    #[test]
    fn an_indicator_inside_a_character_takes_the_checked_path() {
        // Cutting after two bytes leaves a continuation byte alone.
        assert_eq!(judge(b'a', *b"245", "1éText".as_bytes()).0, Err(Code::InvalidUtf8));
        let (sound, repairs) = judge(b'a', *b"245", "é\x1faText".as_bytes());
        let raw = [b"245", "é".as_bytes()].concat();
        assert_eq!(sound, Ok(()));
        assert_eq!(repairs, [TextRepair { code: Code::NonAsciiStructure, tag: Some(*b"245"), raw }]);
    }

    #[test]
    fn an_escape_is_never_text_whatever_the_structure_is() {
        let (found, _) = judge(b' ', *b"245", "é\x1fa\x1b$1!0!".as_bytes());
        assert_eq!(found, Err(Code::UnsupportedEncoding));
    }

    #[test]
    fn a_control_field_that_begins_inside_a_character_is_not_sound() {
        assert_eq!(judge(b'a', *b"001", b"\xa9x").0, Err(Code::InvalidUtf8));
    }
}
