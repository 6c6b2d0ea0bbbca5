//! Parts of a file, each read by itself: together what the file has, to the record and to the byte.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use common::{damaged, numbered, numbered_file};
use mrrc_arrow::{Error, FilePart, Inspection, ReadOptions, Selecting, Source, read};
use proptest::prelude::*;

/// More than is looked through at a time for a boundary.
const LONG: usize = 600_000;

fn options() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.ignore_errors = true;
    options
}

fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn part(path: &Path, start: u64, end: u64) -> FilePart {
    let file = path.metadata().unwrap();
    let mtime_ns = file.modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i128;
    FilePart { path: path.to_owned(), start, end, size: file.len(), mtime_ns }
}

/// Parts between these cuts, from the first byte to the last.
fn parts(path: &Path, cuts: &[u64]) -> Vec<Source> {
    let mut cuts = cuts.to_vec();
    cuts.extend([0, path.metadata().unwrap().len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| Source::part(part(path, cut[0], cut[1]))).collect()
}

/// The records of a source, as they were read.
fn records(source: Source) -> Result<Vec<u8>, Error> {
    let mut selecting = Selecting::new(vec![source], &options(), None, false)?;
    let mut bytes = Vec::new();
    while let Some(selected) = selecting.poll(Duration::from_secs(10))? {
        bytes.extend(selected.bytes);
    }
    Ok(bytes)
}

/// What is wrong in it: code, offset in the file, length.
fn problems(source: Source) -> Vec<(&'static str, u64, u64)> {
    let mut inspection = Inspection::problems_of(vec![source], &options()).unwrap();
    let mut all = Vec::new();
    while let Some(found) = inspection.poll(Duration::from_secs(10)).unwrap() {
        all.extend(found.iter().map(|problem| (problem.code.as_str(), problem.offset, problem.length)));
    }
    all
}

fn assert_whole(bytes: &[u8], cuts: &[u64]) {
    let file = file_of(bytes);
    let whole = Source::path(file.path());
    let parts = parts(file.path(), cuts);
    let together: Vec<u8> = parts.iter().flat_map(|part| records(part.clone()).unwrap()).collect();
    assert!(together == records(whole.clone()).unwrap(), "{cuts:?}");
    let together: Vec<_> = parts.into_iter().flat_map(problems).collect();
    assert_eq!(together, problems(whole), "{cuts:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn parts_are_together_what_the_file_is(
        file in damaged(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let cuts: Vec<u64> = cuts.iter().map(|cut| cut.index(file.len() + 1) as u64).collect();
        assert_whole(&file, &cuts);
    }
}

/// What begins at a cut is of the part before: it is the end of the record before it that is a boundary.
#[test]
fn each_cut_gives_a_record_to_the_part_with_the_byte_before_it() {
    let file = file_of(&numbered_file(3));
    let ends: Vec<u64> = (1..=3).map(|count| numbered_file(count).len() as u64).collect();
    for cut in 0..=ends[2] {
        let found: Vec<Vec<u8>> = parts(file.path(), &[cut]).into_iter().map(|part| records(part).unwrap()).collect();
        let first = if cut == 0 { 0 } else { ends.iter().filter(|&&end| end <= cut).count() + 1 }.min(3);
        assert_eq!(found[0], numbered_file(first), "cut at {cut}");
        assert_eq!(found.concat(), numbered_file(3), "cut at {cut}");
    }
}

#[test]
fn a_boundary_is_found_behind_junk_and_runs_of_any_length() {
    let junk = vec![b'\n'; LONG];
    let mut run = numbered(1);
    let title = run.windows(7).position(|text| text == b"A title").unwrap();
    run.splice(title..title, vec![b'x'; LONG]);
    let bytes = [numbered(0), junk.clone(), numbered(2), run, numbered(3), junk].concat();
    let long = LONG as u64;
    for cuts in [[50, long / 2], [long, long + 300], [long + 500, long + 262_000], [2 * long, 3 * long]] {
        let cuts: Vec<u64> = cuts.iter().map(|&cut| cut.min(bytes.len() as u64)).collect();
        assert_whole(&bytes, &cuts);
    }
}

#[test]
fn what_has_no_boundaries_is_all_of_its_first_part() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&numbered_file(100)).unwrap();
    let packed = packed.finish().unwrap();
    let xml = [b"<?xml version=\"1.0\"?>".to_vec(), vec![b' '; LONG], numbered_file(20)].concat();
    for bytes in [packed, xml] {
        assert_whole(&bytes, &[0, 100, 200]);
        let file = file_of(&bytes);
        for part in &parts(file.path(), &[100, 200])[1..] {
            assert_eq!((records(part.clone()).unwrap(), problems(part.clone())), (Vec::new(), Vec::new()));
        }
    }
}

#[test]
fn a_file_that_has_changed_since_is_an_error() {
    let file = file_of(&numbered_file(5));
    let same = part(file.path(), 0, 100);
    assert!(records(Source::part(same.clone())).is_ok());
    let larger = FilePart { size: same.size + 1, ..same.clone() };
    let younger = FilePart { mtime_ns: same.mtime_ns - 1, ..same.clone() };
    let older = FilePart { mtime_ns: -1, ..same.clone() };
    for part in [larger, younger, older] {
        let error = read(vec![Source::part(part)], options()).unwrap_err();
        assert_eq!(error.code(), "changed");
        assert!(error.to_string().contains(&*file.path().to_string_lossy()), "{error}");
    }
    let missing = FilePart { path: "/no/such/file".into(), ..same };
    let error = read(vec![Source::part(missing)], options()).unwrap_err();
    assert_eq!(error.io().map(std::io::Error::kind), Some(std::io::ErrorKind::NotFound));
}

#[test]
fn a_part_knows_its_name_and_its_size() {
    let file = file_of(&numbered_file(5));
    let source = Source::part(part(file.path(), 30, 130));
    assert_eq!(source.size(), Some(100));
    assert_eq!(source.name().map(|name| &**name), file.path().to_str());
}
