//! One boundary rule: no boundary missed, none twice, and every byte is a record, a reject or junk.

// Helpers outside of test functions may fail as loudly as tests do.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::{damaged, numbered, numbered_file};
use mrrc_arrow::iso2709::{resynchronise, scan_record_boundaries};
use mrrc_arrow::{Code, Inspection, Problem, ReadOptions, Severity, Source, read};
use proptest::prelude::*;

fn options(batch_size: usize) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.ignore_errors = true;
    options.include_offsets = true;
    options.batch_size = Some(batch_size);
    options
}

fn problems(source: Source, batch_size: usize) -> Vec<Problem> {
    let mut inspection = Inspection::problems_of(vec![source], &options(batch_size)).unwrap();
    let mut all = Vec::new();
    while let Some(found) = inspection.poll(Duration::from_secs(10)).unwrap() {
        all.extend(found);
    }
    all
}

/// Offset and length of each row.
fn row_spans(source: Source, batch_size: usize) -> Vec<(u64, u64)> {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{UInt32Type, UInt64Type};
    let mut spans = Vec::new();
    for batch in read(vec![source], options(batch_size)).unwrap() {
        let batch = batch.unwrap();
        let offsets = batch.column_by_name("offset").unwrap().as_primitive::<UInt64Type>();
        let lengths = batch.column_by_name("length").unwrap().as_primitive::<UInt32Type>();
        spans.extend(offsets.values().iter().zip(lengths.values()).map(|(o, l)| (*o, u64::from(*l))));
    }
    spans
}

/// Rows, rejects and junk, in order.
fn spans(source: &Source, batch_size: usize) -> Vec<(u64, u64)> {
    let mut spans = row_spans(source.clone(), batch_size);
    let set_aside = problems(source.clone(), batch_size);
    let set_aside = set_aside.iter().filter(|p| p.code.severity() != Severity::Repair);
    spans.extend(set_aside.map(|p| (p.offset, p.length)));
    spans.sort_unstable();
    spans
}

fn assert_tiles(spans: &[(u64, u64)], length: usize) {
    let mut at = 0;
    for &(offset, length) in spans {
        assert_eq!(offset, at, "a gap or an overlap in {spans:?}");
        at += length;
    }
    assert_eq!(at, length as u64, "{spans:?}");
}

/// The same bytes through a file, which is read in pieces, as from memory, which is not.
fn as_file(bytes: &[u8]) -> (tempfile::NamedTempFile, Source) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let source = Source::path(file.path());
    (file, source)
}

fn codes(bytes: &[u8]) -> Vec<(Option<u64>, &'static str)> {
    problems(Source::memory(bytes.to_vec()), 100).iter().map(|p| (p.record, p.code.as_str())).collect()
}

#[test]
fn test_boundary_scanner_correctness() {
    let records: Vec<Vec<u8>> = (0..50).map(numbered).collect();
    let mut file = Vec::new();
    let mut expected = Vec::new();
    for (index, record) in records.iter().enumerate() {
        file.extend_from_slice([&b""[..], b"\n", b"\r\n", b"\0\0 ", b"\x1a", b"\xEF\xBB\xBF", b"\x1d"][index % 7]);
        expected.push((file.len(), record.len()));
        file.extend_from_slice(record);
    }
    assert_eq!(scan_record_boundaries(&file, None), expected);
    for limit in [0, 1, 7, 50, 51] {
        assert_eq!(scan_record_boundaries(&file, Some(limit)), expected[..limit.min(50)]);
    }
    // The end of the buffer at every byte of the last records: a record is found when it is whole, and not before.
    for end in expected[47].0..=file.len() {
        let whole = expected.iter().filter(|(offset, length)| offset + length <= end).count();
        assert_eq!(scan_record_boundaries(&file[..end], None), expected[..whole], "{end}");
    }
    assert_eq!(scan_record_boundaries(b"", None), []);
    assert_eq!(scan_record_boundaries(b" \r\n\x1a", None), []);
}

#[test]
fn a_wrong_length_does_not_move_a_boundary() {
    let record = numbered(1);
    for declared in ["00000", "00025", "00030", "00120", "00130", "00200", "00400", "99999", "   99", "abcde"] {
        let mut wrong = record.clone();
        wrong[..5].copy_from_slice(declared.as_bytes());
        let file = [&record[..], &wrong, &record, &record].concat();
        let n = record.len();
        assert_eq!(scan_record_boundaries(&file, None), [(0, n), (n, n), (2 * n, n), (3 * n, n)], "{declared}");
    }
}

