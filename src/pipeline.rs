//! Producer, pool and ordered channel: blocks go in, results come out in the order of the input.
//!
//! ```text
//! producer thread ── slot ──► bounded channel ──► consumer        (the channel's order is the order of the input)
//!        └── job ──► pool ──► the slot's own channel ──┘
//! ```
//!
//! The producer puts a slot into the bounded channel *before* it spawns the job that will fill it, so that no pool
//! thread ever waits for a channel and what is in flight is bounded by the channel's capacity. The end of the input is
//! said, never inferred: a producer or worker that is lost without a word is an error. Dropping the consumer disconnects
//! the channel, and the producer stops at its next slot.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::error::{Error, ErrorKind};
use crate::iso2709::blocks::{BlockSize, Blocks, Next};
use crate::iso2709::scanner::MAX_RECORD;
use crate::layout::{Built, Plan, build};
use crate::pool::Pool;
use crate::problem::{Code, Problem};
use crate::source::Source;

/// Blocks in flight for each thread of the pool.
const BLOCKS_PER_THREAD: usize = 2;

/// What the producer says, in the order of the input.
enum Slot {
    /// A block is being built; its result comes through here.
    Job(Receiver<Result<Built, Error>>),
    /// Something known without building.
    Done(Result<Built, Error>),
    End,
}

/// What to read and how.
pub(crate) struct Work {
    pub sources: Vec<Source>,
    pub size: BlockSize,
    pub plan: Plan,
    /// A source that is not ISO 2709 is one reject, not an error.
    pub ignore_foreign: bool,
}

/// The consumer's end.
pub(crate) struct Pipeline {
    slots: Receiver<Slot>,
    pending: Option<Receiver<Result<Built, Error>>>,
    shared: Arc<Shared>,
    process: u32,
    finished: bool,
}

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

impl Pipeline {
    pub(crate) fn start(work: Work) -> Result<Self, Error> {
        let pool = Pool::get()?;
        let (sender, slots) = bounded(pool.threads() * BLOCKS_PER_THREAD);
        let shared = Arc::new(Shared::default());
        let producer = Producer { pool, sender, shared: Arc::clone(&shared), work };
        std::thread::Builder::new()
            .name("mrrc-arrow-producer".into())
            .spawn(move || producer.run())
            .map_err(|error| Error::from_io(error, "cannot start the producer thread"))?;
        Ok(Self { slots, pending: None, shared, process: std::process::id(), finished: false })
    }

