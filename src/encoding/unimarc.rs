//! What a UNIMARC record says of its character sets: coded data in 100 $a, where MARC 21 has leader position 09.

use super::judge::{all_values, cuts_are_sound, note_structure};
use super::{BlockText, Decoding, Encoding, Reading, TextRepair, is_plain_ascii, is_utf8_beyond_doubt};
use crate::iso2709::{DELIMITER, Directory, FieldSpan, LEADER_LENGTH};
use crate::problem::Code;

/// Where 100 $a has two digits for each of G0, G1, G2 and G3 in a bibliographic record, and in one of authorities.
const BIBLIOGRAPHIC: usize = 26;
const AUTHORITIES: usize = 13;

/// The character sets that 100 $a names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CharacterSets {
    /// What bytes beyond ASCII are in; `None` where nothing is said, or nothing that is known.
    pub encoding: Option<Encoding>,
    /// Those of ASCII are said to be in another set, which is not believed: no such record is known, and many that lie are.
    pub other_ascii: bool,
}

impl CharacterSets {
    /// Those of a `record` whose directory is sound.
    pub(super) fn of(record: &[u8]) -> Self {
        let directory = Directory::new(record);
        let fields = directory.into_iter().flat_map(Directory::entries);
        let place = fields.filter(|entry| entry.tag == *b"100").find_map(|entry| entry.place);
        let field = directory.zip(place).and_then(|(directory, place)| {
            let start = directory.base_address() + place.start;
            record.get(start..start + place.length.checked_sub(1)?)
        });
        Self::of_field(record, field)
    }

    /// Those of a `record` with these fields.
    pub(super) fn in_fields(record: &[u8], fields: &[FieldSpan]) -> Self {
        let field = fields.iter().find(|span| span.tag == *b"100");
        Self::of_field(record, field.and_then(|span| record.get(span.start as usize..span.end as usize)))
    }

    fn of_field(record: &[u8], field: Option<&[u8]>) -> Self {
        let subfields = field.unwrap_or_default().split(|&byte| byte == DELIMITER);
        let coded = subfields.skip(1).find_map(|subfield| subfield.strip_prefix(b"a")).unwrap_or_default();
        let authority = record.get(..LEADER_LENGTH).is_some_and(|leader| matches!(leader.get(6), Some(b'x'..=b'z')));
        let at = if authority && coded.len() < BIBLIOGRAPHIC + 4 { AUTHORITIES } else { BIBLIOGRAPHIC };
        let sets: [&[u8]; 2] = [coded.get(at..at + 2), coded.get(at + 2..at + 4)].map(Option::unwrap_or_default);
        let whole = sets.iter().find_map(|set| whole_encoding(set));
        Self {
            encoding: whole.or_else(|| supplement(sets.last()?)),
            other_ascii: whole.is_none() && matches!(sets.first(), Some([b'0', b'2'..=b'9'] | [b'1', b'0' | b'1'])),
        }
    }
}

/// Encodings that are no set for half of the bytes: ISO 10646, and what RUSMARC has beside it.
fn whole_encoding(set: &[u8]) -> Option<Encoding> {
    Some(match set {
        b"50" => Encoding::Utf8,
        b"79" => Encoding::Cp866,
        b"89" => Encoding::Windows1251,
        b"99" => Encoding::Koi8R,
        _ => return None,
    })
}

fn supplement(set: &[u8]) -> Option<Encoding> {
    Some(match set {
        b"02" => Encoding::IsoIr37,
        b"03" => Encoding::Iso5426,
        b"04" => Encoding::Iso5427,
        b"05" => Encoding::Iso5428,
        b"06" => Encoding::Iso6438,
        _ => return None,
    })
}

