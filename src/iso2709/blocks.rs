//! Blocks: immutable runs of whole records with their boundaries, the unit of work and, later, of output.
//!
//! A block ends at `records` records or before the record that would take it past `bytes`. Where the input is in memory a
//! block is a slice of it; a stream is read into one fresh buffer per block, and what lies beyond the block's last
//! record is carried into the next buffer. A length found in the input never sizes a buffer: reads grow by what came.
//!
//! A stream that gives what it has ([`ReadChunk`]) is read once per block where that brings enough, and what is whole is
//! delivered without waiting for more where a read came back short. Several blocks share what one read brought.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;

use super::part;
use super::scanner::{Scanner, Step};
use super::sniff;
use crate::error::Error;
use crate::memory::Stock;
use crate::problem::{Code, Problem};
#[cfg(unix)]
use crate::source::Positioned;
use crate::source::{Input, ReadChunk, Source};

/// How large blocks may get.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockSize {
    /// Records, at least 1.
    pub records: usize,
    /// Bytes; a larger record is a block of its own.
    pub bytes: usize,
}

/// A record in its block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// First byte, counted from the block's.
    pub offset: u32,
    pub length: u32,
    /// What the scanner had to say about the boundary.
    pub flaw: Option<Code>,
}

/// A run of whole records.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub bytes: Bytes,
    /// They are a caller's, who has them in memory anyway.
    pub is_lent: bool,
    /// Where the block begins in its (decompressed) source.
    pub offset: u64,
    /// The source's name.
    pub source: Option<Arc<str>>,
    /// The number of the first record over all sources.
    pub first_record: u64,
    pub records: Vec<Span>,
    /// Junk between the records.
    pub junk: Vec<Span>,
}

impl Block {
    /// The bytes of a record or piece of junk.
    pub(crate) fn slice(&self, span: Span) -> &[u8] {
        let start = span.offset as usize;
        self.bytes.get(start..start + span.length as usize).unwrap_or_default()
    }

    /// The same, sharing the block.
    pub(crate) fn slice_bytes(&self, span: Span) -> Bytes {
        self.bytes.slice_ref(self.slice(span))
    }

    /// What is told of a record, by its number over all sources, or of a piece of junk.
    pub(crate) fn problem(&self, record: Option<u64>, span: Span, code: Code) -> Problem {
        Problem {
            source: self.source.clone(),
            record,
            offset: self.offset + u64::from(span.offset),
            length: u64::from(span.length),
            tag: None,
            code,
            message: code.advice().into(),
            raw: Bytes::new(),
        }
    }
}

/// What comes out of a source.
pub(crate) enum Next {
    Block(Block),
    /// The source is not ISO 2709; what it looks like.
    Foreign(&'static str),
    End,
}

/// Cuts one source into blocks.
pub(crate) struct Blocks {
    source: Source,
    size: BlockSize,
    /// `None` once all of it is in `buffer`.
    stream: Option<Stream>,
    /// What was read and is not yet in a block.
    buffer: Buffer,
    /// What the memory of blocks is taken from.
    stock: Stock,
    /// The source is in a caller's memory.
    is_lent: bool,
    /// The last read brought less than was asked for: what there is has been read, for now.
    short: bool,
    /// Offset of the buffer's first byte in the source.
    offset: u64,
    /// Where a part of a source ends: a record begins there that is no longer of it.
    stop: Option<u64>,
    next_record: u64,
    scanner: Scanner,
    sniffed: bool,
    /// What the source looks like, which is not ISO 2709.
    foreign: Option<&'static str>,
    /// Those first bytes of a foreign source that are kept.
    head: Option<Bytes>,
    /// How many bytes to read ahead for a block, learnt from the blocks before.
    expected: usize,
    /// Why the stream could not be read further, to be told when what came before is used up.
    failed: Option<Error>,
}

enum Stream {
    /// Gives as much as is asked for, but at its end.
    Full(Box<dyn Read + Send>),
    /// The same, and is to be asked for much at a time.
    Packed(Box<dyn Read + Send>),
    /// The same, by several threads.
    #[cfg(unix)]
    File(Positioned),
    /// Gives what it has.
    Chunks(Box<dyn ReadChunk>),
}

enum Buffer {
    /// Shared with the blocks that were cut from it; moved into one of our own before anything is appended.
    Whole(Bytes),
    Growing(Vec<u8>),
}

impl Buffer {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Growing(bytes) => bytes,
        }
    }
}

