//! Where bytes come from: paths and memory, plain or gzip, told apart by magic bytes.
//!
//! A [`Source`] names an input; `Source::open` yields its decompressed bytes as whole memory or as a stream. Files are
//! read, never mapped: a mapped file that somebody truncates is a SIGBUS.

mod gzip;

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, ErrorKind};

/// One input.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as shown in errors and in the `include_file_paths` column; `None` for memory.
    name: Option<Arc<str>>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Path(PathBuf),
    Memory(Bytes),
}

/// The bytes of an opened source.
pub(crate) enum Input {
    /// All of them at once.
    Memory(Bytes),
    /// One after the other.
    Stream(Box<dyn Read + Send>),
}

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
        let paths =
            glob::glob(pattern).map_err(|error| Error::option(format!("bad glob pattern {pattern:?}: {error}")))?;
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

    /// The size in bytes before decompression, if it can be told without reading.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match &self.kind {
            Kind::Path(path) => path.metadata().ok().filter(std::fs::Metadata::is_file).map(|data| data.len()),
            Kind::Memory(bytes) => Some(bytes.len() as u64),
        }
    }

    /// Fails early where [`Source::open`] would: a missing file is better reported before the first hour of work.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Kind::Path(path) = &self.kind else { return Ok(()) };
        let data = path.metadata().map_err(|error| self.cannot_open(error))?;
        if data.is_dir() {
            return Err(self.cannot_open(std::io::ErrorKind::IsADirectory.into()));
        }
        Ok(())
    }

    /// Opens the source and takes off its compression.
    pub(crate) fn open(&self) -> Result<Input, Error> {
        match &self.kind {
            Kind::Memory(bytes) if gzip::is_gzip(bytes) => {
                Ok(Input::Stream(Box::new(gzip::reader(Cursor::new(bytes.clone())))))
            }
            Kind::Memory(bytes) => Ok(Input::Memory(bytes.clone())),
            Kind::Path(path) => {
                let mut file = File::open(path).map_err(|error| self.cannot_open(error))?;
                let mut magic = Vec::with_capacity(gzip::MAGIC.len());
                (&mut file)
                    .take(gzip::MAGIC.len() as u64)
                    .read_to_end(&mut magic)
                    .map_err(|error| self.cannot_read(error))?;
                let compressed = gzip::is_gzip(&magic);
                let input = Cursor::new(magic).chain(file);
                Ok(Input::Stream(if compressed { Box::new(gzip::reader(input)) } else { Box::new(input) }))
            }
        }
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
