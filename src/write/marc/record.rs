//! One record of a table as the bytes of ISO 2709.

mod swift;

use std::borrow::Cow;
use std::ops::{AddAssign, Range};

use arrow_array::cast::AsArray;
use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{Array, DictionaryArray};

use self::swift::Symbols;
use super::TextEncoding;
use crate::encoding::{encode_marc8, is_utf8_beyond_doubt};
use crate::frame::{Fault, Table};
use crate::iso2709::directory::ENTRY_LENGTH;
use crate::iso2709::encode::{LONGEST_FIELD, LONGEST_RECORD};
use crate::iso2709::{DELIMITER, FIELD_TERMINATOR, LEADER_LENGTH, RECORD_TERMINATOR, is_control_tag};

const ESCAPE: u8 = 0x1B;

/// What was not written as it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Noted {
    pub references: u64,
    pub replaced: u64,
}

impl AddAssign for Noted {
    fn add_assign(&mut self, other: Self) {
        self.references += other.references;
        self.replaced += other.replaced;
    }
}

/// What a tag, indicator or code of a dictionary is written as.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Symbol {
    Bytes { bytes: [u8; 4], length: u8, replaced: u8 },
    Bad(String),
}

impl Symbol {
    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes { bytes, length, .. } => bytes.get(..usize::from(*length)),
            Self::Bad(_) => None,
        }
    }

    /// Whether it is the tag of a control field.
    fn is_control(&self) -> bool {
        self.bytes().and_then(|tag| tag.first_chunk().copied()).is_some_and(is_control_tag)
    }

    fn replaced(&self) -> u64 {
        match self {
            Self::Bytes { replaced, .. } => u64::from(*replaced),
            Self::Bad(_) => 0,
        }
    }

    /// Of text that `is_right`, as it is or with `?` for what was no text when it was read.
    fn new(text: &str, is_right: impl Fn(&str) -> bool) -> Self {
        let (text, replaced) = if is_right(text) {
            (text.to_owned(), 0)
        } else {
            let replaced = text.matches(char::REPLACEMENT_CHARACTER).count();
            (text.replace(char::REPLACEMENT_CHARACTER, "?"), replaced)
        };
        let mut bytes = [0; 4];
        match bytes.get_mut(..text.len()) {
            Some(slot) if is_right(&text) && !text.bytes().any(is_delimiter) => {
                slot.copy_from_slice(text.as_bytes());
                Self::Bytes { bytes, length: text.len() as u8, replaced: replaced as u8 }
            }
            _ => Self::Bad(text),
        }
    }
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Utf8,
    Marc8,
    /// ASCII, with a reference for everything else.
    References,
}

fn write(text: &str, out: &mut Vec<u8>, encoding: Text, noted: &mut Noted) {
    match encoding {
        Text::Utf8 => out.extend_from_slice(text.as_bytes()),
        Text::Marc8 => noted.references += encode_marc8(text, out) as u64,
        Text::References => {
            for char in text.chars() {
                if char.is_ascii() {
                    noted.references += encode_marc8(char.encode_utf8(&mut [0; 4]), out) as u64;
                } else {
                    out.extend_from_slice(format!("&#x{:04X};", char as u32).as_bytes());
                    noted.references += 1;
                }
            }
        }
    }
}

/// Writes the records of a table.
pub(super) struct Encoder<'a> {
    table: &'a Table,
    encoding: Text,
    tags: Vec<Symbol>,
    ind1: Vec<Symbol>,
    ind2: Vec<Symbol>,
    codes: Vec<Symbol>,
    /// The same for the short way.
    symbols: Symbols,
}

fn symbols<K: ArrowDictionaryKeyType>(of: &DictionaryArray<K>, is_right: impl Fn(&str) -> bool) -> Vec<Symbol> {
    of.values().as_string::<i32>().iter().map(|text| Symbol::new(text.unwrap_or_default(), &is_right)).collect()
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, RECORD_TERMINATOR | FIELD_TERMINATOR | DELIMITER)
}

