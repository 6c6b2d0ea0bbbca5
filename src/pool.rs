//! The crate's own Rayon pool: made on first use, sized by `RAYON_NUM_THREADS` or the number of cores.
//!
//! Threads do not survive `fork`, so a pool belongs to the process that made it; a child makes its own.

use std::cell::Cell;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::Error;

#[cfg(target_os = "linux")]
mod cores;

struct Owned {
    process: u32,
    pool: ThreadPool,
    /// Whether this is one thread, and who made it had one core for all that it starts.
    shares_a_core: bool,
}

/// Read without a lock: one that some thread held at the moment of a `fork` would stay locked in the child.
static POOL: ArcSwapOption<Owned> = ArcSwapOption::const_empty();

thread_local! {
    /// Whether a job has given way to what this thread does.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Whether this thread is of a pool of ours.
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// A handle on this process's pool.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Owned>);

impl Pool {
    /// This process's pool.
    pub(crate) fn get() -> Result<Self, Error> {
        let process = std::process::id();
        if let Some(owned) = POOL.load_full().filter(|owned| owned.process == process) {
            return Ok(Self(owned));
        }
        // Two threads may both come here; one pool of theirs stays unused and ends with its last handle.
        Self::make(0)
    }

    /// A new pool, of so many threads, for whoever asks from now on.
    pub(crate) fn replace(threads: usize) -> Result<(), Error> {
        Self::make(threads).map(drop)
    }

    /// Makes this process's pool; 0 threads are as many as the environment says.
    fn make(threads: usize) -> Result<Self, Error> {
        let process = std::process::id();
        #[cfg(target_os = "linux")]
        let cores = cores::Cores::default();
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("mrrc-arrow-{index}"))
            .start_handler(move |_| {
                OURS.set(true);
                #[cfg(target_os = "linux")]
                cores.begin();
            })
            .build()
            .map_err(|error| Error::internal(format!("cannot start worker threads: {error}")))?;
        let shares_a_core = pool.current_num_threads() == 1 && has_one_core();
        let owned = Arc::new(Owned { process, pool, shares_a_core });
        // What a forked child finds here is its parent's: dropping it would wait for threads that do not exist.
        std::mem::forget(POOL.swap(Some(Arc::clone(&owned))).filter(|old| old.process != process));
        Ok(Self(owned))
    }

    /// A pool of one thread that nobody else knows of.
    #[cfg(test)]
    pub(crate) fn of_one(shares_a_core: bool) -> Self {
        let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        Self(Arc::new(Owned { process: std::process::id(), pool, shares_a_core }))
    }

    pub(crate) fn threads(&self) -> usize {
        self.0.pool.current_num_threads()
    }

    /// Whether the pool is one thread that shares its core with whoever waits for it, as far as was to be seen when it was made.
    pub(crate) fn shares_a_core(&self) -> bool {
        self.0.shares_a_core
    }

    /// Runs `work` on the pool, with all its threads for what it divides.
    pub(crate) fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.0.pool.install(work)
    }

    /// From a thread of the pool: runs a job that waits, if one does. What a job spawns is run before what others spawn; who goes
    /// on spawning lets others in by this. Jobs that run inside of another do not, so that none is inside of many.
    pub(crate) fn give_way(&self) {
        if !INSIDE.get() {
            let _inside = Inside::begin();
            self.0.pool.yield_now();
        }
    }

    /// As [`Pool::spawn`], for a job that takes long: it does not run inside of another, which could not go on meanwhile.
    #[cfg(feature = "cli")]
    pub(crate) fn spawn_long(&self, job: impl FnOnce() + Send + 'static) {
        let pool = self.clone();
        self.spawn(move || if INSIDE.get() { pool.spawn_long(job) } else { job() });
    }

    pub(crate) fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        self.0.pool.spawn(job);
    }
}

/// Whether this thread, and what it starts, may use one core alone. The time of one, on several, is another matter: there two threads may
/// be at work at once, and a quota of one and a half is rounded down by who tells of it.
fn has_one_core() -> bool {
    #[cfg(target_os = "linux")]
    return rustix::thread::sched_getaffinity(None).is_ok_and(|allowed| allowed.count() == 1);
    #[cfg(not(target_os = "linux"))]
    std::thread::available_parallelism().is_ok_and(|cores| cores.get() == 1)
}

/// Runs both; on a thread of our pool, with the help of one that has nothing to do. While either waits for the other it may run another
/// job, within which this divides nothing, and which neither gives way nor takes long. So no job may wait for what another reader does.
pub(crate) fn both<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    if !OURS.get() || INSIDE.get() {
        return (a(), b());
    }
    let _inside = Inside::begin();
    rayon::join(a, b)
}

/// As long as it lives, what this thread does is inside of a job.
struct Inside;

impl Inside {
    fn begin() -> Self {
        INSIDE.set(true);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_halves_are_run_by_whoever_is_there() {
        let of_others = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        of_others.install(|| {
            let here = rayon::current_thread_index();
            assert_eq!(both(|| INSIDE.get(), rayon::current_thread_index), (false, here));
        });
        let ours = ThreadPoolBuilder::new().num_threads(2).start_handler(|_| OURS.set(true));
        let pool = ours.build().unwrap();
        assert_eq!(both(|| 1, rayon::current_thread_index), (1, None));
        let threads = pool.install(|| {
            let barrier = std::sync::Barrier::new(2);
            let thread = || {
                barrier.wait();
                (rayon::current_thread_index(), INSIDE.get())
            };
            // Each waits for the other, so that they are two.
            both(thread, thread)
        });
        // Whoever divides is inside of that; the other helps, and may divide what it took.
        let first = threads.0.0.unwrap();
        assert_eq!(threads, ((Some(first), true), (Some(1 - first), false)));
        // Inside, nothing is divided; and it has an end, whatever happens.
        pool.install(|| {
            let here = rayon::current_thread_index();
            both(|| assert_eq!(both(|| 1, rayon::current_thread_index), (1, here)), || ());
            assert!(!INSIDE.get());
            let panics = std::panic::catch_unwind(|| both(|| std::panic::resume_unwind(Box::new("first")), || ()));
            assert!(panics.is_err() && !INSIDE.get());
        });
    }

    #[test]
    fn a_forked_child_makes_its_own_pool_and_never_waits_for_its_parents() {
        // Bound here, so that it lives to the end of the test, as a parent's would in a child.
        let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let parents = Arc::new(Owned { process: std::process::id().wrapping_add(1), pool, shares_a_core: false });
        POOL.store(Some(Arc::clone(&parents)));
        let own = Pool::get().unwrap();
        assert_eq!(own.0.process, std::process::id());
        assert!(!Arc::ptr_eq(&own.0, &parents));
        assert_eq!(own.install(|| 6 * 7), 42);
        // Ours and the one that is never let go: who lets go last waits for the pool's threads.
        assert_eq!(Arc::strong_count(&parents), 2);
        // The next who asks gets the same.
        assert_eq!(Pool::get().unwrap().0.process, std::process::id());
    }
}
