//! The blocks of one source are the same whatever way its bytes come, but for where one ends; nothing is read for nothing.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::iso2709::scanner::scan_record_boundaries;

const RECORD: &[u8] = b"00038nam a2200037 a 4500001000100000\x1eX\x1d";
const TEXT: &[u8] = b"just some text, and no MARC in it\n";

const SIZE: BlockSize = BlockSize { records: 10, bytes: 1 << 20 };

/// Gives these pieces and errors one after the other, and counts how often it was asked and for how much.
struct Pieces {
    left: VecDeque<io::Result<Vec<u8>>>,
    asked: Arc<[AtomicUsize; 2]>,
    most: usize,
}

impl ReadChunk for Pieces {
    fn read_chunk(&mut self, buffer: &mut Vec<u8>, want: usize) -> io::Result<usize> {
        self.asked[0].fetch_add(1, Ordering::Relaxed);
        self.asked[1].fetch_max(want, Ordering::Relaxed);
        let Some(piece) = self.left.pop_front() else { return Ok(0) };
        let mut piece = piece?;
        if piece.len() > want {
            self.left.push_front(Ok(piece.split_off(want)));
        }
        buffer.append(&mut piece);
        Ok(buffer.len())
    }

    fn most(&self) -> usize {
        self.most
    }
}

fn stream_of(pieces: impl IntoIterator<Item = io::Result<Vec<u8>>>) -> (Source, Arc<[AtomicUsize; 2]>) {
    let asked = Arc::new([const { AtomicUsize::new(0) }; 2]);
    let pieces = Pieces { left: pieces.into_iter().collect(), asked: Arc::clone(&asked), most: usize::MAX };
    (Source::stream(Some("a stream"), Box::new(pieces)), asked)
}

fn stream(bytes: &[u8], sizes: &[usize]) -> Source {
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    for &size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(size.min(rest.len()));
        pieces.push(Ok(piece.to_vec()));
        rest = after;
    }
    stream_of(pieces).0
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

fn blocks(source: &Source, size: BlockSize) -> Vec<Block> {
    let mut blocks = Blocks::open(source.clone(), 5, size, Stock::default()).unwrap();
    let mut found = Vec::new();
    loop {
        match blocks.next().unwrap() {
            Next::Block(block) => found.push(block),
            Next::Foreign(what) => panic!("taken for {what}"),
            Next::End => {
                assert!(matches!(blocks.next(), Ok(Next::End)), "the end is for ever");
                return found;
            }
        }
    }
}

/// Where in the source the records or the junk of some blocks lie, with what was said of them.
fn spans(blocks: &[Block], of: impl Fn(&Block) -> &[Span]) -> Vec<(u64, u32, Option<Code>)> {
    let spans =
        blocks.iter().flat_map(|block| of(block).iter().map(|span| (block.offset + u64::from(span.offset), *span)));
    spans.map(|(offset, span)| (offset, span.length, span.flaw)).collect()
}

