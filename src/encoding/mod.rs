//! What a record's text is encoded in, whether it can be viewed in place, and what becomes of it where it cannot.
//!
//! Leader position 09 says UTF-8 or MARC-8, in UNIMARC ([`unimarc`]) coded data say one of many sets, and both are believed
//! where the bytes do not say otherwise ([`judge`]); a caller who knows better says so ([`Encoding`]), and then nothing is
//! guessed. Text that is not UTF-8 as it stands is decoded value by
//! value ([`Decoder`]). What stands for no character becomes U+FFFD and is told; nothing is dropped.

pub(crate) mod iso2022;
mod judge;
mod unimarc;

use std::borrow::Cow;
use std::str::FromStr;

use memchr::memchr;
use simdutf8::basic::from_utf8;

use crate::error::Error;
use crate::iso2709::{FieldSpan, Leader};
use crate::problem::Code;
#[cfg(feature = "cli")]
pub(crate) use iso2022::encode_marc8;
use iso2022::{Start, Supplement};
pub(crate) use judge::{BlockText, Reading, TextRepair};

const ESCAPE: u8 = 0x1B;

/// What text is encoded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// MARC-8.
    Marc8,
    /// ISO 8859-1.
    Latin1,
    /// Windows code page 1252.
    Windows1252,
    /// Code page 437 of MS-DOS.
    Cp437,
    /// Code page 850 of MS-DOS.
    Cp850,
    /// ISO 5426, Extended Latin, with ASCII; UNIMARC's sets by escape sequences. So the next four.
    Iso5426,
    /// ISO 5427, Extended Cyrillic.
    Iso5427,
    /// ISO 5428, Greek.
    Iso5428,
    /// ISO 6438, African.
    Iso6438,
    /// ISO Registration 37, basic Cyrillic.
    IsoIr37,
    /// Windows code page 1251.
    Windows1251,
    /// Code page 866 of MS-DOS.
    Cp866,
    /// KOI8-R.
    Koi8R,
}

/// The rules that records in ISO 2709 are in beyond it: where one says what its text is encoded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Format {
    /// MARC 21's and those of most others: leader position 09.
    #[default]
    Marc21,
    /// UNIMARC: 100 $a.
    Unimarc,
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|&(_, format)| format).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|&(name, _)| name).collect();
            Error::option(format!("format must be one of {}, not {name:?}", names.join(", ")))
        })
    }
}

impl Format {
    /// Every format with its names.
    pub const ALL: &[(&str, Self)] = &[("auto", Self::Marc21), ("iso2709", Self::Marc21), ("unimarc", Self::Unimarc)];
}

impl Encoding {
    /// Every encoding with its name.
    pub const ALL: &[(&str, Self)] = &[
        ("utf-8", Self::Utf8),
        ("marc-8", Self::Marc8),
        ("iso-8859-1", Self::Latin1),
        ("windows-1252", Self::Windows1252),
        ("cp437", Self::Cp437),
        ("cp850", Self::Cp850),
        ("iso-5426", Self::Iso5426),
        ("iso-5427", Self::Iso5427),
        ("iso-5428", Self::Iso5428),
        ("iso-6438", Self::Iso6438),
        ("iso-ir-37", Self::IsoIr37),
        ("windows-1251", Self::Windows1251),
        ("cp866", Self::Cp866),
        ("koi8-r", Self::Koi8R),
    ];

    /// The record decides, but for those that are UTF-8 beyond doubt whatever they say.
    pub(crate) fn of(record: &[u8], fields: &[FieldSpan], format: Format) -> Self {
        if format == Format::Unimarc {
            let decoding = BlockText::unknown(format).judge(record, fields, &mut Vec::new());
            return decoding.map_or(Self::Utf8, |decoding| decoding.encoding);
        }
        let flagged = Leader::new(record).is_some_and(Leader::is_utf8);
        if flagged || is_utf8_beyond_doubt(record) { Self::Utf8 } else { Self::Marc8 }
    }

    /// Sets of ISO 2022, and those that values begin with.
    fn start(self) -> Option<Start> {
        Some(match self {
            Self::Marc8 => Start::Marc8,
            Self::Iso5426 => Start::Unimarc(Supplement::Latin),
            Self::Iso5427 => Start::Unimarc(Supplement::ExtendedCyrillic),
            Self::Iso5428 => Start::Unimarc(Supplement::Greek),
            Self::Iso6438 => Start::Unimarc(Supplement::African),
            Self::IsoIr37 => Start::Unimarc(Supplement::Cyrillic),
            _ => return None,
        })
    }

