//! Huge pages, for as long as they come fast.
//!
//! A page of 2 MB costs one trap in place of 512: where they come fast, a table that is kept takes a fifth to two fifths less time. But where a machine
//! is a virtual one whose host takes free memory back, it is large pieces that were taken back, and to get one of them again takes many times as
//! long as the small pages do that the system still has. Nothing tells beforehand; so it is measured, and after a slow one nobody asks for any for
//! a while, nor gets them where they were asked for before. (A thread that has to wait for its core may take that for a slow page, too.)
//!
//! What is asked for stays so in the address space that the allocator keeps, until a kept buffer lies there that is to have none.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bytes of a huge page, where pages have 4 KiB.
const HUGE_PAGE: usize = 2 << 20;

/// What a process takes, in all tables, before it asks for huge pages: for little it is not worth finding out.
const LITTLE: usize = 48 << 20;

/// How long the pages of a buffer may take for each huge page that it lies in. To clear one takes less than a fifth of that, to have a host
/// find it first several times as long.
const FAST: Duration = Duration::from_millis(1);

/// How long nobody asks after a slow one, in milliseconds.
const PAUSE: u64 = 1000;

/// What this process has found out. Without locks, which a `fork` might find taken.
pub(super) static HUGE: Huge = Huge::new();

thread_local! {
    /// What this thread has advised last: the allocator has its buffers side by side. Where it holds no more, for another thread has advised
    /// otherwise or the memory was given back, pages are as the system has them.
    static ADVISED: Cell<Option<(Pages, Size)>> = const { Cell::new(None) };
}

/// What pages are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Huge,
    Small,
}

/// The huge pages that a buffer lies in, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pages {
    /// Where the first begins.
    pub start: usize,
    /// Bytes of all of them.
    pub length: usize,
}

impl Pages {
    /// Those that so many bytes from there lie in, where there is room for whole ones.
    pub(super) fn of(start: usize, length: usize) -> Option<Self> {
        let first = start - start % HUGE_PAGE;
        let end = start.checked_add(length)?.checked_next_multiple_of(HUGE_PAGE)?;
        Some(Self { start: first, length: end - first })
    }

    fn has(self, other: Self) -> bool {
        self.start <= other.start && other.start + other.length <= self.start + self.length
    }
}

/// Whether huge pages are to be asked for.
pub(super) struct Huge {
    /// Bytes that were taken so far.
    taken: AtomicUsize,
    /// Until when they are not, in milliseconds since 1970.
    pause: AtomicU64,
    /// Whether they were asked for at all.
    asked: AtomicBool,
    /// Pages come at their first touch, and how long that takes nobody sees.
    blind: AtomicBool,
}

impl Huge {
    const fn new() -> Self {
        Self {
            taken: AtomicUsize::new(0),
            pause: AtomicU64::new(0),
            asked: AtomicBool::new(false),
            blind: AtomicBool::new(false),
        }
    }

    /// One that asks from the first byte on, in a thread that has advised nothing so far.
    #[cfg(test)]
    pub(super) fn at_once() -> Self {
        ADVISED.set(None);
        Self { taken: AtomicUsize::new(LITTLE), ..Self::new() }
    }

    /// As if it had asked, and a page had just been slow.
    #[cfg(test)]
    pub(super) fn begin_pause(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.pause.store(now() + 2 * PAUSE, Ordering::Relaxed);
    }

    /// Has `take` ask for the pages of a buffer of so many bytes in `pages`, after `advise` has told how large they are to be. `take` tells
    /// how long they took to come, if they came.
    pub(super) fn around(
        &self,
        length: usize,
        pages: Option<Pages>,
        advise: impl FnOnce(Pages, Size),
        take: impl FnOnce() -> Option<Duration>,
    ) {
        let is_little = self.taken.fetch_add(length, Ordering::Relaxed) < LITTLE;
        let Some(pages) = pages.filter(|_| !is_little && !self.blind.load(Ordering::Relaxed)) else {
            if take().is_none() {
                self.blind.store(true, Ordering::Relaxed);
            }
            return;
        };
        let is_wanted = self.is_wanted(now());
        let size = if is_wanted { Size::Huge } else { Size::Small };
        if is_wanted {
            self.asked.store(true, Ordering::Relaxed);
        }
        let is_advised = ADVISED.get().is_some_and(|(advised, as_what)| as_what == size && advised.has(pages));
        if self.asked.load(Ordering::Relaxed) && !is_advised {
            advise(pages, size);
            ADVISED.set(Some((pages, size)));
        }
        match take() {
            None => self.blind.store(true, Ordering::Relaxed),
            Some(took) if is_wanted => self.learn(pages, took, now()),
            Some(_) => {}
        }
    }

