//! One Parquet file under way.

use std::collections::VecDeque;
use std::io::{self, BufWriter, IntoInnerError, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;

use super::encode::{Chunks, Encoder, UnderWay};
use super::{ParquetOptions, Sink};
use crate::error::Error;
use crate::pool::Pool;
use crate::write::atomic::AtomicFile;
use crate::write::output::cannot_write;
use crate::write::{Check, wait_for};

/// Memory of the batches of a row group, unless the caller says how many rows it has: about a third of it is input.
const ROW_GROUP_BYTES: usize = 64 << 20;
/// The same of all row groups that are under way, where many threads encode some.
const UNDER_WAY_BYTES: usize = 512 << 20;
/// How many bytes a byte of input takes in batches, about.
const MEMORY_OF_INPUT: usize = 3;
/// Smaller row groups are not worth their while, however many threads there are.
const LEAST_BYTES: usize = 8 << 20;

/// Bytes that are written at one go: the writer of the `parquet` crate has few thousand ready at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// The first error of a file.
type Failed = Arc<Mutex<Option<io::Error>>>;

fn first_of(failed: &Failed) -> Option<io::Error> {
    failed.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// A file that keeps what it failed with.
struct Told {
    file: AtomicFile,
    failed: Failed,
}

impl Told {
    fn keep<T>(&self, done: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &done
            && let Some(number) = error.raw_os_error()
        {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert_with(|| io::Error::from_raw_os_error(number));
        }
        done
    }
}

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.file.write(bytes);
        self.keep(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.file.flush();
        self.keep(done)
    }
}

/// A file whose row groups are encoded while others are read.
pub(super) struct ParquetFile {
    target: PathBuf,
    writer: SerializedFileWriter<BufWriter<Told>>,
    failed: Failed,
    encoder: Arc<Encoder>,
    pool: Pool,
    most_rows: usize,
    most_bytes: usize,
    /// Batches of the next row group.
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    /// Row groups that are being encoded, in order.
    under_way: VecDeque<Result<UnderWay, ParquetError>>,
}

impl ParquetFile {
    /// At `path`, which errors call `shown`; of so many bytes of input, where that is known.
    pub(super) fn create(
        schema: &SchemaRef,
        path: &Path,
        shown: PathBuf,
        options: &ParquetOptions,
        input: Option<u64>,
    ) -> Result<Self, Error> {
        let name = shown.to_string_lossy().into_owned();
        let properties = options.properties(schema)?;
        let pool = Pool::get()?;
        // Little is shared out, too.
        let share = input.map_or(ROW_GROUP_BYTES, |input| input as usize / (4 * pool.threads()) * MEMORY_OF_INPUT);
        let most_bytes = ROW_GROUP_BYTES.min(UNDER_WAY_BYTES / (pool.threads() + 2)).min(share).max(LEAST_BYTES);
        let failed = Failed::default();
        let file = AtomicFile::create(path).map_err(|error| cannot_write(error, Some(&name)))?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, Told { file, failed: Arc::clone(&failed) });
        let others = Encoder::others(schema, &properties);
        let arrow = ArrowWriterOptions::new().with_properties(others).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, schema.clone(), arrow);
        let (writer, factory) = writer
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(|error| cannot_write(io_error(error), Some(&name)))?;
        let encoder = Encoder::new(schema.clone(), writer.schema_descr(), properties, factory);
        Ok(Self {
            target: shown,
            writer,
            failed,
            encoder: Arc::new(encoder),
            most_rows: options.row_group_size.unwrap_or(usize::MAX),
            most_bytes: if options.row_group_size.is_some() { usize::MAX } else { most_bytes },
            pool,
            batches: Vec::new(),
            rows: 0,
            bytes: 0,
            under_way: VecDeque::new(),
        })
    }

    /// Appends a batch, of which so many bytes are its own, and has row groups encoded as they fill.
    pub(super) fn append(&mut self, batch: &RecordBatch, bytes: usize) {
        let mut from = 0;
        while from < batch.num_rows() {
            let rows = (batch.num_rows() - from).min(self.most_rows - self.rows);
            self.batches.push(batch.slice(from, rows));
            self.rows += rows;
            self.bytes += bytes * rows / batch.num_rows();
            from += rows;
            if self.rows >= self.most_rows || self.bytes >= self.most_bytes {
                self.end_row_group();
            }
        }
    }

    /// Has what there is encoded as a row group.
    pub(super) fn end_row_group(&mut self) {
        if self.batches.is_empty() {
            return;
        }
        let batches = std::mem::take(&mut self.batches);
        (self.rows, self.bytes) = (0, 0);
        self.under_way.push_back(self.encoder.spawn(&batches, &self.pool));
    }

    /// How many row groups are being encoded, or are encoded and not yet written.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Waits until no more than so many row groups are under way, and writes the others.
    pub(super) fn settle(&mut self, most: usize, check: Check<'_>) -> Result<(), Error> {
        while self.under_way.len() > most {
            self.put(check)?;
        }
        Ok(())
    }

    /// Waits for the first row group that is under way, and writes it.
    fn put(&mut self, check: Check<'_>) -> Result<(), Error> {
        let Some(under_way) = self.under_way.pop_front() else { return Ok(()) };
        let name = || self.target.to_string_lossy();
        let failed = |error| cannot_write(self.io_error(error), Some(&name()));
        let mut columns = Vec::new();
        for column in under_way.map_err(failed)? {
            columns.push(wait_for(&column, check)?.map_err(|error| error.in_source(Some(name().into())))?);
        }
        if self.under_way.is_empty() {
            self.encoder.forget();
        }
        let written = write_group(&mut self.writer, columns);
        written.map_err(|error| cannot_write(self.io_error(error), Some(&name())))
    }

    /// What the file said, where a Parquet error may be no more than words.
    fn io_error(&self, error: ParquetError) -> io::Error {
        first_of(&self.failed).unwrap_or_else(|| io_error(error))
    }

    /// Ends the file and gives it its name.
    pub(super) fn close(mut self, metadata: &[(String, String)], check: Check<'_>) -> Result<PathBuf, Error> {
        self.end_row_group();
        self.settle(0, check)?;
        for (key, value) in metadata {
            self.writer.append_key_value_metadata(KeyValue::new(key.clone(), value.clone()));
        }
        let name = self.target.to_string_lossy().into_owned();
        let failed = |error: io::Error| cannot_write(error, Some(&name));
        let told = Arc::clone(&self.failed);
        let buffered = self.writer.into_inner().map_err(io_error);
        let file = buffered.and_then(|buffered| buffered.into_inner().map_err(IntoInnerError::into_error));
        let file = file.map_err(|error| failed(first_of(&told).unwrap_or(error)))?;
        file.file.commit().map_err(failed)?;
        Ok(self.target)
    }
}

impl Sink for ParquetFile {
    fn write(&mut self, batch: &RecordBatch, check: Check<'_>) -> Result<(), Error> {
        self.append(batch, batch.get_array_memory_size());
        let threads = self.pool.threads();
        self.settle(threads.div_ceil(2), check)
    }

    fn finish(self: Box<Self>, metadata: &[(String, String)], check: Check<'_>) -> Result<Vec<PathBuf>, Error> {
        Ok(vec![self.close(metadata, check)?])
    }
}

pub(super) fn write_group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    columns: Vec<Chunks>,
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for column in columns {
        match column {
            Chunks::Own(chunk) => group.append_column(&chunk.bytes, chunk.closed)?,
            Chunks::Others(chunks) => {
                chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut group))?;
            }
        }
    }
    group.close().map(|_| ())
}

/// The operating system's error, where that is what a Parquet error wraps.
pub(super) fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}
