//! Every real file, with errors ignored and without: nothing lost, nothing panics. Skips where the files are absent.

// Helpers outside of test functions may fail as loudly as tests do.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow_array::RecordBatch;
use mrrc_arrow::iso2709::scan_record_boundaries;
use mrrc_arrow::{Inspection, Layout, ReadOptions, Severity, Source, read};

fn corpus() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/iso2709");
    let mut files = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

#[test]
fn every_real_file_is_the_same_table_whether_it_is_kept_or_not() {
    let files = corpus();
    if files.is_empty() {
        eprintln!("skipped: no corpus at ../shared/data/iso2709");
        return;
    }
    let mut rows = 0;
    for (path, layout) in files.iter().flat_map(|path| [(path, Layout::Records), (path, Layout::Subfields)]) {
        let batches = |retain| {
            let mut options = ReadOptions::default();
            options.ignore_errors = true;
            options.layout = layout;
            options.batch_size = Some(300);
            options.retain = retain;
            let stream = read(vec![Source::path(path)], options).unwrap();
            stream.collect::<Result<Vec<RecordBatch>, _>>()
        };
        match (batches(false), batches(true)) {
            (Ok(passing), Ok(kept)) => {
                let columns = kept.iter().flat_map(RecordBatch::columns);
                columns.for_each(|column| column.to_data().validate_full().unwrap());
                rows += kept.iter().map(RecordBatch::num_rows).sum::<usize>();
                assert!(kept == passing, "{}", path.display());
            }
            (Err(passing), Err(kept)) => assert_eq!(kept.to_string(), passing.to_string()),
            (passing, kept) => panic!("{}: {:?} {:?}", path.display(), passing.err(), kept.err()),
        }
    }
    assert!(rows > 100_000, "{rows}");
}

#[test]
fn every_byte_of_every_real_file_is_accounted_for() {
    let files = corpus();
    if files.is_empty() {
        eprintln!("skipped: no corpus at ../shared/data/iso2709");
        return;
    }
    let mut options = ReadOptions::default();
    options.ignore_errors = true;
    options.include_offsets = true;
    let mut total = 0;
    for path in files {
        use arrow_array::cast::AsArray;
        use arrow_array::types::{UInt32Type, UInt64Type};
        let mut spans: Vec<(u64, u64)> = Vec::new();
        for batch in read(vec![Source::path(&path)], options.clone()).unwrap() {
            let batch = batch.unwrap();
            for column in batch.columns() {
                column.to_data().validate_full().unwrap();
            }
            let offsets = batch.column_by_name("offset").unwrap().as_primitive::<UInt64Type>();
            let lengths = batch.column_by_name("length").unwrap().as_primitive::<UInt32Type>();
            spans.extend(offsets.values().iter().zip(lengths.values()).map(|(o, l)| (*o, u64::from(*l))));
        }
        total += spans.len();
        let mut inspection = Inspection::problems_of(vec![Source::path(&path)], &options).unwrap();
        while let Some(problems) = inspection.poll(Duration::from_secs(10)).unwrap() {
            let aside = problems.iter().filter(|problem| problem.code.severity() != Severity::Repair);
            spans.extend(aside.map(|problem| (problem.offset, problem.length)));
        }
        spans.sort_unstable();
        let mut at = 0;
        for (offset, length) in spans {
            assert_eq!(offset, at, "{}", path.display());
            at += length;
        }
        if path.extension().is_none_or(|ending| ending != "gz") {
            assert_eq!(at, path.metadata().unwrap().len(), "{}", path.display());
        }
        // Strictly: an error or not, but an end.
        for batch in read(vec![Source::path(&path)], ReadOptions::default()).unwrap() {
            if batch.is_err() {
                break;
            }
        }
    }
    assert!(total > 15_000, "{total} rows");
}

#[test]
fn the_scanner_finds_in_memory_what_a_read_finds() {
    let mut options = ReadOptions::default();
    options.ignore_errors = true;
    let files = corpus();
    if files.is_empty() {
        eprintln!("skipped: no corpus at ../shared/data/iso2709");
    }
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        if bytes.starts_with(b"\x1f\x8b") {
            continue;
        }
        let boundaries = scan_record_boundaries(&bytes, None);
        let mut inspection = Inspection::count(vec![Source::path(&path)], &options).unwrap();
        while inspection.poll(Duration::from_secs(10)).unwrap().is_some() {}
        let problems = inspection.problems();
        if problems.get(mrrc_arrow::Code::UnsupportedFormat) > 0 {
            continue;
        }
        // The end of the input cuts off one at most, which has no boundary.
        let cut = inspection.rows() + problems.rejected() - boundaries.len() as u64;
        assert!(cut <= problems.get(mrrc_arrow::Code::Truncated).min(1), "{}", path.display());
    }
}