    fn is_wanted(&self, now: u64) -> bool {
        let pause = self.pause.load(Ordering::Relaxed);
        // Later than a pause that another thread has just begun: the clock was set back.
        pause <= now || pause > now + 2 * PAUSE
    }

    /// That these pages took so long, until now.
    fn learn(&self, pages: Pages, took: Duration, now: u64) {
        if took > FAST * (pages.length / HUGE_PAGE) as u32 {
            self.pause.store(now + PAUSE, Ordering::Relaxed);
        }
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was advised for a buffer at a place, whose pages took so long, or did not come.
    fn advised(huge: &Huge, place: usize, length: usize, took: Option<Duration>) -> Option<Size> {
        let mut advised = None;
        huge.around(length, Pages::of(place * HUGE_PAGE, length), |_, size| advised = Some(size), || took);
        advised
    }

    const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

    #[test]
    fn who_takes_little_does_not_ask() {
        ADVISED.set(None);
        let huge = Huge::new();
        assert_eq!(advised(&huge, 1, LITTLE - 1, AT_ONCE), None);
        assert_eq!(advised(&huge, 2, 1, AT_ONCE), None);
        assert_eq!(advised(&huge, 3, 1, AT_ONCE), Some(Size::Huge));
    }

    #[test]
    fn the_same_is_advised_once() {
        let huge = Huge::at_once();
        assert_eq!(advised(&huge, 1, 2 * HUGE_PAGE, AT_ONCE), Some(Size::Huge));
        assert_eq!(advised(&huge, 2, 1, AT_ONCE), None);
        assert_eq!(advised(&huge, 2, HUGE_PAGE + 1, AT_ONCE), Some(Size::Huge));
        assert_eq!(advised(&huge, 1, 1, AT_ONCE), Some(Size::Huge));
        assert_eq!(advised(&huge, 1, 1, Some(10 * FAST)), None);
        huge.begin_pause();
        assert_eq!(advised(&huge, 1, 1, AT_ONCE), Some(Size::Small));
        assert_eq!(advised(&huge, 1, 1, AT_ONCE), None);
    }

    #[test]
    fn a_slow_page_is_the_last_for_a_while() {
        let huge = Huge::at_once();
        let (one, three) = (Pages::of(0, 100_000).unwrap(), Pages::of(5, 2 * HUGE_PAGE).unwrap());
        assert!(huge.is_wanted(5000));
        huge.learn(one, FAST, 5000);
        huge.learn(three, 2 * FAST, 5000);
        assert!(huge.is_wanted(5000), "fast for so many bytes");
        huge.learn(one, FAST + Duration::from_micros(1), 5000);
        assert!(!huge.is_wanted(5000));
        assert!(!huge.is_wanted(4999 + PAUSE));
        assert!(huge.is_wanted(5000 + PAUSE));
        assert!(!huge.is_wanted(4990), "of a thread that has looked at its clock a moment before");
        assert!(huge.is_wanted(3000), "of a clock that was set back");
    }

    #[test]
    fn who_has_never_asked_advises_nothing_in_a_pause() {
        let huge = Huge::at_once();
        huge.pause.store(now() + 2 * PAUSE, Ordering::Relaxed);
        assert_eq!(advised(&huge, 1, 1, AT_ONCE), None);
    }

    #[test]
    fn where_it_cannot_be_measured_nobody_asks_any_more() {
        let huge = Huge::at_once();
        assert_eq!(advised(&huge, 1, 1, None), Some(Size::Huge));
        assert_eq!(advised(&huge, 2, 1, AT_ONCE), None);
        // Mostly that is known before.
        let huge = Huge::new();
        assert_eq!(advised(&huge, 1, LITTLE, None), None);
        assert_eq!(advised(&huge, 2, 1, AT_ONCE), None);
        assert!(!huge.asked.load(Ordering::Relaxed));
    }

    #[test]
    fn all_of_a_buffer_lies_in_its_pages() {
        let pages = |start, length| {
            let pages = Pages::of(start, length).unwrap();
            (pages.start / HUGE_PAGE, pages.start % HUGE_PAGE, pages.length / HUGE_PAGE, pages.length % HUGE_PAGE)
        };
        assert_eq!(pages(0, HUGE_PAGE), (0, 0, 1, 0));
        assert_eq!(pages(5 * HUGE_PAGE + 1, HUGE_PAGE), (5, 0, 2, 0));
        assert_eq!(pages(6 * HUGE_PAGE - 1, 1), (5, 0, 1, 0));
        assert_eq!(pages(6 * HUGE_PAGE - 1, 2), (5, 0, 2, 0));
        assert_eq!(Pages::of(usize::MAX - 100, 100), None, "no room for a whole one");
    }
}
