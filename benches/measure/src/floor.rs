//! The floor: what every parser must do, and nothing else.

use std::fs::File;
use std::hint::black_box;
use std::io::Read;

use crate::Outcome;

const CHUNK: usize = 1 << 20;

/// Reads the file through one buffer and walks every record in it; the number of records.
///
/// Trusts every length: the file must be sound.
pub fn floor(path: &str) -> Outcome {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 2 * CHUNK];
    let (mut filled, mut records) = (0, 0);
    loop {
        let count = file.read(buffer.get_mut(filled..filled + CHUNK).ok_or("a record of over 1 MiB")?)?;
        if count == 0 {
            return if filled == 0 { Ok(records) } else { Err("cut in a record".into()) };
        }
        filled += count;
        let bytes = &buffer[..filled];
        let mut at = 0;
        while let Some(leader) = bytes.get(at..at + 24) {
            let length = number(&leader[..5]);
            let Some(record) = bytes.get(at..at + length) else { break };
            walk(record)?;
            at += length;
            records += 1;
        }
        black_box(delimiters(&bytes[..at]));
        simdutf8::basic::from_utf8(&bytes[..at])?;
        buffer.copy_within(at..filled, 0);
        filled -= at;
    }
}

/// Walks the directory and looks at the end of every field.
fn walk(record: &[u8]) -> Result<(), &'static str> {
    let base = number(&record[12..17]);
    let mut sound = true;
    for entry in record[24..base - 1].chunks_exact(12) {
        let end = base + number(&entry[3..7]) + number(&entry[7..12]);
        sound &= record.get(end - 1) == Some(&0x1E);
    }
    if sound { Ok(()) } else { Err("an entry that does not end in 0x1E") }
}

/// A number of decimal digits, which they are taken to be.
#[inline]
fn number(digits: &[u8]) -> usize {
    digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit & 15))
}

/// Finds every `0x1F`; the sum of their positions.
fn delimiters(bytes: &[u8]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("bmi1") {
        // SAFETY: the features were just found on this processor.
        return unsafe { avx2(bytes) };
    }
    memchr::memchr_iter(0x1F, bytes).map(|at| at as u64).sum()
}

/// # Safety
///
/// Only a processor with AVX2 and BMI1 may run this.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1")]
unsafe fn avx2(bytes: &[u8]) -> u64 {
    use std::arch::x86_64::{_mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8};
    let wanted = _mm256_set1_epi8(0x1F);
    let (chunks, rest) = bytes.as_chunks::<32>();
    let (mut at, mut sum) = (0, 0);
    for chunk in chunks {
        // SAFETY: 32 readable bytes, and the load needs no alignment.
        let found = unsafe { _mm256_cmpeq_epi8(_mm256_loadu_si256(chunk.as_ptr().cast()), wanted) };
        let mut mask = _mm256_movemask_epi8(found).cast_unsigned();
        while mask != 0 {
            sum += at + u64::from(mask.trailing_zeros());
            mask &= mask - 1;
        }
        at += 32;
    }
    sum + memchr::memchr_iter(0x1F, rest).map(|found| at + found as u64).sum::<u64>()
}
