//! Rows of a column that become its next page.

use std::ops::Range;

use arrow_buffer::{BooleanBufferBuilder, NullBuffer};

use crate::write::parquet::bits;

/// What is gathered for the next page.
pub(super) struct Gathered {
    pub rows: usize,
    pub nulls: usize,
    pub text_bytes: usize,
    /// Which rows have text.
    valid: BooleanBufferBuilder,
    pub indices: Vec<u32>,
    /// Texts behind their lengths, where the dictionary is full.
    pub plain: Vec<u8>,
}

impl Gathered {
    pub(super) fn new() -> Self {
        let valid = BooleanBufferBuilder::new(0);
        Self { rows: 0, nulls: 0, text_bytes: 0, valid, indices: Vec::new(), plain: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        (self.rows, self.nulls, self.text_bytes) = (0, 0, 0);
        self.valid.truncate(0);
        self.indices.clear();
        self.plain.clear();
    }

    /// Counts rows whose texts are there.
    pub(super) fn count(&mut self, rows: Range<usize>, nulls: Option<&NullBuffer>) {
        self.rows += rows.len();
        match nulls.map(|nulls| nulls.inner().slice(rows.start, rows.len())) {
            Some(valid) => {
                self.nulls += rows.len() - valid.count_set_bits();
                self.valid.append_buffer(&valid);
            }
            None => self.valid.append_n(rows.len(), true),
        }
    }

    /// Definition levels: which rows have text.
    pub(super) fn push_levels(&self, encoded: &mut Vec<u8>) {
        let from = encoded.len();
        encoded.extend_from_slice(&[0; 4]);
        bits::push_bits(encoded, self.valid.as_slice(), self.rows);
        let length = (encoded.len() - from - 4) as u32;
        for (place, byte) in encoded.iter_mut().skip(from).zip(length.to_le_bytes()) {
            *place = byte;
        }
    }

    /// The texts where the dictionary is full.
    pub(super) fn plain_texts(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.plain.as_slice();
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk()?;
            let (text, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            Some(text)
        })
    }
}
