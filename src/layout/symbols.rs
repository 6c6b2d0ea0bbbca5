//! Columns of tags, indicators and codes: dictionary keys, or short views where plain strings are wanted.
//!
//! A dictionary's values are those that its batch holds, in order of appearance. One holds at most 255 codes or 65,535
//! tags; a builder that is told [`Full`] ends its batch and begins a new dictionary, and only a record that overflows
//! one alone loses symbols to U+FFFD.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::types::{UInt8Type, UInt16Type};
use arrow_buffer::NullBuffer;

use super::Shape;
use super::arrays::{dictionary, inline_view, string_views};
use super::gather::extend_from;
use super::plain::Symbols;
#[cfg(target_arch = "x86_64")]
use super::vectors::Vectors;
use crate::encoding::structure_text;
use crate::iso2709::DELIMITER;
use crate::iso2709::directory::ENTRY_LENGTH;
use crate::memory::with_capacity;

/// The dictionary has no room for another value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Full;

/// What stands for bytes that are no text and, in a full dictionary, for what did not fit.
const REPLACEMENT: &str = "\u{FFFD}";

/// The distinct values of a dictionary.
#[derive(Debug, Default)]
struct Values {
    strings: Vec<Text>,
    /// Of those that have no place of their own in a column's `direct`.
    index: HashMap<String, usize>,
}

impl Values {
    /// The key of `value`.
    fn intern(&mut self, value: &str, capacity: usize, lossy: bool) -> Result<usize, Full> {
        if let Some(&key) = self.index.get(value) {
            return Ok(key);
        }
        // The last place is kept for the replacement.
        if self.strings.len() >= capacity && value != REPLACEMENT {
            return if lossy { self.intern(REPLACEMENT, capacity, lossy) } else { Err(Full) };
        }
        self.index.insert(value.to_owned(), self.strings.len());
        Ok(self.append(value))
    }

    /// The same for a value that has a place in `direct` and is new.
    fn intern_direct(&mut self, value: &str, capacity: usize, lossy: bool) -> Result<usize, Full> {
        match self.strings.len() < capacity {
            true => Ok(self.append(value)),
            false if lossy => self.intern(REPLACEMENT, capacity, lossy),
            false => Err(Full),
        }
    }

    fn append(&mut self, value: &str) -> usize {
        self.strings.push(text_of(value));
        self.strings.len() - 1
    }
}

/// A symbol's text. Nearly all are of few kinds, of which each batch has some dozens.
pub(super) type Text = Cow<'static, str>;

/// The printable characters of ASCII, from the space on.
static CHARACTERS: &str =
    r##" !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefghijklmnopqrstuvwxyz{|}~"##;

/// All tags of three digits, one after the other.
static TAGS: [[u8; 3]; 1000] = {
    let mut tags = [[0; 3]; 1000];
    let mut tag = 0;
    while tag < tags.len() {
        #[allow(clippy::indexing_slicing)] // at compile time
        {
            tags[tag] = [b'0' + (tag / 100) as u8, b'0' + (tag / 10 % 10) as u8, b'0' + (tag % 10) as u8];
        }
        tag += 1;
    }
    tags
};

/// `value` to keep.
fn text_of(value: &str) -> Text {
    let digit = |byte: u8| usize::from(byte - b'0');
    let known = match *value.as_bytes() {
        [character] => {
            let place = usize::from(character).wrapping_sub(usize::from(b' '));
            CHARACTERS.get(place..place.wrapping_add(1))
        }
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            let tag = TAGS.get(100 * digit(a) + 10 * digit(b) + digit(c));
            tag.and_then(|tag| std::str::from_utf8(tag).ok())
        }
        _ => None,
    };
    known.map_or_else(|| value.to_owned().into(), Cow::Borrowed)
}

