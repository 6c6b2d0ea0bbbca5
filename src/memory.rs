//! Fresh memory, faulted in at one go.
//!
//! A retained table is some hundred megabytes of fresh memory, which the kernel maps page by page at the first touch. Where
//! that is dear (several threads at once, virtual machines) it takes as long as parsing. Buffers whose size is exact are all
//! going to be written, so their pages are asked for together: one system call for each buffer in place of a trap for each
//! page. Memory that is there already costs next to nothing. One of the few modules with `unsafe` code.

use std::mem::MaybeUninit;

/// Bytes of a page, or a part of that.
pub(crate) const PAGE: usize = 4096;

/// Asks for the pages of `room`.
///
/// A hint: where the system cannot do it, pages come at their first touch.
pub(crate) fn populate<T>(room: &mut [MaybeUninit<T>]) {
    #[cfg(target_os = "linux")]
    {
        /// Less than this comes from the allocator's own stock.
        const WORTHWHILE: usize = 64 << 10;
        let length = size_of_val(room);
        let start = room.as_mut_ptr().cast::<u8>();
        let skipped = start.align_offset(PAGE);
        if length < WORTHWHILE || skipped >= length {
            return;
        }
        #[allow(unsafe_code)]
        // SAFETY: the range is within memory that we have for ourselves, of which nothing is told yet. The advice maps pages and
        // leaves what is in them as it is; an error is no matter.
        unsafe {
            libc::madvise(start.add(skipped).cast(), length - skipped, libc::MADV_POPULATE_WRITE);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = room;
}

/// An empty vector of exactly this capacity; with its pages, if it is going to be kept.
pub(crate) fn with_capacity<T>(capacity: usize, retain: bool) -> Vec<T> {
    let mut buffer = Vec::with_capacity(capacity);
    if retain {
        populate(buffer.spare_capacity_mut());
    }
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

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
