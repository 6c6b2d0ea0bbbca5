//! Records by their place in a block: bytes, fields, text, what was put right, and the record laid out anew.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{TestField, encode, numbered, numbered_file};
use mrrc_arrow::{Code, Error, ErrorKind, Format, Hint, Item, ReaderOptions, RecordBlock, RecordReader, Source};

/// All records, each a place in a block, or the error that stands in its place.
fn items(sources: Vec<Source>, options: &ReaderOptions) -> Vec<(Arc<RecordBlock>, usize, Option<Error>)> {
    let mut reader = RecordReader::open(sources, options).unwrap();
    let mut found = Vec::new();
    loop {
        assert!(!reader.is_next_rejected() || reader.queued() > 0);
        let (rejected, queued) = (reader.is_next_rejected(), reader.queued());
        match reader.pop().unwrap() {
            Item::Record(block, index) => {
                assert!(!rejected);
                found.push((block, index, None));
            }
            Item::Rejected(block, index, error) => {
                assert!(rejected);
                found.push((block, index, Some(error)));
            }
            Item::Empty => {
                assert_eq!(queued, 0);
                let batches = reader.batches();
                reader.read_batch(None).unwrap();
                assert_eq!(reader.batches(), batches + u64::from(!reader.is_at_end()));
            }
            Item::End => return found,
        }
    }
}

fn block_of(bytes: Vec<u8>, format: Format) -> Arc<RecordBlock> {
    let mut options = ReaderOptions::default();
    options.format = format;
    items(vec![Source::memory(bytes)], &options).remove(0).0
}

/// A record with this byte in leader position 09 and these values in 245 $a; those of a UNIMARC record have 100 $a in front.
fn record(coding: u8, values: &[&[u8]], coded: Option<&str>) -> Vec<u8> {
    let coded = coded.map(|sets| format!("{}{sets}      ", "20200101d2020    m  y0frey")).unwrap_or_default();
    // Placeholders of the same lengths, because the encoder writes text.
    let placeholders: Vec<String> = values.iter().map(|value| "?".repeat(value.len())).collect();
    let mut fields: Vec<TestField> = vec![TestField::control("001", "x")];
    if !coded.is_empty() {
        fields.push(TestField::data("100", "  ", &[("a", &coded)]));
    }
    fields.extend(placeholders.iter().map(|value| TestField::data("245", "10", &[("a", value)])));
    let mut bytes = encode(&fields);
    bytes[9] = coding;
    let mut at = bytes.len();
    for value in values.iter().rev() {
        // In front of it the terminators of field and record, or of the field alone.
        at -= 1 + usize::from(at == bytes.len()) + value.len();
        bytes[at..at + value.len()].copy_from_slice(value);
        at -= 4;
    }
    bytes
}

fn texts(block: &RecordBlock, index: usize) -> Vec<Result<String, ()>> {
    let titles = block.fields(index).filter(|span| span.tag == *b"245");
    titles
        .map(|span| {
            let field = block.field(index, span);
            let value = field.subfields().next().unwrap().value();
            block.text(index, value).map(Cow::into_owned).map_err(drop)
        })
        .collect()
}

#[test]
fn text_is_what_the_record_says_unless_that_cannot_be() {
    let good = |text: &str| Ok(text.to_owned());
    let utf8 = "Été à Malmö".as_bytes();
    let marc8 = b"\xe2Et\xe2e";
    for (bytes, expected, repairs) in [
        (record(b'a', &[utf8, b"plain"], None), vec![good("Été à Malmö"), good("plain")], vec![]),
        (record(b' ', &[marc8, b"plain"], None), vec![good("Été"), good("plain")], vec![]),
        (record(b' ', &[utf8], None), vec![good("Été à Malmö")], vec![Code::Utf8NotFlagged]),
        // In one record all is one or the other, but for values that are told one by one.
        (record(b' ', &[utf8, marc8], None), vec![good("Été à Malmö"), good("Été")], vec![Code::Utf8NotFlagged]),
        (record(b'a', &[b"M\xfcnchen", b"plain"], None), vec![Err(()), good("plain")], vec![Code::InvalidUtf8]),
        // An escape sequence is none of ASCII's.
        (record(b' ', &[b"\x1b(N\x4b\x1b(B"], None), vec![good("к")], vec![]),
        (record(b' ', &[b"\xc5\xff"], None), vec![good("¿\u{FFFD}")], vec![Code::UnknownCharacter]),
    ] {
        let block = block_of([&bytes[..], &numbered(1)].concat(), Format::Marc21);
        assert_eq!(block.format(), Format::Marc21);
        // What was found once is found again.
        for _ in 0..2 {
            assert_eq!(texts(&block, 0), expected, "{bytes:?}");
            assert_eq!(block.text_repairs(0), repairs, "{expected:?}");
        }
        assert_eq!(texts(&block, 1), [good("A title that is no longer inline")]);
        assert!(block.text_repairs(1).is_empty());
    }
    let unimarc = |sets, value: &[u8]| {
        let block = block_of(record(b'a', &[value], Some(sets)), Format::Unimarc);
        (texts(&block, 0), block.text_repairs(0))
    };
    assert_eq!(unimarc("50  ", utf8), (vec![good("Été à Malmö")], vec![]));
    assert_eq!(unimarc("0103", b"\xc2Et\xc2e"), (vec![good("Été")], vec![]));
    assert_eq!(unimarc("89  ", b"\xcc\xe8\xf0"), (vec![good("Мир")], vec![]));
}

