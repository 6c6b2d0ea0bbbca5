//! A thread of its own that reads: for streams that wait, decompressors, and builders that cost next to nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Sender, bounded};

use super::{Build, Shared, Slot, contained, spawn};
use crate::error::{Error, caught};
use crate::feed::{Fed, Feed};
use crate::iso2709::blocks::Block;
use crate::pool::Pool;

pub(super) struct Producer<B: Build> {
    pool: Pool,
    sender: Sender<Slot<B::Output>>,
    shared: Arc<Shared>,
    feed: Feed,
    build: Arc<B>,
    /// What came of cheap blocks and is not yet handed over, and the bytes of those.
    gathered: Option<B::Output>,
    gathered_bytes: usize,
}

/// Bytes of cheap blocks that are handed over at once.
pub(super) const GATHER: usize = 8 << 20;

/// The consumer is gone.
struct Gone;

impl<B: Build> Producer<B> {
    pub(super) fn new(pool: Pool, sender: Sender<Slot<B::Output>>, shared: Arc<Shared>, feed: Feed, build: B) -> Self {
        Self { pool, sender, shared, feed, build: Arc::new(build), gathered: None, gathered_bytes: 0 }
    }

    pub(super) fn run(mut self) {
        let produced = caught(|| self.produce());
        let _ = self.hand_over();
        let last = match produced {
            Ok(Err(Gone)) => return,
            Ok(Ok(Ok(()))) => Slot::End,
            Ok(Ok(Err(error))) | Err(error) => Slot::Done(Err(error)),
        };
        // Nobody may be listening any more, which is no matter.
        let _ = self.sender.send(last);
    }

    fn produce(&mut self) -> Result<Result<(), Error>, Gone> {
        loop {
            let shared = Arc::clone(&self.shared);
            match self.feed.next(|| !shared.cancelled.load(Ordering::Relaxed)) {
                Ok(Fed::Block(block)) => {
                    self.shared.bytes_read.fetch_add(block.bytes.len() as u64, Ordering::Relaxed);
                    self.spawn(block)?;
                }
                Ok(Fed::Foreign(problem)) => {
                    self.hand_over()?;
                    self.send(Slot::Done(Ok(self.build.foreign(problem))))?;
                }
                Ok(Fed::End | Fed::Unwanted) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    fn send(&self, slot: Slot<B::Output>) -> Result<(), Gone> {
        self.sender.send(slot).map_err(|_| Gone)
    }

    /// Sends what was gathered.
    fn hand_over(&mut self) -> Result<(), Gone> {
        self.gathered_bytes = 0;
        self.gathered.take().map_or(Ok(()), |gathered| self.send(Slot::Done(Ok(gathered))))
    }

    fn gather(&mut self, block: Block) -> Result<(), Gone> {
        if block.offset == 0 {
            // Offsets begin anew with each source.
            self.hand_over()?;
        }
        self.gathered_bytes += block.bytes.len();
        let enough = match (contained(&*self.build, block), &mut self.gathered) {
            (Ok(next), Some(so_far)) => self.build.add(so_far, next),
            (Ok(next), gathered) => {
                *gathered = Some(next);
                false
            }
            (Err(error), _) => {
                self.hand_over()?;
                return self.send(Slot::Done(Err(error)));
            }
        };
        if enough || self.gathered_bytes >= GATHER { self.hand_over() } else { Ok(()) }
    }

    fn spawn(&mut self, block: Block) -> Result<(), Gone> {
        if self.build.is_cheap() {
            return self.gather(block);
        }
        let (sender, result) = bounded(1);
        self.send(Slot::Job(result))?;
        spawn(&self.pool, Arc::clone(&self.shared), Arc::clone(&self.build), block, sender);
        Ok(())
    }
}
