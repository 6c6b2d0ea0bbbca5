//! A part of a file: what a worker of many reads. Where it begins and ends, `iso2709::part` finds.

use std::path::PathBuf;

/// A part of a file that has not changed since it was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePart {
    /// The file.
    pub path: PathBuf,
    /// The part has the records from the first strong boundary at or after this byte, or the file's first if it is 0,
    pub start: u64,
    /// to the first strong boundary at or after this one.
    pub end: u64,
    /// The file's size in bytes.
    pub size: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub mtime_ns: i128,
}

impl FilePart {
    /// Whether the file is as it was when the part was planned.
    pub(super) fn is_same(&self, file: &std::fs::Metadata) -> bool {
        let changed = file.modified().ok().map(|time| match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => since.as_nanos() as i128,
            Err(before) => -(before.duration().as_nanos() as i128),
        });
        file.len() == self.size && changed.is_none_or(|changed| changed == self.mtime_ns)
    }
}
