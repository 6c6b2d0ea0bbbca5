//! The examples do what they say; `cargo test` alone would only compile them.

#![cfg(feature = "cli")]
// Helpers outside of test functions may fail as loudly as tests do.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use mrrc_arrow::{ErrorKind, ReadOptions, Source, read};

#[allow(dead_code)] // main
#[path = "../examples/columns.rs"]
mod columns;
#[allow(dead_code)] // main
#[path = "../examples/concurrent.rs"]
mod concurrent;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample.mrc");

/// So many copies of the sample.
fn copies(folder: &Path, count: usize) -> Vec<PathBuf> {
    let copy = |number: usize| {
        let path = folder.join(format!("{number}.mrc"));
        std::fs::copy(SAMPLE, &path).unwrap();
        path
    };
    (0..count).map(copy).collect()
}

fn records(path: &Path) -> usize {
    read(vec![Source::path(path)], ReadOptions::default()).unwrap().map(|batch| batch.unwrap().num_rows()).sum()
}

#[test]
fn columns_counts_every_record_once() {
    let languages = columns::languages(Path::new(SAMPLE)).unwrap();
    assert_eq!(languages.values().map(|(records, _)| records).sum::<usize>(), 300);
    assert!(languages.values().all(|(_, title)| !title.is_empty()));
    assert!(columns::languages(Path::new("missing.mrc")).is_err());
}

#[test]
fn of_two_files_with_one_name_the_second_is_told_and_takes_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["a", "b"].map(|name| folder.path().join(name).join("books.mrc"));
    for path in [&first, &second] {
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        std::fs::copy(SAMPLE, path).unwrap();
    }
    let lake = folder.path().join("lake");
    std::fs::create_dir(&lake).unwrap();
    // None at a time would be as if there was nothing to do.
    let converted = concurrent::lake(&[first.clone(), second.clone()], &lake, 0);
    let found: Vec<_> = converted.iter().map(|(path, rows)| (path, rows.is_ok())).collect();
    assert_eq!(found, [(&first, true), (&second, false)]);
    assert_eq!(std::fs::read_dir(&lake).unwrap().count(), 1);
}

#[test]
fn concurrent_writes_each_file_and_tells_of_the_one_that_is_bad() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = copies(folder.path(), 5);
    let bad = folder.path().join("bad.mrc");
    std::fs::write(&bad, "<collection/>").unwrap();
    paths.insert(2, bad.clone());
    let lake = folder.path().join("lake");
    std::fs::create_dir(&lake).unwrap();

    let mut converted = concurrent::lake(&paths, &lake, 3);
    converted.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut sorted = paths.clone();
    sorted.sort();
    assert_eq!(converted.iter().map(|(path, _)| path).collect::<Vec<_>>(), sorted.iter().collect::<Vec<_>>());
    let rows: Vec<u64> = converted.iter().filter_map(|(_, outcome)| outcome.as_ref().ok().copied()).collect();
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|&one| one > 300 && one == rows[0]));
    let (path, error) = converted.iter().find_map(|(path, outcome)| Some((path, outcome.as_ref().err()?))).unwrap();
    assert_eq!((path, error.kind()), (&bad, ErrorKind::UnsupportedFormat));
    // Whole files, and nothing beside them.
    assert_eq!(std::fs::read_dir(&lake).unwrap().count(), 5);
}

#[test]
fn concurrent_writes_while_it_reads_and_nothing_where_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = copies(folder.path(), 20);
    let target = folder.path().join("books.mrc");
    let books = concurrent::books(&paths, &target).unwrap();
    assert_eq!(records(&target) as u64, books);
    assert!((20..300 * 20).contains(&books));

    std::fs::remove_file(&target).unwrap();
    let bad = folder.path().join("bad.mrc");
    std::fs::write(&bad, "<collection/>").unwrap();
    paths.push(bad);
    assert_eq!(concurrent::books(&paths, &target).unwrap_err().kind(), ErrorKind::UnsupportedFormat);
    assert!(!target.exists());
    // Writing fails while there is much to read: whoever reads does not wait for ever.
    paths.pop();
    assert_eq!(concurrent::books(&paths, &folder.path().join("no/such/folder")).unwrap_err().kind(), ErrorKind::Io);
}
