//! The short way for records in which nothing is odd, as nearly all are: UTF-8, two indicators, subfields with codes of one byte.
//!
//! Room for all of a record is made at once. Values are then copied in pieces of a fixed length, where they are short and there is
//! as much to copy, and what came along is written over by what follows: that is a few instructions for each, and no call.

use arrow_array::{Array, StringViewArray};

use super::{Encoder, LONGEST_FIELD, LONGEST_RECORD, Noted, Symbol, looked_through};
use crate::iso2709::directory::ENTRY_LENGTH;
use crate::iso2709::{DELIMITER, FIELD_TERMINATOR, LEADER_LENGTH, RECORD_TERMINATOR};

/// What a view has room for.
const INLINE: usize = 12;
/// Longer values are copied by their length.
const SHORT: usize = 64;
/// In place of an indicator that is not one byte of ASCII.
const ODD: u8 = u8::MAX;

/// What tags, indicators and codes are written as; nothing, or [`ODD`], where that takes the long way.
pub(super) struct Symbols {
    /// With whether it is that of a control field.
    tags: Vec<Option<([u8; 3], bool)>>,
    indicators: [Vec<u8>; 2],
    /// After a delimiter.
    codes: Vec<Option<[u8; 2]>>,
}

fn one_byte(symbol: &Symbol) -> Option<u8> {
    match symbol {
        Symbol::Bytes { bytes: [byte, ..], length: 1, replaced: 0 } => Some(*byte),
        _ => None,
    }
}

impl Symbols {
    pub(super) fn new(tags: &[Symbol], indicators: [&[Symbol]; 2], codes: &[Symbol]) -> Self {
        let tag = |symbol: &Symbol| match symbol {
            Symbol::Bytes { bytes: [a, b, c, _], length: 3, replaced: 0 } => Some(([*a, *b, *c], symbol.is_control())),
            _ => None,
        };
        Self {
            tags: tags.iter().map(tag).collect(),
            indicators: indicators.map(|one| one.iter().map(|symbol| one_byte(symbol).unwrap_or(ODD)).collect()),
            codes: codes.iter().map(|symbol| one_byte(symbol).map(|code| [DELIMITER, code])).collect(),
        }
    }
}

impl Encoder<'_> {
    /// Appends a record to `out`; `None`, and nothing of it, if it has to go the long way, which tells what is wrong.
    pub(super) fn swiftly(&self, record: usize, out: &mut Vec<u8>) -> Option<Noted> {
        let start = out.len();
        let done = self.lay_out_swiftly(record, out);
        out.truncate(start + done.map_or(0, |(length, _)| length));
        done.map(|(_, noted)| noted)
    }

    /// The record's length, from where `out` ended before. More may have been appended.
    fn lay_out_swiftly(&self, record: usize, out: &mut Vec<u8>) -> Option<(usize, Noted)> {
        let table = self.table;
        let (leader, fields) = table.record(record).ok()?;
        let all = table.subfields_of(fields.clone());
        let values = Views::new(&table.value);
        let texts = Views::new(&table.text);
        let bytes = values.bytes(fields.clone())? + texts.bytes(all.clone())?;
        let base = LEADER_LENGTH + ENTRY_LENGTH * fields.len() + 1;
        let most = base + 3 * fields.len() + 2 * all.len() + bytes + 1;
        if most > LONGEST_RECORD {
            return None;
        }
        let start = out.len();
        out.resize(start + most + SHORT, FIELD_TERMINATOR);
        let (head, data) = out.get_mut(start..)?.split_at_mut_checked(base)?;
        let entries = head.get_mut(LEADER_LENGTH..)?.chunks_exact_mut(ENTRY_LENGTH);
        let tags = table.tag.keys().values().get(fields.clone())?;
        let mut at = 0;
        for ((field, entry), &tag) in fields.clone().zip(entries).zip(tags) {
            let from = at;
            let (tag, is_control) = (*self.symbols.tags.get(usize::from(tag))?)?;
            let subfields = table.subfields(field);
            if is_control {
                let is_plain = subfields.is_empty() && table.ind1.is_null(field) && table.ind2.is_null(field);
                at = values.put(field, data, at).filter(|_| is_plain && table.value.is_valid(field))?;
            } else {
                let [ind1, ind2] = self.indicators(field)?;
                *data.get_mut(at..)?.first_chunk_mut()? = [ind1, ind2];
                at += 2;
                let codes = table.code.keys().values().get(subfields.clone())?;
                for (subfield, &code) in subfields.zip(codes) {
                    *data.get_mut(at..)?.first_chunk_mut()? = (*self.symbols.codes.get(usize::from(code))?)?;
                    at = texts.put(subfield, data, at + 2)?;
                }
            }
            *data.get_mut(at)? = FIELD_TERMINATOR;
            at += 1;
            entry.copy_from_slice(&directory_entry(tag, at - from, from)?);
        }
        *data.get_mut(at)? = RECORD_TERMINATOR;
        let (found, is_plain) = looked_through(data.get(..=at)?);
        if found != fields.len() + 1 + all.len() {
            return None;
        }
        let length = base + at + 1;
        let mut noted = Noted::default();
        head.get_mut(..LEADER_LENGTH)?.copy_from_slice(&self.leader(leader, length, base, is_plain, &mut noted).ok()?);
        Some((length, noted))
    }

    /// Those of a field that has nothing else before its first subfield.
    fn indicators(&self, field: usize) -> Option<[u8; 2]> {
        let table = self.table;
        let [first, second] = &self.symbols.indicators;
        let ind1 = *first.get(usize::from(*table.ind1.keys().values().get(field)?))?;
        let ind2 = *second.get(usize::from(*table.ind2.keys().values().get(field)?))?;
        let is_usual = table.value.is_null(field) && table.ind1.is_valid(field) && table.ind2.is_valid(field);
        (is_usual && ind1 != ODD && ind2 != ODD).then_some([ind1, ind2])
    }
}

