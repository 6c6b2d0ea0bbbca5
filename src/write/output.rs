//! Where files go: a path, where nothing is seen under the name before it is whole, or anything that bytes can be written to.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;

use super::atomic::{AtomicFile, ParkedFile};
use crate::error::Error;

/// Where to write, and whether compressed.
pub struct Output<'a> {
    to: To<'a>,
    compression: Compression,
}

enum To<'a> {
    Path(PathBuf),
    Writer(&'a mut dyn Write),
}

/// How what is written is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip, in members of some hundred kilobytes each.
    Gzip,
    /// Zstandard, in frames of some hundred kilobytes each.
    Zstd,
}

impl Compression {
    /// What a file of this name should be.
    #[must_use]
    pub fn of_path(path: &Path) -> Self {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        match ending.to_str() {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::None,
        }
    }

    /// `bytes` as a member or frame of their own; nothing of nothing.
    pub(super) fn compress(self, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        if bytes.is_empty() {
            return Ok(bytes);
        }
        match self {
            Self::None => Ok(bytes),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), flate2::Compression::default());
                encoder.write_all(&bytes)?;
                encoder.finish()
            }
            Self::Zstd => zstd::bulk::compress(&bytes, zstd::DEFAULT_COMPRESSION_LEVEL),
        }
    }

    /// What a file of nothing has in it.
    fn empty(self) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(Vec::new()),
            Self::Gzip => GzEncoder::new(Vec::new(), flate2::Compression::default()).finish(),
            Self::Zstd => zstd::bulk::compress(&[], zstd::DEFAULT_COMPRESSION_LEVEL),
        }
    }
}

impl<'a> Output<'a> {
    /// A file, compressed as its name says.
    #[must_use]
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let compression = Compression::of_path(&path);
        Self { to: To::Path(path), compression }
    }

    /// Something else, not compressed.
    pub fn writer(writer: &'a mut dyn Write) -> Self {
        Self { to: To::Writer(writer), compression: Compression::None }
    }

    pub(crate) fn open(self) -> Result<Open<'a>, Error> {
        let (to, name) = match self.to {
            To::Writer(writer) => (Target::Writer(writer), None),
            To::Path(path) => {
                refuse(&path)?;
                let name = path.to_string_lossy().into_owned();
                let file = AtomicFile::create(&path).map_err(|error| cannot_write(error, Some(&name)))?;
                (Target::File(Box::new(file)), Some(name))
            }
        };
        Ok(Open { to, name, compression: self.compression, is_empty: true, waiting: Vec::new() })
    }
}

/// Refuses what a name promises and nobody here keeps.
fn refuse(path: &Path) -> Result<(), Error> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    if ["xml", "json", "bz2", "xz", "lz4", "zip", "7z", "br"].contains(&ending.as_str()) {
        let name = path.display();
        return Err(Error::option(format!("{name}: nothing is written as .{ending}; gzip (.gz) and zstd (.zst) are")));
    }
    Ok(())
}

/// A file under way.
pub(crate) struct Open<'a> {
    to: Target<'a>,
    name: Option<String>,
    compression: Compression,
    is_empty: bool,
    /// Bytes that are to be compressed together.
    waiting: Vec<u8>,
}

/// Bytes that are compressed as one.
const MEMBER: usize = 512 << 10;

/// A whole file that does not have its name yet; dropped, it is gone.
pub(crate) struct Parked(ParkedFile, Option<String>);

impl Parked {
    /// Gives it its name.
    pub(crate) fn commit(self) -> Result<(), Error> {
        let Self(file, name) = self;
        file.commit().map_err(|error| cannot_write(error, name.as_deref()))
    }
}

enum Target<'a> {
    File(Box<AtomicFile>),
    Writer(&'a mut dyn Write),
}

impl Open<'_> {
    pub(super) fn compression(&self) -> Compression {
        self.compression
    }

    /// Writes bytes that are compressed already.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.is_empty &= bytes.is_empty();
        let written = match &mut self.to {
            Target::File(file) => file.write_all(bytes),
            Target::Writer(writer) => writer.write_all(bytes),
        };
        written.map_err(|error| cannot_write(error, self.name.as_deref()))
    }

    /// Compresses bytes, if that is how it is, once there are enough of them, and writes them.
    pub(crate) fn put_all(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        if self.compression == Compression::None {
            return self.put(&bytes);
        }
        self.waiting.extend_from_slice(&bytes);
        if self.waiting.len() < MEMBER { Ok(()) } else { self.put_waiting() }
    }

    fn put_waiting(&mut self) -> Result<(), Error> {
        let bytes = std::mem::take(&mut self.waiting);
        let bytes = self.compression.compress(bytes).map_err(|error| cannot_write(error, self.name.as_deref()))?;
        self.put(&bytes)
    }

    /// Writes what has to be there at the end.
    fn complete(&mut self) -> Result<(), Error> {
        self.put_waiting()?;
        if self.is_empty {
            let empty = self.compression.empty().map_err(|error| cannot_write(error, self.name.as_deref()))?;
            self.put(&empty)?;
        }
        Ok(())
    }

    /// Ends a file that has its name later.
    pub(crate) fn park(mut self) -> Result<Parked, Error> {
        self.complete()?;
        let name = self.name.clone();
        let failed = |error| cannot_write(error, name.as_deref());
        match self.to {
            Target::File(file) => Ok(Parked(file.park().map_err(failed)?, name)),
            Target::Writer(_) => Err(Error::internal("what is no file has no name")),
        }
    }

    /// Makes what was written seen under its name.
    pub(crate) fn commit(mut self) -> Result<(), Error> {
        self.complete()?;
        let done = match self.to {
            Target::File(file) => file.commit(),
            Target::Writer(writer) => writer.flush(),
        };
        done.map_err(|error| cannot_write(error, self.name.as_deref()))
    }
}

pub(super) fn cannot_write(error: io::Error, name: Option<&str>) -> Error {
    Error::from_io(error, "cannot write").in_source(name.map(Into::into))
}
