//! Where bytes come from: paths, memory and streams of another language, plain or compressed, told apart by magic bytes.
//!
//! A [`Source`] names an input; `Source::open` yields its decompressed bytes as whole memory or as a stream. Files are
//! read, never mapped: a mapped file that somebody truncates is a SIGBUS.

mod backend;
mod bgzf;
mod compression;
#[cfg(unix)]
mod file;
mod part;

use std::fs::File;
#[cfg(unix)]
use std::io::Seek;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::error::{Error, ErrorKind};
use backend::Prefixed;
pub(crate) use backend::ReaderBackend;
pub use backend::{BackendKind, ReadChunk};
use compression::{Compression, MAGIC_LENGTH};
#[cfg(unix)]
pub(crate) use file::Positioned;
pub use part::FilePart;

/// One input.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as shown in errors and in the `include_file_paths` column; `None` for memory.
    name: Option<Arc<str>>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Path(PathBuf),
    Memory(Bytes),
    Part(FilePart),
    /// Taken by the first who opens it.
    Once(Arc<Mutex<Option<Box<dyn ReadChunk>>>>),
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => path.fmt(f),
            Self::Memory(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Part(part) => part.fmt(f),
            Self::Once(_) => f.write_str("a stream"),
        }
    }
}

/// The bytes of an opened source.
pub(crate) enum Input {
    /// All of them at once.
    Memory(Bytes),
    /// One after the other, as many as are asked for.
    Stream(Box<dyn Read + Send>),
    /// The same, by a decompressor, which is slowed down by being asked for little.
    Packed(Box<dyn Read + Send>),
    /// One after the other, as they come.
    Chunks(Box<dyn ReadChunk>),
    /// A part of a file, as it lies there.
    Part(File, FilePart),
    /// A regular file, as it lies there.
    #[cfg(unix)]
    File(Positioned),
}

/// How much is read of a stream to see how it begins: what a batch of its records may take. (A test of interruptions in `tests/reader.rs` has a first piece of
/// this length.)
const HEAD: usize = 300_000;

/// `input` without its compression.
fn stream(mut input: impl Read + Send + 'static) -> std::io::Result<Input> {
    let mut head = Vec::with_capacity(MAGIC_LENGTH);
    (&mut input).take(MAGIC_LENGTH as u64).read_to_end(&mut head)?;
    let compression = Compression::of(&head);
    let input = Cursor::new(head).chain(input);
    match compression {
        None => Ok(Input::Stream(Box::new(input))),
        Some(compression) => compression.reader(input).map(Input::Packed),
    }
}