/// Damaged records with junk between them.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => (1..6usize).prop_map(|count| RECORD.repeat(count)),
        2 => (1..RECORD.len()).prop_map(|end| RECORD[..end].to_vec()),
        2 => prop::collection::vec(prop::sample::select(&b" \r\n\0\x1d\x1e0x"[..]), 0..6),
        1 => (1..3_000usize).prop_map(|length| [b"00999nam a2200025 a 4500\x1e", &vec![b'x'; length][..], b"\x1d"].concat()),
    ];
    // A record in front, so that it is MARC.
    prop::collection::vec(piece, 0..12).prop_map(|pieces| [RECORD.to_vec(), pieces.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_same_records_and_junk_come_from_memory_files_decompressors_and_streams(
        input in input(),
        sizes in prop::collection::vec(1..400usize, 1..5),
        records in 1..9usize,
        bytes in prop_oneof![1..200usize, Just(1 << 20)],
    ) {
        let size = BlockSize { records, bytes };
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &input).unwrap();
        let whole = blocks(&Source::memory(input.clone()), BlockSize { records: usize::MAX, bytes: 1 << 30 });
        for source in [
            Source::memory(input.clone()),
            Source::path(file.path()),
            Source::memory(gzip(&input)),
            stream(&input, &sizes),
            stream(&gzip(&input), &sizes),
        ] {
            let found = blocks(&source, size);
            prop_assert_eq!(spans(&found, |block| &block.records), spans(&whole, |block| &block.records), "{:?}", &source);
            // Junk may be cut where blocks are.
            let junk = |blocks: &[Block]| -> u64 { spans(blocks, |block| &block.junk).iter().map(|junk| u64::from(junk.1)).sum() };
            prop_assert_eq!(junk(&found), junk(&whole));
            let (mut offset, mut record) = (0, 5);
            for block in &found {
                prop_assert_eq!((block.offset, block.first_record), (offset, record));
                prop_assert!(block.records.len() <= records);
                prop_assert!(block.bytes.len() <= bytes || block.records.len() + block.junk.len() <= 2);
                prop_assert_eq!(&block.source, &source.name().cloned());
                let place = offset as usize;
                prop_assert_eq!(&block.bytes[..], &input[place..place + block.bytes.len()]);
                for &span in block.records.iter().chain(&block.junk) {
                    prop_assert_eq!(block.slice(span).len(), span.length as usize);
                    prop_assert_eq!(block.slice_bytes(span), block.slice(span));
                }
                offset += block.bytes.len() as u64;
                record += block.records.len() as u64;
            }
            prop_assert_eq!(offset, input.len() as u64);
        }
    }
}

#[test]
fn what_came_before_an_error_comes_before_it() {
    let failing = |pieces: &[&[u8]]| {
        let broken = || Err(io::Error::other("broken"));
        stream_of(pieces.iter().map(|piece| Ok(piece.to_vec())).chain([broken()])).0
    };
    let two = RECORD.repeat(2);
    let half = &RECORD[..20];
    let (long, size) = (RECORD.repeat(3_000), BlockSize { records: 1_000, ..SIZE });
    for (pieces, size, expected) in [
        (vec![], SIZE, vec![]),
        (vec![&two[..]], SIZE, vec![2]),
        (vec![half], SIZE, vec![]),
        (vec![&two, half], SIZE, vec![2]),
        (vec![half, &RECORD[20..], &two], SIZE, vec![3]),
        // Where there is more than a look at the beginning takes.
        (vec![&long[..]], size, vec![1_000, 1_000, 1_000]),
        (vec![&long, half], size, vec![1_000, 1_000, 1_000]),
    ] {
        let mut blocks = Blocks::open(failing(&pieces), 0, size, Stock::default());
        let mut found = Vec::new();
        let error = loop {
            match blocks.as_mut().map_err(|error| error.clone()).and_then(Blocks::next) {
                Ok(Next::Block(block)) => found.push(block.records.len()),
                Ok(_) => panic!("an error that was lost"),
                Err(error) => break error,
            }
        };
        let together: usize = found.iter().sum();
        assert_eq!(
            (together, error.kind(), error.source_name()),
            (expected.iter().sum(), ErrorKind::Io, Some("a stream"))
        );
        assert!(error.to_string().contains("broken"));
    }
    // Of a decompressor, too, that has given something before it fails within one read.
    let packed = gzip(&long);
    for records in [1_000, 700, 100_000] {
        let cut = Source::memory(packed[..packed.len() - 4].to_vec());
        let mut blocks = Blocks::open(cut, 0, BlockSize { records, ..SIZE }, Stock::default()).unwrap();
        let mut found = 0;
        let error = loop {
            match blocks.next() {
                Ok(Next::Block(block)) => found += block.records.len(),
                Ok(_) => panic!("an error that was lost"),
                Err(error) => break error,
            }
        };
        assert_eq!((found, error.kind()), (3_000, ErrorKind::Io), "{records}");
    }
}

