//! What the decoder promises.

use proptest::prelude::*;
use unicode_normalization::{IsNormalized, is_nfc, is_nfc_quick};

use super::tables::*;
use super::*;

const HIGH: u8 = 0x80;

/// Every one-byte set but ASCII.
const SETS: [&Table; 12] = [
    &ANSEL,
    &HEBREW,
    &CYRILLIC,
    &EXTENDED_CYRILLIC,
    &ARABIC,
    &EXTENDED_ARABIC,
    &GREEK,
    &GREEK_SYMBOLS,
    &SUBSCRIPTS,
    &SUPERSCRIPTS,
    &ISO_5426,
    &ISO_6438,
];

/// The text and the number of unknown codes of one value, from the initial state.
fn decode(bytes: &[u8]) -> (String, usize) {
    let mut text = String::new();
    let unknown = Decoder::default().decode(bytes, &mut text);
    (text, unknown)
}

/// What one more byte is in the state that a decoder is in.
fn decode_on(decoder: &mut Decoder, byte: u8) -> String {
    let mut text = String::new();
    decoder.decode(&[byte], &mut text);
    text
}

/// The text of a value in which nothing is unknown.
fn known(bytes: &[u8]) -> String {
    let (text, unknown) = decode(bytes);
    assert_eq!(unknown, 0, "{text:?}");
    text
}

/// The text of a value in which one code is unknown.
fn one_unknown(bytes: &[u8]) -> String {
    let (text, unknown) = decode(bytes);
    assert_eq!(unknown, 1, "{text:?}");
    text
}

#[test]
fn a_diacritic_stands_before_its_base_and_composes_with_it() {
    assert_eq!(known(b"Caf\xE2e"), "Café");
    assert_eq!(known(b"\xE2\x45tude, na\xE8ivet\xE2e"), "Étude, naïveté");
    // Several keep their order; a base that is composed itself takes more.
    assert_eq!(known(b"\xF2\xE3a"), "ậ");
    assert_eq!(known(b"\xE3\xF2a"), "ậ");
    assert_eq!(known(b"\xF2\xBC"), "ợ");
    assert_eq!(known(b"\xE5\xE8u \xE8\xE5u"), "ṻ ǖ");
    // Nothing to compose: the mark follows.
    assert_eq!(known(b"\xE2x\xF6."), "x\u{301}.\u{332}");
}

#[test]
fn the_halves_of_a_mark_over_two_letters_follow_one_letter_each() {
    assert_eq!(known(b"\xEBi\xECa"), "i\u{FE20}a\u{FE21}");
    assert_eq!(known(b"\xFAn\xFBg"), "n\u{FE22}g\u{FE23}");
    assert_eq!(known(b"\xECa"), "a\u{FE21}");
}

#[test]
fn letters_of_ansel_need_no_escape() {
    assert_eq!(known(b"\xA1\xB1\xC7\xC8 \xAE\xB0"), "Łł\u{DF}€ ʼʻ");
}

#[test]
fn marks_wait_over_controls_and_escapes_and_take_a_space() {
    assert_eq!(known(b"\xE2\x89e"), "\u{9C}é");
    assert_eq!(known(b"\xE2\x0Ae"), "\né");
    assert_eq!(known(b"\xE2\x7Fe"), "\u{7F}é");
    assert_eq!(known(b"\xE2\x1B(Ne"), "Е\u{301}");
    assert_eq!(known(b"\xE2 e"), " \u{301}e");
}

#[test]
fn marks_at_the_end_go_on_what_came_before() {
    assert_eq!(known(b"resume\xE2"), "resumé");
    assert_eq!(known(b"x\xE2\xF2"), "x\u{323}\u{301}");
    assert_eq!(known(b"\xE2"), "\u{301}");
    // The next value has nothing to do with them.
    let mut decoder = Decoder::default();
    let mut text = String::new();
    decoder.decode(b"a\xE2", &mut text);
    decoder.decode(b"e", &mut text);
    assert_eq!(text, "áe");
}

#[test]
fn marks_that_end_a_value_leave_what_was_there_before_it() {
    let mut text = String::from("e");
    Decoder::default().decode(b"\xE2", &mut text);
    assert_eq!(text, "e\u{301}");
}

#[test]
fn controls_stay_and_joiners_are_those_of_unicode() {
    assert_eq!(known(b"a\x00\x09\x1F\x7Fb"), "a\0\t\u{1F}\u{7F}b");
    assert_eq!(known(b"\x1B(Na\x09\x7F"), "А\t\u{7F}");
    assert_eq!(known(b"\x88The \x89Man\x8D\x8E"), "\u{98}The \u{9C}Man\u{200D}\u{200C}");
}

