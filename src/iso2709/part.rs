//! Where a part of a file begins and ends: at strong boundaries.
//!
//! Every strong boundary cuts, so that parts that lie one after the other have together what the file has, to the record.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::scanner::{Resynchronised, resynchronised};
use super::sniff;
use crate::source::FilePart;

/// Bytes that are looked through at a time.
const LOOK: u64 = 256 << 10;

/// The first byte of `part`, where `file` then stands, and the first that is no longer of it.
///
/// A file that is no MARC is all of its first part, whatever is in it further on.
pub(super) fn bounds(part: &FilePart, file: &mut File) -> io::Result<(u64, u64)> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(sniff::WINDOW as u64).read_to_end(&mut head)?;
    let (begin, stop) = match (sniff::foreign(&head).is_some(), part.start) {
        (true, 0) => (0, part.size),
        (true, _) => (part.size, part.size),
        (false, 0) => (0, boundary(part, file, part.end)?),
        (false, start) => (boundary(part, file, start)?, boundary(part, file, part.end)?),
    };
    file.seek(SeekFrom::Start(begin))?;
    Ok((begin, stop))
}

/// Where the record begins that a strong boundary at or after `at` puts there; the end of the file if there is none.
fn boundary(part: &FilePart, file: &mut File, at: u64) -> io::Result<u64> {
    if at >= part.size {
        return Ok(part.size);
    }
    let mut base = at;
    let mut buffer = Vec::new();
    file.seek(SeekFrom::Start(base))?;
    loop {
        // What is looked through again at least doubles, so that looking stays linear in all.
        let want = LOOK.max(buffer.len() as u64);
        let read = file.take(want).read_to_end(&mut buffer)?;
        let is_complete = read == 0 || base + buffer.len() as u64 >= part.size;
        let keep = match resynchronised(&buffer, 0, is_complete) {
            Resynchronised::At(start) => return Ok(base + start as u64),
            Resynchronised::Nowhere if is_complete => return Ok(part.size),
            Resynchronised::Nowhere => buffer.len(),
            Resynchronised::NeedMore(from) => from,
        };
        buffer.drain(..keep);
        base += keep as u64;
    }
}
