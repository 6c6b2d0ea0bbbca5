//! Records one at a time: a queue that is filled by the batch, and what comes at the end of the input.
//!
//! ```text
//!              pop                       read_batch: some            read_batch: none
//! Queued ───────────────► Queued or Empty        Empty ──────► Queued        Empty ──────► End ──► End, for ever
//! ```
//!
//! [`Queue`] is that machine and nothing else. It takes batches from a [`RecordReader`]'s feed: files and memory are read ahead
//! on the pool, at most [`RECORDS_AHEAD`] records, or, mostly where there is one core, when asked; a stream of chunks is read by
//! the thread that asks, where one call into its
//! language serves one batch or several. A batch is one [`RecordBlock`], in whose bytes its records are views; in it the
//! boundaries and the directory of each record have been looked at, and no text.

mod block;
mod select;

use std::sync::Arc;
use std::time::Instant;

use crate::encoding::Format;
use crate::error::{Error, ErrorKind, Hint};
use crate::feed::{Fed, Feed, Input};
use crate::iso2709::blocks::BlockSize;
use crate::iso2709::scanner::MAX_RECORD;
use crate::pipeline::{Build, Pipeline, Wait, contained, next_of};
use crate::problem::{Code, ProblemCounts};
use crate::process::generation;
use crate::read::rejected;
use crate::source::{BackendKind, Source};
use block::RecordBuild;
pub use block::{FieldSpans, RecordBlock};
pub use select::{Selected, Selecting};

/// Records in a batch of a stream of chunks, unless the caller says otherwise; what `scripts/benchmark_batch_sizes.py` found.
pub const READER_BATCH_SIZE: usize = 200;
/// The most records that such a batch may be asked to have.
pub const MAX_BATCH_RECORDS: usize = 200;
/// The most bytes of such a batch; a larger record is a batch of its own.
pub const MAX_BATCH_BYTES: usize = 300_000;
/// The most records that are read before they are asked for.
pub const RECORDS_AHEAD: usize = 1000;

/// Blocks of files and memory that wait for the consumer.
const BLOCKS_AHEAD: usize = 4;
/// Bytes of such a block: it is still in the cache of the processor when its records are looked at.
const BLOCK_BYTES: usize = 512 << 10;

/// What a read of one batch gave.
#[derive(Debug)]
enum Batch<B> {
    Some(B),
    /// The input has ended.
    None,
    /// Nothing yet.
    Pending,
}

/// What [`Queue::pop`] gave.
#[derive(Debug, PartialEq, Eq)]
enum Popped<B> {
    /// A place in a batch.
    Entry(Arc<B>, usize),
    Empty,
    End,
}

/// First in, first out; filled by whole batches.
///
/// A queued record is a number into its shared batch: nothing is copied, and a batch is let go with its last record.
#[derive(Debug)]
struct Queue<B> {
    /// The batch at the front, how many of its records have been taken, and how many it has.
    front: Option<(Arc<B>, usize, usize)>,
    end: bool,
}

impl<B> Queue<B> {
    fn new() -> Self {
        Self { front: None, end: false }
    }

    #[inline]
    fn pop(&mut self) -> Popped<B> {
        match &mut self.front {
            Some((batch, next, length)) if *next < *length => {
                *next += 1;
                Popped::Entry(Arc::clone(batch), *next - 1)
            }
            _ if self.end => Popped::End,
            _ => Popped::Empty,
        }
    }

    /// Takes a batch of `length` records.
    fn push(&mut self, batch: Arc<B>, length: usize) {
        self.front = Some((batch, 0, length));
    }

    /// After this there is nothing more, whatever comes.
    fn finish(&mut self) {
        self.front = None;
        self.end = true;
    }
}

/// How a [`RecordReader`] reads.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReaderOptions {
    /// Records in a batch of a stream of chunks; [`READER_BATCH_SIZE`] if `None`.
    pub batch_size: Option<usize>,
    /// The most records of such a batch, whatever its size.
    pub max_records: usize,
    /// The most bytes of such a batch, and of what is asked of the stream at a time; 64 MiB if it is more.
    pub max_bytes: usize,
    /// A source that is no MARC at all is one rejected record.
    pub ignore_foreign: bool,
    /// Which records these are: where they say what their text is encoded in.
    pub format: Format,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self {
            batch_size: None,
            max_records: MAX_BATCH_RECORDS,
            max_bytes: MAX_BATCH_BYTES,
            ignore_foreign: false,
            format: Format::default(),
        }
    }
}

enum Origin {
    /// Read by the thread that asks.
    Inline(Box<Feed>),
    /// Read ahead, but mostly where there is one core.
    Piped(Pipeline<RecordBlock>),
}

/// A record, or what stands in its place.
#[derive(Debug)]
pub enum Item {
    /// A place in a block.
    Record(Arc<RecordBlock>, usize),
    /// A rejected record: its place, and the error that it is.
    Rejected(Arc<RecordBlock>, usize, Error),
    /// The end of the input.
    End,
    /// It takes a batch to tell: call [`RecordReader::read_batch`].
    Empty,
}

