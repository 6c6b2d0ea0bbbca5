//! Huge pages, for as long as they come fast.
//!
//! A page of 2 MB costs one trap in place of 512, and a table that is kept is built in little more than half the time with them. But where a
//! machine is a virtual one whose host takes free memory back, it is large pieces that were taken back, and to get one of them again takes
//! many times as long as the small pages do that the system still has. Nothing tells beforehand; so it is measured, and whoever has met a
//! slow one does without for a while.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Bytes of a huge page, where pages have 4 KiB.
const HUGE_PAGE: usize = 2 << 20;

/// What a process takes before it asks for huge pages: for a small table it is not worth finding out.
const SMALL: usize = 48 << 20;

/// How long the pages of a buffer may take for each huge page that it lies in. To clear one takes less than a fifth of that, to have a host
/// find it first several times as long.
const FAST: Duration = Duration::from_millis(1);

/// How long nobody asks after a slow one, in milliseconds.
const PAUSE: u64 = 1000;

/// What this process has found out.
pub(super) static HUGE: Huge = Huge::new();

/// Whether huge pages are to be asked for.
pub(super) struct Huge {
    /// Bytes that were taken so far.
    taken: AtomicUsize,
    /// Until when they are not, in milliseconds since `began`.
    pause: AtomicU64,
    began: OnceLock<Instant>,
}

impl Huge {
    const fn new() -> Self {
        Self { taken: AtomicUsize::new(0), pause: AtomicU64::new(0), began: OnceLock::new() }
    }

    /// Has `take` ask for the pages of a buffer of so many bytes, after `advise` has asked for huge ones, if they are worth that. `take`
    /// tells whether they came.
    pub(super) fn around(&self, length: usize, advise: impl FnOnce(), take: impl FnOnce() -> bool) {
        let now = Instant::now();
        if self.taken.fetch_add(length, Ordering::Relaxed) < SMALL || !self.is_wanted(now) {
            take();
            return;
        }
        advise();
        if take() {
            self.learn(length, now, Instant::now());
        } else {
            // They come at their first touch, and how long that takes nobody sees.
            self.pause.store(u64::MAX, Ordering::Relaxed);
        }
    }

    fn is_wanted(&self, now: Instant) -> bool {
        self.pause.load(Ordering::Relaxed) <= self.since(now)
    }

    /// That a buffer of so many bytes was taken between these moments.
    fn learn(&self, length: usize, before: Instant, now: Instant) {
        // It may begin and end within two more.
        let pages = length / HUGE_PAGE + 2;
        if now.saturating_duration_since(before) > FAST * pages as u32 {
            self.pause.store(self.since(now).saturating_add(PAUSE), Ordering::Relaxed);
        }
    }

    fn since(&self, now: Instant) -> u64 {
        now.saturating_duration_since(*self.began.get_or_init(|| now)).as_millis() as u64
    }
}

/// The huge pages that so many bytes from `start` lie in: how far before them the first begins, and how many bytes all have.
pub(super) fn pages(start: usize, length: usize) -> (usize, usize) {
    let before = start % HUGE_PAGE;
    (before, (before + length).next_multiple_of(HUGE_PAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether huge pages were asked for, for a buffer whose pages took so long, or did not come.
    fn is_advised(huge: &Huge, length: usize, took: Option<Duration>) -> bool {
        let mut advised = false;
        huge.around(
            length,
            || advised = true,
            || {
                took.is_some_and(|took| {
                    std::thread::sleep(took);
                    true
                })
            },
        );
        advised
    }

    #[test]
    fn a_small_table_does_not_ask() {
        let huge = Huge::new();
        assert!(!is_advised(&huge, SMALL - 1, Some(Duration::ZERO)));
        assert!(!is_advised(&huge, 1, Some(Duration::ZERO)));
        assert!(is_advised(&huge, 1, Some(Duration::ZERO)));
    }

    #[test]
    fn a_slow_page_is_the_last_for_a_while() {
        let huge = Huge::new();
        let began = Instant::now();
        let after = |millis| began + Duration::from_millis(millis);
        assert!(huge.is_wanted(began));
        huge.learn(100_000, began, after(2));
        huge.learn(3 * HUGE_PAGE, began, after(5));
        assert!(huge.is_wanted(after(5)), "fast for so many bytes");
        huge.learn(100_000, began, after(3));
        assert!(!huge.is_wanted(after(3)));
        assert!(!huge.is_wanted(after(2 + PAUSE)));
        assert!(huge.is_wanted(after(3 + PAUSE)));
        // As it is done.
        let huge = Huge::new();
        is_advised(&huge, SMALL, Some(Duration::ZERO));
        assert!(is_advised(&huge, 1, Some(10 * FAST)));
        assert!(!is_advised(&huge, 1, Some(Duration::ZERO)));
    }

    #[test]
    fn where_it_cannot_be_measured_nobody_asks_again() {
        let huge = Huge::new();
        is_advised(&huge, SMALL, Some(Duration::ZERO));
        assert!(is_advised(&huge, 1, None));
        assert!(!is_advised(&huge, 1, Some(Duration::ZERO)));
        assert!(!huge.is_wanted(Instant::now() + Duration::from_secs(1 << 30)));
    }

    #[test]
    fn all_of_a_buffer_lies_in_its_pages() {
        assert_eq!(pages(0, HUGE_PAGE), (0, HUGE_PAGE));
        assert_eq!(pages(5 * HUGE_PAGE + 1, HUGE_PAGE), (1, 2 * HUGE_PAGE));
        assert_eq!(pages(6 * HUGE_PAGE - 1, 1), (HUGE_PAGE - 1, HUGE_PAGE));
        assert_eq!(pages(6 * HUGE_PAGE - 1, 2), (HUGE_PAGE - 1, 2 * HUGE_PAGE));
    }
}
