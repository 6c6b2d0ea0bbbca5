//! Records as bytes: all of them, or those that a filter wants.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::{TestField, encode, numbered, numbered_file};
use mrrc_arrow::{Code, Error, Filter, ReadOptions, Selecting, Source};

fn options(ignore_errors: bool) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.ignore_errors = ignore_errors;
    options
}

fn filter(text: &str) -> Filter {
    Filter::parse(text, &mut |_| Ok(Vec::new())).unwrap()
}

/// The records one by one, and the error that it ended with.
fn select(selecting: &mut Selecting) -> (Vec<Vec<u8>>, Option<Error>) {
    let mut found = Vec::new();
    loop {
        match selecting.poll(Duration::from_secs(10)) {
            Ok(None) => return (found, None),
            Err(error) => return (found, Some(error)),
            Ok(Some(selected)) => {
                let starts = std::iter::once(&0).chain(&selected.ends);
                found.extend(starts.zip(&selected.ends).map(|(&start, &end)| selected.bytes[start..end].to_vec()));
                assert_eq!(selected.ends.last().copied().unwrap_or(0), selected.bytes.len());
            }
        }
    }
}

fn new(bytes: Vec<u8>, filter: Option<Filter>, anew: bool, ignore_errors: bool) -> Selecting {
    Selecting::new(vec![Source::memory(bytes)], &options(ignore_errors), filter, anew).unwrap()
}

/// A record whose length is wrong, and which is read all the same.
fn repaired(number: usize) -> Vec<u8> {
    let mut record = numbered(number);
    record[..5].copy_from_slice(b"00001");
    record
}

/// One that cannot be read: it has no directory.
fn rejected() -> Vec<u8> {
    b"00026nam a2200024 a 4500xyz\x1d".to_vec()
}

#[test]
fn without_a_filter_all_come_as_they_were_read() {
    let pieces = [numbered(0), repaired(1), numbered(2)];
    let length = pieces.concat().len() as u64;
    let mut selecting = new(pieces.concat(), None, false, false);
    assert_eq!(selecting.total_bytes(), Some(length));
    let (found, error) = select(&mut selecting);
    assert_eq!((&found[..], error.is_none()), (&pieces[..], true));
    assert_eq!(selecting.bytes_read(), length);
    assert!(selecting.problems().iter().count() > 0 && selecting.left_out().is_empty());
}

#[test]
fn a_filter_gives_those_that_it_wants_and_its_opposite_the_others() {
    let bytes = numbered_file(3000);
    let wanted = |filter| select(&mut new(bytes.clone(), Some(filter), false, false)).0;
    let [some, others] = ["001 ~ \"n1\"", "not (001 ~ \"n1\")"].map(|text| wanted(filter(text)));
    let expected = |wanted: bool| -> Vec<Vec<u8>> {
        (0..3000).filter(|number| number.to_string().starts_with('1') == wanted).map(numbered).collect()
    };
    assert!(some == expected(true) && others == expected(false));
    let inverted = filter("001 ~ \"n1\"").inverted();
    assert!(wanted(inverted) == others);
    assert_eq!(wanted(filter("exists(999)")), Vec::<Vec<u8>>::new());
}

#[test]
fn a_rejected_record_ends_it_or_is_left_out_and_moves_no_other() {
    let bytes = [numbered(0), rejected(), numbered(1), rejected(), numbered(2)].concat();
    for text in [None, Some("001 = \"n1\"")] {
        let (found, error) = select(&mut new(bytes.clone(), text.map(filter), false, false));
        let error = error.unwrap();
        assert_eq!((found.len(), error.record()), (0, Some(1)), "{error}");
        let mut selecting = new(bytes.clone(), text.map(filter), false, true);
        let expected: Vec<_> = if text.is_some() { vec![numbered(1)] } else { (0..3).map(numbered).collect() };
        assert_eq!(select(&mut selecting).0, expected);
        assert!(
            selecting
                .problems()
                .iter()
                .any(|(code, count)| code.severity() == mrrc_arrow::Severity::Reject && count == 2)
        );
    }
}

#[test]
fn what_is_no_marc_is_an_error_or_one_reject() {
    let xml = b"<?xml version=\"1.0\"?><collection/>".to_vec();
    for text in [None, Some("001")] {
        let (found, error) = select(&mut new(xml.clone(), text.map(filter), false, false));
        assert!(found.is_empty() && error.is_some());
        let mut selecting = new(xml.clone(), text.map(filter), false, true);
        assert_eq!(select(&mut selecting).0, Vec::<Vec<u8>>::new());
        assert_eq!(selecting.problems().iter().map(|(_, count)| count).sum::<u64>(), 1);
    }
}

#[test]
fn laid_out_anew_a_record_is_as_it_should_have_been() {
    let pieces = [numbered(0), repaired(1), numbered(2)];
    let (found, error) = select(&mut new(pieces.concat(), None, true, false));
    assert!(error.is_none());
    assert_eq!(found, [numbered(0), numbered(1), numbered(2)]);
}

#[test]
fn a_record_that_cannot_be_laid_out_anew_is_told() {
    // Longer than a leader can say, and each field than a directory can.
    let long = "x".repeat(60_000);
    let wide: Vec<TestField> = (0..2).map(|_| TestField::data("500", "  ", &[("a", &long)])).collect();
    let mut record = encode(&wide);
    assert!(record.len() > 99_999);
    record[..5].copy_from_slice(b"99999");
    let bytes = [numbered(0), record, numbered(1)].concat();
    let (found, error) = select(&mut new(bytes.clone(), None, true, false));
    let error = error.unwrap();
    assert_eq!(error.code(), "too_long", "{error}");
    assert!(found.is_empty());
    let mut selecting = new(bytes, None, true, true);
    let (found, error) = select(&mut selecting);
    assert!(error.is_none());
    assert_eq!(found, [numbered(0), numbered(1)]);
    assert_eq!(selecting.left_out().iter().map(Error::code).collect::<Vec<_>>(), ["too_long"]);
}

#[test]
fn text_that_a_filter_looked_at_is_told_of_once() {
    let mut record = numbered(0);
    let at = record.windows(7).position(|text| text == b"Subject").unwrap();
    record[at] = 0xFF;
    for text in [None, Some("650")] {
        let mut selecting = new([record.clone(), numbered(1)].concat(), text.map(filter), false, true);
        assert_eq!(select(&mut selecting).0.len(), 2);
        let told = selecting.problems().iter().filter(|(code, _)| *code == Code::InvalidUtf8).map(|(_, count)| count);
        assert_eq!(told.sum::<u64>(), u64::from(text.is_some()));
    }
}
