//! How a consumer waits where all threads share one core: asleep, until the pool has nothing more to do and rings.
//!
//! Who waits for a channel looks again and again for a while before it sleeps, which there takes from the one that it waits for. With more cores
//! it takes from nobody, and to be woken takes longer than to look.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError};

use super::Wait;

/// Where what rings takes long, which may be a read of a file far away, what came before it is not kept waiting longer.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

#[derive(Debug, Default)]
pub(super) struct Bell {
    sleeper: Mutex<Option<Thread>>,
}

/// Rings when it is dropped, also by a panic: whatever was to be sent has been, or never will be.
pub(super) struct Rings<'a>(pub Option<&'a Bell>);

impl Drop for Rings<'_> {
    fn drop(&mut self) {
        if let Some(bell) = self.0 {
            bell.ring();
        }
    }
}

impl Bell {
    fn ring(&self) {
        let sleeper = self.sleeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sleeper) = sleeper {
            sleeper.unpark();
        }
    }

    /// As [`super::receive`]. Whoever sends into the channel, or lets go of it, rings after that, or what it has passed its turn on to does.
    pub(super) fn receive<T>(&self, channel: &Receiver<T>, deadline: Option<Instant>) -> Wait<Option<T>> {
        loop {
            if let Wait::Ready(received) = received(channel) {
                return Wait::Ready(received);
            }
            *self.sleeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current());
            // It may have rung before anybody slept.
            if let Wait::Ready(received) = received(channel) {
                return Wait::Ready(received);
            }
            let left = deadline.map_or(LOOK_AGAIN, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Wait::Pending;
            }
            thread::park_timeout(left.min(LOOK_AGAIN));
        }
    }
}

/// What there is in the channel now.
fn received<T>(channel: &Receiver<T>) -> Wait<Option<T>> {
    match channel.try_recv() {
        Ok(value) => Wait::Ready(Some(value)),
        Err(TryRecvError::Disconnected) => Wait::Ready(None),
        Err(TryRecvError::Empty) => Wait::Pending,
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;

    #[test]
    fn whatever_is_sent_is_received_by_who_sleeps_and_the_end_too() {
        let bell = Bell::default();
        let (sender, channel) = bounded(1);
        let (taken, told) = bounded(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..2000 {
                    let rings = Rings(Some(&bell));
                    sender.send(number).unwrap();
                    drop(rings);
                    told.recv().unwrap();
                }
                let _rings = Rings(Some(&bell));
                drop(sender);
            });
            for number in 0..2000 {
                assert!(matches!(bell.receive(&channel, None), Wait::Ready(Some(found)) if found == number));
                taken.send(()).unwrap();
            }
            assert!(matches!(bell.receive(&channel, None), Wait::Ready(None)));
        });
    }

    #[test]
    fn what_is_sent_without_a_ring_is_not_kept_waiting_for_long() {
        let bell = Bell::default();
        let (sender, channel) = bounded(1);
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(20));
                sender.send(1).unwrap();
            });
            assert!(matches!(bell.receive(&channel, None), Wait::Ready(Some(1))));
        });
    }

    #[test]
    fn a_panic_rings_too() {
        let bell = Bell::default();
        let (sender, channel) = bounded::<()>(1);
        thread::scope(|scope| {
            let lost = scope.spawn(|| {
                let _rings = Rings(Some(&bell));
                let _sender = sender;
                thread::sleep(Duration::from_millis(20));
                std::panic::resume_unwind(Box::new("lost"));
            });
            assert!(matches!(bell.receive(&channel, None), Wait::Ready(None)));
            assert!(lost.join().is_err());
        });
    }

    #[test]
    fn a_deadline_ends_the_sleep() {
        let bell = Bell::default();
        let (sender, channel) = bounded(1);
        let soon = || Some(Instant::now() + Duration::from_millis(5));
        for deadline in [Some(Instant::now()), soon()] {
            assert!(matches!(bell.receive(&channel, deadline), Wait::Pending));
        }
        // One that rings for nothing wakes nobody for good.
        bell.ring();
        thread::current().unpark();
        assert!(matches!(bell.receive(&channel, soon()), Wait::Pending));
        sender.send(7).unwrap();
        assert!(matches!(bell.receive(&channel, Some(Instant::now())), Wait::Ready(Some(7))));
    }
}
