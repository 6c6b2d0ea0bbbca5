//! Batches alone against batches handed to Polars, and one question asked of either: how many fields are a 650.
//!
//! `MRRC_ARROW_FILE` names a file; else it is `build/big-60.mrc`, made by the Python benchmarks, or 20 MB of the shipped sample.

#![allow(missing_docs)]

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt16Type;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mrrc_arrow::{BatchStream, ReadOptions, Source, read};
use mrrc_arrow_polars::frame;
use polars::prelude::*;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const TAG: &str = "650";

/// What is read, and how many bytes that is.
fn source() -> (Source, u64) {
    let root = Path::new(ROOT);
    let big = root.join("build/big-60.mrc");
    // Benchmarks run in the folder of their package; a name is meant from where make runs.
    let named = std::env::var_os("MRRC_ARROW_FILE").map(|name| root.join(name));
    if let Some(path) = named.or_else(|| big.exists().then_some(big)) {
        let size = std::fs::metadata(&path).expect("a file to read").len();
        return (Source::path(path), size);
    }
    let sample = std::fs::read(root.join("tests/data/sample.mrc")).expect("the sample");
    let bytes = sample.repeat(20_000_000 / sample.len());
    let size = bytes.len() as u64;
    (Source::memory(bytes), size)
}

fn batches(source: &Source, retain: bool) -> BatchStream {
    let mut options = ReadOptions::default();
    options.retain = retain;
    read(vec![source.clone()], options).expect("a source that opens")
}

fn frame_of(batch: &RecordBatch) -> DataFrame {
    frame(batch).expect("types that Polars has")
}

fn reading(criterion: &mut Criterion) {
    let (source, size) = source();
    let mut group = criterion.benchmark_group("reading");
    group.throughput(Throughput::Bytes(size)).sample_size(10);
    group.bench_function("batches", |bencher| {
        bencher.iter(|| batches(&source, false).map(|batch| batch.expect("a batch").num_rows()).sum::<usize>());
    });
    group.bench_function("frames", |bencher| {
        bencher
            .iter(|| batches(&source, false).map(|batch| frame_of(&batch.expect("a batch")).height()).sum::<usize>());
    });
    group.finish();
}

/// Looks the tag up in the dictionary of each batch and counts its key.
fn count_in_batches(batches: &[RecordBatch]) -> usize {
    let count = |batch: &RecordBatch| {
        let fields = batch.column_by_name("fields")?.as_list::<i64>().values().as_struct();
        let tags = fields.column_by_name("tag")?.as_dictionary::<UInt16Type>();
        let key = tags.values().as_string::<i32>().iter().position(|tag| tag == Some(TAG))?;
        Some(tags.keys().values().iter().filter(|&&found| usize::from(found) == key).count())
    };
    batches.iter().filter_map(count).sum()
}

/// Compares the column of tags with the tag, as Polars does it for any `Categorical`.
fn count_in_frame(frame: &DataFrame) -> PolarsResult<usize> {
    let fields = frame.column("fields")?.list()?.get_inner();
    let tags = fields.struct_()?.field_by_name("tag")?;
    Ok(tags.equal(TAG)?.sum().unwrap_or(0) as usize)
}

fn asking(criterion: &mut Criterion) {
    let (source, _) = source();
    let kept: Vec<RecordBatch> = batches(&source, true).collect::<Result<_, _>>().expect("batches");
    let mut frames = kept.iter().map(frame_of);
    let mut all = frames.next().expect("a batch");
    for frame in frames {
        all.vstack_mut_owned(frame).expect("one schema");
    }
    let expected = count_in_batches(&kept);
    assert_eq!(count_in_frame(&all).expect("a column of tags"), expected);
    println!("{} rows in {} batches; {expected} fields are a {TAG}", all.height(), kept.len());

    let mut group = criterion.benchmark_group("fields of tag 650");
    group.sample_size(10);
    group.bench_function("batches", |bencher| bencher.iter(|| count_in_batches(&kept)));
    group.bench_function("frames", |bencher| bencher.iter(|| count_in_frame(&all).expect("a column of tags")));
    group.finish();
}

criterion_group!(benches, reading, asking);
criterion_main!(benches);
