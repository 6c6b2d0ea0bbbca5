//! Batches as a Parquet file.

use std::io;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::atomic::AtomicFile;
use crate::error::Error;

/// Encoded row groups are held in memory until they are whole.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// Writes `batches` of `schema` to `target` with zstd compression and returns the number of rows.
///
/// `target` has the whole file or, after an error, what was there before. Types are Parquet's own: the file does not ask
/// its readers for string views or large lists.
///
/// # Errors
///
/// The first error among `batches`, or a file that cannot be written.
pub fn write_parquet(
    schema: &SchemaRef,
    batches: impl IntoIterator<Item = Result<RecordBatch, Error>>,
    target: &Path,
) -> Result<u64, Error> {
    let cannot_write =
        |error: io::Error| Error::from_io(error, "cannot write").in_source(Some(target.to_string_lossy().into()));
    let cannot_encode = |error: ParquetError| cannot_write(io_error(error));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(concat!("mrrc_arrow version ", env!("CARGO_PKG_VERSION")).into())
        .set_coerce_types(true)
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let file = AtomicFile::create(target).map_err(cannot_write)?;
    let mut writer = ArrowWriter::try_new_with_options(file, schema.clone(), options).map_err(cannot_encode)?;
    let mut rows = 0;
    for batch in batches {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        writer.write(&batch).map_err(cannot_encode)?;
    }
    writer.into_inner().map_err(cannot_encode)?.commit().map_err(cannot_write)?;
    Ok(rows)
}

/// The operating system's error, where that is what a Parquet error wraps.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}
