//! Whether a record's text is sound as it stands.
//!
//! Strings in a batch are views into the block, and Arrow takes them for UTF-8 unseen. Text is sound when
//!
//! * the whole block, or the whole record, is valid UTF-8 **and** no cut that the record's structure makes falls inside
//!   a character, or
//! * each value is valid UTF-8 by itself.
//!
//! [`BlockText::judge`] establishes one of the two for every record before a layout sees it, or says how its values are to
//! be decoded, one by one.

use memchr::memchr;
use simdutf8::basic::from_utf8;

use super::iso2022::Start;
use super::{Decoding, ESCAPE, Encoding, Format, is_plain_ascii, is_utf8_beyond_doubt, iso2022};
use crate::iso2709::{DELIMITER, FieldSpan, LEADER_LENGTH, Leader, is_control_tag};
use crate::problem::Code;

/// What is known of the text of a whole block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockText {
    /// What the caller says of it.
    told: Option<Encoding>,
    /// Where records say it.
    format: Format,
    /// All of it is valid.
    utf8: bool,
    /// There is no escape character in it.
    plain: bool,
}

/// How a record's text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Viewed in place, wherever it is cut between ASCII bytes.
    InPlace,
    /// Each value is decoded by itself.
    Decoded(Decoding),
    /// There is something to say about it: a case for [`BlockText::judge`].
    Doubtful,
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
    pub(crate) fn new(block: &[u8], escapes: bool, told: Option<Encoding>, format: Format) -> Self {
        let utf8 = matches!(told, None | Some(Encoding::Utf8)) && from_utf8(block).is_ok();
        Self { told, format, utf8, plain: !escapes }
    }

    /// Where nothing is known of the block.
    pub(crate) fn unknown(format: Format) -> Self {
        Self { told: None, format, utf8: false, plain: false }
    }

    fn is_unimarc(self) -> bool {
        self.told.is_none() && self.format == Format::Unimarc
    }

    pub(super) fn is_utf8(self, record: &[u8]) -> bool {
        self.utf8 || from_utf8(record).is_ok()
    }

    /// What `record` is said to be in, and whether its bytes may say otherwise.
    fn said(self, record: &[u8]) -> Decoding {
        let flagged = || Leader::new(record).is_some_and(Leader::is_utf8);
        let encoding = self.told.unwrap_or_else(|| if flagged() { Encoding::Utf8 } else { Encoding::Marc8 });
        Decoding { encoding, guess: self.told.is_none(), flagged_utf8: false }
    }

    /// How to read the text of a `record`, as far as that can be told without looking at its fields.
    pub(crate) fn reading(self, record: &[u8]) -> Reading {
        if self.is_unimarc() {
            return self.reading_of_unimarc(record);
        }
        let said = self.said(record);
        let in_place = match said.encoding {
            Encoding::Utf8 if !self.is_utf8(record) => return Reading::Doubtful,
            Encoding::Utf8 if said.guess && self.has_escapes(record) => return Reading::Doubtful,
            Encoding::Utf8 => true,
            Encoding::Marc8 if said.guess && is_utf8_beyond_doubt(record) => return Reading::Doubtful,
            encoding => record.is_ascii() && !(encoding.start().is_some() && self.has_escapes(record)),
        };
        if in_place { Reading::InPlace } else { Reading::Decoded(said) }
    }

    /// What the text of `record` was read in: what the caller or the record says, but for what [`BlockText::judge`] found, which
    /// are the `decoding` and the `repairs`.
    pub(crate) fn encoding(self, record: &[u8], decoding: Option<Decoding>, repairs: &[TextRepair]) -> Encoding {
        let is_utf8 = |repair: &TextRepair| repair.code == Code::Utf8NotFlagged && repair.tag.is_none();
        match decoding {
            Some(decoding) => decoding.encoding,
            None if repairs.iter().any(is_utf8) => Encoding::Utf8,
            None if self.is_unimarc() => Self::said_in_unimarc(record),
            None => self.said(record).encoding,
        }
    }

    fn has_escapes(self, record: &[u8]) -> bool {
        !self.plain && memchr(ESCAPE, record).is_some()
    }

    /// How the pieces of `record` that `fields` cut out become text: all of them as they stand, or each decoded. Notes repairs of
    /// the record as a whole and of its structure.
    pub(crate) fn judge(self, record: &[u8], fields: &[FieldSpan], repairs: &mut Vec<TextRepair>) -> Option<Decoding> {
        if self.is_unimarc() {
            return self.judge_unimarc(record, fields, repairs);
        }
        let said = self.said(record);
        // The first test settles nearly every record.
        if said.encoding != Encoding::Utf8 && is_plain_ascii(record) {
            return None;
        }
        let valid = said.encoding == Encoding::Utf8 && self.is_utf8(record);
        let may_be_marc8 = said.guess && (!valid || self.has_escapes(record));
        if valid && !may_be_marc8 && is_plain(record, fields) {
            return None;
        }
        note_structure(record, fields, repairs);
        let whole = |code| TextRepair { code, tag: None, raw: Vec::new() };
        let in_utf8 = |guess| {
            let sound = self.is_utf8(record) && cuts_are_sound(record, fields);
            let decoding = Decoding { encoding: Encoding::Utf8, guess, flagged_utf8: false };
            (!sound && !all_values(record, fields, |value| from_utf8(value).is_ok())).then_some(decoding)
        };
        match said.encoding {
            Encoding::Utf8 if may_be_marc8 && looks_like_marc8(record, fields) => {
                Some(Decoding { encoding: Encoding::Marc8, guess: true, flagged_utf8: true })
            }
            Encoding::Utf8 => in_utf8(said.guess),
            // The text may be plain for all that, and what is not be in the structure alone.
            encoding if all_values(record, fields, |value| encoding.is_in_place(value)) => None,
            Encoding::Marc8 if said.guess && is_utf8_beyond_doubt(record) => {
                repairs.push(whole(Code::Utf8NotFlagged));
                in_utf8(true)
            }
            _ => Some(said),
        }
    }
}

