//! Arrow arrays from parts that a builder vouches for, without looking through them again.
//!
//! One of the few modules with `unsafe` code. Two functions skip a check that would cost a pass over the data: that string
//! views hold valid UTF-8 and that dictionary keys are in range.

use std::sync::Arc;

use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{ArrayRef, DictionaryArray, PrimitiveArray, StringArray, StringViewArray};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};

/// The longest string that a view holds itself.
pub(super) const INLINE: usize = 12;

/// The number of the buffer with the block's own bytes.
pub(super) const BLOCK: u32 = 0;
/// The number of the buffer with text that was made.
pub(super) const SCRATCH: u32 = 1;

/// What a view has of a value, by its length up to 12 and above: of the four bytes before the value and the first four of it, of
/// the eight after those, and of its place.
static KEPT: [(u64, u64, u64); 16] = {
    const FOUR: u64 = 0xFFFF_FFFF_0000_0000;
    let mut kept = [(FOUR, 0, u64::MAX); 16];
    let mut length = 0;
    while length <= INLINE {
        #[allow(clippy::indexing_slicing)] // at compile time
        {
            kept[length] = match length {
                0..4 => (((1 << (8 * length)) - 1) << 32, 0, 0),
                4..12 => (FOUR, (1 << (8 * (length - 4))) - 1, 0),
                _ => (FOUR, u64::MAX, 0),
            };
        }
        length += 1;
    }
    kept
};

/// The view of `bytes[start..end]`, `bytes` being buffer number `buffer`; an empty one if that is no range of `bytes`.
#[inline]
pub(super) fn view(bytes: &[u8], start: usize, end: usize, buffer: u32) -> u128 {
    let Some(value) = bytes.get(start..end) else { return 0 };
    match window(bytes, start) {
        Some(window) => view_of(window, value.len(), start, buffer),
        None => near_an_end(value, start, buffer),
    }
}

/// The four bytes before `start` and the twelve from there on.
#[inline(always)]
#[allow(clippy::inline_always)] // in the innermost loop of the crate
fn window(bytes: &[u8], start: usize) -> Option<&[u8; 16]> {
    bytes.get(start.wrapping_sub(4)..)?.first_chunk()
}

/// The view of `length` bytes at `start` of `buffer`.
#[inline(always)]
#[allow(clippy::inline_always)] // in the innermost loop of the crate
fn view_of(window: &[u8; 16], length: usize, start: usize, buffer: u32) -> u128 {
    // Whether a value is short cannot be foretold, so both kinds are made alike: 16 bytes are read, whose first four make room
    // for the length, what is not kept is masked out, and a long value's place takes the place of those after the prefix.
    #[allow(clippy::indexing_slicing)] // below 16
    let (head, tail, place) = KEPT[length.min(15)];
    let word = u128::from_le_bytes(*window);
    let head = word as u64 & head | length as u64;
    let tail = (word >> 64) as u64 & tail | (u64::from(buffer) | (start as u64) << 32) & place;
    u128::from(head) | u128::from(tail) << 64
}

/// The same where fewer than four bytes come before or fewer than 12 follow.
#[cold]
fn near_an_end(value: &[u8], start: usize, buffer: u32) -> u128 {
    if value.len() <= INLINE {
        return inline_view(value);
    }
    let prefix = value.first_chunk::<4>().map_or(0, |prefix| u32::from_le_bytes(*prefix));
    value.len() as u128 | u128::from(prefix) << 32 | u128::from(buffer) << 64 | (start as u128) << 96
}

/// The view of a string of at most 12 bytes; of a longer one, its first 12.
#[inline]
pub(super) fn inline_view(value: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    let length = value.len().min(INLINE);
    for (to, from) in bytes.iter_mut().zip(value.iter().take(INLINE)) {
        *to = *from;
    }
    u128::from_le_bytes(bytes) << 32 | length as u128
}

/// The view of `block[start..end]`, as [`view`] makes it, where it is known that `start` is not past `end`, nor `end` past the
/// block's.
#[inline(always)]
#[allow(clippy::inline_always)] // in the innermost loop of the crate
pub(super) fn view_between(block: &[u8], start: usize, end: usize) -> u128 {
    debug_assert!(start <= end && end <= block.len());
    match window(block, start) {
        Some(window) => view_of(window, end - start, start, BLOCK),
        None => view(block, start, end, BLOCK),
    }
}

