//! The reference: one record per step in one thread, with the same builder and the same rows, from a file, from memory and, with
//! `--features embed` (see `make bench-rust`), from a Python file object. Beside them what the pipeline makes of the same.
//!
//! `cargo bench --bench baseline -- --save-baseline phase_h3` keeps the figures; `-- --baseline phase_h3` compares with them.

#![allow(missing_docs, clippy::expect_used, clippy::indexing_slicing)]

mod shared;

use std::fs::File;
use std::io::{BufReader, Cursor};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mrrc_arrow::{Source, measure};
use shared::RECORDS;

fn baseline(criterion: &mut Criterion) {
    let (path, bytes) = (shared::file(), shared::bytes());
    let rows = measure::one_by_one(&bytes[..], RECORDS).expect("sound records");
    assert_eq!(rows, shared::stream(Source::memory(bytes.clone())));
    let mut group = criterion.benchmark_group("baseline");
    group.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(10);
    group.bench_function("RustFile, one by one", |bencher| {
        bencher.iter(|| {
            let file = BufReader::new(File::open(&path).expect("the file"));
            assert_eq!(measure::one_by_one(file, RECORDS).expect("sound records"), rows);
        });
    });
    group.bench_function("Cursor, one by one", |bencher| {
        bencher.iter(|| assert_eq!(measure::one_by_one(Cursor::new(&bytes), RECORDS).expect("sound records"), rows));
    });
    #[cfg(feature = "embed")]
    group.bench_function("PythonFile, one by one", |bencher| {
        bencher.iter(|| {
            let file = shared::python::PythonFile::open(&path);
            assert_eq!(measure::one_by_one(file, RECORDS).expect("sound records"), rows);
        });
    });
    group.bench_function("RustFile, pipeline", |bencher| {
        bencher.iter(|| assert_eq!(shared::stream(Source::path(&path)), rows));
    });
    group.finish();
}

criterion_group!(benches, baseline);
criterion_main!(benches);