#[test]
fn a_length_that_spans_whole_records_is_cut_at_the_strong_boundary() {
    let record = numbered(1);
    let n = record.len();
    let mut wrong = record.clone();
    wrong[..5].copy_from_slice(format!("{:05}", 2 * n).as_bytes());
    let file = [&wrong[..], &record, &record].concat();
    assert_eq!(scan_record_boundaries(&file, None), [(0, n), (n, n), (2 * n, n)]);
    assert_eq!(codes(&file), [(Some(0), "length_spans_records")]);
}

#[test]
fn a_terminator_in_data_does_not_cut_where_the_length_is_right() {
    let field = common::TestField::data("500", "  ", &[("a", "before\x1dafter, and\x1d"), ("b", "x")]);
    let record = common::encode(&[common::TestField::control("001", "x"), field]);
    let file = [numbered(0), record.clone(), numbered(2)].concat();
    let first = numbered(0).len();
    assert_eq!(scan_record_boundaries(&file, None), [(0, first), (first, record.len()), (first + record.len(), first)]);
}

#[test]
fn a_missing_terminator_loses_no_record() {
    let mut file = Vec::new();
    let mut expected = Vec::new();
    for number in 0..95 {
        let mut record = numbered(number);
        if number % 10 == 9 {
            record.pop();
        }
        expected.push((file.len(), record.len()));
        file.extend_from_slice(&record);
    }
    assert_eq!(scan_record_boundaries(&file, None), expected);
    let found = codes(&file);
    assert_eq!(found.len(), 9);
    assert!(found.iter().all(|(_, code)| *code == "missing_terminator"), "{found:?}");
}

#[test]
fn blanks_in_place_of_leading_zeros_belong_to_the_leader() {
    let record = numbered(1);
    let mut blank = record.clone();
    blank[..2].copy_from_slice(b"  ");
    let n = record.len();
    let file = [&record[..], b"\r\n  ", &blank, b"   ", &record].concat();
    assert_eq!(scan_record_boundaries(&file, None), [(0, n), (n + 4, n), (2 * n + 7, n)]);
}

#[test]
fn a_cut_tail_is_one_reject() {
    let file = numbered_file(3);
    let n = numbered(2).len();
    for cut in 1..n {
        let found = problems(Source::memory(file[..file.len() - cut].to_vec()), 2);
        assert_eq!(found.len(), 1, "{cut}");
        assert_eq!((found[0].code, found[0].record), (Code::Truncated, Some(2)), "{cut}");
        assert_eq!((found[0].offset, found[0].length), (2 * n as u64, (n - cut) as u64), "{cut}");
        assert_eq!(found[0].raw, file[2 * n..file.len() - cut], "{cut}");
    }
}

#[test]
fn long_junk_is_reported_in_pieces_and_hides_no_record() {
    let record = numbered(1);
    for junk in [&b"\0"[..], b" ", b"\r\n", b"\x1d", b"\xEF\xBB\xBF"] {
        let run = junk.repeat(200_000 / junk.len() + 1);
        let file = [&record[..], &run, &record, &run].concat();
        assert_eq!(scan_record_boundaries(&file, None).len(), 2, "{junk:?}");
        let (_keep, source) = as_file(&file);
        assert_tiles(&spans(&source, 1), file.len());
        assert_eq!(spans(&source, 1), spans(&Source::memory(file), 1000));
    }
}

#[test]
fn a_run_without_end_is_rejected_in_pieces() {
    let mut file = numbered(0);
    file.extend(std::iter::repeat_n(b'x', 130 << 20));
    file.extend(numbered(1));
    let (_keep, source) = as_file(&file);
    let found: Vec<_> = problems(source.clone(), 10).iter().map(|p| p.code).collect();
    assert_eq!(found[..2], [Code::NoTerminator; 2]);
    assert_tiles(&spans(&source, 10), file.len());
}

/// Many times what it takes, also under a memory checker; if it were not in proportion, it would take hours.
const LONG: Duration = Duration::from_secs(if cfg!(mrrc_arrow_system_allocator) { 300 } else { 5 });