#[test]
fn codes_that_are_no_text_are_told() {
    let mut bytes = record(b' ', &[b"value"], None);
    let code = bytes.iter().position(|&byte| byte == 0x1F).unwrap() + 1;
    bytes[code] = 0xE9;
    let block = block_of(bytes, Format::Marc21);
    assert!(block.text_repairs(0).contains(&Code::NonAsciiStructure), "{:?}", block.text_repairs(0));
}

#[test]
fn a_place_in_a_block_is_a_record_in_its_source() {
    let file = [numbered_file(3), b"\r\n\0".to_vec(), numbered(3), b"too short\x1d".to_vec(), numbered(4)].concat();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mrc");
    std::fs::write(&path, &file).unwrap();
    let found = items(vec![Source::memory(numbered_file(2)), Source::path(&path)], &ReaderOptions::default());
    assert_eq!(found.len(), 8);
    for (number, (block, index, error)) in found.iter().enumerate() {
        let (record, offset, source) = block.place(*index);
        assert_eq!((record, source), (number as u64, (number > 1).then(|| path.to_str().unwrap())));
        let bytes = if number < 2 { numbered_file(2) } else { file.clone() };
        assert!(bytes[offset as usize..].starts_with(block.bytes(*index)));
        assert!(!block.is_empty() && *index < block.len());
        if let Some(error) = error {
            assert_eq!((error.kind(), error.code()), (ErrorKind::Record, "too_short"));
            assert_eq!((error.record(), error.offset(), error.source_name()), (Some(record), Some(offset), source));
            assert_eq!(error.hint(), Some(Hint::NextRecord));
            assert_eq!(block.bytes(*index), b"too short\x1d");
            assert_eq!((block.leader(*index), block.fields(*index).count()), (&b""[..], 0));
            assert_eq!(block.as_marc(*index).unwrap(), block.bytes(*index), "as it was read");
            assert_eq!(block.repairs(*index), [Code::TooShort]);
        } else {
            assert_eq!(block.leader(*index), &block.bytes(*index)[..24]);
            assert!(matches!(block.as_marc(*index), Ok(Cow::Borrowed(bytes)) if bytes == block.bytes(*index)));
            assert_eq!((block.fields(*index).count(), block.fields(*index).size_hint()), (3, (3, Some(3))));
            assert!(block.repairs(*index).is_empty());
        }
    }
    // Beyond the last there is nothing.
    let (block, ..) = &found[0];
    let beyond = block.len();
    assert_eq!((block.bytes(beyond), block.fields(beyond).count(), block.repairs(beyond).len()), (&b""[..], 0, 0));
    assert_eq!(block.text(beyond, b"\xe2e\xff").unwrap(), "é\u{FFFD}", "nobody says that it is UTF-8");
}

#[test]
fn problems_are_counted_as_batches_are_read() {
    let mut wrong = numbered(1);
    wrong[..5].copy_from_slice(b"00999");
    let file = [numbered(0), b"\n\n".to_vec(), wrong, b"short\x1d".to_vec(), numbered(2)].concat();
    let mut reader = RecordReader::open(vec![Source::memory(file)], &ReaderOptions::default()).unwrap();
    assert_eq!((reader.batches(), reader.problems().iter().count()), (0, 0));
    assert!(reader.read_batch(None).unwrap());
    let counts: Vec<_> = reader.problems().iter().collect();
    assert_eq!(counts, [(Code::Junk, 1), (Code::LengthMismatch, 1), (Code::TooShort, 1)]);
    assert_eq!((reader.batches(), reader.queued()), (1, 4));
    assert!(format!("{reader:?}").contains("queue: true"));
    // The text of what is queued is looked at for benchmarks, and lets go of it.
    assert_eq!((reader.check_queue(), reader.queued(), reader.check_queue()), (4, 0, 0));
}

#[test]
fn a_repaired_record_is_laid_out_anew() {
    let sound = numbered(1);
    // Lengths in the directory that are too long by one, and a record length that is wrong.
    let mut wrong = sound.clone();
    wrong[..5].copy_from_slice(b"00003");
    wrong[24 + 12 + 6] ^= 1;
    let block = block_of(wrong, Format::Marc21);
    assert_eq!(block.repairs(0), [Code::LengthMismatch, Code::DirectoryMismatch]);
    assert!(matches!(block.as_marc(0), Ok(Cow::Owned(bytes)) if bytes == sound));
    assert_eq!((block.fields(0).count(), block.fields(0).size_hint()), (3, (3, Some(3))));
    // A leader that is a byte short gets a blank.
    let mut short = sound.clone();
    short.remove(23);
    short[12..17].copy_from_slice(b"00060");
    let block = block_of(short, Format::Marc21);
    assert!(block.repairs(0).contains(&Code::LeaderLength), "{:?}", block.repairs(0));
    assert_eq!(block.leader(0), [&sound[..5], &sound[5..12], b"00060", &sound[17..23], b" "].concat());
    assert_eq!(block.as_marc(0).unwrap(), sound);
}

