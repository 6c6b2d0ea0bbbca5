//! The fuzz targets, without a fuzzer: inputs that once failed, and a few thousand made by chance from real records.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;

use proptest::prelude::*;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 4] = [
    ("scanner", targets::scanner),
    ("record", targets::record),
    ("marc8", targets::marc8),
    ("read", targets::whole_read),
];

#[test]
fn what_once_failed_holds() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/regressions").join(name);
        for entry in folder.read_dir().into_iter().flatten() {
            target(&std::fs::read(entry.unwrap().path()).unwrap());
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
    prop_oneof![5 => damaged, 1 => prop::collection::vec(byte, 0..200)]
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
