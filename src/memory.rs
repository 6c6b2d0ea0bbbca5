//! Fresh memory, faulted in at one go, and memory that is used again.
//!
//! A retained table is some hundred megabytes of fresh memory, which the kernel maps page by page at the first touch. Where
//! that is dear (several threads at once, virtual machines) it takes as long as parsing. Buffers whose size is exact are all
//! going to be written, so their pages are asked for together: one system call for each buffer in place of a trap for each
//! page. Memory that is there already costs next to nothing. One of the few modules with `unsafe` code.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ops::RangeInclusive;

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

thread_local! {
    /// Memory of a block that was let go of, for the next one that this thread reads; `None` if it has read none so far. Others build
    /// what a thread of its own, or a consumer, reads, and have no use for it.
    static SPARE: Cell<Option<Vec<u8>>> = const { Cell::new(None) };
}

/// How much a thread keeps of it: some times what a block takes, and not a few bytes.
const KEPT: RangeInclusive<usize> = 64 << 10..=8 << 20;

/// Keeps the memory of `bytes` for [`spare`], if nobody else has them.
pub(crate) fn keep(mut bytes: Bytes) {
    // As good as nothing is copied then. With no byte at all it would be let go of.
    bytes.truncate(1);
    let mut kept = Vec::from(bytes);
    if KEPT.contains(&kept.capacity()) && SPARE.take().is_some() {
        kept.clear();
        SPARE.set(Some(kept));
    }
}

/// An empty vector with at least this capacity: memory that was kept or, if that does not suffice, new, and then a quarter more, so
/// that it will the next time.
pub(crate) fn spare(capacity: usize) -> Vec<u8> {
    if capacity == 0 {
        // Nothing more is read; it may be of use to whoever comes next.
        return Vec::new();
    }
    let kept = SPARE.replace(Some(Vec::new())).unwrap_or_default();
    match kept.capacity() {
        0 => Vec::with_capacity(capacity),
        enough if enough >= capacity => kept,
        _ => Vec::with_capacity(capacity + capacity / 4),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    use std::path::Path;

    use super::*;

    #[test]
    fn memory_that_is_kept_is_used_again_once_by_whom_it_suffices() {
        // A thread that reads nothing keeps nothing.
        let reads = || spare(1).capacity();
        let keeps = std::thread::spawn(|| {
            keep(Bytes::from(vec![1; 100_000]));
            let first = spare(90_000).capacity();
            keep(Bytes::from(vec![1; 100_000]));
            (first, spare(90_000).capacity(), spare(0).capacity())
        });
        assert_eq!((reads(), keeps.join().unwrap()), (1, (90_000, 100_000, 0)));
        let mut block = Vec::with_capacity(100_000);
        block.resize(70_000, 1);
        let place = block.as_ptr();
        keep(Bytes::from(block));
        let again = spare(100_000);
        assert_eq!((again.as_ptr(), again.len(), again.capacity()), (place, 0, 100_000));
        assert_eq!(spare(100).capacity(), 100, "there is none");
        keep(Bytes::from(vec![1; 100_000]));
        assert_eq!(spare(100_004).capacity(), 125_005, "it does not suffice");
        // What others have, what is large, and what is little is not kept.
        let shared = Bytes::from(vec![1; 100_000]);
        keep(shared.clone());
        assert_eq!((spare(1).capacity(), shared.len()), (1, 100_000));
        for length in [0, 1, 1000, KEPT.end() + 1] {
            keep(Bytes::from(vec![1; length]));
            assert_eq!(spare(1).capacity(), 1);
        }
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