/// Whether text beyond ASCII is Russian in windows-1251, as in many a record that says something else: words that begin with a
/// capital and go on in small letters, more of them than would be such words in ISO Registration 37, whose cases are the other way
/// about, and than there are marks before a letter as in ISO 5426, where the capitals are marks.
pub(super) fn looks_like_windows_1251(record: &[u8]) -> bool {
    let is_mark = |pair: &&[u8]| matches!(pair, [0xC0..=0xDF, letter] if letter.is_ascii_alphabetic());
    let (mut windows_1251, mut other) = (0_usize, record.windows(2).filter(is_mark).count());
    for word in record.split(|byte| *byte < 0xC0).filter(|word| word.len() >= 3) {
        if let Some((first, rest)) = word.split_first() {
            let low = rest.iter().filter(|&&byte| byte < 0xE0).count();
            windows_1251 += usize::from(*first < 0xE0 && low == 0);
            other += usize::from(*first >= 0xE0 && low == rest.len());
        }
    }
    windows_1251 > other
}

impl Decoding {
    /// Values in `encoding`, but for those that cannot be.
    fn guessed(encoding: Encoding) -> Self {
        Self { encoding, guess: true, flagged_utf8: false }
    }
}

impl BlockText {
    /// [`BlockText::reading`] of a record in UNIMARC.
    pub(super) fn reading_of_unimarc(self, record: &[u8]) -> Reading {
        let said = CharacterSets::of(record);
        if said.other_ascii {
            return Reading::Doubtful;
        }
        if is_plain_ascii(record) {
            return Reading::InPlace;
        }
        let utf8 = self.is_utf8(record);
        match said.encoding {
            Some(Encoding::Utf8) if utf8 => Reading::InPlace,
            Some(encoding) if !utf8 && encoding != Encoding::Utf8 && !is_other(encoding, record) => {
                Reading::Decoded(Decoding::guessed(encoding))
            }
            _ => Reading::Doubtful,
        }
    }

    /// What a record in UNIMARC whose text stands in it as it is says that this is in.
    pub(super) fn said_in_unimarc(record: &[u8]) -> Encoding {
        CharacterSets::of(record).encoding.unwrap_or(Encoding::Iso5426)
    }

    /// [`BlockText::judge`] of a record in UNIMARC.
    pub(super) fn judge_unimarc(
        self,
        record: &[u8],
        fields: &[FieldSpan],
        repairs: &mut Vec<TextRepair>,
    ) -> Option<Decoding> {
        let said = CharacterSets::in_fields(record, fields);
        if is_plain_ascii(record) && !said.other_ascii {
            return None;
        }
        note_structure(record, fields, repairs);
        let mut note = |code| repairs.push(TextRepair { code, tag: None, raw: Vec::new() });
        if said.other_ascii {
            note(Code::CharacterSetUnknown);
        }
        let utf8 = self.is_utf8(record);
        let encoding = match said.encoding {
            Some(Encoding::Utf8) if utf8 => Encoding::Utf8,
            _ if is_utf8_beyond_doubt(record) => {
                note(Code::Utf8NotFlagged);
                Encoding::Utf8
            }
            Some(encoding) if utf8 || !is_other(encoding, record) => encoding,
            None if utf8 || !looks_like_windows_1251(record) => {
                // In ASCII, escape sequences say everything.
                if !said.other_ascii && !record.is_ascii() {
                    note(Code::CharacterSetUnknown);
                }
                Encoding::Iso5426
            }
            _ => {
                note(Code::WrongCharacterSet);
                Encoding::Windows1251
            }
        };
        let sound = encoding == Encoding::Utf8 && utf8 && cuts_are_sound(record, fields);
        let in_place = sound || all_values(record, fields, |value| encoding.is_in_place(value));
        (!in_place).then_some(Decoding::guessed(encoding))
    }
}