/// Whether what is not ASCII in a record is MARC-8 and not UTF-8, nor ISO 8859-1, whose accented letters have the codes of
/// MARC-8's marks: an escape sequence for a character set, `£` before a number, or two different letters that ISO
/// 8859-1 hardly ever has, and nothing that would be odd in MARC-8.
fn looks_like_marc8(record: &[u8], fields: &[FieldSpan]) -> bool {
    let mut decoder = iso2022::Decoder::default();
    let mut text = String::new();
    let mut certain = false;
    let mut seen = Vec::new();
    let plausible = all_pieces(record, fields, |code, value| {
        let value = value.get(code..).unwrap_or_default();
        if is_plain_ascii(value) {
            return true;
        }
        text.clear();
        decoder.reset(Start::Marc8);
        let is_utf8 = !value.is_ascii() && from_utf8(value).is_ok();
        if is_utf8 || decoder.decode(value, &mut text) != 0 {
            return false;
        }
        if memchr(ESCAPE, value).is_some() {
            // All of them are known, or one would stand for nothing.
            certain = true;
            return true;
        }
        for pair in value.windows(2).filter(|pair| is_rare_in_latin1(pair)) {
            if seen.len() < 2 && !seen.iter().any(|known| known == pair) {
                seen.push(pair.to_vec());
            }
        }
        certain |= (0..value.len()).any(|at| is_price(value, at));
        (0..value.len()).all(|at| is_in_place(value, at))
    });
    plausible && (certain || seen.len() == 2)
}

/// `£` before a number; in ISO 8859-1 a superscript.
fn is_price(value: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| value.get(at));
    let is_alone = before.is_none_or(|&before| before == b' ' || before == b'(');
    is_alone && value.get(at) == Some(&0xB9) && value.get(at + 1).is_some_and(u8::is_ascii_digit)
}

