//! The hash of a value and its length in characters, found in one pass.
//!
//! Sketches are stored, and merged with those of later versions and other machines, so the function is written down here and
//! not taken from a crate that may change it: 64 bits by folded multiplication, as in wyhash, of little-endian words. Values of up
//! to 12 bytes are hashed as their views, which have length and text in two words; longer ones by overlapping words.
//! A change of it has to change [`Sketch`](super::sketch::Sketch)'s first byte.

/// Digits of π, made odd.
const KEYS: [u64; 6] = [
    0x243F_6A88_85A3_08D3,
    0x1319_8A2E_0370_7345,
    0xA409_3822_299F_31D1,
    0x082E_FA98_EC4E_6C89,
    0x4528_21E6_38D0_1377,
    0xBE54_66CF_34E9_0C6D,
];

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

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// Measures a value that its view holds itself.
#[inline]
pub(super) fn measure_inline(view: u128) -> Measured {
    let (low, high) = (view as u64, (view >> 64) as u64);
    let hash = fold(fold(low ^ KEYS[0], high ^ KEYS[1]) ^ KEYS[2], KEYS[3]).max(1);
    let bytes = low as u32;
    // The length is below 128: its bytes count as ASCII.
    let length = if (low | high) & HIGH == 0 { bytes } else { bytes - inner_bytes(low) - inner_bytes(high) };
    Measured { hash, length }
}

/// Measures a value that is longer than a view holds.
#[inline]
pub(super) fn measure_long(value: &[u8]) -> Measured {
    let mut state = KEYS[4];
    let mut seen = 0;
    let mut rest = value;
    while rest.len() > 32
        && let Some((chunk, after)) = rest.split_first_chunk::<32>()
    {
        let [a, b, c, d] = words(chunk);
        state = fold(a ^ KEYS[0] ^ state, b ^ KEYS[1]) ^ fold(c ^ KEYS[2] ^ state, d ^ KEYS[3]);
        seen |= a | b | c | d;
        rest = after;
    }
    // What is left of 32 bytes or fewer, in words that may overlap with each other and with what came before.
    let (first, last) = match (rest.first_chunk::<16>(), rest.last_chunk::<16>()) {
        (Some(first), Some(last)) => (words(first), words(last)),
        _ => few(value, rest),
    };
    let ([a, b], [c, d]) = (first, last);
    seen |= a | b | c | d;
    state = fold(a ^ KEYS[0] ^ state, b ^ KEYS[1]) ^ fold(c ^ KEYS[2] ^ state, d ^ KEYS[3]);
    let bytes = value.len();
    let hash = fold(state ^ KEYS[5], bytes as u64 ^ KEYS[4]).max(1);
    let length = if seen & HIGH == 0 { bytes as u32 } else { characters(value) };
    Measured { hash, length }
}

#[inline]
fn words<const N: usize, const W: usize>(bytes: &[u8; N]) -> [u64; W] {
    const { assert!(N == 8 * W) };
    let (words, _) = bytes.as_chunks::<8>();
    let mut words = words.iter();
    std::array::from_fn(|_| words.next().map_or(0, |&word| u64::from_le_bytes(word)))
}

/// The words for the rest of `value` where that is less than 16 bytes: the last 16 of the whole, or, where it is no longer than
/// the rest itself, its first and its last 8.
#[inline]
fn few(value: &[u8], rest: &[u8]) -> ([u64; 2], [u64; 2]) {
    if let Some(last) = value.last_chunk::<16>() {
        return (words(last), [0, rest.len() as u64]);
    }
    let word = |chunk: Option<&[u8; 8]>| chunk.map_or(0, |&word| u64::from_le_bytes(word));
    ([word(value.first_chunk()), word(value.last_chunk())], [0, 0])
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
    use super::*;

    /// As `layout::arrays::inline_view` makes it.
    fn inline(value: &str) -> u128 {
        let mut bytes = [0; 16];
        bytes[4..4 + value.len()].copy_from_slice(value.as_bytes());
        u128::from_le_bytes(bytes) | value.len() as u128
    }

    fn measure(value: &str) -> Measured {
        if value.len() <= 12 { measure_inline(inline(value)) } else { measure_long(value.as_bytes()) }
    }

    /// Stored sketches depend on these.
    #[test]
    fn hashes_never_change() {
        let expected: [(&str, u64); 6] = [
            ("", 0xB3BF_C73D_BDA2_207A),
            ("eng", 0x92A8_7D03_45B7_9528),
            ("twelve bytes", 0x9775_9D08_1162_3DA3),
            ("thirteen byte", 0x58BA_651B_5C65_32C7),
            ("Ἡ Ὀδύσσεια, in thirty-two to go and more", 0x320A_2D87_C46C_145B),
            ("The quick brown fox jumps over the lazy dog, and over sixty-four bytes, too.", 0xCC81_7135_97E7_D5FF),
        ];
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
            for at in 0..length {
                let mut other = value.clone();
                other.replace_range(at..=at, "b");
                hashes.push(measure(&other).hash);
            }
            hashes.sort_unstable();
            assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]), "{length}");
        }
    }
}