#[test]
fn many_weak_terminators_under_long_lengths_take_linear_time() {
    // Each piece claims a length that ends on a terminator beyond a strong boundary.
    let mut file = Vec::new();
    for _ in 0..40 {
        file.extend(b"00060\x1d".repeat(16_000));
        file.extend(numbered(1));
    }
    let start = std::time::Instant::now();
    let count = scan_record_boundaries(&file, None).len();
    assert!(count > 40);
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
    // Each of these, cut at its own, claims to end on one beyond the same strong boundary, which is looked for once.
    let length = (16_000 * 6 + numbered(1).len()).next_multiple_of(6);
    let mut stretch = format!("{}\x1d", length + 6).into_bytes().repeat(16_000);
    stretch.extend(numbered(1));
    stretch.resize(length, b'\n');
    let start = std::time::Instant::now();
    let found = scan_record_boundaries(&stretch.repeat(20), None);
    assert_eq!(found[..2], [(0, 6), (6, 6)]);
    assert_eq!(found.iter().filter(|(_, length)| *length == numbered(1).len()).count(), 20);
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
}

#[test]
fn a_long_run_behind_a_record_takes_linear_time_from_a_stream() {
    let seconds = |megabytes: usize| {
        let mut file = numbered(0);
        file.extend(std::iter::repeat_n(0x1E, megabytes << 20));
        let (_keep, source) = as_file(&file);
        let start = std::time::Instant::now();
        assert_tiles(&spans(&source, 1000), file.len());
        start.elapsed().as_secs_f64()
    };
    // Four times the input: looking through all of it again for each read would take sixteen times as long. What else the
    // machine does may get in the way once, but not every time.
    let linear = (0..5).any(|_| {
        let (short, long) = (seconds(2), seconds(8));
        long < 8.0 * short
    });
    assert!(linear);
}

/// Whether a leader's numbers stand there.
fn is_leader(file: &[u8], at: usize) -> bool {
    resynchronise(&[&[0x1D], &file[at..]].concat(), 0) == Some(1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_byte_is_a_record_a_reject_or_junk(file in damaged(), batch_size in 1..8usize) {
        let (_keep, path) = as_file(&file);
        let whole = spans(&Source::memory(file.clone()), 1000);
        assert_tiles(&whole, file.len());
        prop_assert_eq!(&spans(&path, batch_size), &whole);
    }

    #[test]
    fn arbitrary_bytes_never_panic(file in prop::collection::vec(
        prop_oneof![any::<u8>(), prop::sample::select(&b"\x1d\x1e\x1f 0123456789"[..])], 0..300,
    )) {
        // With and without errors ignored; foreign input is an error or one reject.
        assert_tiles(&spans(&Source::memory(file.clone()), 10), file.len());
        for batch in read(vec![Source::memory(file)], ReadOptions::default()).unwrap() {
            if batch.is_err() { break }
        }
    }

    #[test]
    fn whoever_starts_anywhere_finds_the_same_records(file in damaged(), index in any::<prop::sample::Index>()) {
        let all = scan_record_boundaries(&file, None);
        let at = index.index(file.len() + 1);
        let found = resynchronise(&file, at);
        if let Some(start) = found {
            prop_assert!(start > at);
            let rest: Vec<_> = scan_record_boundaries(&file[start..], None).iter().map(|(o, l)| (o + start, *l)).collect();
            let expected: Vec<_> = all.iter().copied().filter(|(o, _)| *o >= start).collect();
            prop_assert_eq!(&rest, &expected);
            prop_assert!(rest.first().is_none_or(|first| first.0 == start));
        }
        // None is passed over: a record after `at` with a terminator before it, and nothing but junk between, is behind a strong
        // boundary.
        let next = all.windows(2).find(|pair| {
            let end = pair[0].0 + pair[0].1;
            let is_junk = |byte: &u8| b" \r\n\0\x1a\x1d\xEF\xBB\xBF".contains(byte);
            end > at && file[end - 1] == 0x1D && file[end..pair[1].0].iter().all(is_junk)
        });
        if let Some(pair) = next {
            prop_assert!(found.is_some_and(|start| start <= pair[1].0) || !is_leader(&file, pair[1].0));
        }
    }

    #[test]
    fn boundaries_are_local(file in damaged()) {
        // What is scanned from a strong boundary on is what is found there when scanning from the start.
        let all = scan_record_boundaries(&file, None);
        for &(offset, _) in all.iter().skip(1) {
            let rest: Vec<_> = scan_record_boundaries(&file[offset..], None).iter().map(|(o, l)| (o + offset, *l)).collect();
            let expected: Vec<_> = all.iter().copied().filter(|(o, _)| *o >= offset).collect();
            prop_assert_eq!(rest, expected);
        }
    }
}
