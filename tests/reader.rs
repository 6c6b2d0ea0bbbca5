//! The record iterator over files, memory and streams of chunks.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss)]

mod common;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{TestField, encode, numbered, numbered_file};
use mrrc_arrow::{BackendKind, Error, Interruption, Item, ReadChunk, ReaderOptions, RecordReader, Source};
use proptest::prelude::*;

/// Gives its content in pieces of these sizes, over and over, and counts how often it was asked.
struct Pieces {
    content: Vec<u8>,
    at: usize,
    sizes: Vec<usize>,
    calls: Arc<AtomicUsize>,
}

impl ReadChunk for Pieces {
    fn read_chunk(&mut self, buffer: &mut Vec<u8>, want: usize) -> io::Result<usize> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let size = self.sizes[call % self.sizes.len()].min(want).min(self.content.len() - self.at);
        buffer.extend_from_slice(&self.content[self.at..self.at + size]);
        self.at += size;
        Ok(size)
    }
}

fn pieces(content: &[u8], sizes: &[usize]) -> (Source, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let pieces = Pieces { content: content.to_vec(), at: 0, sizes: sizes.to_vec(), calls: Arc::clone(&calls) };
    (Source::stream(None, Box::new(pieces)), calls)
}

/// Each record's bytes, or the code of its error.
fn read_all(source: Source, session: &ReaderOptions) -> Vec<Result<Vec<u8>, &'static str>> {
    let mut reader = RecordReader::open(vec![source], session).unwrap();
    let mut found = Vec::new();
    loop {
        match reader.pop().unwrap() {
            Item::Record(block, index) => found.push(Ok(block.bytes(index).to_vec())),
            Item::Rejected(_, _, error) => found.push(Err(error.code())),
            Item::Empty => {
                if let Err(error) = reader.read_batch(None) {
                    found.push(Err(error.code()));
                }
            }
            Item::End => return found,
        }
    }
}

/// How many records each batch has.
fn batches(source: Source, session: &ReaderOptions) -> Vec<usize> {
    let mut reader = RecordReader::open(vec![source], session).unwrap();
    let mut found = Vec::new();
    while !reader.is_at_end() {
        assert!(matches!(reader.pop(), Ok(Item::Empty)));
        assert!(reader.read_batch(None).unwrap());
        found.push(reader.queued());
        while !matches!(reader.pop(), Ok(Item::Empty | Item::End)) {}
    }
    found
}

fn session(batch_size: usize) -> ReaderOptions {
    let mut session = ReaderOptions::default();
    session.batch_size = Some(batch_size);
    session
}

#[test]
fn a_stream_of_chunks_comes_in_batches_and_the_rest_is_the_last() {
    let (source, calls) = pieces(&numbered_file(217), &[usize::MAX]);
    assert_eq!(source.backend(), BackendKind::PythonFile);
    assert_eq!(batches(source, &session(100)), [100, 100, 17, 0]);
    // All of it, and that there is no more.
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[test]
fn batches_are_bounded_in_records_and_in_bytes() {
    let (source, _) = pieces(&numbered_file(1_000), &[usize::MAX]);
    assert_eq!(batches(source, &session(5_000)), [200, 200, 200, 200, 200, 0]);
    let (source, _) = pieces(&numbered_file(1_000), &[usize::MAX]);
    let mut small = session(5_000);
    small.max_bytes = 10 * numbered(500).len();
    assert!(batches(source, &small).into_iter().all(|records| records <= 11));
}

#[test]
fn after_the_end_nothing_is_asked_for() {
    let (source, calls) = pieces(&numbered_file(3), &[usize::MAX]);
    let mut reader = RecordReader::open(vec![source], &ReaderOptions::default()).unwrap();
    while !matches!(reader.pop().unwrap(), Item::End) {
        reader.read_batch(None).unwrap();
    }
    let before = calls.load(Ordering::Relaxed);
    for _ in 0..5 {
        assert!(matches!(reader.pop().unwrap(), Item::End));
        assert!(reader.read_batch(None).unwrap());
    }
    assert_eq!(calls.load(Ordering::Relaxed), before);
}

#[test]
fn what_is_whole_is_delivered_without_another_read() {
    let file = numbered_file(3);
    let first = numbered(0).len() + numbered(1).len() + 30;
    let (source, calls) = pieces(&file, &[first, usize::MAX]);
    let mut reader = RecordReader::open(vec![source], &ReaderOptions::default()).unwrap();
    assert!(reader.read_batch(None).unwrap());
    assert_eq!((reader.queued(), calls.load(Ordering::Relaxed)), (2, 1));
}

#[test]
fn a_source_is_read_once() {
    let (source, _) = pieces(&numbered_file(3), &[usize::MAX]);
    assert_eq!(read_all(source.clone(), &ReaderOptions::default()).len(), 3);
    let error = RecordReader::open(vec![source], &ReaderOptions::default()).unwrap_err();
    assert_eq!(error.code(), "already_read");
}

#[test]
fn an_error_of_the_stream_comes_after_the_records_before_it() {
    struct Broken(Vec<u8>);
    impl ReadChunk for Broken {
        fn read_chunk(&mut self, buffer: &mut Vec<u8>, _: usize) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::other("broken"));
            }
            buffer.append(&mut self.0);
            Ok(buffer.len())
        }
    }
    let source = Source::stream(Some("a stream"), Box::new(Broken(numbered_file(2))));
    let found = read_all(source, &ReaderOptions::default());
    assert_eq!(found, [Ok(numbered(0)), Ok(numbered(1)), Err("io")]);
}