impl<'a> Encoder<'a> {
    pub(super) fn new(table: &'a Table, encoding: TextEncoding) -> Self {
        let encoding = match encoding {
            TextEncoding::Utf8 => Text::Utf8,
            TextEncoding::Marc8 => Text::Marc8,
        };
        let is_indicator = |text: &str| text.len() == 1 && text.is_ascii();
        let is_code =
            |text: &str| text.is_empty() || text.chars().count() == 1 && (text.is_ascii() || encoding == Text::Utf8);
        let tags = symbols(&table.tag, |text| text.len() == 3 && text.is_ascii());
        let (ind1, ind2) = (symbols(&table.ind1, is_indicator), symbols(&table.ind2, is_indicator));
        let codes = symbols(&table.code, is_code);
        Self { symbols: Symbols::new(&tags, [&ind1, &ind2], &codes), table, encoding, tags, ind1, ind2, codes }
    }

    /// Appends a record to `out`, or nothing if it cannot be written.
    pub(super) fn encode(&self, record: usize, out: &mut Vec<u8>) -> Result<Noted, Fault> {
        if self.encoding == Text::Utf8
            && let Some(noted) = self.swiftly(record, out)
        {
            return Ok(noted);
        }
        let start = out.len();
        let mut done = self.lay_out(record, out, self.encoding);
        let is_marc8 = self.encoding == Text::Marc8;
        if is_marc8 && done.is_ok() && out.get(start..).is_some_and(is_utf8_beyond_doubt) {
            // Chance would have it that readers took it for what it is not.
            out.truncate(start);
            done = self.lay_out(record, out, Text::References);
        }
        if done.is_err() {
            out.truncate(start);
        }
        done
    }

    fn lay_out(&self, record: usize, out: &mut Vec<u8>, encoding: Text) -> Result<Noted, Fault> {
        let (leader, fields) = self.table.record(record)?;
        let start = out.len();
        let base = LEADER_LENGTH + ENTRY_LENGTH * fields.len() + 1;
        let mut noted = Noted::default();
        if base >= LONGEST_RECORD {
            return Err(too_long(base + 1));
        }
        out.resize(start + base, FIELD_TERMINATOR);
        let mut delimiters = 0;
        for (place, field) in fields.clone().enumerate() {
            let from = out.len();
            delimiters += self.field(place, field, out, encoding, &mut noted)?;
            out.push(FIELD_TERMINATOR);
            let length = out.len() - from;
            if length > LONGEST_FIELD {
                let message =
                    format!("the field would have {length} bytes, and a directory has room for {LONGEST_FIELD}");
                return Err(fault(place, "field_too_long", message));
            }
            let at = from - start - base;
            let entry = start + LEADER_LENGTH + ENTRY_LENGTH * place;
            if let Some(entry) = out.get_mut(entry..entry + ENTRY_LENGTH)
                && let Some((tag, numbers)) = entry.split_first_chunk_mut::<3>()
                && let Some((lengths, starts)) = numbers.split_first_chunk_mut::<4>()
            {
                tag.copy_from_slice(
                    symbol(&self.tags, &self.table.tag, field).and_then(Symbol::bytes).unwrap_or_default(),
                );
                digits(lengths, length);
                digits(starts, at);
            }
            if at > LONGEST_RECORD {
                break;
            }
        }
        out.push(RECORD_TERMINATOR);
        let length = out.len() - start;
        if length > LONGEST_RECORD {
            return Err(too_long(length));
        }
        let data = out.get(start + base..).unwrap_or_default();
        let (found, is_plain) = looked_through(data);
        if found != fields.len() + 1 + delimiters {
            return Err(self.delimiter_in(fields));
        }
        let head = self.leader(leader, length, base, is_plain, &mut noted)?;
        if let Some(slot) = out.get_mut(start..start + LEADER_LENGTH) {
            slot.copy_from_slice(&head);
        }
        Ok(noted)
    }

