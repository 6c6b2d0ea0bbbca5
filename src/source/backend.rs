//! The three kinds of place that bytes come from, one for each kind of input.

use std::fs::File;
use std::io::{self, Cursor, Read};

use bytes::Bytes;

/// A stream that is read by calls that bring what they bring: Python file objects and sockets.
///
/// [`Read`] would need a buffer that is filled with zeros first, and its helpers ask again and again for small pieces; here
/// one call is one call on the other side.
pub trait ReadChunk: Send {
    /// Appends what one read brings, at most `want` bytes, to `buffer`; 0 at the end of the stream.
    ///
    /// # Errors
    ///
    /// Whatever the other side says.
    fn read_chunk(&mut self, buffer: &mut Vec<u8>, want: usize) -> io::Result<usize>;

    /// The most that one read brings, however much is asked for: so much is not little.
    fn most(&self) -> usize {
        usize::MAX
    }
}

/// Where the bytes of a source come from, before anything is decompressed.
#[non_exhaustive]
pub enum ReaderBackend {
    /// A file object of another language, read by calls into it; its first bytes have been read.
    PythonFile(Prefixed),
    /// A file that the operating system reads for us.
    RustFile(File),
    /// Bytes in memory.
    CursorBackend(Cursor<Bytes>),
}

/// The names of the backends, as users see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackendKind {
    /// A file object of another language, read by calls into it.
    PythonFile,
    /// A file that the operating system reads for us.
    RustFile,
    /// Bytes in memory.
    CursorBackend,
}

impl BackendKind {
    /// `PythonFile`, `RustFile` or `CursorBackend`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PythonFile => "PythonFile",
            Self::RustFile => "RustFile",
            Self::CursorBackend => "CursorBackend",
        }
    }
}

/// Bytes that were read ahead, and then the rest of the stream they came from.
pub struct Prefixed {
    pub(super) head: Vec<u8>,
    /// The stream gave all of that at once, as much as it was asked for: it has more.
    full: bool,
    rest: Box<dyn ReadChunk>,
}

impl Prefixed {
    pub(super) fn new(stream: Box<dyn ReadChunk>) -> Self {
        Self { head: Vec::new(), full: false, rest: stream }
    }

    /// Reads ahead, `want` bytes at a time, until that `is_enough` or the stream ends. After an error it can be repeated.
    pub(super) fn read_head(&mut self, want: usize, is_enough: impl Fn(&[u8]) -> bool) -> io::Result<()> {
        while !is_enough(&self.head) && self.rest.read_chunk(&mut self.head, want)? > 0 {}
        self.full = self.head.len() == want;
        Ok(())
    }
}

impl ReadChunk for Prefixed {
    fn most(&self) -> usize {
        self.rest.most()
    }

    fn read_chunk(&mut self, buffer: &mut Vec<u8>, want: usize) -> io::Result<usize> {
        if self.head.is_empty() {
            return self.rest.read_chunk(buffer, want);
        }
        let count = self.head.len().min(want);
        buffer.extend(self.head.drain(..count));
        if !self.full || count == want {
            return Ok(count);
        }
        Ok(count + self.rest.read_chunk(buffer, want - count)?)
    }
}

/// For decompressors, which read bytes as they need them.
impl Read for Prefixed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // One or the other: what an interruption of the second read left of the first would be lost.
        if !self.head.is_empty() {
            let count = (&self.head[..]).read(out)?;
            self.head.drain(..count);
            return Ok(count);
        }
        let mut buffer = Vec::new();
        if let Err(error) = self.rest.read_chunk(&mut buffer, out.len()) {
            self.head = buffer;
            return Err(error);
        }
        let count = buffer.len();
        let room = out.get_mut(..count).ok_or_else(|| io::Error::other("a stream gave more than it was asked for"))?;
        room.copy_from_slice(&buffer);
        Ok(count)
    }
}
