//! The stream of batches: order, bounds, errors in their place, and a prompt end.

// Helpers outside of test functions may fail as loudly as tests do.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::io::Write;
use std::time::{Duration, Instant};

use common::{Row, numbered, numbered_file, rows};
use flate2::{Compression, write::GzEncoder};
use mrrc_arrow::{Error, ErrorKind, Hint, ReadOptions, Source, read};

fn options() -> ReadOptions {
    ReadOptions::default()
}

fn read_rows(sources: Vec<Source>, options: ReadOptions) -> Result<Vec<Row>, Error> {
    Ok(read(sources, options)?.collect::<Result<Vec<_>, _>>()?.iter().flat_map(rows).collect())
}

fn control_numbers(rows: &[Row]) -> Vec<String> {
    rows.iter().filter_map(|row| row.control_number.clone()).collect()
}

fn file(name: &str, bytes: &[u8], folder: &tempfile::TempDir) -> std::path::PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn rows_are_the_same_from_every_source_in_every_batch_size() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = numbered_file(5000);
    let expected = read_rows(vec![Source::memory(bytes.clone())], options()).unwrap();
    assert_eq!(control_numbers(&expected), (0..5000).map(|n| format!("n{n}")).collect::<Vec<_>>());
    let (head, tail) = bytes.split_at(300_000);
    let members = [gzip(head), gzip(b""), gzip(tail)].concat();
    let plain = Source::path(file("plain.mrc", &bytes, &folder));
    let packed = Source::path(file("packed.mrc.gz", &members, &folder));
    for source in [plain, packed, Source::memory(members)] {
        for batch_size in [None, Some(1), Some(7), Some(4999), Some(1_000_000)] {
            let mut options = options();
            options.batch_size = batch_size;
            assert!(read_rows(vec![source.clone()], options).unwrap() == expected, "{source:?} {batch_size:?}");
        }
    }
}

#[test]
fn rows_are_the_same_with_any_number_of_threads() {
    let bytes = numbered_file(3000);
    let expected: Vec<_> = (0..3000).map(|n| format!("n{n}")).collect();
    for threads in [1, 5, 2] {
        mrrc_arrow::measure::set_threads(threads).unwrap();
        for source in [Source::memory(bytes.clone()), Source::memory(gzip(&bytes))] {
            assert_eq!(control_numbers(&read_rows(vec![source], options()).unwrap()), expected, "{threads}");
        }
    }
    mrrc_arrow::measure::set_threads(0).unwrap();
}

#[test]
fn batches_have_the_size_that_was_asked_for() {
    let sizes = |count, batch_size| -> Vec<usize> {
        let mut options = options();
        options.batch_size = Some(batch_size);
        let batches = read(vec![Source::memory(numbered_file(count))], options).unwrap();
        batches.map(|batch| batch.unwrap().num_rows()).collect()
    };
    assert_eq!(sizes(217, 100), [100, 100, 17]);
    assert_eq!(sizes(200, 100), [100, 100]);
    assert_eq!(sizes(3, 100), [3]);
    assert_eq!(sizes(0, 100), [0usize; 0]);
}

#[test]
fn batches_are_bounded_in_bytes() {
    let text = "x".repeat(9000);
    let record = common::encode(&[common::TestField::data("500", "  ", &[("a", &text)])]);
    let bytes = record.repeat(2000);
    for batch in read(vec![Source::memory(bytes)], options()).unwrap() {
        assert!(batch.unwrap().num_rows() * record.len() <= 4 << 20);
    }
}

#[test]
fn sources_follow_one_another_and_records_are_counted_over_all() {
    let folder = tempfile::tempdir().unwrap();
    let one = file("b one.mrc", &numbered_file(3), &folder);
    let two = file("a two.mrc", &[numbered(3), numbered(4)[..50].to_vec()].concat(), &folder);
    let mut options = options();
    options.include_file_paths = Some("path".into());
    let error = read_rows(vec![Source::path(&one), Source::path(&two)], options.clone()).unwrap_err();
    assert_eq!((error.code(), error.record(), error.offset()), ("truncated", Some(4), Some(numbered(3).len() as u64)));
    assert_eq!(error.source_name(), two.to_str());
    options.n_rows = Some(4);
    assert_eq!(control_numbers(&read_rows(vec![Source::path(one), Source::path(two)], options).unwrap()).len(), 4);

    let pattern = folder.path().join("*.mrc");
    let found = Source::glob(pattern.to_str().unwrap()).unwrap();
    assert_eq!(found.len(), 2);
    assert!(found[0].name().unwrap().ends_with("a two.mrc"));
    assert!(Source::glob(folder.path().join("*.none").to_str().unwrap()).is_err());
}

#[test]
fn nothing_beyond_n_rows_raises() {
    let bad = &numbered(3)[..60];
    let bytes = [numbered_file(3), bad.to_vec()].concat();
    for (n_rows, expected) in [(0, 0), (1, 1), (3, 3)] {
        let mut options = options();
        options.n_rows = Some(n_rows);
        assert_eq!(read_rows(vec![Source::memory(bytes.clone())], options).unwrap().len(), expected);
    }
    let mut options = options();
    options.n_rows = Some(4);
    assert_eq!(read_rows(vec![Source::memory(bytes)], options).unwrap_err().code(), "truncated");
}