    /// Appends what stands in a field, without its terminator, and tells how many delimiters there are in it.
    fn field(
        &self,
        place: usize,
        field: usize,
        out: &mut Vec<u8>,
        encoding: Text,
        noted: &mut Noted,
    ) -> Result<usize, Fault> {
        let table = self.table;
        let tag = match symbol(&self.tags, &table.tag, field) {
            Some(tag) if tag.bytes().is_some() => tag,
            Some(Symbol::Bad(text)) => {
                return Err(fault(place, "bad_tag", format!("a tag has three characters of ASCII, unlike {text:?}")));
            }
            _ => return Err(fault(place, "no_tag", "the field has no tag")),
        };
        noted.replaced += tag.replaced();
        let subfields = table.subfields(field);
        let indicators = [symbol(&self.ind1, &table.ind1, field), symbol(&self.ind2, &table.ind2, field)];
        let value = table.value.is_valid(field).then(|| table.value.value(field));
        if tag.is_control() {
            if !subfields.is_empty() || indicators.iter().any(Option::is_some) {
                let message = "a control field has a value alone, no indicators or subfields";
                return Err(fault(place, "control_field", message));
            }
            // A delimiter is part of its value.
            let Some(value) = value else {
                return Err(fault(place, "no_value", "the value of a control field is null"));
            };
            write(value, out, encoding, noted);
            return Ok(value.bytes().filter(|&byte| byte == DELIMITER).count());
        }
        match indicators {
            // One that is missing is so in the field, too, if none follows it.
            [None, None] => {}
            [first, second] => {
                for indicator in [first.or(Some(&BLANK)), second].into_iter().flatten() {
                    let Some(bytes) = indicator.bytes() else {
                        return Err(fault(
                            place,
                            "bad_indicator",
                            format!("an indicator is one character of ASCII, unlike {}", told(indicator)),
                        ));
                    };
                    out.extend_from_slice(bytes);
                    noted.replaced += indicator.replaced();
                }
            }
        }
        if let Some(value) = value {
            if !value.is_empty() && indicators.iter().any(Option::is_none) {
                let message = "text before a first subfield would be read as the indicators that the field lacks";
                return Err(fault(place, "bad_indicator", message));
            }
            write(value, out, encoding, noted);
        }
        for subfield in subfields.clone() {
            let code = symbol(&self.codes, &table.code, subfield);
            let Some(bytes) = code.and_then(Symbol::bytes) else {
                let found = code.map_or_else(|| "null".to_owned(), told);
                return Err(fault(place, "bad_code", format!("a subfield's code is one character, unlike {found}")));
            };
            let value = table.text.value(subfield);
            if bytes.is_empty() && !value.is_empty() {
                let message = "a subfield without a code has a value, which would be read as a code";
                return Err(fault(place, "bad_code", message));
            }
            noted.replaced += code.map_or(0, Symbol::replaced);
            if let &[code] = bytes {
                out.extend_from_slice(&[DELIMITER, code]);
            } else {
                out.push(DELIMITER);
                out.extend_from_slice(bytes);
            }
            write(value, out, encoding, noted);
        }
        Ok(subfields.len())
    }

