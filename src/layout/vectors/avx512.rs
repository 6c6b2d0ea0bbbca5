//! The path for AVX-512, which looks up sixteen keys at a time.

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{
    __m128i, __m512i, _mm_loadu_si128, _mm_mask_cmpeq_epi8_mask, _mm_mask_storeu_epi8, _mm_movepi8_mask, _mm_set1_epi8,
    _mm_storeu_si128, _mm256_loadu_si256, _mm256_mask_storeu_epi16, _mm256_storeu_si256, _mm512_add_epi32,
    _mm512_and_si512, _mm512_castsi128_si512, _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask, _mm512_cmpeq_epi32_mask,
    _mm512_cmplt_epu32_mask, _mm512_cvtepi32_epi8, _mm512_cvtepi32_epi16, _mm512_cvtepu8_epi32, _mm512_cvtepu16_epi32,
    _mm512_loadu_si512, _mm512_mask_cmpeq_epi32_mask, _mm512_mask_cmpgt_epi32_mask, _mm512_mask_cmplt_epi32_mask,
    _mm512_mask_cmpneq_epi32_mask, _mm512_mask_i32gather_epi32, _mm512_mask_permutexvar_epi32, _mm512_mask_storeu_epi8,
    _mm512_mask_storeu_epi32, _mm512_mask_test_epi32_mask, _mm512_maskz_compress_epi32, _mm512_maskz_loadu_epi8,
    _mm512_maskz_loadu_epi32, _mm512_movepi8_mask, _mm512_or_si512, _mm512_permutex2var_epi8, _mm512_set1_epi8,
    _mm512_set1_epi32, _mm512_setr_epi32, _mm512_setzero_si512, _mm512_slli_epi32, _mm512_srli_epi32,
    _mm512_srlv_epi32, _mm512_storeu_si512, _mm512_sub_epi32, _mm512_test_epi8_mask,
};
use std::mem::MaybeUninit;

use super::LANES;
use crate::iso2709::DELIMITER;
use crate::iso2709::agreement::avx512::{lanes, load, words as words_of};
use crate::iso2709::directory::ENTRY_LENGTH;

pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("popcnt")
}

/// Fills `room` with the keys of `bytes`, of which there are as many as there is room for; false if one is not known.
///
/// # Safety
///
/// Only a processor with the features of [`is_there`] may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) unsafe fn keys(room: &mut [MaybeUninit<u8>], bytes: &[u8], table: &[u8; 256]) -> bool {
    const BYTES: usize = 64;
    if room.len() != bytes.len() {
        return false;
    }
    let Table { low, high } = Table::new(table);
    let mut odd = 0;
    for (room, bytes) in room.chunks_mut(BYTES).zip(bytes.chunks(BYTES)) {
        let mask = u64::MAX >> (BYTES - bytes.len());
        // SAFETY: as many bytes are read, and written, as there are lanes in the mask: those that there are, and as much room.
        unsafe {
            let bytes = _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().cast());
            let keys = _mm512_permutex2var_epi8(low, bytes, high);
            odd |= mask & (_mm512_movepi8_mask(bytes) | _mm512_cmpeq_epi8_mask(keys, _mm512_set1_epi8(-1)));
            _mm512_mask_storeu_epi8(room.as_mut_ptr().cast(), mask, keys);
        }
    }
    odd == 0
}