/// Iterates over the records of some sources.
///
/// # Examples
///
/// ```
/// use mrrc_arrow::{Item, ReaderOptions, RecordReader, Source};
///
/// let record = b"00059nam a2200049 a 4500001000200000245000700002\x1eX\x1e10\x1faOz\x1e\x1d";
/// let mut reader = RecordReader::open(vec![Source::memory(&record[..])], &ReaderOptions::default())?;
/// let mut titles = Vec::new();
/// loop {
///     match reader.pop()? {
///         Item::Record(block, index) => {
///             for field in block.fields(index).map(|span| block.field(index, span)) {
///                 for subfield in field.subfields().filter(|_| field.tag() == *b"245") {
///                     titles.push(block.text(index, subfield.value()).unwrap().into_owned());
///                 }
///             }
///         }
///         Item::Rejected(_, _, error) => return Err(error),
///         Item::Empty => {
///             reader.read_batch(None)?;
///         }
///         Item::End => break,
///     }
/// }
/// assert_eq!(titles, ["Oz"]);
/// # Ok::<(), mrrc_arrow::Error>(())
/// ```
pub struct RecordReader {
    origin: Origin,
    build: RecordBuild,
    queue: Queue<RecordBlock>,
    counts: ProblemCounts,
    batches: u64,
    generation: u64,
}

impl std::fmt::Debug for RecordReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordReader").field("queue", &self.queue.front.is_some()).finish_non_exhaustive()
    }
}

impl RecordReader {
    /// Opens `sources`, to be read one after the other.
    ///
    /// # Errors
    ///
    /// A missing file, a source that has been read, or a batch size of zero.
    pub fn open(sources: Vec<Source>, options: &ReaderOptions) -> Result<Self, Error> {
        for source in &sources {
            source.check()?;
        }
        let inline = sources.iter().any(|source| source.backend() == BackendKind::PythonFile);
        let batch_size = options.batch_size.unwrap_or(READER_BATCH_SIZE);
        if batch_size == 0 {
            return Err(Error::option("batch_size must be at least 1"));
        }
        let size = if inline {
            BlockSize {
                records: batch_size.min(options.max_records).max(1),
                bytes: options.max_bytes.clamp(1, MAX_RECORD),
            }
        } else {
            // One block waits in the producer's hands, and one is the consumer's.
            BlockSize { records: RECORDS_AHEAD / (BLOCKS_AHEAD + 2), bytes: BLOCK_BYTES }
        };
        let input = Input { sources, size, ignore_foreign: options.ignore_foreign, keep_foreign: MAX_RECORD };
        let build = RecordBuild(options.format);
        let origin = if inline {
            Origin::Inline(Box::new(Feed::new(input)))
        } else {
            Origin::Piped(Pipeline::start(input, build, Some(BLOCKS_AHEAD))?)
        };
        Ok(Self {
            origin,
            build,
            queue: Queue::new(),
            counts: ProblemCounts::default(),
            batches: 0,
            generation: generation(),
        })
    }

    /// The next record of the queue, without reading anything.
    ///
    /// # Errors
    ///
    /// In a forked child, that the reader is its parent's.
    #[inline]
    pub fn pop(&mut self) -> Result<Item, Error> {
        if generation() != self.generation {
            return Err(crate::pipeline::forked());
        }
        Ok(match self.queue.pop() {
            Popped::End => Item::End,
            Popped::Empty => Item::Empty,
            Popped::Entry(block, index) => match block.reject(index) {
                None => Item::Record(block, index),
                Some(problem) => {
                    let error = if problem.code == Code::UnsupportedFormat {
                        let message = problem.message.clone();
                        Error::new(ErrorKind::UnsupportedFormat, problem.code.as_str(), message)
                            .in_source(problem.source.clone())
                    } else {
                        rejected(problem).with_hint(Hint::NextRecord)
                    };
                    Item::Rejected(block, index, error)
                }
            },
        })
    }

    /// Reads one batch into the queue, if that is empty, waiting until `deadline` at most where it is read elsewhere; false if it
    /// takes longer.
    ///
    /// # Errors
    ///
    /// A source that cannot be read; then the reader is at its end.
    pub fn read_batch(&mut self, deadline: Option<Instant>) -> Result<bool, Error> {
        if self.queue.end || self.queued() > 0 {
            return Ok(true);
        }
        if generation() != self.generation {
            return Err(crate::pipeline::forked());
        }
        let batch = match &mut self.origin {
            Origin::Piped(pipeline) => match pipeline.next(deadline) {
                Wait::Pending => Ok(Batch::Pending),
                Wait::Ready(None) => Ok(Batch::None),
                Wait::Ready(Some(block)) => block.map(Batch::Some),
            },
            Origin::Inline(feed) => match next_of(feed, || true) {
                Ok(Fed::Block(block)) => contained(&self.build, block).map(Batch::Some),
                Ok(Fed::Foreign(problem)) => Ok(Batch::Some(self.build.foreign(problem))),
                Ok(Fed::End) => Ok(Batch::None),
                Ok(Fed::Unwanted) => Err(Error::internal("a source was left that is wanted")),
                Err(error) => Err(error),
            },
        };
        match batch {
            Ok(Batch::Pending) => return Ok(false),
            Ok(Batch::None) => self.queue.finish(),
            Ok(Batch::Some(block)) => {
                self.batches += 1;
                self.counts.merge(&block.counts);
                let length = block.len();
                self.queue.push(Arc::new(block), length);
            }
            Err(error) => {
                if !error.is_interruption() {
                    self.close();
                }
                return Err(error);
            }
        }
        Ok(true)
    }