#[test]
fn what_has_no_room_in_a_directory_or_leader_is_an_error_with_its_place() {
    // More than a directory entry can count, in a record whose directory is wrong about it.
    let data = "x".repeat(12_000);
    let long = format!("99999nam a2200037 a 4500500999900000\x1e  \x1fa{data}\x1e\x1d").into_bytes();
    // And more than a leader can, in many fields.
    let entry = |number: usize| format!("5009000{:05}", (number * 9_000).min(99_999));
    let directory: String = (0..20).map(entry).collect();
    let field = format!("  \x1fa{}\x1e", "x".repeat(8_000));
    let base = 24 + directory.len() + 1;
    let many = format!("99999nam a22{base:05} a 4500{directory}\x1e{}\x1d", field.repeat(20)).into_bytes();
    for (bytes, what) in [(long, "field 500 has 12005 bytes"), (many, "the record would have")] {
        let found = items(vec![Source::memory([numbered(0), bytes.clone()].concat())], &ReaderOptions::default());
        let (block, index, _) = &found[1];
        let error = block.as_marc(*index).unwrap_err();
        assert_eq!(
            (error.code(), error.record(), error.offset()),
            ("too_long", Some(1), Some(numbered(0).len() as u64))
        );
        assert!(error.message().contains(what), "{error}");
        assert_eq!(block.bytes(*index), bytes, "they are not lost");
    }
}

#[test]
fn a_source_that_is_no_marc_is_an_error_or_one_reject() {
    let text = b"just some text, and no MARC in it\n".repeat(3);
    let sources = || vec![Source::memory(numbered(0)), Source::memory(text.clone()), Source::memory(numbered(2))];
    let mut options = ReaderOptions::default();
    options.ignore_foreign = true;
    let found = items(sources(), &options);
    assert_eq!(found.len(), 3);
    let (block, index, error) = &found[1];
    let error = error.as_ref().unwrap();
    assert_eq!((error.kind(), error.code()), (ErrorKind::UnsupportedFormat, "unsupported_format"));
    assert!(error.message().contains("plain text"), "{error}");
    assert_eq!((block.bytes(*index), block.place(*index)), (&text[..], (1, 0, None)));
    assert_eq!((block.repairs(*index), block.leader(*index).len()), (&[Code::UnsupportedFormat][..], 24));
    assert_eq!(found[2].0.place(found[2].1).0, 2);

    let mut reader = RecordReader::open(sources(), &ReaderOptions::default()).unwrap();
    assert!(reader.read_batch(None).unwrap());
    assert!(matches!(reader.pop(), Ok(Item::Record(..))));
    let error = reader.read_batch(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
    // After that it is at its end.
    assert!(reader.is_at_end());
    assert!(matches!(reader.pop(), Ok(Item::End)));
    assert!(reader.read_batch(None).unwrap());
}

#[test]
fn a_reader_that_is_closed_is_at_its_end() {
    for source in [Source::memory(numbered_file(50_000)), Source::stream(None, Box::new(Chunk(numbered_file(3))))] {
        let mut reader = RecordReader::open(vec![source], &ReaderOptions::default()).unwrap();
        assert_eq!(reader.foreseen(), 0);
        assert!(reader.read_batch(None).unwrap());
        assert!(matches!(reader.pop(), Ok(Item::Record(..))));
        reader.close();
        assert_eq!((reader.queued(), reader.is_at_end(), reader.foreseen()), (0, true, 0));
        assert!(matches!(reader.pop(), Ok(Item::End)));
        assert!(reader.read_batch(None).unwrap());
        assert!(!reader.is_next_rejected());
    }
}

/// Gives all of it at once.
struct Chunk(Vec<u8>);

impl mrrc_arrow::ReadChunk for Chunk {
    fn read_chunk(&mut self, buffer: &mut Vec<u8>, _: usize) -> std::io::Result<usize> {
        buffer.append(&mut self.0);
        Ok(buffer.len())
    }
}

#[cfg(unix)]
#[test]
fn a_wait_for_somebody_ends_at_its_deadline_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a fifo");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let mut reader = RecordReader::open(vec![Source::path(&path)], &ReaderOptions::default()).unwrap();
    let soon = || Some(Instant::now() + Duration::from_millis(20));
    for _ in 0..3 {
        assert!(!reader.read_batch(soon()).unwrap(), "nobody has written anything");
        assert!(matches!(reader.pop(), Ok(Item::Empty)));
    }
    let writer = std::thread::spawn(move || std::fs::write(path, numbered_file(3)).unwrap());
    assert!(reader.read_batch(None).unwrap());
    writer.join().unwrap();
    for number in 0..3 {
        assert!(matches!(reader.pop(), Ok(Item::Record(block, index)) if block.bytes(index) == numbered(number)));
    }
    assert!(reader.read_batch(None).unwrap());
    assert!(reader.is_at_end());
}