#[test]
fn what_no_set_has_is_replaced_and_counted() {
    assert_eq!(decode(b"a\x80\x9F\xA0\xAF\xFFb"), (format!("a{}b", "\u{FFFD}".repeat(5)), 5));
    assert_eq!(one_unknown(b"\x1B(Sa_"), "α\u{FFFD}");
    // It was a character, so it takes the marks that were meant for it; an unknown control does not.
    assert_eq!(one_unknown(b"\xE2\xAFe"), "\u{FFFD}\u{301}e");
    assert_eq!(one_unknown(b"\xE2\x80e"), "\u{FFFD}é");
}

#[test]
fn each_set_is_designated_in_both_halves_by_all_sequences() {
    // A code and its character, for the last byte of the escape sequence.
    let samples: [(&[u8], u8, &str); 11] = [
        (b"B", b'a', "a"),
        (b"!E", b'!', "Ł"),
        (b"E", b'!', "Ł"),
        (b"2", b'`', "א"),
        (b"N", b'a', "А"),
        (b"Q", b'@', "ґ"),
        (b"3", b'G', "ا"),
        (b"4", b'!', "۽"),
        (b"S", b'a', "α"),
        (b"g", b'a', "α"),
        (b"p", b'2', "²"),
    ];
    for (last, code, expected) in samples {
        for (intermediate, high) in [("(", 0), (",", 0), ("$(", 0), (")", HIGH), ("-", HIGH)] {
            let bytes = [b"\x1B", intermediate.as_bytes(), last, &[code | high]].concat();
            assert_eq!(known(&bytes), expected, "{bytes:?}");
        }
    }
    assert_eq!(known(b"\x1B$1!0!\x1B$,1!0!\x1B(1!0!\x1B(B."), "一一一.");
    assert_eq!(known(b"\x1B$)1\xA1\xB0\xA1a\x1B$-1\xA1\xB0\xA1\x1B)!E\xE2e"), "一a一é");
}

#[test]
fn sets_of_the_other_half_stay() {
    assert_eq!(known(b"\x1B(NLA\xB7\x1B(Q\x40\x1B(B \xE2e"), "лаʺґ é");
    assert_eq!(known(b"\x1B)Q\xC0\x1B(N\xC1A"), "ґђа");
}

#[test]
fn custom_sets_lock_until_the_way_back() {
    assert_eq!(known(b"H\x1Bb2\x1BsO, x\x1Bp10\x1Bs; \x1Bgabc\x1Bs."), "H₂O, x¹⁰; αβγ.");
    assert_eq!(known(b"\x1Bp(3)\x1Bb+"), "⁽³⁾₊");
}

#[test]
fn an_escape_that_designates_nothing_is_replaced_and_what_follows_is_text() {
    assert_eq!(one_unknown(b"Soci\x1Bt\xE2e"), "Soci\u{FFFD}té");
    assert_eq!(one_unknown(b"a\x1B(Zb"), "a\u{FFFD}(Zb");
    assert_eq!(one_unknown(b"a\x1B$)Zb"), "a\u{FFFD}$)Zb");
    for end in ["", "(", ",", "$", "$)", "$,", ")", "-", "(!"] {
        let bytes = [b"a\x1B", end.as_bytes()].concat();
        assert_eq!(one_unknown(&bytes), format!("a\u{FFFD}{end}"), "{bytes:?}");
    }
    assert_eq!(decode(b"\x1B\x1B\x1B(NA"), ("\u{FFFD}\u{FFFD}а".into(), 2));
    // The sets stay as they were.
    assert_eq!(one_unknown(b"\x1B(N\x1BA\x1B(BA"), "\u{FFFD}аA");
}

#[test]
fn east_asian_characters_are_three_bytes_and_a_space_is_one() {
    assert_eq!(known(b"\x1B$1!0!  !0#\x1B(B."), "一  七.");
    // The ideographic space, the one code with a byte 0x20.
    assert_eq!(known(b"\x1B$1!# \x1B(B."), "\u{3000}.");
    // A character beyond the basic plane.
    assert_eq!(known(b"\x1B$1\x21\x75\x59"), "\u{212C4}");
    // G1 is read as ever.
    assert_eq!(known(b"\x1B$1!0!\xB0!0!"), "一ʻ一");
}

#[test]
fn a_code_of_no_table_that_records_have_is_read() {
    assert_eq!(known(b"\x1B$1\x7F\x20\x14\x7F\x20\x19\x21\x20\x3D\x7F"), "—’…\u{7F}");
}

