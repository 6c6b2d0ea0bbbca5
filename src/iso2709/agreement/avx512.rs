//! The path for AVX-512, which compares sixteen entries at a time.

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_and_si512, _mm512_cmpgt_epu8_mask, _mm512_madd_epi16, _mm512_maddubs_epi16,
    _mm512_mask_cmple_epu32_mask, _mm512_mask_cmpneq_epi32_mask, _mm512_mask_testn_epi32_mask,
    _mm512_maskz_loadu_epi32, _mm512_permutex2var_epi32, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setr_epi32,
    _mm512_srli_epi32, _mm512_sub_epi8, _mm512_sub_epi32,
};

use super::super::directory::ENTRY_LENGTH;
use super::Controls;

pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("popcnt")
}

/// How many entries are taken together.
pub(crate) const LANES: usize = 16;

/// A bit for each of `count` lanes, of which there are at least one and at most [`LANES`].
pub(crate) fn lanes(count: usize) -> u16 {
    u16::MAX >> (LANES - count.clamp(1, LANES))
}

/// The bytes of `entries`, of which there are at least one and at most [`LANES`], and zeros.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(crate) fn load(entries: &[[u8; ENTRY_LENGTH]]) -> [__m512i; 3] {
    debug_assert!((1..=LANES).contains(&entries.len()));
    let load = |number: usize| {
        let all = entries.as_flattened();
        let bytes = all.get(4 * LANES * number..).unwrap_or_default();
        // Where there are none, none are asked for of a place that exists: that of an empty slice need not, and a load from there,
        // of nothing, takes as long as many records.
        let (mask, bytes) = if bytes.is_empty() { (0, all) } else { (lanes(bytes.len() / 4), bytes) };
        // SAFETY: as many words are read as there are lanes in the mask, which is no more than there are bytes for.
        #[allow(unsafe_code)]
        unsafe {
            _mm512_maskz_loadu_epi32(mask, bytes.as_ptr().cast())
        }
    };
    [load(0), load(1), load(2)]
}

/// Where the words of entries are: those that are `FIRST` of three in the first two vectors, and then those in what these gave and
/// the last one.
const fn places(first: i32) -> [[i32; LANES]; 2] {
    let [mut of_two, mut of_last] = [[0; LANES]; 2];
    let mut lane = 0;
    while lane < LANES {
        let (word, two) = (first + 3 * lane as i32, 2 * LANES as i32);
        #[allow(clippy::indexing_slicing)] // a number for each lane
        {
            of_two[lane] = if word < two { word } else { 0 };
            of_last[lane] = if word < two { lane as i32 } else { word - LANES as i32 };
        }
        lane += 1;
    }
    [of_two, of_last]
}

/// Four bytes of each of the entries that were loaded, from 0, 4 or 8 on as `FIRST` is 0, 1 or 2.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(crate) fn words<const FIRST: i32>([low, middle, high]: [__m512i; 3]) -> __m512i {
    let [of_two, of_last] = const { places(FIRST) }.map(|places| numbers(places));
    _mm512_permutex2var_epi32(_mm512_permutex2var_epi32(low, of_two, middle), of_last, high)
}

#[target_feature(enable = "avx512f")]
#[inline]
#[allow(clippy::many_single_char_names)] // one for each
fn numbers([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]: [i32; LANES]) -> __m512i {
    _mm512_setr_epi32(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
}

/// As [`super::agree`] has it.
///
/// # Safety
///
/// Only a processor with the features of [`is_there`] may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw,popcnt")]
pub(super) unsafe fn agree(entries: &[[u8; ENTRY_LENGTH]], terminators: &[u32], base: u32) -> Option<Controls> {
    let ends = terminators.get(1..)?;
    let mut controls = Controls { count: 0, come_first: true };
    let mut odd = 0;
    let base = _mm512_set1_epi32(base.cast_signed());
    let zeros = _mm512_set1_epi8(b'0'.cast_signed());
    let parts = entries.chunks(LANES).zip(terminators.chunks(LANES)).zip(ends.chunks(LANES));
    for (number, ((entries, before), ends)) in parts.enumerate() {
        let mask = lanes(entries.len().min(before.len()).min(ends.len()));
        // SAFETY: as many numbers are read as there are lanes in the mask, which is no more than there are.
        let (before, ends) = unsafe {
            (
                _mm512_maskz_loadu_epi32(mask, before.as_ptr().cast()),
                _mm512_maskz_loadu_epi32(mask, ends.as_ptr().cast()),
            )
        };
        // The tag and the first digit of the length; its other three and the first of the start; the other four of that.
        let bytes = load(entries).map(|bytes| _mm512_sub_epi8(bytes, zeros));
        let (first, second, third) = (words::<0>(bytes), words::<1>(bytes), words::<2>(bytes));
        let high = |word| _mm512_srli_epi32(word, 24);
        let tag = _mm512_and_si512(first, _mm512_set1_epi32(0x00FF_FFFF));
        let nine = _mm512_set1_epi8(9);
        let digits = _mm512_cmpgt_epu8_mask(high(first), nine)
            | _mm512_cmpgt_epu8_mask(second, nine)
            | _mm512_cmpgt_epu8_mask(third, nine);
        // Of each two and then four digits from the lowest byte on, as many as there are factors for.
        let tens = _mm512_maddubs_epi16(second, _mm512_set1_epi32(0x0001_010A));
        let hundreds = _mm512_madd_epi16(tens, _mm512_set1_epi32(0x0001_000A));
        let length = _mm512_add_epi32(_mm512_madd_epi16(high(first), _mm512_set1_epi32(1000)), hundreds);
        let tens = _mm512_maddubs_epi16(third, _mm512_set1_epi32(0x010A_010A));
        let hundreds = _mm512_madd_epi16(tens, _mm512_set1_epi32(0x0001_0064));
        let start = _mm512_add_epi32(_mm512_madd_epi16(high(second), _mm512_set1_epi32(10_000)), hundreds);
        // Four bits for each lane.
        let lanes_of_bytes = u64::MAX >> (4 * mask.leading_zeros());
        odd |= digits & lanes_of_bytes
            | u64::from(
                _mm512_mask_cmpneq_epi32_mask(mask, length, _mm512_sub_epi32(ends, before))
                    | _mm512_mask_cmpneq_epi32_mask(mask, start, _mm512_sub_epi32(before, base)),
            );
        // A third digit after two zeros.
        let control = _mm512_mask_testn_epi32_mask(mask, tag, _mm512_set1_epi32(0xFFFF));
        let control = _mm512_mask_cmple_epu32_mask(control, tag, _mm512_set1_epi32(0x0009_0000));
        controls.come_first &= control & control.wrapping_add(1) == 0;
        controls.come_first &= control == 0 || controls.count == number * LANES;
        controls.count += control.count_ones() as usize;
    }
    (odd == 0).then_some(controls)
}
