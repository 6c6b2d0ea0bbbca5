//! Whether a directory says what the terminators do: the same for nearly every record, and asked of each of its entries.
//!
//! This is one of the few modules with `unsafe` code: the paths for AVX2 and AVX-512 load several entries at a time.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;

use super::directory::{ENTRY_LENGTH, Entry, Place};
use super::is_control_tag;

/// Which entries are those of control fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Controls {
    pub count: usize,
    /// There is none after one that is no control field's.
    pub come_first: bool,
}

/// The control fields, if each of `entries` tells the place of the field between its terminator and the one before. Of
/// `terminators`, which are in order, the first is the directory's own, so that there is one more than there are entries.
pub(crate) fn agree(entries: &[[u8; ENTRY_LENGTH]], terminators: &[u32]) -> Option<Controls> {
    debug_assert!(terminators.is_sorted());
    let &base = terminators.first().filter(|_| terminators.len() == entries.len() + 1)?;
    #[cfg(target_arch = "x86_64")]
    if avx512::is_there() {
        #[allow(unsafe_code)]
        // SAFETY: the features that the function is compiled for were just found on this processor.
        return unsafe { avx512::agree(entries, terminators, base) };
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code)]
        // SAFETY: the feature that the function is compiled for was just found on this processor.
        return unsafe { avx2::agree(entries, terminators, base) }.then(|| controls(entries));
    }
    one_by_one(entries, terminators, base).then(|| controls(entries))
}

fn controls(entries: &[[u8; ENTRY_LENGTH]]) -> Controls {
    let is_control = |entry: &[u8; ENTRY_LENGTH]| entry.first_chunk().is_some_and(|&tag| is_control_tag(tag));
    let first = entries.iter().take_while(|entry| is_control(entry)).count();
    let others = entries.get(first..).unwrap_or_default();
    let count = first + others.iter().fold(0, |count, entry| count + usize::from(is_control(entry)));
    Controls { count, come_first: count == first }
}