macro_rules! symbol_column {
    ($(#[$doc:meta])* $name:ident, $key:ty, $arrow:ty, $direct:literal) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) struct $name {
            /// `None` where plain strings are wanted.
            keys: Option<Vec<$key>>,
            views: Vec<u128>,
            /// The key of each value that is known without hashing; `MAX` for none.
            direct: Box<[$key; $direct]>,
            values: Values,
        }

        impl $name {
            pub(super) fn with_capacity(shape: Shape, capacity: usize) -> Self {
                let Shape { categorical, retain, .. } = shape;
                Self {
                    keys: categorical.then(|| with_capacity(capacity, retain)),
                    views: with_capacity(if categorical { 0 } else { capacity }, retain),
                    direct: Box::new([<$key>::MAX; $direct]),
                    values: Values::default(),
                }
            }

            /// The keys, and what finds the key of a symbol; `None` where plain strings are wanted.
            pub(super) fn parts(&mut self) -> Option<(&mut Vec<$key>, Known<'_, $key, $direct>)> {
                let known = Known { direct: &mut self.direct, values: &mut self.values };
                self.keys.as_mut().map(|keys| (keys, known))
            }

            /// The keys, and what each stands for; no keys where plain strings are wanted.
            pub(super) fn plain(&self) -> Symbols<'_, $key> {
                Symbols { keys: self.keys.as_deref().unwrap_or_default(), values: &self.values.strings }
            }

            /// The symbols at `places` in place of those that there are; where there is none `other`, for which there is room, or
            /// what goes with a null.
            pub(super) fn gather(&mut self, places: &[u32], other: Option<&str>, retain: bool) -> &mut Self {
                let intern = |other| self.values.intern(other, <$key>::MAX as usize, true).unwrap_or_default();
                let key = if self.keys.is_some() { other.map_or(0, intern) } else { 0 };
                if let Some(keys) = &mut self.keys {
                    let mut gathered = with_capacity(places.len(), retain);
                    extend_from(&mut gathered, keys, places, key as $key);
                    *keys = gathered;
                } else {
                    let mut gathered = with_capacity(places.len(), retain);
                    let other = other.map_or(0, |other| inline_view(other.as_bytes()));
                    let at = |&place: &u32| self.views.get(place as usize).copied().unwrap_or(other);
                    gathered.extend(places.iter().map(at));
                    self.views = gathered;
                }
                self
            }

            pub(super) fn truncate(&mut self, length: usize) {
                match &mut self.keys {
                    Some(keys) => keys.truncate(length),
                    None => self.views.truncate(length),
                }
            }

            #[cold]
            fn push_text(&mut self, text: &str, direct: Option<usize>, lossy: bool) -> Result<(), Full> {
                let Some(keys) = &mut self.keys else {
                    self.views.push(inline_view(text.as_bytes()));
                    return Ok(());
                };
                let capacity = <$key>::MAX as usize;
                keys.push(match direct.and_then(|direct| self.direct.get_mut(direct)) {
                    None => self.values.intern(text, capacity, lossy)? as $key,
                    Some(slot) => {
                        *slot = self.values.intern_direct(text, capacity, lossy)? as $key;
                        *slot
                    }
                });
                Ok(())
            }

            /// An array of what there is, which is then here no longer.
            pub(super) fn finish(&mut self, nulls: Option<NullBuffer>) -> ArrayRef {
                match &mut self.keys {
                    Some(keys) => dictionary::<$arrow>(std::mem::take(keys), &self.values.strings, nulls),
                    None => {
                        let views = std::mem::take(&mut self.views);
                        Arc::new(string_views(views, Arc::from([]), nulls)) as ArrayRef
                    }
                }
            }
        }
    };
}

symbol_column! {
    /// Indicators and subfield codes: one character each, rarely none.
    CodeColumn, u8, UInt8Type, 256
}
symbol_column! {
    /// Tags: three bytes each, nearly always digits.
    TagColumn, u16, UInt16Type, 4096
}

/// The values of a dictionary, with the key of each that is known without hashing.
pub(super) struct Known<'a, K, const N: usize> {
    direct: &'a mut [K; N],
    values: &'a mut Values,
}