#[test]
fn an_unknown_or_truncated_character_of_three_bytes_is_one_replacement() {
    assert_eq!(one_unknown(b"\x1B$1!!!!0!"), "\u{FFFD}一");
    for truncated in ["!", "!0"] {
        for (after, text) in [("", ""), (" !0!", " 一"), ("\x1B(Ba", "a"), ("\n!0!", "\n一"), ("\x1B\x1B(B", "")] {
            let bytes = ["\x1B$1", truncated, after].concat();
            let replaced = usize::from(after.starts_with("\x1B\x1B")) + 1;
            assert_eq!(decode(bytes.as_bytes()), (["\u{FFFD}".repeat(replaced).as_str(), text].concat(), replaced));
        }
        let bytes = [b"\x1B$1", truncated.as_bytes(), b"\xB0!0!"].concat();
        assert_eq!(one_unknown(&bytes), "\u{FFFD}ʻ一");
    }
}

#[test]
fn unimarc_has_sets_of_its_own() {
    let decode = |supplement, bytes: &[u8]| {
        let mut text = String::new();
        let unknown = Decoder::new(Start::Unimarc(supplement)).decode(bytes, &mut text);
        (text, unknown)
    };
    let known = |supplement, bytes: &[u8]| match decode(supplement, bytes) {
        (text, 0) => text,
        unknown => panic!("{unknown:?}"),
    };
    assert_eq!(known(Supplement::Latin, b"Caf\xC2e, \xC8ub\xC9er, \xE1\xF9\xFB, \xA2so\xBA"), "Café, übër, Æøß, „so”");
    assert_eq!(known(Supplement::Cyrillic, b"\xF2OSSIQ \xF2\xCF\xD3\xD3\xC9\xD1"), "РOSSIQ Россия");
    assert_eq!(known(Supplement::ExtendedCyrillic, b"\xC0\xE7"), "ґЇ");
    assert_eq!(known(Supplement::Greek, b"\xA2\xE1\xEE"), "άλ");
    assert_eq!(known(Supplement::African, b"\xBA\xAF"), "ƒƗ");
    // Sets by escape sequences, from the registry and not MARC-8's.
    assert_eq!(known(Supplement::Latin, b"\x1B(NrOSSIQ\x1B(B \x1B)S\xE1\x1B)P\xC2e \x1B(@$"), "Россия αé $");
    for foreign in [&b"\x1B(3"[..], b"\x1Bg", b"\x1B$1", b"\x1B*N", b"\x1Bn", b"\x1B(", b"\x1B"] {
        let (text, unknown) = decode(Supplement::Latin, foreign);
        assert_eq!((text.chars().next(), unknown), (Some(char::REPLACEMENT_CHARACTER), 1), "{foreign:?}");
        assert_eq!(text.len(), foreign.len() + 2);
    }
    // One left half for ligatures and double tildes.
    assert_eq!(known(Supplement::Latin, b"\xDDt\xDEs \xDDn\xDFg"), "t\u{FE20}s\u{FE21} n\u{FE22}g\u{FE23}");
    assert_eq!(known(Supplement::Latin, b"\xDDt"), "t\u{FE20}");
    assert_eq!(known(Supplement::Cyrillic, b"\x1B(P]\x1B(Bn\x1B(P_\x1B(Bg"), "n\u{FE20}g\u{FE23}");
    // Other sets have other things there.
    assert_eq!(known(Supplement::Cyrillic, b"\xDD\xDF"), "щъ");
}

#[test]
fn the_sets_last_from_call_to_call_and_a_new_decoder_begins_anew() {
    let mut decoder = Decoder::default();
    let mut text = String::new();
    decoder.decode(b"\x1B(NA", &mut text);
    decoder.decode(b"A", &mut text);
    Decoder::default().decode(b"A\xA1", &mut text);
    assert_eq!(text, "ааAŁ");
}

#[test]
fn a_mark_that_counts_as_a_letter_is_put_in_order() {
    // Superscript alef has a lower combining class than the caron that Extended Arabic has as a mark.
    let text = known(b"\x1B(3\x1B)4\xFEGt");
    assert_eq!(text, "ا\u{670}\u{30C}");
    assert!(is_nfc(&text));
}

#[test]
fn the_tables_hold_characters_that_only_marks_compose_with() {
    let single = |char: char| is_nfc_quick(once(char));
    for &entry in SETS.iter().copied().flatten().filter(|&&entry| entry != 0) {
        let char = char::from_u32(entry & !(MARK | LOOSE)).unwrap();
        let mark = unicode_normalization::char::is_combining_mark(char);
        assert_eq!(mark, entry & (MARK | LOOSE) != 0, "{char:?}");
        assert!(mark || single(char) == IsNormalized::Yes, "{char:?}");
    }
    let found: Vec<_> = every_triple().into_iter().map(|code| eacc::read(&code, 0)).collect();
    assert_eq!(found.len(), EACC_VALUES.len());
    assert!(found.iter().all(|found| matches!(found, (Some(char), 3) if single(*char) == IsNormalized::Yes)));
}

