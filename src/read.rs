//! Reading sources into record batches: the stream of batches. What it is asked for is in [`options`]; what is wrong in sources is
//! [`inspection`]'s, what is in them [`profiling`]'s.

mod inspection;
mod options;
mod plain;
mod profiling;

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, StringViewArray, UInt64Array};
use arrow_buffer::Buffer;
use arrow_schema::SchemaRef;

use crate::error::{Error, ErrorKind, Hint};
use crate::feed::Input;
use crate::iso2709::blocks::{Block, BlockSize};
use crate::iso2709::scanner::MAX_RECORD;
use crate::layout::{Built, KeepRaw, Part, Plan, StringType, build, cast_strings};
use crate::pipeline::{Build, Pipeline, Wait};
use crate::problem::{Problem, ProblemCounts};
use crate::source::Source;
pub use inspection::Inspection;
pub use options::{DEFAULT_BATCH_SIZE, KEPT_BATCH_SIZE, ReadOptions};
pub use profiling::{Profiling, profile};

/// Reads `sources`, one after the other, as one stream of batches with one schema.
///
/// Reading begins at once, in the background and within bounds; dropping the stream ends it. A stream that is read by calls into
/// another language is read by whoever asks for a batch, and so are mostly files and memory where a process has one core.
///
/// # Errors
///
/// A missing file, or options that contradict each other. Errors in the data come from the stream.
///
/// # Examples
///
/// ```
/// use mrrc_arrow::{ReadOptions, Source, read};
///
/// let record = b"00059nam a2200049 a 4500001000200000245000700002\x1eX\x1e10\x1faOz\x1e\x1d";
/// let mut rows = 0;
/// for batch in read(vec![Source::memory(&record[..])], ReadOptions::default())? {
///     rows += batch?.num_rows();
/// }
/// assert_eq!(rows, 1);
/// # Ok::<(), mrrc_arrow::Error>(())
/// ```
pub fn read(sources: Vec<Source>, options: ReadOptions) -> Result<BatchStream, Error> {
    let schema = options.validate()?;
    if options.row_index_name.is_some() && sources.iter().any(Source::is_part) {
        return Err(Error::option(
            "row_index_name counts the rows of a whole input, of which a split knows only its own",
        ));
    }
    let total_bytes = sources.iter().map(Source::size).sum();
    if let Some(rejects) = &options.rejects
        && sources.iter().any(|source| source.is_file(rejects))
    {
        return Err(Error::option(format!("rejects would overwrite {}, which is to be read", rejects.display())));
    }
    let plan = options.plan();
    let pipeline = start(sources, &options, plan.keep, options.size()?, TableBuild(plan))?;
    let rejects = options.rejects.as_deref().map(|path| File::create(path).map_err(|error| cannot_write(error, path)));
    Ok(BatchStream {
        pipeline,
        rejects: rejects.transpose()?,
        schema,
        total_bytes,
        tally: Tally::new(&options),
        ready: Vec::new(),
        row_index: options.row_index_offset,
        options,
    })
}

pub(crate) fn start<T: Send + 'static>(
    sources: Vec<Source>,
    options: &ReadOptions,
    keep: KeepRaw,
    size: BlockSize,
    build: impl Build<Output = T>,
) -> Result<Pipeline<T>, Error> {
    for source in &sources {
        source.check()?;
    }
    // Zero rows ask for nothing to be read.
    let sources = if options.n_rows == Some(0) { Vec::new() } else { sources };
    let keep_foreign = if keep == KeepRaw::Nothing { 0 } else { MAX_RECORD };
    let input = Input { sources, size, ignore_foreign: options.ignore_errors, keep_foreign };
    Pipeline::start(input, build, None)
}

/// Builds tables.
struct TableBuild(Plan);

impl Build for TableBuild {
    type Output = Built;

    fn block(&self, block: Block) -> Result<Built, Error> {
        build(block, &self.0).map_err(|error| Error::internal(format!("cannot build a batch: {error}")))
    }