#[test]
fn the_row_index_counts_rows_and_not_records() {
    use arrow_array::cast::AsArray;
    use arrow_array::types::UInt64Type;
    let mut bytes = Vec::new();
    for n in 0..100 {
        let record = numbered(n);
        bytes.extend_from_slice(if n % 10 == 5 { b"too short\x1d" } else { &record });
    }
    let mut options = options();
    options.ignore_errors = true;
    options.batch_size = Some(7);
    options.row_index_name = Some("index".into());
    options.row_index_offset = 1000;
    let mut index = Vec::new();
    for batch in read(vec![Source::memory(bytes)], options).unwrap() {
        index.extend_from_slice(batch.unwrap().column(0).as_primitive::<UInt64Type>().values());
    }
    assert_eq!(index, (1000..1090).collect::<Vec<u64>>());
}

#[test]
fn an_error_is_said_once_and_then_the_stream_is_at_its_end() {
    let bytes = [numbered_file(2000), b"short\x1d".to_vec(), numbered_file(2000)].concat();
    let mut stream = read(vec![Source::memory(bytes)], options()).unwrap();
    let mut rows = 0;
    let error = loop {
        match stream.next().unwrap() {
            Ok(batch) => rows += batch.num_rows(),
            Err(error) => break error,
        }
    };
    assert!(rows <= 2000);
    assert_eq!((error.kind(), error.code(), error.record()), (ErrorKind::Record, "too_short", Some(2000)));
    assert_eq!(error.hint(), Some(Hint::LeaveOutUnreadable));
    for _ in 0..3 {
        assert!(stream.next().is_none());
    }
}

#[test]
fn a_missing_file_fails_before_anything_is_read() {
    let error = read(vec![Source::memory(&b""[..]), Source::path("/no/such/file.mrc")], options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.io().unwrap().kind(), std::io::ErrorKind::NotFound);
    assert_eq!(error.source_name(), Some("/no/such/file.mrc"));
}

#[test]
fn options_that_make_no_sense_are_errors() {
    let mut clash = options();
    clash.row_index_name = Some("leader".into());
    assert_eq!(read(vec![], clash).unwrap_err().kind(), ErrorKind::InvalidOption);
    let mut zero = options();
    zero.batch_size = Some(0);
    assert_eq!(read(vec![], zero).unwrap_err().kind(), ErrorKind::InvalidOption);
}

/// Threads of this process with the producer's name.
#[cfg(target_os = "linux")]
fn producers() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("mrrc-arrow-prod"))
        .count()
}

#[cfg(target_os = "linux")]
#[test]
fn dropping_a_stream_ends_its_producer() {
    let folder = tempfile::tempdir().unwrap();
    let path = file("large.mrc", &numbered_file(200_000), &folder);
    let before = producers();
    let mut streams: Vec<_> = (0..8).map(|_| read(vec![Source::path(&path)], options()).unwrap()).collect();
    for stream in &mut streams {
        assert!(stream.next().unwrap().unwrap().num_rows() > 0);
    }
    drop(streams);
    let deadline = Instant::now() + Duration::from_secs(10);
    // Other tests of this process have producers of their own, for a moment each.
    while producers() > before {
        assert!(Instant::now() < deadline, "a producer outlived its stream");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_is_in_flight_is_bounded() {
    let bytes = numbered_file(200_000);
    let total = bytes.len() as u64;
    let mut stream = read(vec![Source::memory(bytes)], options()).unwrap();
    stream.next().unwrap().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    // A consumer that takes its time: the producer waits with a few blocks made.
    assert!(stream.bytes_read() < total / 2, "{} of {total}", stream.bytes_read());
    assert_eq!(1 + stream.map(Result::unwrap).count(), 200_000usize.div_ceil(mrrc_arrow::DEFAULT_BATCH_SIZE));
}

#[test]
fn many_streams_at_once_do_not_mix() {
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            std::thread::spawn(move || {
                let bytes: Vec<u8> = (0..3000).flat_map(|n| numbered(n * 10 + thread)).collect();
                let found = read_rows(vec![Source::memory(bytes)], options()).unwrap();
                let expected: Vec<_> = (0..3000).map(|n| format!("n{}", n * 10 + thread)).collect();
                assert_eq!(control_numbers(&found), expected);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn what_was_whole_before_a_cut_in_a_gzip_file_comes_before_the_error() {
    let mut packed = gzip(&numbered_file(1500));
    packed.truncate(packed.len() - 10);
    let mut rows = 0;
    let mut last = None;
    for batch in read(vec![Source::memory(packed)], options()).unwrap() {
        match batch {
            Ok(batch) => rows += batch.num_rows(),
            Err(error) => last = Some(error),
        }
    }
    assert!(rows > 1000, "{rows}");
    assert_eq!(last.unwrap().kind(), ErrorKind::Io);
}