/// The codes of EACC, counted from the bits of its rows.
fn every_triple() -> Vec<[u8; 3]> {
    let mut codes = Vec::new();
    for (first, &plane) in (0x20..).zip(&EACC_PLANES) {
        for second in 0..96 {
            let row = EACC_ROWS[usize::from(plane) * 96 + second];
            let bits = EACC_BITS[usize::from(row)];
            let thirds = (0..96).filter(|third| bits >> third & 1 == 1);
            codes.extend(thirds.map(|third| [first, second as u8 + 0x20, third + 0x20]));
        }
    }
    codes
}

#[test]
fn every_base_with_every_mark_of_its_sets_is_in_nfc() {
    let one_byte = SETS.map(Set::OneByte);
    let with = |g1: Set| one_byte.into_iter().chain([Set::Ascii]).map(move |g0| (g0, g1));
    for (g0, g1) in one_byte.into_iter().flat_map(with) {
        let mut text = String::new();
        for (base, mark) in (0x21..0x7F).flat_map(|base| (0xA1..0xFF_u8).map(move |mark| (base, mark))) {
            text.clear();
            Decoder { g0, g1, ..Decoder::default() }.decode(&[mark, base], &mut text);
            assert!(is_nfc(&text), "{mark:x} {base:x} {text:?}");
        }
    }
}

/// Bytes that are likely to mean something: sets change, characters of three bytes are whole, marks are frequent.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let last = prop::sample::select(b"BE2NQ34Sgbp1".to_vec());
    let escape = (prop::sample::select(vec!["(", ",", ")", "-", "$", "$)", "$,"]), last)
        .prop_map(|(intermediate, last)| [b"\x1B", intermediate.as_bytes(), &[last]].concat());
    let custom = prop::sample::select(b"gbps".to_vec()).prop_map(|last| vec![0x1B, last]);
    let piece = prop_oneof![
        2 => escape,
        1 => custom,
        4 => prop::collection::vec(0xE0..=0xFE_u8, 1..4),
        4 => prop::collection::vec(0x20..0x7F_u8, 1..40),
        2 => prop::sample::select(every_triple()).prop_map(|code| code.to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_text_in_nfc_of_bounded_length(bytes in prop_oneof![value(), prop::collection::vec(any::<u8>(), 0..200)]) {
        let (text, unknown) = decode(&bytes);
        prop_assert!(text.len() <= 3 * bytes.len());
        prop_assert!(is_nfc(&text), "{:?}", text);
        prop_assert_eq!(text.matches(char::REPLACEMENT_CHARACTER).count(), unknown);
    }

    #[test]
    fn ascii_without_escapes_is_itself(bytes in prop::collection::vec((0..HIGH).prop_filter("no ESC", |&b| b != ESCAPE), 0..200)) {
        let text = known(&bytes);
        prop_assert_eq!(text.as_bytes(), &bytes);
    }

    #[test]
    fn what_is_appended_depends_on_the_state_alone(first in value(), second in value()) {
        let mut decoder = Decoder::default();
        let mut text = String::new();
        decoder.decode(&first, &mut text);
        let before = text.clone();
        let (g0, g1) = (decoder.g0, decoder.g1);
        let unknown = decoder.decode(&second, &mut text);
        let mut fresh = Decoder { g0, g1, ..Decoder::default() };
        let mut alone = String::new();
        prop_assert_eq!(unknown, fresh.decode(&second, &mut alone));
        prop_assert_eq!(text, before + &alone);
        for byte in 0x21..=0xFF {
            prop_assert_eq!(decode_on(&mut decoder, byte), decode_on(&mut fresh, byte));
        }
    }

    #[test]
    fn text_is_the_same_in_pieces_where_no_mark_waits(start in value(), end in value()) {
        // A letter between them takes what marks there are, and is no part of an escape sequence.
        let bytes = [&start, &b"\x1B(B\x1Bs|"[..], &end].concat();
        let cut = start.len() + 6;
        let mut decoder = Decoder::default();
        let mut pieces = String::new();
        let unknown = decoder.decode(&bytes[..cut], &mut pieces) + decoder.decode(&bytes[cut..], &mut pieces);
        // Only marks at the very start of a piece make a difference, and it begins with none.
        let (whole, counted) = decode(&bytes);
        prop_assert_eq!(pieces.nfc().collect::<String>(), whole);
        prop_assert_eq!(unknown, counted);
    }
}
