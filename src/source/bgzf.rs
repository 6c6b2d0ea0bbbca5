//! gzip in members that say how long they are (BGZF, as bgzip writes it): decompressed on all cores.
//!
//! Such a member is a gzip member of at most 64 KiB of text whose header has an extra field `BC` with the member's length,
//! so that where the next one begins is known without decompressing. From the first member on that says nothing of the
//! kind, the rest is left to the general way.

use std::io::{self, Cursor, Read};

use flate2::bufread::GzDecoder;
use libdeflater::{Crc, Decompressor};
use memchr::memmem;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use super::compression::{INPUT_BUFFER, members};
use crate::pool::Pool;

/// The most text of a member.
const MOST_TEXT: usize = 64 << 10;
/// Text that is decompressed at a time, about.
const AT_A_TIME: usize = 2 << 20;
/// Members that one thread takes at a time.
const TOGETHER: usize = 4;
/// What a member's header begins with: magic, deflate, an extra field, time, flags, system, the extra field's length of 6, `BC`
/// and that one's length of 2. Bytes 4 to 9 may be anything.
const HEADER: [u8; 16] = [0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 0, 6, 0, b'B', b'C', 2, 0];

/// A member of which all bytes are there.
#[derive(Debug, Clone, Copy)]
struct Member {
    start: usize,
    end: usize,
    text: usize,
}

/// Whether an input that begins with `head` is in such members.
pub(super) fn is_bgzf(head: &[u8]) -> bool {
    head.first_chunk::<16>().is_some_and(|head| {
        head.iter().zip(HEADER).enumerate().all(|(at, (&byte, expected))| (4..10).contains(&at) || byte == expected)
    })
}

/// What is at some place.
enum Found {
    Member(Member),
    /// It takes more bytes to tell, or to have all of it.
    Incomplete,
    Other,
}

fn member(raw: &[u8], start: usize) -> Found {
    let rest = raw.get(start..).unwrap_or_default();
    let Some(size) = rest.get(16..18).and_then(<[u8]>::first_chunk) else { return Found::Incomplete };
    if !is_bgzf(rest) {
        return Found::Other;
    }
    let length = usize::from(u16::from_le_bytes(*size)) + 1;
    let Some(text) = rest.get(..length).and_then(<[u8]>::last_chunk) else { return Found::Incomplete };
    match u32::from_le_bytes(*text) as usize {
        text @ 0..=MOST_TEXT if length >= HEADER.len() + 10 => {
            Found::Member(Member { start, end: start + length, text })
        }
        _ => Found::Other,
    }
}

/// Reads an input in such members as text.
pub(super) struct Bgzf<R: Read> {
    /// `None` once it is left to `rest`.
    input: Option<R>,
    /// What is read at a time.
    chunk: Vec<u8>,
    /// Compressed bytes, of which the first `used` have been decompressed.
    raw: Vec<u8>,
    used: usize,
    /// Text, of which the first `served` bytes have been read.
    text: Vec<u8>,
    served: usize,
    /// What is told after the text before it.
    failed: Option<io::Error>,
    rest: Option<Box<dyn Read + Send>>,
}

/// What became of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Text,
    Corrupt,
    /// It is whole, but not as long as it says.
    Other,
}

/// Decompresses a member, all of `raw`, into all of `text`.
fn decompress(decompressor: &mut Decompressor, raw: &[u8], text: &mut [u8]) -> Outcome {
    if decompressor.gzip_decompress(raw, text) != Ok(text.len()) {
        return Outcome::Corrupt;
    }
    // It may have ended before all of `raw` was used. Then the checksum at the end is another, unless a second member follows
    // that is just like it; its first bytes are in ordinary members by chance alone.
    let mut crc = Crc::new();
    crc.update(text);
    let ends = raw.len().checked_sub(8).and_then(|end| raw.get(end..end + 4)) == Some(&crc.sum().to_le_bytes());
    let second = raw.get(1..).is_some_and(|rest| memmem::find(rest, &HEADER[..3]).is_some());
    if ends && !(second && ends_early(raw)) { Outcome::Text } else { Outcome::Other }
}

/// Whether the gzip member that `raw` begins with leaves some of it.
fn ends_early(raw: &[u8]) -> bool {
    let mut decoder = GzDecoder::new(raw);
    io::copy(&mut decoder, &mut io::sink()).is_err() || !decoder.into_inner().is_empty()
}