/// Fills `rooms` with the keys of the two bytes behind each of `places`; false if one is not known, or no delimiter follows them.
///
/// # Safety
///
/// Only a processor with the features of [`is_there`] may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) unsafe fn indicators(
    rooms: [&mut [MaybeUninit<u8>]; 2],
    block: &[u8],
    places: &[u32],
    tables: [&[u8; 256]; 2],
) -> bool {
    let [first, second] = rooms;
    let tables = tables.map(|table| Table::new(table));
    let delimiter = _mm512_set1_epi32(DELIMITER.into());
    let mut odd = 0;
    let rooms = first.chunks_mut(LANES).zip(second.chunks_mut(LANES));
    for ((first, second), places) in rooms.zip(places.chunks(LANES)) {
        let Some(words) = words(block, places) else { return false };
        let mask = lanes(places.len());
        odd |= _mm512_mask_cmpneq_epi32_mask(mask, _mm512_srli_epi32(words, 24), delimiter);
        for ((room, table), bytes) in [first, second].into_iter().zip(tables).zip([
            _mm512_cvtepi32_epi8(_mm512_srli_epi32(words, 8)),
            _mm512_cvtepi32_epi8(_mm512_srli_epi32(words, 16)),
        ]) {
            store(room, mask, table.keys(bytes, mask, &mut odd));
        }
    }
    odd == 0
}

/// Fills `room` with the keys of the tags that `entries` begin with, and tells in how many of the groups that are looked up together
/// there is one without a key, for which there is `u16::MAX`; `None` if a tag has no place in the table.
///
/// # Safety
///
/// Only a processor with the features of [`is_there`] may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) unsafe fn tags(
    room: &mut [MaybeUninit<u16>],
    entries: &[[u8; ENTRY_LENGTH]],
    table: &[u16; 4096],
) -> Option<usize> {
    // What is loaded of the last key would be beyond the table.
    let last = _mm512_set1_epi32(table.len() as i32 - 2);
    let zero = _mm512_setzero_si512();
    let unknown = _mm512_set1_epi32(u16::MAX.into());
    let mut new = 0;
    if room.len() != entries.len() {
        return None;
    }
    for (room, entries) in room.chunks_mut(LANES).zip(entries.chunks(LANES)) {
        let mask = lanes(entries.len());
        let places = places(entries)?;
        if _mm512_mask_cmpgt_epi32_mask(mask, places, last) != 0 {
            return None;
        }
        // SAFETY: four bytes from the key at each place, which is below the table's last one.
        let keys = unsafe { _mm512_mask_i32gather_epi32::<2>(zero, mask, places, table.as_ptr().cast()) };
        let odd = _mm512_mask_cmpeq_epi32_mask(mask, _mm512_and_si512(keys, unknown), unknown);
        new += usize::from(odd != 0);
        // SAFETY: as many numbers are written as there are lanes in the mask, which is as many as there are entries, and room.
        unsafe { _mm256_mask_storeu_epi16(room.as_mut_ptr().cast(), mask, _mm512_cvtepi32_epi16(keys)) };
    }
    Some(new)
}

/// Writes the numbers of those of `entries` whose tags have a bit in `bits` or are those of control fields, and tells how many they
/// are; `None` if one has no place.
///
/// # Safety
///
/// Only a processor with the features of [`is_there`] may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,popcnt")]
pub(super) unsafe fn select(
    room: &mut [MaybeUninit<u32>],
    entries: &[[u8; ENTRY_LENGTH]],
    bits: &[u64; 64],
) -> Option<usize> {
    let zero = _mm512_setzero_si512();
    let mut numbers = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let mut count = 0;
    for entries in entries.chunks(LANES) {
        let mask = lanes(entries.len());
        let places = places(entries)?;
        // SAFETY: a place is below 4096, and there are as many bits, in words of 32.
        let words =
            unsafe { _mm512_mask_i32gather_epi32::<4>(zero, mask, _mm512_srli_epi32(places, 5), bits.as_ptr().cast()) };
        let wanted = _mm512_srlv_epi32(words, _mm512_and_si512(places, _mm512_set1_epi32(31)));
        let wanted = _mm512_mask_test_epi32_mask(mask, wanted, _mm512_set1_epi32(1))
            | _mm512_mask_cmplt_epi32_mask(mask, places, _mm512_set1_epi32(CONTROL_TAGS));
        let found = wanted.count_ones() as usize;
        if found > 0 {
            let room = room.get_mut(count..count + found)?;
            let chosen = _mm512_maskz_compress_epi32(wanted, numbers);
            // SAFETY: as many numbers are written as there are lanes in the mask, which is as many as there is room for.
            unsafe { _mm512_mask_storeu_epi32(room.as_mut_ptr().cast(), lanes(found), chosen) };
        }
        count += found;
        numbers = _mm512_add_epi32(numbers, _mm512_set1_epi32(LANES as i32));
    }
    Some(count)
}

