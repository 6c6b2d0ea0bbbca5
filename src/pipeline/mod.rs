//! Reader, pool and ordered channel: blocks go in, results come out in the order of the input.
//!
//! ```text
//! reader ── slot ──► channel ──► consumer                (the channel's order is the order of the input)
//!    └── job ──► pool ──► the slot's own channel ──┘
//! ```
//!
//! Whoever reads puts a slot into the channel *before* the job begins that will fill it, so that no pool thread ever waits for a
//! channel. What is in flight is bounded: by the channel's capacity, or by turns, one for each block. The end of the input is
//! said, never inferred: a reader or worker that is lost without a word is an error. Dropping the consumer disconnects the
//! channel, and the reader stops at its next slot. Three kinds of reader are served by the pool: its own threads ([`turns`]), a
//! thread beside it ([`producer`]), and the consumer ([`driven`]). Without a pool, the consumer reads and builds alone.

mod driven;
mod producer;
mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::error::{Error, ErrorKind, caught};
use crate::feed::{Fed, Feed, Input};
use crate::iso2709::blocks::Block;
use crate::pool::Pool;
use crate::problem::Problem;
use driven::Driven;
use producer::Producer;
use turns::Turns;

/// Blocks in flight for each thread of the pool, where nothing else bounds them.
const BLOCKS_PER_THREAD: usize = 2;

/// How large blocks may be that who asks for them reads and builds alone, as there is one core: nothing interrupts that.
const MOST_ALONE: usize = 16 << 20;

/// What the producer says, in the order of the input.
enum Slot<T> {
    /// A block is being built; its result comes through here.
    Job(Receiver<Result<T, Error>>),
    /// Something known without building.
    Done(Result<T, Error>),
    End,
}

/// What becomes of blocks, on any thread.
pub(crate) trait Build: Send + Sync + 'static {
    type Output: Send + 'static;

    fn block(&self, block: Block) -> Result<Self::Output, Error>;

    /// What a whole source that is one reject becomes.
    fn foreign(&self, problem: Problem) -> Self::Output;

    /// Whether building costs less than handing the block to another thread. Then whoever reads builds, too, and hands over what
    /// came of several blocks at once.
    fn is_cheap(&self) -> bool {
        false
    }

    /// Adds what came of the next block of the same source, and tells whether that is enough to be handed over; asked of cheap
    /// builders alone.
    fn add(&self, so_far: &mut Self::Output, next: Self::Output) -> bool {
        *so_far = next;
        true
    }
}

/// The consumer's end.
pub(crate) struct Pipeline<T> {
    origin: Origin<T>,
    pending: Option<Receiver<Result<T, Error>>>,
    shared: Arc<Shared>,
    process: u32,
    finished: bool,
}

/// Who reads the input.
enum Origin<T> {
    /// A thread of its own.
    Producer(Receiver<Slot<T>>),
    /// The pool's threads.
    Turns(Arc<Turns<T>>, Receiver<Slot<T>>),
    /// The consumer alone, block by block. Parts of files are read so, each by one thread of many. So is what is at hand where there is
    /// one core: another thread would but take its turns on it, and blocks leave its cache meanwhile.
    Alone(Box<Feed>, Arc<dyn Build<Output = T>>, HadNoTime),
    /// The consumer itself: Python files are called by nobody else. A thread of ours that calls Python cannot be told when the
    /// interpreter ends, which then ends the thread in the middle of our code; and Ctrl-C reaches the thread that waits.
    Consumer(Box<Driven<T>>),
}

/// Whoever asked the last time had no time left, and got nothing.
type HadNoTime = bool;

/// What whoever never has time is made to wait, for a block every other time, so that reading goes on.
const LITTLE: Duration = Duration::from_millis(1);

/// What producer and jobs look at and tell while they run.
#[derive(Default)]
struct Shared {
    /// The consumer has gone; nobody wants what is still in flight.
    cancelled: AtomicBool,
    bytes_read: AtomicU64,
}

/// The result of waiting.
#[derive(Debug)]
pub(crate) enum Wait<T> {
    Ready(T),
    /// The deadline passed first.
    Pending,
}

