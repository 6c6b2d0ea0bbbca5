//! The path for AVX-512, which finds the numbers of all marks of 64 bytes in a few instructions.

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{
    __m512i, _bzhi_u64, _mm256_add_epi32, _mm256_cvtepu8_epi32, _mm256_storeu_si256, _mm256_sub_epi32,
    _mm512_add_epi32, _mm512_castsi512_si128, _mm512_castsi512_si256, _mm512_cmpeq_epi8_mask, _mm512_cvtepu8_epi32,
    _mm512_loadu_si512, _mm512_mask_cmpeq_epi8_mask, _mm512_maskz_compress_epi8, _mm512_maskz_loadu_epi8,
    _mm512_min_epu8, _mm512_or_si512, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_storeu_si512,
    _mm512_sub_epi32, _mm512_xor_si512, _pext_u64,
};

use super::{CHUNK, DELIMITER, ESCAPE, GROUP, Masks, TERMINATORS, Tape, chunks};

/// The numbers of 64 bytes.
static PLACES: [u8; CHUNK] = {
    let mut places = [0; CHUNK];
    let mut place = 0;
    while place < CHUNK {
        #[allow(clippy::indexing_slicing)] // at compile time
        {
            places[place] = place as u8;
        }
        place += 1;
    }
    places
};

pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

/// Writes `$origin` and the number of each bit of `$mask`, less `$less` for the first 16 bits, that and 16 for the next, and so on
/// where it is not 0, from `$next` on, which is moved behind them. No function, because those are called with vectors in memory.
/// Mostly there are fewer than eight, and stores of 64 bytes would be across two cache lines.
macro_rules! append {
    ($next:expr, $mask:expr, $places:expr, $origin:expr, $less:expr) => {{
        let (next, mask): (&mut *mut u32, u64) = (&mut $next, $mask);
        let count = mask.count_ones() as usize;
        let found = _mm512_maskz_compress_epi8(mask, $places);
        let first = _mm256_cvtepu8_epi32(_mm512_castsi512_si128(found));
        let first = _mm256_add_epi32(first, _mm512_castsi512_si256($origin));
        let first = _mm256_sub_epi32(first, _mm512_castsi512_si256($less));
        // SAFETY: there is room for a number for each byte of the chunks to come, which are 64 or more and of which 8 are written;
        // the store needs no alignment.
        unsafe { _mm256_storeu_si256(next.cast(), first) };
        if count > 8 {
            // SAFETY: there is room for 64 more, as before.
            unsafe { write_all(*next, found, $origin, $less) };
        }
        // SAFETY: within the room, or just behind it.
        *next = unsafe { next.add(count) };
    }};
}

/// Appends where subfields of a field of at most 64 bytes, the first of which is number `start`, begin, and where they end.
///
/// # Safety
///
/// Only a processor with the features of [`is_there`] may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt")]
pub(super) unsafe fn extend_with_subfields(delimiters: &mut Vec<u32>, ends: &mut Vec<u32>, field: &[u8], start: u32) {
    debug_assert!(field.len() <= CHUNK);
    let there = _bzhi_u64(u64::MAX, field.len() as u32);
    // SAFETY: of 64 bytes, those that the field has.
    let bytes = unsafe { _mm512_maskz_loadu_epi8(there, field.as_ptr().cast()) };
    let mask = _mm512_mask_cmpeq_epi8_mask(there, bytes, _mm512_set1_epi8(DELIMITER.cast_signed()));
    let count = mask.count_ones() as usize;
    if count == 0 {
        return;
    }
    delimiters.reserve(CHUNK);
    ends.reserve(CHUNK);
    let origin = _mm512_set1_epi32(start.cast_signed());
    // SAFETY: 64 readable bytes, and the load needs no alignment.
    let places = unsafe { _mm512_loadu_si512(PLACES.as_ptr().cast()) };
    let found = _mm512_maskz_compress_epi8(mask, places);
    // Each subfield ends where the next one begins, and the last one with the field.
    let nexts = _mm512_maskz_compress_epi8(mask & mask.wrapping_sub(1), places);
    // SAFETY: there is room for 64 numbers in either list, of which `count` are kept: those that were written, and the last end,
    // which is written here.
    unsafe {
        write_some(delimiters.as_mut_ptr().add(delimiters.len()), found, origin, count);
        write_some(ends.as_mut_ptr().add(ends.len()), nexts, origin, count);
        delimiters.set_len(delimiters.len() + count);
        ends.as_mut_ptr().add(ends.len() + count - 1).write(start + field.len() as u32);
        ends.set_len(ends.len() + count);
    }
}