    /// Checks the text of every record in the queue and empties it; the number of records.
    #[doc(hidden)] // for benchmarks
    pub fn check_queue(&mut self) -> usize {
        let Some((block, taken, length)) = self.queue.front.take() else { return 0 };
        for index in taken..length {
            std::hint::black_box(block.text_repairs(index).len());
        }
        length - taken
    }

    /// How many records are queued.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.front.as_ref().map_or(0, |(_, taken, length)| length - taken)
    }

    /// Whether the next record of the queue is a rejected one.
    #[must_use]
    pub fn is_next_rejected(&self) -> bool {
        let next = self.queue.front.as_ref().filter(|(_, taken, length)| taken < length);
        next.is_some_and(|(block, taken, _)| block.reject(*taken).is_some())
    }

    /// Whether the end of the input has been read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.queue.end
    }

    /// How many bytes the next batch will ask of a stream of chunks; 0 if none or not foreseen.
    pub fn foreseen(&mut self) -> usize {
        match &mut self.origin {
            Origin::Inline(feed) if !self.queue.end => feed.foreseen(),
            _ => 0,
        }
    }

    /// Ends the reading.
    pub fn close(&mut self) {
        self.queue.finish();
        match &mut self.origin {
            Origin::Piped(pipeline) => pipeline.stop(),
            Origin::Inline(feed) => feed.close(),
        }
    }

    /// How often each problem of boundary and structure was met in the batches that were read.
    #[must_use]
    pub fn problems(&self) -> &ProblemCounts {
        &self.counts
    }

    /// How many batches were read.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn popped(queue: &mut Queue<&'static str>) -> Option<(&'static str, usize)> {
        match queue.pop() {
            Popped::Entry(batch, index) => Some((*batch, index)),
            Popped::Empty | Popped::End => None,
        }
    }

    #[test]
    fn a_queue_gives_first_in_first_out_and_then_is_empty() {
        let mut queue = Queue::new();
        assert_eq!(queue.pop(), Popped::Empty);
        queue.push(Arc::new("one"), 2);
        assert_eq!((popped(&mut queue), popped(&mut queue)), (Some(("one", 0)), Some(("one", 1))));
        assert_eq!(queue.pop(), Popped::Empty);
        queue.push(Arc::new("two"), 1);
        assert_eq!(popped(&mut queue), Some(("two", 0)));
    }

    #[test]
    fn an_empty_batch_leaves_the_queue_empty_and_not_at_its_end() {
        let mut queue = Queue::new();
        queue.push(Arc::new("none"), 0);
        assert_eq!(queue.pop(), Popped::Empty);
    }

    #[test]
    fn what_is_queued_is_not_lost_by_reading_on() {
        let record = b"00038nam a2200037 a 4500001000100000\x1eX\x1d".repeat(3);
        let mut reader = RecordReader::open(vec![Source::memory(record)], &ReaderOptions::default()).unwrap();
        for _ in 0..3 {
            assert!(reader.read_batch(None).unwrap());
        }
        assert_eq!((reader.queued(), reader.batches()), (3, 1));
    }

    #[test]
    fn a_reader_of_the_parents_says_so_in_a_forked_child_at_every_call() {
        let record = b"00038nam a2200037 a 4500001000100000\x1eX\x1d".repeat(3);
        let mut reader = RecordReader::open(vec![Source::memory(record)], &ReaderOptions::default()).unwrap();
        assert!(reader.read_batch(None).unwrap());
        assert!(matches!(reader.pop(), Ok(Item::Record(..))));
        // As it looks in a child: a fork lies between the reader and whoever asks.
        reader.generation = reader.generation.wrapping_sub(1);
        for _ in 0..2 {
            assert_eq!(reader.pop().unwrap_err().kind(), ErrorKind::Forked);
        }
        reader.check_queue();
        assert_eq!(reader.read_batch(None).unwrap_err().code(), "forked");
    }

    #[test]
    fn the_end_is_for_ever() {
        let mut queue = Queue::new();
        queue.push(Arc::new("rest"), 3);
        queue.finish();
        for _ in 0..3 {
            assert_eq!(queue.pop(), Popped::End);
        }
    }
}