impl<T: Send + 'static> Pipeline<T> {
    /// Starts reading, with at most `ahead` blocks waiting for the consumer; `None` for as many as keep the pool busy.
    pub(crate) fn start(input: Input, build: impl Build<Output = T>, ahead: Option<usize>) -> Result<Self, Error> {
        let feed = Feed::new(input);
        if feed.is_in_parts() {
            // No pool: there may be as many processes as a pool would have threads.
            return Ok(Self::alone(feed, build));
        }
        Self::start_beside(Pool::get()?, feed, build, ahead)
    }

    /// The same, where there is a pool.
    fn start_beside(
        pool: Pool,
        feed: Feed,
        build: impl Build<Output = T>,
        ahead: Option<usize>,
    ) -> Result<Self, Error> {
        if pool.shares_a_core() && suits_one(&feed, &build) {
            return Ok(Self::alone(feed, build));
        }
        Self::on(pool, feed, build, ahead)
    }

    /// Of which the consumer reads and builds one block when it asks for it.
    fn alone(feed: Feed, build: impl Build<Output = T>) -> Self {
        Self::from(Origin::Alone(Box::new(feed), Arc::new(build), false), Arc::default())
    }

    /// Starts reading, on `pool`.
    fn on(pool: Pool, feed: Feed, build: impl Build<Output = T>, ahead: Option<usize>) -> Result<Self, Error> {
        let shared = Arc::<Shared>::default();
        let ahead = ahead.unwrap_or(pool.threads() * BLOCKS_PER_THREAD);
        let origin = if feed.has_python_files() {
            Origin::Consumer(Box::new(Driven::new(pool, feed, Arc::new(build), ahead)))
        } else if feed.is_at_hand() && !build.is_cheap() {
            let (turns, slots) = Turns::start(pool, Arc::clone(&shared), feed, Arc::new(build), ahead);
            Origin::Turns(turns, slots)
        } else {
            let (sender, slots) = bounded(ahead);
            let producer = Producer::new(pool, sender, Arc::clone(&shared), feed, build);
            std::thread::Builder::new()
                .name("mrrc-arrow-producer".into())
                .spawn(move || producer.run())
                .map_err(|error| Error::from_io(error, "cannot start the producer thread"))?;
            Origin::Producer(slots)
        };
        Ok(Self::from(origin, shared))
    }

    fn from(origin: Origin<T>, shared: Arc<Shared>) -> Self {
        Self { origin, pending: None, shared, process: std::process::id(), finished: false }
    }

    /// Bytes of the (decompressed) sources that are in blocks which were read to be built.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.shared.bytes_read.load(Ordering::Relaxed)
    }

    /// The next result, `None` at the end and ever after, also after an error. Waits until `deadline`; without one, for good.
    pub(crate) fn next(&mut self, deadline: Option<Instant>) -> Wait<Option<Result<T, Error>>> {
        if self.finished {
            return Wait::Ready(None);
        }
        if std::process::id() != self.process {
            self.finished = true;
            return Wait::Ready(Some(Err(forked())));
        }
        let result = match self.receive(deadline) {
            Wait::Pending => return Wait::Pending,
            Wait::Ready(result) => result,
        };
        if !matches!(result, Some(Ok(_))) {
            self.stop();
        }
        Wait::Ready(result)
    }

    fn receive(&mut self, deadline: Option<Instant>) -> Wait<Option<Result<T, Error>>> {
        let job = if let Some(job) = self.pending.take() {
            job
        } else {
            let slot = match &mut self.origin {
                Origin::Producer(slots) => receive(slots, deadline),
                Origin::Turns(turns, slots) => {
                    let slot = receive(slots, deadline);
                    turns.give(usize::from(matches!(slot, Wait::Ready(Some(_)))));
                    slot
                }
                Origin::Consumer(driven) => Wait::Ready(driven.next(&self.shared)),
                Origin::Alone(feed, build, had_no_time) => {
                    let soon = Instant::now() + LITTLE;
                    let deadline = deadline.map(|deadline| if *had_no_time { deadline.max(soon) } else { deadline });
                    let slot = alone(feed, &**build, &self.shared, deadline);
                    *had_no_time = matches!(slot, Wait::Pending);
                    match slot {
                        Wait::Pending => Wait::Pending,
                        Wait::Ready(slot) => Wait::Ready(Some(slot)),
                    }
                }
            };
            match slot {
                Wait::Pending => return Wait::Pending,
                Wait::Ready(Some(Slot::Job(job))) => job,
                Wait::Ready(Some(Slot::Done(result))) => return Wait::Ready(Some(result)),
                Wait::Ready(Some(Slot::End)) => return Wait::Ready(None),
                Wait::Ready(None) => return Wait::Ready(Some(Err(Error::internal("the reading thread was lost")))),
            }
        };
        match receive(&job, deadline) {
            Wait::Pending => {
                self.pending = Some(job);
                Wait::Pending
            }
            Wait::Ready(Some(result)) => Wait::Ready(Some(result)),
            Wait::Ready(None) => Wait::Ready(Some(Err(Error::internal("a worker was lost")))),
        }
    }
}

