//! MARC records (ISO 2709) as Apache Arrow record batches: in parallel, without copying text, nothing lost.
//!
//! ```text
//! source ──► blocks of whole records ──► layout builder ──► RecordBatch ──► ordered, bounded channel ──► consumer
//! ```
//!
//! One direction, no way back. [`Source`] names an input; [`read()`] gives a [`BatchStream`], an iterator over record
//! batches whose strings are views into the input's own bytes; [`Inspection`] tells what is wrong with it, byte by byte,
//! and [`profile()`] what is in it.
//! Below that, [`iso2709`] is usable by itself: boundaries, leader, directory, borrowed records.
//!
//! The modules, each using only those before it (which `tests/rooms.rs` asserts): `error`, `problem`, `memory`, `process`,
//! `pool`, `source`, [`iso2709`], `encoding`, [`marc21`], `spec`, `layout`, `profile`, `feed`, `pipeline`, `read`, [`measure`],
//! `reader`, `frame`, `write`, `cli`, `python`. Nothing but the last knows Python.
//!
//! # Example
//!
//! ```
//! use mrrc_arrow::{ReadOptions, Source, read};
//!
//! let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample.mrc");
//! let mut records = 0;
//! for batch in read(vec![Source::path(path)], ReadOptions::default())? {
//!     records += batch?.num_rows();
//! }
//! assert_eq!(records, 300);
//! # Ok::<(), mrrc_arrow::Error>(())
//! ```

#[cfg(feature = "cli")]
pub mod cli;
mod encoding;
mod error;
mod feed;
#[cfg(feature = "cli")]
mod frame;
pub mod iso2709;
mod layout;
pub mod marc21;
#[doc(hidden)]
pub mod measure;
mod memory;
mod pipeline;
mod pool;
mod problem;
mod process;
mod profile;
#[cfg(feature = "python")]
mod python;
mod read;
mod reader;
mod source;
mod spec;
#[cfg(feature = "cli")]
pub mod write;

pub use encoding::{Encoding, Format};
pub use error::{Error, ErrorKind, Hint, Interruption};
pub use layout::{ColumnTest, Layout, Prefilter, StringType, Tags};
pub use problem::{Code, Problem, ProblemCounts, Severity};
pub use profile::Profile;
pub use read::{
    BatchStream, DEFAULT_BATCH_SIZE, Inspection, KEPT_BATCH_SIZE, Poll, Profiling, ReadOptions, profile, read,
};
pub use reader::{FieldSpans, Item, READER_BATCH_SIZE, ReaderOptions, RecordBlock, RecordReader, Selected, Selecting};
pub use source::{BackendKind, FilePart, ReadChunk, Source};
pub use spec::{Column, Filter, Lists};
