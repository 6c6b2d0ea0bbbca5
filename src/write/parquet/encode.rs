//! Row groups encoded column by column, each a job of its own.

use std::cmp::Reverse;
use std::mem::take;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use crossbeam_channel::{Receiver, Sender, bounded};
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

use super::chunk::Chunk;
use super::file::io_error;
use super::numbers;
use super::text::{Scratch, TextColumn};
use crate::error::{Error, caught};
use crate::pool::Pool;
use crate::write::output::cannot_write;

/// The chunk of a column that is encoded here, or those of the leaves of another.
pub(super) enum Chunks {
    Own(Box<Chunk>),
    Others(Vec<ArrowColumnChunk>),
}

/// A row group under way: its columns.
pub(super) type UnderWay = Vec<Receiver<Result<Chunks, Error>>>;

/// A column of a row group that is to be encoded.
struct Job {
    column: usize,
    writers: Vec<ArrowColumnWriter>,
    rows: Vec<ArrayRef>,
    /// Bytes of text.
    text: usize,
    sender: Sender<Result<Chunks, Error>>,
}

/// What encodes row groups: columns of text and numbers here, all others by the `parquet` crate.
pub(super) struct Encoder {
    schema: SchemaRef,
    /// The leaves of each column.
    leaves: Vec<Range<usize>>,
    columns: Vec<ColumnDescPtr>,
    properties: WriterPropertiesPtr,
    factory: ArrowRowGroupWriterFactory,
    /// For each column, what no row group uses right now.
    scratch: Vec<Mutex<Vec<Scratch>>>,
}

impl Encoder {
    /// The properties of a file whose writers are not asked for columns that are encoded here: they need not get ready for these.
    pub(super) fn others(schema: &SchemaRef, properties: &WriterProperties) -> WriterProperties {
        let own = schema.fields().iter().filter(|field| TextColumn::takes(field.data_type()) || numbers::takes(field));
        let others = own.fold(properties.clone().into_builder(), |others, field| {
            let path = || field.name().as_str().into();
            let others = others.set_column_compression(path(), Compression::UNCOMPRESSED);
            others.set_column_bloom_filter_enabled(path(), false)
        });
        others.build()
    }

    pub(super) fn new(
        schema: SchemaRef,
        columns: &SchemaDescriptor,
        properties: WriterProperties,
        factory: ArrowRowGroupWriterFactory,
    ) -> Self {
        let mut leaves = vec![0..0; schema.fields().len()];
        let scratch = leaves.iter().map(|_| Mutex::default()).collect();
        let mut end = 0;
        for (column, leaves) in leaves.iter_mut().enumerate() {
            let start = end;
            end +=
                (start..columns.num_columns()).take_while(|&leaf| columns.get_column_root_idx(leaf) == column).count();
            *leaves = start..end;
        }
        Self { schema, leaves, columns: columns.columns().to_vec(), properties: properties.into(), factory, scratch }
    }

    /// Has a row group encoded on the pool.
    pub(super) fn spawn(self: &Arc<Self>, batches: &[RecordBatch], pool: &Pool) -> Result<UnderWay, ParquetError> {
        let mut writers: Vec<_> = self.factory.create_column_writers(0)?.into_iter().map(Some).collect();
        let (mut jobs, columns): (Vec<_>, Vec<_>) = self
            .leaves
            .iter()
            .enumerate()
            .map(|(column, leaves)| {
                let own = writers.get_mut(leaves.clone()).unwrap_or_default().iter_mut().filter_map(Option::take);
                let writers = own.collect();
                // Only its own, so that the memory of a column can go as soon as that is encoded.
                let rows: Vec<_> = batches.iter().map(|batch| Arc::clone(batch.column(column))).collect();
                let text = rows.iter().map(|rows| TextColumn::bytes(rows)).sum();
                let (sender, receiver) = bounded(1);
                (Job { column, writers, rows, text, sender }, receiver)
            })
            .unzip();
        // What takes longest begins first, so that not all wait for it in the end.
        jobs.sort_by_key(|job| Reverse(job.text));
        for mut job in jobs {
            let encoder = Arc::clone(self);
            pool.spawn_long(move || {
                let failed = |error| cannot_write(io_error(error), None);
                let chunks = caught(|| encoder.encode(&mut job).map_err(failed)).and_then(|chunks| chunks);
                // Nobody waits for it if something else went wrong.
                let _ = job.sender.send(chunks);
            });
        }
        Ok(columns)
    }

    /// Lets go of the memory that was kept for further row groups: of many files that are open, few are written to.
    pub(super) fn forget(&self) {
        self.scratch.iter().for_each(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner).clear());
    }

    /// A column of a row group.
    fn encode(&self, job: &mut Job) -> Result<Chunks, ParquetError> {
        let (field, leaves) = (self.schema.field(job.column), self.leaves.get(job.column).cloned().unwrap_or_default());
        let (rows, mut writers) = (take(&mut job.rows), take(&mut job.writers));
        let column = self.columns.get(leaves.start);
        if let Some(column) = column.filter(|_| TextColumn::takes(field.data_type())) {
            let kept = self.scratch.get(job.column);
            let scratch = kept.and_then(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner).pop());
            let mut scratch = scratch.map_or_else(|| Scratch::new(self.properties.compression(column.path())), Ok)?;
            let mut text = TextColumn::new(column.clone(), &self.properties, &mut scratch, job.text);
            for rows in rows {
                text.append(&rows)?;
            }
            let chunk = text.finish()?;
            if let Some(kept) = kept {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
            }
            return Ok(Chunks::Own(Box::new(chunk)));
        }
        if let Some(column) = column.filter(|_| numbers::takes(field)) {
            return Ok(Chunks::Own(Box::new(numbers::chunk(column, &self.properties, &rows)?)));
        }
        for rows in rows {
            for (writer, values) in writers.iter_mut().zip(compute_leaves(field, &rows)?) {
                writer.write(&values)?;
            }
        }
        writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>().map(Chunks::Others)
    }
}