impl<T> Pipeline<T> {
    /// Ends the reading; whatever is in flight is dropped.
    pub(crate) fn stop(&mut self) {
        self.finished = true;
        self.shared.cancelled.store(true, Ordering::Relaxed);
        // Disconnects the channel, on which the producer may be waiting.
        let slots = std::mem::replace(&mut self.origin, Origin::Producer(crossbeam_channel::never()));
        let pending = self.pending.take();
        if std::process::id() != self.process {
            // In a forked child the channels' locks may be held for ever, by threads that are the parent's.
            std::mem::forget((slots, pending));
        }
    }
}

impl<T> std::fmt::Debug for Pipeline<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The ends of channels have nothing to show.
        f.debug_struct("Pipeline").field("finished", &self.finished).finish_non_exhaustive()
    }
}

impl<T> Drop for Pipeline<T> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether who asks for blocks does best to read and build them, as there is one core.
fn suits_one(feed: &Feed, build: &impl Build) -> bool {
    feed.is_at_hand() && feed.block_bytes() <= MOST_ALONE && !build.is_cheap()
}

/// `None` where the sender is gone.
fn receive<T>(channel: &Receiver<T>, deadline: Option<Instant>) -> Wait<Option<T>> {
    match deadline {
        None => Wait::Ready(channel.recv().ok()),
        Some(deadline) => match channel.recv_deadline(deadline) {
            Ok(value) => Wait::Ready(Some(value)),
            Err(RecvTimeoutError::Timeout) => Wait::Pending,
            Err(RecvTimeoutError::Disconnected) => Wait::Ready(None),
        },
    }
}

/// Builds `block` on the pool and sends what became of it.
fn spawn<B: Build + ?Sized>(
    pool: &Pool,
    shared: Arc<Shared>,
    build: Arc<B>,
    block: Block,
    sender: Sender<Result<B::Output, Error>>,
) {
    pool.spawn(move || {
        if shared.cancelled.load(Ordering::Relaxed) {
            return;
        }
        // The consumer may have gone.
        let _ = sender.send(contained(&*build, block));
    });
}

/// The next slot, built here. A source that is only read to its end may take longer than whoever asks has time.
fn alone<T>(feed: &mut Feed, build: &dyn Build<Output = T>, shared: &Shared, deadline: Option<Instant>) -> Wait<Slot<T>>
where
    T: Send + 'static,
{
    let has_time = || deadline.is_none_or(|deadline| Instant::now() < deadline);
    if !has_time() {
        return Wait::Pending;
    }
    Wait::Ready(match next_of(feed, has_time) {
        Ok(Fed::Block(block)) => {
            shared.bytes_read.fetch_add(block.bytes.len() as u64, Ordering::Relaxed);
            Slot::Done(contained(build, block))
        }
        Ok(Fed::Foreign(problem)) => Slot::Done(foreign(build, problem)),
        Ok(Fed::Unwanted) => return Wait::Pending,
        Ok(Fed::End) => Slot::End,
        Err(error) => Slot::Done(Err(error)),
    })
}

/// What comes next, as [`Feed::next`] has it; a panic is an error.
pub(crate) fn next_of(feed: &mut Feed, wanted: impl Fn() -> bool) -> Result<Fed, Error> {
    caught(|| feed.next(wanted)).and_then(|next| next)
}

/// Builds a block; an error or panic tells where it happened.
pub(crate) fn contained<B: Build + ?Sized>(build: &B, block: Block) -> Result<B::Output, Error> {
    let (source, first_record, offset) = (block.source.clone(), block.first_record, block.offset);
    let result = caught(|| build.block(block)).and_then(|built| built);
    result.map_err(|error| error.at(Some(first_record), offset).in_source(source))
}

/// What a whole source that is one reject becomes; a panic is an error.
fn foreign<B: Build + ?Sized>(build: &B, problem: Problem) -> Result<B::Output, Error> {
    caught(|| build.foreign(problem))
}

/// The error for using a reader of the parent's in a forked child.
pub(crate) fn forked() -> Error {
    let message = "this reader was opened before the process forked; open it anew in the child";
    Error::new(ErrorKind::Forked, "forked", message)
}

#[cfg(test)]
mod tests;