/// Grave, acute, umlaut and cedilla with letters before which ISO 8859-1 hardly ever has what they are there: `á`, `â`, `è`, `ð`.
fn is_rare_in_latin1(pair: &[u8]) -> bool {
    let is_vowel = |letter: &u8| b"aeiou".contains(&letter.to_ascii_lowercase());
    match pair {
        [0xE1 | 0xE2 | 0xE8, letter] => is_vowel(letter),
        [0xF0, b'c' | b'C'] => true,
        _ => false,
    }
}

/// Whether a code of ANSEL stands where one would be written: a mark before a letter that has such a one, a letter beside
/// letters, a sign beside what it is a sign for.
fn is_in_place(value: &[u8], at: usize) -> bool {
    let byte_at = |at: Option<usize>| at.and_then(|at| value.get(at)).copied();
    let (before, after) = (byte_at(at.checked_sub(1)), byte_at(Some(at + 1)));
    let is_letter = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphabetic() || byte >= 0xA0);
    let is_digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    match value.get(at).copied().unwrap_or(0) {
        0..0x80 => true,
        // £ and €; °; ℗ and ©; ¿ and ¡
        0xB9 | 0xC8 => is_digit(before) || is_digit(after),
        0xC0 => is_digit(before),
        0xC2 | 0xC3 => is_digit(after) || after == Some(b' '),
        0xC5 | 0xC6 => after.is_some_and(|after| after.is_ascii_alphabetic()),
        0xA1..=0xBE | 0xC7 => is_letter(before) || is_letter(after),
        mark @ 0xE0..=0xFE => after.is_some_and(|letter| letter >= 0xE0 || composes(mark, letter)),
        _ => false,
    }
}

/// Whether a mark of ANSEL and a letter come to one character.
fn composes(mark: u8, letter: u8) -> bool {
    let mut text = String::new();
    iso2022::Decoder::default().decode(&[mark, letter], &mut text);
    letter.is_ascii_alphabetic() && text.chars().count() == 1
}

fn field<'a>(record: &'a [u8], span: &FieldSpan) -> &'a [u8] {
    record.get(span.start as usize..span.end as usize).unwrap_or_default()
}

/// Whether leader, tags and indicators are ASCII, and what follows each field, so that in a valid record no cut falls inside a
/// character.
fn is_plain(record: &[u8], fields: &[FieldSpan]) -> bool {
    let leader = record.get(..LEADER_LENGTH).is_some_and(<[u8]>::is_ascii);
    let bytes = fields.iter().fold(0, |bytes, span| {
        let [a, b, c] = span.tag;
        let at = span.start as usize;
        let first = record.get(at).copied().unwrap_or(0);
        let second = if is_control_tag(span.tag) { 0 } else { record.get(at + 1).copied().unwrap_or(0) };
        let after = record.get(span.end as usize).copied().unwrap_or(0);
        bytes | a | b | c | first | second | after
    });
    leader && bytes.is_ascii()
}

/// In a valid record, whether each field begins and ends at a character (one may lack its terminator) and its indicators are
/// ASCII. Subfields begin after an ASCII byte, and a code is one whole character, so these are the only cuts in doubt.
pub(super) fn cuts_are_sound(record: &[u8], fields: &[FieldSpan]) -> bool {
    let is_inner = |byte: &u8| (0x80..0xC0).contains(byte);
    fields.iter().all(|span| {
        let begins = match field(record, span) {
            [] => true,
            [first, ..] if is_control_tag(span.tag) => !is_inner(first),
            [first, second, ..] => first.is_ascii() && second.is_ascii(),
            [first] => first.is_ascii(),
        };
        begins && !record.get(span.end as usize).is_some_and(is_inner)
    })
}

/// Whether `sound` holds for each value by itself: control fields, text before a first delimiter, subfields with their codes.
pub(super) fn all_values(record: &[u8], fields: &[FieldSpan], sound: impl Fn(&[u8]) -> bool) -> bool {
    all_pieces(record, fields, |_, value| sound(value))
}