fn one_by_one(entries: &[[u8; ENTRY_LENGTH]], terminators: &[u32], base: u32) -> bool {
    let ends = terminators.get(1..).unwrap_or_default();
    entries.iter().zip(terminators).zip(ends).fold(true, |all, ((entry, &before), &end)| {
        let place = Place { length: (end - before) as usize, start: (before - base) as usize };
        all & (Entry::new(entry).place == Some(place))
    })
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        _mm_loadl_epi64, _mm_loadu_si128, _mm_set1_epi32, _mm_sub_epi32, _mm_unpacklo_epi32, _mm256_castsi128_si256,
        _mm256_inserti128_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_or_si256, _mm256_packus_epi32,
        _mm256_permutevar8x32_epi32, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setr_epi8,
        _mm256_setr_epi16, _mm256_setr_epi32, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_sub_epi8,
        _mm256_subs_epu8, _mm256_testz_si256, _mm256_xor_si256,
    };

    use super::{ENTRY_LENGTH, one_by_one};

    /// # Safety
    ///
    /// Only a processor with AVX2 may run this.
    #[allow(unsafe_code)]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn agree(entries: &[[u8; ENTRY_LENGTH]], terminators: &[u32], base: u32) -> bool {
        // Of the first of two entries, the digits of the length are bytes 3 to 6, and those of the start 7 to 11; of the second,
        // whose last byte is the last of 16, they are four further on. The place of each is made four digits and eight.
        #[rustfmt::skip]
        let digits = _mm256_setr_epi8(
            3, 4, 5, 6, -1, -1, -1, -1, -1, -1, -1, 7, 8, 9, 10, 11,
            7, 8, 9, 10, -1, -1, -1, -1, -1, -1, -1, 11, 12, 13, 14, 15,
        );
        let tens = _mm256_set1_epi16((1 << 8) + 10);
        let hundreds = _mm256_set1_epi32((1 << 16) + 100);
        let thousands = _mm256_setr_epi16(1, 0, 10_000, 1, 0, 0, 0, 0, 1, 0, 10_000, 1, 0, 0, 0, 0);
        let both = _mm256_setr_epi32(0, 1, 4, 5, 2, 2, 2, 2);
        let base_twice = _mm_set1_epi32(base.cast_signed());
        let mut odd = _mm256_setzero_si256();
        let (pairs, _) = entries.as_chunks::<2>();
        for (pair, places) in pairs.iter().zip(terminators.windows(3).step_by(2)) {
            let bytes = pair.as_flattened().as_ptr();
            // SAFETY: two entries are 24 bytes, of which the first and the last 16 are read; of three numbers, the first and the
            // last two. No load needs to be aligned.
            let (first, second, before, ends) = unsafe {
                (
                    _mm_loadu_si128(bytes.cast()),
                    _mm_loadu_si128(bytes.add(2 * ENTRY_LENGTH - 16).cast()),
                    _mm_loadl_epi64(places.as_ptr().cast()),
                    _mm_loadl_epi64(places.as_ptr().add(1).cast()),
                )
            };
            let entries = _mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1);
            let values = _mm256_shuffle_epi8(_mm256_sub_epi8(entries, _mm256_set1_epi8(b'0'.cast_signed())), digits);
            odd = _mm256_or_si256(odd, _mm256_subs_epu8(values, _mm256_set1_epi8(9)));
            // Numbers of two digits, of four, and of eight.
            let values = _mm256_madd_epi16(_mm256_maddubs_epi16(values, tens), hundreds);
            let values = _mm256_madd_epi16(_mm256_packus_epi32(values, values), thousands);
            let values = _mm256_permutevar8x32_epi32(values, both);
            let expected = _mm_unpacklo_epi32(_mm_sub_epi32(ends, before), _mm_sub_epi32(before, base_twice));
            // What is beyond the four numbers is 0 in both.
            let expected = _mm256_inserti128_si256(_mm256_setzero_si256(), expected, 0);
            odd = _mm256_or_si256(odd, _mm256_xor_si256(values, expected));
        }
        let done = 2 * pairs.len();
        let (entries, terminators) = (entries.get(done..), terminators.get(done..));
        _mm256_testz_si256(odd, odd) != 0
            && one_by_one(entries.unwrap_or_default(), terminators.unwrap_or_default(), base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn directory(terminators: &[u32]) -> Vec<[u8; ENTRY_LENGTH]> {
        let places = terminators.windows(2).map(|pair| (pair[1] - pair[0], pair[0] - terminators[0]));
        places.map(|(length, start)| format!("245{length:04}{start:05}").into_bytes().try_into().unwrap()).collect()
    }

    proptest! {
        #[test]
        fn every_path_sees_every_difference(
            lengths in prop_oneof![
                prop::collection::vec(prop_oneof![1..100u32, 1..9999u32], 1..10),
                prop::collection::vec(1..2000u32, 1..50),
            ],
            tags in prop::collection::vec("00[0-9]|0[0-9]0|[0-9]00|00[:/]", 50),
            leading in 0..50usize,
            base in 0..1_000_000u32,
            change in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
            lost in prop::bool::weighted(0.1),
        ) {
            let mut terminators = vec![base];
            terminators.extend(lengths.iter().scan(base, |at, length| { *at += length; Some(*at) }));
            let mut entries = directory(&terminators);
            for (number, (entry, tag)) in entries.iter_mut().zip(&tags).enumerate() {
                let tag = if number < leading { "001" } else { tag };
                entry[..3].copy_from_slice(tag.as_bytes());
            }
            if let Some((place, byte)) = change {
                let bytes = entries.as_flattened_mut();
                bytes[place.index(bytes.len())] = byte;
            }
            if lost {
                entries.pop();
            }
            let correct = directory(&terminators);
            let expected = entries.len() == correct.len() && entries.iter().zip(&correct).all(|(a, b)| a[3..] == b[3..]);
            prop_assert!(lost || one_by_one(&entries, &terminators, base) == expected);
            prop_assert_eq!(agree(&entries, &terminators), expected.then(|| controls(&entries)));
            prop_assert_eq!(agree(&entries, terminators.get(..entries.len()).unwrap()), None);
            #[cfg(target_arch = "x86_64")]
            if !lost && std::arch::is_x86_feature_detected!("avx2") {
                #[allow(unsafe_code)]
                // SAFETY: the feature that the function is compiled for was just found on this processor.
                let agrees = unsafe { avx2::agree(&entries, &terminators, base) };
                prop_assert_eq!(agrees, expected);
            }
        }
    }

    #[test]
    fn what_is_no_digit_is_no_number() {
        let terminators = [7, 7 + 1023, 7 + 1023 + 5, 7 + 1023 + 5];
        let sound = directory(&terminators);
        assert!(agree(&sound, &terminators).is_some());
        for place in 3..3 * ENTRY_LENGTH {
            for byte in (0..=255).filter(|_| place % ENTRY_LENGTH > 2) {
                let mut odd = sound.clone();
                let was = std::mem::replace(&mut odd.as_flattened_mut()[place], byte);
                assert_eq!(agree(&odd, &terminators).is_some(), was == byte, "{byte} at {place}");
            }
        }
        let none = Controls { count: 0, come_first: true };
        assert_eq!([agree(&[], &[]), agree(&[], &[3])], [None, Some(none)]);
    }

    #[test]
    fn control_fields_are_counted_wherever_they_are() {
        let controls = |tags: &[&str]| {
            let terminators: Vec<u32> = (0..=tags.len() as u32).collect();
            let mut entries = directory(&terminators);
            for (entry, tag) in entries.iter_mut().zip(tags) {
                entry[..3].copy_from_slice(tag.as_bytes());
            }
            agree(&entries, &terminators).unwrap()
        };
        let of = |count, come_first| Controls { count, come_first };
        assert_eq!(controls(&["001"]), of(1, true));
        assert_eq!(controls(&["245"]), of(0, true));
        assert_eq!(controls(&["001", "245", "008"]), of(2, false));
        for many in [15, 16, 17, 31, 32, 33] {
            let (control, data) = (vec!["009"; many], vec!["010"; many]);
            assert_eq!(controls(&control), of(many, true));
            assert_eq!(controls(&[&control[..], &data].concat()), of(many, true));
            assert_eq!(controls(&[&data[..], &control].concat()), of(many, false));
            assert_eq!(controls(&[&control[..], &data, &["000"]].concat()), of(many + 1, false));
        }
    }
}
