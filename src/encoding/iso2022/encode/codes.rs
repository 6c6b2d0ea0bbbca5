//! The codes of characters: the tables of the decoder, turned round.

use std::slice::from_ref;
use std::sync::LazyLock;

use unicode_normalization::char::{compose, decompose_canonical};

use crate::encoding::iso2022::eacc;
use crate::encoding::iso2022::tables::{
    ANSEL, ARABIC, CYRILLIC, EXTENDED_ARABIC, EXTENDED_CYRILLIC, GREEK, HEBREW, LOOSE, MARK, SUBSCRIPTS, SUPERSCRIPTS,
    Table,
};

/// The sets of MARC-8. Of those that have a character, the one in use is taken, else the first in this order.
///
/// The Greek symbols are not among them: in Unicode they are the same as three letters, and the specification discourages
/// their use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Charset {
    Ascii,
    Ansel,
    Greek,
    Cyrillic,
    ExtendedCyrillic,
    Hebrew,
    Arabic,
    ExtendedArabic,
    Subscripts,
    Superscripts,
    Eacc,
}

/// The sets that have a table, and the high bit of their codes.
static ONE_BYTE: [(Charset, &Table, u8); 9] = [
    (Charset::Ansel, &ANSEL, 0x80),
    (Charset::Greek, &GREEK, 0),
    (Charset::Cyrillic, &CYRILLIC, 0),
    (Charset::ExtendedCyrillic, &EXTENDED_CYRILLIC, 0),
    (Charset::Hebrew, &HEBREW, 0),
    (Charset::Arabic, &ARABIC, 0),
    (Charset::ExtendedArabic, &EXTENDED_ARABIC, 0),
    (Charset::Subscripts, &SUBSCRIPTS, 0),
    (Charset::Superscripts, &SUPERSCRIPTS, 0),
];

impl Charset {
    /// What designates it in G0; nothing for ANSEL, which is in G1.
    pub(super) fn escape_sequence(self) -> &'static [u8] {
        match self {
            Self::Ascii => b"\x1B(B",
            Self::Ansel => b"",
            Self::Greek => b"\x1B(S",
            Self::Cyrillic => b"\x1B(N",
            Self::ExtendedCyrillic => b"\x1B(Q",
            Self::Hebrew => b"\x1B(2",
            Self::Arabic => b"\x1B(3",
            Self::ExtendedArabic => b"\x1B(4",
            Self::Subscripts => b"\x1Bb",
            Self::Superscripts => b"\x1Bp",
            Self::Eacc => b"\x1B$1",
        }
    }
}

/// Where a character stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Base,
    BeforeBase,
    AfterBase,
}

/// One code of a character.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code {
    char: char,
    pub charset: Charset,
    pub place: Place,
    /// Only the first, but in EACC.
    bytes: [u8; 3],
}

impl Code {
    pub(super) fn bytes(&self) -> &[u8] {
        let [first, ..] = &self.bytes;
        if self.charset == Charset::Eacc { &self.bytes } else { from_ref(first) }
    }
}

/// The codes of each character, from the tables of the decoder.
pub(super) struct Codes {
    /// By characters, then by sets; one code for each of both.
    codes: Vec<Code>,
    /// Where in `codes` each 256 characters begin.
    starts: Vec<usize>,
}

pub(super) static CODES: LazyLock<Codes> = LazyLock::new(Codes::new);

impl Codes {
    /// EACC has variants apart that are one character in Unicode. Of their codes the lowest is taken: nearly always the one
    /// in the first plane, that of the traditional forms, which records have. A code with a blank in it is not taken
    /// (U+3000 has another), since a reader may take that for a blank.
    fn new() -> Self {
        let ascii = (0x20..0x7F_u8).map(|byte| Code {
            char: char::from(byte),
            charset: Charset::Ascii,
            place: Place::Base,
            bytes: [byte, 0, 0],
        });
        let one_byte = ONE_BYTE.iter().flat_map(|&(charset, table, high)| {
            (0x20_u8..).zip(table).filter_map(move |(byte, &entry)| {
                let char = char::from_u32(entry & !(MARK | LOOSE)).filter(|&char| char != '\0')?;
                let place = match entry & (MARK | LOOSE) {
                    MARK => Place::BeforeBase,
                    LOOSE => Place::AfterBase,
                    _ => Place::Base,
                };
                Some(Code { char, charset, place, bytes: [byte | high, 0, 0] })
            })
        });
        let eacc = eacc::codes().filter(|(bytes, _)| !bytes.contains(&b' '));
        let eacc = eacc.map(|(bytes, char)| Code { char, charset: Charset::Eacc, place: Place::Base, bytes });
        let mut codes: Vec<Code> = ascii.chain(one_byte).chain(eacc).collect();
        codes.sort_unstable_by_key(|code| (code.char, code.charset, code.bytes));
        codes.dedup_by_key(|code| (code.char, code.charset));
        let blocks = codes.last().map_or(0, |code| block(code.char) + 1);
        let start = |at| codes.partition_point(|code| block(code.char) < at);
        let starts = (0..=blocks).map(start).collect();
        Self { codes, starts }
    }

    /// The codes of a character, the preferred one first.
    fn of(&self, char: char) -> impl Iterator<Item = &Code> {
        let bounds = self.starts.get(block(char)).zip(self.starts.get(block(char) + 1));
        let codes = bounds.and_then(|(&start, &end)| self.codes.get(start..end)).unwrap_or_default();
        let at = codes.partition_point(|code| code.char < char);
        codes.iter().skip(at).take_while(move |code| code.char == char)
    }

    /// The code of a character in `charset`, or else the preferred one.
    pub(super) fn find(&self, char: char, charset: Charset) -> Option<&Code> {
        let mut codes = self.of(char);
        let first = codes.next()?;
        if first.charset == charset { Some(first) } else { codes.find(|code| code.charset == charset).or(Some(first)) }
    }

    fn is_base(&self, char: char) -> bool {
        self.of(char).next().is_some_and(|code| code.place == Place::Base)
    }

    pub(super) fn is_mark(&self, char: char) -> bool {
        self.of(char).next().is_some_and(|code| code.place != Place::Base)
    }

    /// What a base and a mark are together, if that is a base.
    pub(super) fn composed(&self, base: char, mark: char) -> Option<char> {
        compose(base, mark).filter(|&whole| self.is_base(whole))
    }

    /// The base that stands for `char` together with `marks`; `None` if not all of them have codes.
    pub(super) fn spell(&self, char: char, marks: &mut Vec<char>) -> Option<char> {
        marks.clear();
        if self.is_base(char) {
            return Some(char);
        }
        let mut base = None;
        decompose_canonical(char, |part| {
            // Letters with a horn have codes, and the horn has none.
            match base.map(|base| self.composed(base, part).filter(|_| marks.is_empty())) {
                None => base = Some(part),
                Some(Some(whole)) => base = Some(whole),
                Some(None) => marks.push(part),
            }
        });
        base.filter(|&base| self.is_base(base) && marks.iter().all(|&mark| self.is_mark(mark)))
    }
}

fn block(char: char) -> usize {
    char as usize >> 8
}
