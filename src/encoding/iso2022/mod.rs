//! MARC-8 (MARC 21 Specifications for Record Structure, Character Sets, and Exchange Media: "MARC-8 Encoding Environment" and
//! "Code Tables") and UNIMARC's character sets (UNIMARC Manual, Appendix J) to Unicode.
//!
//! Both are ISO 2022 with two sets in use at a time: G0 for the bytes 0x21-0x7E, at first ASCII, and G1 for 0xA1-0xFE,
//! at first ANSEL in MARC-8 and in UNIMARC what the record says. Escape sequences (`escape`) put others in their place.
//! Characters are one byte long, or three in EACC (`eacc`), MARC-8's set for Chinese, Japanese and Korean. Combining marks
//! stand before their base, in Unicode after it.
//!
//! Nothing is dropped: what stands for no character becomes U+FFFD and is counted, and each byte but those of escape
//! sequences has its part in the text.
//!
//! * Controls are independent of the sets and are kept as they stand; 0x88, 0x89, 0x8D and 0x8E (non-sorting text,
//!   joiners) are what the code tables say, the others from 0x80 to 0x9F stand for nothing. Marks pass over controls to
//!   the next character. A blank is a blank, in EACC too.
//! * An escape sequence for no known set: U+FFFD for the escape character, and what follows it as text.
//! * A code of EACC that is cut short, by the end or by a byte that cannot be part of one, is one U+FFFD.
//! * Marks at the end of a value have no base in it, and follow the last character.
//! * Halves of a double ligature or tilde stay halves (U+FE20 to U+FE23). The tables prefer one U+0361 or U+0360 for the
//!   two, but then a half alone would mean the whole, and what has been written in UTF-8 by libraries has the halves. ISO
//!   5426 has one code for both left halves; the right half that follows tells which it is.

mod eacc;
#[cfg(feature = "cli")]
mod encode;
mod escape;
mod tables;
#[cfg(test)]
mod tests;

use std::iter::once;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::compose;

#[cfg(feature = "cli")]
pub(crate) use encode::encode_marc8;
use escape::{Escape, Half};
use tables::{ANSEL, CONTROLS, CYRILLIC, EXTENDED_CYRILLIC, GREEK, ISO_5426, ISO_6438, LOOSE, MARK, Table};

const ESCAPE: u8 = 0x1B;

/// The sets that a value begins with, and so those that its escape sequences can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// ASCII and ANSEL; MARC-8's sets.
    Marc8,
    /// ASCII and another; UNIMARC's sets.
    Unimarc(Supplement),
}

/// The sets for bytes beyond ASCII of UNIMARC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Supplement {
    /// ISO 5426.
    Latin,
    /// ISO Registration 37.
    Cyrillic,
    /// ISO 5427.
    ExtendedCyrillic,
    /// ISO 5428.
    Greek,
    /// ISO 6438.
    African,
}

impl Start {
    fn g1(self) -> Set {
        Set::OneByte(match self {
            Self::Marc8 => &ANSEL,
            Self::Unimarc(Supplement::Latin) => &ISO_5426,
            Self::Unimarc(Supplement::Cyrillic) => &CYRILLIC,
            Self::Unimarc(Supplement::ExtendedCyrillic) => &EXTENDED_CYRILLIC,
            Self::Unimarc(Supplement::Greek) => &GREEK,
            Self::Unimarc(Supplement::African) => &ISO_6438,
        })
    }
}

/// A set of graphic characters.
#[derive(Debug, Clone, Copy)]
enum Set {
    Ascii,
    OneByte(&'static Table),
    Eacc,
}

/// What a code stands for.
#[derive(Debug, Clone, Copy)]
enum Glyph {
    Base(char),
    /// A combining mark, before its base.
    Mark(char),
    /// A mark to Unicode that MARC-8 has after its base, as if it were a letter.
    Loose(char),
    Control(char),
    Designation(Escape),
    /// Nothing, where a character should be.
    Unknown,
    /// Nothing, where a control should be.
    UnknownControl,
}

/// A decoder of one value: the sets in use. Each value begins with a new one.
#[derive(Debug, Clone)]
pub(crate) struct Decoder {
    start: Start,
    g0: Set,
    g1: Set,
    /// Marks that wait for their base.
    marks: Vec<char>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(Start::Marc8)
    }
}

