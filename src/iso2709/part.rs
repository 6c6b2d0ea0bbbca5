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
/// A part without bytes has nothing. A file that is no MARC is all of its first part, whatever is in it further on.
pub(super) fn bounds(part: &FilePart, file: &mut File) -> io::Result<(u64, u64)> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(sniff::WINDOW as u64).read_to_end(&mut head)?;
    let (begin, stop) = match (sniff::foreign(&head).is_some(), part.start) {
        _ if part.start >= part.end => (part.size, part.size),
        (true, 0) => (0, part.size),
        (true, _) => (part.size, part.size),
        (false, 0) => (0, boundary(part, file, part.end, u64::MAX)?),
        // A boundary further on is that of another part, which this one has nothing of.
        (false, start) => match boundary(part, file, start, part.end)? {
            begin if begin < part.size => (begin, boundary(part, file, part.end, u64::MAX)?),
            none => (none, none),
        },
    };
    file.seek(SeekFrom::Start(begin))?;
    Ok((begin, stop))
}

/// Where the record begins that a strong boundary at or after `at` puts there, by a terminator before `limit`; the end of the file
/// if there is none.
fn boundary(part: &FilePart, file: &mut File, at: u64, limit: u64) -> io::Result<u64> {
    let mut base = at;
    let mut in_junk = false;
    let mut buffer = Vec::new();
    file.seek(SeekFrom::Start(base))?;
    while base < part.size && (in_junk || base < limit) {
        // What is looked through again at least doubles, so that looking stays linear in all.
        let want = LOOK.max(buffer.len() as u64);
        let read = file.take(want).read_to_end(&mut buffer)?;
        let is_complete = read == 0 || base + buffer.len() as u64 >= part.size;
        let within = usize::try_from(limit.saturating_sub(base)).unwrap_or(usize::MAX);
        let keep = match resynchronised(&buffer, in_junk, within, is_complete) {
            Resynchronised::At(start) => return Ok(base + start as u64),
            Resynchronised::Nowhere if is_complete => return Ok(part.size),
            Resynchronised::Nowhere => {
                in_junk = false;
                buffer.len()
            }
            Resynchronised::NeedMore(from) => {
                in_junk = true;
                from
            }
        };
        buffer.drain(..keep);
        base += keep as u64;
    }
    Ok(part.size)
}
