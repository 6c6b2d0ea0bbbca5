//! How a consumer of turns waits where all threads share one core: asleep, until no turn is under way any more, whose last one rings.
//!
//! Who waits for a channel looks again and again for a while before it sleeps, which there takes from the one that it waits for. With more cores
//! it takes from nobody, and to be woken takes longer than to look.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError};

use super::Wait;

/// Where a turn takes long, which may read a file far away, what came before it is not kept waiting longer.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Bell {
    /// Turns that are on the pool or at work.
    under_way: AtomicUsize,
    sleeper: Mutex<Option<Thread>>,
    look_again: Duration,
}

impl Default for Bell {
    fn default() -> Self {
        Self { under_way: AtomicUsize::new(0), sleeper: Mutex::default(), look_again: LOOK_AGAIN }
    }
}

/// Rings when it is dropped, also by a panic, if no other turn is under way: all have sent what they had to send, or never will.
pub(super) struct Rings<'a>(&'a Bell);

impl Drop for Rings<'_> {
    fn drop(&mut self) {
        if self.0.under_way.fetch_sub(1, Ordering::AcqRel) == 1 {
            let sleeper = self.0.sleeper.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(sleeper) = sleeper {
                sleeper.unpark();
            }
        }
    }
}

impl Bell {
    /// One turn more is on its way.
    pub(super) fn begin(&self) {
        self.under_way.fetch_add(1, Ordering::AcqRel);
    }

    /// At the beginning of a turn; what the turn sends is sent, and let go of, before this is dropped.
    pub(super) fn rings(&self) -> Rings<'_> {
        Rings(self)
    }

    /// As [`super::receive`], of what turns send.
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
            let left = deadline.map_or(self.look_again, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Wait::Pending;
            }
            thread::park_timeout(left.min(self.look_again));
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
impl Bell {
    /// One that nobody wakes from but by ringing.
    pub(super) fn without_looking() -> Self {
        Self { look_again: Duration::from_secs(60), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;

    #[test]
    fn whatever_is_sent_wakes_who_sleeps_and_the_end_does_too() {
        let bell = Bell::without_looking();
        let (sender, channel) = bounded(1);
        let (taken, told) = bounded(0);
        thread::scope(|scope| {
            // Where one fails, the other shall not wait for it.
            let taken = taken;
            scope.spawn(|| {
                for number in 0..2000 {
                    bell.begin();
                    let rings = bell.rings();
                    if number % 50 == 0 {
                        thread::sleep(Duration::from_millis(1));
                    }
                    sender.send(number).unwrap();
                    drop(rings);
                    if told.recv().is_err() {
                        return;
                    }
                }
                bell.begin();
                let _rings = bell.rings();
                drop(sender);
            });
            for number in 0..2000 {
                let began = Instant::now();
                assert!(matches!(bell.receive(&channel, None), Wait::Ready(Some(found)) if found == number));
                assert!(began.elapsed() < Duration::from_secs(30), "nobody rang");
                taken.send(()).unwrap();
            }
            assert!(matches!(bell.receive(&channel, None), Wait::Ready(None)));
        });
    }

    #[test]
    fn the_last_turn_under_way_rings_whichever_that_is() {
        let bell = Bell::without_looking();
        for last in [0, 1] {
            let (sender, channel) = bounded(1);
            let began = Instant::now();
            bell.begin();
            bell.begin();
            thread::scope(|scope| {
                for turn in 0..2 {
                    let (bell, sender) = (&bell, sender.clone());
                    scope.spawn(move || {
                        let _rings = bell.rings();
                        thread::sleep(Duration::from_millis(if turn == last { 40 } else { 10 }));
                        if turn == 0 {
                            sender.send(turn).unwrap();
                        }
                    });
                }
                assert!(matches!(bell.receive(&channel, None), Wait::Ready(Some(0))));
            });
            assert!(began.elapsed() < Duration::from_secs(30));
        }
    }

    #[test]
    fn what_is_sent_without_a_ring_is_not_kept_waiting_for_long() {
        let bell = Bell::default();
        let (sender, channel) = bounded(1);
        let began = Instant::now();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(20));
                sender.send(1).unwrap();
            });
            assert!(matches!(bell.receive(&channel, None), Wait::Ready(Some(1))));
        });
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_panic_rings_too() {
        let bell = Bell::without_looking();
        let (sender, channel) = bounded::<()>(1);
        let began = Instant::now();
        bell.begin();
        thread::scope(|scope| {
            let lost = scope.spawn(|| {
                let _rings = bell.rings();
                let _sender = sender;
                thread::sleep(Duration::from_millis(20));
                std::panic::resume_unwind(Box::new("lost"));
            });
            assert!(matches!(bell.receive(&channel, None), Wait::Ready(None)));
            assert!(lost.join().is_err());
        });
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_deadline_ends_the_sleep() {
        let bell = Bell::without_looking();
        let (sender, channel) = bounded(1);
        let soon = || Some(Instant::now() + Duration::from_millis(5));
        for deadline in [Some(Instant::now()), soon()] {
            assert!(matches!(bell.receive(&channel, deadline), Wait::Pending));
        }
        // One that rings for nothing wakes nobody for good.
        bell.begin();
        drop(bell.rings());
        thread::current().unpark();
        assert!(matches!(bell.receive(&channel, soon()), Wait::Pending));
        sender.send(7).unwrap();
        assert!(matches!(bell.receive(&channel, Some(Instant::now())), Wait::Ready(Some(7))));
    }
}