impl Decoder {
    pub(crate) fn new(start: Start) -> Self {
        Self { start, g0: Set::Ascii, g1: start.g1(), marks: Vec::new() }
    }

    /// Makes it as good as new.
    pub(crate) fn reset(&mut self, start: Start) {
        self.start = start;
        self.g0 = Set::Ascii;
        self.g1 = start.g1();
        self.marks.clear();
    }

    /// Appends the text of `bytes` to `out`, in NFC, and tells how many codes stood for nothing.
    ///
    /// While ASCII is in use, ASCII without escape sequences is appended as it stands. At most three bytes are appended
    /// for each one of `bytes`.
    pub(crate) fn decode(&mut self, bytes: &[u8], out: &mut String) -> usize {
        let start = out.len();
        let mut unknown = 0;
        // Whether marks may stand where `place` does not see them.
        let mut loose = false;
        let mut rest = bytes;
        out.reserve(bytes.len());
        while let Some(&byte) = rest.first() {
            if is_plain(byte) && matches!(self.g0, Set::Ascii) && self.marks.is_empty() {
                let (run, tail) = rest.split_at_checked(plain_length(rest)).unwrap_or_default();
                // A run is ASCII, therefore UTF-8.
                out.push_str(str::from_utf8(run).unwrap_or_default());
                rest = tail;
                continue;
            }
            let (glyph, length) = self.read(byte, rest);
            rest = rest.get(length..).unwrap_or_default();
            match glyph {
                Glyph::Base(base) => self.place(base, out),
                Glyph::Mark(mark) => self.marks.push(mark),
                Glyph::Loose(mark) => {
                    self.place(mark, out);
                    loose = true;
                }
                Glyph::Control(control) => out.push(control),
                Glyph::Designation(Escape { half: Half::G0, set, .. }) => self.g0 = set,
                Glyph::Designation(Escape { half: Half::G1, set, .. }) => self.g1 = set,
                Glyph::Unknown => {
                    self.place(char::REPLACEMENT_CHARACTER, out);
                    unknown += 1;
                }
                Glyph::UnknownControl => {
                    out.push(char::REPLACEMENT_CHARACTER);
                    unknown += 1;
                }
            }
        }
        if loose || !self.marks.is_empty() {
            out.extend(self.marks.drain(..));
            let value: String = out.get(start..).unwrap_or_default().nfc().collect();
            out.truncate(start);
            out.push_str(&value);
        }
        unknown
    }

    /// What stands at the start of `rest`, whose first byte is `byte`, and how many bytes it takes.
    fn read(&self, byte: u8, rest: &[u8]) -> (Glyph, usize) {
        match byte {
            ESCAPE => match escape::read(rest, self.start) {
                Some(escape) => (Glyph::Designation(escape), escape.length),
                None => (Glyph::Unknown, 1),
            },
            b' ' => (Glyph::Base(' '), 1),
            0x21..0x7F => self.with_left_half(self.g0.read(byte, rest, 0), rest, 0),
            0x00..0x20 => (Glyph::Control(char::from(byte)), 1),
            // In no set, but for a few stray codes.
            0x7F => match self.g0.read(byte, rest, 0) {
                (Glyph::Base(base), length) => (Glyph::Base(base), length),
                _ => (Glyph::Control('\x7F'), 1),
            },
            0x80..0xA0 => match CONTROLS.iter().find(|(control, _)| *control == byte) {
                Some(&(_, control)) => (Glyph::Control(control), 1),
                None => (Glyph::UnknownControl, 1),
            },
            0xA0.. => self.with_left_half(self.g1.read(byte, rest, 0x80), rest, 0x80),
        }
    }

