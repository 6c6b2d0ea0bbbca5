//! Fresh memory, faulted in at one go, and memory that is used again.
//!
//! A retained table is some hundred megabytes of fresh memory, which the kernel maps page by page at the first touch. Where
//! that is dear (several threads at once, virtual machines) it takes as long as parsing. Buffers whose size is exact are all
//! going to be written, so their pages are asked for together: one system call for each buffer in place of a trap for each
//! page. Memory that is there already costs next to nothing. One of the few modules with `unsafe` code.

use std::mem::MaybeUninit;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, ThreadId};

#[cfg(target_os = "linux")]
use std::time::Instant;

use bytes::Bytes;

#[cfg(target_os = "linux")]
use huge::{Pages, Size};

#[cfg(target_os = "linux")]
mod huge;

/// Bytes of a page, or a part of that.
pub(crate) const PAGE: usize = 4096;

/// Asks for the pages of `room`, huge ones where they come fast.
///
/// A hint: where the system cannot do it, pages come at their first touch.
pub(crate) fn populate<T>(room: &mut [MaybeUninit<T>]) {
    #[cfg(target_os = "linux")]
    populate_by(&huge::HUGE, room);
    #[cfg(not(target_os = "linux"))]
    let _ = room;
}

#[cfg(target_os = "linux")]
fn populate_by<T>(huge: &huge::Huge, room: &mut [MaybeUninit<T>]) {
    /// Less than this comes from the allocator's own stock.
    const WORTHWHILE: usize = 64 << 10;
    let length = size_of_val(room);
    let start = room.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(PAGE);
    if length < WORTHWHILE || skipped >= length {
        return;
    }
    let take = || {
        let before = Instant::now();
        #[allow(unsafe_code)]
        // SAFETY: the range is within memory that we have for ourselves, of which nothing is told yet. The advice maps pages and
        // leaves what is in them as it is, and so what others have in the last one; an error is no matter.
        let done = unsafe { libc::madvise(start.add(skipped).cast(), length - skipped, libc::MADV_POPULATE_WRITE) };
        (done == 0).then(|| before.elapsed())
    };
    let advise = |pages: Pages, size| {
        let first = start.wrapping_sub(start.addr() - pages.start);
        let advice = if size == Size::Huge { libc::MADV_HUGEPAGE } else { libc::MADV_NOHUGEPAGE };
        #[allow(unsafe_code)]
        // SAFETY: the advice is about how large the pages are that come later, and neither maps nor changes any, whosever they are;
        // where nothing is mapped it is an error, which is no matter.
        unsafe {
            libc::madvise(first.cast(), pages.length, advice);
        }
    };
    huge.around(length, Pages::of(start.addr(), length), advise, take);
}

/// An empty vector of exactly this capacity; with its pages, if it is going to be kept.
pub(crate) fn with_capacity<T>(capacity: usize, retain: bool) -> Vec<T> {
    let mut buffer = Vec::with_capacity(capacity);
    if retain {
        populate(buffer.spare_capacity_mut());
    }
    buffer
}

/// How much a [`Stock`] keeps of a block's memory: some times what one takes, and not a few bytes.
const KEPT: RangeInclusive<usize> = 64 << 10..=8 << 20;

/// And how much in all.
const MOST_KEPT: usize = 16 << 20;

/// With the thread that read into it last, whose core may have some of it at hand.
type Shelf = Mutex<Vec<(ThreadId, Vec<u8>)>>;

/// Memory of blocks that nobody has any more, for the next ones of the same source. Freed on whichever thread had them last, it would stay
/// with that thread's arena of the allocator, and each arena would come to hold all that is ever under way.
///
/// Nobody waits for another here: what is just being used by somebody else is empty and full. (A child that was forked while some
/// thread used it finds it so for good, and then simply allocates.)
#[derive(Debug, Clone, Default)]
pub(crate) struct Stock(Arc<Shelf>);

impl Stock {
    /// An empty vector with room for `least` bytes at least: memory that came back, sooner what this thread had than
    /// what others had, or, if that does not suffice, new, with room for `capacity` of them.
    pub(crate) fn take(&self, least: usize, capacity: usize) -> Vec<u8> {
        if capacity == 0 {
            return Vec::new();
        }
        let own = thread::current().id();
        let kept = self.0.try_lock().ok().and_then(|mut shelf| {
            let own = shelf.iter().rposition(|(thread, _)| *thread == own);
            let newest = shelf.len().checked_sub(1)?;
            Some(shelf.remove(own.unwrap_or(newest)).1)
        });
        let kept = kept.unwrap_or_default();
        if kept.capacity() > 0 && kept.capacity() >= least {
            return kept;
        }
        Vec::with_capacity(capacity)
    }

    /// The same bytes, to be shared, whose memory comes back with the last who has some of them, if the stock is still there.
    pub(crate) fn lend(&self, bytes: Vec<u8>) -> Bytes {
        if KEPT.contains(&bytes.capacity()) {
            Bytes::from_owner(Lent { thread: thread::current().id(), bytes, shelf: Arc::downgrade(&self.0) })
        } else {
            Bytes::from(bytes)
        }
    }
}

