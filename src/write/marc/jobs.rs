//! Jobs on the pool, some at a time, and what comes of them in the order that they were begun in.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};

use crate::error::{Error, caught};
use crate::pool::Pool;
use crate::write::{Check, wait_for};

/// Jobs that are under way at a time, for each thread.
const PER_THREAD: usize = 4;

type Work<T, R> = dyn Fn(&T) -> Result<R, Error> + Send + Sync;

/// What does the same with one thing after another. Dropped, it waits for what is under way, so that nothing of a caller's is
/// held when the caller has gone on.
pub(super) struct Jobs<T, R> {
    work: Arc<Work<T, R>>,
    pool: Pool,
    under_way: VecDeque<Receiver<Result<R, Error>>>,
}

impl<T: Send + 'static, R: Send + 'static> Jobs<T, R> {
    pub(super) fn new(pool: Pool, work: impl Fn(&T) -> Result<R, Error> + Send + Sync + 'static) -> Self {
        Self { work: Arc::new(work), pool, under_way: VecDeque::new() }
    }

    /// Whether another one may begin.
    pub(super) fn has_room(&self) -> bool {
        self.under_way.len() < self.pool.threads() * PER_THREAD
    }

    pub(super) fn begin(&mut self, with: T) {
        let (sender, receiver) = bounded(1);
        let work = Arc::clone(&self.work);
        self.pool.spawn(move || {
            let made = caught(|| work(&with)).and_then(|made| made);
            drop(with);
            // Nobody waits for it if something else went wrong.
            let _ = sender.send(made);
        });
        self.under_way.push_back(receiver);
    }

    /// What came of the first, if it is done.
    pub(super) fn ready(&mut self) -> Option<Result<R, Error>> {
        let done = self.under_way.front()?.try_recv().ok()?;
        self.under_way.pop_front();
        Some(done)
    }

    /// What comes of the first; nothing, if none is under way.
    ///
    /// # Errors
    ///
    /// Those of `check`.
    pub(super) fn wait(&mut self, check: Check<'_>) -> Result<Option<Result<R, Error>>, Error> {
        let Some(first) = self.under_way.front() else { return Ok(None) };
        let done = wait_for(first, check)?;
        self.under_way.pop_front();
        Ok(Some(done))
    }
}

impl<T, R> Drop for Jobs<T, R> {
    fn drop(&mut self) {
        for job in self.under_way.drain(..) {
            let _ = job.recv();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn all(jobs: &mut Jobs<u64, u64>) -> Vec<Result<u64, Error>> {
        std::iter::from_fn(|| jobs.wait(&mut || Ok(())).unwrap()).collect()
    }

    #[test]
    fn what_is_done_comes_in_the_order_of_beginning_whoever_is_done_first() {
        let work = |&number: &u64| {
            std::thread::sleep(Duration::from_millis(8 - number));
            Ok(number)
        };
        let mut jobs = Jobs::new(Pool::get().unwrap(), work);
        (0..4).for_each(|number| jobs.begin(number));
        let done: Vec<u64> = all(&mut jobs).into_iter().map(Result::unwrap).collect();
        assert_eq!(done, [0, 1, 2, 3]);
        assert!(jobs.ready().is_none());
    }

    #[test]
    fn a_panic_is_an_error_of_its_job_alone() {
        let mut jobs =
            Jobs::new(Pool::get().unwrap(), |&number: &u64| if number == 1 { panic!("one") } else { Ok(number) });
        (0..3).for_each(|number| jobs.begin(number));
        let done = all(&mut jobs);
        assert!(done[0].is_ok() && done[2].is_ok());
        assert!(done[1].as_ref().unwrap_err().to_string().contains("one"));
    }

    #[test]
    fn nothing_is_held_after_the_end() {
        static DONE: AtomicUsize = AtomicUsize::new(0);
        let held = Arc::new(());
        let mut jobs = Jobs::new(Pool::get().unwrap(), |_: &Arc<()>| {
            std::thread::sleep(Duration::from_millis(5));
            DONE.fetch_add(1, Ordering::SeqCst);
            Ok(())
        });
        (0..3).for_each(|_| jobs.begin(Arc::clone(&held)));
        drop(jobs);
        assert_eq!(DONE.load(Ordering::SeqCst), 3);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn who_waits_can_be_told_to_stop() {
        let mut jobs = Jobs::new(Pool::get().unwrap(), |&millis: &u64| {
            std::thread::sleep(Duration::from_millis(millis));
            Ok(())
        });
        jobs.begin(300);
        assert!(jobs.wait(&mut || Err(Error::internal("stop"))).is_err());
    }
}
