//! What the encoder promises.

use std::fs;
use std::iter::once;
use std::path::Path;

use proptest::prelude::*;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::encoding::iso2022::tables::*;
use crate::encoding::iso2022::{Decoder, ESCAPE, Set, eacc, encode_marc8};

/// Every set that has a table and that the decoder knows in MARC-8, with the escape sequence to G0.
const SETS: [(&Table, &[u8]); 10] = [
    (&ANSEL, b"\x1B(!E"),
    (&HEBREW, b"\x1B(2"),
    (&CYRILLIC, b"\x1B(N"),
    (&EXTENDED_CYRILLIC, b"\x1B(Q"),
    (&ARABIC, b"\x1B(3"),
    (&EXTENDED_ARABIC, b"\x1B(4"),
    (&GREEK, b"\x1B(S"),
    (&GREEK_SYMBOLS, b"\x1Bg"),
    (&SUBSCRIPTS, b"\x1Bb"),
    (&SUPERSCRIPTS, b"\x1Bp"),
];

/// Every character of the sets that have a table, and whether it is a mark.
fn entries() -> impl Iterator<Item = (char, bool)> {
    let entries = SETS.iter().flat_map(|(table, _)| table.iter().filter(|&&entry| entry != 0));
    entries.map(|entry| (char::from_u32(entry & !(MARK | LOOSE)).unwrap(), entry & (MARK | LOOSE) != 0))
}

fn encode(text: &str) -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    let unknown = encode_marc8(text, &mut bytes);
    (bytes, unknown)
}

/// What is written for text that MARC-8 has codes for.
fn known(text: &str) -> Vec<u8> {
    let (bytes, unknown) = encode(text);
    assert_eq!(unknown, 0, "{text:?}");
    assert!(round_trip(text) == (halved(text), 0));
    bytes
}

/// The text of what is written, and how many references it says there are.
fn round_trip(text: &str) -> (String, usize) {
    let (bytes, unknown) = encode(text);
    let mut decoder = Decoder::default();
    let mut read = String::new();
    assert_eq!(decoder.decode(&bytes, &mut read), 0, "{text:?} {bytes:02X?}");
    assert!(matches!(decoder.g0, Set::Ascii), "{text:?} {bytes:02X?}");
    assert!(is_nfc(&read), "{text:?} {read:?}");
    (read, unknown)
}

/// Each text is written as these bytes, without references.
fn assert_written(cases: &[(&str, &[u8])]) {
    for &(text, bytes) in cases {
        assert_eq!(known(text).escape_ascii().to_string(), bytes.escape_ascii().to_string(), "{text:?}");
    }
}

/// Each text is written as these bytes, in which there are so many references.
fn assert_encoded(cases: &[(&str, &[u8], usize)]) {
    for &(text, bytes, references) in cases {
        let (found, unknown) = encode(text);
        let (found, expected) = (found.escape_ascii().to_string(), bytes.escape_ascii().to_string());
        assert_eq!((found, unknown), (expected, references), "{text:?}");
    }
}

/// What is written for each text is read as this, in which there are so many references.
fn assert_round_trips(cases: &[(&str, &str, usize)]) {
    for &(text, read, references) in cases {
        assert_eq!(round_trip(text), (read.to_owned(), references), "{text:?}");
    }
}

/// `text` in NFC with a mark over two letters as its halves, where there are two letters.
fn halved(text: &str) -> String {
    let mut right = None;
    let mut halved = String::new();
    for char in text.nfc() {
        let (char, half) = match char {
            '\u{361}' => ('\u{FE20}', Some('\u{FE21}')),
            '\u{360}' => ('\u{FE22}', Some('\u{FE23}')),
            _ => (char, None),
        };
        halved.push(char);
        if unicode_normalization::char::canonical_combining_class(char) == 0 {
            halved.extend(right.take());
        }
        right = half.or(right);
    }
    halved.nfc().collect()
}