    /// Whether `value` is its own text.
    #[inline]
    fn is_in_place(self, value: &[u8]) -> bool {
        match self {
            Self::Utf8 => from_utf8(value).is_ok(),
            Self::Marc8 | Self::Iso5426 | Self::Iso5427 | Self::Iso5428 | Self::Iso6438 | Self::IsoIr37 => {
                is_plain_ascii(value)
            }
            Self::Latin1
            | Self::Windows1252
            | Self::Cp437
            | Self::Cp850
            | Self::Windows1251
            | Self::Cp866
            | Self::Koi8R => value.is_ascii(),
        }
    }
}

/// How values become text that is not theirs as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decoding {
    pub encoding: Encoding,
    /// A value that is UTF-8 beyond doubt is that in spite of the encoding.
    pub guess: bool,
    /// The leader says UTF-8.
    pub flagged_utf8: bool,
}

/// Whether `bytes` are UTF-8 and cannot well be anything else.
pub(crate) fn is_utf8_beyond_doubt(bytes: &[u8]) -> bool {
    !bytes.is_ascii() && memchr(ESCAPE, bytes).is_none() && from_utf8(bytes).is_ok()
}

/// Whether `value` is its own text in every encoding that records may be in.
#[inline]
pub(crate) fn is_plain_ascii(value: &[u8]) -> bool {
    value.is_ascii() && memchr(ESCAPE, value).is_none()
}

/// Decodes values, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    sets: iso2022::Decoder,
}

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// It is its own text, and what had to be said about that.
    InPlace(Option<Code>),
    /// Its text was appended, and what had to be said about that.
    Appended(Option<Code>),
}

impl Decoder {
    /// Finds the text of `value`, and appends it to `out` if it is not the value as it stands.
    #[inline]
    pub(crate) fn decode(&mut self, decoding: Decoding, value: &[u8], out: &mut String) -> Decoded {
        let Decoding { encoding, guess, flagged_utf8 } = decoding;
        if encoding.is_in_place(value) {
            return Decoded::InPlace(None);
        }
        if guess && encoding.start().is_some() && is_utf8_beyond_doubt(value) {
            return Decoded::InPlace((!flagged_utf8).then_some(Code::Utf8NotFlagged));
        }
        let told = self.append(encoding, value, out);
        let lie = (flagged_utf8 && encoding == Encoding::Marc8).then_some(Code::Marc8NotFlagged);
        Decoded::Appended(told.or(lie))
    }

    fn append(&mut self, encoding: Encoding, value: &[u8], out: &mut String) -> Option<Code> {
        if let Some(start) = encoding.start() {
            self.sets.reset(start);
            let unknown = self.sets.decode(value, out);
            return (unknown > 0).then_some(Code::UnknownCharacter);
        }
        let kept = |encoding: &'static encoding_rs::Encoding| encoding.decode_without_bom_handling(value).0;
        match encoding {
            Encoding::Latin1 => out.extend(value.iter().map(|&byte| char::from(byte))),
            Encoding::Windows1251 => out.push_str(&kept(encoding_rs::WINDOWS_1251)),
            Encoding::Windows1252 => out.push_str(&kept(encoding_rs::WINDOWS_1252)),
            Encoding::Cp866 => out.push_str(&kept(encoding_rs::IBM866)),
            Encoding::Koi8R => out.push_str(&kept(encoding_rs::KOI8_R)),
            Encoding::Cp437 => code_page(&oem_cp::code_table::DECODING_TABLE_CP437, value, out),
            Encoding::Cp850 => code_page(&oem_cp::code_table::DECODING_TABLE_CP850, value, out),
            _ => {
                out.push_str(&String::from_utf8_lossy(value));
                return Some(Code::InvalidUtf8);
            }
        }
        None
    }
}

/// Text in a code page of 128 characters beyond ASCII.
fn code_page(page: &[char; 128], value: &[u8], out: &mut String) {
    let character = |&byte: &u8| match byte.checked_sub(0x80) {
        None => char::from(byte),
        Some(place) => page.get(usize::from(place)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    out.extend(value.iter().map(character));
}

/// The text of a value in `encoding`, or in UTF-8 in spite of that; what stands for nothing in it becomes U+FFFD.
pub(crate) fn decode(encoding: Encoding, value: &[u8]) -> Cow<'_, str> {
    let mut text = String::new();
    match Decoder::default().decode(Decoding { encoding, guess: true, flagged_utf8: false }, value, &mut text) {
        Decoded::InPlace(_) => String::from_utf8_lossy(value),
        Decoded::Appended(_) => text.into(),
    }
}

/// Leader or tag as text: each byte that is not ASCII becomes U+FFFD, so that positions keep their meaning.
pub(crate) fn structure_text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER }).collect()
}
