//! What is counted of each tag, pair of indicators, and code, in a table that is bounded.

use std::collections::HashMap;

use super::key::{Hashing, Key};
use super::sketch::Sketch;

/// Distinct values that are shown.
pub(crate) const SAMPLES: usize = 5;

/// The longest sample, in characters; of a longer value there are that many less one, and `…`.
pub(crate) const SAMPLE_LENGTH: usize = 80;

/// Rows of one kind in a profile. Beyond them, tags of three digits come before others, and then what sorts first.
pub(crate) const MOST_CELLS: usize = if cfg!(test) { 1 << 12 } else { 1 << 16 };

/// How often something was met.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Records with it.
    pub records: u64,
    pub occurrences: u64,
    /// The most of one record.
    pub max: u32,
}

impl Counts {
    pub(super) fn merge(&mut self, other: &Self) {
        self.records = self.records.saturating_add(other.records);
        self.occurrences = self.occurrences.saturating_add(other.occurrences);
        self.max = self.max.max(other.max);
    }
}

/// A value that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    pub text: String,
    /// Of the whole value.
    pub hash: u64,
    /// The record that it came in first.
    pub record: u64,
}

impl Sample {
    pub(super) fn new(value: &str, hash: u64, record: u64) -> Self {
        let text = match value.char_indices().nth(SAMPLE_LENGTH) {
            None => value.to_owned(),
            Some(_) => value.chars().take(SAMPLE_LENGTH - 1).chain(['…']).collect(),
        };
        Self { text, hash, record }
    }
}

/// What is known of the values of a cell.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    /// Lengths in characters.
    pub total: u64,
    pub shortest: u32,
    pub longest: u32,
    pub(super) sketch: Sketch,
}

impl Default for Values {
    fn default() -> Self {
        Self { total: 0, shortest: u32::MAX, longest: 0, sketch: Sketch::default() }
    }
}

impl Values {
    /// The number of distinct values, exact or estimated.
    pub(crate) fn distinct(&self) -> u64 {
        self.sketch.count()
    }

    /// Whether [`Values::distinct`] is no estimate.
    #[cfg(feature = "cli")]
    pub(crate) fn is_exact(&self) -> bool {
        !self.sketch.is_registers()
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
        self.total = self.total.saturating_add(other.total);
        self.sketch.merge(&other.sketch);
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
    list: Vec<Cell<V>>,
    /// The first values that differ, of each cell.
    samples: Vec<Vec<Sample>>,
    /// What has no cell of its own, together. Records are not told apart there.
    beyond: Cell<V>,
}

impl<V: Merge> Cells<V> {
    /// The cell at this place.
    #[inline]
    pub(super) fn at(&mut self, place: u32) -> Option<&mut Cell<V>> {
        self.list.get_mut(place as usize)
    }

    /// The place of the cell of `key`.
    pub(super) fn place(&mut self, key: Key) -> u32 {
        *self.index.entry(key).or_insert_with(|| {
            self.keys.push(key);
            self.list.push(Cell::default());
            self.samples.push(Vec::new());
            (self.list.len() - 1) as u32
        })
    }

    /// Counts more of `key`.
    pub(super) fn add(&mut self, key: Key, counts: &Counts) {
        self.make_room();
        let place = self.place(key);
        if let Some(cell) = self.at(place) {
            cell.counts.merge(counts);
        }
    }

    /// Whether cells have to be pruned before another one is added.
    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= 2 * MOST_CELLS
    }

    /// Makes sure that another cell can be added; cells may be in new places then.
    fn make_room(&mut self) {
        if self.is_full() {
            self.prune();
        }
    }

    /// How many more values the cell at this place can show.
    pub(super) fn room(&self, place: u32) -> usize {
        self.samples.get(place as usize).map_or(0, |samples| SAMPLES.saturating_sub(samples.len()))
    }

    /// Leaves no more than [`MOST_CELLS`], in new places. Which those are depends on no order: a cell that is left in the end
    /// was never among those that were not, so that its counts are right.
    pub(super) fn prune(&mut self) {
        if self.list.len() <= MOST_CELLS {
            return;
        }
        let values = self.list.drain(..).zip(self.samples.drain(..));
        let mut cells: Vec<_> = self.keys.drain(..).zip(values).collect();
        cells.sort_unstable_by_key(|&(key, _)| (!key.tag.is_number(), key));
        for (_, (cell, _)) in cells.drain(MOST_CELLS..) {
            self.beyond.merge(cell);
        }
        self.index = cells.iter().map(|&(key, _)| key).zip(0..).collect();
        for (key, (cell, samples)) in cells {
            self.keys.push(key);
            self.list.push(cell);
            self.samples.push(samples);
        }
    }

    /// Shows a value that is new to the cell at this place, if there is room; it comes after those that are shown.
    #[cold]
    pub(super) fn show(&mut self, place: u32, sample: impl FnOnce() -> Sample) {
        if let Some(samples) = self.samples.get_mut(place as usize).filter(|samples| samples.len() < SAMPLES) {
            samples.push(sample());
        }
    }

    /// Adds what was counted elsewhere of `key`, and values that came first there.
    pub(super) fn merge_cell(&mut self, key: Key, cell: Cell<V>, theirs: Vec<Sample>) {
        self.make_room();
        let place = self.place(key);
        if let Some(ours) = self.at(place) {
            ours.merge(cell);
        }
        if let Some(samples) = self.samples.get_mut(place as usize) {
            let mut all = std::mem::take(samples);
            all.extend(theirs);
            // Stable: what is of one record is in its order already.
            all.sort_by_key(|sample| sample.record);
            for sample in all {
                if samples.len() < SAMPLES && samples.iter().all(|known| known.hash != sample.hash) {
                    samples.push(sample);
                }
            }
        }
    }

    pub(super) fn merge_beyond(&mut self, cell: Cell<V>) {
        self.beyond.merge(cell);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.beyond.merge(other.beyond);
        for ((key, cell), samples) in other.keys.into_iter().zip(other.list).zip(other.samples) {
            self.merge_cell(key, cell, samples);
        }
        self.prune();
    }

    /// All cells, in the order of their keys.
    pub(crate) fn sorted(&self) -> Vec<(Key, &Cell<V>, &[Sample])> {
        let samples = self.samples.iter().map(Vec::as_slice);
        let values = self.list.iter().zip(samples);
        let mut cells: Vec<_> =
            self.keys.iter().zip(values).map(|(&key, (cell, samples))| (key, cell, samples)).collect();
        cells.sort_unstable_by_key(|&(key, ..)| key);
        cells
    }

    /// What has no cell of its own, if there is any.
    pub(crate) fn beyond(&self) -> Option<&Cell<V>> {
        Some(&self.beyond).filter(|cell| cell.counts.occurrences > 0)
    }

    /// Lets all samples come later by so many records.
    pub(super) fn shift(&mut self, records: u64) {
        for sample in self.samples.iter_mut().flatten() {
            sample.record = sample.record.saturating_add(records);
        }
    }
}
