//! Which fields are wanted.

use std::str::FromStr;
use std::sync::Arc;

use super::symbols::direct;
use crate::error::Error;

/// A set of tags, as patterns tell them; clones share it.
///
/// ```
/// use mrrc_arrow::Tags;
///
/// let tags = Tags::new(["245", "6XX"])?;
/// assert!(tags.contains(*b"245") && tags.contains(*b"650") && !tags.contains(*b"700"));
/// # Ok::<(), mrrc_arrow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags {
    /// A bit for each tag of three digits, at its place in the table of a [`TagColumn`](super::symbols::TagColumn).
    direct: Arc<[u64; 64]>,
    /// All of them, for tags with other characters.
    patterns: Arc<[Pattern]>,
    /// Those of the latter that are left out.
    refused: Arc<[[u8; 3]]>,
}

/// A tag, with `None` for any character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pattern([Option<u8>; 3]);

impl Pattern {
    fn matches(self, tag: [u8; 3]) -> bool {
        self.0.iter().zip(tag).all(|(wanted, found)| wanted.is_none_or(|wanted| wanted == found))
    }
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'.';
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(bytes) if bytes.iter().all(known) => {
                Ok(Self(bytes.map(|byte| Some(byte).filter(|byte| !matches!(byte, b'X' | b'x' | b'.')))))
            }
            _ => Err(Error::option(format!(
                "tags must be three letters or digits each, with X for any, as \"245\" or \"6XX\", not {text:?}"
            ))),
        }
    }
}

impl Tags {
    /// The tags that one of `patterns` matches.
    ///
    /// # Errors
    ///
    /// A pattern that is not three letters or digits, or `.`, which is `X` by another name.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        Ok(Self::of(patterns.into_iter().map(str::parse).collect::<Result<_, _>>()?))
    }

    /// The tags that one of those in specs matches, in which `.` alone stands for any character.
    pub(crate) fn of_specs(tags: &[[u8; 3]]) -> Self {
        Self::of(tags.iter().map(|tag| Pattern(tag.map(|byte| Some(byte).filter(|&byte| byte != b'.')))).collect())
    }

    /// All tags.
    pub(crate) fn all() -> Self {
        Self::of(vec![Pattern([None; 3])])
    }

    /// The same without these.
    pub(crate) fn without<'a>(&self, refused: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut bits, mut others) = (*self.direct, self.refused.to_vec());
        for tag in refused.into_iter().filter_map(|tag| <[u8; 3]>::try_from(tag.as_bytes()).ok()) {
            match direct(tag) {
                Some(place) => {
                    if let Some(bits) = bits.get_mut(place / 64) {
                        *bits &= !(1 << (place % 64));
                    }
                }
                None => others.push(tag),
            }
        }
        Self { direct: Arc::new(bits), patterns: Arc::clone(&self.patterns), refused: others.into() }
    }

    fn of(patterns: Vec<Pattern>) -> Self {
        let mut direct = [0; 64];
        for number in 0..4096u32 {
            // What has a place is a digit, or one of the six characters that come after `9`.
            let tag = [number >> 8, number >> 4 & 15, number & 15].map(|low| b'0' + low as u8);
            if let Some(bits) = direct.get_mut(number as usize / 64)
                && patterns.iter().any(|pattern| pattern.matches(tag))
            {
                *bits |= 1 << (number % 64);
            }
        }
        Self { direct: Arc::new(direct), patterns: patterns.into(), refused: Arc::from([]) }
    }

    /// A bit for each tag that has a place in the table of tags.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pub(super) fn bits(&self) -> &[u64; 64] {
        &self.direct
    }

    /// Whether `tag` is one of them.
    #[must_use]
    #[inline]
    pub fn contains(&self, tag: [u8; 3]) -> bool {
        match direct(tag) {
            #[allow(clippy::indexing_slicing)] // a bit for each place
            Some(place) => self.direct[place / 64 % 64] >> (place % 64) & 1 == 1,
            None => !self.refused.contains(&tag) && self.patterns.iter().any(|pattern| pattern.matches(tag)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_they_say() {
        let tags = Tags::new(["245", "6XX", "00.", "LDR", "9x5", "XAX"]).unwrap();
        for wanted in [b"245", b"600", b"699", b"001", b"009", b"LDR", b"985", b"6AB", b"9A5", b"LAK", b"00A"] {
            assert!(tags.contains(*wanted), "{}", wanted.escape_ascii());
        }
        for other in [b"246", b"700", b"010", b"LKR", b"984", b"24X", b"\xFF45", b"ldr"] {
            assert!(!tags.contains(*other), "{}", other.escape_ascii());
        }
        // What comes after `9` has a place as a digit has.
        for (odd, is_wanted) in [(*b"6:0", true), (*b"69?", true), (*b"00>", true), (*b";45", false), (*b"6@0", true)] {
            assert_eq!(tags.contains(odd), is_wanted, "{}", odd.escape_ascii());
        }
        assert!(!Tags::new([]).unwrap().contains(*b"245"));
        assert!(Tags::new(["XXX"]).unwrap().contains(*b"\xFF\x00 "));
    }

    #[test]
    fn in_specs_a_letter_is_a_letter() {
        let tags = Tags::of_specs(&[*b"9XX", *b"24."]);
        assert!(tags.contains(*b"9XX") && tags.contains(*b"245") && tags.contains(*b"24X"));
        assert!(!tags.contains(*b"900") && !tags.contains(*b"9x9") && !tags.contains(*b"255"));
    }

    #[test]
    fn what_is_left_out_is_no_longer_among_them() {
        let tags = Tags::all().without(["245", "LDR", "too long", "é"]);
        for wanted in [b"246", b"24X", b"LKR", b"\xFF45", "\u{e9}x".as_bytes().first_chunk().unwrap()] {
            assert!(tags.contains(*wanted));
        }
        assert!(!tags.contains(*b"245") && !tags.contains(*b"LDR"));
        let fewer = Tags::new(["6XX", "LDR"]).unwrap().without(["650"]);
        assert!(fewer.contains(*b"651") && fewer.contains(*b"LDR"));
        assert!(!fewer.contains(*b"650") && !fewer.contains(*b"700"));
    }

    #[test]
    fn a_pattern_that_is_none_is_an_error() {
        for odd in ["", "24", "2450", "24 ", "é5", "6**", "24\u{0}"] {
            assert!(Tags::new([odd]).is_err(), "{odd:?}");
        }
    }
}
