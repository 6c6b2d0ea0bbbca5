//! Unicode to MARC-8, the opposite of [`Decoder`](super::Decoder) (MARC 21 Specifications: "MARC-8 Encoding Environment",
//! "Conversion Between Environments").
//!
//! What is written reads as the text in NFC, whatever form the text is in, but for this:
//!
//! * A character that MARC-8 has no code for is written as a numeric character reference, such as `&#x2019;` (the
//!   specification's lossless conversion), and counted. One that is composed is written as what it is composed of only if
//!   there are codes for all of that.
//! * So are marks that have no base that takes them: at the start of a value, on controls, and after a reference, which
//!   they would seem to belong to.
//! * A mark over two letters (U+0360, U+0361) is written as its halves, one on each, as in MARC-8 it is nothing else.
//!
//! Text that has references as they stand is not told from what is written here. Controls, the delimiters of ISO 2709
//! among them, are written as they stand; only the escape character is not.
//!
//! ANSEL stays in G1. Another set takes G0 when a character needs it, and stays until one comes that it does not have; EACC
//! only until the first character that is not of three bytes.
//!
//! Each cluster, a base and its marks, can be written on its own: codes stand for characters that compose with marks
//! only, and the decoder puts together what follows a base as NFC does.

mod codes;
#[cfg(test)]
mod tests;

use std::iter::once;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::tables::CONTROLS;
use super::{ESCAPE, plain_length};
use codes::{CODES, Charset, Code, Codes, Place};

/// Appends `text` in MARC-8, beginning and ending with the sets that each value begins with, and tells how many
/// characters MARC-8 has no code for.
pub(crate) fn encode_marc8(text: &str, out: &mut Vec<u8>) -> usize {
    out.reserve(text.len());
    let mut writer = Writer { codes: &CODES, out, g0: Charset::Ascii, right_half: None, unknown: 0 };
    let (mut chars, mut marks) = (Vec::new(), Vec::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if writer.right_half.is_none() {
            let run = if writer.g0 == Charset::Ascii { lone_ascii(rest) } else { 0 };
            if let Some((ascii, tail)) = rest.split_at_checked(run).filter(|_| run > 0) {
                writer.out.extend_from_slice(ascii.as_bytes());
                rest = tail;
                continue;
            }
            let tail = rest.get(first.len_utf8()..).unwrap_or_default();
            if begins_cluster(tail) && writer.lone(first) {
                rest = tail;
                continue;
            }
        }
        let (cluster, tail) = rest.split_at_checked(cluster_length(rest)).unwrap_or((rest, ""));
        chars.clear();
        chars.extend(cluster.nfc());
        writer.cluster(&chars, tail, &mut marks);
        rest = tail;
    }
    writer.designate(Charset::Ascii);
    writer.unknown
}

/// How many bytes at the start of `text` mean themselves in ASCII, and are no base of a mark.
fn lone_ascii(text: &str) -> usize {
    let length = plain_length(text.as_bytes());
    let tail = text.get(length..).unwrap_or_default();
    if begins_cluster(tail) { length } else { length.saturating_sub(1) }
}

/// How many bytes the first character takes together with all after it that may have a part in it.
fn cluster_length(text: &str) -> usize {
    let mut chars = text.char_indices();
    chars.next();
    chars.find(|&(_, char)| stands_alone(char)).map_or(text.len(), |(at, _)| at)
}

/// Whether the first character of `text` has no part in what is before it.
fn begins_cluster(text: &str) -> bool {
    text.chars().next().is_none_or(stands_alone)
}

/// Whether NFC surely leaves a character apart from what is before it.
fn stands_alone(char: char) -> bool {
    char < '\u{300}' || canonical_combining_class(char) == 0 && is_nfc_quick(once(char)) == IsNormalized::Yes
}

/// The halves of a mark over two letters.
fn halves(mark: char) -> Option<(char, char)> {
    match mark {
        '\u{361}' => Some(('\u{FE20}', '\u{FE21}')),
        '\u{360}' => Some(('\u{FE22}', '\u{FE23}')),
        _ => None,
    }
}

/// The byte of a control. The escape character would begin a sequence.
fn control(char: char) -> Option<u8> {
    match u8::try_from(char) {
        Ok(byte @ (0..0x20 | 0x7F)) if byte != ESCAPE => Some(byte),
        _ => CONTROLS.iter().find(|(_, control)| *control == char).map(|&(byte, _)| byte),
    }
}

struct Writer<'a> {
    codes: &'static Codes,
    out: &'a mut Vec<u8>,
    /// The set in G0.
    g0: Charset,
    /// Half a mark that the next base takes.
    right_half: Option<char>,
    unknown: usize,
}