/// How much of a foreign source is read at a time.
const DRAIN: usize = 1 << 20;

/// The guess for a record's length before the first block is read.
const TYPICAL_RECORD: usize = 2 << 10;

impl Blocks {
    pub(crate) fn open(source: Source, first_record: u64, size: BlockSize, stock: Stock) -> Result<Self, Error> {
        let (mut offset, mut stop) = (0, None);
        let (buffer, stream) = match source.open()? {
            Input::Part(mut file, part) => {
                let (begin, end) = part::bounds(&part, &mut file).map_err(|error| source.cannot_read(error))?;
                (offset, stop) = (begin, Some(end));
                (Buffer::Growing(Vec::new()), Some(Stream::Full(Box::new(file.take(part.size.saturating_sub(begin))))))
            }
            Input::Memory(bytes) => (Buffer::Whole(bytes), None),
            #[cfg(unix)]
            Input::File(file) => (Buffer::Growing(Vec::new()), Some(Stream::File(file))),
            Input::Stream(stream) => (Buffer::Growing(Vec::new()), Some(Stream::Full(stream))),
            Input::Packed(stream) => (Buffer::Growing(Vec::new()), Some(Stream::Packed(stream))),
            Input::Chunks(stream) => (Buffer::Growing(Vec::new()), Some(Stream::Chunks(stream))),
        };
        let is_lent = matches!(buffer, Buffer::Whole(_));
        let most = size.bytes.max(sniff::WINDOW);
        let expected = size.records.saturating_mul(TYPICAL_RECORD).clamp(sniff::WINDOW, most);
        // Small files need no large buffers; a compressed one is larger than it seems.
        let file = source.size().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
        let expected = expected.min(file.saturating_mul(8)).max(READ_AT_LEAST);
        Ok(Self {
            source,
            size,
            stream,
            buffer,
            stock,
            is_lent,
            short: false,
            offset,
            stop,
            next_record: first_record,
            scanner: Scanner::default(),
            // What a file is, its beginning tells.
            sniffed: offset > 0,
            foreign: None,
            head: None,
            expected,
            failed: None,
        })
    }

    /// The number that the next record will have.
    pub(crate) fn next_record(&self) -> u64 {
        self.next_record
    }

    /// After [`Next::Foreign`]: reads the source to its end, and returns its first `keep` bytes and its length; `None` as soon as
    /// that is not `wanted`. After that, and after an interruption, it can be repeated, and goes on.
    pub(crate) fn drain(&mut self, keep: usize, wanted: impl Fn() -> bool) -> Result<Option<(Bytes, u64)>, Error> {
        if self.head.is_none() {
            while self.buffer.bytes().len() < keep {
                if !wanted() {
                    return Ok(None);
                }
                if !self.read_more(DRAIN)? {
                    break;
                }
            }
            let head = match std::mem::replace(&mut self.buffer, Buffer::Growing(Vec::new())) {
                Buffer::Whole(bytes) => bytes,
                Buffer::Growing(bytes) => Bytes::from(bytes),
            };
            self.offset = head.len() as u64;
            self.head = Some(head.slice(..head.len().min(keep)));
        }
        while wanted() {
            let more = self.read_more(DRAIN)?;
            if let Buffer::Growing(buffer) = &mut self.buffer {
                self.offset += buffer.len() as u64;
                buffer.clear();
            }
            if !more {
                return Ok(Some((self.head.clone().unwrap_or_default(), self.offset)));
            }
        }
        Ok(None)
    }

