//! The path for AVX2: the numbers of a few thousand bytes' marks, with their kind, are written one after the other, and then
//! dealt out to the lists of the tape, eight at a time.

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{
    __m256i, _mm_loadl_epi64, _mm256_add_epi32, _mm256_castsi256_ps, _mm256_cmpeq_epi8, _mm256_cvtepu8_epi32,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_movemask_ps, _mm256_or_si256, _mm256_permutevar8x32_epi32,
    _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setr_epi32, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_srli_epi32,
    _mm256_storeu_si256, _mm256_sub_epi32,
};

use super::{CHUNK, DELIMITER, ESCAPE, FIELD_TERMINATOR, Masks, Tape, chunks};

/// How many chunks are looked through before their marks are dealt out: those stay in the nearest cache.
const CHUNKS: usize = 32;

/// How many marks are dealt out at a time.
const LANES: usize = 8;

/// For each set of eight lanes, the numbers of those in it, in order.
static LANES_OF: [u64; 256] = {
    let mut lanes_of = [0; 256];
    let mut set = 0;
    while set < 256 {
        let (mut lane, mut place) = (0, 0);
        while lane < LANES {
            if set >> lane & 1 == 1 {
                #[allow(clippy::indexing_slicing)] // at compile time
                {
                    lanes_of[set] |= (lane as u64) << (8 * place);
                }
                place += 1;
            }
            lane += 1;
        }
        set += 1;
    }
    lanes_of
};

pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

/// # Safety
///
/// Only a processor with AVX2, BMI1, BMI2 and POPCNT may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub(super) unsafe fn find<const ALL: bool>(block: &[u8], tape: &mut Tape) -> bool {
    let (whole, last) = chunks(block);
    let mut escapes = _mm256_setzero_si256();
    let mut marks = Marks::default();
    let mut at = 0;
    for chunks in whole.chunks(CHUNKS).chain(last.as_ref().map(std::slice::from_ref)) {
        for chunk in chunks {
            let (low, high) = chunk.split_at(32);
            // SAFETY: each half is 32 readable bytes, and the load needs no alignment.
            let (low, high) =
                unsafe { (_mm256_loadu_si256(low.as_ptr().cast()), _mm256_loadu_si256(high.as_ptr().cast())) };
            let escape = _mm256_set1_epi8(ESCAPE.cast_signed());
            let both = _mm256_or_si256(_mm256_cmpeq_epi8(low, escape), _mm256_cmpeq_epi8(high, escape));
            escapes = _mm256_or_si256(escapes, both);
            if ALL {
                let one = _mm256_set1_epi8(1);
                marks.push(
                    at,
                    Masks {
                        delimiters: equal(low, high, DELIMITER),
                        // The two marks differ in their last bit alone.
                        marks: equal(_mm256_or_si256(low, one), _mm256_or_si256(high, one), DELIMITER),
                    },
                );
            } else {
                append(&mut tape.terminators, at, equal(low, high, FIELD_TERMINATOR));
            }
            at += CHUNK as u32;
        }
        if ALL {
            marks.deal(tape);
        }
    }
    if ALL {
        marks.deal_last(tape, block.len() as u32);
    }
    _mm256_movemask_epi8(escapes) != 0
}

/// A bit for each of 64 bytes that equals `wanted`.
#[inline]
#[target_feature(enable = "avx2")]
fn equal(low: __m256i, high: __m256i, wanted: u8) -> u64 {
    let wanted = _mm256_set1_epi8(wanted.cast_signed());
    let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)).cast_unsigned();
    let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)).cast_unsigned();
    u64::from(low) | u64::from(high) << 32
}

/// Appends the number of each bit, counted from `at`.
#[allow(unsafe_code)]
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn append(list: &mut Vec<u32>, at: u32, mask: u64) {
    list.reserve(CHUNK + UNROLL);
    // SAFETY: there is room for as many as there are bits, and for what may be written beyond them, which is not kept.
    unsafe {
        let count = write::<0>(list.as_mut_ptr().add(list.len()), at, Masks { delimiters: 0, marks: mask });
        list.set_len(list.len() + count);
    }
}

/// Appends the position of every delimiter in `block[start..end]`.
///
/// # Safety
///
/// Only a processor with AVX2, BMI1, BMI2 and POPCNT may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub(super) unsafe fn extend_with_delimiters(list: &mut Vec<u32>, block: &[u8], start: usize, end: usize) {
    let mut at = start;
    while at < end {
        let mut mask = if let Some(half) = block.get(at..).and_then(<[u8]>::first_chunk::<32>) {
            // SAFETY: 32 readable bytes, and the load needs no alignment.
            let half = unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
            equal(half, _mm256_setzero_si256(), DELIMITER)
        } else {
            let rest = block.get(at..).unwrap_or_default();
            rest.iter().rev().fold(0, |mask, &byte| mask << 1 | u64::from(byte == DELIMITER))
        };
        if end - at < 32 {
            mask &= (1 << (end - at)) - 1;
        }
        while mask != 0 {
            list.push(at as u32 + mask.trailing_zeros());
            mask &= mask.wrapping_sub(1);
        }
        at += 32;
    }
}

/// How many numbers are written before it is asked whether there are more of them.
const UNROLL: usize = 4;

