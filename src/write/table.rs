//! Tables as text and as Arrow files.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, LargeStringArray, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::each_batch;
use super::output::{Open, Output, cannot_write};
use crate::error::{Error, Hint};
use crate::read::BatchStream;

/// What a table is written as.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableFormat {
    /// Comma-separated values (RFC 4180), with a line of names; lists are one value, with `separator` between.
    Csv {
        /// What goes between the values of a list.
        separator: String,
        /// What goes between columns.
        delimiter: u8,
    },
    /// A JSON object per line.
    Ndjson,
    /// An Arrow file (Feather, version 2).
    Arrow,
}

/// Writes what `stream` reads to `output`, and tells how many rows. `check` is asked now and then whether to go on.
///
/// # Errors
///
/// The first error of `stream` or of `check`, a table that such a file cannot have, or an `output` that cannot be written.
pub fn write_table(
    stream: &mut BatchStream,
    output: Output<'_>,
    format: &TableFormat,
    check: &mut dyn FnMut(&BatchStream) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut writer = Writer::new(stream.schema(), output, format)?;
    let rows = each_batch(stream, check, |batch, _| writer.write(batch))?;
    writer.finish()?;
    Ok(rows)
}

/// What makes bytes of batches.
enum Encoder {
    Csv { schema: SchemaRef, separator: String, delimiter: u8, is_begun: bool },
    Ndjson,
    Arrow(Box<arrow_ipc::writer::FileWriter<Vec<u8>>>),
}

struct Writer<'a> {
    encoder: Encoder,
    output: Open<'a>,
}

fn failed(error: &ArrowError) -> Error {
    match error {
        ArrowError::SchemaError(message) => Error::option(message.clone()).with_hint(Hint::Flat),
        error => cannot_write(std::io::Error::other(error.to_string()), None),
    }
}

impl<'a> Writer<'a> {
    fn new(schema: &SchemaRef, output: Output<'a>, format: &TableFormat) -> Result<Self, Error> {
        let encoder = match format {
            TableFormat::Csv { separator, delimiter } => Encoder::Csv {
                schema: flat_schema(schema).map_err(|error| failed(&error))?,
                separator: separator.clone(),
                delimiter: *delimiter,
                is_begun: false,
            },
            TableFormat::Ndjson => Encoder::Ndjson,
            TableFormat::Arrow => {
                let writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), schema);
                Encoder::Arrow(Box::new(writer.map_err(|error| failed(&error))?))
            }
        };
        Ok(Self { encoder, output: output.open()? })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let encoded = self.encoder.encode(Some(batch)).map_err(|error| failed(&error))?;
        self.output.put_all(encoded)
    }

    fn finish(mut self) -> Result<(), Error> {
        let encoded = self.encoder.encode(None).map_err(|error| failed(&error))?;
        self.output.put_all(encoded)?;
        self.output.commit()
    }
}

impl Encoder {
    /// What comes of a batch or, without one, of the end.
    fn encode(&mut self, batch: Option<&RecordBatch>) -> Result<Vec<u8>, ArrowError> {
        match self {
            Self::Csv { schema, separator, delimiter, is_begun } => {
                let rows = match batch {
                    Some(batch) => flat(batch, schema, separator)?,
                    None => RecordBatch::new_empty(schema.clone()),
                };
                let builder = arrow_csv::WriterBuilder::new().with_delimiter(*delimiter);
                let mut writer = builder.with_header(!std::mem::replace(is_begun, true)).build(Vec::new());
                writer.write(&rows)?;
                Ok(writer.into_inner())
            }
            Self::Ndjson => {
                let builder = arrow_json::WriterBuilder::new().with_explicit_nulls(true);
                let mut writer = builder.build::<_, arrow_json::writer::LineDelimited>(Vec::new());
                batch.map_or(Ok(()), |batch| writer.write(batch))?;
                writer.finish()?;
                Ok(writer.into_inner())
            }
            Self::Arrow(writer) => {
                match batch {
                    Some(batch) => writer.write(batch)?,
                    None => writer.finish()?,
                }
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }
}

/// The schema with text for lists.
fn flat_schema(schema: &Schema) -> Result<SchemaRef, ArrowError> {
    let flat = |field: &Arc<Field>| match field.data_type() {
        DataType::LargeList(item) if !item.data_type().is_nested() => {
            Ok(Field::new(field.name(), DataType::LargeUtf8, true))
        }
        nested if nested.is_nested() => {
            Err(ArrowError::SchemaError(format!("the column {} is nested, which CSV cannot have", field.name())))
        }
        _ => Ok(field.as_ref().clone()),
    };
    Ok(Arc::new(Schema::new(schema.fields().iter().map(flat).collect::<Result<Vec<_>, _>>()?)))
}

fn flat(batch: &RecordBatch, schema: &SchemaRef, separator: &str) -> Result<RecordBatch, ArrowError> {
    let flat = |column: &ArrayRef| -> Result<ArrayRef, ArrowError> {
        let Some(lists) = column.as_list_opt::<i64>() else { return Ok(Arc::clone(column)) };
        let texts = arrow_cast::cast(lists.values(), &DataType::LargeUtf8)?;
        let texts: &LargeStringArray = texts.as_string();
        let joined = lists.value_offsets().windows(2).map(|ends| match ends {
            #[allow(clippy::cast_sign_loss)] // offsets count from 0
            &[start, end] => {
                let values: Vec<&str> = (start as usize..end as usize).map(|place| texts.value(place)).collect();
                Some(values.join(separator)).filter(|joined| !joined.is_empty())
            }
            _ => None,
        });
        Ok(Arc::new(joined.collect::<LargeStringArray>()))
    };
    RecordBatch::try_new(schema.clone(), batch.columns().iter().map(flat).collect::<Result<_, _>>()?)
}