    pub(crate) fn next(&mut self) -> Result<Next, Error> {
        if !self.sniffed {
            while self.buffer.bytes().len() < sniff::WINDOW {
                if self.short && sniff::is_enough(self.buffer.bytes()) {
                    break;
                }
                let want = self.wanted(0, 0);
                match self.read_more(want) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) if error.is_interruption() || self.buffer.bytes().is_empty() => return Err(error),
                    Err(error) => {
                        self.failed = Some(error);
                        break;
                    }
                }
            }
            self.sniffed = true;
            self.foreign = sniff::foreign(self.buffer.bytes());
        }
        if let Some(what) = self.foreign {
            return Ok(Next::Foreign(what));
        }
        let mut records = Vec::new();
        let mut junk = Vec::new();
        let mut at = 0;
        loop {
            if self.stop.is_some_and(|stop| self.offset + at as u64 >= stop) {
                break;
            }
            let step = self.scanner.step(self.buffer.bytes(), at, self.stream.is_none());
            let (list, span, flaw) = match step {
                Step::Record { start, end, flaw } => (&mut records, start..end, flaw),
                Step::Junk { end } => (&mut junk, at..end, Some(Code::Junk)),
                // Records that are whole do not wait for one that is not, nor for one that has no room in the block.
                Step::NeedMore if at > 0 && (self.is_full() || self.is_short()) => break,
                Step::NeedMore => {
                    let want = self.wanted(records.len(), at);
                    match self.read_more(want) {
                        Ok(_) => continue,
                        // After an interruption the block is begun again, with what has been read.
                        Err(error) if error.is_interruption() || at == 0 => return Err(error),
                        Err(error) => {
                            // First the records that were whole.
                            self.failed = Some(error);
                            break;
                        }
                    }
                }
                Step::End => break,
            };
            let end = span.end;
            if at > 0 && end > self.size.bytes {
                break;
            }
            let gap = at..span.start;
            if self.stop.is_some_and(|stop| self.offset + gap.end as u64 >= stop) {
                junk.push(span_of(gap, Some(Code::Junk)));
                at = span.start;
                break;
            }
            list.push(span_of(span, flaw));
            if !gap.is_empty() {
                junk.push(span_of(gap, Some(Code::Junk)));
            }
            at = end;
            if records.len() >= self.size.records {
                break;
            }
        }
        if at == 0 {
            if self.source.is_part() {
                // What has changed meanwhile may be of two files.
                self.source.check()?;
                if self.stop.is_some_and(|stop| self.offset < stop) {
                    return Err(self.source.changed());
                }
            }
            return Ok(Next::End);
        }
        Ok(Next::Block(self.cut(at, records, junk)))
    }

    /// Takes the first `end` bytes as a block and keeps the rest.
    fn cut(&mut self, end: usize, records: Vec<Span>, junk: Vec<Span>) -> Block {
        if self.chunks()
            && let Buffer::Growing(buffer) = &mut self.buffer
        {
            let mut read = std::mem::take(buffer);
            if read.capacity() / 2 > read.len() {
                read.shrink_to_fit();
            }
            self.buffer = Buffer::Whole(read.into());
        }
        self.expected = if records.len() >= self.size.records {
            // A little more than this block took: the next one's last record should be whole.
            (end + end / 32).clamp(sniff::WINDOW, self.size.bytes.max(sniff::WINDOW))
        } else {
            self.size.bytes.max(sniff::WINDOW)
        };
        let bytes = match &mut self.buffer {
            Buffer::Whole(bytes) => bytes.split_to(end),
            Buffer::Growing(buffer) => {
                let rest = buffer.get(end..).unwrap_or_default();
                // Beyond what is expected, so that larger records do not move the buffer; room that nobody touches costs nothing, and
                // what was touched comes with memory that is used again.
                let [least, room] = if self.stream.is_some() {
                    [self.expected, self.expected / 4 * 5].map(|room| rest.len().max(room + READ_AT_LEAST))
                } else {
                    [rest.len(); 2]
                };
                let mut next = self.stock.take(least, room);
                next.extend_from_slice(rest);
                buffer.truncate(end);
                if buffer.capacity() / 2 > end {
                    // Retained with the batch, the room that was not needed would count.
                    buffer.shrink_to_fit();
                }
                self.stock.lend(std::mem::replace(buffer, next))
            }
        };
        self.scanner.advance(end);
        let block = Block {
            bytes,
            is_lent: self.is_lent,
            offset: self.offset,
            source: self.source.name().cloned(),
            first_record: self.next_record,
            records,
            junk,
        };
        self.offset += end as u64;
        self.next_record += block.records.len() as u64;
        block
    }

    /// Whether the last read of a stream of chunks brought less than was asked for.
    pub(crate) fn is_short(&self) -> bool {
        self.short && self.chunks()
    }

    fn chunks(&self) -> bool {
        matches!(self.stream, Some(Stream::Chunks(_)))
    }

    /// Whether the buffer has as much as a block may take.
    fn is_full(&self) -> bool {
        self.buffer.bytes().len() >= self.size.bytes
    }

    /// How many bytes the next block will surely ask a stream of chunks for, so that they can be fetched ahead of it; 0 if
    /// it may do without.
    pub(crate) fn foreseen(&mut self) -> usize {
        let have = self.buffer.bytes();
        let missing = self.size.bytes.saturating_sub(have.len());
        let whole = || matches!(Scanner::default().step(have, 0, false), Step::Record { .. });
        if !self.sniffed
            || !self.chunks()
            || self.failed.is_some()
            || have.len() >= self.expected
            || self.short && whole()
        {
            return 0;
        }
        missing.max(READ_AT_LEAST)
    }

    /// How many more bytes the block under way may need, `at` of them being cut into `records` already.
    fn wanted(&self, records: usize, at: usize) -> usize {
        let have = self.buffer.bytes().len();
        if self.chunks() {
            // A call is dear, and what it brings beyond this block serves the next.
            return self.size.bytes.saturating_sub(have).max(have - at).max(READ_AT_LEAST);
        }
        let ahead = self.expected.saturating_sub(have);
        // Beyond what was expected, read for the records that are missing, not before: the first few tell little of the others, and what
        // they have too much of would move the buffer. A record longer than that doubles it.
        let missing = match records {
            0 => have,
            _ if ahead > 0 => 0,
            records => (at / records).saturating_mul(self.size.records.saturating_sub(records)).min(self.size.bytes),
        };
        // What is not cut yet at least doubles, so that looking through it again and again stays linear in all.
        ahead.max(missing).max(have - at).max(READ_AT_LEAST)
    }

    /// Reads at least one byte and at most `want` into the buffer; false at the end of the source.
    fn read_more(&mut self, want: usize) -> Result<bool, Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let Some(stream) = &mut self.stream else { return Ok(false) };
        if let Buffer::Whole(rest) = &self.buffer {
            // What comes makes its own room: a length that is asked for is not one that comes.
            self.buffer = Buffer::Growing(rest.to_vec());
        }
        let Buffer::Growing(buffer) = &mut self.buffer else { return Ok(false) };
        if buffer.capacity() == 0 && !matches!(stream, Stream::Chunks(_)) {
            *buffer = self.stock.take(want, want);
        }
        let before = buffer.len();
        let mut most = usize::MAX;
        let read = match stream {
            Stream::Full(stream) => {
                buffer.reserve(want);
                // `read_to_end` reads into spare capacity without clearing it first, and repeats short reads.
                stream.take(want as u64).read_to_end(buffer)
            }
            #[cfg(unix)]
            Stream::File(file) => file.read(buffer, want),
            Stream::Packed(stream) => read_packed(stream, buffer, want),
            Stream::Chunks(stream) => {
                most = stream.most();
                stream.read_chunk(buffer, want).map(|_| buffer.len() - before)
            }
        };
        let count = match read {
            Ok(count) => count,
            Err(error) => {
                let error = self.source.cannot_read(error);
                if error.is_interruption() || buffer.len() == before {
                    return Err(error);
                }
                self.failed = Some(error);
                return Ok(true);
            }
        };
        self.short = count < want.min(most);
        if count == 0 || self.short && !self.chunks() {
            self.stream = None;
        }
        Ok(count > 0)
    }
}

