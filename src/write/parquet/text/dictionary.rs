//! Texts of a column chunk, each once, as a dictionary page has them.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

/// Bytes before each text that tell its length.
const LENGTH: usize = 4;
const FEWEST_SLOTS: usize = 1 << 10;

/// Where a text is, by its hash.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    hash: u32,
    /// One more than its index; 0 where there is none.
    place: u32,
}

/// Texts and their indices, in order of appearance.
#[derive(Debug)]
pub(super) struct Dictionary {
    /// Each text behind its length.
    page: Vec<u8>,
    /// Where each text ends.
    ends: Vec<u32>,
    /// A power of two, of which at most half have something.
    slots: Vec<Slot>,
    hasher: RandomState,
}

impl Dictionary {
    pub(super) fn new() -> Self {
        let slots = vec![Slot::default(); FEWEST_SLOTS];
        Self { page: Vec::new(), ends: Vec::new(), slots, hasher: RandomState::default() }
    }

    /// How many texts there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of the page.
    pub(super) fn bytes(&self) -> usize {
        self.page.len()
    }

    /// The page.
    pub(super) fn page(&self) -> &[u8] {
        &self.page
    }

    /// Forgets all texts, and keeps the room.
    pub(super) fn clear(&mut self) {
        self.page.clear();
        self.ends.clear();
        self.slots.fill(Slot::default());
    }

    /// Makes room for so many bytes of text in all.
    pub(super) fn reserve(&mut self, bytes: usize) {
        if self.page.capacity() < bytes {
            self.page = Vec::with_capacity(bytes);
        }
    }

    /// The text of an index; nothing where it has none.
    #[inline]
    pub(super) fn text(&self, index: u32) -> &[u8] {
        let index = index as usize;
        let start =
            index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0) as usize + LENGTH;
        self.ends.get(index).and_then(|&end| self.page.get(start..end as usize)).unwrap_or_default()
    }

    /// The index of `text`, which is its own from now on.
    #[inline]
    pub(super) fn index(&mut self, text: &[u8]) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(text);
        let hash = hasher.finish() as u32;
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            match self.slots.get(at) {
                Some(slot) if slot.place != 0 => {
                    if slot.hash == hash && self.text(slot.place - 1) == text {
                        return slot.place - 1;
                    }
                }
                _ => return self.append(text, hash, at),
            }
            at = (at + 1) & mask;
        }
    }

    /// A text that is new, whose hash leads to the slot `at`, which is free.
    #[inline(never)]
    fn append(&mut self, text: &[u8], hash: u32, at: usize) -> u32 {
        self.page.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.page.extend_from_slice(text);
        // A page is closed at 8 MB, or whatever it is with one text more: texts are below 2 GB, as are their views.
        self.ends.push(self.page.len() as u32);
        let place = self.ends.len() as u32;
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = Slot { hash, place };
        }
        if 2 * self.ends.len() > self.slots.len() {
            self.grow();
        }
        place - 1
    }

    fn grow(&mut self) {
        let mask = 2 * self.slots.len() - 1;
        let mut slots = vec![Slot::default(); mask + 1];
        for &slot in self.slots.iter().filter(|slot| slot.place != 0) {
            let mut at = slot.hash as usize & mask;
            while slots.get(at).is_some_and(|other| other.place != 0) {
                at = (at + 1) & mask;
            }
            if let Some(free) = slots.get_mut(at) {
                *free = slot;
            }
        }
        self.slots = slots;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn each_text_has_one_index() {
        let mut dictionary = Dictionary::new();
        for most in [5000, 300, 10_000] {
            let mut known = HashMap::new();
            for number in (0..most / 2).chain(0..most) {
                let text = if number % 7 == 0 { String::new() } else { "ab".repeat(number % 90) + &number.to_string() };
                let next = known.len() as u32;
                let index = *known.entry(text.clone()).or_insert(next);
                assert_eq!(dictionary.index(text.as_bytes()), index);
                assert_eq!(dictionary.text(index), text.as_bytes());
            }
            assert_eq!(dictionary.len(), known.len());
            assert_eq!(dictionary.bytes(), known.keys().map(|text| LENGTH + text.len()).sum::<usize>());
            assert_eq!(dictionary.page().len(), dictionary.bytes());
            assert_eq!(dictionary.text(known.len() as u32), b"");
            dictionary.clear();
            assert_eq!((dictionary.len(), dictionary.bytes(), dictionary.text(0)), (0, 0, b"".as_slice()));
        }
    }
}
