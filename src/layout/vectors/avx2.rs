//! The path for AVX2, which makes two views at a time.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi32, _mm_cmpgt_epi32, _mm_loadu_si128, _mm_or_si128, _mm_set1_epi32, _mm_sub_epi32,
    _mm_testz_si128, _mm256_and_si256, _mm256_blendv_epi8, _mm256_castsi128_si256, _mm256_cmpgt_epi8,
    _mm256_cmpgt_epi32, _mm256_inserti128_si256, _mm256_or_si256, _mm256_permutevar8x32_epi32, _mm256_set_m128i,
    _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setr_epi32, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_shuffle_epi32, _mm256_storeu_si256,
};
use std::mem::MaybeUninit;

use crate::layout::arrays::{BLOCK, INLINE, view};

/// How many views come of one step.
const STEP: usize = 4;

// It is not written into views.
const _: () = assert!(BLOCK == 0);

/// Fills `room` with the views of subfields; false if one of them is no range of the block, or too near to an end of it.
///
/// # Safety
///
/// Only a processor with AVX2 may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn views(room: &mut [MaybeUninit<u128>], block: &[u8], delimiters: &[u32], ends: &[u32]) -> bool {
    let Ok(length) = i32::try_from(block.len()) else { return false };
    let constants = Constants::new(length);
    let (steps, _) = room.as_chunks_mut::<STEP>();
    for ((room, delimiters), ends) in steps.iter_mut().zip(delimiters.as_chunks().0).zip(ends.as_chunks().0) {
        if !constants.four(room, block, delimiters, ends) {
            return false;
        }
    }
    match (room.last_chunk_mut(), delimiters.last_chunk(), ends.last_chunk()) {
        // Some of them for the second time.
        (Some(room), Some(delimiters), Some(ends)) => constants.four(room, block, delimiters, ends),
        _ => room.iter_mut().zip(delimiters).zip(ends).fold(true, |all, ((room, &at), &end)| {
            let (start, end) = (at as usize + 2, end as usize);
            room.write(view(block, start, end, BLOCK));
            all & (start <= end && end <= block.len())
        }),
    }
}

/// What each step needs.
#[derive(Clone, Copy)]
struct Constants {
    length: __m128i,
    /// The last place from which twelve bytes can be read.
    last: __m128i,
    /// Length and place of the first two of four views, each as what its view has of them, and of the others.
    pairs: [__m256i; 2],
    /// What each byte of a view is behind the length.
    places: __m256i,
    /// Of a view, the second number: the prefix of what is long.
    prefix: __m256i,
    first: __m256i,
    fourth: __m256i,
}

impl Constants {
    #[target_feature(enable = "avx2")]
    fn new(length: i32) -> Self {
        #[rustfmt::skip]
        let places = _mm256_setr_epi8(
            127, 127, 127, 127, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
            127, 127, 127, 127, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
        );
        Self {
            length: _mm_set1_epi32(length),
            last: _mm_set1_epi32(length.wrapping_sub(INLINE as i32)),
            pairs: [_mm256_setr_epi32(0, 0, 0, 4, 1, 1, 1, 5), _mm256_setr_epi32(2, 2, 2, 6, 3, 3, 3, 7)],
            places,
            prefix: _mm256_setr_epi32(0, -1, 0, 0, 0, -1, 0, 0),
            first: _mm256_setr_epi32(-1, 0, 0, 0, -1, 0, 0, 0),
            fourth: _mm256_setr_epi32(0, 0, 0, -1, 0, 0, 0, -1),
        }
    }

    /// Four views, if their values have four bytes before them and twelve behind where they begin.
    #[target_feature(enable = "avx2")]
    fn four(
        &self,
        room: &mut [MaybeUninit<u128>; STEP],
        block: &[u8],
        delimiters: &[u32; STEP],
        ends: &[u32; STEP],
    ) -> bool {
        // SAFETY: each load is of 16 readable bytes, which need not be aligned.
        #[allow(unsafe_code)]
        let (at, ends) =
            unsafe { (_mm_loadu_si128(delimiters.as_ptr().cast()), _mm_loadu_si128(ends.as_ptr().cast())) };
        let starts = _mm_add_epi32(at, _mm_set1_epi32(2));
        // A position beyond what has a sign is below all others.
        let odd = _mm_or_si128(
            _mm_or_si128(_mm_cmpgt_epi32(_mm_set1_epi32(4), starts), _mm_cmpgt_epi32(starts, self.last)),
            _mm_or_si128(_mm_cmpgt_epi32(starts, ends), _mm_cmpgt_epi32(ends, self.length)),
        );
        if _mm_testz_si128(odd, odd) == 0 {
            return false;
        }
        let numbers = _mm256_set_m128i(starts, _mm_sub_epi32(ends, starts));
        let (rooms, _) = room.as_chunks_mut::<2>();
        let (pairs, _) = delimiters.as_chunks::<2>();
        for ((room, &[a, b]), pair) in rooms.iter_mut().zip(pairs).zip(self.pairs) {
            // SAFETY: values begin two bytes behind their delimiters, four bytes or more behind the block's first one and twelve
            // or more before its end, as was just seen; each load is of the 16 bytes from four before, which need not be aligned.
            #[allow(unsafe_code)]
            let windows = unsafe {
                let window = |at: u32| _mm_loadu_si128(block.as_ptr().add(at as usize - 2).cast());
                _mm256_inserti128_si256(_mm256_castsi128_si256(window(a)), window(b), 1)
            };
            // Of each view, the length three times, and the place.
            let numbers = _mm256_permutevar8x32_epi32(numbers, pair);
            let long = _mm256_cmpgt_epi32(_mm256_shuffle_epi32(numbers, 0), _mm256_set1_epi32(INLINE as i32));
            let lengths = _mm256_shuffle_epi8(numbers, _mm256_setzero_si256());
            let text = _mm256_blendv_epi8(_mm256_cmpgt_epi8(lengths, self.places), self.prefix, long);
            let kept = _mm256_or_si256(self.first, _mm256_and_si256(long, self.fourth));
            let views = _mm256_or_si256(_mm256_and_si256(windows, text), _mm256_and_si256(numbers, kept));
            // SAFETY: room for two views is 32 writable bytes, and the store needs no alignment.
            #[allow(unsafe_code)]
            unsafe {
                _mm256_storeu_si256(room.as_mut_ptr().cast(), views);
            }
        }
        true
    }
}