/// `text` with characters in place of references, and their number.
fn dereferenced(text: &str) -> (String, usize) {
    let mut pieces = text.split("&#x");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    let mut count = 0;
    for piece in pieces {
        let (digits, tail) = piece.split_once(';').unwrap();
        assert!(digits.len() >= 4 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')), "{text:?}");
        plain.push(char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap());
        plain.push_str(tail);
        count += 1;
    }
    (plain, count)
}

/// `text` in NFC with whole marks over two letters in place of left halves, and without the right ones.
fn folded(text: &str) -> String {
    let whole = |char| match char {
        '\u{FE20}' => Some('\u{361}'),
        '\u{FE22}' => Some('\u{360}'),
        '\u{FE21}' | '\u{FE23}' => None,
        char => Some(char),
    };
    text.nfc().filter_map(whole).nfc().collect()
}

/// Panics unless what is written for `text`, which has no references, is read as it, but for references that are counted.
fn assert_read(text: &str) {
    let (read, unknown) = round_trip(text);
    let (plain, references) = dereferenced(&read);
    assert_eq!(references, unknown, "{text:?} {read:?}");
    if unknown == 0 {
        assert_eq!(read, halved(text), "{text:?}");
    }
    if text.contains(['\u{360}', '\u{361}']) {
        assert_eq!(folded(&plain), folded(text), "{text:?} {read:?}");
    } else {
        assert_eq!(plain, text.nfc().collect::<String>(), "{read:?}");
    }
}

#[test]
fn ascii_stands_as_it_is() {
    let ascii: String = (0..0x80_u8).filter(|&byte| byte != ESCAPE).map(char::from).collect();
    assert_eq!(known(&ascii), ascii.as_bytes());
    assert_eq!(known(""), b"");
    let mut out = b"before ".to_vec();
    encode_marc8("after", &mut out);
    assert_eq!(out, b"before after");
}

#[test]
fn diacritics_stand_before_their_base_in_the_order_of_unicode() {
    assert_written(&[
        ("Café", b"Caf\xE2e"),
        ("Cafe\u{301}", b"Caf\xE2e"),
        ("Étude, naïveté", b"\xE2Etude, na\xE8ivet\xE2e"),
        ("Việt Nam", b"Vi\xF2\xE3et Nam"),
        ("a\u{302}\u{323} a\u{323}\u{302}", b"\xF2\xE3a \xF2\xE3a"),
        (" \u{301}\u{332}", b"\xF6\xE2 "),
        ("\u{212B}", b"\xEAA"),
    ]);
}

#[test]
fn letters_that_are_composed_in_both_have_one_code() {
    assert_written(&[
        ("ợ ơ O\u{31B} ǫ\u{31B}", b"\xF2\xBC \xBC \xAC \xF1\xBC"),
        ("ừ", b"\xE1\xBD"),
        ("Łódź ß €", b"\xA1\xE2od\xE2z \xC7 \xC8"),
        ("Й", b"\x1B(Nj\x1B(B"),
        ("И\u{306}", b"\x1B(Nj\x1B(B"),
    ]);
}

#[test]
fn a_mark_over_two_letters_is_its_halves() {
    assert_written(&[
        ("t\u{361}s", b"\xEBt\xECs"),
        ("n\u{360}g", b"\xFAn\xFBg"),
        ("i\u{FE20}a\u{FE21}", b"\xEBi\xECa"),
        ("k\u{361}\u{301}á", b"\xE2\xEBk\xE2\xECa"),
        ("a\u{361}b\u{361}c", b"\xEBa\xEC\xEBb\xECc"),
        ("Т\u{361}С", b"\x1B(N\xEBt\xECs\x1B(B"),
    ]);
    // There are not two letters.
    assert_round_trips(&[
        ("t\u{361}", "t&#x0361;", 1),
        ("t\u{361}\ns", "t&#x0361;\ns", 1),
        ("t\u{361}’", "t&#x0361;&#x2019;", 2),
        ("t\u{361}\u{361}s", "t\u{FE20}&#x0361;s\u{FE21}", 1),
    ]);
}

#[test]
fn other_sets_are_designated_and_ascii_comes_back() {
    assert_written(&[
        ("Это Moscow", b"\x1B(N|TO \x1B(BMoscow"),
        ("αβγ ά", b"\x1B(Sabd \"a\x1B(B"),
        ("שלום", b"\x1B(2ylem\x1B(B"),
        ("H₂O, x¹⁰ ₂³", b"H\x1Bb2\x1BsO, x\x1Bp10 \x1Bb2\x1Bp3\x1Bs"),
        // A set made for MARC gives way to another.
        ("₂я", b"\x1Bb2\x1B(NQ\x1B(B"),
        ("人 一", b"\x1B$1!0d\x1B(B \x1B$1!0!\x1B(B"),
        ("ї ґ", b"\x1B(QG @\x1B(B"),
    ]);
}

#[test]
fn a_set_in_use_serves_for_what_it_has() {
    assert_written(&[
        ("в 1999, да", b"\x1B(NW 1999, DA\x1B(B"),
        // ANSEL needs no escape sequence.
        ("а·б ʹ", b"\x1B(NA\xA8B \xA7\x1B(B"),
        // Not in EACC: a reader may take any three bytes for a code.
        ("人·一 \n", b"\x1B$1!0d\x1B(B\xA8\x1B$1!0!\x1B(B \n"),
        // One of Arabic's digits is not one of ASCII.
        ("ا 1", b"\x1B(3G \x1B(B1"),
        ("“α”", b"\x1B(S2a3\x1B(B"),
    ]);
}

#[test]
fn marks_come_from_the_set_of_their_base_or_from_another() {
    assert_written(&[
        ("ᾄ", b"\x1B(S%\"'a\x1B(B"),
        ("שָׁ", b"\x1B(2AMy\x1B(B"),
        ("e\u{342}", b"\x1B(S$\x1B(Be"),
        ("\u{6FD}\u{64E}", b"\x1B(3n\x1B(4!\x1B(B"),
        ("а\u{301}", b"\x1B(N\xE2A\x1B(B"),
        ("人\u{301}一\u{5B4}", b"\xE2\x1B$1!0d\x1B(2D\x1B$1!0!\x1B(B"),
        (" \u{5B4}", b"\x1B(2D \x1B(B"),
        // A letter to MARC-8, after its base; it has no effect on the order of others.
        ("ر\u{670}\u{64E}", b"\x1B(3nQt\x1B(B"),
    ]);
}

#[test]
fn what_has_no_code_is_a_reference_and_is_counted() {
    assert_encoded(&[
        ("it’s", b"it&#x2019;s", 1),
        ("𝄞\u{FFFD}\u{1B}\u{80}", b"&#x1D11E;&#xFFFD;&#x001B;&#x0080;", 4),
        ("я’я", b"\x1B(NQ\x1B(B&#x2019;\x1B(NQ\x1B(B", 1),
        // A composed character not all of whose parts have codes is one.
        ("ȃ", b"&#x0203;", 1),
        ("x\u{311}", b"x&#x0311;", 1),
        // Not those that only some libraries' readers know.
        ("—”…", b"&#x2014;\x1B(S3\x1B(B&#x2026;", 2),
    ]);
}

#[test]
fn marks_without_a_base_that_takes_them_are_references() {
    assert_encoded(&[
        ("\u{301}e", b"&#x0301;e", 1),
        ("a\n\u{301}", b"a\n&#x0301;", 1),
        ("\u{670}", b"&#x0670;", 1),
        ("’\u{301}", b"&#x2019;&#x0301;", 2),
        // One has no code, and another would be on its reference.
        ("x\u{316}\u{301}", b"x&#x0316;&#x0301;", 2),
    ]);
}

#[test]
fn controls_stand_and_joiners_have_codes() {
    assert_written(&[
        ("\u{98}The \u{9C}Man\u{200D}\u{200C}", b"\x88The \x89Man\x8D\x8E"),
        ("я\n\tя", b"\x1B(NQ\n\tQ\x1B(B"),
        // In EACC this is a dash to some.
        ("一\u{7F} \u{14}", b"\x1B$1!0!\x1B(B\x7F \x14"),
    ]);
}

#[test]
fn every_character_of_every_table_has_a_code() {
    for (char, is_mark) in entries() {
        let bases: &[&str] = if is_mark { &["a", " ", "я", "א", "ا", "α", "一", "ơ"] } else { &[""] };
        for base in bases {
            known(&format!("{base}{char}"));
        }
    }
    for (_, char) in CONTROLS {
        known(&char.to_string());
    }
    for (_, char) in eacc::codes() {
        known(&char.to_string());
    }
    assert_eq!(eacc::codes().count(), EACC_VALUES.len());
}

#[test]
fn every_code_is_written_as_itself_or_as_another_of_the_same_character() {
    for (table, escape) in SETS {
        for (byte, _) in (0x20..0x80_u8).zip(table).filter(|(_, entry)| **entry != 0) {
            // The letter takes a mark, and is taken by none.
            let mut text = String::new();
            Decoder::default().decode(&[b"a", escape, &[byte], b"\x1B(Ba"].concat(), &mut text);
            known(&text);
        }
    }
    let ours = known(&eacc::codes().map(|(_, char)| char).collect::<String>());
    let ours = ours.strip_prefix(b"\x1B$1").and_then(|codes| codes.strip_suffix(b"\x1B(B")).unwrap();
    let mut others = 0;
    for (written, (code, _)) in ours.chunks(3).zip(eacc::codes()) {
        // The blank in a code of the ideographic space may be taken for one; others are lower than those written.
        assert!(written <= &code[..] || code == *b"!# ");
        others += usize::from(written != code);
    }
    assert_eq!(others, 226);
}

#[test]
fn every_character_is_read_as_itself_or_as_a_reference() {
    for char in ('\0'..'\u{30000}').chain('\u{E0000}'..'\u{E0200}') {
        assert_read(&char.to_string());
        // Between a base and a mark.
        assert_read(&format!("a{char}\u{301}"));
    }
}

/// The characters of the sets that have a table, marks or not.
fn characters(marks: bool) -> impl Strategy<Value = char> {
    let chars = entries().filter(|&(_, is_mark)| is_mark == marks).map(|(char, _)| char);
    prop::sample::select(chars.collect::<Vec<_>>())
}

/// Those of EACC.
fn ideographs() -> impl Strategy<Value = char> {
    prop::sample::select(eacc::codes().map(|(_, char)| char).collect::<Vec<_>>())
}

/// Text that MARC-8 has codes for.
fn repertoire() -> impl Strategy<Value = String> {
    let base = prop_oneof![prop::char::range(' ', '~'), characters(false), ideographs()];
    let cluster = (base, prop::collection::vec(characters(true), 0..4));
    let text = |(base, marks)| once(base).chain::<Vec<char>>(marks).collect::<String>();
    prop::collection::vec(cluster.prop_map(text), 0..12).prop_map(|clusters| clusters.concat())
}

/// That, and what is near it.
fn text() -> impl Strategy<Value = String> {
    use prop::char::range;
    let composed = prop_oneof![
        range('\u{C0}', '\u{24F}'),
        range('\u{370}', '\u{52F}'),
        range('\u{5D0}', '\u{6FE}'),
        range('\u{1E00}', '\u{1FFF}'),
        range('\u{3040}', '\u{30FF}'),
        range('\u{AC00}', '\u{D7A3}'),
        range('\u{F900}', '\u{FB4F}'),
    ];
    let other_marks = prop_oneof![
        3 => range('\u{300}', '\u{36F}'),
        1 => prop::sample::select(vec!['\u{360}', '\u{361}', '\u{FE20}', '\u{FE21}', '\u{FE22}', '\u{FE23}']),
        1 => prop::sample::select(vec!['\u{3099}', '\u{309A}', '\u{1161}', '\u{11A8}', '\u{654}', '\u{20DD}', '\u{9BE}']),
    ];
    let controls = prop::sample::select(
        "\0\t\n\u{1B}\u{1D}\u{1E}\u{1F}\u{7F}\u{80}\u{98}\u{9C}\u{200C}\u{200D}\u{14}\u{19}"
            .chars()
            .collect::<Vec<_>>(),
    );
    let char = prop_oneof![
        4 => range(' ', '\u{7E}'),
        2 => Just(' '),
        4 => characters(false),
        4 => characters(true),
        2 => ideographs(),
        2 => composed,
        2 => other_marks,
        1 => controls,
        1 => any::<char>(),
    ];
    prop::collection::vec(char, 0..40).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_is_read_as_itself_with_references_for_what_is_counted(text in text().prop_filter("no references", |text| !text.contains("&#x"))) {
        assert_read(&text);
    }

    #[test]
    fn what_is_of_the_sets_is_written_without_references(text in repertoire()) {
        known(&text);
    }

    #[test]
    fn all_forms_of_text_are_written_the_same(text in text()) {
        let decomposed: String = text.nfd().collect();
        prop_assert_eq!(encode(&decomposed), encode(&text));
    }

    #[test]
    fn values_stand_one_after_the_other(first in text(), second in text()) {
        let ((mut bytes, _), (tail, unknown)) = (encode(&first), encode(&second));
        let whole = [&bytes[..], &tail].concat();
        prop_assert_eq!(encode_marc8(&second, &mut bytes), unknown);
        prop_assert_eq!(bytes, whole);
    }
}

/// Every value of every real file, read as MARC-8 and as UTF-8. Skips where the files are absent.
#[test]
fn values_of_real_files_are_read_as_they_were() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/iso2709");
    let (mut folders, mut legible, mut same) = (vec![root], 0, 0);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            for value in bytes.split(|byte| (0x1D..=0x1F).contains(byte)).filter(|value| !value.is_ascii()) {
                let mut text = String::new();
                let unknown = Decoder::default().decode(value, &mut text);
                for text in [&text, &*String::from_utf8_lossy(value)].into_iter().filter(|text| !text.contains("&#x")) {
                    assert_read(text);
                }
                if unknown == 0 && str::from_utf8(value).is_err() {
                    legible += 1;
                    same += usize::from(encode(&text) == (value.to_vec(), 0));
                }
            }
        }
    }
    if legible == 0 {
        eprintln!("skipped: no files at ../shared/data/iso2709");
    }
    // What is not the same is in other encodings, has marks in another order, or Greek symbols.
    assert!(same * 20 >= legible * 19, "{same} of {legible}");
}
