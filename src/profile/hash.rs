//! The hash of a value and its length in characters, found in one pass.
//!
//! Sketches are stored, and merged with those of later versions and other machines, so the function is written down here and
//! not taken from a crate that may change it. A value is taken in blocks of 64 bytes, the last of which is filled with zeros:
//! eight little-endian words, of each of which the halves are multiplied, as in NH (Black et al., "UMAC", 1999) and XXH3:
//!
//! ```text
//! mixed(w) = low half of w * high half of w + w rotated by 32
//! state[i] = mixed(word[i] ^ key[i] ^ state[i])     for each block, from states of 0 on
//! sum      = (state[0] + … + state[7]) ^ length in bytes
//! ```
//!
//! The sum is mixed once more, and 1 stands for 0. A processor with AVX-512 has a block in one register, so that one value takes as
//! long as the next; others go word by word, and come to the same. It is no hash against those who choose values for it: who
//! writes a file can have many of them counted as one. A change of it has to change [`Sketch`](super::sketch::Sketch)'s first byte.

#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::layout::Buffers;

/// Bytes of a block.
const BLOCK: usize = 8 * LANES;
const LANES: usize = 8;

/// Digits of π, made odd: one for each word of a block, and two for the end.
const KEYS: [u64; LANES] = [
    0x243F_6A88_85A3_08D3,
    0x1319_8A2E_0370_7345,
    0xA409_3822_299F_31D1,
    0x082E_FA98_EC4E_6C89,
    0x4528_21E6_38D0_1377,
    0xBE54_66CF_34E9_0C6D,
    0xC0AC_29B7_C97C_50DD,
    0x3F84_D5B5_B547_0917,
];
const LAST_KEYS: [u64; 2] = [0x9216_D5D9_8979_FB1B, 0xD131_0BA6_98DF_B5AD];

/// What the words from each on come to where they are 0, which those after a value are.
const REST: [u64; LANES + 1] = {
    let mut rest = [0; LANES + 1];
    let mut lane = LANES;
    while lane > 0 {
        lane -= 1;
        #[allow(clippy::indexing_slicing)] // at compile time
        {
            rest[lane] = mixed(KEYS[lane]).wrapping_add(rest[lane + 1]);
        }
    }
    rest
};

/// The high bit of each byte of a word.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// What is to be known of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measured {
    /// Never 0.
    pub hash: u64,
    /// Characters; the value is UTF-8.
    pub length: u32,
}

/// Measures each of `views`, and gives what comes of it to `take`, in their order and a few at a time.
#[inline]
pub(super) fn measure_all(buffers: Buffers<'_>, views: &[u128], mut take: impl FnMut(Measured)) {
    #[cfg(target_arch = "x86_64")]
    if avx512::is_there() {
        #[allow(unsafe_code)]
        // SAFETY: the features that the function is compiled for were just found on this processor.
        unsafe {
            avx512::measure_all(buffers, views, take);
        }
        return;
    }
    for &view in views {
        take(measure(buffers, view));
    }
}

/// Measures the value of a view.
#[inline]
pub(super) fn measure(buffers: Buffers<'_>, view: u128) -> Measured {
    match buffers.long(view) {
        None => measure_inline(view),
        Some(value) => measure_long(value),
    }
}

/// What a word that was combined with its key comes to.
#[inline]
const fn mixed(word: u64) -> u64 {
    // Where one half is 0, the product says nothing of the other.
    (word & 0xFFFF_FFFF).wrapping_mul(word >> 32).wrapping_add(word.rotate_left(32))
}

/// The hash of a value of so many bytes, whose words come to `sum`.
#[inline]
fn finish(sum: u64, bytes: usize) -> u64 {
    let [first, last] = LAST_KEYS;
    let sum = sum ^ bytes as u64;
    let sum = (sum ^ sum >> 32).wrapping_mul(first);
    let sum = (sum ^ sum >> 29).wrapping_mul(last);
    (sum ^ sum >> 32).max(1)
}

/// Measures a value that its view holds itself.
#[inline]
fn measure_inline(view: u128) -> Measured {
    let (first, last) = ((view >> 32) as u64, (view >> 96) as u64);
    let sum = mixed(first ^ KEYS[0]).wrapping_add(mixed(last ^ KEYS[1])).wrapping_add(REST[2]);
    let bytes = view as u32;
    let length = if (first | last) & HIGH == 0 { bytes } else { bytes - inner_bytes(first) - inner_bytes(last) };
    Measured { hash: finish(sum, bytes as usize), length }
}