/// Values of a column.
#[derive(Clone, Copy)]
struct Views<'a> {
    array: &'a StringViewArray,
    views: &'a [u128],
}

impl<'a> Views<'a> {
    fn new(array: &'a StringViewArray) -> Self {
        Self { array, views: array.views() }
    }

    /// How many bytes there are in so many of them, and what is under nulls.
    fn bytes(self, of: std::ops::Range<usize>) -> Option<usize> {
        Some(self.views.get(of)?.iter().map(|&view| view as u32 as usize).sum())
    }

    /// Copies one to `at`, and tells where it ends.
    #[inline]
    fn put(self, value: usize, to: &mut [u8], at: usize) -> Option<usize> {
        let view = *self.views.get(value)?;
        let length = view as u32 as usize;
        let to = to.get_mut(at..)?;
        if length <= INLINE {
            let [_, _, _, _, bytes @ ..] = view.to_ne_bytes();
            *to.first_chunk_mut::<INLINE>()? = bytes;
        } else {
            let (buffer, start) = ((view >> 64) as u32 as usize, (view >> 96) as usize);
            let from = self.array.data_buffers().get(buffer)?.get(start..)?;
            match (from.first_chunk::<SHORT>(), to.first_chunk_mut::<SHORT>()) {
                (Some(from), Some(to)) if length <= SHORT => *to = *from,
                _ => to.get_mut(..length)?.copy_from_slice(from.get(..length)?),
            }
        }
        Some(at + length)
    }
}

/// A field's tag, its length, and where it starts after the base address; `None` where there is no room for these.
fn directory_entry(tag: [u8; 3], length: usize, start: usize) -> Option<[u8; ENTRY_LENGTH]> {
    if length > LONGEST_FIELD {
        return None;
    }
    let [t0, t1, t2] = tag;
    let ([l0, l1], [l2, l3]) = (two_digits(length / 100)?, two_digits(length % 100)?);
    let ([_, s0], [s1, s2], [s3, s4]) =
        (two_digits(start / 10_000)?, two_digits(start / 100 % 100)?, two_digits(start % 100)?);
    Some([t0, t1, t2, l0, l1, l2, l3, s0, s1, s2, s3, s4])
}