/// Fills the room with what a table has at each of `places`, and `other` where it has nothing: one by one where sixteen that follow one
/// another do not lie within sixteen of the table.
macro_rules! near {
    ($name:ident, $value:ty, $number:expr, $load:expr, $store:expr) => {
        /// What a table has at each of `places`; false, and nothing is said of the room, if there is not as much room.
        ///
        /// # Safety
        ///
        /// Only a processor with the features of [`is_there`] may run this.
        #[allow(unsafe_code)]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
        pub(super) unsafe fn $name(
            room: &mut [MaybeUninit<$value>],
            table: &[$value],
            places: &[u32],
            other: $value,
        ) -> bool {
            let one_by_one = |room: &mut [MaybeUninit<$value>], places: &[u32]| {
                for (room, &place) in room.iter_mut().zip(places) {
                    room.write(table.get(place as usize).copied().unwrap_or(other));
                }
            };
            if room.len() != places.len() {
                return false;
            }
            let (nowhere, others) = (_mm512_set1_epi32(-1), _mm512_set1_epi32($number(other)));
            let (groups, rest) = room.as_chunks_mut::<LANES>();
            let (places, last) = places.as_chunks::<LANES>();
            for (room, places) in groups.iter_mut().zip(places) {
                let &[first, second, ..] = places;
                // The first of all, unless that is nowhere.
                let base = first.min(second);
                let window = table.get(base as usize..).and_then(|table| table.first_chunk::<LANES>());
                let Some(window) = window.filter(|_| table.len() < u32::MAX as usize) else {
                    one_by_one(room, places);
                    continue;
                };
                // SAFETY: sixteen numbers are read, of which it is so many; loads need no alignment.
                let at = unsafe { _mm512_loadu_si512(places.as_ptr().cast()) };
                let beyond = _mm512_sub_epi32(at, _mm512_set1_epi32(base.cast_signed()));
                let near = _mm512_cmplt_epu32_mask(beyond, _mm512_set1_epi32(LANES as i32));
                if near | _mm512_cmpeq_epi32_mask(at, nowhere) != u16::MAX {
                    one_by_one(room, places);
                    continue;
                }
                // SAFETY: sixteen values are read, and as many written, for which there is room; neither need be aligned.
                unsafe {
                    let values = $load(window.as_ptr().cast());
                    $store(room.as_mut_ptr().cast(), _mm512_mask_permutexvar_epi32(others, near, beyond, values));
                }
            }
            one_by_one(rest, last);
            true
        }
    };
}

near! {
    near_u8, u8, i32::from,
    |from| _mm512_cvtepu8_epi32(_mm_loadu_si128(from)),
    |to, values| _mm_storeu_si128(to, _mm512_cvtepi32_epi8(values))
}
near! {
    near_u16, u16, i32::from,
    |from| _mm512_cvtepu16_epi32(_mm256_loadu_si256(from)),
    |to, values| _mm256_storeu_si256(to, _mm512_cvtepi32_epi16(values))
}
near! {
    near_u32, u32, u32::cast_signed,
    |from| _mm512_loadu_si512(from),
    |to, values| _mm512_storeu_si512(to, values)
}

/// Which of `flags` have `bit`, a bit for each.
///
/// # Safety
///
/// Only a processor with the features of [`is_there`] may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) unsafe fn bits(flags: &[u8], bit: u8) -> Vec<u64> {
    const BYTES: usize = 64;
    let bit = _mm512_set1_epi8(bit.cast_signed());
    let word = |flags: &[u8]| {
        // SAFETY: as many bytes are read as there are lanes in the mask: those that there are.
        let flags = unsafe { _mm512_maskz_loadu_epi8(u64::MAX >> (BYTES - flags.len()), flags.as_ptr().cast()) };
        _mm512_test_epi8_mask(flags, bit)
    };
    flags.chunks(BYTES).map(word).collect()
}