/// What was lent of a [`Stock`].
struct Lent {
    thread: ThreadId,
    bytes: Vec<u8>,
    shelf: Weak<Shelf>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(kept) = self.shelf.upgrade() else { return };
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        if let Ok(mut kept) = kept.try_lock()
            && kept.iter().map(|(_, kept)| kept.capacity()).sum::<usize>() + bytes.capacity() <= MOST_KEPT
        {
            kept.push((self.thread, bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    use std::path::Path;

    use super::*;

    #[test]
    fn memory_that_comes_back_is_used_again_where_it_suffices() {
        let stock = Stock::default();
        assert_eq!((stock.take(0, 0).capacity(), stock.take(90_000, 100_000).capacity()), (0, 100_000));
        let mut block = stock.take(100_000, 100_000);
        block.resize(70_000, 1);
        let place = block.as_ptr();
        let bytes = stock.lend(block);
        let part = bytes.slice(5..10);
        drop(bytes);
        assert_eq!(stock.take(80_000, 90_000).capacity(), 90_000, "somebody has a part of it");
        drop(part);
        let again = stock.take(100_000, 120_000);
        assert_eq!((again.as_ptr(), again.len(), again.capacity()), (place, 0, 100_000));
        assert_eq!(stock.take(100, 100).capacity(), 100, "there is none");
        drop(stock.lend(again));
        assert_eq!(stock.take(100_001, 125_000).capacity(), 125_000, "it does not suffice");
        assert_eq!(stock.take(100, 100).capacity(), 100, "what does not suffice is let go of");
    }

    #[test]
    fn a_thread_gets_what_it_had_before() {
        let stock = Stock::default();
        let lend = |size: usize| stock.lend(vec![1; size]);
        let own = [lend(100_000), lend(110_000)];
        let other = thread::scope(|scope| scope.spawn(|| lend(120_000)).join().unwrap());
        drop((own, other));
        let taken = [(); 4].map(|()| stock.take(1, 1).capacity());
        assert_eq!(taken, [110_000, 100_000, 120_000, 1]);
    }

    #[test]
    fn little_is_kept_and_nothing_for_nobody() {
        let stock = Stock::default();
        let lend = |size| stock.lend(vec![1; size]);
        for size in [0, 1, 1000, KEPT.end() + 1] {
            assert_eq!(lend(size).len(), size);
            assert_eq!(stock.take(1, 1).capacity(), 1);
        }
        drop((0..5).map(|_| lend(5 << 20)).collect::<Vec<_>>());
        let kept: Vec<usize> = (0..5).map(|_| stock.take(1, 1).capacity()).collect();
        assert_eq!(kept, [5 << 20, 5 << 20, 5 << 20, 1, 1]);
        let (bytes, shelf) = (lend(100_000), Arc::downgrade(&stock.0));
        drop(stock);
        assert!(shelf.upgrade().is_none(), "what is lent keeps no stock");
        assert_eq!(bytes.len(), 100_000);
    }

    /// As it is in a child that was forked while another thread had it.
    #[test]
    fn nobody_waits_for_a_stock() {
        let stock = Stock::default();
        drop(stock.lend(vec![1; 100_000]));
        let held = stock.0.lock().unwrap();
        assert_eq!(stock.take(90_000, 90_000).capacity(), 90_000);
        drop(stock.lend(vec![1; 100_000]));
        drop(held);
        assert_eq!(stock.take(90_000, 90_000).capacity(), 100_000);
        assert_eq!(stock.take(90_000, 90_000).capacity(), 90_000);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn huge_pages_are_asked_for_and_change_nothing_that_is_there() {
        const SIZE: usize = 6 << 20;
        let flags = |place: usize| {
            let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
            let mut is_there = false;
            maps.lines()
                .find_map(|line| {
                    let range = line.split(' ').next().and_then(|range| range.split_once('-'));
                    if let Some((Ok(from), Ok(to))) =
                        range.map(|(a, b)| (usize::from_str_radix(a, 16), usize::from_str_radix(b, 16)))
                    {
                        is_there = (from..to).contains(&place);
                    }
                    line.strip_prefix("VmFlags:").filter(|_| is_there).map(str::to_owned)
                })
                .unwrap()
        };
        let neighbours: Vec<Vec<u32>> = (0..40).map(|n| vec![n; 10_000]).collect();
        let mut buffer: Vec<u8> = Vec::with_capacity(SIZE);
        buffer.extend((0..SIZE / 2).map(|n| n as u8));
        populate_by(&huge::Huge::at_once(), buffer.spare_capacity_mut());
        assert!(buffer.iter().enumerate().all(|(n, &byte)| byte == n as u8));
        assert!((0..).zip(&neighbours).all(|(n, neighbour)| *neighbour == vec![n; 10_000]));
        if Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
            // A huge page, or the place of one, that nobody else has a part of.
            let place = buffer.as_ptr().addr().next_multiple_of(2 << 20) + (2 << 20);
            assert!(flags(place).contains(" hg"), "{}", flags(place));
            let pause = huge::Huge::at_once();
            pause.begin_pause();
            populate_by(&pause, buffer.spare_capacity_mut());
            assert!(flags(place).contains(" nh"), "{}", flags(place));
            assert!(buffer.iter().enumerate().all(|(n, &byte)| byte == n as u8));
        }
    }

    #[test]
    fn populating_changes_nothing_that_is_there() {
        for size in [0usize, 1, 5000, 100_000, 3_000_000] {
            let mut buffer: Vec<u32> = with_capacity(size, true);
            buffer.extend((0..size as u32 / 2).map(|n| n.wrapping_mul(2_654_435_761)));
            let before = buffer.clone();
            populate(buffer.spare_capacity_mut());
            populate(buffer.spare_capacity_mut().get_mut(..0).unwrap());
            assert_eq!(buffer, before);
            assert_eq!(buffer.capacity(), size);
        }
    }
}
