//! One Parquet file under way.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;

use super::{INTERVAL, ParquetOptions, Sink};
use crate::error::{Error, caught};
use crate::pool::Pool;
use crate::write::atomic::AtomicFile;
use crate::write::output::cannot_write;

/// Memory of the batches of a row group, unless the caller says how many rows it has: about a third of it is input.
const ROW_GROUP_BYTES: usize = 64 << 20;

type Encoded = Result<Vec<ArrowColumnChunk>, Error>;

/// A file whose row groups are encoded while others are read.
pub(super) struct ParquetFile {
    target: PathBuf,
    schema: SchemaRef,
    writer: SerializedFileWriter<AtomicFile>,
    factory: Arc<ArrowRowGroupWriterFactory>,
    pool: Pool,
    most_rows: usize,
    most_bytes: usize,
    /// Batches of the next row group.
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    /// Row groups that are being encoded, in order.
    under_way: VecDeque<Receiver<Encoded>>,
}

impl ParquetFile {
    /// At `path`, which errors call `shown`.
    pub(super) fn create(
        schema: &SchemaRef,
        path: &Path,
        shown: PathBuf,
        options: &ParquetOptions,
    ) -> Result<Self, Error> {
        let name = shown.to_string_lossy().into_owned();
        let properties = options.properties(schema)?;
        let file = AtomicFile::create(path).map_err(|error| cannot_write(error, Some(&name)))?;
        let arrow = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, schema.clone(), arrow);
        let (writer, factory) = writer
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(|error| cannot_write(io_error(error), Some(&name)))?;
        Ok(Self {
            target: shown,
            schema: schema.clone(),
            writer,
            factory: Arc::new(factory),
            pool: Pool::get()?,
            most_rows: options.row_group_size.unwrap_or(usize::MAX),
            most_bytes: if options.row_group_size.is_some() { usize::MAX } else { ROW_GROUP_BYTES },
            batches: Vec::new(),
            rows: 0,
            bytes: 0,
            under_way: VecDeque::new(),
        })
    }

    /// Appends a batch, of which so many bytes are its own.
    pub(super) fn append(
        &mut self,
        batch: &RecordBatch,
        bytes: usize,
        check: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut from = 0;
        while from < batch.num_rows() {
            let rows = (batch.num_rows() - from).min(self.most_rows - self.rows);
            self.batches.push(batch.slice(from, rows));
            self.rows += rows;
            self.bytes += bytes * rows / batch.num_rows();
            from += rows;
            if self.rows >= self.most_rows || self.bytes >= self.most_bytes {
                self.end_row_group(check)?;
            }
        }
        Ok(())
    }

    /// Has what there is encoded as a row group.
    pub(super) fn end_row_group(&mut self, check: &mut dyn FnMut() -> Result<(), Error>) -> Result<(), Error> {
        if self.batches.is_empty() {
            return Ok(());
        }
        let batches = std::mem::take(&mut self.batches);
        (self.rows, self.bytes) = (0, 0);
        let (schema, factory) = (self.schema.clone(), Arc::clone(&self.factory));
        let (sender, receiver) = bounded(1);
        self.pool.spawn_long(move || {
            let encoded =
                caught(|| encode(&schema, &factory, &batches).map_err(|error| cannot_write(io_error(error), None)));
            // Nobody waits for it if something else went wrong.
            let _ = sender.send(encoded.and_then(|encoded| encoded));
        });
        self.under_way.push_back(receiver);
        while self.under_way.len() > self.pool.threads() {
            self.put(check)?;
        }
        Ok(())
    }

    /// Waits for the first row group that is under way, and writes it.
    fn put(&mut self, check: &mut dyn FnMut() -> Result<(), Error>) -> Result<(), Error> {
        let Some(receiver) = self.under_way.pop_front() else { return Ok(()) };
        let chunks = loop {
            match receiver.recv_timeout(INTERVAL) {
                Ok(encoded) => break encoded?,
                Err(RecvTimeoutError::Timeout) => check()?,
                Err(RecvTimeoutError::Disconnected) => return Err(Error::internal("a row group was lost")),
            }
        };
        let write = || -> Result<(), ParquetError> {
            let mut group = self.writer.next_row_group()?;
            for chunk in chunks {
                chunk.append_to_row_group(&mut group)?;
            }
            group.close().map(|_| ())
        };
        write().map_err(|error| cannot_write(io_error(error), Some(&self.target.to_string_lossy())))
    }

    /// Ends the file and gives it its name.
    pub(super) fn close(
        mut self,
        metadata: &[(String, String)],
        check: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<PathBuf, Error> {
        self.end_row_group(check)?;
        while !self.under_way.is_empty() {
            self.put(check)?;
        }
        for (key, value) in metadata {
            self.writer.append_key_value_metadata(KeyValue::new(key.clone(), value.clone()));
        }
        let name = self.target.to_string_lossy().into_owned();
        let failed = |error: io::Error| cannot_write(error, Some(&name));
        self.writer.into_inner().map_err(|error| failed(io_error(error)))?.commit().map_err(failed)?;
        Ok(self.target)
    }
}

impl Sink for ParquetFile {
    fn write(&mut self, batch: &RecordBatch, check: &mut dyn FnMut() -> Result<(), Error>) -> Result<(), Error> {
        self.append(batch, batch.get_array_memory_size(), check)
    }

    fn finish(
        self: Box<Self>,
        metadata: &[(String, String)],
        check: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<Vec<PathBuf>, Error> {
        Ok(vec![self.close(metadata, check)?])
    }
}

/// A row group, column by column.
fn encode(
    schema: &SchemaRef,
    factory: &ArrowRowGroupWriterFactory,
    batches: &[RecordBatch],
) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
    let mut writers = factory.create_column_writers(0)?.into_iter();
    let mut chunks = Vec::new();
    for (column, field) in schema.fields().iter().enumerate() {
        let mut own = Vec::new();
        for batch in batches {
            for (leaf, values) in compute_leaves(field, batch.column(column))?.iter().enumerate() {
                if leaf == own.len() {
                    own.extend(writers.next());
                }
                if let Some(writer) = own.get_mut(leaf) {
                    writer.write(values)?;
                }
            }
        }
        for writer in own {
            chunks.push(writer.close()?);
        }
    }
    Ok(chunks)
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