    /// The leader with its numbers, and with what it says of the encoding.
    fn leader(
        &self,
        leader: &str,
        length: usize,
        base: usize,
        is_plain: bool,
        noted: &mut Noted,
    ) -> Result<[u8; LEADER_LENGTH], Fault> {
        let text = if leader.is_ascii() {
            Cow::Borrowed(leader)
        } else {
            noted.replaced += leader.matches(char::REPLACEMENT_CHARACTER).count() as u64;
            Cow::Owned(leader.replace(char::REPLACEMENT_CHARACTER, "?"))
        };
        let mut head: [u8; LEADER_LENGTH] = match text.as_bytes().try_into() {
            Ok(head) if text.is_ascii() && !text.bytes().any(is_delimiter) => head,
            _ => {
                let message = format!("a leader has {LEADER_LENGTH} characters of ASCII, unlike {leader:?}");
                return Err(Fault::new(None, "bad_leader", message));
            }
        };
        let [l0, l1, l2, l3, l4, _, _, _, _, coding, counts @ .., _, _, _, m0, m1, m2, m3] = &mut head;
        let [indicators, codes, base_address @ ..] = counts;
        [l0, l1, l2, l3, l4].into_iter().zip(five(length)).for_each(|(slot, digit)| *slot = digit);
        *coding = match self.encoding {
            Text::Utf8 if is_plain => *coding,
            Text::Utf8 => b'a',
            Text::Marc8 | Text::References => b' ',
        };
        (*indicators, *codes) = (b'2', b'2');
        *base_address = five(base);
        (*m0, *m1, *m2, *m3) = (b'4', b'5', b'0', b'0');
        Ok(head)
    }

    /// In which field there is a delimiter where none must be.
    fn delimiter_in(&self, fields: Range<usize>) -> Fault {
        let message = "a value has one of the bytes 1D, 1E and 1F, which end records, fields and subfields";
        let table = self.table;
        let has = |text: &str| text.bytes().any(is_delimiter);
        let is_it = |field: usize| {
            let value = if table.value.is_valid(field) { table.value.value(field) } else { "" };
            let is_control = symbol(&self.tags, &table.tag, field).is_some_and(Symbol::is_control);
            let in_value =
                if is_control { value.bytes().any(|byte| is_delimiter(byte) && byte != DELIMITER) } else { has(value) };
            in_value || table.subfields(field).any(|subfield| has(table.text.value(subfield)))
        };
        let first = fields.clone().position(is_it).map(|place| place as u32 + 1);
        Fault::new(first, "delimiter_in_value", message)
    }
}

static BLANK: Symbol = Symbol::Bytes { bytes: *b" \0\0\0", length: 1, replaced: 0 };

fn symbol<'s, K: ArrowDictionaryKeyType>(
    known: &'s [Symbol],
    of: &DictionaryArray<K>,
    at: usize,
) -> Option<&'s Symbol> {
    known.get(of.key(at)?)
}

fn told(symbol: &Symbol) -> String {
    match symbol {
        Symbol::Bad(text) => format!("{text:?}"),
        Symbol::Bytes { .. } => String::new(),
    }
}

fn fault(place: usize, code: &'static str, message: impl Into<Cow<'static, str>>) -> Fault {
    Fault::new(Some(place as u32 + 1), code, message)
}

fn too_long(length: usize) -> Fault {
    let message = format!("the record would have {length} bytes or more, and a leader has room for {LONGEST_RECORD}");
    Fault::new(None, "record_too_long", message)
}

/// A number in five digits.
fn five(number: usize) -> [u8; 5] {
    let mut five = [0; 5];
    digits(&mut five, number);
    five
}

/// Bytes that are counted by a byte, in whole vectors.
const LOOKED_AT: usize = 224;

/// How many delimiters there are in `data`, and whether it means the same in MARC-8: ASCII without escape sequences.
fn looked_through(data: &[u8]) -> (usize, bool) {
    let (mut delimiters, mut high, mut escapes) = (0, 0, 0);
    // So many at a time that a byte can count them, without a way out: then many are looked at at once.
    for part in data.chunks(LOOKED_AT) {
        let mut count = 0_u8;
        for &byte in part {
            count += u8::from(byte.wrapping_sub(RECORD_TERMINATOR) <= DELIMITER - RECORD_TERMINATOR);
            high |= byte;
            escapes |= u8::from(byte == ESCAPE);
        }
        delimiters += usize::from(count);
    }
    (delimiters, high < 0x80 && escapes == 0)
}

/// Writes a number with leading zeros.
fn digits(slot: &mut [u8], mut number: usize) {
    for digit in slot.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