impl<R: Read + Send + 'static> Bgzf<R> {
    pub(super) fn new(input: R) -> Self {
        let (raw, chunk, text) = (Vec::new(), vec![0; INPUT_BUFFER], Vec::new());
        Self { input: Some(input), chunk, raw, used: 0, text, served: 0, failed: None, rest: None }
    }

    /// Decompresses the members that are there; reads on if none is. No text and no error is the end of them.
    fn fill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.served = 0;
        while let Some(input) = &mut self.input {
            let mut found = Vec::new();
            let (mut at, mut text) = (self.used, 0);
            let next = loop {
                match member(&self.raw, at) {
                    Found::Member(member) if text < AT_A_TIME => {
                        (at, text) = (member.end, text + member.text);
                        found.push(member);
                    }
                    next => break next,
                }
            };
            if !found.is_empty() {
                self.decompress(&found, text)?;
                if !self.text.is_empty() {
                    return Ok(());
                }
                continue;
            }
            self.raw.drain(..self.used);
            self.used = 0;
            if matches!(next, Found::Incomplete) {
                let count = input.read(&mut self.chunk)?;
                self.raw.extend_from_slice(self.chunk.get(..count).unwrap_or_default());
                if count > 0 {
                    continue;
                }
            }
            self.leave_the_rest();
        }
        Ok(())
    }

    /// Zeros, other gzip, something else, or the end, whole or not: others know what to make of it.
    fn leave_the_rest(&mut self) {
        let rest = Cursor::new(self.raw.split_off(self.used));
        self.rest = self.input.take().map(|input| members(rest.chain(input)));
    }

    fn decompress(&mut self, found: &[Member], text: usize) -> io::Result<()> {
        let pool = Pool::get().map_err(io::Error::other)?;
        self.text.resize(text, 0);
        let mut rest = self.text.as_mut_slice();
        let mut work = Vec::with_capacity(found.len());
        for member in found {
            let Some((text, after)) = rest.split_at_mut_checked(member.text) else { break };
            work.push((self.raw.get(member.start..member.end).unwrap_or_default(), text));
            rest = after;
        }
        let one = |decompressor: &mut Decompressor, (raw, text)| decompress(decompressor, raw, text);
        let outcomes: Vec<Outcome> =
            pool.install(|| work.into_par_iter().with_min_len(TOGETHER).map_init(Decompressor::new, one).collect());
        let bad = outcomes.iter().enumerate().find(|(_, outcome)| **outcome != Outcome::Text);
        let sound = bad.map_or(found.len(), |(place, _)| place);
        self.text.truncate(found.iter().take(sound).map(|member| member.text).sum());
        self.used = found.iter().take(sound).next_back().map_or(self.used, |member| member.end);
        match bad {
            Some((_, Outcome::Corrupt)) => {
                self.failed = Some(io::Error::new(io::ErrorKind::InvalidData, "a gzip member is corrupt"));
                self.input = None;
            }
            Some(_) => self.leave_the_rest(),
            None => {}
        }
        Ok(())
    }
}