/// Bytes that are asked of a decompressor at a time. Each call of one copies its window, which is 32 KiB in gzip.
const UNPACK: usize = 256 << 10;

/// Reads `want` bytes, or as many as there are.
fn read_packed(stream: &mut dyn Read, buffer: &mut Vec<u8>, want: usize) -> std::io::Result<usize> {
    let start = buffer.len();
    let mut end = start;
    buffer.reserve(want);
    let result = loop {
        let room = UNPACK.min(start + want - end);
        if room == 0 {
            break Ok(());
        }
        buffer.resize(end + room, 0);
        match stream.read(buffer.get_mut(end..).unwrap_or_default()) {
            Ok(0) => break Ok(()),
            Ok(count) => end += count.min(room),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    buffer.truncate(end);
    result.map(|()| end - start)
}

/// The least that is asked of a stream at a time.
const READ_AT_LEAST: usize = 64 << 10;

fn span_of(range: std::ops::Range<usize>, flaw: Option<Code>) -> Span {
    // Blocks are bounded by their size or, for one record, by `scanner::MAX_RECORD`, both far below 4 GiB.
    debug_assert!(u32::try_from(range.end).is_ok());
    Span { offset: range.start as u32, length: (range.end - range.start) as u32, flaw }
}

#[cfg(test)]
mod tests;
