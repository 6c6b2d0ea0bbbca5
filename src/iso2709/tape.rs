//! Where the fields and subfields of a block are: an index pass ahead of the walk.
//!
//! One pass with wide compares costs a fraction of a search per subfield, and its counts are the exact numbers of
//! fields and subfields, so that output buffers are allocated once. This is one of the few modules with `unsafe` code:
//! the paths for AVX2 and AVX-512 load 32 or 64 bytes at a time and write positions through pointers.

use super::{DELIMITER, FIELD_TERMINATOR};

/// The position of every `0x1E` and `0x1F` of a block, in order.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    /// Ends in the block's length, so that each mark has one after it.
    positions: Vec<u32>,
    delimiters: usize,
}

/// The room that a tape may keep from block to block.
const KEEP: usize = 1 << 20;

impl Tape {
    /// Takes the marks of `block` in place of those before.
    pub(crate) fn read(&mut self, block: &[u8]) {
        // Blocks are bounded far below that, and all that is made of positions relies on it.
        assert!(i32::try_from(block.len()).is_ok(), "a block of {} bytes", block.len());
        self.positions.clear();
        self.delimiters = marks(block, &mut self.positions);
        self.positions.push(block.len() as u32);
    }

    /// Lets go of what no catalogue needs.
    pub(crate) fn shrink(&mut self) {
        if self.positions.capacity() > KEEP {
            self.positions = Vec::new();
        }
    }

    /// The marks, and after them the length of the block.
    pub(crate) fn positions(&self) -> &[u32] {
        &self.positions
    }

    /// How many `0x1F` there are.
    pub(crate) fn delimiters(&self) -> usize {
        self.delimiters
    }

    /// How many `0x1E` there are.
    pub(crate) fn terminators(&self) -> usize {
        self.positions.len().saturating_sub(1 + self.delimiters)
    }
}

/// Appends the positions; how many of them are those of `0x1F`.
fn marks(block: &[u8], tape: &mut Vec<u32>) -> usize {
    // Marks are rarely denser; one allocation in place of a dozen.
    tape.reserve(block.len() / 16);
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512vbmi2")
        && std::arch::is_x86_feature_detected!("popcnt")
    {
        #[allow(unsafe_code)]
        // SAFETY: the features that the function is compiled for were just found on this processor.
        return unsafe { avx512::marks(block, tape) };
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("popcnt")
    {
        #[allow(unsafe_code)]
        // SAFETY: the features that the function is compiled for were just found on this processor.
        return unsafe { avx2::marks(block, tape) };
    }
    portable(block, 0, tape)
}

/// Eight bytes at a time: a byte of `folded` has its top bit set exactly where `block` has a mark.
fn portable(block: &[u8], origin: usize, tape: &mut Vec<u32>) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const LOW: u64 = ONES * 0x7F;
    let before = tape.len();
    let (words, rest) = block.as_chunks::<8>();
    let mut at = origin;
    for word in words {
        // 0x1E and 0x1F differ in their last bit alone.
        let odd = (u64::from_le_bytes(*word) | ONES) ^ (ONES * u64::from(DELIMITER));
        let mut folded = !(((odd & LOW) + LOW) | odd | LOW);
        while folded != 0 {
            push(tape, at + (folded.trailing_zeros() / 8) as usize);
            folded &= folded - 1;
        }
        at += 8;
    }
    for (index, &byte) in rest.iter().enumerate() {
        if byte == DELIMITER || byte == FIELD_TERMINATOR {
            push(tape, at + index);
        }
    }
    let found = tape.get(before..).unwrap_or_default();
    found.iter().filter(|&&position| block.get(position as usize - origin) == Some(&DELIMITER)).count()
}

