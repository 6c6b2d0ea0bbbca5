//! Building tables from blocks whose boundaries are known, without reading: on the calling thread, and on pools of 1, 2, 4 and 8.

#![allow(missing_docs, clippy::expect_used)]

mod shared;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mrrc_arrow::measure;

fn parse_only(criterion: &mut Criterion) {
    let bytes = shared::bytes();
    let blocks = measure::blocks(bytes.clone(), shared::RECORDS).expect("MARC");
    let mut group = criterion.benchmark_group("rayon_parse_only");
    group.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(20);
    group.bench_function("no pool", |bencher| {
        bencher.iter(|| blocks.iter().map(measure::Known::build).sum::<usize>());
    });
    for threads in [1, 2, 4, 8] {
        measure::set_threads(threads).expect("threads");
        group.bench_function(BenchmarkId::new("pool", threads), |bencher| {
            bencher.iter(|| measure::build_on_pool(&blocks).expect("a pool"));
        });
    }
    group.finish();
}

criterion_group!(benches, parse_only);
criterion_main!(benches);
