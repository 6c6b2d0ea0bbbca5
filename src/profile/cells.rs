//! What is counted of each tag, pair of indicators, and code, in a table that is bounded.

use std::collections::HashMap;

use super::hash::Measured;
use super::key::{Hashing, Key};
use super::sketch::Sketch;

/// Distinct values that are shown.
pub(crate) const SAMPLES: usize = 5;

/// The longest sample, in characters; of a longer value there are that many less one, and `…`.
pub(crate) const SAMPLE_LENGTH: usize = 80;

/// Rows of one kind in a profile. Beyond them, tags of three digits come before others, and then what sorts first.
pub(crate) const MOST_CELLS: usize = 1 << 16;

/// How often something was met.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Records with it.
    pub records: u64,
    pub occurrences: u64,
    /// The most of one record.
    pub max: u64,
    /// The record that it was last met in, and how often in that.
    last: u64,
    in_record: u64,
}

impl Counts {
    pub(super) fn new(records: u64, occurrences: u64, max: u64) -> Self {
        Self { records, occurrences, max, ..Self::default() }
    }

    /// Counts one more, in a record of this number, which is not 0.
    #[inline]
    pub(super) fn add(&mut self, record: u64) {
        // What repeats cannot be foretold, so there is no branch.
        let again = u64::from(self.last == record);
        self.last = record;
        self.in_record = self.in_record * again + 1;
        self.records += 1 - again;
        self.occurrences += 1;
        self.max = self.max.max(self.in_record);
    }

    fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.occurrences += other.occurrences;
        self.max = self.max.max(other.max);
    }
}

/// A value that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    pub text: String,
    /// The record that it came in first.
    pub record: u64,
}

impl Sample {
    pub(super) fn new(value: &str, record: u64) -> Self {
        let text = match value.char_indices().nth(SAMPLE_LENGTH) {
            None => value.to_owned(),
            Some(_) => value.chars().take(SAMPLE_LENGTH - 1).chain(['…']).collect(),
        };
        Self { text, record }
    }
}

/// What is known of the values of a cell.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    /// Lengths in characters.
    pub shortest: u64,
    pub longest: u64,
    pub total: u64,
    pub(super) sketch: Sketch,
    /// The first values that differ, as they are shown.
    pub samples: Vec<Sample>,
}

impl Default for Values {
    fn default() -> Self {
        Self { shortest: u64::MAX, longest: 0, total: 0, sketch: Sketch::default(), samples: Vec::new() }
    }
}

impl Values {
    /// Adds a value; whether it may be one to show.
    #[inline]
    pub(super) fn add(&mut self, value: Measured) -> bool {
        self.shortest = self.shortest.min(value.length);
        self.longest = self.longest.max(value.length);
        self.total += value.length;
        self.sketch.insert(value.hash) && self.samples.len() < SAMPLES
    }

    /// Shows a value, if it differs from those that are shown; it comes after them.
    #[cold]
    pub(super) fn show(&mut self, sample: Sample) {
        if self.samples.len() < SAMPLES && self.samples.iter().all(|known| known.text != sample.text) {
            self.samples.push(sample);
        }
    }

    /// The estimated number of distinct values.
    pub(crate) fn distinct(&self) -> u64 {
        self.sketch.count()
    }
}

impl Values {
    /// Whether [`Values::distinct`] is no estimate.
    #[cfg(feature = "cli")]
    pub(crate) fn is_exact(&self) -> bool {
        self.sketch.is_exact()
    }
}

/// What cells have beside counts.
pub(crate) trait Merge: Default {
    fn merge(&mut self, other: Self);
}

impl Merge for () {
    fn merge(&mut self, (): Self) {}
}

impl Merge for Values {
    fn merge(&mut self, other: Self) {
        self.shortest = self.shortest.min(other.shortest);
        self.longest = self.longest.max(other.longest);
        self.total += other.total;
        self.sketch.merge(&other.sketch);
        let mut samples = std::mem::take(&mut self.samples);
        samples.extend(other.samples);
        // Stable: what is of one record is in its order already.
        samples.sort_by_key(|sample| sample.record);
        for sample in samples {
            self.show(sample);
        }
    }
}

/// What was counted of one key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell<V> {
    pub counts: Counts,
    pub values: V,
}

impl<V: Merge> Cell<V> {
    fn merge(&mut self, other: Self) {
        self.counts.merge(&other.counts);
        self.values.merge(other.values);
    }
}

/// Cells by key.
#[derive(Debug, Default)]
pub(crate) struct Cells<V> {
    index: HashMap<Key, u32, Hashing>,
    keys: Vec<Key>,
    cells: Vec<Cell<V>>,
    /// What has no cell of its own, together. Records are not told apart there.
    beyond: Cell<V>,
}

impl<V: Merge> Cells<V> {
    /// The cell at this place.
    #[inline]
    pub(super) fn at(&mut self, place: u32) -> Option<&mut Cell<V>> {
        self.cells.get_mut(place as usize)
    }

    /// The place of the cell of `key`.
    pub(super) fn place(&mut self, key: Key) -> u32 {
        *self.index.entry(key).or_insert_with(|| {
            self.keys.push(key);
            self.cells.push(Cell::default());
            (self.cells.len() - 1) as u32
        })
    }

    /// Whether it is time for [`Cells::prune`].
    pub(super) fn is_full(&self) -> bool {
        self.cells.len() >= 2 * MOST_CELLS
    }

    /// Leaves no more than [`MOST_CELLS`], in new places. Which those are depends on no order: a cell that is left in the end
    /// was never among those that were not, so that its counts are right.
    pub(super) fn prune(&mut self) {
        if self.cells.len() <= MOST_CELLS {
            return;
        }
        let mut cells: Vec<(Key, Cell<V>)> = self.keys.drain(..).zip(self.cells.drain(..)).collect();
        cells.sort_unstable_by_key(|&(key, _)| (!key.tag.is_number(), key));
        for (_, cell) in cells.drain(MOST_CELLS..) {
            self.beyond.merge(cell);
        }
        (self.keys, self.cells) = cells.into_iter().unzip();
        self.index = self.keys.iter().copied().zip(0..).collect();
    }

    pub(super) fn merge_cell(&mut self, key: Key, cell: Cell<V>) {
        if self.is_full() {
            self.prune();
        }
        let place = self.place(key);
        if let Some(ours) = self.at(place) {
            ours.merge(cell);
        }
    }

    pub(super) fn merge_beyond(&mut self, cell: Cell<V>) {
        self.beyond.merge(cell);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.beyond.merge(other.beyond);
        for (key, cell) in other.keys.into_iter().zip(other.cells) {
            self.merge_cell(key, cell);
        }
        self.prune();
    }

    /// All cells, in the order of their keys.
    pub(crate) fn sorted(&self) -> Vec<(Key, &Cell<V>)> {
        let mut cells: Vec<(Key, &Cell<V>)> = self.keys.iter().copied().zip(&self.cells).collect();
        cells.sort_unstable_by_key(|&(key, _)| key);
        cells
    }

    /// What has no cell of its own, if there is any.
    pub(crate) fn beyond(&self) -> Option<&Cell<V>> {
        Some(&self.beyond).filter(|cell| cell.counts.occurrences > 0)
    }
}

impl Cells<Values> {
    /// Lets all samples come later by so many records.
    pub(super) fn shift(&mut self, records: u64) {
        for sample in self.cells.iter_mut().flat_map(|cell| &mut cell.values.samples) {
            sample.record = sample.record.saturating_add(records);
        }
    }
}
