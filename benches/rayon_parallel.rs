//! The whole way from a file to batches with pools of 1, 2, 4 and 8 threads. Where there are 4 cores, 4 threads must reach 2.5
//! times one core, or the benchmark fails.

#![allow(missing_docs, clippy::expect_used)]

mod shared;

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mrrc_arrow::{Source, measure};

const GATE: f64 = 2.5;

fn parallel(criterion: &mut Criterion) {
    let (path, size) = (shared::file(), shared::bytes().len());
    let mut group = criterion.benchmark_group("rayon_parallel");
    group.throughput(Throughput::Bytes(size as u64)).sample_size(20);
    group.bench_function("one thread, no pipeline", |bencher| {
        bencher.iter(|| measure::in_one_thread(Source::path(&path), shared::RECORDS).expect("a file"));
    });
    for threads in [1, 2, 4, 8] {
        measure::set_threads(threads).expect("threads");
        group.bench_function(BenchmarkId::from_parameter(threads), |bencher| {
            bencher.iter(|| shared::stream(Source::path(&path)));
        });
    }
    group.finish();

    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if cores < 4 {
        println!("{cores} cores: what 4 threads gain is not judged");
        return;
    }
    measure::set_threads(4).expect("threads");
    let least = |work: &dyn Fn()| -> Duration {
        let time = || {
            let start = Instant::now();
            work();
            start.elapsed()
        };
        (0..9).map(|_| time()).min().unwrap_or_default()
    };
    let one = least(&|| drop(measure::in_one_thread(Source::path(&path), shared::RECORDS)));
    let four = least(&|| {
        shared::stream(Source::path(&path));
    });
    let gain = one.as_secs_f64() / four.as_secs_f64();
    println!("4 threads reach {gain:.2} times one; the gate asks for {GATE}");
    assert!(gain >= GATE, "4 threads reach {gain:.2} times one");
}

criterion_group!(benches, parallel);
criterion_main!(benches);
