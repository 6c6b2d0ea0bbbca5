//! The pool itself reads: whoever builds a block has read it, so that its bytes are in that core's cache and no thread
//! is woken for it.
//!
//! A turn is the right to read one block and to build it. One turn reads at a time, in the order of the input; the others
//! wait as a number, not as threads. Who has read passes the next turn to the pool before it builds. The consumer begins
//! with as many turns as blocks may be ahead, and gives one for each block that it takes.
//!
//! For files and memory alone: a stream that waits for somebody would keep a thread of the pool waiting, which may be
//! that somebody's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::{Build, Shared, Slot, contained, foreign, next_of};
use crate::error::Error;
use crate::feed::{Fed, Feed};
use crate::iso2709::blocks::Block;
use crate::pool::Pool;

pub(super) struct Turns<T> {
    pool: Pool,
    shared: Arc<Shared>,
    build: Arc<dyn Build<Output = T>>,
    /// Turns that were given and have not read yet. Above 0, one of them is on the pool.
    given: AtomicUsize,
    /// Locked by the turn that reads, which is one.
    reading: Mutex<Reading<T>>,
}

struct Reading<T> {
    feed: Feed,
    /// `None` once the end, or an error, was said. Never full: there are as many slots as turns.
    slots: Option<Sender<Slot<T>>>,
}

/// A block and where to send what becomes of it.
type Job<T> = (Block, Sender<Result<T, Error>>);

impl<T: Send + 'static> Turns<T> {
    /// Begins with `ahead` turns; what comes of them, in the order of the input.
    pub(super) fn start(
        pool: Pool,
        shared: Arc<Shared>,
        feed: Feed,
        build: Arc<dyn Build<Output = T>>,
        ahead: usize,
    ) -> (Arc<Self>, Receiver<Slot<T>>) {
        let (sender, slots) = unbounded();
        let reading = Mutex::new(Reading { feed, slots: Some(sender) });
        let turns = Arc::new(Self { pool, shared, build, given: AtomicUsize::new(0), reading });
        turns.give(ahead);
        (turns, slots)
    }

    /// Gives so many turns more.
    pub(super) fn give(self: &Arc<Self>, turns: usize) {
        if self.given.fetch_add(turns, Ordering::AcqRel) == 0 && turns > 0 {
            self.pass_on();
        }
    }

    fn pass_on(self: &Arc<Self>) {
        let turns = Arc::clone(self);
        self.pool.spawn(move || turns.take());
    }

    /// One turn.
    fn take(self: &Arc<Self>) {
        // Other readers wait for the pool, too.
        self.pool.give_way();
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let job = reading.read(&self.shared, &*self.build);
        let ended = reading.slots.is_none();
        drop(reading);
        // Nobody takes what is left of the turns once there is nothing to read.
        if !ended && self.given.fetch_sub(1, Ordering::AcqRel) > 1 {
            self.pass_on();
        }
        if let Some((block, sender)) = job
            && !self.shared.cancelled.load(Ordering::Relaxed)
        {
            // The consumer may have gone.
            let _ = sender.send(contained(&*self.build, block));
        }
    }
}

impl<T: Send + 'static> Reading<T> {
    fn read(&mut self, shared: &Shared, build: &dyn Build<Output = T>) -> Option<Job<T>> {
        let wanted = || !shared.cancelled.load(Ordering::Relaxed);
        let Some(slots) = self.slots.take().filter(|_| wanted()) else {
            self.feed.close();
            return None;
        };
        let mut job = None;
        let slot = match next_of(&mut self.feed, wanted) {
            Ok(Fed::Block(block)) => {
                shared.bytes_read.fetch_add(block.bytes.len() as u64, Ordering::Relaxed);
                let (sender, result) = bounded(1);
                job = Some((block, sender));
                Slot::Job(result)
            }
            Ok(Fed::Foreign(problem)) => Slot::Done(foreign(build, problem)),
            Ok(Fed::End | Fed::Unwanted) => Slot::End,
            Err(error) => Slot::Done(Err(error)),
        };
        let ended = matches!(slot, Slot::End | Slot::Done(Err(_)));
        // Where the consumer has gone there is no need to go on.
        if slots.send(slot).is_ok() && !ended {
            self.slots = Some(slots);
        } else {
            self.feed.close();
        }
        job
    }
}
