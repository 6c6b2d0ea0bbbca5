//! A profile from a table that was made of one, and may have been through other formats since.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt8Type, UInt64Type};
use arrow_array::{Array, BinaryArray, Float64Array, ListArray, RecordBatch, StringArray, UInt8Array, UInt64Array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;

use super::cells::{Cell, Counts, Merge, Sample, Values};
use super::key::{Key, Symbol, Tag};
use super::rows::Kind;
use super::sketch::Sketch;
use super::table::sample_field;
use super::{File, Name, Profile};
use crate::error::Error;

/// The longest name of an encoding or problem, in bytes; there are none half as long.
const NAME_LENGTH: usize = 64;

/// The columns of a table, in the types that they were made in.
struct Columns {
    kind: StringArray,
    tag: StringArray,
    ind1: StringArray,
    ind2: StringArray,
    code: StringArray,
    position: UInt8Array,
    value: StringArray,
    records: UInt64Array,
    occurrences: UInt64Array,
    max_per_record: UInt64Array,
    bytes: UInt64Array,
    length_min: UInt64Array,
    length_mean: Float64Array,
    length_max: UInt64Array,
    samples: ListArray,
    sketch: BinaryArray,
}

fn no_profile(why: impl std::fmt::Display) -> Error {
    Error::option(format!("this is no table that profile gave: {why}"))
}

impl Columns {
    fn of(batch: &RecordBatch) -> Result<Self, Error> {
        // What does not fit is an error, and not null.
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let column = |name: &str, data_type: &DataType| {
            let column = batch.column_by_name(name).ok_or_else(|| no_profile(format!("it has no column {name:?}")))?;
            cast_with_options(column, data_type, &strict)
                .map_err(|error| no_profile(format!("column {name:?}: {error}")))
        };
        let text = |name| column(name, &DataType::Utf8).map(|column| column.as_string().clone());
        let number = |name| column(name, &DataType::UInt64).map(|column| column.as_primitive::<UInt64Type>().clone());
        Ok(Self {
            kind: text("kind")?,
            tag: text("tag")?,
            ind1: text("ind1")?,
            ind2: text("ind2")?,
            code: text("code")?,
            position: column("position", &DataType::UInt8)?.as_primitive::<UInt8Type>().clone(),
            value: text("value")?,
            records: number("records")?,
            occurrences: number("occurrences")?,
            max_per_record: number("max_per_record")?,
            bytes: number("bytes")?,
            length_min: number("length_min")?,
            length_mean: column("length_mean", &DataType::Float64)?.as_primitive::<Float64Type>().clone(),
            length_max: number("length_max")?,
            samples: column("samples", &DataType::List(sample_field()))?.as_list().clone(),
            sketch: column("sketch", &DataType::Binary)?.as_binary().clone(),
        })
    }

    /// The key of a row; `None` where it has no tag.
    fn key(&self, row: usize, kind: Kind) -> Option<Result<Key, Error>> {
        let of = |column: &StringArray| {
            Symbol::new(text(column, row)).ok_or_else(|| no_profile("an indicator or code is several characters"))
        };
        let key = |tag: &str| {
            let tag = Tag::new(tag).ok_or_else(|| no_profile(format!("{tag:?} is no tag")))?;
            Ok(match kind {
                Kind::Indicators => Key { tag, first: of(&self.ind1)?, second: of(&self.ind2)? },
                Kind::Subfield => Key { tag, first: of(&self.code)?, second: Symbol::NULL },
                _ => Key { tag, ..Key::default() },
            })
        };
        text(&self.tag, row).map(key)
    }

    fn counts(&self, row: usize) -> Result<Counts, Error> {
        let occurrences = number(&self.occurrences, row).ok_or_else(|| no_profile("occurrences are null"))?;
        let records = number(&self.records, row).unwrap_or_default();
        let max = number(&self.max_per_record, row).unwrap_or_default();
        let max = u32::try_from(max).map_err(|_| no_profile("max_per_record is too large"))?;
        Ok(Counts { records, occurrences, max })
    }

    fn name(&self, row: usize) -> Result<String, Error> {
        match text(&self.value, row) {
            Some(name) if name.len() <= NAME_LENGTH => Ok(name.to_owned()),
            Some(_) => Err(no_profile("a value is too long")),
            None => Err(no_profile("a value is null")),
        }
    }

    /// Shortest, longest, and the sum of `count` lengths.
    #[allow(clippy::cast_precision_loss, clippy::cast_sign_loss)] // sums are below 2^52, and a negative one is none
    fn lengths(&self, row: usize, count: u64) -> (u64, u64, u64) {
        let mean = if self.length_mean.is_null(row) { 0.0 } else { self.length_mean.value(row) };
        let shortest = number(&self.length_min, row).unwrap_or(u64::MAX);
        (shortest, number(&self.length_max, row).unwrap_or_default(), (mean * count as f64).round() as u64)
    }

    /// What is known of values, and the first of them.
    fn values(&self, row: usize, occurrences: u64, end: u64) -> Result<(Values, Vec<Sample>), Error> {
        let stored = if self.sketch.is_null(row) { &[] } else { self.sketch.value(row) };
        let (hashes, sketch) = sketch_of(stored).ok_or_else(|| no_profile("a sketch is not one of this version's"))?;
        let (shortest, longest, total) = self.lengths(row, occurrences);
        let length = |length: u64| u32::try_from(length.min(u32::MAX.into())).unwrap_or(u32::MAX);
        let values = Values { total, shortest: length(shortest), longest: length(longest), sketch };
        let mut samples = Vec::new();
        if self.samples.is_valid(row) {
            let texts = self.samples.value(row);
            let texts = texts.as_string::<i32>().iter().flatten();
            samples.extend(texts.zip(hashes).map(|(text, hash)| Sample::new(text, hash, end)));
        }
        Ok((values, samples))
    }
}

/// The hashes of samples and the sketch, as they are stored; `None` if they are no such.
fn sketch_of(stored: &[u8]) -> Option<(Vec<u64>, Sketch)> {
    let (&count, rest) = stored.split_first()?;
    let (hashes, sketch) = rest.split_at_checked(8 * usize::from(count))?;
    let (hashes, _) = hashes.as_chunks::<8>();
    Some((hashes.iter().map(|&hash| u64::from_le_bytes(hash)).collect(), Sketch::from_bytes(sketch)?))
}

fn text(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

fn number(column: &UInt64Array, row: usize) -> Option<u64> {
    column.is_valid(row).then(|| column.value(row))
}

impl Profile {
    /// The profile that was stored as `batches`; where these are of several, one after the other, it is what those merge to.
    ///
    /// Text may have any type of strings or dictionaries, and columns any order.
    ///
    /// # Errors
    ///
    /// Batches that [`Profile::batches`] did not make, or a later version of it.
    pub fn from_batches<'a>(batches: impl IntoIterator<Item = &'a RecordBatch>) -> Result<Self, Error> {
        let mut profile = Self::default();
        for batch in batches {
            let columns = Columns::of(batch)?;
            for row in 0..batch.num_rows() {
                profile.add_row(&columns, row)?;
            }
        }
        profile.prune();
        Ok(profile)
    }

    fn add_row(&mut self, columns: &Columns, row: usize) -> Result<(), Error> {
        let kind = text(&columns.kind, row);
        let known = Kind::ALL.iter().find(|&&(name, _)| Some(name) == kind);
        let kind = known.map(|&(_, kind)| kind).ok_or_else(|| no_profile(format!("{kind:?} is no kind of row")))?;
        // Of two rows of one key, the samples of the later come later.
        self.end = self.end.saturating_add(1);
        match kind {
            Kind::File => {
                let records = number(&columns.records, row).unwrap_or_default();
                let bytes = number(&columns.bytes, row).unwrap_or_default();
                let (shortest, longest, total) = columns.lengths(row, records);
                self.file.merge(&File { records, bytes, shortest, longest, total });
            }
            Kind::Leader | Kind::Encoding | Kind::Problem => {
                let name = columns.name(row)?;
                let name = match kind {
                    Kind::Leader if columns.position.is_null(row) => return Err(no_profile("a position is null")),
                    Kind::Leader => Name::Leader(columns.position.value(row), name),
                    Kind::Encoding => Name::Encoding(name),
                    _ => Name::Problem(name),
                };
                let occurrences = columns.counts(row)?.occurrences;
                let count = self.named.entry(name).or_default();
                count.add(number(&columns.records, row), occurrences);
            }
            Kind::Field | Kind::Indicators => {
                let cells = if kind == Kind::Field { &mut self.fields } else { &mut self.indicators };
                add_cell(cells, columns.key(row, kind), columns.counts(row)?, ((), Vec::new()))?;
            }
            Kind::Subfield => {
                let counts = columns.counts(row)?;
                let values = columns.values(row, counts.occurrences, self.end)?;
                add_cell(&mut self.subfields, columns.key(row, kind), counts, values)?;
            }
        }
        Ok(())
    }
}

fn add_cell<V: Merge>(
    cells: &mut super::Cells<V>,
    key: Option<Result<Key, Error>>,
    counts: Counts,
    (values, samples): (V, Vec<Sample>),
) -> Result<(), Error> {
    let cell = Cell { counts, values };
    match key {
        Some(key) => cells.merge_cell(key?, cell, samples),
        None => cells.merge_beyond(cell),
    }
    Ok(())
}
