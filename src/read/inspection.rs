//! Reading sources to count records, or to list what is wrong with them.

use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{ReadOptions, TableBuild, Tally, cannot_build, start};
use crate::error::Error;
use crate::iso2709::blocks::{Block, BlockSize};
use crate::layout::{Built, KeepRaw, Layout, Plan, Shape, count, problem_batch, problem_schema};
use crate::pipeline::{Build, Pipeline, Wait};
use crate::problem::{Problem, ProblemCounts};
use crate::source::Source;

/// Bytes of a block that is only counted: it stays in the second cache, and so does the next one.
const COUNT_BYTES: usize = 256 << 10;
/// Records of such a block, at most; a catalogue has some hundred in so many bytes.
const COUNT_RECORDS: usize = 8 << 10;
/// Problems that are handed over at once.
const COUNT_PROBLEMS: usize = 4 << 10;

/// Counts records.
struct CountBuild;

impl Build for CountBuild {
    type Output = Built;

    fn block(&self, block: Block) -> Result<Built, Error> {
        Ok(count(block))
    }

    fn foreign(&self, problem: Problem) -> Built {
        Built::of_foreign(problem)
    }

    fn is_cheap(&self) -> bool {
        true
    }

    fn add(&self, so_far: &mut Built, next: Built) -> bool {
        so_far.rows.extend(next.rows);
        so_far.problems.extend(next.problems);
        so_far.problems.len() >= COUNT_PROBLEMS
    }
}

/// Counts records, or lists what is wrong with them: a read that gives no table.
#[derive(Debug)]
pub struct Inspection {
    pipeline: Pipeline<Built>,
    tally: Tally,
    rows: u64,
}

impl Inspection {
    /// Counts the records of `sources`: looks at boundaries and at where directories end, and at nothing inside of records.
    ///
    /// Rejected records never end an inspection: it is what tells about them. A source that is no MARC at all does, unless
    /// the options say to ignore errors.
    ///
    /// # Errors
    ///
    /// As for [`read`](super::read()).
    pub fn count(sources: Vec<Source>, options: &ReadOptions) -> Result<Self, Error> {
        let size = BlockSize { records: COUNT_RECORDS, bytes: COUNT_BYTES };
        let pipeline = start(sources, options, KeepRaw::Nothing, size, CountBuild)?;
        Ok(Self { pipeline, tally: Tally { ignore_errors: true, ..Tally::new(options) }, rows: 0 })
    }

    /// Finds everything that a table of all fields with these options would be without, or have in another form, and keeps the
    /// bytes.
    ///
    /// # Errors
    ///
    /// As for [`read`](super::read()).
    pub fn problems_of(sources: Vec<Source>, options: &ReadOptions) -> Result<Self, Error> {
        if options.rejects.is_some() {
            return Err(Error::option(
                "rejects goes with reading tables; a list of problems has the bytes in its column raw",
            ));
        }
        // The table is built, too: whether a dictionary has room for all codes shows only there.
        let shape = Shape { keep_raw: true, ..options.shape() };
        let plan = Plan {
            keep: KeepRaw::All,
            layout: Layout::Records,
            named: None,
            selected: None,
            tags: None,
            shape,
            ..options.plan()
        };
        options.validate()?;
        let pipeline = start(sources, options, plan.keep, options.size()?, TableBuild(plan))?;
        Ok(Self { pipeline, tally: Tally { ignore_errors: true, ..Tally::new(options) }, rows: 0 })
    }

    /// Records that were counted or are rows of the table, so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of the sources that have been read, after decompression.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.pipeline.bytes_read()
    }

    /// How often each problem was met so far.
    #[must_use]
    pub fn problems(&self) -> &ProblemCounts {
        &self.tally.counts
    }

    /// The schema of tables of problems.
    #[must_use]
    pub fn schema() -> SchemaRef {
        problem_schema()
    }

    /// The problems of a stretch of input, or `None` at the end; waits at most `timeout` and then gives none of a stretch.
    ///
    /// # Errors
    ///
    /// Input that cannot be read at all.
    pub fn poll(&mut self, timeout: Duration) -> Result<Option<Vec<Problem>>, Error> {
        if self.tally.done {
            self.pipeline.stop();
            return Ok(None);
        }
        match self.pipeline.next(Instant::now().checked_add(timeout)) {
            Wait::Pending => Ok(Some(Vec::new())),
            Wait::Ready(None) => {
                self.tally.done = true;
                Ok(None)
            }
            Wait::Ready(Some(built)) => {
                let mut built = built?;
                self.rows += self.tally.take(&mut built)? as u64;
                Ok(Some(built.problems))
            }
        }
    }

    /// A table of `problems` with the schema of [`Inspection::schema`].
    ///
    /// # Errors
    ///
    /// More text than an Arrow array can hold.
    pub fn batch(problems: &[Problem]) -> Result<RecordBatch, Error> {
        problem_batch(problems).map_err(cannot_build)
    }
}
