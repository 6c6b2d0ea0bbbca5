//! The path for AVX-512, which has 64 bytes of a value in a register, whether its view holds it or not, and eight values at a time
//! where they begin and where they end.

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{
    __m512i, _bzhi_u64, _mm512_add_epi64, _mm512_and_si512, _mm512_cmpeq_epi64_mask, _mm512_cmpgt_epu64_mask,
    _mm512_cmple_epu64_mask, _mm512_cmplt_epi8_mask, _mm512_loadu_si512, _mm512_mask_blend_epi64,
    _mm512_maskz_loadu_epi8, _mm512_max_epu64, _mm512_min_epu64, _mm512_mul_epu32, _mm512_mullo_epi64,
    _mm512_permutex2var_epi64, _mm512_rol_epi64, _mm512_set1_epi8, _mm512_set1_epi64, _mm512_setr_epi64,
    _mm512_shuffle_i64x2, _mm512_srli_epi64, _mm512_storeu_si512, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
    _mm512_xor_si512,
};
use std::ptr::with_exposed_provenance;

use super::{BLOCK, KEYS, LANES, LAST_KEYS, Measured, measure};
use crate::layout::{Buffers, INLINE};

pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

/// Measures the values of `views`, as [`super::measure_all`] has it.
///
/// # Safety
///
/// Only a processor with the features of [`is_there`] may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,bmi2,popcnt")]
pub(super) unsafe fn measure_all(buffers: Buffers<'_>, views: &[u128], mut take: impl FnMut(Measured)) {
    let (steps, rest) = views.as_chunks::<LANES>();
    let places = Places::new(buffers);
    let (mut hashes, mut lengths) = ([0; LANES], [0; LANES]);
    for views in steps {
        if places.measure(views, &mut hashes, &mut lengths) {
            hashes.iter().zip(&lengths).for_each(|(&hash, &length)| take(Measured { hash, length }));
        } else {
            for &view in views {
                take(measure(buffers, view));
            }
        }
    }
    for &view in rest {
        take(measure(buffers, view));
    }
}

/// Where values may be.
#[derive(Clone, Copy)]
struct Places {
    /// The address of the block and of the text that was made, and how long those are.
    addresses: [__m512i; 2],
    limits: [__m512i; 2],
    keys: __m512i,
}

impl Places {
    #[target_feature(enable = "avx512f")]
    fn new(buffers: Buffers<'_>) -> Self {
        let buffers = buffers.both();
        #[allow(unsafe_code)]
        // SAFETY: there are as many bytes as are loaded, which need not be aligned.
        let keys = unsafe { _mm512_loadu_si512(KEYS.as_ptr().cast()) };
        Self {
            addresses: buffers.map(|buffer| _mm512_set1_epi64(buffer.as_ptr().expose_provenance() as i64)),
            limits: buffers.map(|buffer| _mm512_set1_epi64(buffer.len() as i64)),
            keys,
        }
    }

    /// Measures eight values; false, and what it has written means nothing, if one of them is not in its buffer.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,bmi2,popcnt")]
    #[inline]
    fn measure(&self, views: &[u128; LANES], hashes: &mut [u64; LANES], lengths: &mut [u32; LANES]) -> bool {
        let address = views.as_ptr().expose_provenance() as i64;
        #[allow(unsafe_code)]
        // SAFETY: eight views are two times 64 readable bytes, which need not be aligned.
        let (first, last) = unsafe {
            (_mm512_loadu_si512(views.as_ptr().cast()), _mm512_loadu_si512(views.as_ptr().add(LANES / 2).cast()))
        };
        // The halves of the views.
        let low = _mm512_permutex2var_epi64(first, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), last);
        let high = _mm512_permutex2var_epi64(first, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), last);
        let word = _mm512_set1_epi64(u32::MAX.into());
        let bytes = _mm512_and_si512(low, word);
        let is_inline = _mm512_cmple_epu64_mask(bytes, _mm512_set1_epi64(INLINE as i64));
        // What a view holds itself is text where the buffer and the place would be.
        let is_made = _mm512_cmpeq_epi64_mask(_mm512_and_si512(high, word), _mm512_set1_epi64(Buffers::MADE.into()));
        let starts = _mm512_srli_epi64(high, 32);
        let [limit, other] = self.limits;
        let limits = _mm512_mask_blend_epi64(is_made, limit, other);
        if _mm512_cmpgt_epu64_mask(_mm512_add_epi64(starts, bytes), limits) & !is_inline != 0 {
            return false;
        }
        let [block, made] = self.addresses;
        let addresses = _mm512_add_epi64(_mm512_mask_blend_epi64(is_made, block, made), starts);
        let within = _mm512_setr_epi64(4, 20, 36, 52, 68, 84, 100, 116);
        let within = _mm512_add_epi64(_mm512_set1_epi64(address), within);
        let values = numbers(_mm512_mask_blend_epi64(is_inline, addresses, within));
        let most = _mm512_set1_epi64(BLOCK as i64);
        let counts = numbers(_mm512_min_epu64(bytes, most));
        let mut is_long = _mm512_cmpgt_epu64_mask(bytes, most);
        let mut inner = [0; LANES];
        let mut sums = [self.keys; LANES];
        for (((sum, inner), &value), &count) in sums.iter_mut().zip(&mut inner).zip(&values).zip(&counts) {
            // SAFETY: as many bytes are loaded as the value has, which are in its view, or were just seen to be in its buffer.
            #[allow(unsafe_code)]
            let words = unsafe {
                _mm512_maskz_loadu_epi8(
                    _bzhi_u64(u64::MAX, count as u32),
                    with_exposed_provenance::<i8>(value as usize),
                )
            };
            *inner = inner_bytes(words);
            *sum = mixed(_mm512_xor_si512(words, self.keys));
        }
        while is_long != 0 {
            let at = is_long.trailing_zeros() as usize;
            is_long &= is_long - 1;
            if let (Some(sum), Some(inner), Some(&value), Some(&view)) =
                (sums.get_mut(at), inner.get_mut(at), values.get(at), views.get(at))
            {
                // SAFETY: what is there to be measured was just seen to be in its buffer.
                #[allow(unsafe_code)]
                let value = unsafe {
                    std::slice::from_raw_parts(with_exposed_provenance(value as usize), view as u32 as usize)
                };
                (*sum, *inner) = self.long(value);
            }
        }
        for ((length, inner), &view) in lengths.iter_mut().zip(inner).zip(views) {
            *length = view as u32 - inner;
        }
        let found = finished(_mm512_xor_si512(totals(&sums), bytes));
        #[allow(unsafe_code)]
        // SAFETY: there is room for eight hashes, and the store needs no alignment.
        unsafe {
            _mm512_storeu_si512(hashes.as_mut_ptr().cast(), found);
        }
        true
    }

    /// What the words of a value of more than a block come to, and how many bytes of it are not the first of a character.
    #[target_feature(enable = "avx512f,avx512bw,bmi2,popcnt")]
    fn long(&self, value: &[u8]) -> (__m512i, u32) {
        let (mut rest, mut state, mut inner) = (value, self.keys, 0);
        while rest.len() > BLOCK {
            let words = load(rest);
            inner += inner_bytes(words);
            state = _mm512_xor_si512(self.keys, mixed(_mm512_xor_si512(words, state)));
            rest = rest.get(BLOCK..).unwrap_or_default();
        }
        let words = load(rest);
        (mixed(_mm512_xor_si512(words, state)), inner + inner_bytes(words))
    }
}

