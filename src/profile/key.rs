//! What is counted: tags, indicators and codes as numbers that sort as their text does.

use std::hash::{BuildHasher, Hash, Hasher};

/// An indicator or a code: one character, none (an empty code), or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Symbol(u32);

impl Symbol {
    pub(crate) const NULL: Self = Self(0);
    const EMPTY: Self = Self(1);

    /// `None` where the text is more than one character.
    pub(crate) fn new(text: Option<&str>) -> Option<Self> {
        let Some(text) = text else { return Some(Self::NULL) };
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (None, _) => Some(Self::EMPTY),
            (Some(character), None) => Some(Self(u32::from(character) + 2)),
            _ => None,
        }
    }

    /// Its text; `None` for null.
    pub(crate) fn text(self) -> Option<String> {
        match self.0.checked_sub(2) {
            Some(character) => char::from_u32(character).map(String::from),
            None => (self == Self::EMPTY).then(String::new),
        }
    }
}

/// A tag of three characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Tag([char; 3]);

impl Tag {
    /// `None` where the text is not three characters.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let mut characters = text.chars();
        let tag = [characters.next()?, characters.next()?, characters.next()?];
        characters.next().is_none().then_some(Self(tag))
    }

    pub(crate) fn text(self) -> String {
        self.0.iter().collect()
    }

    pub(super) fn is_number(self) -> bool {
        self.0.iter().all(char::is_ascii_digit)
    }

    /// Whether its fields are control fields.
    #[cfg(any(feature = "cli", test))]
    pub(crate) fn is_control(self) -> bool {
        matches!(self.0, ['0', '0', '0'..='9'])
    }
}

/// A tag; a tag and two indicators; a tag and a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Key {
    pub tag: Tag,
    pub first: Symbol,
    pub second: Symbol,
}

impl Hash for Key {
    /// All of it in two words: characters have 21 bits.
    #[inline]
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let [a, b, c] = self.tag.0.map(u64::from);
        hasher.write_u64(a << 42 | b << 21 | c);
        hasher.write_u64(u64::from(self.first.0) << 32 | u64::from(self.second.0));
    }
}

/// Hashes keys in a few nanoseconds, each map in a way of its own, so that no input can be made for one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hashing(u64);

impl Default for Hashing {
    fn default() -> Self {
        Self(std::hash::RandomState::new().hash_one(0) | 1)
    }
}

impl BuildHasher for Hashing {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        KeyHasher { state: self.0, key: self.0 }
    }
}

pub(super) struct KeyHasher {
    state: u64,
    key: u64,
}

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.state
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.key ^ 0x9E37_79B9_7F4A_7C15);
        self.state = product as u64 ^ (product >> 64) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_and_tags_sort_as_their_text_does() {
        let texts =
            [None, Some(""), Some("\0"), Some(" "), Some("1"), Some("a"), Some("é"), Some("\u{FFFD}"), Some("𝄞")];
        let symbols: Vec<Symbol> = texts.iter().map(|&text| Symbol::new(text).unwrap()).collect();
        assert!(symbols.is_sorted());
        for (symbol, text) in symbols.iter().zip(texts) {
            assert_eq!(symbol.text().as_deref(), text);
        }
        assert!(Symbol::new(Some("ab")).is_none());
        let tags = ["   ", "001", "245", "24X", "LDR", "\u{FFFD}ab"];
        assert!(tags.iter().map(|tag| Tag::new(tag).unwrap()).is_sorted());
        assert!(tags.iter().all(|tag| Tag::new(tag).unwrap().text() == *tag));
        assert!(Tag::new("24").is_none() && Tag::new("2450").is_none());
        assert!(Tag::new("009").unwrap().is_control() && !Tag::new("00A").unwrap().is_control());
    }
}
