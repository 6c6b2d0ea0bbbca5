//! Escape sequences: the escape character, intermediate characters that tell the half and the size of a set, and a final
//! character that tells which ("Accessing Alternate Graphic Character Sets").

use super::tables::{
    ANSEL, ARABIC, CYRILLIC, EXTENDED_ARABIC, EXTENDED_CYRILLIC, GREEK, GREEK_SYMBOLS, HEBREW, ISO_5426, ISO_6438,
    SUBSCRIPTS, SUPERSCRIPTS,
};
use super::{ESCAPE, Set, Start};

/// Which bytes a set is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    /// 0x21-0x7E.
    G0,
    /// 0xA1-0xFE.
    G1,
}

/// The designation of a set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Escape {
    pub half: Half,
    pub set: Set,
    /// In bytes, the escape character included.
    pub length: usize,
}

/// The escape sequence at the start of `bytes` in a value that began with the sets of `start`; `None` if there is none that is
/// known.
pub(super) fn read(bytes: &[u8], start: Start) -> Option<Escape> {
    let (&ESCAPE, after) = bytes.split_first()? else { return None };
    if start == Start::Marc8 { marc8(bytes, after) } else { unimarc(after) }
}

fn marc8(bytes: &[u8], after: &[u8]) -> Option<Escape> {
    // Technique 1: sets made for MARC, by one letter, and the way back.
    if let Some(&letter @ (b'g' | b'b' | b'p' | b's')) = after.first() {
        let set = if letter == b's' { Set::Ascii } else { Set::named(letter)? };
        return Some(Escape { half: Half::G0, set, length: 2 });
    }
    // Technique 2, as in ISO 2022.
    let (half, last) = match after {
        [b'$', b')' | b'-', last @ ..] | [b')' | b'-', last @ ..] => (Half::G1, last),
        [b'$', b'(' | b',', last @ ..] | [b'$' | b'(' | b',', last @ ..] => (Half::G0, last),
        _ => return None,
    };
    let (set, rest) = match last {
        [b'!', b'E', rest @ ..] => (Set::OneByte(&ANSEL), rest),
        [last, rest @ ..] => (Set::named(*last)?, rest),
        [] => return None,
    };
    Some(Escape { half, set, length: bytes.len() - rest.len() })
}

/// UNIMARC has the sequences of ISO 2022, here with MARC-8's alternates for `(` and `)`. A third or fourth set that is designated
/// could only be invoked by others, which are not known.
fn unimarc(after: &[u8]) -> Option<Escape> {
    let (half, last) = match *after {
        [b'(' | b',', last, ..] => (Half::G0, last),
        [b')' | b'-', last, ..] => (Half::G1, last),
        _ => return None,
    };
    let set = Set::OneByte(match last {
        b'@' | b'B' => return Some(Escape { half, set: Set::Ascii, length: 3 }),
        b'P' => &ISO_5426,
        b'N' => &CYRILLIC,
        b'Q' => &EXTENDED_CYRILLIC,
        b'S' => &GREEK,
        b'M' => &ISO_6438,
        _ => return None,
    });
    Some(Escape { half, set, length: 3 })
}

impl Set {
    /// The set that a final character names in MARC-8.
    ///
    /// It decides alone, since no two sets share one: `(1` is EACC although the sequence says one byte, and `E` is ANSEL
    /// without its `!`.
    fn named(last: u8) -> Option<Self> {
        Some(Self::OneByte(match last {
            b'B' => return Some(Self::Ascii),
            b'1' => return Some(Self::Eacc),
            b'E' => &ANSEL,
            b'2' => &HEBREW,
            b'N' => &CYRILLIC,
            b'Q' => &EXTENDED_CYRILLIC,
            b'3' => &ARABIC,
            b'4' => &EXTENDED_ARABIC,
            b'S' => &GREEK,
            b'g' => &GREEK_SYMBOLS,
            b'b' => &SUBSCRIPTS,
            b'p' => &SUPERSCRIPTS,
            _ => return None,
        }))
    }
}
