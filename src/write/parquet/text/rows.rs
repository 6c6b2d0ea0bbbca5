//! The texts of rows: views, or keys of a dictionary in memory.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{Array, DictionaryArray, StringArray, StringViewArray};
use arrow_buffer::ArrowNativeType;

use super::dictionary::Dictionary;
use super::gathered::Gathered;

/// Longest text that a view holds itself.
pub(super) const INLINE: u32 = 12;

/// A text's index in a dictionary, and its length.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    index: u32,
    length: u32,
}

impl Entry {
    fn new(text: &[u8], dictionary: &mut Dictionary) -> Self {
        Self { index: dictionary.index(text), length: text.len() as u32 }
    }
}

/// The texts of rows that have one.
pub(super) trait Texts {
    /// The text of a row.
    fn text(&self, row: usize) -> &[u8];

    /// The entry of a row; `None` where the text is not in the dictionary, and that has `most` bytes.
    fn entry(&mut self, row: usize, most: usize, dictionary: &mut Dictionary) -> Option<Entry>;

    /// Gathers the indices of `rows`, until the dictionary has `most` bytes; how many it took.
    fn extend_indices(
        &mut self,
        rows: Range<usize>,
        most: usize,
        dictionary: &mut Dictionary,
        gathered: &mut Gathered,
    ) -> usize {
        let before = gathered.indices.len();
        gathered.indices.reserve(rows.len());
        for row in rows {
            let Some(Entry { index, length }) = self.entry(row, most, dictionary) else { break };
            gathered.indices.push(index);
            gathered.text_bytes += length as usize;
        }
        gathered.indices.len() - before
    }

    /// Gathers the texts of `rows`, until they have `most` bytes; how many it took.
    fn extend_plain(&self, rows: Range<usize>, most: usize, gathered: &mut Gathered) -> usize {
        let mut taken = 0;
        for row in rows {
            if gathered.plain.len() >= most {
                break;
            }
            let text = self.text(row);
            gathered.plain.extend_from_slice(&(text.len() as u32).to_le_bytes());
            gathered.plain.extend_from_slice(text);
            gathered.text_bytes += text.len();
            taken += 1;
        }
        taken
    }
}

/// Text that is looked up, unless it is that of the row before.
pub(super) struct Views<'a> {
    rows: &'a StringViewArray,
    /// A view, and the entry of its text: in this array, the same view is the same text wherever it is.
    before: Option<(u128, Entry)>,
}

impl<'a> Views<'a> {
    pub(super) fn new(rows: &'a StringViewArray) -> Self {
        Self { rows, before: None }
    }
}

impl Texts for Views<'_> {
    fn text(&self, row: usize) -> &[u8] {
        self.rows.value(row).as_bytes()
    }

    #[inline]
    fn entry(&mut self, row: usize, most: usize, dictionary: &mut Dictionary) -> Option<Entry> {
        let view = *self.rows.views().get(row)?;
        if let Some((same, entry)) = self.before
            && same == view
        {
            return Some(entry);
        }
        if dictionary.bytes() >= most {
            return None;
        }
        let length = view as u32;
        let entry = match view.to_le_bytes().get(4..4 + length as usize) {
            Some(inline) if length <= INLINE => Entry::new(inline, dictionary),
            _ => Entry::new(self.text(row), dictionary),
        };
        self.before = Some((view, entry));
        Some(entry)
    }
}

/// Keys, which are translated.
pub(super) struct Keys<'a, K: ArrowDictionaryKeyType> {
    of_rows: &'a [K::Native],
    values: &'a StringArray,
    /// For each key the entry of its text, if it is known yet. Those that no row has do not become part of the file.
    known: Vec<Option<Entry>>,
}

impl<'a, K: ArrowDictionaryKeyType> Keys<'a, K> {
    pub(super) fn new(rows: &'a DictionaryArray<K>) -> Self {
        let values = rows.values().as_string::<i32>();
        Self { of_rows: rows.keys().values(), values, known: vec![None; values.len()] }
    }

    fn value(&self, key: usize) -> &[u8] {
        if key < self.values.len() { self.values.value(key).as_bytes() } else { b"" }
    }

    #[cold]
    fn learn(&mut self, key: usize, dictionary: &mut Dictionary) -> Entry {
        let entry = Entry::new(self.value(key), dictionary);
        if let Some(known) = self.known.get_mut(key) {
            *known = Some(entry);
        }
        entry
    }
}

impl<K: ArrowDictionaryKeyType> Texts for Keys<'_, K> {
    fn text(&self, row: usize) -> &[u8] {
        self.value(self.of_rows.get(row).map_or(usize::MAX, |key| key.as_usize()))
    }

    #[inline]
    fn entry(&mut self, row: usize, most: usize, dictionary: &mut Dictionary) -> Option<Entry> {
        let key = self.of_rows.get(row)?.as_usize();
        match self.known.get(key) {
            Some(&Some(entry)) => Some(entry),
            _ if dictionary.bytes() >= most => None,
            _ => Some(self.learn(key, dictionary)),
        }
    }
}