/// How a file begins, from where it stands.
fn head_of(file: &File) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(MAGIC_LENGTH);
    file.take(MAGIC_LENGTH as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// As shells have it, and so that what an interrupted writer left is no data.
const HIDDEN_LEFT_OUT: glob::MatchOptions =
    glob::MatchOptions { case_sensitive: true, require_literal_separator: false, require_literal_leading_dot: true };

impl Source {
    /// A file.
    #[must_use]
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { name: Some(path.to_string_lossy().into()), kind: Kind::Path(path) }
    }

    /// Bytes in memory; not copied.
    #[must_use]
    pub fn memory(bytes: impl Into<Bytes>) -> Self {
        Self { name: None, kind: Kind::Memory(bytes.into()) }
    }

    /// A part of a file.
    #[must_use]
    pub fn part(part: FilePart) -> Self {
        Self { name: Some(part.path.to_string_lossy().into()), kind: Kind::Part(part) }
    }

    /// Whether it is a part of a file.
    pub(crate) fn is_part(&self) -> bool {
        matches!(self.kind, Kind::Part(_))
    }

    /// A stream that can be read once, with a name for messages.
    #[must_use]
    pub fn stream(name: Option<&str>, stream: Box<dyn ReadChunk>) -> Self {
        Self { name: name.map(Arc::from), kind: Kind::Once(Arc::new(Mutex::new(Some(stream)))) }
    }

    /// The files that `pattern` stands for, in order of their names.
    ///
    /// A path without wildcards (`*`, `?`, `[`), or one that exists as it stands, is that one file.
    ///
    /// # Errors
    ///
    /// A malformed pattern, a folder that cannot be read, or a pattern that matches no file.
    pub fn glob(pattern: &str) -> Result<Vec<Self>, Error> {
        if !pattern.contains(['*', '?', '[']) || Path::new(pattern).exists() {
            return Ok(vec![Self::path(pattern)]);
        }
        let paths = glob::glob_with(pattern, HIDDEN_LEFT_OUT)
            .map_err(|error| Error::option(format!("bad glob pattern {pattern:?}: {error}")))?;
        let mut found = Vec::new();
        for path in paths {
            let path = path.map_err(|error| {
                let doing = format!("cannot list {}", error.path().display());
                Error::from_io(error.into(), &doing)
            })?;
            if !path.is_dir() {
                found.push(Self::path(path));
            }
        }
        if found.is_empty() {
            let error = std::io::Error::new(std::io::ErrorKind::NotFound, "no file matches");
            return Err(Error::from_io(error, "cannot open").in_source(Some(pattern.into())));
        }
        Ok(found)
    }

    /// The path as text; `None` for memory.
    #[must_use]
    pub fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    /// Which backend reads it.
    #[must_use]
    pub fn backend(&self) -> BackendKind {
        match self.kind {
            Kind::Path(_) | Kind::Part(_) => BackendKind::RustFile,
            Kind::Memory(_) => BackendKind::CursorBackend,
            Kind::Once(_) => BackendKind::PythonFile,
        }
    }

    /// The size in bytes before decompression, if it can be told without reading.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match &self.kind {
            Kind::Path(path) => path.metadata().ok().filter(std::fs::Metadata::is_file).map(|data| data.len()),
            Kind::Memory(bytes) => Some(bytes.len() as u64),
            Kind::Part(part) => Some(part.end.saturating_sub(part.start)),
            Kind::Once(_) => None,
        }
    }

    /// Whether reading it waits for nobody: memory, or a regular file.
    pub(crate) fn is_at_hand(&self) -> bool {
        matches!(self.kind, Kind::Memory(_)) || self.size().is_some()
    }

    /// Whether it begins as compressed data does; false, too, where that cannot be told.
    pub(crate) fn is_compressed(&self) -> bool {
        let path = match &self.kind {
            Kind::Memory(bytes) => return Compression::of(bytes).is_some(),
            Kind::Path(path) if self.is_at_hand() => path,
            Kind::Part(part) => &part.path,
            Kind::Path(_) | Kind::Once(_) => return false,
        };
        let head = File::open(path).and_then(|file| head_of(&file));
        head.is_ok_and(|head| Compression::of(&head).is_some())
    }

    /// Fails early where [`Source::open`] would: a missing file is better reported before the first hour of work.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.kind {
            Kind::Path(path) => {
                let data = path.metadata().map_err(|error| self.cannot_open(error))?;
                if data.is_dir() {
                    return Err(self.cannot_open(std::io::ErrorKind::IsADirectory.into()));
                }
                Ok(())
            }
            Kind::Memory(_) => Ok(()),
            Kind::Part(part) => {
                let file = part.path.metadata().map_err(|error| self.cannot_open(error))?;
                if part.is_same(&file) { Ok(()) } else { Err(self.changed()) }
            }
            Kind::Once(stream) if stream.lock().unwrap_or_else(PoisonError::into_inner).is_some() => Ok(()),
            Kind::Once(_) => Err(self.already_read()),
        }
    }

    /// Whether it is the file at `path`, by whatever name.
    pub(crate) fn is_file(&self, path: &Path) -> bool {
        let own = match &self.kind {
            Kind::Path(own) => own.as_path(),
            Kind::Part(part) => part.path.as_path(),
            Kind::Memory(_) => return false,
            // A file object knows the name it was opened by.
            Kind::Once(_) => match &self.name {
                Some(name) => Path::new(&**name),
                None => return false,
            },
        };
        let (Ok(own), Ok(other)) = (own.metadata(), path.metadata()) else { return false };
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            own.is_file() && (own.dev(), own.ino()) == (other.dev(), other.ino())
        }
        #[cfg(not(unix))]
        {
            let _ = (own, other);
            self.name.as_deref().and_then(|name| Path::new(name).canonicalize().ok()) == path.canonicalize().ok()
        }
    }

    /// Opens the source and takes off its compression. After an interruption it can be opened again.
    pub(crate) fn open(&self) -> Result<Input, Error> {
        let backend = match &self.kind {
            Kind::Memory(bytes) if Compression::of(bytes).is_none() => return Ok(Input::Memory(bytes.clone())),
            Kind::Memory(bytes) => ReaderBackend::CursorBackend(Cursor::new(bytes.clone())),
            Kind::Path(path) => {
                let file = File::open(path).map_err(|error| self.cannot_open(error))?;
                #[cfg(unix)]
                if file.metadata().is_ok_and(|data| data.is_file()) {
                    let head = head_of(&file).map_err(|error| self.cannot_read(error))?;
                    if Compression::of(&head).is_none() {
                        return Ok(Input::File(Positioned::new(file)));
                    }
                    (&file).rewind().map_err(|error| self.cannot_read(error))?;
                }
                ReaderBackend::RustFile(file)
            }
            Kind::Part(part) => return self.open_part(part),
            Kind::Once(once) => ReaderBackend::PythonFile(self.begin(once)?),
        };
        Self::decompress(backend).map_err(|error| self.cannot_read(error))
    }

    /// A part of what is compressed is all of it, or nothing: it has no boundaries that could be found.
    fn open_part(&self, part: &FilePart) -> Result<Input, Error> {
        let is_compressed = self.is_compressed();
        let file = File::open(&part.path).map_err(|error| self.cannot_open(error))?;
        let found = file.metadata().map_err(|error| self.cannot_open(error))?;
        if !part.is_same(&found) {
            return Err(self.changed());
        }
        if is_compressed && part.start == 0 && part.end > 0 {
            return stream(file).map_err(|error| self.cannot_read(error));
        }
        if is_compressed {
            return Ok(Input::Memory(Bytes::new()));
        }
        Ok(Input::Part(file, part.clone()))
    }

    pub(crate) fn changed(&self) -> Error {
        let message = "the file is not the one that was split: its size, or when it was changed, is another; plan anew";
        Error::new(ErrorKind::Changed, "changed", message).in_source(self.name.clone())
    }

    /// Reads how a stream begins. An interruption leaves it where it was, with what has been read of it.
    fn begin(&self, once: &Mutex<Option<Box<dyn ReadChunk>>>) -> Result<Prefixed, Error> {
        // Not locked while it is read: somebody with the GIL, for which the read waits, may look whether it is there.
        let held = || once.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = held().take().ok_or_else(|| self.already_read())?;
        let mut begun = Prefixed::new(stream);
        match begun.read_head(HEAD, compression::is_told) {
            Ok(()) => Ok(begun),
            Err(error) => {
                let error = self.cannot_read(error);
                if error.is_interruption() {
                    *held() = Some(Box::new(begun));
                }
                Err(error)
            }
        }
    }

    fn decompress(backend: ReaderBackend) -> std::io::Result<Input> {
        match backend {
            ReaderBackend::PythonFile(chunks) => match Compression::of(&chunks.head) {
                None => Ok(Input::Chunks(Box::new(chunks))),
                Some(compression) => compression.reader(chunks).map(Input::Packed),
            },
            // By their own types, which read into memory that nobody has filled with zeros first.
            ReaderBackend::RustFile(file) => stream(file),
            ReaderBackend::CursorBackend(cursor) => stream(cursor),
        }
    }

    fn already_read(&self) -> Error {
        let message = "this source can be read only once, and has been; open it anew";
        Error::new(ErrorKind::InvalidOption, "already_read", message).in_source(self.name.clone())
    }

    pub(crate) fn cannot_open(&self, error: std::io::Error) -> Error {
        if error.kind() == std::io::ErrorKind::InvalidInput && error.raw_os_error().is_none() {
            // Refused before the system was asked: no file can have that name. The words are Python's.
            return Error::option(format!("embedded null byte in a path ({error})"));
        }
        Error::from_io(error, "cannot open").in_source(self.name.clone())
    }

    pub(crate) fn cannot_read(&self, error: std::io::Error) -> Error {
        Error::from_io(error, "cannot read").in_source(self.name.clone())
    }

    /// The error for an input that is not MARC.
    pub(crate) fn unsupported(&self, looks_like: &str) -> Error {
        let hint = if self.name.is_none() && looks_like == "plain text" {
            "; bytes are read as MARC: to read a file, pass its path as text"
        } else {
            ""
        };
        let message = format!("not MARC in ISO 2709: it looks like {looks_like}{hint}");
        Error::new(ErrorKind::UnsupportedFormat, "unsupported_format", message).in_source(self.name.clone())
    }
}

#[cfg(test)]
mod tests;
