//! Which process this is, told without a system call.
//!
//! What threads hold does not survive `fork`, so whatever depends on them asks before each use; a record iterator does so
//! for each record. One of the few modules with `unsafe` code.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many forks lie between the first process that asked and this one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// A number that is another one in a forked child.
pub(crate) fn generation() -> u64 {
    #[cfg(unix)]
    {
        extern "C" fn in_the_child() {
            GENERATION.fetch_add(1, Ordering::Relaxed);
        }
        static WATCH: Once = Once::new();
        WATCH.call_once(|| {
            #[allow(unsafe_code)]
            // SAFETY: the handler only changes an atomic number, which is allowed in a child at any time. If there is no
            // memory for the registration, a child is not told, and reads as its parent would.
            unsafe {
                libc::pthread_atfork(None, None, Some(in_the_child));
            }
        });
    }
    GENERATION.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_has_one_number() {
        assert_eq!(generation(), generation());
    }
}