fn two_digits(number: usize) -> Option<[u8; 2]> {
    const TENS: [[u8; 2]; 100] = {
        let mut pairs = [[0; 2]; 100];
        let mut number = 0;
        while number < 100 {
            // The compiler runs this.
            #[allow(clippy::indexing_slicing)]
            {
                pairs[number] = [b'0' + number as u8 / 10, b'0' + number as u8 % 10];
            }
            number += 1;
        }
        pairs
    };
    TENS.get(number).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::TextEncoding;
    use super::super::Text;
    use super::*;
    use crate::frame::Table;
    use crate::layout::Layout;
    use crate::read::{ReadOptions, read};
    use crate::source::Source;

    fn tables(source: Vec<u8>, layout: Layout) -> Vec<Table> {
        let options = ReadOptions { layout, ignore_errors: true, ..ReadOptions::default() };
        let stream = read(vec![Source::memory(source)], options).unwrap();
        stream.flat_map(|batch| Table::parts(&batch.unwrap(), layout, None).unwrap()).collect()
    }

    /// Of how many records the short way made something, which is what the long way makes of them.
    fn compared(tables: &[Table]) -> usize {
        let mut swift = 0;
        for table in tables {
            let encoder = Encoder::new(table, TextEncoding::Utf8);
            for record in 0..table.len() {
                let (mut short, mut long) = (b"before".to_vec(), b"before".to_vec());
                match encoder.swiftly(record, &mut short) {
                    Some(noted) => {
                        assert_eq!(noted, encoder.lay_out(record, &mut long, Text::Utf8).unwrap());
                        swift += 1;
                    }
                    None => assert_eq!(short, b"before"),
                }
                if short.len() > 6 {
                    assert_eq!(String::from_utf8_lossy(&short), String::from_utf8_lossy(&long));
                }
            }
        }
        swift
    }

    /// A record of the fields, where a terminator and all before it is there.
    fn record(fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let (mut directory, mut data) = (Vec::new(), Vec::new());
        for (tag, content) in fields {
            directory.extend(format!("{tag}{:04}{:05}", content.len() + 1, data.len()).bytes());
            data.extend(content);
            data.push(FIELD_TERMINATOR);
        }
        let base = LEADER_LENGTH + directory.len() + 1;
        let mut record = format!("{:05}nam a22{base:05} a 4500", base + data.len() + 1).into_bytes();
        record.extend(directory);
        record.push(FIELD_TERMINATOR);
        record.extend(data);
        record.push(RECORD_TERMINATOR);
        record
    }

    #[test]
    fn all_of_the_sample_goes_the_short_way() {
        let sample = include_bytes!("../../../../tests/data/sample.mrc");
        for layout in [Layout::Records, Layout::Subfields] {
            assert_eq!(compared(&tables(sample.to_vec(), layout)), 300, "{layout:?}");
        }
    }

    proptest! {
        #[test]
        fn values_of_any_length_are_written_as_the_long_way_has_them(
            lengths in prop::collection::vec(prop::collection::vec(0..150_usize, 0..6), 0..6),
            odd in 0..8,
        ) {
            let mut fields = vec![("001", b"number".to_vec())];
            for (number, lengths) in lengths.iter().enumerate() {
                let mut content = b"1 ".to_vec();
                for length in lengths {
                    content.extend([DELIMITER, b'a' + number as u8]);
                    content.extend((0..*length).map(|at| b' ' + (at % 90) as u8));
                }
                fields.push(("245", content));
            }
            match odd {
                1 => fields.push(("500", "1 before\u{1F}a".into())),
                2 => fields.push(("500", "1 \u{1F}\u{E9}x".into())),
                3 => fields.push(("500", b"\x1Fawithout indicators".to_vec())),
                4 => fields.push(("003", b"with \x1Fdelimiter".to_vec())),
                5 => fields.push(("500", vec![b'x'; 9_998])),
                6 => fields.push(("5\u{E9}", b"  \x1Fa".to_vec())),
                _ => {}
            }
            let is_usual = !(1..=6).contains(&odd);
            for layout in [Layout::Records, Layout::Subfields] {
                prop_assert_eq!(compared(&tables(record(&fields), layout)), usize::from(is_usual));
            }
        }
    }

    #[test]
    fn entries_are_those_of_a_directory() {
        assert_eq!(directory_entry(*b"245", 12, 3).as_ref(), Some(b"245001200003"));
        assert_eq!(directory_entry(*b"245", 9_999, 89_876).as_ref(), Some(b"245999989876"));
        assert_eq!(directory_entry(*b"245", 10_000, 0), None);
    }
}
