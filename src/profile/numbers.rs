//! Numbers of tags, codes and indicators that stay from part to part, where those of a dictionary are the part's own.

use std::collections::HashMap;

use super::key::{Hashing, Key, Symbol, Tag};
use crate::layout::Plain;

/// Numbers that subfields may have, unless a part alone has more: tables of them are gone through for each part. Parts with so many
/// tags and codes are no catalogue's. After one, the next begins anew, so that those that come then do not pay for it.
const MOST_SUBFIELDS: usize = if cfg!(test) { 1 << 12 } else { 1 << 17 };

/// The same of numbers of pairs of indicators, of which there are more.
const MOST_PAIRS: usize = 8 * MOST_SUBFIELDS;

/// Numbers of values, by which what is counted of them is found.
#[derive(Debug, Default)]
struct Known {
    numbers: HashMap<Key, u32, Hashing>,
    keys: Vec<Key>,
    /// Of the part's dictionary, in its order.
    of_part: Vec<u32>,
}

impl Known {
    /// Takes the values of a part's dictionary.
    fn take(&mut self, values: impl Iterator<Item = Key>) {
        self.of_part.clear();
        for key in values {
            let number = *self.numbers.entry(key).or_insert_with(|| {
                self.keys.push(key);
                (self.keys.len() - 1) as u32
            });
            self.of_part.push(number);
        }
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.keys.clear();
    }

    fn get(&self, number: usize) -> Key {
        self.keys.get(number).copied().unwrap_or_default()
    }
}

/// The numbers of tags, codes and indicators, and of tags with one of those or with two.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    tags: Known,
    codes: Known,
    first: Known,
    second: Known,
    /// How many numbers there are for each; 0 is that there is none.
    codes_end: usize,
    first_end: usize,
    second_end: usize,
}

/// The key of a symbol alone.
fn symbol(text: &impl AsRef<str>) -> Key {
    Key { first: Symbol::new(Some(text.as_ref())).unwrap_or_default(), ..Key::default() }
}

impl Numbers {
    /// Takes the dictionaries of a part; false if it is to begin anew, because there are too many numbers, or no room for what is new.
    /// What there was before has the numbers that it had, until [`Numbers::start_with`], in either case.
    pub(super) fn take(&mut self, plain: &Plain<'_>) -> bool {
        let tag = |text: &str| Key { tag: Tag::new(text).unwrap_or_default(), ..Key::default() };
        self.tags.take(plain.tag.values.iter().map(|text| tag(text.as_ref())));
        self.codes.take(plain.code.values.iter().map(symbol));
        self.first.take(plain.ind1.values.iter().map(symbol));
        self.second.take(plain.ind2.values.iter().map(symbol));
        // At first there is no room for anything.
        self.subfields() <= MOST_SUBFIELDS
            && self.pairs() <= MOST_PAIRS as u64
            && self.codes.keys.len() < self.codes_end
            && self.first.keys.len() < self.first_end
            && self.second.keys.len() < self.second_end
    }

    /// Forgets all that came before this part, and makes room for it and some more.
    pub(super) fn start_with(&mut self, plain: &Plain<'_>) {
        for known in [&mut self.tags, &mut self.codes, &mut self.first, &mut self.second] {
            known.clear();
        }
        self.take(plain);
        self.codes_end = self.codes.keys.len() + 16;
        self.first_end = self.first.keys.len() + 4;
        self.second_end = self.second.keys.len() + 4;
    }

    /// How many tags there are.
    pub(super) fn tags(&self) -> usize {
        self.tags.keys.len()
    }

    /// All numbers of pairs of indicators are below this.
    pub(super) fn pairs(&self) -> u64 {
        let [pairs, _] = self.strides();
        self.tags() as u64 * pairs as u64
    }

    /// All numbers of subfields are below this.
    pub(super) fn subfields(&self) -> usize {
        self.tags() * self.codes_end
    }

    /// The numbers of the part's tags.
    pub(super) fn tags_of_part(&self) -> &[u32] {
        &self.tags.of_part
    }

    /// What each of the part's first indicators, and of its second ones, adds to the number of a tag's pair of none.
    pub(super) fn indicators(&self) -> [Vec<u32>; 2] {
        let numbers =
            |known: &Known, factor: usize| known.of_part.iter().map(|&number| (number + 1) * factor as u32).collect();
        [numbers(&self.first, self.second_end), numbers(&self.second, 1)]
    }

    /// How many pairs of indicators, and how many codes, each tag has numbers for.
    pub(super) fn strides(&self) -> [usize; 2] {
        [self.first_end * self.second_end, self.codes_end]
    }

    /// The numbers of the part's codes.
    pub(super) fn codes(&self) -> &[u32] {
        &self.codes.of_part
    }

    /// What is counted of a tag.
    pub(super) fn key_of_tag(&self, tag: usize) -> Key {
        self.tags.get(tag)
    }

    /// What is counted of a pair of indicators.
    pub(super) fn key_of_pair(&self, number: u64) -> Key {
        let of = |known: &Known, number: u64| {
            number.checked_sub(1).map_or(Symbol::NULL, |number| known.get(number as usize).first)
        };
        let (second_end, first_end) = (self.second_end.max(1) as u64, self.first_end.max(1) as u64);
        let (rest, second) = (number / second_end, number % second_end);
        let (tag, first) = (rest / first_end, rest % first_end);
        Key { first: of(&self.first, first), second: of(&self.second, second), ..self.tags.get(tag as usize) }
    }

    /// What is counted of a subfield, or of what a field has beside them.
    pub(super) fn key_of_subfield(&self, number: usize) -> Key {
        let (tag, code) = (number / self.codes_end.max(1), number % self.codes_end.max(1));
        let first = code.checked_sub(1).map_or(Symbol::NULL, |code| self.codes.get(code).first);
        Key { first, ..self.tags.get(tag) }
    }
}
