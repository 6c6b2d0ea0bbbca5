//! Where threads of a pool begin.
//!
//! A system that would rather use few cores (some virtual machines', those that save power) begins threads on one of them, where they wait
//! for one another for as long as it takes to notice that they are busy: several milliseconds, in which a good part of a file could have been read.
//! So one that begins on the core of another of its pool goes to one where none is. It is free to go elsewhere from then on; systems that spread
//! threads have done so already, and nothing is changed.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// The cores, of the first 64, on which threads of a pool have begun.
#[derive(Debug, Default)]
pub(super) struct Cores(AtomicU64);

impl Cores {
    /// To be called by each thread of the pool as it begins.
    pub(super) fn begin(&self) {
        let core = sched_getcpu();
        // A hint: where the system does not answer, the thread is where it is.
        if !self.takes(core)
            && let Ok(allowed) = sched_getaffinity(None)
            && let Some(free) = self.another(|core| allowed.is_set(core))
        {
            let mut one = CpuSet::new();
            one.set(free);
            if sched_setaffinity(None, &one).is_ok() {
                let _ = sched_setaffinity(None, &allowed);
            }
        }
    }

    /// Takes a core; whether it was free.
    fn takes(&self, core: usize) -> bool {
        let bit = u32::try_from(core).ok().and_then(|core| 1_u64.checked_shl(core)).unwrap_or_default();
        self.0.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// Takes a free one of those that are allowed.
    fn another(&self, is_allowed: impl Fn(usize) -> bool) -> Option<usize> {
        (0..u64::BITS as usize).filter(|&core| is_allowed(core)).find(|&core| self.takes(core))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_core_is_taken_twice() {
        let cores = Cores::default();
        assert!(cores.takes(2) && !cores.takes(2) && cores.takes(63));
        assert_eq!([0; 3].map(|_| cores.another(|core| core < 4)), [Some(0), Some(1), Some(3)]);
        assert_eq!(cores.another(|core| core < 4), None);
        assert_eq!(cores.another(|core| core >= 62), Some(62));
        assert_eq!(cores.another(|core| core >= 62), None);
        // So many cores are not told apart.
        assert!(cores.takes(64) && cores.takes(64) && cores.takes(usize::MAX));
    }

    #[test]
    fn threads_begin_on_cores_of_their_own_and_may_go_to_any() {
        let allowed = sched_getaffinity(None).unwrap();
        let cores = Cores::default();
        let count = (0..64).filter(|&core| allowed.is_set(core)).count();
        let begin = || {
            std::thread::scope(|scope| {
                let begun = || {
                    cores.begin();
                    sched_getaffinity(None).unwrap()
                };
                let threads: Vec<_> = (0..2 * count).map(|_| scope.spawn(begun)).collect();
                threads.into_iter().all(|thread| thread.join().unwrap() == allowed)
            })
        };
        assert!(begin());
        let taken = cores.0.load(Ordering::Relaxed).count_ones() as usize;
        assert!(taken == count || (64..CpuSet::MAX_CPU).any(|core| allowed.is_set(core)), "{taken} of {count}");
    }
}
