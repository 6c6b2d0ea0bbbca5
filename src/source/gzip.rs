//! gzip as a stream, every member of it (`cat a.gz b.gz`, bgzip), zero padding after the last one allowed.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

/// The first bytes of every gzip member.
pub(super) const MAGIC: &[u8] = b"\x1F\x8B\x08";

/// Compressed bytes read at a time.
const INPUT_BUFFER: usize = 256 << 10;

pub(super) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

pub(super) fn reader<R: Read>(input: R) -> impl Read + use<R> {
    Members(Some(GzDecoder::new(BufReader::with_capacity(INPUT_BUFFER, input))))
}

/// Decodes member after member; `None` at the end.
struct Members<R>(Option<GzDecoder<BufReader<R>>>);

impl<R: Read> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.0 {
            let count = decoder.read(out)?;
            if count > 0 || out.is_empty() {
                return Ok(count);
            }
            let Some(decoder) = self.0.take() else { break };
            let mut input = decoder.into_inner();
            if more(&mut input)? {
                self.0 = Some(GzDecoder::new(input));
            }
        }
        Ok(0)
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
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn member(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(data: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        reader(data).read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn members_are_read_one_after_the_other() {
        let data = [member(b"one "), member(b""), member(b"three"), vec![0; 100]].concat();
        assert_eq!(decode(&data).unwrap(), b"one three");
    }

    #[test]
    fn a_cut_member_and_garbage_after_one_are_errors() {
        let data = member(b"some words that are long enough");
        assert!(decode(&data[..data.len() - 9]).is_err());
        assert!(decode(&[&data[..], b"x"].concat()).is_err());
    }
}