#[test]
fn what_the_first_records_of_a_block_are_like_is_not_what_is_read_for_all() {
    let record = |text: usize| {
        let leader = format!("{:05}nam a2200037 a 4500", 39 + text);
        format!("{leader}001{:04}00000\x1e{}\x1e\x1d", text + 1, "x".repeat(text)).into_bytes()
    };
    // Each block begins with some that are many times longer than the others.
    let bytes = [record(9_000).repeat(5), record(500).repeat(95)].concat().repeat(20);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    let size = BlockSize { records: 100, bytes: 8 << 20 };
    let mut blocks = Blocks::open(Source::path(file.path()), 0, size, Stock::default()).unwrap();
    let mut read = 0;
    while let Next::Block(block) = blocks.next().unwrap() {
        assert_eq!((block.records.len(), block.bytes.len()), (100, bytes.len() / 20));
        // What was guessed before the first block, and otherwise no more than a read beyond what the last one took.
        let more = blocks.buffer.bytes().len();
        assert!(read == 0 || more < READ_AT_LEAST + block.bytes.len() / 16, "{more}");
        read += 1;
    }
    assert_eq!(read, 20);
}

#[test]
fn a_foreign_source_is_told_with_its_length_and_first_bytes() {
    let text = TEXT.repeat(50_000);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &text).unwrap();
    for keep in [0, 10, 100_000, usize::MAX] {
        for source in [
            Source::memory(text.clone()),
            Source::path(file.path()),
            Source::memory(gzip(&text)),
            stream(&text, &[50_000]),
        ] {
            let mut blocks = Blocks::open(source, 0, SIZE, Stock::default()).unwrap();
            assert!(matches!(blocks.next(), Ok(Next::Foreign("plain text"))));
            // Whoever is asked to stop now and then goes on where it was.
            let turns = std::cell::Cell::new(0);
            let wanted = || turns.replace(turns.get() + 1) % 2 == 0;
            let (head, length) = (0..).find_map(|_| blocks.drain(keep, wanted).unwrap()).unwrap();
            assert_eq!((length, head.len()), (text.len() as u64, keep.min(text.len())));
            assert!(text.starts_with(&head));
        }
    }
    // Where nobody waits for it, the rest is not read.
    let (source, asked) = stream_of((0..100).map(|_| Ok(TEXT.repeat(1_000))));
    let mut blocks = Blocks::open(source, 0, SIZE, Stock::default()).unwrap();
    assert!(matches!(blocks.next(), Ok(Next::Foreign(_))));
    let before = asked[0].load(Ordering::Relaxed);
    assert!(blocks.drain(usize::MAX, || false).unwrap().is_none());
    assert!(blocks.drain(0, || false).unwrap().is_none());
    assert_eq!(asked[0].load(Ordering::Relaxed), before);
    // An error on the way is one.
    let (source, _) = stream_of([Ok(TEXT.repeat(2_000)), Err(io::Error::other("broken"))]);
    let mut blocks = Blocks::open(source, 0, SIZE, Stock::default()).unwrap();
    assert!(matches!(blocks.next(), Ok(Next::Foreign(_))));
    assert!(blocks.drain(0, || true).unwrap_err().to_string().contains("broken"));
}

