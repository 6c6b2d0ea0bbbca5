//! Reading in batches of several sizes: tables from a file, and records from a stream that is asked for chunks (with
//! `--features embed`, a Python file object).

#![allow(missing_docs, clippy::expect_used, clippy::indexing_slicing)]

mod shared;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mrrc_arrow::{Item, ReadChunk, ReadOptions, ReaderOptions, RecordReader, Source, read};

fn tables(criterion: &mut Criterion) {
    let (path, size) = (shared::file(), shared::bytes().len());
    let mut group = criterion.benchmark_group("tables");
    group.throughput(Throughput::Bytes(size as u64)).sample_size(10);
    for records in [64, 256, 384, 512, 1024, 4096, 16_384] {
        group.bench_with_input(BenchmarkId::from_parameter(records), &records, |bencher, &records| {
            let mut options = ReadOptions::default();
            options.batch_size = Some(records);
            bencher.iter(|| {
                read(vec![Source::path(&path)], options.clone())
                    .expect("a file")
                    .map(|b| b.expect("a batch").num_rows())
                    .sum::<usize>()
            });
        });
    }
    group.finish();
}

/// Gives bytes of memory as they are asked for.
#[cfg(not(feature = "embed"))]
struct Memory(bytes::Bytes);

#[cfg(not(feature = "embed"))]
impl ReadChunk for Memory {
    fn read_chunk(&mut self, buffer: &mut Vec<u8>, want: usize) -> std::io::Result<usize> {
        let chunk = self.0.split_to(want.min(self.0.len()));
        buffer.extend_from_slice(&chunk);
        Ok(chunk.len())
    }
}

#[cfg(not(feature = "embed"))]
fn chunks() -> Box<dyn ReadChunk> {
    Box::new(Memory(shared::bytes()))
}

#[cfg(feature = "embed")]
fn chunks() -> Box<dyn ReadChunk> {
    Box::new(shared::python::PythonFile::open(&shared::file()))
}

fn records(criterion: &mut Criterion) {
    let size = shared::bytes().len();
    let mut group = criterion.benchmark_group("records");
    group.throughput(Throughput::Bytes(size as u64)).sample_size(10);
    for records in [10, 50, 100, 200] {
        group.bench_with_input(BenchmarkId::from_parameter(records), &records, |bencher, &records| {
            let mut options = ReaderOptions::default();
            options.batch_size = Some(records);
            bencher.iter(|| {
                let source = Source::stream(None, chunks());
                let mut reader = RecordReader::open(vec![source], &options).expect("a reader");
                let mut count = 0;
                loop {
                    match reader.pop().expect("this process") {
                        Item::Record(..) => count += 1,
                        Item::Empty => drop(reader.read_batch(None).expect("a batch")),
                        Item::Rejected(_, _, error) => panic!("{error}"),
                        Item::End => break count,
                    }
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, tables, records);
criterion_main!(benches);