/// The places of the tags of control fields, 000 to 009, are below this.
const CONTROL_TAGS: i32 = 10;

/// The places, as `symbols::place` has it, of the tags that `entries`, of which there are at most [`LANES`], begin with; `None` if
/// one has none.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn places(entries: &[[u8; ENTRY_LENGTH]]) -> Option<__m512i> {
    if entries.is_empty() || entries.len() > LANES {
        return None;
    }
    let words = words_of::<0>(load(entries));
    let digit = |word, bits| _mm512_and_si512(word, _mm512_set1_epi32(bits));
    let odd =
        _mm512_mask_cmpneq_epi32_mask(lanes(entries.len()), digit(words, 0x00F0_F0F0), _mm512_set1_epi32(0x0030_3030));
    let places = _mm512_or_si512(
        _mm512_slli_epi32(digit(words, 0xF), 8),
        _mm512_or_si512(digit(_mm512_srli_epi32(words, 4), 0xF0), digit(_mm512_srli_epi32(words, 16), 0xF)),
    );
    (odd == 0).then_some(places)
}

/// The four bytes from each of `places` on, of which there are at most [`LANES`]; `None` if they are not in the block.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn words(block: &[u8], places: &[u32]) -> Option<__m512i> {
    let last = i32::try_from(block.len()).ok()?.checked_sub(4)?;
    let mask = lanes(places.len());
    if places.len() > LANES || places.is_empty() {
        return None;
    }
    // SAFETY: as many numbers are read as there are lanes in the mask, which is as many as there are places.
    #[allow(unsafe_code)]
    let at = unsafe { _mm512_maskz_loadu_epi32(mask, places.as_ptr().cast()) };
    let zero = _mm512_setzero_si512();
    let odd =
        _mm512_mask_cmplt_epi32_mask(mask, at, zero) | _mm512_mask_cmpgt_epi32_mask(mask, at, _mm512_set1_epi32(last));
    // SAFETY: four bytes from each place, which was just seen to be in the block and so far before its end.
    #[allow(unsafe_code)]
    (odd == 0).then(|| unsafe { _mm512_mask_i32gather_epi32::<1>(zero, mask, at, block.as_ptr().cast()) })
}

/// Writes the bytes of `mask`'s lanes, of which there are as many as there is room for.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn store(room: &mut [MaybeUninit<u8>], mask: u16, keys: __m128i) {
    debug_assert_eq!(mask, lanes(room.len()));
    let mask = mask & lanes(room.len());
    // SAFETY: as many bytes are written as there are lanes in the mask: no more than there is room for.
    #[allow(unsafe_code)]
    unsafe {
        _mm_mask_storeu_epi8(room.as_mut_ptr().cast(), mask, keys);
    }
}

/// The keys of ASCII characters.
#[derive(Clone, Copy)]
struct Table {
    low: __m512i,
    high: __m512i,
}

impl Table {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
    #[inline]
    fn new(table: &[u8; 256]) -> Self {
        // SAFETY: 128 readable bytes, and loads need no alignment.
        #[allow(unsafe_code)]
        unsafe {
            let low = _mm512_loadu_si512(table.as_ptr().cast());
            Self { low, high: _mm512_loadu_si512(table.as_ptr().add(64).cast()) }
        }
    }

    /// The keys of `bytes`; in `odd`, a bit is set where one is not known, or the byte is not ASCII.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
    #[inline]
    fn keys(self, bytes: __m128i, mask: u16, odd: &mut u16) -> __m128i {
        let keys = _mm512_permutex2var_epi8(self.low, _mm512_castsi128_si512(bytes), self.high);
        let keys = _mm512_castsi512_si128(keys);
        *odd |= mask & _mm_movepi8_mask(bytes) | _mm_mask_cmpeq_epi8_mask(mask, keys, _mm_set1_epi8(-1));
        keys
    }
}
