//! What is in a catalogue: which tags, indicators and codes, how often, how long their values are and how many differ.
//!
//! [`Accumulator`] counts blocks, each on some thread, over the plain columns that tables are made of, so that what is a record,
//! what its text is and what is repaired are decided where they are for tables. Accumulators, profiles and profiles that were
//! stored ([`Profile::from_batches`]) are merged alike: a profile depends on the records and their order, on nothing else.

mod cells;
mod hash;
mod key;
mod numbers;
mod rows;
mod sketch;
mod sorted;
mod stored;
mod table;
mod walk;

use std::collections::BTreeMap;

use cells::{Cells, Values};
#[cfg(feature = "cli")]
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
            (Some(ours), Some(theirs)) => Some(ours.saturating_add(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        self.occurrences = self.occurrences.saturating_add(occurrences);
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
        self.records = self.records.saturating_add(other.records);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.shortest = self.shortest.min(other.shortest);
        self.longest = self.longest.max(other.longest);
        self.total = self.total.saturating_add(other.total);
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

#[cfg(test)]
mod tests {
    use super::rows::Kind;
    use super::*;
    use crate::read::{ReadOptions, profile};
    use crate::source::Source;

    /// A record of one field, 245, with these subfields.
    fn record(subfields: &[(char, &str)]) -> Vec<u8> {
        let subfields: Vec<String> = subfields.iter().map(|(code, value)| format!("\x1f{code}{value}")).collect();
        let field = subfields.concat();
        let field = format!("10{field}\x1e");
        let length = 37 + field.len() + 1;
        format!("{length:05}nam a2200037 a 4500245{:04}00000\x1e{field}\x1d", field.len()).into_bytes()
    }

    fn records(range: std::ops::Range<u32>) -> Vec<u8> {
        range
            .flat_map(|number| record(&[('a', &format!("value {}", number * 7919 % 1009)), ('b', "é"), ('b', "x")]))
            .collect()
    }

    fn profile_of(bytes: Vec<u8>, batch_size: Option<usize>) -> Profile {
        let options = ReadOptions { batch_size, ..ReadOptions::default() };
        profile(vec![Source::memory(bytes)], &options).unwrap()
    }

    #[test]
    fn rows_are_what_there_is() {
        let profile = profile_of(records(0..100), None);
        let rows = profile.rows();
        let subfields: Vec<_> = rows.iter().filter(|row| row.kind == Kind::Subfield).collect();
        let [a, b] = subfields[..] else { panic!("{subfields:?}") };
        assert_eq!((a.tag().as_deref(), a.code().as_deref()), (Some("245"), Some("a")));
        assert_eq!((a.records, a.occurrences, a.max_per_record), (Some(100), Some(100), Some(1)));
        assert_eq!(a.values.map(Values::distinct), Some(100));
        let shown: Vec<&str> = a.samples.iter().map(|sample| sample.text.as_str()).collect();
        assert_eq!(shown, ["value 0", "value 856", "value 703", "value 550", "value 397"]);
        assert_eq!((b.records, b.occurrences, b.max_per_record), (Some(100), Some(200), Some(2)));
        assert_eq!(b.values.map(Values::distinct), Some(2));
        let lengths = b.lengths.unwrap();
        assert_eq!((lengths.shortest, lengths.longest), (1, 1));
        assert!((lengths.mean - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn batches_do_not_matter_nor_where_a_merge_was() {
        let whole = profile_of(records(0..3000), None).batches(false).unwrap();
        for size in [1, 7, 1000] {
            assert_eq!(profile_of(records(0..3000), Some(size)).batches(false).unwrap(), whole);
        }
        for cut in [0, 1, 3, 1500, 2999, 3000] {
            let mut merged = profile_of(records(0..cut), Some(10));
            merged.merge(profile_of(records(cut..3000), Some(10)));
            assert_eq!(merged.batches(false).unwrap(), whole);
            // The same by way of tables of either kind.
            for categorical in [false, true] {
                let mut batches = profile_of(records(0..cut), None).batches(categorical).unwrap();
                batches.extend(profile_of(records(cut..3000), None).batches(categorical).unwrap());
                assert_eq!(Profile::from_batches(&batches).unwrap().batches(false).unwrap(), whole);
            }
        }
    }

    /// So many tags, codes and indicators that none of the tables has room for all of their pairs.
    #[test]
    fn a_part_of_many_kinds_is_counted_like_many_parts_of_few() {
        let codes: Vec<char> = (0x21_u8..0x7F).map(char::from).collect();
        let marks = b" 0123456789abcdefghij";
        let tags = 12_000;
        let digits = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut bytes = Vec::new();
        for tag in 0..tags {
            let code = |at: usize| codes[(tag * 7 + at) % codes.len()];
            let value = format!("value {}", tag % 500);
            let mut record = record(&[(code(0), &value), (code(1), "v"), (code(0), &value), (code(2), "")]);
            for (at, place) in [(24, tag / 1296 + 1), (25, tag / 36 % 36), (26, tag % 36)] {
                record[at] = digits[place];
            }
            record[37] = marks[tag % marks.len()];
            record[38] = marks[tag / 3 % marks.len()];
            bytes.extend(record);
        }
        let bytes = [bytes.clone(), bytes].concat();
        let whole = profile_of(bytes.clone(), Some(20_000));
        let numbers = tags * codes.len();
        assert!(numbers > sorted::DENSE && tags * marks.len() * marks.len() > sorted::DENSE, "{numbers}");
        let subfields = || whole.rows().into_iter().filter(|row| row.kind == Kind::Subfield);
        // The first is of those that have no cell.
        assert_eq!(subfields().count(), cells::MOST_CELLS + 1);
        assert!(
            subfields()
                .skip(1)
                .all(|row| row.records == Some(2) && row.occurrences == row.max_per_record.map(|max| 2 * max))
        );
        assert!(subfields().filter(|row| row.max_per_record == Some(2)).count() > cells::MOST_CELLS / 4);
        let expected = whole.batches(false).unwrap();
        for size in [50, 384] {
            assert_eq!(profile_of(bytes.clone(), Some(size)).batches(false).unwrap(), expected, "{size}");
        }
    }

    /// More indicators than there is room for beside those of the first part, of one tag with one code.
    #[test]
    fn new_indicators_are_counted_as_those_that_they_are() {
        let digits = b"0123456789abcdefghijklmnopqrstuvwxyz";
        for (first, second) in [(1, 0), (0, 1), (1, 1), (1, 5)] {
            let records = (0..200).flat_map(|number| {
                let mut record = record(&[('a', "value")]);
                for (place, step) in [(37, first), (38, second)] {
                    record[place] = digits[number * step % digits.len()];
                }
                record
            });
            let bytes: Vec<u8> = records.collect();
            let expected = profile_of(bytes.clone(), None).batches(false).unwrap();
            for size in [1, 3, 17] {
                assert_eq!(
                    profile_of(bytes.clone(), Some(size)).batches(false).unwrap(),
                    expected,
                    "{first} {second} {size}"
                );
            }
        }
    }

    #[test]
    fn what_has_no_cell_of_its_own_is_counted_together() {
        // Each with as many codes as a dictionary holds.
        let codes: Vec<char> = (0..255).map(|code| char::from_u32(0x4E00 + code).unwrap()).collect();
        // More than twice as many cells as are kept, so that some make room for others on the way, too.
        let tags = 40;
        let mut bytes = Vec::new();
        for tag in 0..tags {
            let subfields: Vec<(char, &str)> = codes.iter().map(|&code| (code, "v")).collect();
            let mut record = record(&subfields);
            record[24..27].copy_from_slice(format!("{:03}", 999 - tag).as_bytes());
            bytes.extend(record);
        }
        // Few records to a part, and all tags in each of several parts.
        for (size, times) in [(10, 2), (100, 20)] {
            let profile = profile_of(bytes.repeat(times), Some(size));
            let rows = profile.rows();
            let subfields: Vec<_> = rows.iter().filter(|row| row.kind == Kind::Subfield).collect();
            assert_eq!(subfields.len(), cells::MOST_CELLS + 1);
            let (beyond, kept) = subfields.split_first().unwrap();
            assert!(beyond.key.is_none() && beyond.records.is_none());
            assert_eq!(beyond.occurrences, Some(times as u64 * (tags * 255 - cells::MOST_CELLS as u64)));
            assert!(kept.iter().all(|row| row.occurrences == Some(times as u64) && row.records == Some(times as u64)));
            assert_eq!(kept.first().and_then(|row| row.tag()).as_deref(), Some("960"));
        }
    }
}