#[inline]
fn push(tape: &mut Vec<u32>, position: usize) {
    // Blocks are bounded far below 4 GiB.
    debug_assert!(u32::try_from(position).is_ok());
    tape.push(position as u32);
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        _mm_loadu_si128, _mm512_add_epi32, _mm512_cmpeq_epi8_mask, _mm512_cvtepu8_epi32, _mm512_loadu_si512,
        _mm512_maskz_compress_epi8, _mm512_or_si512, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_storeu_si512,
    };

    use super::{DELIMITER, portable};

    /// The numbers of 64 bytes.
    static PLACES: [u8; 64] = {
        let mut places = [0; 64];
        let mut place = 0;
        while place < 64 {
            #[allow(clippy::indexing_slicing)] // at compile time
            {
                places[place] = place as u8;
            }
            place += 1;
        }
        places
    };

    /// # Safety
    ///
    /// Only a processor with AVX-512 BW and VBMI2, and with POPCNT, may run this.
    #[allow(unsafe_code)]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
    pub(super) unsafe fn marks(block: &[u8], tape: &mut Vec<u32>) -> usize {
        // SAFETY: 64 readable bytes, and the load needs no alignment.
        let places = unsafe { _mm512_loadu_si512(PLACES.as_ptr().cast()) };
        let (wanted, one) = (_mm512_set1_epi8(DELIMITER.cast_signed()), _mm512_set1_epi8(1));
        let (chunks, rest) = block.as_chunks::<64>();
        let (mut at, mut delimiters) = (0, 0);
        for chunk in chunks {
            // SAFETY: 64 readable bytes, and the load needs no alignment.
            let bytes = unsafe { _mm512_loadu_si512(chunk.as_ptr().cast()) };
            delimiters += _mm512_cmpeq_epi8_mask(bytes, wanted).count_ones() as usize;
            let mask = _mm512_cmpeq_epi8_mask(_mm512_or_si512(bytes, one), wanted);
            let count = mask.count_ones() as usize;
            tape.reserve(64);
            let length = tape.len();
            let mut found = [0u8; 64];
            // SAFETY: 64 writable bytes, and the store needs no alignment.
            unsafe { _mm512_storeu_si512(found.as_mut_ptr().cast(), _mm512_maskz_compress_epi8(mask, places)) };
            // Mostly there are fewer than 16; what is too many is not kept.
            for (sixteen, found) in found.as_chunks::<16>().0.iter().enumerate() {
                // SAFETY: 16 readable bytes; there is room for 64 positions, which four times 16 are.
                unsafe {
                    let places = _mm512_cvtepu8_epi32(_mm_loadu_si128(found.as_ptr().cast()));
                    let positions = _mm512_add_epi32(places, _mm512_set1_epi32(at));
                    _mm512_storeu_si512(tape.as_mut_ptr().add(length + 16 * sixteen).cast(), positions);
                }
                if count <= 16 * (sixteen + 1) {
                    break;
                }
            }
            // SAFETY: the first `count` of them have been written, within the capacity.
            unsafe { tape.set_len(length + count) };
            at += 64;
        }
        delimiters + portable(rest, at.cast_unsigned() as usize, tape)
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    };

    use super::{DELIMITER, portable};

    /// # Safety
    ///
    /// Only a processor with AVX2, BMI1 and POPCNT may run this.
    #[allow(unsafe_code)]
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    pub(super) unsafe fn marks(block: &[u8], tape: &mut Vec<u32>) -> usize {
        let (chunks, rest) = block.as_chunks::<64>();
        let (mut at, mut delimiters) = (0, 0);
        for chunk in chunks {
            let (low, high) = chunk.split_at(32);
            // SAFETY: each half is 32 readable bytes, and the load needs no alignment.
            let (low, high) =
                unsafe { (_mm256_loadu_si256(low.as_ptr().cast()), _mm256_loadu_si256(high.as_ptr().cast())) };
            delimiters += equal(low, high, DELIMITER).count_ones() as usize;
            let one = _mm256_set1_epi8(1);
            let mut mask = equal(_mm256_or_si256(low, one), _mm256_or_si256(high, one), DELIMITER);
            let count = mask.count_ones() as usize;
            tape.reserve(64);
            let (length, mut written) = (tape.len(), 0);
            // How many there are cannot be foretold, so eight are written, and what is too many is not kept.
            loop {
                for place in written..written + 8 {
                    // SAFETY: there is room for 64, and `place` is below: it gets to 8 beyond a multiple of 8 below `count`.
                    unsafe { tape.as_mut_ptr().add(length + place).write(at + mask.trailing_zeros()) };
                    mask &= mask.wrapping_sub(1);
                }
                written += 8;
                if written >= count {
                    break;
                }
            }
            // SAFETY: the first `count` of them have been written, within the capacity.
            unsafe { tape.set_len(length + count) };
            at += 64;
        }
        delimiters + portable(rest, at as usize, tape)
    }

    /// A bit for each of 64 bytes that equals `wanted`.
    #[target_feature(enable = "avx2")]
    fn equal(low: __m256i, high: __m256i, wanted: u8) -> u64 {
        let wanted = _mm256_set1_epi8(wanted.cast_signed());
        let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)).cast_unsigned();
        let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)).cast_unsigned();
        u64::from(low) | u64::from(high) << 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(block: &[u8]) -> Vec<u32> {
        let is_mark = |byte| byte == DELIMITER || byte == FIELD_TERMINATOR;
        (0u32..).zip(block).filter(|&(_, &byte)| is_mark(byte)).map(|(at, _)| at).collect()
    }

    proptest! {
        #[test]
        fn every_path_finds_every_mark(
            block in prop::collection::vec(
                prop_oneof![Just(0x1F), Just(0x1E), Just(0x1D), Just(0x9F), Just(0x9E), any::<u8>()], 0..400),
        ) {
            let delimiters = memchr::memchr_iter(DELIMITER, &block).count();
            let mut expected = naive(&block);
            let mut found = Vec::new();
            prop_assert_eq!(portable(&block, 0, &mut found), delimiters);
            prop_assert_eq!(&found, &expected);
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("popcnt") {
                found.clear();
                found.reserve(64);
                #[allow(unsafe_code)]
                // SAFETY: the features were just found; BMI1 came before AVX2.
                let counted = unsafe { avx2::marks(&block, &mut found) };
                prop_assert_eq!((counted, &found), (delimiters, &expected));
            }
            let mut tape = Tape { positions: vec![7], delimiters: 9 };
            tape.read(&block);
            prop_assert_eq!((tape.delimiters(), tape.terminators()), (delimiters, expected.len() - delimiters));
            expected.push(block.len() as u32);
            prop_assert_eq!(tape.positions(), &expected);
        }
    }

    #[test]
    fn a_dense_block_leaves_no_room_behind() {
        let mut tape = Tape::default();
        tape.read(&vec![DELIMITER; 2 * KEEP]);
        tape.shrink();
        assert_eq!(tape.positions.capacity(), 0);
        tape.read(b"\x1f");
        tape.shrink();
        assert_eq!(tape.positions(), [0, 1]);
    }

    #[test]
    fn a_block_of_marks_alone_is_no_matter() {
        let mut tape = Tape::default();
        tape.read(&[DELIMITER; 1000]);
        assert_eq!((tape.delimiters(), tape.terminators(), tape.positions().len()), (1000, 0, 1001));
    }
}