impl Writer<'_> {
    /// Writes a character that has no marks; `false` if that takes more than one code.
    fn lone(&mut self, char: char) -> bool {
        if char == ' ' {
            self.independent(b' ');
            return true;
        }
        match self.codes.find(char, self.g0) {
            Some(code) if code.place == Place::Base => {
                self.put(code);
                true
            }
            _ => false,
        }
    }

    /// Writes what begins and ends where clusters do, in NFC; `tail` is what comes after it. `marks` is a place to work.
    fn cluster(&mut self, chars: &[char], tail: &str, marks: &mut Vec<char>) {
        let mut rest = chars;
        while let Some((&starter, after)) = rest.split_first() {
            let count = after.iter().take_while(|&&char| canonical_combining_class(char) != 0).count();
            let (own, next) = after.split_at_checked(count).unwrap_or_default();
            rest = next;
            marks.clear();
            let Some(mut base) = self.codes.spell(starter, marks) else {
                self.baseless(starter, own);
                continue;
            };
            marks.extend(self.right_half.take());
            let mut known = 0;
            for &mark in own {
                if let Some((left, right)) = halves(mark)
                    && self.right_half.is_none()
                    && let Some(next) = next.first().copied().or_else(|| tail.nfc().next())
                    && self.codes.spell(next, &mut Vec::new()).is_some()
                {
                    marks.push(left);
                    self.right_half = Some(right);
                } else if self.codes.is_mark(mark) {
                    marks.push(mark);
                } else if let Some(whole) = self.codes.composed(base, mark)
                    && marks.iter().all(|&other| canonical_combining_class(other) != canonical_combining_class(mark))
                {
                    // A horn, which NFC leaves alone where there is an ogonek.
                    base = whole;
                } else {
                    break;
                }
                known += 1;
            }
            self.based(base, marks);
            for &mark in own.iter().skip(known) {
                self.reference(mark);
            }
        }
    }

    /// Writes a base with marks, all of which have codes.
    fn based(&mut self, base: char, marks: &[char]) {
        let Some(code) = self.codes.find(base, self.g0) else { return };
        // Marks from the base's set need no escape sequence between them. A blank is in all sets.
        let charset = if base == ' ' { self.g0 } else { code.charset };
        let codes = self.codes;
        let marks = marks.iter().filter_map(|&mark| codes.find(mark, charset));
        for mark in marks.clone().filter(|mark| mark.place == Place::BeforeBase) {
            if mark.charset == Charset::Ansel && charset != Charset::Eacc {
                // Then no escape sequence is between it and its base.
                self.designate(charset);
            }
            self.put(mark);
        }
        if base == ' ' {
            self.independent(b' ');
        } else {
            self.put(code);
        }
        for mark in marks.filter(|mark| mark.place == Place::AfterBase) {
            self.put(mark);
        }
    }

    /// Writes what is no base, and the marks after it, which it cannot take.
    fn baseless(&mut self, char: char, marks: &[char]) {
        match control(char) {
            Some(byte) => self.independent(byte),
            None => self.reference(char),
        }
        for &mark in marks {
            self.reference(mark);
        }
    }

    fn put(&mut self, code: &Code) {
        match *code.bytes() {
            [byte] if code.charset == Charset::Ansel => self.independent(byte),
            _ => {
                self.designate(code.charset);
                self.out.extend_from_slice(code.bytes());
            }
        }
    }

    /// Writes a byte that means the same whatever set is in G0.
    ///
    /// EACC makes way for it, as it does in records: there are readers that take any three bytes for one of its codes. Ours
    /// takes DEL, a blank and another for one.
    fn independent(&mut self, byte: u8) {
        if self.g0 == Charset::Eacc {
            self.designate(Charset::Ascii);
        }
        self.out.push(byte);
    }

    /// Makes `charset` the one in G0.
    fn designate(&mut self, charset: Charset) {
        if charset == self.g0 || charset == Charset::Ansel {
            return;
        }
        // What a single letter began, a single letter ends.
        let single = matches!(self.g0, Charset::Subscripts | Charset::Superscripts);
        let sequence = if single && charset == Charset::Ascii { b"\x1Bs" } else { charset.escape_sequence() };
        self.out.extend_from_slice(sequence);
        self.g0 = charset;
    }

    fn reference(&mut self, char: char) {
        self.designate(Charset::Ascii);
        self.out.extend_from_slice(format!("&#x{:04X};", u32::from(char)).as_bytes());
        self.unknown += 1;
    }
}
