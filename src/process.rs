//! What the operating system is asked for that the standard library has no words for: which process this is, and to begin
//! with what takes it long.
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

/// Lets the system begin to bring to the disk what has been written to a file, so that less is left to wait for in the end.
///
/// A hint: nothing is waited for here, and whoever flushes the file is told what went wrong.
#[cfg(any(feature = "cli", test))]
pub(crate) fn begin_flushing(file: &std::fs::File) {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        #[allow(unsafe_code)]
        // SAFETY: the file is open as long as it is borrowed, and no memory is handed over. An error is no matter.
        unsafe {
            libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    #[test]
    fn beginning_to_flush_changes_nothing_and_takes_any_file() {
        let mut file = tempfile::tempfile().unwrap();
        for _ in 0..3 {
            file.write_all(&[7; 10_000]).unwrap();
            begin_flushing(&file);
        }
        assert_eq!(file.metadata().unwrap().len(), 30_000);
        begin_flushing(&File::open("/").unwrap());
    }

    #[test]
    fn one_process_has_one_number() {
        assert_eq!(generation(), generation());
    }
}