impl<R: Read + Send + 'static> Read for Bgzf<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.served == self.text.len() && self.input.is_some() {
            self.fill()?;
        }
        let text = self.text.get(self.served..).unwrap_or_default();
        if text.is_empty() {
            return match (self.failed.take(), &mut self.rest) {
                (Some(error), _) => Err(error),
                (None, Some(rest)) => rest.read(out),
                (None, None) => Ok(0),
            };
        }
        let count = text.len().min(out.len());
        if let (Some(out), Some(text)) = (out.get_mut(..count), text.get(..count)) {
            out.copy_from_slice(text);
        }
        self.served += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::compression::tests::member as plain;
    use proptest::prelude::*;

    /// Text as bgzip writes it: members of at most `most` bytes, and an empty one at the end.
    fn bgzip(text: &[u8], most: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in text.chunks(most).chain([&[][..]]) {
            let mut body = plain(piece).split_off(10);
            let length = 18 + body.len() - 1;
            out.extend(HEADER);
            out.extend((length as u16).to_le_bytes());
            out.append(&mut body);
        }
        out
    }

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|at| b"a catalogue of words"[at * at / 7 % 20]).collect()
    }

    fn read(raw: Vec<u8>) -> (Vec<u8>, io::Result<usize>) {
        let mut out = Vec::new();
        let result = Bgzf::new(Cursor::new(raw)).read_to_end(&mut out);
        (out, result)
    }

    #[test]
    fn members_are_told_by_their_first_bytes() {
        assert!(is_bgzf(&bgzip(b"x", 1)));
        assert!(!is_bgzf(&plain(b"some text that is long enough")));
        assert!(!is_bgzf(&HEADER[..15]));
    }

    #[test]
    fn what_follows_may_be_other_gzip_or_zeros_and_nothing_else() {
        let words = text(300_000);
        let whole = bgzip(&words, 60_000);
        for (more, expected) in [(vec![], &b""[..]), (plain(b"more"), b"more"), (vec![0; 700], b"")] {
            let (out, result) = read([&whole[..], &more].concat());
            assert!(result.is_ok());
            assert_eq!(out, [&words[..], expected].concat());
        }
        assert!(read([&whole[..], b"x"].concat()).1.is_err());
    }

    #[test]
    fn text_before_a_corrupt_member_comes_first() {
        let words = text(200_000);
        let mut raw = bgzip(&words, 50_000);
        let second = usize::from(u16::from_le_bytes([raw[16], raw[17]])) + 1;
        raw[second + 40] ^= 0xFF;
        let (out, result) = read(raw.clone());
        assert_eq!((out, result.unwrap_err().kind()), (words[..50_000].to_vec(), io::ErrorKind::InvalidData));
        // It is told once, and nothing comes after it.
        let mut reader = Bgzf::new(Cursor::new(raw));
        io::copy(&mut reader, &mut io::sink()).unwrap_err();
        assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
    }

    #[test]
    fn a_member_that_claims_more_text_than_it_may_is_left_to_the_general_way() {
        let mut raw = bgzip(b"text", 9);
        let end = usize::from(u16::from_le_bytes([raw[16], raw[17]])) + 1;
        raw[end - 4..end].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(read(raw).1.is_err());
    }

    #[test]
    fn a_member_that_is_shorter_than_it_says_hides_nothing() {
        for (first, second) in [("the same text", "the same text"), ("one text", "two text"), ("longer text", "text")] {
            let mut raw = bgzip(first.as_bytes(), 99);
            raw.truncate(usize::from(u16::from_le_bytes([raw[16], raw[17]])) + 1);
            raw.extend(plain(second.as_bytes()));
            let length = raw.len() as u16 - 1;
            raw[16..18].copy_from_slice(&length.to_le_bytes());
            let (out, result) = read([&raw[..], &bgzip(b" and more", 99)].concat());
            assert!(result.is_err() || out == [first, second, " and more"].concat().as_bytes(), "{first} {second}");
            assert!(result.is_ok() || first.len() != second.len());
        }
    }

    #[test]
    fn the_first_bytes_of_a_member_may_be_in_another_by_chance() {
        // Stored, not compressed, so that they stand there as they are.
        let words = [&HEADER[..3], b" is how a member begins"].concat();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        io::Write::write_all(&mut encoder, &words).unwrap();
        let mut body = encoder.finish().unwrap().split_off(10);
        let mut raw = HEADER.to_vec();
        raw.extend((18 + body.len() as u16 - 1).to_le_bytes());
        raw.append(&mut body);
        let mut text = vec![0; words.len()];
        assert_eq!(decompress(&mut Decompressor::new(), &raw, &mut text), Outcome::Text);
        assert_eq!(text, words);
    }

    proptest! {
        #[test]
        fn a_cut_is_an_error_and_loses_nothing_before(length in 0usize..150_000, most in 1000usize..65_000, cut in any::<prop::sample::Index>()) {
            let words = text(length);
            let whole = bgzip(&words, most);
            let (out, result) = read(whole.clone());
            prop_assert!(result.is_ok());
            prop_assert_eq!(&out, &words);
            let cut = cut.index(whole.len());
            let (out, result) = read(whole[..cut].to_vec());
            prop_assert!(words.starts_with(&out));
            // A cut between members leaves whole ones.
            prop_assert!(result.is_err() || out.len() % most == 0 || out.len() == words.len());
        }
    }
}
