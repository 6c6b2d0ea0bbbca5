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

/// The texts of rows.
pub(super) trait Texts {
    /// Gathers the indices of `rows`, which have text, until the dictionary has `most` bytes; how many it took.
    fn extend_indices(
        &mut self,
        rows: Range<usize>,
        most: usize,
        dictionary: &mut Dictionary,
        gathered: &mut Gathered,
    ) -> usize;

    /// The text of a row that has one.
    fn text(&self, row: usize) -> &[u8];

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
    /// A view, and the index of its text: in this array, the same view is the same text wherever it is.
    before: Option<(u128, u32)>,
}

impl<'a> Views<'a> {
    pub(super) fn new(rows: &'a StringViewArray) -> Self {
        Self { rows, before: None }
    }
}

impl Texts for Views<'_> {
    fn extend_indices(
        &mut self,
        rows: Range<usize>,
        most: usize,
        dictionary: &mut Dictionary,
        gathered: &mut Gathered,
    ) -> usize {
        let before = gathered.indices.len();
        gathered.indices.reserve(rows.len());
        for (row, &view) in rows.clone().zip(self.rows.views().get(rows).unwrap_or_default()) {
            let length = view as u32;
            let index = match self.before {
                Some((same, index)) if same == view => index,
                _ if dictionary.bytes() >= most => break,
                _ => match view.to_le_bytes().get(4..4 + length as usize) {
                    Some(inline) if length <= INLINE => dictionary.index(inline),
                    _ => dictionary.index(self.text(row)),
                },
            };
            self.before = Some((view, index));
            gathered.indices.push(index);
            gathered.text_bytes += length as usize;
        }
        gathered.indices.len() - before
    }

    fn text(&self, row: usize) -> &[u8] {
        self.rows.value(row).as_bytes()
    }
}

/// An index that is not known yet.
const UNKNOWN: u32 = u32::MAX;

/// Keys, which are translated.
pub(super) struct Keys<'a, K: ArrowDictionaryKeyType> {
    of_rows: &'a [K::Native],
    values: &'a StringArray,
    /// For each key the index and the length of its text. Those that no row has do not become part of the file.
    known: Vec<(u32, u32)>,
}

impl<'a, K: ArrowDictionaryKeyType> Keys<'a, K> {
    pub(super) fn new(rows: &'a DictionaryArray<K>) -> Self {
        let values = rows.values().as_string::<i32>();
        Self { of_rows: rows.keys().values(), values, known: vec![(UNKNOWN, 0); values.len()] }
    }

    fn value(&self, key: usize) -> &[u8] {
        if key < self.values.len() { self.values.value(key).as_bytes() } else { b"" }
    }

    #[cold]
    fn learn(&mut self, key: usize, dictionary: &mut Dictionary) -> (u32, u32) {
        let text = self.value(key);
        let entry = (dictionary.index(text), text.len() as u32);
        if let Some(known) = self.known.get_mut(key) {
            *known = entry;
        }
        entry
    }
}

impl<K: ArrowDictionaryKeyType> Texts for Keys<'_, K> {
    fn extend_indices(
        &mut self,
        rows: Range<usize>,
        most: usize,
        dictionary: &mut Dictionary,
        gathered: &mut Gathered,
    ) -> usize {
        let before = gathered.indices.len();
        gathered.indices.reserve(rows.len());
        let mut bytes = 0;
        for key in self.of_rows.get(rows).unwrap_or_default() {
            let key = key.as_usize();
            let (mut index, mut length) = self.known.get(key).copied().unwrap_or((UNKNOWN, 0));
            if index == UNKNOWN {
                if dictionary.bytes() >= most {
                    break;
                }
                (index, length) = self.learn(key, dictionary);
            }
            gathered.indices.push(index);
            bytes += length as usize;
        }
        gathered.text_bytes += bytes;
        gathered.indices.len() - before
    }

    fn text(&self, row: usize) -> &[u8] {
        self.value(self.of_rows.get(row).map_or(usize::MAX, |key| key.as_usize()))
    }
}
