//! Where the subfield delimiters of a block are: an index pass ahead of the walk.
//!
//! One pass with wide compares costs a fraction of a search per subfield, and its length is the exact number of
//! subfields, so that output buffers are allocated once. This is one of the few modules with `unsafe` code: the
//! AVX2 path loads 32 bytes at a time through a pointer.

use super::DELIMITER;

/// Fills `tape` with the position of every `0x1F` in `block`, in order. Blocks are under 4 GiB.
pub(crate) fn delimiters(block: &[u8], tape: &mut Vec<u32>) {
    tape.clear();
    // Subfields are rarely shorter; one allocation in place of a dozen.
    tape.reserve(block.len() / 16);
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("bmi1") {
        #[allow(unsafe_code)]
        // SAFETY: the features that the function is compiled for were just found on this processor.
        unsafe {
            avx2::delimiters(block, tape);
        }
        return;
    }
    portable(block, 0, tape);
}

/// Eight bytes at a time: a byte of `folded` has its top bit set exactly where `block` has a delimiter.
fn portable(block: &[u8], origin: usize, tape: &mut Vec<u32>) {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const LOW: u64 = ONES * 0x7F;
    let (words, rest) = block.as_chunks::<8>();
    let mut at = origin;
    for word in words {
        let odd = u64::from_le_bytes(*word) ^ (ONES * 0x1F);
        let mut folded = !(((odd & LOW) + LOW) | odd | LOW);
        while folded != 0 {
            push(tape, at + (folded.trailing_zeros() / 8) as usize);
            folded &= folded - 1;
        }
        at += 8;
    }
    for (index, &byte) in rest.iter().enumerate() {
        if byte == DELIMITER {
            push(tape, at + index);
        }
    }
}

#[inline]
fn push(tape: &mut Vec<u32>, position: usize) {
    // Blocks are bounded far below 4 GiB.
    debug_assert!(u32::try_from(position).is_ok());
    tape.push(position as u32);
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{_mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8};

    use super::{DELIMITER, portable, push};

    /// # Safety
    ///
    /// Only a processor with AVX2 and BMI1 may run this.
    #[allow(unsafe_code)]
    #[target_feature(enable = "avx2,bmi1")]
    pub(super) unsafe fn delimiters(block: &[u8], tape: &mut Vec<u32>) {
        let wanted = _mm256_set1_epi8(DELIMITER as i8);
        let (chunks, rest) = block.as_chunks::<64>();
        let mut at = 0;
        for chunk in chunks {
            let (low, high) = chunk.split_at(32);
            // SAFETY: each half is 32 readable bytes, and the load needs no alignment.
            let (low, high) =
                unsafe { (_mm256_loadu_si256(low.as_ptr().cast()), _mm256_loadu_si256(high.as_ptr().cast())) };
            let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)).cast_unsigned();
            let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)).cast_unsigned();
            let mut mask = u64::from(low) | u64::from(high) << 32;
            while mask != 0 {
                push(tape, at + mask.trailing_zeros() as usize);
                mask &= mask - 1;
            }
            at += 64;
        }
        portable(rest, at, tape);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(block: &[u8]) -> Vec<u32> {
        (0u32..).zip(block).filter(|&(_, &byte)| byte == DELIMITER).map(|(at, _)| at).collect()
    }

    proptest! {
        #[test]
        fn every_path_finds_every_delimiter(
            block in prop::collection::vec(prop_oneof![Just(0x1F), Just(0x9F), Just(0x1E), any::<u8>()], 0..400),
        ) {
            let mut tape = vec![7];
            delimiters(&block, &mut tape);
            prop_assert_eq!(&tape, &naive(&block));
            tape.clear();
    // Subfields are rarely shorter; one allocation in place of a dozen.
    tape.reserve(block.len() / 16);
            portable(&block, 0, &mut tape);
            prop_assert_eq!(&tape, &naive(&block));
        }
    }
}