/// The same, which is told how many bytes of a value are a code, if it begins with one that is ASCII.
fn all_pieces(record: &[u8], fields: &[FieldSpan], mut sound: impl FnMut(usize, &[u8]) -> bool) -> bool {
    fields.iter().all(|span| {
        let data = field(record, span);
        if is_control_tag(span.tag) {
            return sound(0, data);
        }
        let head = memchr(DELIMITER, data).unwrap_or(data.len());
        let (head, subfields) = data.split_at_checked(head).unwrap_or_default();
        head.get(2..).is_none_or(|text| sound(0, text))
            && subfields
                .split(|&byte| byte == DELIMITER)
                .all(|value| sound(usize::from(value.first().is_some_and(u8::is_ascii)), value))
    })
}

/// Notes leader, tags and indicators that are not ASCII; in tables each of their bytes that is not becomes U+FFFD.
pub(super) fn note_structure(record: &[u8], fields: &[FieldSpan], repairs: &mut Vec<TextRepair>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{Decoded, Decoder};

    /// How a record of one field is read; the block is valid UTF-8 if the record is.
    fn judge_as(
        told: Option<Encoding>,
        leader09: u8,
        tag: [u8; 3],
        data: &[u8],
    ) -> (Option<Decoding>, Vec<TextRepair>) {
        let mut record = b"00000nam  2200037 a 4500".to_vec();
        record[9] = leader09;
        let start = record.len() as u32;
        record.extend_from_slice(data);
        let end = record.len() as u32;
        record.push(0x1E);
        let mut repairs = Vec::new();
        let fields = [FieldSpan { tag, start, end }];
        let known = BlockText::new(&record, record.contains(&ESCAPE), told, Format::Marc21);
        let decoding = known.judge(&record, &fields, &mut repairs);
        if tag.is_ascii() && data.get(..2).is_some_and(<[u8]>::is_ascii) && repairs.is_empty() {
            // The shorter way says the same, or nothing.
            match known.reading(&record) {
                Reading::InPlace => assert_eq!(decoding, None),
                Reading::Decoded(found) => assert!(decoding.is_none_or(|judged| judged == found), "{data:?}"),
                Reading::Doubtful => {}
            }
        }
        (decoding, repairs)
    }

    fn judge(leader09: u8, data: &[u8]) -> (Option<Encoding>, Vec<Code>) {
        let (decoding, repairs) = judge_as(None, leader09, *b"245", data);
        (decoding.map(|decoding| decoding.encoding), repairs.into_iter().map(|repair| repair.code).collect())
    }

    #[test]
    fn ascii_is_sound_under_any_flag() {
        for told in Encoding::ALL.iter().map(|&(_, encoding)| Some(encoding)).chain([None]) {
            for flag in *b"a " {
                assert_eq!(judge_as(told, flag, *b"245", b"10\x1faText"), (None, vec![]));
            }
        }
    }

    #[test]
    fn marc8_beyond_ascii_is_decoded() {
        assert_eq!(judge(b' ', b"10\x1faCaf\xe2e"), (Some(Encoding::Marc8), vec![]));
        assert_eq!(judge(b' ', b"10\x1fa\x1b$1!0!"), (Some(Encoding::Marc8), vec![]));
    }

    #[test]
    fn utf8_that_is_not_flagged_is_a_repair() {
        assert_eq!(judge(b' ', "10\x1faCafé".as_bytes()), (None, vec![Code::Utf8NotFlagged]));
    }

    #[test]
    fn marc8_that_is_flagged_as_utf8_is_told_where_it_can_be_nothing_else() {
        for certain in [
            &b"10\x1faPo\xe2esie fran\xf0caise"[..],
            b"10\x1faCaf\xe2e\x1fbd\xe2ebut \xe1a la carte",
            b"10\x1fa\xb90.75",
            b"10\x1fa\x1b(NpRIWET\x1b(B",
            b"10\x1faCaf\xe2e\x1fb\x1b$1!0!\x1b(B",
        ] {
            let (decoding, repairs) = judge_as(None, b'a', *b"245", certain);
            let marc8 = Decoding { encoding: Encoding::Marc8, guess: true, flagged_utf8: true };
            assert_eq!((decoding, repairs), (Some(marc8), vec![]), "{}", certain.escape_ascii());
        }
        // Pieces of UTF-8, and UTF-8 beside what is none.
        for other in [&b"10\x1faCaf\xc3"[..], b"10\x1fa\xc3\xa9\x1fbPo\xe2esie fran\xf0caise", b"10\x1fa\xa30.75"] {
            assert_eq!(judge(b'a', other), (Some(Encoding::Utf8), vec![]), "{}", other.escape_ascii());
        }
        // An escape character that begins nothing is one of ASCII's controls.
        assert_eq!(judge(b'a', b"10\x1fa\x1bx"), (None, vec![]));
        assert_eq!(judge(b'a', "10\x1fa\x1b(N é".as_bytes()), (None, vec![]));
    }

    #[test]
    fn latin_1_is_never_taken_for_marc8() {
        let words = "São Paulo|Histoire générale de la littérature|réseau|Pérez|Léopold Sédar|étude|idées|Länder|Häuser|Française|\
            mètre|educação|Möller|Müller|Gött|Bäume|für|über|Straße|Übersicht|Älter|Öl|naïve|Noël|où|là|çà|âge|château|théâtre|fenêtre|\
            hôtel|août|sûr|maïs|crèche|père|mère|frère|élève|général|géométrie|idéal|réel|créé|Étienne|à la carte|déjà vu|señor|\
            mañana|niño|año|España|corazón|canción|José|María|Ángel|Últimas|días|según|más|también|Perú|Bogotá|coração|irmão|\
            João|não|pão|mãe|português|você|avô|avó|três|inglês|Brasília|história|música|público|città|perché|più|università|\
            virtù|così|però|är|och|för|när|går|på|Malmö|Göteborg|Växjö|Håkan|får|två|själ|människa|Kjøbenhavn|søster|blå|\
            århus|færøer|ærø|Þór|Ísland|Reykjavík|hæð|sögur|Jón|Ævar|días á aire|«mot»|20°|½ l|£0.75|© 1999|Sáenz|Guimarães";
        for word in words.split('|') {
            let latin: Vec<u8> = word.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
            if !latin.is_ascii() {
                let record = [b"10\x1fa", latin.as_slice(), b"\x1fb", latin.as_slice()].concat();
                assert_eq!(judge(b'a', &record), (Some(Encoding::Utf8), vec![]), "{word}");
            }
        }
    }

    #[test]
    fn a_caller_who_knows_is_believed() {
        let utf8 = "10\x1faCafé".as_bytes();
        let told = |encoding, data: &[u8]| judge_as(Some(encoding), b' ', *b"245", data).0;
        assert_eq!(told(Encoding::Utf8, utf8), None);
        assert_eq!(
            told(Encoding::Marc8, utf8),
            Some(Decoding { encoding: Encoding::Marc8, guess: false, flagged_utf8: false })
        );
        assert_eq!(
            told(Encoding::Latin1, utf8),
            Some(Decoding { encoding: Encoding::Latin1, guess: false, flagged_utf8: false })
        );
        assert_eq!(
            told(Encoding::Utf8, b"10\x1faCaf\xe2e"),
            Some(Decoding { encoding: Encoding::Utf8, guess: false, flagged_utf8: false })
        );
        // An escape character is one of ASCII's controls.
        assert_eq!(told(Encoding::Utf8, b"10\x1fa\x1bx"), None);
        assert_eq!(told(Encoding::Latin1, b"10\x1fa\x1bx"), None);
    }

    #[test]
    fn values_are_decoded_as_what_they_are() {
        let mut decoder = Decoder::default();
        let mut decode = |encoding, guess, value: &[u8]| {
            let mut text = String::new();
            let outcome = decoder.decode(Decoding { encoding, guess, flagged_utf8: false }, value, &mut text);
            (outcome, text)
        };
        let text = |text: &str, code| (Decoded::Appended(code), text.to_owned());
        let in_place = |code| (Decoded::InPlace(code), String::new());
        assert_eq!(decode(Encoding::Marc8, true, b"Caf\xe2e"), text("Café", None));
        assert_eq!(decode(Encoding::Marc8, true, b"\xff"), text("\u{FFFD}", Some(Code::UnknownCharacter)));
        assert_eq!(decode(Encoding::Marc8, true, "Café".as_bytes()), in_place(Some(Code::Utf8NotFlagged)));
        assert_eq!(decode(Encoding::Marc8, false, "é".as_bytes()), text("©♭", None));
        // The sets of one value are not those of the next.
        assert_eq!(decode(Encoding::Marc8, true, b"\x1b(NA"), text("а", None));
        assert_eq!(decode(Encoding::Marc8, true, b"A"), in_place(None));
        assert_eq!(decode(Encoding::Marc8, true, b"A\xe2e"), text("Aé", None));
        assert_eq!(decode(Encoding::Utf8, true, b"Caf\xc3"), text("Caf\u{FFFD}", Some(Code::InvalidUtf8)));
        assert_eq!(decode(Encoding::Utf8, true, "é".as_bytes()), in_place(None));
        assert_eq!(decode(Encoding::Latin1, false, b"Caf\xe9 \x80"), text("Café \u{80}", None));
        assert_eq!(decode(Encoding::Windows1252, false, b"Caf\xe9 \x80"), text("Café €", None));
        assert_eq!(decode(Encoding::Cp437, false, b"Caf\x82"), text("Café", None));
        assert_eq!(decode(Encoding::Cp850, false, b"\xb7\x9b"), text("Àø", None));
    }

    #[test]
    fn an_indicator_inside_a_character_takes_the_checked_path() {
        // Cutting after two bytes leaves a continuation byte alone.
        assert_eq!(judge(b'a', "1éText".as_bytes()), (Some(Encoding::Utf8), vec![Code::NonAsciiStructure]));
        let (decoding, repairs) = judge_as(None, b'a', *b"245", "é\x1faText".as_bytes());
        let raw = [b"245", "é".as_bytes()].concat();
        assert_eq!(decoding, None);
        assert_eq!(repairs, [TextRepair { code: Code::NonAsciiStructure, tag: Some(*b"245"), raw }]);
    }

    #[test]
    fn an_escape_is_never_text_whatever_the_structure_is() {
        assert_eq!(judge(b' ', "é\x1fa\x1b$1!0!".as_bytes()).0, Some(Encoding::Marc8));
    }

    #[test]
    fn a_control_field_that_begins_inside_a_character_is_not_sound() {
        let (decoding, _) = judge_as(None, b'a', *b"001", b"\xa9x");
        assert_eq!(decoding.map(|decoding| decoding.encoding), Some(Encoding::Utf8));
    }

    #[test]
    fn what_a_record_is_in_does_not_depend_on_its_block() {
        // Cut inside of `ù`, what is left is `£5` in MARC-8.
        let mut record = b"00000nam a2200037 a 4500".to_vec();
        let start = record.len() as u32 + 1;
        record.extend("\u{f9}5\x1e".as_bytes());
        let fields = [FieldSpan { tag: *b"001", start, end: record.len() as u32 - 1 }];
        let judged = |utf8, plain| {
            let block = BlockText { told: None, format: Format::Marc21, utf8, plain };
            let mut repairs = Vec::new();
            (block.judge(&record, &fields, &mut repairs), repairs)
        };
        assert_eq!(judged(true, true), judged(false, true));
        assert_eq!(judged(true, true), judged(false, false));
        assert_eq!(judged(true, true).0.map(|decoding| decoding.encoding), Some(Encoding::Utf8));
    }
}