impl Known<'_, u8, 256> {
    /// [`Known::extend`] with the byte behind each of `places`.
    #[inline]
    pub(super) fn extend_behind(&mut self, keys: &mut Vec<u8>, block: &[u8], places: &[u32]) -> bool {
        self.extend(keys, places.iter().map(|&at| byte(block, at + 1)))
    }

    /// [`Known::extend`] with `bytes` that lie one behind the other.
    #[inline]
    pub(super) fn extend_with(&mut self, keys: &mut Vec<u8>, bytes: &[u8]) -> bool {
        #[cfg(target_arch = "x86_64")]
        if let Some(vectors) = Vectors::worthwhile(bytes.len()) {
            return vectors.extend_with_keys(keys, bytes, self.direct)
                || self.learn_all(bytes.iter().copied()) && vectors.extend_with_keys(keys, bytes, self.direct)
                || self.extend(keys, bytes.iter().copied());
        }
        self.extend(keys, bytes.iter().copied())
    }

    /// Appends the keys of printable ASCII characters; false, and nothing is appended, if one of them is anything else or does
    /// not fit.
    #[inline]
    pub(super) fn extend(&mut self, keys: &mut Vec<u8>, bytes: impl ExactSizeIterator<Item = u8> + Clone) -> bool {
        let before = keys.len();
        let mut new = false;
        let direct = &*self.direct;
        #[allow(clippy::indexing_slicing)] // a place for each byte
        keys.extend(bytes.clone().map(|byte| {
            let key = direct[usize::from(byte)];
            new |= key == u8::MAX;
            key
        }));
        if new {
            keys.truncate(before);
            return self.extend_with_new(keys, bytes);
        }
        true
    }

    #[cold]
    fn extend_with_new(&mut self, keys: &mut Vec<u8>, bytes: impl ExactSizeIterator<Item = u8> + Clone) -> bool {
        let known = self.learn_all(bytes.clone());
        #[allow(clippy::indexing_slicing)] // a place for each byte
        keys.extend(bytes.filter(|_| known).map(|byte| self.direct[usize::from(byte)]));
        known
    }

    /// Makes keys for those of `bytes` that have none; false if one is not printable or does not fit.
    #[cold]
    fn learn_all(&mut self, mut bytes: impl Iterator<Item = u8>) -> bool {
        bytes.all(|byte| self.learn(byte).is_some())
    }

    #[inline]
    fn learn(&mut self, byte: u8) -> Option<u8> {
        let key = self.direct.get_mut(usize::from(byte))?;
        if *key == u8::MAX {
            let text = std::str::from_utf8(std::slice::from_ref(&byte)).ok().filter(|_| !byte.is_ascii_control())?;
            *key = self.values.intern_direct(text, u8::MAX.into(), false).ok()? as u8;
        }
        Some(*key)
    }
}