    /// A left half of a ligature, which in ISO 5426 may be that of a double tilde; anything else as it is.
    fn with_left_half(&self, read: (Glyph, usize), rest: &[u8], high: u8) -> (Glyph, usize) {
        match read {
            (Glyph::Mark('\u{FE20}'), length) if self.start != Start::Marc8 && is_of_a_tilde(rest, high) => {
                (Glyph::Mark('\u{FE22}'), length)
            }
            read => read,
        }
    }

    /// Appends a character, the marks that wait for it, and what they compose to.
    ///
    /// No base composes with what stands before it, so text in NFC stays in NFC.
    fn place(&mut self, base: char, out: &mut String) {
        match *self.marks.as_slice() {
            [] => out.push(base),
            // The usual case. A base that decomposes itself might lose a mark to this one.
            [mark] if base.is_ascii() => match compose(base, mark) {
                Some(composed) => out.push(composed),
                None => out.extend([base, mark]),
            },
            ref marks => out.extend(once(base).chain(marks.iter().copied()).nfc()),
        }
        self.marks.clear();
    }
}

impl Set {
    /// What this set has at the start of `rest`, and how many bytes it takes; `high` is the bit that its bytes have set.
    fn read(self, byte: u8, rest: &[u8], high: u8) -> (Glyph, usize) {
        let low = byte ^ high;
        match self {
            Self::Ascii if is_graphic(low) => (Glyph::Base(char::from(low)), 1),
            Self::Ascii => (Glyph::Unknown, 1),
            Self::OneByte(table) => {
                let entry = table.get(usize::from(low.wrapping_sub(0x20))).copied().unwrap_or(0);
                let glyph = match char::from_u32(entry & !(MARK | LOOSE)) {
                    None | Some('\0') => Glyph::Unknown,
                    Some(mark) if entry & MARK != 0 => Glyph::Mark(mark),
                    Some(mark) if entry & LOOSE != 0 => Glyph::Loose(mark),
                    Some(base) => Glyph::Base(base),
                };
                (glyph, 1)
            }
            Self::Eacc => match eacc::read(rest, high) {
                (Some(base), length) => (Glyph::Base(base), length),
                (None, length) => (Glyph::Unknown, length),
            },
        }
    }
}

/// The right halves of a ligature and of a double tilde in ISO 5426.
const RIGHT_LIGATURE: u8 = 0x5E;
const RIGHT_TILDE: u8 = 0x5F;

/// Whether the half mark that `rest` begins with is followed by the other half of a double tilde: beyond its base and what else
/// is on it.
fn is_of_a_tilde(rest: &[u8], high: u8) -> bool {
    let halves = rest.iter().take(6).map(|byte| byte ^ high);
    halves.into_iter().find(|&half| half == RIGHT_LIGATURE || half == RIGHT_TILDE) == Some(RIGHT_TILDE)
}

/// Whether a byte can be part of a character of a set with its high bit, if any, taken off.
fn is_graphic(low: u8) -> bool {
    (0x21..0x7F).contains(&low)
}

/// Whether a byte means itself in ASCII.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii() && byte != ESCAPE
}

/// How many bytes at the start of `bytes` mean themselves in ASCII.
fn plain_length(bytes: &[u8]) -> usize {
    let (chunks, _) = bytes.as_chunks::<16>();
    // Without a way out in the middle, a chunk is tested at once.
    let plain = |chunk: &&[u8; 16]| chunk.iter().fold(true, |plain, &byte| plain & is_plain(byte));
    let skip = chunks.iter().take_while(plain).count() * 16;
    skip + bytes.iter().skip(skip).take_while(|&&byte| is_plain(byte)).count()
}