/// Measures a value that is longer than a view holds.
#[inline]
pub(super) fn measure_long(value: &[u8]) -> Measured {
    let (sum, seen) = match value.len() {
        // Half of a block, or one: how many words there are cannot be foretold.
        0..=32 => {
            let (sum, seen) = add_words(value, 0, [0; LANES / 2]);
            (sum.wrapping_add(REST[LANES / 2]), seen)
        }
        33..=BLOCK => add_words(value, 0, [0; LANES]),
        _ => {
            let (mut state, mut seen, mut at) = ([0; LANES], 0, 0);
            while value.len() - at > BLOCK {
                for (lane, (state, key)) in state.iter_mut().zip(KEYS).enumerate() {
                    let word = word(value, at + 8 * lane);
                    seen |= word;
                    *state = mixed(word ^ key ^ *state);
                }
                at += BLOCK;
            }
            let (sum, last) = add_words(value, at, state);
            (sum, seen | last)
        }
    };
    let length = if seen & HIGH == 0 { value.len() as u32 } else { characters(value) };
    Measured { hash: finish(sum, value.len()), length }
}

/// What the words from a place of `value` on come to, and all their bits.
#[inline]
fn add_words<const N: usize>(value: &[u8], at: usize, state: [u64; N]) -> (u64, u64) {
    let lanes = state.iter().zip(KEYS).enumerate();
    lanes.fold((0, 0), |(sum, seen), (lane, (state, key))| {
        let word = word(value, at + 8 * lane);
        (mixed(word ^ key ^ state).wrapping_add(sum), seen | word)
    })
}

/// The eight bytes at a place of a value of eight or more, with zeros where there are no more.
#[inline]
fn word(value: &[u8], at: usize) -> u64 {
    let from = at.min(value.len().saturating_sub(8));
    let word = value.get(from..).and_then(<[u8]>::first_chunk).map_or(0, |&word| u64::from_le_bytes(word));
    word.checked_shr(8 * (at - from) as u32).unwrap_or(0)
}

/// How many bytes of a word are not the first of a character.
#[inline]
fn inner_bytes(word: u64) -> u32 {
    // Each byte's second bit comes to be where its first is.
    (word & !(word << 1) & HIGH).count_ones()
}

