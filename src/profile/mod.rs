//! What is in a catalogue: which tags, indicators and codes, how often, how long their values are and how many differ.
//!
//! [`Accumulator`] counts blocks, each on some thread, over the plain columns that tables are made of, so that what is a record,
//! what its text is and what is repaired are decided where they are for tables. Accumulators, profiles and profiles that were
//! stored ([`Profile::from_batches`]) are merged alike: a profile depends on the records and their order, on nothing else.

mod cells;
mod hash;
mod key;
mod rows;
mod sketch;
mod stored;
mod table;
mod walk;

use std::collections::BTreeMap;

use cells::Cells;

use cells::Values;
pub(crate) use rows::{Kind, Row};
#[cfg(feature = "cli")]
pub(crate) use sketch::STANDARD_ERROR;
pub(crate) use walk::Accumulator;

/// Positions of a leader that are counted: all that are no lengths or addresses.
const POSITIONS: [usize; 14] = [5, 6, 7, 8, 9, 10, 11, 17, 18, 19, 20, 21, 22, 23];

/// What is in a catalogue, and how often. Profiles of several catalogues can be merged.
///
/// # Examples
///
/// ```
/// use mrrc_arrow::{ReadOptions, Source, profile};
///
/// let record = b"00059nam a2200049 a 4500001000200000245000700002\x1eX\x1e10\x1faOz\x1e\x1d";
/// let mut first = profile(vec![Source::memory(&record[..])], &ReadOptions::default())?;
/// let second = profile(vec![Source::memory(record.repeat(2))], &ReadOptions::default())?;
/// first.merge(second);
/// assert_eq!(first.records(), 3);
/// # Ok::<(), mrrc_arrow::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Profile {
    file: File,
    named: BTreeMap<Name, Count>,
    fields: Cells<()>,
    indicators: Cells<()>,
    subfields: Cells<Values>,
    /// A number above those of all records, with which samples are.
    end: u64,
}

/// What is counted by a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    /// A position of the leader, and what stands there.
    Leader(u8, String),
    Encoding(String),
    Problem(String),
}

/// How often; records, where it is something of records.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    records: Option<u64>,
    occurrences: u64,
}

impl Count {
    fn add(&mut self, records: Option<u64>, occurrences: u64) {
        self.records = match (self.records, records) {
            (Some(ours), Some(theirs)) => Some(ours + theirs),
            (ours, theirs) => ours.or(theirs),
        };
        self.occurrences += occurrences;
    }
}

/// What is known of the whole.
#[derive(Debug, Clone, Copy)]
struct File {
    /// Records that were read.
    records: u64,
    /// Bytes of all there was, after decompression.
    bytes: u64,
    /// Lengths of records in bytes.
    shortest: u64,
    longest: u64,
    total: u64,
}

impl Default for File {
    fn default() -> Self {
        Self { records: 0, bytes: 0, shortest: u64::MAX, longest: 0, total: 0 }
    }
}

impl File {
    fn add(&mut self, length: u64) {
        self.records += 1;
        self.shortest = self.shortest.min(length);
        self.longest = self.longest.max(length);
        self.total += length;
    }

    fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.bytes += other.bytes;
        self.shortest = self.shortest.min(other.shortest);
        self.longest = self.longest.max(other.longest);
        self.total += other.total;
    }
}

impl Profile {
    /// Number of records that were read.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.file.records
    }

    /// Bytes that were read, after decompression.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.file.bytes
    }

    /// Becomes the profile of what it is of and, after that, what `later` is of.
    pub fn merge(&mut self, mut later: Self) {
        later.subfields.shift(self.end);
        later.end = later.end.saturating_add(self.end);
        self.merge_part(later);
    }

    /// Becomes the profile of some blocks of an input and of some others of it.
    pub(crate) fn merge_part(&mut self, other: Self) {
        self.file.merge(&other.file);
        for (name, count) in other.named {
            self.named.entry(name).or_default().add(count.records, count.occurrences);
        }
        self.fields.merge(other.fields);
        self.indicators.merge(other.indicators);
        self.subfields.merge(other.subfields);
        self.end = self.end.max(other.end);
    }

    fn prune(&mut self) {
        self.fields.prune();
        self.indicators.prune();
        self.subfields.prune();
    }
}