/// Whether text that is said to be in `encoding`, and is no UTF-8, is in windows-1251. Other sets have words like its own.
fn is_other(encoding: Encoding, record: &[u8]) -> bool {
    matches!(encoding, Encoding::Utf8 | Encoding::Iso5426 | Encoding::IsoIr37) && looks_like_windows_1251(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record with this leader position 06 and these bytes in 100 $a.
    fn sets(kind: u8, coded: &str) -> CharacterSets {
        let mut record = b"00000nam  2200049   450 ".to_vec();
        record[6] = kind;
        record.extend_from_slice(format!("100{:04}00000\x1e  \x1fa{coded}\x1e\x1d", coded.len() + 5).as_bytes());
        record[12..17].copy_from_slice(b"00037");
        let fields = [FieldSpan { tag: *b"100", start: 37, end: record.len() as u32 - 2 }];
        let found = CharacterSets::of(&record);
        assert_eq!(found, CharacterSets::in_fields(&record, &fields), "{coded}");
        found
    }

    fn bibliographic(sets_named: &str) -> (Option<Encoding>, bool) {
        let found = sets(b'a', &format!("19990101d1999    m  y0frey{sets_named}    ba"));
        (found.encoding, found.other_ascii)
    }

    #[test]
    fn each_set_has_its_code() {
        for (named, encoding) in [
            ("0102", Some(Encoding::IsoIr37)),
            ("0103", Some(Encoding::Iso5426)),
            ("0104", Some(Encoding::Iso5427)),
            ("0105", Some(Encoding::Iso5428)),
            ("0106", Some(Encoding::Iso6438)),
            ("50  ", Some(Encoding::Utf8)),
            ("0150", Some(Encoding::Utf8)),
            ("0179", Some(Encoding::Cp866)),
            ("0189", Some(Encoding::Windows1251)),
            ("89  ", Some(Encoding::Windows1251)),
            ("0199", Some(Encoding::Koi8R)),
            ("01  ", None),
            ("    ", None),
            ("||||", None),
            ("0107", None),
        ] {
            assert_eq!(bibliographic(named), (encoding, false), "{named}");
        }
        assert_eq!(bibliographic("0204"), (Some(Encoding::Iso5427), true));
        assert_eq!(bibliographic("1103"), (Some(Encoding::Iso5426), true));
    }

    #[test]
    fn authorities_have_them_elsewhere() {
        assert_eq!(sets(b'x', "19990101afrey0103    ba0").encoding, Some(Encoding::Iso5426));
        assert_eq!(sets(b'z', "19990101afrey50      ba0").encoding, Some(Encoding::Utf8));
        // Some are as long as others are.
        assert_eq!(sets(b'x', "19990101d1999    m  y0frey50      ba").encoding, Some(Encoding::Utf8));
        assert_eq!(sets(b'a', "19990101afrey0103    ba0").encoding, None);
    }

    #[test]
    fn what_is_missing_says_nothing() {
        let nothing = CharacterSets { encoding: None, other_ascii: false };
        assert_eq!(sets(b'a', ""), nothing);
        assert_eq!(sets(b'a', "19990101d1999    m  y0frey0"), nothing);
        for record in [&b""[..], b"00000nam  2200025   450 \x1e\x1d", b"00000nam  2299999   450 1000"] {
            assert_eq!(CharacterSets::of(record), nothing);
            assert_eq!(CharacterSets::in_fields(record, &[]), nothing);
        }
    }

    #[test]
    fn russian_is_told_by_its_capitals() {
        let (windows, _, _) = encoding_rs::WINDOWS_1251.encode("Медико-социальные проблемы: ЖИЗНЬ и смерть");
        assert!(looks_like_windows_1251(&windows));
        // The same in ISO Registration 37, and in capitals alone.
        assert!(!looks_like_windows_1251(b"\xED\xC5\xC4\xC9\xCB\xCF-\xD3\xCF\xC3\xC9\xC1\xCC\xD8\xCE\xD9\xC5"));
        assert!(!looks_like_windows_1251(b"\xED\xE5\xE4\xE9\xEB\xEF"));
        assert!(!looks_like_windows_1251(b"Caf\xC2e \xE1\xF9\xFB \xC2\xE1o Le c\xFAur"));
        // Letters of Old English and Danish behind a mark.
        assert!(!looks_like_windows_1251(b"h\xC5\xF1\xFCen, L'\xC2etude"));
        assert!(!looks_like_windows_1251(b"\xC2\xF1\xF9 \xC2a, h\xC2e"));
        assert!(!looks_like_windows_1251(b""));
    }
}
