//! Arrow arrays from parts that a builder vouches for, without looking through them again.
//!
//! One of the few modules with `unsafe` code. Two functions skip a check that would cost a pass over the data: that string
//! views hold valid UTF-8 and that dictionary keys are in range; a third puts a view together in one register, and a fourth copies
//! values with some of what comes after them.

use std::sync::Arc;

use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{ArrayRef, DictionaryArray, PrimitiveArray, StringArray, StringViewArray};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};

use super::symbols::Text;
use crate::memory::with_capacity;

/// The longest string that a view holds itself.
pub(crate) const INLINE: usize = 12;

/// The number of the buffer with the block's own bytes.
pub(super) const BLOCK: u32 = 0;
/// The number of the buffer with text that was made.
pub(super) const SCRATCH: u32 = 1;

/// What a view has of a value, by its length up to 12 and above: of the four bytes before the value and the first twelve of it,
/// and of its length, its first four bytes, its buffer and its place.
static KEPT: [[u128; 2]; 16] = {
    const ALL: u128 = u128::MAX << 32;
    let mut kept = [[ALL & u64::MAX as u128, u128::MAX]; 16];
    let mut length = 0;
    while length <= INLINE {
        #[allow(clippy::indexing_slicing)] // at compile time
        {
            kept[length] = [ALL & u128::MAX >> (8 * (INLINE - length)), u32::MAX as u128];
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
    let [text, place] = &KEPT[length.min(15)];
    masked(window, text, [length as u32, 0, buffer, start as u32], place)
}

/// What `text` has of `window`, and `mask` of `place`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::inline_always)] // in the innermost loop of the crate
fn masked(window: &[u8; 16], text: &u128, place: [u32; 4], mask: &u128) -> u128 {
    use std::arch::x86_64::{__m128i, _mm_and_si128, _mm_loadu_si128, _mm_or_si128, _mm_set_epi32};
    // The compiler would take the numbers apart into halves.
    let [a, b, c, d] = place.map(u32::cast_signed);
    #[allow(unsafe_code)]
    // SAFETY: every processor of this architecture has these instructions; each load is of 16 readable bytes, which need not be
    // aligned, and 16 bytes are a number, whatever they are.
    unsafe {
        let load = |from: *const u128| _mm_loadu_si128(from.cast());
        let window = _mm_loadu_si128(window.as_ptr().cast());
        let view =
            _mm_or_si128(_mm_and_si128(window, load(text)), _mm_and_si128(_mm_set_epi32(d, c, b, a), load(mask)));
        std::mem::transmute::<__m128i, u128>(view)
    }
}

/// What `text` has of `window`, and `mask` of `place`.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
#[allow(clippy::inline_always)] // in the innermost loop of the crate
fn masked(window: &[u8; 16], text: &u128, place: [u32; 4], mask: &u128) -> u128 {
    let [a, b, c, d] = place.map(u128::from);
    u128::from_le_bytes(*window) & text | (a | b << 32 | c << 64 | d << 96) & mask
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

/// Appends the views of what is behind the two bytes that each subfield begins with, up to its end, as [`view`] makes them: empty
/// ones where that is no range of the block.
#[inline(never)] // what the loop needs stays in registers
pub(super) fn extend_with_subfields(views: &mut Vec<u128>, block: &[u8], delimiters: &[u32], ends: &[u32]) {
    const NOTHING: &[u8; 16] = &[0; 16];
    #[cfg(target_arch = "x86_64")]
    if delimiters.len() >= super::vectors::WORTHWHILE
        && super::vectors::extend_with_views(views, block, delimiters, ends)
    {
        return;
    }
    let places = || delimiters.iter().zip(ends).map(|(&at, &end)| (at as usize + 2, end as usize));
    let before = views.len();
    let mut odd = false;
    views.extend(places().map(|(start, end)| {
        let window = window(block, start);
        odd |= window.is_none() || end < start || end > block.len();
        view_of(window.unwrap_or(NOTHING), end.wrapping_sub(start), start, BLOCK)
    }));
    if odd {
        views.truncate(before);
        views.extend(places().map(|(start, end)| view(block, start, end, BLOCK)));
    }
}

/// The text in [`BLOCK`] that views in `columns` point at, one value after the other, if it is no more than `most` bytes. They then
/// point into that. `retain` says that it will be kept.
pub(super) fn compact<const N: usize>(
    mut columns: [&mut [u128]; N],
    block: &[u8],
    most: usize,
    retain: bool,
) -> Option<Vec<u8>> {
    let total: usize = columns.iter().flat_map(|column| column.iter()).map(|&view| length_in_block(view)).sum();
    if total > most {
        return None;
    }
    let mut text: Vec<u8> = with_capacity(total, retain);
    for views in &mut columns {
        move_text(views, block, &mut text);
    }
    Some(text)
}

/// How much text a view points at in [`BLOCK`].
#[inline(always)]
#[allow(clippy::inline_always, clippy::needless_bitwise_bool)] // in a loop over all values, neither of which can be foretold
fn length_in_block(view: u128) -> usize {
    let (length, buffer) = (view as u32 as usize, (view >> 64) as u32);
    if (length > INLINE) & (buffer == BLOCK) { length } else { 0 }
}

/// Appends to `text`, which has room for it, what `views` point at in the block; they then point there.
#[inline(never)] // what the loop needs stays in registers
fn move_text(views: &mut [u128], block: &[u8], text: &mut Vec<u8>) {
    /// How much is copied at a time: what most values take.
    const WIDE: usize = 64;
    let mut at = text.len();
    for view in views {
        // Which values are long cannot be foretold, so that all are gone about alike.
        let length = length_in_block(*view);
        let is_long = length > 0;
        let start = if is_long { (*view >> 96) as usize } else { 0 };
        let place = if is_long { at as u128 } else { *view >> 96 };
        *view = *view & (u128::MAX >> 32) | place << 96;
        match block.get(start..).and_then(<[u8]>::first_chunk::<WIDE>) {
            #[allow(unsafe_code)]
            // SAFETY: there is room for as many bytes as are written; at most as many are kept.
            Some(from) if length <= WIDE && at + WIDE <= text.capacity() => unsafe {
                text.as_mut_ptr().add(at).cast::<[u8; WIDE]>().write_unaligned(*from);
            },
            #[allow(unsafe_code)]
            _ => {
                // SAFETY: all before this place is of values that were written.
                unsafe { text.set_len(at) };
                text.extend_from_slice(block.get(start..start + length).unwrap_or_default());
                debug_assert_eq!(text.len(), at + length);
                // What was not there, which is nothing.
                text.resize(at + length, 0);
            }
        }
        at += length;
    }
    #[allow(unsafe_code)]
    // SAFETY: within the capacity, and all up to here is of values that were written.
    unsafe {
        text.set_len(at);
    }
}

/// A string array over `views`.
///
/// The caller has made every view with [`view`], [`extend_with_subfields`] or [`inline_view`], from a range of the buffer it
/// names that is valid UTF-8 (what `encoding::BlockText` establishes, or decoding made), or 0 where `nulls` says null.
pub(super) fn string_views(views: Vec<u128>, buffers: Arc<[Buffer]>, nulls: Option<NullBuffer>) -> StringViewArray {
    debug_assert!(StringViewArray::try_new(views.clone().into(), Arc::clone(&buffers), nulls.clone()).is_ok());
    #[allow(unsafe_code)]
    // SAFETY: `view` makes views that lie in their buffer, no longer than `i32::MAX` by the bounds on blocks and on text that is
    // made (or, after `compact`, in one with the same text; that of fixed fields is bounded where it is put together, and that of
    // columns where it is pushed, `Texts` making no larger buffers), with the right prefix and zero padding. That their ranges are
    // UTF-8 is this function's stated condition, checked above in debug builds.
    unsafe {
        StringViewArray::new_unchecked(ScalarBuffer::from(views), buffers, nulls)
    }
}

/// A dictionary array with plain string values. The caller has taken every key from the length that `values` had.
pub(super) fn dictionary<K: ArrowDictionaryKeyType>(
    keys: Vec<K::Native>,
    values: &[Text],
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
    use proptest::prelude::*;

    #[test]
    fn views_are_those_that_arrow_makes() {
        let text = "0123456789abcdefghijklmnopqrstuvwxyz";
        let buffer = Buffer::from(text.as_bytes());
        let (mut views, mut expected) = (Vec::new(), Vec::new());
        for start in 0..=text.len() {
            for end in start..=text.len() {
                views.push(view(text.as_bytes(), start, end, BLOCK));
                if let Some(at) = start.checked_sub(2) {
                    let mut views = vec![7];
                    extend_with_subfields(
                        &mut views,
                        text.as_bytes(),
                        &[at as u32, at as u32],
                        &[end as u32, start as u32],
                    );
                    let expected = [end, start].map(|end| view(text.as_bytes(), start, end, BLOCK));
                    assert_eq!((views[0], &views[1..]), (7, &expected[..]));
                    // An end before the start, and one that is not in the block.
                    let beyond = [at as u32 + 1, text.len() as u32 + 1];
                    extend_with_subfields(&mut views, text.as_bytes(), &[at as u32, at as u32], &beyond);
                    assert_eq!(views[3..], [0, 0]);
                }
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
        assert!(compact([&mut first, &mut second], &block, 35, false).is_none());
        assert_eq!((&first, &second), (&before.0, &before.1));
        let text = compact([&mut first, &mut second], &block, 36, false).unwrap();
        assert_eq!(text.len(), 36);
        let buffers: Arc<[Buffer]> = Arc::from([Buffer::from(text), scratch.clone()]);
        let old: Arc<[Buffer]> = Arc::from([Buffer::from(block.clone()), scratch]);
        for (new, old_views) in [(first, before.0), (second, before.1)] {
            let new = string_views(new, Arc::clone(&buffers), None);
            assert_eq!(new, string_views(old_views, Arc::clone(&old), None));
        }
    }

    proptest! {
        #[test]
        fn compaction_changes_no_value(
            length in 0..400usize,
            columns in prop::array::uniform3(prop::collection::vec((0..4u8, any::<prop::sample::Index>(), 0..150usize), 0..30)),
        ) {
            let block: Vec<u8> = (0..length).map(|at| b'!' + (at * 7 % 90) as u8).collect();
            let made = vec![b'm'; 300];
            let mut total = 0;
            let mut columns = columns.map(|column| {
                let views = column.into_iter().map(|(kind, start, length)| {
                    let text = if kind == 1 { &made } else { &block };
                    let start = start.index(text.len() + 1);
                    let end = (start + length).min(text.len());
                    match kind {
                        0 => 0,
                        1 => view(text, start, end, SCRATCH),
                        _ => {
                            total += if end - start > INLINE { end - start } else { 0 };
                            view(text, start, end, BLOCK)
                        }
                    }
                });
                views.collect::<Vec<_>>()
            });
            let array = |views: &Vec<u128>, first: &[u8]| {
                let buffers = vec![Buffer::from(first), Buffer::from(&made[..])];
                StringViewArray::try_new(views.clone().into(), buffers, None).unwrap()
            };
            let before = columns.clone();
            if let Some(less) = total.checked_sub(1) {
                prop_assert!(compact(columns.each_mut().map(Vec::as_mut_slice), &block, less, false).is_none());
                prop_assert_eq!(&columns, &before);
            }
            let text = compact(columns.each_mut().map(Vec::as_mut_slice), &block, total, true).unwrap();
            prop_assert_eq!(text.len(), total);
            for (views, old) in columns.iter().zip(&before) {
                prop_assert_eq!(array(views, &text), array(old, &block));
            }
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
