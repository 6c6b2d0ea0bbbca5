//! What rows have of what they are part of: values by their places, and flags as bitmaps.

use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};

#[cfg(target_arch = "x86_64")]
use super::vectors;

#[cfg(target_arch = "x86_64")]
pub(super) use super::vectors::Near;

/// What a table can be of.
#[cfg(not(target_arch = "x86_64"))]
pub(super) trait Near: Copy {}

#[cfg(not(target_arch = "x86_64"))]
impl<T: Copy> Near for T {}

/// Appends what `table` has at each of `places`, and `other` where it has nothing; soonest where places that follow one another are
/// near to each other or [`u32::MAX`].
pub(super) fn extend_from<T: Near>(list: &mut Vec<T>, table: &[T], places: &[u32], other: T) {
    #[cfg(target_arch = "x86_64")]
    if vectors::extend_with_near(list, table, places, other) {
        return;
    }
    list.extend(places.iter().map(|&place| table.get(place as usize).copied().unwrap_or(other)));
}

/// The bitmap of which of `flags` have `bit`; `None` where all have.
pub(super) fn nulls(flags: &[u8], bit: u8) -> Option<NullBuffer> {
    let nulls = NullBuffer::new(BooleanBuffer::new(bitmap(flags, bit), 0, flags.len()));
    (nulls.null_count() > 0).then_some(nulls)
}

fn bitmap(flags: &[u8], bit: u8) -> Buffer {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    #[cfg(target_arch = "x86_64")]
    if let Some(words) = vectors::bits(flags, bit) {
        return Buffer::from_vec(words);
    }
    let shift = bit.trailing_zeros();
    let (words, rest) = flags.as_chunks::<8>();
    // The product moves bit 8·i of the word to bit 56+i.
    let pack = |bits: u64| (bits.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8;
    let mut bitmap = Vec::with_capacity(flags.len().div_ceil(8));
    bitmap.extend(words.iter().map(|&word| pack((u64::from_le_bytes(word) >> shift) & ONES)));
    if !rest.is_empty() {
        bitmap.push(rest.iter().enumerate().fold(0, |byte, (index, &flags)| byte | ((flags >> shift) & 1) << index));
    }
    Buffer::from_vec(bitmap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_pack_into_bitmaps() {
        for length in [0usize, 1, 7, 8, 9, 64, 65, 200] {
            let flags: Vec<u8> = (0..length).map(|i| [0, 1, 12, 3][i * 7 % 4]).collect();
            for bit in [1, 2, 4, 8] {
                let expected: Vec<bool> = flags.iter().map(|flags| flags & bit != 0).collect();
                match nulls(&flags, bit) {
                    Some(nulls) => assert_eq!(nulls.iter().collect::<Vec<_>>(), expected),
                    None => assert!(expected.iter().all(|&valid| valid)),
                }
            }
        }
    }
}