/// Writes `count` of `numbers`, and more, `origin` being added to each.
///
/// # Safety
///
/// There is room for 64 behind `next`.
#[allow(unsafe_code)]
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt")]
unsafe fn write_some(next: *mut u32, numbers: __m512i, origin: __m512i, count: usize) {
    if count > 8 {
        // SAFETY: as the caller says.
        return unsafe { write_all(next, numbers, origin, _mm512_setzero_si512()) };
    }
    let first = _mm256_cvtepu8_epi32(_mm512_castsi512_si128(numbers));
    // SAFETY: as the caller says; eight numbers are written, and the store needs no alignment.
    unsafe { _mm256_storeu_si256(next.cast(), _mm256_add_epi32(first, _mm512_castsi512_si256(origin))) };
}

/// # Safety
///
/// Only a processor with the features of [`is_there`] may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt")]
pub(super) unsafe fn find<const ALL: bool>(block: &[u8], tape: &mut Tape) -> bool {
    // SAFETY: 64 readable bytes, and the load needs no alignment.
    let places = unsafe { _mm512_loadu_si512(PLACES.as_ptr().cast()) };
    let numbers = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(places));
    let (wanted, one) = (_mm512_set1_epi8(DELIMITER.cast_signed()), _mm512_set1_epi8(1));
    let (zero, escape) = (_mm512_set1_epi32(0), _mm512_set1_epi8(ESCAPE.cast_signed()));
    let step = _mm512_set1_epi32(CHUNK as i32);
    let (chunks, last) = chunks(block);
    let (mut origin, mut open, mut lowest) = (zero, 0, _mm512_set1_epi8(-1));
    for group in chunks.chunks(GROUP).chain(last.as_ref().map(std::slice::from_ref)) {
        let mut next = [std::ptr::null_mut(); 4];
        for (place, (next, list)) in next.iter_mut().zip(tape.lists()).enumerate() {
            if ALL || place == TERMINATORS {
                list.reserve(GROUP * CHUNK);
            }
            *next = list.spare_capacity_mut().as_mut_ptr().cast::<u32>();
        }
        let starts = next;
        let mut delimiters_before = (tape.delimiters.len() as u32).cast_signed();
        let [mut delimiters, mut ends, mut terminators, mut before] = next;
        for chunk in group {
            // SAFETY: 64 readable bytes, and the load needs no alignment.
            let bytes = unsafe { _mm512_loadu_si512(chunk.as_ptr().cast()) };
            let masks = Masks {
                delimiters: _mm512_cmpeq_epi8_mask(bytes, wanted),
                // The two marks differ in their last bit alone.
                marks: _mm512_cmpeq_epi8_mask(_mm512_or_si512(bytes, one), wanted),
            };
            // 0 where there is one.
            lowest = _mm512_min_epu8(lowest, _mm512_xor_si512(bytes, escape));
            append!(terminators, masks.terminators(), places, origin, zero);
            if ALL {
                append!(delimiters, masks.delimiters, places, origin, zero);
                append!(ends, masks.ends(&mut open), places, origin, zero);
                // The number of a terminator among the marks, less its number among the terminators.
                let counted = _mm512_set1_epi32(delimiters_before);
                append!(before, _pext_u64(masks.terminators(), masks.marks), places, counted, numbers);
                delimiters_before += masks.delimiters.count_ones().cast_signed();
            }
            origin = _mm512_add_epi32(origin, step);
        }
        let next = [delimiters, ends, terminators, before];
        for ((next, start), list) in next.into_iter().zip(starts).zip(tape.lists()) {
            // SAFETY: both are within the list's room, or just behind it, and all between them has been written: at most a number
            // for each byte of the group.
            unsafe { list.set_len(list.len() + next.offset_from_unsigned(start)) };
        }
    }
    _mm512_cmpeq_epi8_mask(lowest, zero) != 0
}

/// Writes all 64 numbers that there may be.
///
/// # Safety
///
/// There is room for them from `next` on.
#[allow(unsafe_code)]
#[cold]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
unsafe fn write_all(next: *mut u32, found: __m512i, origin: __m512i, less: __m512i) {
    use std::arch::x86_64::{_mm_loadu_si128, _mm512_test_epi32_mask};
    let mut bytes = [0u8; CHUNK];
    // SAFETY: 64 writable bytes, and the store needs no alignment.
    unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), found) };
    let counted = _mm512_test_epi32_mask(less, less) != 0;
    for (index, sixteen) in bytes.as_chunks::<16>().0.iter().enumerate() {
        let step = _mm512_set1_epi32(if counted { 16 * index as i32 } else { 0 });
        // SAFETY: 16 readable bytes; there is room for 64 numbers, which four times 16 are.
        unsafe {
            let found = _mm512_cvtepu8_epi32(_mm_loadu_si128(sixteen.as_ptr().cast()));
            let found = _mm512_sub_epi32(_mm512_add_epi32(found, origin), _mm512_add_epi32(less, step));
            _mm512_storeu_si512(next.add(16 * index).cast(), found);
        }
    }
}
