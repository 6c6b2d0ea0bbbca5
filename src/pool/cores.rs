//! Where threads of a pool begin.
//!
//! A system that would rather use few cores (some virtual machines', those that save power) begins threads on one of them, where they wait
//! for one another for as long as it takes to notice that they are busy: several milliseconds, in which a good part of a file could have been read.
//! So one that begins on the core of another of its pool goes to the next one where none is. It is free to go elsewhere from then on.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// So many cores are told apart; with others nothing is done.
const CORES: usize = u64::BITS as usize;

/// The cores on which threads of a pool have begun.
#[derive(Debug, Default)]
pub(super) struct Cores(AtomicU64);

impl Cores {
    /// To be called by each thread of the pool as it begins.
    pub(super) fn begin(&self) {
        let core = sched_getcpu();
        // A hint: where the system does not answer, the thread is where it is.
        if !self.takes(core)
            && !is_filtered()
            && let Ok(allowed) = sched_getaffinity(None)
            && let Some(free) = self.next_after(core, |core| allowed.is_set(core))
        {
            go(free, &allowed, || ());
        }
    }

    /// Takes a core; whether it was free.
    fn takes(&self, core: usize) -> bool {
        let bit = u32::try_from(core).ok().and_then(|core| 1_u64.checked_shl(core)).unwrap_or_default();
        self.0.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// Takes the next free one of those that are allowed: not the first of all, to which other processes' threads would go, too.
    fn next_after(&self, core: usize, is_allowed: impl Fn(usize) -> bool) -> Option<usize> {
        let others = (1..CORES).map(|distance| (core + distance) % CORES);
        others.filter(|&core| is_allowed(core)).find(|&core| self.takes(core))
    }
}

/// Whether somebody filters system calls, as far as is known: a service may be ended for one that it has no need of.
fn is_filtered() -> bool {
    let status = std::fs::read_to_string("/proc/thread-self/status");
    status.map_or(true, |status| !status.lines().any(|line| line.split_ascii_whitespace().eq(["Seccomp:", "0"])))
}

/// Moves this thread to a core, where it is `there`, and allows it all cores that it was allowed before.
fn go(core: usize, allowed: &CpuSet, there: impl FnOnce()) {
    let mut set = CpuSet::new();
    set.set(core);
    if sched_setaffinity(None, &set).is_err() {
        return;
    }
    there();
    // All that there are, if those are what it was allowed: a thread that has once named some of them would have no part in those that are
    // given to its group of processes later. (That somebody has named all that there are is not to be seen here.)
    (0..CpuSet::MAX_CPU).for_each(|core| set.set(core));
    let _ = sched_setaffinity(None, &set);
    if sched_getaffinity(None).ok().as_ref() != Some(allowed) {
        let _ = sched_setaffinity(None, allowed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_core_is_taken_twice() {
        let cores = Cores::default();
        assert!(cores.takes(2) && !cores.takes(2) && cores.takes(63));
        assert_eq!([0; 3].map(|_| cores.next_after(2, |core| core < 4)), [Some(3), Some(0), Some(1)]);
        assert_eq!(cores.next_after(2, |core| core < 4), None);
        assert_eq!(cores.next_after(60, |core| core >= 62), Some(62));
        assert_eq!(cores.next_after(60, |core| core >= 62), None);
        // So many cores are not told apart.
        assert!(cores.takes(64) && cores.takes(64) && cores.takes(usize::MAX));
    }

    #[test]
    fn a_thread_goes_to_a_core_and_may_go_to_any_from_there() {
        if is_filtered() {
            eprintln!("skipped: system calls are filtered here");
            return;
        }
        let allowed = sched_getaffinity(None).unwrap();
        for core in (0..CORES).filter(|&core| allowed.is_set(core)) {
            let mut was = None;
            go(core, &allowed, || was = Some(sched_getcpu()));
            assert_eq!((was, sched_getaffinity(None).unwrap()), (Some(core), allowed));
            // One that is allowed this core alone stays so.
            let mut one = CpuSet::new();
            one.set(core);
            sched_setaffinity(None, &one).unwrap();
            go(core, &one, || ());
            assert_eq!(sched_getaffinity(None).unwrap(), one);
            sched_setaffinity(None, &allowed).unwrap();
        }
    }

    #[test]
    fn each_thread_takes_a_core_for_as_long_as_there_are_any() {
        let allowed = sched_getaffinity(None).unwrap();
        let cores = Cores::default();
        let count = (0..CORES).filter(|&core| allowed.is_set(core)).count();
        std::thread::scope(|scope| {
            for _ in 0..2 * count {
                scope.spawn(|| {
                    cores.begin();
                    assert_eq!(sched_getaffinity(None).unwrap(), allowed);
                });
            }
        });
        let taken = cores.0.load(Ordering::Relaxed).count_ones() as usize;
        assert!(
            taken == count || is_filtered() || (CORES..CpuSet::MAX_CPU).any(|core| allowed.is_set(core)),
            "{taken} of {count}"
        );
    }
}