    /// Bytes of the (decompressed) sources that are in blocks handed to the pool.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.shared.bytes_read.load(Ordering::Relaxed)
    }

    /// The next result, `None` at the end and ever after, also after an error. Waits until `deadline`; without one, for good.
    pub(crate) fn next(&mut self, deadline: Option<Instant>) -> Wait<Option<Result<Built, Error>>> {
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

    fn receive(&mut self, deadline: Option<Instant>) -> Wait<Option<Result<Built, Error>>> {
        let job = match self.pending.take() {
            Some(job) => job,
            None => match receive(&self.slots, deadline) {
                Wait::Pending => return Wait::Pending,
                Wait::Ready(Some(Slot::Job(job))) => job,
                Wait::Ready(Some(Slot::Done(result))) => return Wait::Ready(Some(result)),
                Wait::Ready(Some(Slot::End)) => return Wait::Ready(None),
                Wait::Ready(None) => return Wait::Ready(Some(Err(Error::internal("the reading thread was lost")))),
            },
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

    /// Ends the reading; whatever is in flight is dropped.
    pub(crate) fn stop(&mut self) {
        self.finished = true;
        self.shared.cancelled.store(true, Ordering::Relaxed);
        // Disconnects the channel, on which the producer may be waiting.
        let slots = std::mem::replace(&mut self.slots, crossbeam_channel::never());
        let pending = self.pending.take();
        if std::process::id() != self.process {
            // In a forked child the channels' locks may be held for ever, by threads that are the parent's.
            std::mem::forget((slots, pending));
        }
    }
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The ends of channels have nothing to show.
        f.debug_struct("Pipeline").field("finished", &self.finished).finish_non_exhaustive()
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.stop();
    }
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

struct Producer {
    pool: Pool,
    sender: Sender<Slot>,
    shared: Arc<Shared>,
    work: Work,
}

/// The consumer is gone.
struct Gone;

impl Producer {
    fn run(self) {
        let last = match catch_unwind(AssertUnwindSafe(|| self.produce())) {
            Ok(Err(Gone)) => return,
            Ok(Ok(Ok(()))) => Slot::End,
            Ok(Ok(Err(error))) => Slot::Done(Err(error)),
            Err(panic) => Slot::Done(Err(panicked(&*panic))),
        };
        // Nobody may be listening any more, which is no matter.
        let _ = self.sender.send(last);
    }

    fn produce(&self) -> Result<Result<(), Error>, Gone> {
        let mut record = 0;
        for source in &self.work.sources {
            let mut blocks = match Blocks::open(source.clone(), record, self.work.size) {
                Ok(blocks) => blocks,
                Err(error) => return Ok(Err(error)),
            };
            loop {
                match blocks.next() {
                    Ok(Next::Block(block)) => {
                        self.shared.bytes_read.fetch_add(block.bytes.len() as u64, Ordering::Relaxed);
                        self.spawn(block)?;
                    }
                    Ok(Next::Foreign(looks_like)) => match self.foreign(source, &mut blocks, looks_like) {
                        Ok(built) => {
                            self.send(Slot::Done(Ok(built)))?;
                            record = blocks.next_record() + 1;
                            break;
                        }
                        Err(error) => return Ok(Err(error)),
                    },
                    Ok(Next::End) => {
                        record = blocks.next_record();
                        break;
                    }
                    Err(error) => return Ok(Err(error)),
                }
            }
        }
        Ok(Ok(()))
    }

    fn send(&self, slot: Slot) -> Result<(), Gone> {
        self.sender.send(slot).map_err(|_| Gone)
    }

    fn spawn(&self, block: crate::iso2709::blocks::Block) -> Result<(), Gone> {
        let (sender, result) = bounded(1);
        self.send(Slot::Job(result))?;
        let shared = Arc::clone(&self.shared);
        let plan = self.work.plan;
        self.pool.spawn(move || {
            if shared.cancelled.load(Ordering::Relaxed) {
                return;
            }
            let (source, first_record, offset) = (block.source.clone(), block.first_record, block.offset);
            let built = match catch_unwind(AssertUnwindSafe(|| build(block, plan))) {
                Ok(Ok(built)) => Ok(built),
                Ok(Err(error)) => Err(Error::internal(format!("cannot build a batch: {error}"))),
                Err(panic) => Err(panicked(&*panic)),
            };
            let built = built.map_err(|error| error.at(Some(first_record), offset).in_source(source));
            // The consumer may have gone.
            let _ = sender.send(built);
        });
        Ok(())
    }

    /// A whole source as one reject.
    fn foreign(&self, source: &Source, blocks: &mut Blocks, looks_like: &str) -> Result<Built, Error> {
        let error = source.unsupported(looks_like);
        if !self.work.ignore_foreign {
            return Err(error);
        }
        let keep = if self.work.plan.keep_raw { MAX_RECORD } else { 0 };
        let (raw, length) = blocks.drain(keep, || !self.shared.cancelled.load(Ordering::Relaxed))?;
        let problem = Problem {
            source: source.name().cloned(),
            record: Some(blocks.next_record()),
            offset: 0,
            length,
            tag: None,
            code: Code::UnsupportedFormat,
            message: error.message().to_owned().into(),
            raw,
        };
        Ok(Built { parts: Vec::new(), rows: Vec::new(), problems: vec![problem], source: source.name().cloned() })
    }
}

/// The error for using a reader of the parent's in a forked child.
pub(crate) fn forked() -> Error {
    let message = "this reader was opened before the process forked; open it anew in the child";
    Error::new(ErrorKind::Forked, "forked", message)
}

/// The error for a panic that was caught.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::internal(format!("a worker panicked: {said}; please report this with the file"))
}
