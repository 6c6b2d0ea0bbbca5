//! The fuzz targets, without a fuzzer: inputs that once failed, and a few thousand made by chance from real records.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "fuzz_targets/mod.rs"]
mod targets;

use std::path::Path;

use proptest::prelude::*;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 4] = [
    ("scanner", targets::scanner),
    ("record", targets::record),
    ("text", targets::text),
    ("read", targets::whole_read),
];

#[test]
fn what_once_failed_holds() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz_targets/regressions").join(name);
        let inputs: Vec<_> =
            folder.read_dir().unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
        assert!(!inputs.is_empty());
        for input in &inputs {
            target(input);
        }
    }
}

/// Records of the sample with bytes put in place of others, taken out or added; and bytes that are no records.
fn inputs() -> impl Strategy<Value = Vec<u8>> {
    let sample = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample.mrc")).unwrap();
    let byte = prop_oneof![
        4 => prop::sample::select(&b"\x1d\x1e\x1f\x1b\xe2\xb9\xc3\xa9\x80$(1B0 9a\r\n"[..]),
        1 => any::<u8>(),
    ];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), 0..3u8, byte.clone()), 0..12);
    let damaged = (any::<prop::sample::Index>(), 0..4000usize, changes).prop_map(move |(start, length, changes)| {
        let start = start.index(sample.len());
        let mut bytes = sample[start..sample.len().min(start + length)].to_vec();
        bytes.push(b'0');
        for (index, what, byte) in changes {
            let at = index.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        bytes
    });
    prop_oneof![5 => damaged, 5 => other_text(), 1 => prop::collection::vec(byte, 0..200)]
}

/// Records that are sound but for their text, in which letters became codes of MARC-8; the first byte is for the encoding.
fn other_text() -> impl Strategy<Value = Vec<u8>> {
    let sample = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample.mrc")).unwrap();
    let records: Vec<Vec<u8>> = sample.split_inclusive(|&byte| byte == 0x1D).map(<[u8]>::to_vec).collect();
    let code = prop_oneof![4 => 0x80..=0xFFu8, 1 => Just(0x1B), 1 => prop::sample::select(&b"$(1NBP)"[..])];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), code), 0..20);
    (prop::sample::subsequence(records, 1..4), changes, any::<u8>(), any::<bool>()).prop_map(
        |(records, changes, encoding, flagged)| {
            let mut bytes = vec![encoding];
            for record in &records {
                let start = bytes.len();
                bytes.extend_from_slice(record);
                bytes[start + 9] = if flagged { b'a' } else { b' ' };
            }
            let letters: Vec<usize> = (1..bytes.len()).filter(|&at| bytes[at].is_ascii_lowercase()).collect();
            let letters: Vec<usize> =
                letters.into_iter().filter(|&at| bytes[at - 1] != 0x1F && bytes[at + 1] != b'2').collect();
            for (index, code) in changes {
                bytes[letters[index.index(letters.len())]] = code;
            }
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn every_target_holds_for_damaged_records(input in inputs()) {
        for (_, target) in TARGETS {
            target(&input);
        }
    }
}