/// The first block of `bytes`, with zeros where there are no more.
#[target_feature(enable = "avx512f,avx512bw,bmi2")]
#[inline]
fn load(bytes: &[u8]) -> __m512i {
    #[allow(unsafe_code)]
    // SAFETY: as many bytes are loaded as there are lanes in the mask: no more than there are.
    unsafe {
        _mm512_maskz_loadu_epi8(_bzhi_u64(u64::MAX, bytes.len().min(BLOCK) as u32), bytes.as_ptr().cast())
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn numbers(vector: __m512i) -> [u64; LANES] {
    let mut numbers = [0; LANES];
    #[allow(unsafe_code)]
    // SAFETY: there is room for eight numbers, and the store needs no alignment.
    unsafe {
        _mm512_storeu_si512(numbers.as_mut_ptr().cast(), vector);
    }
    numbers
}

/// What each of the words comes to, as [`super::mixed`] has it.
#[target_feature(enable = "avx512f")]
#[inline]
fn mixed(words: __m512i) -> __m512i {
    let product = _mm512_mul_epu32(words, _mm512_srli_epi64(words, 32));
    _mm512_add_epi64(product, _mm512_rol_epi64(words, 32))
}

/// How many bytes are not the first of a character: 0x80 to 0xBF.
#[target_feature(enable = "avx512f,avx512bw,popcnt")]
#[inline]
fn inner_bytes(words: __m512i) -> u32 {
    _mm512_cmplt_epi8_mask(words, _mm512_set1_epi8(-0x40)).count_ones()
}

/// The sum of the lanes of each of eight vectors.
#[target_feature(enable = "avx512f")]
#[inline]
#[allow(clippy::many_single_char_names)] // one for each
fn totals(vectors: &[__m512i; LANES]) -> __m512i {
    let &[a, b, c, d, e, f, g, h] = vectors;
    // Lanes in turns of the one and the other, then pairs of those of each two, then of all.
    let pair = |a, b| _mm512_add_epi64(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    let fold =
        |a, b| _mm512_add_epi64(_mm512_shuffle_i64x2(a, b, 0b10_00_10_00), _mm512_shuffle_i64x2(a, b, 0b11_01_11_01));
    fold(fold(pair(a, b), pair(c, d)), fold(pair(e, f), pair(g, h)))
}

/// Hashes of sums that were combined with lengths, as [`super::finish`] has it.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn finished(sums: __m512i) -> __m512i {
    let [first, last] = LAST_KEYS.map(|key| _mm512_set1_epi64(key.cast_signed()));
    let sums = _mm512_mullo_epi64(_mm512_xor_si512(sums, _mm512_srli_epi64(sums, 32)), first);
    let sums = _mm512_mullo_epi64(_mm512_xor_si512(sums, _mm512_srli_epi64(sums, 29)), last);
    _mm512_max_epu64(_mm512_xor_si512(sums, _mm512_srli_epi64(sums, 32)), _mm512_set1_epi64(1))
}