/// Characters of UTF-8.
#[inline(never)]
fn characters(value: &[u8]) -> u32 {
    let (words, rest) = value.as_chunks::<8>();
    let inner: u32 = words.iter().map(|&word| inner_bytes(u64::from_le_bytes(word))).sum();
    (value.len() - rest.iter().filter(|&&byte| byte & 0xC0 == 0x80).count()) as u32 - inner
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The view of `block[start..end]`, or of that of the text that was made.
    fn view(buffers: Buffers<'_>, start: usize, end: usize, is_made: bool) -> u128 {
        let value = &buffers.both()[usize::from(is_made)][start..end];
        let mut bytes = [0; 16];
        if value.len() <= 12 {
            bytes[4..4 + value.len()].copy_from_slice(value);
            return u128::from_le_bytes(bytes) | value.len() as u128;
        }
        bytes[4..8].copy_from_slice(&value[..4]);
        let buffer = if is_made { u128::from(Buffers::MADE) } else { 0 };
        u128::from_le_bytes(bytes) | value.len() as u128 | buffer << 64 | (start as u128) << 96
    }

    /// Measures a value one by one, and eight times together if the processor can.
    fn measure(value: &str) -> Measured {
        let buffers = Buffers { block: value.as_bytes(), scratch: "" };
        let view = view(buffers, 0, value.len(), false);
        let measured = super::measure(buffers, view);
        let mut all = Vec::new();
        measure_all(buffers, &[view; 9], |measured| all.push(measured));
        assert_eq!(all, [measured; 9], "{value:?}");
        measured
    }

    /// Stored sketches depend on these.
    #[test]
    fn hashes_never_change() {
        let expected: [(&str, u64); 8] = [
            ("", 0x6649_F429_164C_3F86),
            // What comes to 0, which stands for nothing in a set.
            (">\x11j\x14K600#4D=", 1),
            ("eng", 0xB26F_6A0E_C561_3AE5),
            ("twelve bytes", 0x862A_F333_A616_9C4E),
            ("thirteen byte", 0x0A9C_8217_AF26_8946),
            ("Ἡ Ὀδύσσεια, in thirty-two to go and more", 0x67A0_4DFA_9CAB_003B),
            ("The quick brown fox jumps over the lazy dog, and over sixty-four bytes, too.", 0x42ED_33FE_4BDF_E0ED),
            (
                "One hundred and ninety-two bytes are three blocks of sixty-four bytes each, of which the last one is full, \
                 so that there is nothing after it that would have to be filled with zeros; that's it.",
                0xEEC6_1295_B1B9_7096,
            ),
        ];
        assert_eq!(expected[7].0.len() % BLOCK, 0);
        let found = expected.map(|(value, _)| (value, measure(value).hash));
        assert_eq!(found, expected, "{found:#X?}");
    }

    #[test]
    fn lengths_are_characters() {
        let text = "aé€𝄞 Ἡ Ὀδύσσεια ü Ω x0123456789abcdefghijklmnopqrstuvwxyz ñ the end é";
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        for (from, &start) in starts.iter().enumerate() {
            for &end in &starts[from..] {
                let value = &text[start..end];
                assert_eq!(measure(value).length, value.chars().count() as u32, "{value:?}");
            }
        }
    }

    #[test]
    fn every_byte_and_the_length_count() {
        for length in 0..200 {
            let value = "a".repeat(length);
            let mut hashes = vec![measure(&value).hash, measure(&format!("{value}a")).hash];
            // Zeros are no bytes.
            hashes.push(measure(&format!("{value}\0")).hash);
            for at in 0..length {
                for other in ["b", "\0"] {
                    let mut value = value.clone();
                    value.replace_range(at..=at, other);
                    hashes.push(measure(&value).hash);
                }
            }
            hashes.sort_unstable();
            assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]), "{length}");
        }
    }

    /// Numbers, dates and words that differ in few bits: there are as many hashes, and their first bits are spread evenly.
    #[test]
    fn what_is_alike_is_spread() {
        let forms: [fn(u32) -> String; 5] = [
            |number| format!("{number}"),
            |number| format!("{number:012}"),
            |number| format!("(OCoLC)ocm{number:08}"),
            |number| format!("{:04}{:02}{:02}", number / 372, number / 31 % 12 + 1, number % 31 + 1),
            |number| "ab".repeat(40) + &format!("{number:b}").replace('0', "é").replace('1', "è"),
        ];
        for form in forms {
            let mut hashes: Vec<u64> = (0..20_000).map(|number| measure(&form(number)).hash).collect();
            hashes.sort_unstable();
            assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]), "{}", form(1));
            for shift in [0, 11, 32, 56] {
                let mut bins = [0_u32; 256];
                for hash in &hashes {
                    bins[(hash >> shift) as usize & 255] += 1;
                }
                // Chi squared with 255 degrees of freedom: 23 is its standard deviation.
                let mean = 20_000.0 / 256.0;
                let chi: f64 = bins.iter().map(|&bin| (f64::from(bin) - mean).powi(2) / mean).sum();
                assert!((150.0..380.0).contains(&chi), "{} {shift}: {chi}", form(1));
            }
        }
    }

    #[test]
    fn a_value_that_is_in_no_buffer_is_none() {
        let buffers = Buffers { block: &[b'a'; 100], scratch: "made, and a little longer" };
        let within = view(buffers, 80, 100, false);
        let made = view(buffers, 5, 25, true);
        for beyond in [within + (1 << 96), within + 1, made + (1 << 96), made + 1, within | u128::MAX << 96] {
            let mut all = Vec::new();
            measure_all(buffers, &[within, made, beyond, within, made, within, made, within], |value| all.push(value));
            assert_eq!((all[0], all[1]), (measure("aaaaaaaaaaaaaaaaaaaa"), measure(" and a little longer")));
            // Whatever it is taken for, it is that by any path, and nothing beyond the buffers is read.
            assert_eq!(all[2], super::measure(buffers, beyond));
            assert_eq!(all[3..], [all[0], all[1], all[0], all[1], all[0]]);
        }
    }

    proptest! {
        /// Whatever the processor, and wherever values are.
        #[test]
        fn all_paths_agree(
            text in "[a-zé€𝄞\\PC]{0,200}",
            made in "[a-zé€𝄞]{0,300}",
            places in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()), 0..40),
        ) {
            let buffers = Buffers { block: text.as_bytes(), scratch: &made };
            let views: Vec<u128> = places
                .iter()
                .map(|(start, end, is_made)| {
                    let text = if *is_made { &made } else { &text };
                    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
                    let (start, end) = (*start.get(&starts), *end.get(&starts));
                    view(buffers, start.min(end), start.max(end), *is_made)
                })
                .collect();
            let mut all = Vec::new();
            measure_all(buffers, &views, |measured| all.push(measured));
            let each: Vec<Measured> = views.iter().map(|&view| super::measure(buffers, view)).collect();
            prop_assert_eq!(all, each);
        }
    }
}