/// Writes the number of each mark of 64 bytes, counted from `at`, and below it, as `KIND` bit, whether it is a delimiter. Tells
/// how many there are.
///
/// # Safety
///
/// `to` has room for as many, and for [`UNROLL`] more.
#[allow(unsafe_code)]
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
unsafe fn write<const KIND: u32>(to: *mut u32, at: u32, masks: Masks) -> usize {
    let Masks { delimiters, mut marks } = masks;
    let count = marks.count_ones() as usize;
    let mut written = 0;
    // How many there are cannot be foretold, so some are written in any case.
    loop {
        for place in written..written + UNROLL {
            let bit = marks.trailing_zeros();
            let kind = (delimiters >> (bit & 63)) as u32 & KIND;
            // SAFETY: `place` gets to at most `UNROLL` beyond `count`, for which there is room.
            unsafe { to.add(place).write_volatile((at + bit) << KIND | kind) };
            marks &= marks.wrapping_sub(1);
        }
        written += UNROLL;
        if written >= count {
            return count;
        }
    }
}

/// Marks that were found and are to be dealt out: the position of each, and in the bit below whether it is a delimiter.
struct Marks {
    found: [u32; LANES + CHUNKS * CHUNK + UNROLL + LANES],
    count: usize,
}

impl Default for Marks {
    fn default() -> Self {
        Self { found: [0; LANES + CHUNKS * CHUNK + UNROLL + LANES], count: 0 }
    }
}

impl Marks {
    #[allow(unsafe_code)]
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn push(&mut self, at: u32, masks: Masks) {
        debug_assert!(self.count + CHUNK + UNROLL <= self.found.len());
        // SAFETY: at most `LANES` are there when a window of chunks begins, so that there is room for the marks of all of them.
        self.count += unsafe { write::<1>(self.found.as_mut_ptr().add(self.count), at, masks) };
    }

    /// Deals out eight at a time, as long as there is one more, which the last of the eight may end at.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn deal(&mut self, tape: &mut Tape) {
        let whole = self.count.saturating_sub(1) / LANES;
        self.deal_eights(tape, whole, 0xFF);
        self.found.copy_within(whole * LANES..self.count, 0);
        self.count -= whole * LANES;
    }

    /// Deals out the rest, the last of which ends at `end` if it is a delimiter.
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn deal_last(&mut self, tape: &mut Tape, end: u32) {
        if let Some(beyond) = self.found.get_mut(self.count) {
            *beyond = end << 1;
        }
        let lanes = (1 << self.count) - 1;
        self.deal_eights(tape, 1, lanes);
    }

    /// Deals out so many times eight, of which those in the set `lanes` are marks.
    #[allow(unsafe_code)]
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn deal_eights(&mut self, tape: &mut Tape, eights: usize, lanes: u32) {
        for list in tape.lists() {
            list.reserve((eights + 1) * LANES);
        }
        let [delimiters, ends, terminators, before] = tape.lists();
        let (mut delimiter_count, mut terminator_count) = (delimiters.len(), terminators.len());
        let numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        let (to_delimiters, to_ends) = (delimiters.as_mut_ptr(), ends.as_mut_ptr());
        let (to_terminators, to_before) = (terminators.as_mut_ptr(), before.as_mut_ptr());
        for eight in self.found.windows(LANES + 1).step_by(LANES).take(eights) {
            // SAFETY: eight readable numbers, and as many from the second of nine on.
            let (these, next) = unsafe {
                (_mm256_loadu_si256(eight.as_ptr().cast()), _mm256_loadu_si256(eight.as_ptr().add(1).cast()))
            };
            let kinds = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32(these, 31))).cast_unsigned();
            let (these, next) = (_mm256_srli_epi32(these, 1), _mm256_srli_epi32(next, 1));
            let (delimiter, terminator) = (kinds & lanes, !kinds & lanes);
            let (delimiter_lanes, terminator_lanes) = (lanes_of(delimiter), lanes_of(terminator));
            // The number of a terminator among the marks, less its number among the terminators.
            let counted = _mm256_add_epi32(
                _mm256_sub_epi32(terminator_lanes, numbers),
                _mm256_set1_epi32((delimiter_count as u32).cast_signed()),
            );
            // SAFETY: each list has room for eight more than there are marks. Ends are as many as delimiters, and the numbers before
            // terminators as many as those: all four are filled here alone. No more of what is written is kept than are marks.
            unsafe {
                let store = |to: *mut u32, count: usize, what| _mm256_storeu_si256(to.add(count).cast(), what);
                store(to_delimiters, delimiter_count, _mm256_permutevar8x32_epi32(these, delimiter_lanes));
                store(to_ends, delimiter_count, _mm256_permutevar8x32_epi32(next, delimiter_lanes));
                store(to_terminators, terminator_count, _mm256_permutevar8x32_epi32(these, terminator_lanes));
                store(to_before, terminator_count, counted);
            }
            delimiter_count += delimiter.count_ones() as usize;
            terminator_count += terminator.count_ones() as usize;
        }
        // SAFETY: so many have been written, within the capacity.
        unsafe {
            delimiters.set_len(delimiter_count);
            ends.set_len(delimiter_count);
            terminators.set_len(terminator_count);
            before.set_len(terminator_count);
        }
    }
}

/// The numbers of the lanes in a set, in order.
#[allow(unsafe_code)]
#[inline]
#[target_feature(enable = "avx2")]
fn lanes_of(set: u32) -> __m256i {
    #[allow(clippy::indexing_slicing)] // a place for each set of eight
    let lanes = &LANES_OF[(set & 0xFF) as usize];
    // SAFETY: eight readable bytes.
    _mm256_cvtepu8_epi32(unsafe { _mm_loadl_epi64(std::ptr::from_ref(lanes).cast()) })
}
