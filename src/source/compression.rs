//! Compression told by its first bytes and taken off as a stream: gzip, zstd and bzip2, of one member or many.
//!
//! Several gzip members, zstd frames or bzip2 streams one after the other (`cat a.gz b.gz`, bgzip, pigz) are one input. After
//! gzip, zero padding is allowed; anything else that follows is an error, as is a stream that was cut.

use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::GzDecoder;

use super::bgzf::{Bgzf, is_bgzf};

/// Compressed bytes read at a time.
pub(super) const INPUT_BUFFER: usize = 256 << 10;

/// How many first bytes tell.
pub(super) const MAGIC_LENGTH: usize = 4;
/// And how many tell in what manner.
const MANNER_LENGTH: usize = 16;

/// A compression that is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
    Bzip2,
}

/// Whether `head` is enough to tell whether an input is compressed, and in what manner.
pub(super) fn is_told(head: &[u8]) -> bool {
    head.len() >= if Compression::of(head) == Some(Compression::Gzip) { MANNER_LENGTH } else { MAGIC_LENGTH }
}

impl Compression {
    /// The compression of an input that begins with `head`.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1F, 0x8B, 0x08, ..] => Some(Self::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Self::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Self::Bzip2),
            _ => None,
        }
    }

    /// What `input` is without it.
    pub(super) fn reader(self, mut input: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        let buffered = |input| BufReader::with_capacity(INPUT_BUFFER, input);
        Ok(match self {
            Self::Gzip => {
                let mut head = Vec::with_capacity(MANNER_LENGTH);
                (&mut input).take(MANNER_LENGTH as u64).read_to_end(&mut head)?;
                let in_bgzf = is_bgzf(&head);
                let input = io::Cursor::new(head).chain(input);
                if in_bgzf { Box::new(Bgzf::new(input)) } else { members(input) }
            }
            Self::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered(input))?),
            Self::Bzip2 => Box::new(MultiBzDecoder::new(buffered(input))),
        })
    }
}

/// The text of gzip members, of which there may be none.
pub(super) fn members(input: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(Members::Between(BufReader::with_capacity(INPUT_BUFFER, Repeatable { input, error: None })))
}

/// Keeps an error and says that the read would block: to decoders that is the one error after which they go on.
struct Repeatable<R> {
    input: R,
    error: Option<io::Error>,
}

impl<R: Read> Read for Repeatable<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.input.read(out) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(count) => return Ok(count),
            }
        }
    }
}

/// Decodes member after member. After an error of the input, a read can be repeated.
enum Members<R> {
    Between(BufReader<Repeatable<R>>),
    In(Box<GzDecoder<BufReader<Repeatable<R>>>>),
    End,
}

impl<R: Read> Members<R> {
    fn decode(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self {
                Self::In(decoder) => {
                    let count = decoder.read(out)?;
                    if count > 0 || out.is_empty() {
                        return Ok(count);
                    }
                }
                Self::Between(input) => {
                    if !more(input)? {
                        *self = Self::End;
                    }
                }
                Self::End => return Ok(0),
            }
            *self = match std::mem::replace(self, Self::End) {
                Self::In(decoder) => Self::Between(decoder.into_inner()),
                Self::Between(input) => Self::In(Box::new(GzDecoder::new(input))),
                Self::End => Self::End,
            };
            // A decoder that is made reads its header at once, and keeps to itself that it could not.
            if let Some(error) = self.cause() {
                return Err(error);
            }
        }
    }

    /// What the input said, if it was that which failed.
    fn cause(&mut self) -> Option<io::Error> {
        match self {
            Self::In(decoder) => decoder.get_mut().get_mut().error.take(),
            Self::Between(input) => input.get_mut().error.take(),
            Self::End => None,
        }
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.decode(out).map_err(|error| self.cause().unwrap_or(error))
    }
}

/// Whether another member follows. Zero bytes do not count (tapes and block devices pad); anything else is an error.
fn more(input: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = input.fill_buf()?;
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        match bytes.get(zeros) {
            Some(0x1F) => {
                input.consume(zeros);
                return Ok(true);
            }
            Some(_) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "bytes after the last gzip member are not gzip",
                ));
            }
            None if zeros == 0 => return Ok(false),
            None => input.consume(zeros),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use std::io::Write;

    pub(in crate::source) fn member(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(data: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let compression = Compression::of(data).expect("compressed");
        compression.reader(io::Cursor::new(data.to_vec()))?.read_to_end(&mut out).map(|_| out)
    }

    fn zstd(data: &[u8]) -> Vec<u8> {
        zstd::encode_all(data, 1).unwrap()
    }

    fn bzip2(data: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn frames_and_streams_are_read_one_after_the_other() {
        for pack in [zstd, bzip2] {
            assert_eq!(decode(&[pack(b"one "), pack(b""), pack(b"three")].concat()).unwrap(), b"one three");
        }
    }

    #[test]
    fn what_is_cut_or_followed_by_something_else_is_an_error() {
        for pack in [member, zstd, bzip2] {
            let data = pack(b"some words that are long enough to be compressed at all");
            for cut in [1, 5, data.len() - 5] {
                assert!(decode(&data[..data.len() - cut]).is_err(), "{cut}");
            }
            assert!(decode(&[&data[..], b"x"].concat()).is_err());
        }
    }

    /// Gives pieces, and errors between them.
    struct Pieces(std::collections::VecDeque<io::Result<Vec<u8>>>);

    impl Read for Pieces {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let Some(piece) = self.0.pop_front() else { return Ok(0) };
            let mut piece = piece?;
            let count = piece.len().min(out.len());
            out[..count].copy_from_slice(&piece[..count]);
            if count < piece.len() {
                self.0.push_front(Ok(piece.split_off(count)));
            }
            Ok(count)
        }
    }

    #[test]
    fn a_read_that_was_interrupted_anywhere_can_be_repeated() {
        let data = [member(b"one "), member(b"two "), member(b"three")].concat();
        for kind in [io::ErrorKind::Other, io::ErrorKind::Interrupted] {
            for cut in 20..=data.len() {
                let (head, tail) = data.split_at(cut);
                let pieces = Pieces([Ok(head.to_vec()), Err(kind.into()), Ok(tail.to_vec())].into());
                let mut reader = Compression::Gzip.reader(pieces).unwrap();
                let (mut text, mut errors, mut out) = (Vec::new(), 0, [0; 3]);
                loop {
                    match reader.read(&mut out) {
                        Ok(0) => break,
                        Ok(count) => text.extend_from_slice(&out[..count]),
                        Err(_) => errors += 1,
                    }
                    assert!(errors <= 1, "{kind} at {cut}");
                }
                assert_eq!(text, b"one two three", "{kind} at {cut}");
            }
        }
    }

    #[test]
    fn a_record_is_not_taken_for_compressed() {
        assert_eq!(Compression::of(b"00038nam a22"), None);
        assert_eq!(Compression::of(b"BZh"), None);
    }

    #[test]
    fn members_are_read_one_after_the_other() {
        let data = [member(b"one "), member(b""), member(b"three"), vec![0; 100]].concat();
        assert_eq!(decode(&data).unwrap(), b"one three");
    }
}