#[test]
fn what_is_foreseen_is_what_the_next_block_asks_for() {
    // Ten records to a block; each read brings 25, then less than was asked for, then nothing.
    let (source, asked) = stream_of([Ok(RECORD.repeat(25)), Ok(RECORD.repeat(3))]);
    let mut blocks = Blocks::open(source, 0, BlockSize { bytes: 100_000, ..SIZE }, Stock::default()).unwrap();
    assert_eq!(blocks.foreseen(), 0, "before the first look nothing is known");
    let calls = || asked[0].load(Ordering::Relaxed);
    for expected in [10, 10] {
        let before = calls();
        let foreseen = blocks.foreseen();
        let Ok(Next::Block(block)) = blocks.next() else { panic!("no block") };
        assert_eq!(block.records.len(), expected);
        // Whole records do not wait where a read came back short.
        assert!(foreseen == 0 || calls() > before);
    }
    assert!(blocks.is_short());
    assert_eq!(blocks.foreseen(), 0, "five are whole");
    assert!(matches!(blocks.next(), Ok(Next::Block(block)) if block.records.len() == 5));
    // Nothing is left: surely the stream is asked.
    let (before, foreseen) = (calls(), blocks.foreseen());
    assert!(foreseen >= 64 << 10);
    assert!(matches!(blocks.next(), Ok(Next::Block(block)) if block.records.len() == 3));
    assert_eq!(calls(), before + 1);
    assert!(asked[1].load(Ordering::Relaxed) >= foreseen);
    while !matches!(blocks.next(), Ok(Next::End)) {}
    assert_eq!(blocks.foreseen(), 0, "at the end nothing is asked for");
    // Of other sources nothing is foreseen.
    let mut memory = Blocks::open(Source::memory(RECORD.repeat(30)), 0, SIZE, Stock::default()).unwrap();
    assert!(matches!(memory.next(), Ok(Next::Block(_))));
    assert_eq!((memory.foreseen(), memory.is_short()), (0, false));
}

#[test]
fn what_a_stream_gives_at_most_is_not_little() {
    // A socket gives at most so much; that is no reason to hand out few records.
    let pieces = (0..40).map(|_| Ok(RECORD.repeat(10))).collect();
    let pieces = Pieces { left: pieces, asked: Arc::default(), most: RECORD.len() * 10 };
    let source = Source::stream(None, Box::new(pieces));
    let found = blocks(&source, BlockSize { records: 150, ..SIZE });
    assert_eq!(found.iter().map(|block| block.records.len()).collect::<Vec<_>>(), [150, 150, 100]);
    // And what is less than that is.
    let found = blocks(&stream(&RECORD.repeat(400), &[RECORD.len() * 10]), BlockSize { records: 150, ..SIZE });
    assert!(found.iter().all(|block| block.records.len() <= 20), "{}", found.len());
}

#[test]
fn a_record_that_is_larger_than_a_block_is_one_by_itself() {
    let long = [b"99999nam a2200037 a 4500001990000000\x1e", &vec![b'x'; 300_000][..], b"\x1e\x1d"].concat();
    let input = [RECORD, &long, RECORD, RECORD].concat();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &input).unwrap();
    let expected = scan_record_boundaries(&input, None);
    assert_eq!(expected.len(), 4);
    for source in [
        Source::memory(input.clone()),
        Source::path(file.path()),
        Source::memory(gzip(&input)),
        stream(&input, &[70_000]),
    ] {
        let found = blocks(&source, BlockSize { bytes: 1_000, ..SIZE });
        assert_eq!(found.iter().map(|block| block.records.len()).sum::<usize>(), 4, "{source:?}");
        let large = found.iter().find(|block| block.bytes.len() > 1_000).unwrap();
        assert_eq!((large.records.len(), large.bytes.len()), (1, long.len()), "{source:?}");
    }
}

#[test]
fn a_length_in_the_input_sizes_no_buffer() {
    // A leader that claims much of a stream that has little: what is asked for stays within what there is.
    let stub = b"99999nam a2200037 a 4500";
    let (source, asked) = stream_of([Ok(stub.to_vec())]);
    let found = blocks(&source, BlockSize { bytes: 4_000, ..SIZE });
    assert_eq!(found[0].records[0].flaw, Some(Code::Truncated));
    assert!(asked[1].load(Ordering::Relaxed) <= 300_000, "{asked:?}");
}