    fn foreign(&self, problem: Problem) -> Built {
        Built::of_foreign(problem)
    }
}

/// Keeps count of rows and problems, and decides where the read ends.
#[derive(Debug)]
struct Tally {
    /// Rows that may still come; `None` for all.
    wanted: Option<u64>,
    ignore_errors: bool,
    counts: ProblemCounts,
    done: bool,
}

impl Tally {
    fn new(options: &ReadOptions) -> Self {
        Self {
            wanted: options.n_rows,
            ignore_errors: options.ignore_errors,
            counts: ProblemCounts::default(),
            done: options.n_rows == Some(0),
        }
    }

    /// How many rows of `built` are wanted, the problems among those being counted and kept in `built`.
    fn take(&mut self, built: &mut Built) -> Result<usize, Error> {
        let mut rows = built.row_count();
        if let Some(wanted) = &mut self.wanted {
            if *wanted <= rows as u64 {
                rows = *wanted as usize;
                self.done = true;
                let last = built.last_record(rows);
                built.problems.retain(|problem| Some(problem.offset) <= last);
            }
            *wanted -= rows as u64;
        }
        for problem in &built.problems {
            self.counts.add(problem.code);
            if problem.code.is_reject() && !self.ignore_errors {
                self.done = true;
                return Err(rejected(problem));
            }
        }
        Ok(rows)
    }
}

/// The error that a rejected record is by default.
pub(crate) fn rejected(problem: &Problem) -> Error {
    let code = problem.code.as_str();
    Error::new(ErrorKind::Record, code, format!("record rejected ({code}): {}", problem.message))
        .at(problem.record, problem.offset)
        .in_source(problem.source.clone())
        .with_hint(Hint::LeaveOutUnreadable)
}

/// A stream of record batches in the order of the input. After an error it is at its end.
#[derive(Debug)]
pub struct BatchStream {
    pipeline: Pipeline<Built>,
    rejects: Option<File>,
    schema: SchemaRef,
    options: ReadOptions,
    total_bytes: Option<u64>,
    tally: Tally,
    /// Batches that are built and not yet delivered, last first.
    ready: Vec<RecordBatch>,
    row_index: u64,
}

/// What [`BatchStream::poll`] found.
#[derive(Debug)]
#[non_exhaustive]
pub enum Poll {
    /// A batch, an error, or the end.
    Ready(Option<Result<RecordBatch, Error>>),
    /// Nothing yet.
    Pending,
}

impl BatchStream {
    /// The layout of every batch; `None` for columns by name.
    #[cfg(feature = "cli")]
    pub(crate) fn layout(&self) -> Option<crate::layout::Layout> {
        self.options.columns.is_none().then_some(self.options.layout)
    }

    /// Whether the column `tag` of the layout is among those that were asked for, unless all are.
    #[cfg(feature = "cli")]
    pub(crate) fn selects_tags(&self) -> bool {
        self.options.select.as_ref().is_none_or(|names| names.iter().any(|name| name == "tag"))
    }

    /// The schema of every batch.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How often each problem was met in what was delivered so far.
    #[must_use]
    pub fn problems(&self) -> &ProblemCounts {
        &self.tally.counts
    }

