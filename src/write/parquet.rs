//! A stream of batches as a Parquet file.

use std::io;
use std::path::Path;

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::atomic::AtomicFile;
use crate::error::Error;
use crate::read::BatchStream;

/// Writes every batch of `stream` to `target` with zstd compression and returns the number of rows.
///
/// `target` has the whole file or, after an error, what was there before.
///
/// # Errors
///
/// What the stream ends with, or a file that cannot be written.
pub fn write_parquet(stream: &mut BatchStream, target: &Path) -> Result<u64, Error> {
    let cannot_write = |error: ParquetError| {
        let error = match error {
            ParquetError::External(error) => match error.downcast::<io::Error>() {
                Ok(error) => *error,
                Err(error) => io::Error::other(error),
            },
            error => io::Error::other(error),
        };
        Error::from_io(error, "cannot write").in_source(Some(target.to_string_lossy().into()))
    };
    let cannot_create = |error| Error::from_io(error, "cannot write").in_source(Some(target.to_string_lossy().into()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(concat!("mrrc_arrow version ", env!("CARGO_PKG_VERSION")).into())
        .build();
    let file = AtomicFile::create(target).map_err(cannot_create)?;
    let mut writer = ArrowWriter::try_new(file, stream.schema().clone(), Some(properties)).map_err(cannot_write)?;
    let mut rows = 0;
    for batch in stream {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        writer.write(&batch).map_err(cannot_write)?;
    }
    writer.into_inner().map_err(cannot_write)?.commit().map_err(cannot_create)?;
    Ok(rows)
}
