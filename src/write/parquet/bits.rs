//! Numbers bit by bit: as they are, or in Parquet's runs of one value and groups of eight.

/// As many equal values as are worth a run: less would be packed as shortly.
const RUN: usize = 8;

/// Appends a number in groups of seven bits, the least first.
pub(super) fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends `count` times `value`, which has `width` bits.
fn push_run(out: &mut Vec<u8>, width: u32, value: u32, count: usize) {
    push_varint(out, (count as u64) << 1);
    out.extend(value.to_le_bytes().into_iter().take(width.div_ceil(8) as usize));
}

/// Appends values of `width` bits as they are, in whole groups of eight; what the last one lacks is zeros.
fn push_packed(out: &mut Vec<u8>, width: u32, values: &[u32]) {
    push_varint(out, (values.len().div_ceil(8) as u64) << 1 | 1);
    let padding = values.len().next_multiple_of(8) - values.len();
    pack(out, width, values.iter().copied().chain(std::iter::repeat_n(0, padding)));
}

/// Appends values of at most `width` bits, at most 32; the bits of all of them have to be whole bytes.
pub(super) fn pack(out: &mut Vec<u8>, width: u32, values: impl Iterator<Item = u32>) {
    let (mut bits, mut held) = (0_u64, 0);
    for value in values {
        bits |= u64::from(value) << held;
        held += width;
        if held >= 32 {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            held -= 32;
        }
    }
    out.extend(bits.to_le_bytes().into_iter().take(held as usize / 8));
}

/// Appends `values`, each of at most `width` bits.
pub(super) fn push_values(out: &mut Vec<u8>, width: u32, values: &[u32]) {
    // What is packed begins behind the last run.
    let (mut packed, mut at) = (0, 0);
    while let Some((&value, after)) = values.get(at..).and_then(<[u32]>::split_first) {
        let run = 1 + after.iter().take_while(|&&next| next == value).count();
        if run < RUN {
            at = (at + 8).min(values.len());
            continue;
        }
        if let Some(group) = values.get(packed..at).filter(|group| !group.is_empty()) {
            push_packed(out, width, group);
        }
        push_run(out, width, value, run);
        at += run;
        packed = at;
    }
    if let Some(group) = values.get(packed..).filter(|group| !group.is_empty()) {
        push_packed(out, width, group);
    }
}

/// Appends `length` bits of `bitmap`, the least of each byte first, as values of one bit.
pub(super) fn push_bits(out: &mut Vec<u8>, bitmap: &[u8], length: usize) {
    let bytes = bitmap.get(..length.div_ceil(8)).unwrap_or(bitmap);
    let mut rest = bytes;
    let mut left = length;
    while let Some(&first) = rest.first() {
        let same = |byte: u8| rest.iter().take_while(|&&other| other == byte).count();
        let count = match first {
            0 | 0xFF => {
                let count = same(first);
                push_run(out, 1, u32::from(first & 1), (8 * count).min(left));
                count
            }
            _ => {
                let count = rest.iter().take_while(|&&byte| byte != 0 && byte != 0xFF).count();
                push_varint(out, (count as u64) << 1 | 1);
                out.extend(rest.iter().take(count));
                count
            }
        };
        left = left.saturating_sub(8 * count);
        rest = rest.get(count..).unwrap_or_default();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn varint(bytes: &mut &[u8]) -> usize {
        let (mut number, mut shift) = (0, 0);
        loop {
            let (&byte, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            number |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 {
                return number;
            }
        }
    }

    /// As the format's description has it, bit by bit.
    fn decoded(mut bytes: &[u8], width: usize, length: usize) -> Vec<u32> {
        let mut values = Vec::new();
        while !bytes.is_empty() {
            let header = varint(&mut bytes);
            if header & 1 == 0 {
                let (value, rest) = bytes.split_at(width.div_ceil(8));
                bytes = rest;
                let value = value.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte));
                values.extend(std::iter::repeat_n(value, header >> 1));
            } else {
                let (packed, rest) = bytes.split_at((header >> 1) * width);
                bytes = rest;
                let bit = |at: usize| u32::from(packed[at / 8] >> (at % 8) & 1);
                let value = |at: usize| (0..width).fold(0, |value, place| value | bit(at * width + place) << place);
                values.extend((0..(header >> 1) * 8).map(value));
            }
        }
        assert!(values.len() < length + 8);
        assert!(values[length..].iter().all(|&value| value == 0));
        values.truncate(length);
        values
    }

    fn runs() -> impl Strategy<Value = (u32, Vec<u32>)> {
        (0_u32..=32).prop_flat_map(|width| {
            let most = (1_u64 << width) - 1;
            let value = (0..=most).prop_map(|value| value as u32);
            let run = (value, prop_oneof![1_usize..3, 1_usize..30, 100_usize..3000])
                .prop_map(|(value, count)| vec![value; count]);
            (Just(width), prop::collection::vec(run, 0..40).prop_map(|runs| runs.concat()))
        })
    }

    proptest! {
        #[test]
        fn values_come_back((width, values) in runs()) {
            let mut out = Vec::new();
            push_values(&mut out, width, &values);
            // Of no width, all are alike.
            prop_assert_eq!(decoded(&out, width as usize, values.len()), values);
        }

        #[test]
        fn bits_come_back(runs in prop::collection::vec((any::<bool>(), prop_oneof![1_usize..4, 1_usize..100]), 0..40)) {
            let bits: Vec<bool> = runs.iter().flat_map(|&(bit, count)| vec![bit; count]).collect();
            let mut bitmap = vec![0_u8; bits.len().div_ceil(8)];
            for (at, _) in bits.iter().enumerate().filter(|&(_, &bit)| bit) {
                bitmap[at / 8] |= 1 << (at % 8);
            }
            let mut out = Vec::new();
            push_bits(&mut out, &bitmap, bits.len());
            prop_assert_eq!(decoded(&out, 1, bits.len()), bits.iter().map(|&bit| u32::from(bit)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn long_runs_are_short() {
        let mut out = Vec::new();
        push_values(&mut out, 17, &vec![70_000; 20_000]);
        assert_eq!(out.len(), 3 + 3);
        out.clear();
        push_bits(&mut out, &[0xFF; 2500], 20_000);
        assert_eq!(out.len(), 3 + 1);
    }
}