/// The keys of indicators: of the two bytes behind each of `places`, as [`Known::extend`] has it; false, too, if what follows them is
/// no delimiter.
#[inline]
pub(super) fn extend_with_indicators(
    (keys1, known1): (&mut Vec<u8>, &mut Known<'_, u8, 256>),
    (keys2, known2): (&mut Vec<u8>, &mut Known<'_, u8, 256>),
    block: &[u8],
    places: &[u32],
) -> bool {
    let bytes = |beyond: u32| places.iter().map(move |&at| byte(block, at + beyond));
    #[cfg(target_arch = "x86_64")]
    if let Some(vectors) = Vectors::worthwhile(places.len()) {
        let mut extend = |known1: &Known<'_, u8, 256>, known2: &Known<'_, u8, 256>| {
            vectors.extend_with_indicators((keys1, known1.direct), (keys2, known2.direct), block, places)
        };
        if extend(known1, known2) || known1.learn_all(bytes(1)) && known2.learn_all(bytes(2)) && extend(known1, known2)
        {
            return true;
        }
    }
    known1.extend(keys1, bytes(1)) && known2.extend(keys2, bytes(2)) && bytes(3).all(|byte| byte == DELIMITER)
}

/// A byte of the block; a mark, which is not printable, beyond it.
#[inline]
fn byte(block: &[u8], at: u32) -> u8 {
    block.get(at as usize).copied().unwrap_or_default()
}

impl Known<'_, u16, 4096> {
    /// Appends the keys of the tags that directory entries begin with; false, and nothing is appended, if one is not ASCII or
    /// does not fit.
    #[inline]
    pub(super) fn extend(&mut self, keys: &mut Vec<u16>, entries: &[[u8; ENTRY_LENGTH]]) -> bool {
        #[cfg(target_arch = "x86_64")]
        if let Some(vectors) = Vectors::worthwhile(entries.len()) {
            let before = keys.len();
            match vectors.extend_with_tags(keys, entries, self.direct) {
                Some(0) => return true,
                Some(_) if self.learn_all(keys.get_mut(before..).unwrap_or_default(), entries) => return true,
                _ => keys.truncate(before),
            }
        }
        let before = keys.len();
        let mut known = true;
        let direct = &*self.direct;
        keys.extend(entries.iter().map(|entry| {
            let (place, is_direct) = place(entry.first_chunk().map_or(0, |&tag| u32::from_le_bytes(tag)));
            #[allow(clippy::indexing_slicing)] // below 4096
            let key = direct[place % 4096];
            known &= is_direct;
            known &= key != u16::MAX;
            key
        }));
        if known {
            return true;
        }
        keys.truncate(before);
        self.extend_with_new(keys, entries)
    }

    #[cold]
    fn extend_with_new(&mut self, keys: &mut Vec<u16>, entries: &[[u8; ENTRY_LENGTH]]) -> bool {
        let before = keys.len();
        for &[a, b, c, ..] in entries {
            let Some(key) = self.tag([a, b, c]) else {
                keys.truncate(before);
                return false;
            };
            keys.push(key);
        }
        true
    }

    /// Makes keys for those tags that have none; false if one does not fit.
    #[cold]
    fn learn_all(&mut self, keys: &mut [u16], entries: &[[u8; ENTRY_LENGTH]]) -> bool {
        let mut new = keys.iter_mut().zip(entries).filter(|(key, _)| **key == u16::MAX);
        new.all(|(key, &[a, b, c, ..])| self.tag([a, b, c]).map(|new| *key = new).is_some())
    }

    #[inline]
    fn tag(&mut self, tag: [u8; 3]) -> Option<u16> {
        let text = || std::str::from_utf8(&tag).ok().filter(|tag| tag.is_ascii());
        let Some(slot) = direct(tag).and_then(|direct| self.direct.get_mut(direct)) else {
            return self.values.intern(text()?, u16::MAX.into(), false).ok().map(|key| key as u16);
        };
        if *slot == u16::MAX {
            *slot = self.values.intern_direct(text()?, u16::MAX.into(), false).ok()? as u16;
        }
        Some(*slot)
    }
}

/// The place in `direct` of the tag that the first three bytes are, and whether it has one: digits do, and what comes after `9`.
#[inline]
fn place(tag: u32) -> (usize, bool) {
    let place = (tag & 0xF) << 8 | (tag >> 4) & 0xF0 | (tag >> 16) & 0xF;
    (place as usize, tag & 0x00F0_F0F0 == 0x0030_3030)
}

/// The same where there is one.
#[inline]
pub(super) fn direct([a, b, c]: [u8; 3]) -> Option<usize> {
    let (place, is_direct) = place(u32::from_le_bytes([a, b, c, 0]));
    is_direct.then_some(place)
}

impl CodeColumn {
    /// A null, to go with a cleared bit in the nulls given to `finish`.
    #[inline]
    pub(super) fn push_null(&mut self) {
        match &mut self.keys {
            Some(keys) => keys.push(0),
            None => self.views.push(0),
        }
    }

    /// An ASCII character, or U+FFFD for a byte that is not.
    #[inline]
    pub(super) fn push_byte(&mut self, byte: u8, lossy: bool) -> Result<(), Full> {
        #[allow(clippy::indexing_slicing)] // a place for each byte
        let key = self.direct[usize::from(byte)];
        match &mut self.keys {
            Some(keys) if key != u8::MAX => {
                keys.push(key);
                Ok(())
            }
            _ if byte.is_ascii() => {
                // Control characters, marks among them, are never known by a table: what finds them where a code or an
                // indicator should be has to go the general way.
                let direct = Some(byte.into()).filter(|_| !byte.is_ascii_control());
                self.push_text(std::str::from_utf8(&[byte]).unwrap_or_default(), direct, lossy)
            }
            _ => self.push_text(REPLACEMENT, None, lossy),
        }
    }

    /// A code: the UTF-8 bytes of one character, or nothing.
    #[inline]
    pub(super) fn push_code(&mut self, code: &[u8], lossy: bool) -> Result<(), Full> {
        match *code {
            [byte] => self.push_byte(byte, lossy),
            _ => self.push_text(std::str::from_utf8(code).unwrap_or(REPLACEMENT), None, lossy),
        }
    }
}

impl TagColumn {
    /// Makes room for `tag` among the values, whatever comes.
    pub(super) fn reserve(&mut self, tag: &str) {
        if self.keys.is_some() {
            // The first of them.
            let _ = self.values.intern(tag, u16::MAX.into(), true);
        }
    }

    #[inline]
    pub(super) fn push_tag(&mut self, tag: [u8; 3], lossy: bool) -> Result<(), Full> {
        let direct = direct(tag);
        match (direct.and_then(|direct| self.direct.get(direct)), &mut self.keys) {
            (Some(&key), Some(keys)) if key != u16::MAX => keys.push(key),
            (Some(_), None) => self.views.push(inline_view(&tag)),
            _ => self.push_text(&structure_text(&tag), direct, lossy)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_symbol_is_its_text_and_rarely_takes_memory() {
        for character in 0..128u8 {
            let text = char::from(character).to_string();
            assert_eq!(text_of(&text), text);
            assert_eq!(matches!(text_of(&text), Cow::Borrowed(_)), !character.is_ascii_control(), "{text:?}");
        }
        for tag in 0..1000 {
            let text = format!("{tag:03}");
            assert!(matches!(text_of(&text), Cow::Borrowed(tag) if tag == text));
        }
        for text in ["", "é", "CAT", "24", "2450", "24é", "/45", "2:5", REPLACEMENT] {
            assert!(matches!(text_of(text), Cow::Owned(kept) if kept == text));
        }
    }
}
