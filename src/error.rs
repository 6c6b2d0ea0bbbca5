//! The one error type of the crate: what kind it is, a stable code, and where in the input it happened.
//!
//! An [`Error`] is what stops a read. Damage that does not stop one is a [`Problem`](crate::problem::Problem);
//! the first rejected record becomes an `Error` unless the caller asked to leave rejects out.
//!
//! A message says what is wrong, in the words of the format and the names of options alone. What there is to do about it is called
//! differently in Rust, in Python and on a command line: that is a [`Hint`], for each of them to put into words.

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::Arc;

/// What a caller would want to do about an error, coarsely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file could not be opened or read; [`Error::io`] has the operating system's reason.
    Io,
    /// The input is not of a format this crate reads.
    UnsupportedFormat,
    /// A record that cannot be read, see the code.
    Record,
    /// A record that cannot be written, see the code.
    Unwritable,
    /// A file is not the one that it was when its parts were planned.
    Changed,
    /// An option has a value that makes no sense.
    InvalidOption,
    /// A reader opened before `fork` was used in the child process.
    Forked,
    /// A bug in this crate: a worker panicked or was lost.
    Internal,
}

/// What there is to do about an error, for whoever tells people of it to say in the words of their own interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// Records that cannot be read can be left out: [`ReadOptions::ignore_errors`](crate::ReadOptions::ignore_errors).
    /// [`Inspection`](crate::Inspection) lists them.
    LeaveOutUnreadable,
    /// Records that can be read, and not written, can be left out there.
    LeaveOutUnwritable,
    /// The reader goes on with the next record when it is asked.
    NextRecord,
    /// The record can be had as it was read: [`RecordBlock::bytes`](crate::RecordBlock::bytes).
    BytesAsRead,
    /// The table must be in [`Layout::Subfields`](crate::Layout::Subfields), not of columns by name.
    Subfields,
    /// The table must have no nested columns: those of [`Layout::Subfields`](crate::Layout::Subfields) and most
    /// [`Column`](crate::Column)s are not.
    Flat,
}

/// An error with its kind, a stable `snake_case` code, and its position where there is one.
///
/// # Examples
///
/// ```
/// use mrrc_arrow::{ReadOptions, Source, read};
///
/// let error = read(vec![Source::memory(&b"<collection/>"[..])], ReadOptions::default())
///     .unwrap()
///     .next()
///     .unwrap()
///     .unwrap_err();
/// assert_eq!(error.code(), "unsupported_format");
/// ```
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    code: &'static str,
    message: String,
    source: Option<Arc<str>>,
    record: Option<u64>,
    offset: Option<u64>,
    io: Option<Arc<io::Error>>,
    hint: Option<Hint>,
}

impl Error {
    /// An error of the caller's own, for what it hands to this crate: batches that it could not make, or a check that says stop.
    /// [`Error::io`] has it inside.
    ///
    /// ```
    /// use mrrc_arrow::Error;
    ///
    /// let error = Error::other("the deadline has passed");
    /// assert_eq!((error.code(), error.to_string().as_str()), ("other", "the deadline has passed"));
    /// ```
    #[must_use]
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let error = io::Error::other(error);
        let mut this = Self::new(ErrorKind::Io, "other", error.to_string());
        this.0.io = Some(Arc::new(error));
        this
    }

    /// An error of `kind` with its stable code and a message for people.
    pub(crate) fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            code,
            message: message.into(),
            source: None,
            record: None,
            offset: None,
            io: None,
            hint: None,
        }))
    }

    /// An operating system error while `doing` something.
    pub(crate) fn from_io(error: io::Error, doing: &str) -> Self {
        let mut this = Self::new(ErrorKind::Io, "io", format!("{doing}: {error}"));
        this.0.io = Some(Arc::new(error));
        this
    }

    /// An option whose value makes no sense.
    pub(crate) fn option(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidOption, "invalid_option", message)
    }

    /// A state that the crate's own code should have made impossible.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "internal", message)
    }

    /// Names the source, unless one is named already.
    #[must_use]
    pub(crate) fn in_source(mut self, source: Option<Arc<str>>) -> Self {
        if self.0.source.is_none() {
            self.0.source = source;
        }
        self
    }

    /// Adds the record's number and the byte offset.
    #[must_use]
    pub(crate) fn at(mut self, record: Option<u64>, offset: u64) -> Self {
        self.0.record = record;
        self.0.offset = Some(offset);
        self
    }

    /// Adds what there is to do, in place of what was said before.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: Hint) -> Self {
        self.0.hint = Some(hint);
        self
    }

    /// Whether it is an [`Interruption`]: nothing is wrong with the input.
    #[must_use]
    pub fn is_interruption(&self) -> bool {
        self.io().and_then(io::Error::get_ref).is_some_and(<dyn std::error::Error + Send + Sync>::is::<Interruption>)
    }

    /// What kind of error this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code, such as `truncated` or `invalid_utf8`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The message alone, without the position.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The path that was being read; `None` for memory.
    #[must_use]
    pub fn source_name(&self) -> Option<&str> {
        self.0.source.as_deref()
    }

    /// The number of the record, counted from 0 over all sources of the read, rejected ones included.
    #[must_use]
    pub fn record(&self) -> Option<u64> {
        self.0.record
    }

    /// The byte offset in the (decompressed) source.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// What there is to do about it, where that is known; the message does not say it.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        self.0.hint
    }

    /// The error behind [`ErrorKind::Io`]: the operating system's or, of [`Error::other`], the caller's.
    #[must_use]
    pub fn io(&self) -> Option<&io::Error> {
        self.0.io.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { source, record, offset, message, .. } = &*self.0;
        if let Some(source) = source {
            write!(f, "{source}: ")?;
        }
        match (record, offset) {
            (Some(record), Some(offset)) => write!(f, "record {record} at byte {offset}: ")?,
            (None, Some(offset)) => write!(f, "at byte {offset}: ")?,
            _ => {}
        }
        f.write_str(message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.io.as_deref().map(|error| error as _)
    }
}

/// What a read ended with that is no fault of the stream, such as Ctrl-C: it goes out at once, and reading can go on after it.
#[derive(Debug)]
pub struct Interruption(pub Box<dyn std::error::Error + Send + Sync>);

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Interruption {}

/// The error for a panic that was caught.
fn panicked(panic: &(dyn Any + Send)) -> Error {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::internal(format!("a worker panicked: {said}; please report this with the file"))
}

/// What `work` gives, or the error for its panic.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Error> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(|panic| panicked(&*panic))
}
