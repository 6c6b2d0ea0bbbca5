//! What benchmarks and fuzzing need of the inside of the crate. Not part of its interface: it may change with any version.

use std::io::{self, Read};

use bytes::Bytes;

use crate::encoding::{Decoded, Decoder, Decoding, Encoding};
use crate::error::Error;
use crate::feed::{Fed, Feed, Input};
use crate::iso2709::Leader;
use crate::iso2709::blocks::{Block, BlockSize, Span};
use crate::iso2709::scanner::MAX_RECORD;
use crate::layout::{Plan, build};
use crate::pool::Pool;
use crate::read::ReadOptions;
use crate::source::Source;

/// A block of records whose boundaries are known.
#[derive(Debug)]
pub struct Known {
    bytes: Bytes,
    records: Vec<Span>,
}

impl Known {
    /// A block with the same bytes, as the pipeline would hand it to its pool.
    fn block(&self) -> Block {
        let (bytes, records) = (self.bytes.clone(), self.records.clone());
        Block { bytes, is_lent: true, offset: 0, source: None, first_record: 0, records, junk: Vec::new() }
    }

    /// Builds its table on the calling thread; the number of rows.
    #[must_use]
    pub fn build(&self) -> usize {
        build_rows(self.block())
    }
}

fn plan() -> Plan {
    ReadOptions::default().plan()
}

fn build_rows(block: Block) -> usize {
    build(block, &plan()).map_or(0, |built| built.parts.iter().map(|part| part.rows).sum())
}

fn feed(source: Source, records: usize) -> Feed {
    let size = BlockSize { records, bytes: 64 << 20 };
    Feed::new(Input { sources: vec![source], size, ignore_foreign: false, keep_foreign: 0 })
}

/// The blocks of `bytes`, of `records` records each.
///
/// # Errors
///
/// Bytes that are no MARC.
pub fn blocks(bytes: Bytes, records: usize) -> Result<Vec<Known>, Error> {
    let mut feed = feed(Source::memory(bytes), records);
    let mut blocks = Vec::new();
    while let Fed::Block(block) = feed.next(|| true)? {
        blocks.push(Known { bytes: block.bytes, records: block.records });
    }
    Ok(blocks)
}

/// Builds `blocks` on the pool, all its threads taking from them; the number of rows.
///
/// # Errors
///
/// Threads that cannot be started.
pub fn build_on_pool(blocks: &[Known]) -> Result<usize, Error> {
    use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
    Ok(Pool::get()?.install(|| blocks.par_iter().with_max_len(1).map(Known::build).sum()))
}

/// Reads and builds block after block on the calling thread: what the pipeline does, without it. The number of rows.
///
/// # Errors
///
/// As for reading.
pub fn in_one_thread(source: Source, records: usize) -> Result<usize, Error> {
    let mut feed = feed(source, records);
    let mut rows = 0;
    loop {
        match feed.next(|| true)? {
            Fed::Block(block) => rows += build_rows(block),
            Fed::Foreign(_) => {}
            Fed::End | Fed::Unwanted => return Ok(rows),
        }
    }
}

/// The text of a value in `encoding`.
#[must_use]
pub fn decode(encoding: Encoding, value: &[u8]) -> String {
    let mut text = String::new();
    let decoding = Decoding { encoding, guess: false, flagged_utf8: false };
    match Decoder::default().decode(decoding, value, &mut text) {
        Decoded::InPlace(_) => String::from_utf8_lossy(value).into_owned(),
        Decoded::Appended(_) => text,
    }
}

/// Makes the pool anew with so many threads.
///
/// # Errors
///
/// Threads that cannot be started.
pub fn set_threads(threads: usize) -> Result<(), Error> {
    Pool::replace(threads)
}

/// The reference that parallel reading is measured by: one record per step, by two reads as its length asks for, in one thread;
/// the same builder and the same rows, a batch for every `records` of them. Lengths are trusted.
///
/// # Errors
///
/// A stream that cannot be read, or ends in the middle of a record.
pub fn one_by_one(mut stream: impl Read, records: usize) -> io::Result<usize> {
    let (mut bytes, mut spans, mut rows) = (Vec::new(), Vec::with_capacity(records), 0);
    loop {
        let offset = bytes.len();
        let leader = (&mut stream).take(24).read_to_end(&mut bytes)?;
        let ended = leader == 0;
        if !ended && leader < 24 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if ended || spans.len() == records || offset > MAX_RECORD {
            // The leader that was read begins the next batch.
            let next = bytes.split_off(offset);
            let block = Block {
                is_lent: true,
                bytes: std::mem::replace(&mut bytes, next).into(),
                offset: 0,
                source: None,
                first_record: 0,
                records: std::mem::replace(&mut spans, Vec::with_capacity(records)),
                junk: Vec::new(),
            };
            rows += build_rows(block);
        }
        if ended {
            return Ok(rows);
        }
        let offset = bytes.len() - 24;
        let length = bytes.get(offset..).and_then(Leader::new).and_then(Leader::record_length);
        let length = length.ok_or(io::ErrorKind::InvalidData)?;
        let rest = length.checked_sub(24).ok_or(io::ErrorKind::InvalidData)?;
        if (&mut stream).take(rest as u64).read_to_end(&mut bytes)? != rest {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        spans.push(Span { offset: offset as u32, length: length as u32, flaw: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_has_the_same_rows() {
        let file = b"00059nam a2200049 a 4500001000200000245000700002\x1eX\x1e10\x1faOz\x1e\x1d".repeat(1000);
        let known = blocks(file.clone().into(), 64).unwrap();
        assert_eq!(known.len(), 16);
        assert_eq!(known.iter().map(Known::build).sum::<usize>(), 1000);
        assert_eq!(build_on_pool(&known).unwrap(), 1000);
        assert_eq!(in_one_thread(Source::memory(file.clone()), 64).unwrap(), 1000);
        assert_eq!(one_by_one(&file[..], 64).unwrap(), 1000);
    }
}