#[test]
fn files_and_memory_are_read_ahead_within_bounds() {
    let file = numbered_file(20_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.mrc");
    std::fs::write(&path, &file).unwrap();
    for source in [Source::path(&path), Source::memory(file.clone())] {
        let batches = batches(source, &ReaderOptions::default());
        assert_eq!(batches.iter().sum::<usize>(), 20_000);
        // One in the consumer's hands, four that wait, and one in the producer's.
        assert!(batches.iter().all(|&records| 6 * records <= 1_000));
    }
}

#[test]
fn a_hundred_thousand_records_leave_no_memory_behind() {
    // Run under valgrind by `make valgrind`; here it is the count that matters.
    let (source, _) = pieces(&numbered_file(100_000), &[usize::MAX, 70_000]);
    assert_eq!(read_all(source, &ReaderOptions::default()).len(), 100_000);
    assert_eq!(read_all(Source::memory(numbered_file(100_000)), &ReaderOptions::default()).len(), 100_000);
}

#[test]
fn a_batch_size_of_zero_is_an_error() {
    let error: Error = RecordReader::open(Vec::new(), &session(0)).unwrap_err();
    assert_eq!(error.code(), "invalid_option");
}

/// Fails at some of its calls, with what is no fault of the stream, and goes on at the next.
struct Interrupted {
    pieces: Pieces,
    /// For each call, over and over, whether it fails.
    fails: Vec<bool>,
    calls: usize,
    /// How many of them did.
    failed: Arc<AtomicUsize>,
}

impl ReadChunk for Interrupted {
    fn read_chunk(&mut self, buffer: &mut Vec<u8>, want: usize) -> io::Result<usize> {
        self.calls += 1;
        if self.fails[self.calls % self.fails.len()] {
            self.failed.fetch_add(1, Ordering::Relaxed);
            return Err(io::Error::other(Interruption("Ctrl-C".into())));
        }
        self.pieces.read_chunk(buffer, want)
    }
}

/// What is read to the end in spite of interruptions, and how many of those there were.
fn read_on(source: Source, options: &ReaderOptions) -> (Vec<Result<Vec<u8>, &'static str>>, usize) {
    let mut reader = RecordReader::open(vec![source], options).unwrap();
    let (mut found, mut interruptions) = (Vec::new(), 0);
    loop {
        match reader.pop().unwrap() {
            Item::Record(block, index) => found.push(Ok(block.bytes(index).to_vec())),
            Item::Rejected(_, _, error) => found.push(Err(error.code())),
            Item::Empty => match reader.read_batch(None) {
                Err(error) if error.is_interruption() => {
                    assert!(error.to_string().contains("Ctrl-C"), "{error}");
                    interruptions += 1;
                }
                Err(error) => found.push(Err(error.code())),
                Ok(told) => assert!(told),
            },
            Item::End => return (found, interruptions),
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

/// A gzip member that says how long it is, as bgzip writes it.
fn bgzf(bytes: &[u8]) -> Vec<u8> {
    let body = gzip(bytes).split_off(10);
    let length = 18 + body.len() - 1;
    let header = [0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 0, 6, 0, b'B', b'C', 2, 0];
    [&header[..], &(length as u16).to_le_bytes(), &body].concat()
}

/// Ways to pack, each into several members, frames or streams.
fn packed(how: usize, bytes: &[u8]) -> Vec<u8> {
    let pack = [<[u8]>::to_vec, gzip, bgzf, |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap(), bzip2][how];
    bytes.chunks(900).flat_map(pack).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn an_interruption_at_any_call_loses_nothing(
        how in 0..5usize,
        sizes in prop::collection::vec(prop_oneof![1..20usize, 1..900usize], 1..6),
        mut fails in prop::collection::vec(any::<bool>(), 1..8),
    ) {
        fails.push(false);
        let records: Vec<_> = (0..30).map(|number| Ok(numbered(number))).collect();
        let content = packed(how, &numbered_file(30));
        let pieces = Pieces { content, at: 0, sizes, calls: Arc::default() };
        let failed = Arc::new(AtomicUsize::new(0));
        let source = Source::stream(None, Box::new(Interrupted { pieces, fails, calls: 0, failed: Arc::clone(&failed) }));
        let (found, interruptions) = read_on(source, &session(7));
        prop_assert_eq!(found, records);
        prop_assert_eq!(interruptions, failed.load(Ordering::Relaxed));
    }

    #[test]
    fn an_interruption_within_a_foreign_source_leaves_it_one_reject(
        how in 0..5usize,
        sizes in prop::collection::vec(1..3_000usize, 1..6),
        mut fails in prop::collection::vec(any::<bool>(), 1..8),
    ) {
        fails.push(false);
        let text = b"just some text, and no MARC in it\n".repeat(2_000);
        let pieces = Pieces { content: packed(how, &text), at: 0, sizes, calls: Arc::default() };
        let source = Source::stream(None, Box::new(Interrupted { pieces, fails, calls: 0, failed: Arc::default() }));
        let mut options = session(7);
        options.ignore_foreign = true;
        let mut reader = RecordReader::open(vec![source], &options).unwrap();
        let mut found = Vec::new();
        loop {
            match reader.pop().unwrap() {
                Item::Record(..) => prop_assert!(false, "a record of text"),
                Item::Rejected(block, index, error) => found.push((error.code(), block.bytes(index).to_vec())),
                Item::Empty => if let Err(error) = reader.read_batch(None) {
                    prop_assert!(error.is_interruption(), "{error}");
                },
                Item::End => break,
            }
        }
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(found[0].0, "unsupported_format");
        prop_assert!(found[0].1 == text, "{} of {} bytes", found[0].1.len(), text.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn pieces_of_any_size_give_what_a_file_gives(
        damage in prop::collection::vec((0..4_000usize, prop_oneof![Just(0x1D), Just(0x1E), Just(b' '), any::<u8>()]), 0..6),
        sizes in prop::collection::vec(1..900usize, 1..6),
        batch_size in 1..30usize,
    ) {
        let mut file = numbered_file(20);
        for (at, byte) in damage {
            let at = at % file.len();
            file[at] = byte;
        }
        let (source, _) = pieces(&file, &sizes);
        prop_assert_eq!(read_all(source, &session(batch_size)), read_all(Source::memory(file), &ReaderOptions::default()));
    }
}

/// A stream whose first piece is as long as what is read ahead, to tell what it is, is taken to have more, and asked again at once.
#[test]
fn an_interruption_behind_a_long_first_piece_loses_nothing() {
    const AHEAD: usize = 300_000;
    // What packs badly, for it to be longer than that packed.
    let noise = |number: usize| -> String {
        let next = |state: u64| state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let states = std::iter::successors(Some(next(number as u64)), |&state| Some(next(state)));
        states.take(400).map(|state| char::from(b'!' + (state >> 33) as u8 % 90)).collect()
    };
    let file: Vec<Vec<u8>> =
        (0..1_200).map(|number| encode(&[TestField::data("500", "  ", &[("a", &noise(number))])])).collect();
    for how in 0..5 {
        let content = packed(how, &file.concat());
        assert!(content.len() > AHEAD + 1_000);
        for fails in 1..6 {
            let pieces = Pieces { content: content.clone(), at: 0, sizes: vec![AHEAD, 20_000], calls: Arc::default() };
            // The first call, whose number is 1, gives that piece; some fail then.
            let fails = [vec![false; 2], vec![true; fails], vec![false; 1_000]].concat();
            let failed = Arc::new(AtomicUsize::new(0));
            let source =
                Source::stream(None, Box::new(Interrupted { pieces, fails, calls: 0, failed: Arc::clone(&failed) }));
            let (found, interruptions) = read_on(source, &session(50));
            assert!(found == file.iter().cloned().map(Ok).collect::<Vec<_>>(), "{how}");
            assert_eq!(interruptions, failed.load(Ordering::Relaxed));
        }
    }
}