/// The text in [`BLOCK`] that views in `columns` point at, one after the other, if it is less than a quarter of `block`. They then point
/// into that.
pub(super) fn compact<const N: usize>(mut columns: [&mut [u128]; N], block: &[u8]) -> Option<Vec<u8>> {
    let length = |view: u128| view as u32 as usize;
    let is_long = |view: u128| length(view) > INLINE && (view >> 64) as u32 == BLOCK;
    let views = || columns.iter().flat_map(|column| column.iter().copied());
    let total: usize = views().filter(|&view| is_long(view)).map(length).sum();
    if total > block.len() / 4 {
        return None;
    }
    let mut text = Vec::with_capacity(total);
    for view in columns.iter_mut().flat_map(|column| column.iter_mut()).filter(|view| is_long(**view)) {
        let start = (*view >> 96) as usize;
        let place = text.len() as u128;
        text.extend_from_slice(block.get(start..start + length(*view)).unwrap_or_default());
        *view = *view & (u128::MAX >> 32) | place << 96;
    }
    Some(text)
}

/// A string array over `views`.
///
/// The caller has made every view with [`view`], [`view_between`] or [`inline_view`], from a range of the buffer it names that is valid
/// UTF-8 (what `encoding::BlockText` establishes, or decoding made), or 0 where `nulls` says null.
pub(super) fn string_views(views: Vec<u128>, buffers: Arc<[Buffer]>, nulls: Option<NullBuffer>) -> StringViewArray {
    debug_assert!(StringViewArray::try_new(views.clone().into(), Arc::clone(&buffers), nulls.clone()).is_ok());
    #[allow(unsafe_code)]
    // SAFETY: `view` makes views that lie in their buffer, shorter than `i32::MAX` by the bounds on blocks and on text that is made (or, after `compact`, in one with the same text; that of fixed
    // fields is bounded where it is put together), with the right
    // prefix and zero padding. That their ranges are UTF-8 is this function's stated condition, checked above in debug builds.
    unsafe {
        StringViewArray::new_unchecked(ScalarBuffer::from(views), buffers, nulls)
    }
}

/// A dictionary array with plain string values. The caller has taken every key from the length that `values` had.
pub(super) fn dictionary<K: ArrowDictionaryKeyType>(
    keys: Vec<K::Native>,
    values: &[String],
    nulls: Option<NullBuffer>,
) -> ArrayRef {
    let keys = PrimitiveArray::<K>::new(keys.into(), nulls);
    let values: ArrayRef = Arc::new(StringArray::from_iter_values(values));
    debug_assert!(DictionaryArray::try_new(keys.clone(), Arc::clone(&values)).is_ok());
    #[allow(unsafe_code)]
    // SAFETY: keys are below the number of values, this function's stated condition, checked above in debug builds; those of
    // nulls are 0, which nobody looks up.
    Arc::new(unsafe { DictionaryArray::new_unchecked(keys, values) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_those_that_arrow_makes() {
        let text = "0123456789abcdefghijklmnopqrstuvwxyz";
        let buffer = Buffer::from(text.as_bytes());
        let (mut views, mut expected) = (Vec::new(), Vec::new());
        for start in 0..=text.len() {
            for end in start..=text.len() {
                views.push(view(text.as_bytes(), start, end, BLOCK));
                assert_eq!(view_between(text.as_bytes(), start, end), view(text.as_bytes(), start, end, BLOCK));
                expected.push(&text[start..end]);
            }
        }
        let array = StringViewArray::try_new(views.into(), vec![buffer], None).unwrap();
        assert_eq!(array.iter().map(Option::unwrap).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn text_that_is_little_is_taken_out_of_its_block() {
        let block = "0123456789abcdefghijklmnopqrstuvwxyz".repeat(4).into_bytes();
        let scratch = Buffer::from(b"some text that was made");
        let made = view(scratch.as_slice(), 0, 23, SCRATCH);
        let mut first = vec![view(&block, 100, 120, BLOCK), view(&block, 3, 9, BLOCK), made];
        let mut second = vec![view(&block, 0, 16, BLOCK)];
        let before = (first.clone(), second.clone());
        assert!(compact([&mut first, &mut second], &block[..36]).is_none());
        assert_eq!((&first, &second), (&before.0, &before.1));
        let text = compact([&mut first, &mut second], &block).unwrap();
        assert_eq!(text.len(), 36);
        let buffers: Arc<[Buffer]> = Arc::from([Buffer::from(text), scratch.clone()]);
        let old: Arc<[Buffer]> = Arc::from([Buffer::from(block.clone()), scratch]);
        for (new, old_views) in [(first, before.0), (second, before.1)] {
            let new = string_views(new, Arc::clone(&buffers), None);
            assert_eq!(new, string_views(old_views, Arc::clone(&old), None));
        }
    }

    #[test]
    fn inline_views_are_those_that_arrow_makes() {
        for text in ["", "a", "é", "twelve bytes"] {
            assert_eq!(inline_view(text.as_bytes()), view(text.as_bytes(), 0, text.len(), BLOCK));
            let array = StringViewArray::try_new(vec![inline_view(text.as_bytes())].into(), vec![], None).unwrap();
            assert_eq!(array.value(0), text);
        }
    }
}
