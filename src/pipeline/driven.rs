//! The consumer itself reads: Python files are called by nobody else.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::bounded;

use super::{Build, Shared, Slot, foreign, next_of, spawn};
use crate::error::Error;
use crate::feed::{Fed, Feed};
use crate::pool::Pool;

/// A pipeline without a producer.
pub(super) struct Driven<T> {
    pool: Pool,
    feed: Feed,
    build: Arc<dyn Build<Output = T>>,
    /// Oldest first.
    slots: VecDeque<Slot<T>>,
    ahead: usize,
    /// The end, or an error, is among the slots.
    ended: bool,
}

impl<T: Send + 'static> Driven<T> {
    pub(super) fn new(pool: Pool, feed: Feed, build: Arc<dyn Build<Output = T>>, ahead: usize) -> Self {
        Self { pool, feed, build, slots: VecDeque::new(), ahead, ended: false }
    }

    /// The oldest slot, once there are as many as may be ahead, or the input has no more to give for now.
    pub(super) fn next(&mut self, shared: &Arc<Shared>) -> Option<Slot<T>> {
        // Whoever wants what there is does not want to wait for more.
        let waits = |this: &Self| !this.slots.is_empty() && this.feed.is_short();
        while !self.ended && self.slots.len() < self.ahead && !waits(self) {
            let slot = match next_of(&mut self.feed, || true) {
                // At once, and not behind what was read before.
                Err(error) if error.is_interruption() => return Some(Slot::Done(Err(error))),
                Ok(Fed::Block(block)) => {
                    shared.bytes_read.fetch_add(block.bytes.len() as u64, Ordering::Relaxed);
                    let (sender, result) = bounded(1);
                    spawn(&self.pool, Arc::clone(shared), Arc::clone(&self.build), block, sender);
                    Slot::Job(result)
                }
                Ok(Fed::Foreign(problem)) => Slot::Done(foreign(&*self.build, problem)),
                Ok(Fed::End) => Slot::End,
                Ok(Fed::Unwanted) => Slot::Done(Err(Error::internal("a source was left that is wanted"))),
                Err(error) => Slot::Done(Err(error)),
            };
            self.ended = matches!(slot, Slot::End | Slot::Done(Err(_)));
            self.slots.push_back(slot);
        }
        self.slots.pop_front()
    }
}
