//! A profile as a table.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::types::{ArrowDictionaryKeyType, UInt8Type, UInt16Type};
use arrow_array::{
    ArrayRef, BinaryArray, DictionaryArray, Float64Array, RecordBatch, StringArray, UInt8Array, UInt64Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::cells::Sample;
use super::rows::{Kind, Lengths, Row};
use super::{Profile, Values};
use crate::error::Error;

/// Indicators or codes in a dictionary, at most, and so in a batch.
const MOST_SYMBOLS: usize = u8::MAX as usize;

/// The type of a column of symbols: as in tables of records.
fn symbol_type(keys: DataType, categorical: bool) -> DataType {
    if categorical { DataType::Dictionary(Box::new(keys), Box::new(DataType::Utf8)) } else { DataType::Utf8 }
}

/// The items of `samples`.
pub(super) fn sample_field() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Utf8, false))
}

impl Profile {
    /// The schema of profiles; tags, indicators and codes are dictionaries, as in tables, or plain strings.
    #[must_use]
    pub fn schema(categorical: bool) -> SchemaRef {
        let number = |name| Field::new(name, DataType::UInt64, true);
        let symbol = |name, keys| Field::new(name, symbol_type(keys, categorical), true);
        Arc::new(Schema::new(vec![
            Field::new("kind", DataType::Utf8, false),
            symbol("tag", DataType::UInt16),
            symbol("ind1", DataType::UInt8),
            symbol("ind2", DataType::UInt8),
            symbol("code", DataType::UInt8),
            Field::new("position", DataType::UInt8, true),
            Field::new("value", DataType::Utf8, true),
            number("records"),
            number("occurrences"),
            number("max_per_record"),
            number("bytes"),
            number("length_min"),
            Field::new("length_mean", DataType::Float64, true),
            number("length_max"),
            number("distinct"),
            Field::new("samples", DataType::List(sample_field()), true),
            Field::new("sketch", DataType::Binary, true),
        ]))
    }

    /// The profile as a table: rows of one kind after the other, in the order of tags, indicators and codes. It is one batch, but
    /// where a dictionary does not hold all codes.
    ///
    /// # Errors
    ///
    /// What only a bug can bring about.
    pub fn batches(&self, categorical: bool) -> Result<Vec<RecordBatch>, Error> {
        let rows = self.rows();
        let mut batches = Vec::new();
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let count = if categorical { fitting(rest) } else { rest.len() };
            let (part, after) = rest.split_at_checked(count.max(1)).unwrap_or((rest, &[]));
            batches.push(batch(part, categorical).map_err(|error| Error::internal(format!("no profile: {error}")))?);
            rest = after;
        }
        Ok(batches)
    }
}

/// How many of `rows` have symbols that fit a dictionary each.
fn fitting(rows: &[Row<'_>]) -> usize {
    let mut seen: [HashSet<Option<String>>; 4] = Default::default();
    let fits = |row: &&Row<'_>| {
        let [first, second] = row.indicators();
        let symbols = [first, second, row.code(), row.tag()];
        let most = [MOST_SYMBOLS, MOST_SYMBOLS, MOST_SYMBOLS, u16::MAX.into()];
        seen.iter_mut().zip(symbols).zip(most).all(|((seen, symbol), most)| {
            // Null takes no place, and is counted for simplicity.
            seen.insert(symbol);
            seen.len() <= most
        })
    };
    rows.iter().take_while(fits).count()
}

fn symbols<K: ArrowDictionaryKeyType>(texts: Vec<Option<String>>, categorical: bool) -> ArrayRef {
    let texts = texts.iter().map(Option::as_deref);
    if categorical { Arc::new(texts.collect::<DictionaryArray<K>>()) } else { Arc::new(texts.collect::<StringArray>()) }
}

/// The hashes of the samples, so that they are told from others although they may be cut, after their number; then the sketch.
fn stored_sketch(values: &Values, samples: &[Sample]) -> Vec<u8> {
    let hashes = samples.iter().flat_map(|sample| sample.hash.to_le_bytes());
    std::iter::once(samples.len() as u8).chain(hashes).chain(values.sketch.to_bytes()).collect()
}

fn batch(rows: &[Row<'_>], categorical: bool) -> Result<RecordBatch, ArrowError> {
    let numbers = |number: fn(&Row<'_>) -> Option<u64>| -> ArrayRef {
        Arc::new(rows.iter().map(number).collect::<UInt64Array>())
    };
    let texts = |text: fn(&Row<'_>) -> Option<String>| rows.iter().map(text).collect::<Vec<_>>();
    let lengths = |row: &Row<'_>| row.lengths.map(|Lengths { mean, .. }| mean);
    let mut samples = ListBuilder::new(StringBuilder::new()).with_field(sample_field());
    for row in rows {
        for sample in row.samples {
            samples.values().append_value(&sample.text);
        }
        // What had no cell of its own shows nothing.
        samples.append(row.values.is_some() && row.key.is_some());
    }
    let sketches: Vec<Option<Vec<u8>>> = rows.iter().map(|row| Some(stored_sketch(row.values?, row.samples))).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.kind.as_str()))),
        symbols::<UInt16Type>(rows.iter().map(Row::tag).collect(), categorical),
        symbols::<UInt8Type>(texts(|row| row.indicators().into_iter().next().flatten()), categorical),
        symbols::<UInt8Type>(texts(|row| row.indicators().into_iter().next_back().flatten()), categorical),
        symbols::<UInt8Type>(rows.iter().map(Row::code).collect(), categorical),
        Arc::new(rows.iter().map(|row| row.position).collect::<UInt8Array>()),
        Arc::new(rows.iter().map(|row| row.value).collect::<StringArray>()),
        numbers(|row| row.records),
        numbers(|row| row.occurrences),
        numbers(|row| row.max_per_record),
        numbers(|row| row.bytes),
        numbers(|row| row.lengths.map(|lengths| lengths.shortest)),
        Arc::new(rows.iter().map(lengths).collect::<Float64Array>()),
        numbers(|row| row.lengths.map(|lengths| lengths.longest)),
        #[allow(clippy::redundant_closure_for_method_calls)] // the method is that of one lifetime
        numbers(|row| row.distinct()),
        Arc::new(samples.finish()),
        Arc::new(sketches.iter().map(Option::as_deref).collect::<BinaryArray>()),
    ];
    debug_assert!(rows.iter().all(|row| row.kind != Kind::File || row.key.is_none()));
    RecordBatch::try_new(Profile::schema(categorical), columns)
}