    /// Bytes of the sources that have been read, after decompression.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.pipeline.bytes_read()
    }

    /// Bytes of the sources as they lie on disk or in memory, where that is known.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// Ends the reading.
    pub fn close(&mut self) {
        self.tally.done = true;
        self.ready.clear();
        self.pipeline.stop();
    }

    /// Waits for the next batch, at most `timeout`, so that a caller can look after other things in between.
    pub fn poll(&mut self, timeout: Duration) -> Poll {
        self.wait(Instant::now().checked_add(timeout))
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Poll {
        loop {
            if let Some(batch) = self.ready.pop() {
                return Poll::Ready(Some(Ok(batch)));
            }
            if self.tally.done {
                self.pipeline.stop();
                return Poll::Ready(None);
            }
            let accepted = match self.pipeline.next(deadline) {
                Wait::Pending => return Poll::Pending,
                Wait::Ready(None) => {
                    self.tally.done = true;
                    Ok(())
                }
                Wait::Ready(Some(built)) => built.and_then(|built| self.accept(built)),
            };
            if let Err(error) = accepted {
                self.close();
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// Cuts what was built to the rows that are wanted and adds the columns that depend on what came before.
    fn accept(&mut self, mut built: Built) -> Result<(), Error> {
        let mut wanted = self.tally.take(&mut built)?;
        if let (Some(file), Some(path)) = (&mut self.rejects, &self.options.rejects) {
            for problem in built.problems.iter().filter(|problem| problem.code.is_reject()) {
                file.write_all(&problem.raw).map_err(|error| cannot_write(error, path))?;
            }
        }
        let most = self.most_rows(built.source.as_deref());
        for part in built.parts {
            let rows = part.rows.min(wanted);
            wanted -= rows;
            for start in (0..rows).step_by(most) {
                let batch = self.batch(&part, start..rows.min(start + most), built.source.as_deref())?;
                self.ready.push(batch);
            }
        }
        self.ready.reverse();
        Ok(())
    }

    /// How many rows fit a batch: the offsets of plain strings end somewhere, and each row has its path.
    fn most_rows(&self, path: Option<&str>) -> usize {
        match path {
            Some(path)
                if self.options.string_type == StringType::String && self.options.include_file_paths.is_some() =>
            {
                i32::MAX as usize / path.len().max(1)
            }
            _ => usize::MAX,
        }
    }

    fn batch(&mut self, part: &Part, rows: Range<usize>, path: Option<&str>) -> Result<RecordBatch, Error> {
        let (start, rows) = (rows.start, rows.len());
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        if self.options.row_index_name.is_some() {
            let end = self.row_index.checked_add(rows as u64);
            let end = end.ok_or_else(|| Error::option("the row index does not fit 64 bits"))?;
            columns.push(Arc::new(UInt64Array::from_iter_values(self.row_index..end)));
            self.row_index = end;
        }
        columns.extend(part.columns.iter().map(|column| column.slice(start, rows)));
        if self.options.include_file_paths.is_some() {
            columns.push(self.file_paths(path, rows)?);
        }
        if self.options.plain {
            columns = plain::columns(&columns, &self.schema).map_err(cannot_build)?;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(cannot_build)
    }

    /// One path for all rows: views of one buffer.
    fn file_paths(&self, path: Option<&str>, rows: usize) -> Result<ArrayRef, Error> {
        let paths = match path {
            None => StringViewArray::new_null(rows),
            Some(path) => {
                let one = StringViewArray::from_iter_values([path]);
                let view = one.views().first().copied().unwrap_or(0);
                let buffers: Vec<Buffer> = one.data_buffers().to_vec();
                StringViewArray::try_new(vec![view; rows].into(), buffers, None).map_err(cannot_build)?
            }
        };
        cast_strings(Arc::new(paths), self.options.string_type).map_err(cannot_build)
    }
}

fn cannot_write(error: std::io::Error, path: &Path) -> Error {
    if error.kind() == std::io::ErrorKind::InvalidInput && error.raw_os_error().is_none() {
        return Error::option(format!("embedded null byte in the path for rejects ({error})"));
    }
    Error::from_io(error, "cannot write rejects").in_source(Some(path.to_string_lossy().into()))
}

fn cannot_build(error: arrow_schema::ArrowError) -> Error {
    Error::internal(format!("cannot build a batch: {error}"))
}

impl Iterator for BatchStream {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.wait(None) {
            Poll::Ready(next) => next,
            // Without a deadline the wait is for good.
            Poll::Pending => None,
        }
    }
}
