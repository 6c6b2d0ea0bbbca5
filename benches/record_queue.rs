//! What a queue of records costs: records copied in, with room inline or not, or numbers into a shared block.
//!
//! `cargo bench --bench record_queue` prints nanoseconds per record, filled and taken out again, for three lengths of record.

#![allow(clippy::indexing_slicing, clippy::cast_precision_loss, missing_docs)]

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;

const RECORDS: usize = 150;
const ROUNDS: usize = 2_000;

/// The best of some runs of `batch`, in nanoseconds per record.
fn measure(mut batch: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..7 {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            batch();
        }
        best = best.min(start.elapsed().as_nanos() as f64 / (ROUNDS * RECORDS) as f64);
    }
    best
}

fn main() {
    println!("{:>8} {:>18} {:>10} {:>8}", "bytes", "SmallVec<4096>", "Vec<u8>", "shared");
    for length in [500, 1_900, 6_000] {
        let block: Arc<[u8]> = vec![b'x'; length * RECORDS].into();
        let records = || block.chunks(length);
        let mut inline: VecDeque<SmallVec<[u8; 4096]>> = VecDeque::new();
        let small = measure(|| {
            inline.extend(records().map(SmallVec::from_slice));
            while let Some(record) = inline.pop_front() {
                black_box(&record[..1]);
            }
        });
        let mut heap: VecDeque<Vec<u8>> = VecDeque::new();
        let vec = measure(|| {
            heap.extend(records().map(<[u8]>::to_vec));
            while let Some(record) = heap.pop_front() {
                black_box(&record[..1]);
            }
        });
        let mut places: VecDeque<(Arc<[u8]>, usize, usize)> = VecDeque::new();
        let shared = measure(|| {
            places.extend((0..RECORDS).map(|index| (Arc::clone(&block), index * length, length)));
            while let Some((block, start, length)) = places.pop_front() {
                black_box(&block[start..start + length][..1]);
            }
        });
        println!("{length:>8} {small:>18.1} {vec:>10.1} {shared:>8.1}");
    }
}
