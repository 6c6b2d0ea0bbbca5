//! The least and the greatest text of a page or a chunk, shortened where they are long.

use parquet::basic::Type;
use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};

use crate::write::parquet::chunk::Bounds;

/// Bytes beyond which a bound is shortened; it is then a bound still, but no longer a text that is there.
const LONGEST: usize = 64;

/// Texts between which all others are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextBounds {
    least: Vec<u8>,
    greatest: Vec<u8>,
}

/// Bounds as a file has them, each with whether it is a text that is there.
#[derive(Debug, PartialEq, Eq)]
struct Shortened {
    least: Vec<u8>,
    least_is_exact: bool,
    greatest: Vec<u8>,
    greatest_is_exact: bool,
}

impl TextBounds {
    /// Around `texts`, if there are some.
    pub(super) fn of<'t>(texts: impl Iterator<Item = &'t [u8]>) -> Option<Self> {
        let mut bounds: Option<(&[u8], &[u8])> = None;
        for text in texts {
            bounds = Some(bounds.map_or((text, text), |(least, greatest)| (least.min(text), greatest.max(text))));
        }
        bounds.map(|(least, greatest)| Self { least: least.to_vec(), greatest: greatest.to_vec() })
    }

    /// As a file has them; none where nothing short is above the greatest.
    fn shortened(&self) -> Option<Shortened> {
        let least = beginning(&self.least);
        let greatest_is_exact = self.greatest.len() <= LONGEST;
        let greatest = if greatest_is_exact { self.greatest.clone() } else { above(beginning(&self.greatest))? };
        let least_is_exact = least.len() == self.least.len();
        Some(Shortened { least: least.to_vec(), least_is_exact, greatest, greatest_is_exact })
    }
}

impl Bounds for TextBounds {
    const TYPE: Type = Type::BYTE_ARRAY;

    fn and(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), greatest: self.greatest.max(other.greatest) }
    }

    fn is_from(&self, other: &Self) -> bool {
        self.least >= other.least && self.greatest >= other.greatest
    }

    fn of_page(&self) -> Option<Self> {
        self.shortened().map(|Shortened { least, greatest, .. }| Self { least, greatest })
    }

    fn bytes(self) -> (Vec<u8>, Vec<u8>) {
        (self.least, self.greatest)
    }

    fn of_chunk(bounds: Option<&Self>, nulls: u64) -> Statistics {
        Statistics::ByteArray(match bounds.and_then(Self::shortened) {
            Some(Shortened { least, least_is_exact, greatest, greatest_is_exact }) => {
                let (least, greatest) = (ByteArray::from(least), ByteArray::from(greatest));
                ValueStatistics::new(Some(least), Some(greatest), None, Some(nulls), false)
                    .with_min_is_exact(least_is_exact)
                    .with_max_is_exact(greatest_is_exact)
            }
            None => ValueStatistics::new(None, None, None, Some(nulls), false),
        })
    }
}

/// What of a text there is room for, in whole characters.
fn beginning(text: &[u8]) -> &[u8] {
    let end = match text.get(LONGEST) {
        None => text.len(),
        Some(_) => (0..=LONGEST).rev().find(|&end| text.get(end).is_some_and(|byte| byte & 0xC0 != 0x80)).unwrap_or(0),
    };
    text.get(..end).unwrap_or(text)
}

/// A text that is greater than all that begin with `beginning`: the last character that can be is made the next of its length.
fn above(beginning: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(beginning).ok()?;
    text.char_indices().rev().find_map(|(at, character)| {
        let next = char::from_u32(character as u32 + 1).filter(|next| next.len_utf8() == character.len_utf8())?;
        let mut greater = text.get(..at)?.to_owned();
        greater.push(next);
        Some(greater.into_bytes())
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn everything_is_between(texts in prop::collection::vec("[aé\u{7F}\u{7FF}\u{FFFF}\u{10FFFF}]{0,80}", 1..8)) {
            let all = || texts.iter().map(String::as_bytes);
            let bounds = TextBounds::of(all()).unwrap();
            let (first, second) = texts.split_at(texts.len() / 2);
            if let Some(half) = TextBounds::of(first.iter().map(String::as_bytes)) {
                let other = TextBounds::of(second.iter().map(String::as_bytes)).unwrap();
                prop_assert_eq!(half.and(other), bounds.clone());
            }
            if let Some(Shortened { least, least_is_exact, greatest, greatest_is_exact }) = bounds.shortened() {
                prop_assert!(least.len() <= LONGEST && greatest.len() <= LONGEST);
                prop_assert!(std::str::from_utf8(&least).is_ok() && std::str::from_utf8(&greatest).is_ok());
                prop_assert!(all().all(|text| least.as_slice() <= text && text <= greatest.as_slice()));
                prop_assert_eq!(least_is_exact, all().any(|text| text == least.as_slice()));
                prop_assert!(!greatest_is_exact || all().any(|text| text == greatest.as_slice()));
            } else {
                prop_assert!(texts.iter().any(|text| text.len() > LONGEST));
            }
        }
    }

    fn shortened(text: &str) -> Option<Shortened> {
        TextBounds::of([text.as_bytes()].into_iter()).unwrap().shortened()
    }

    #[test]
    fn what_is_short_stays() {
        let text = "x".repeat(64);
        let (least, greatest) = (text.clone().into_bytes(), text.clone().into_bytes());
        let exact = Shortened { least, least_is_exact: true, greatest, greatest_is_exact: true };
        assert_eq!(shortened(&text), Some(exact));
        assert_eq!(TextBounds::of([].into_iter()), None);
    }

    #[test]
    fn what_is_long_is_shortened() {
        let (least, greatest) = ("x".repeat(64).into_bytes(), ("x".repeat(63) + "y").into_bytes());
        let short = Shortened { least, least_is_exact: false, greatest, greatest_is_exact: false };
        assert_eq!(shortened(&"x".repeat(70)), Some(short));
        assert_eq!(shortened(&"\u{10FFFF}".repeat(20)), None);
    }
}
