//! A file that is read from where one says: several pieces at a time, where threads have nothing to do.
//!
//! Copying out of the system's cache takes as long as much of what is made of the bytes, and one thread reads at a time. So whoever reads
//! divides it, and a thread that waits for its turn takes a part of it. One of the few modules with `unsafe` code: it reads into memory that
//! nobody has filled with zeros first.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

use crate::{memory, pool};

/// Less than two of these is read by one thread: handing over a part would take as long.
const PIECE: usize = 128 << 10;

/// A regular file, as it lies there.
#[derive(Debug)]
pub(crate) struct Positioned {
    file: File,
    /// Where it is read next.
    at: u64,
}

impl Positioned {
    pub(super) fn new(file: File) -> Self {
        Self { file, at: 0 }
    }

    /// Appends `want` bytes, or as many as there are, to `buffer`; what came before an error, too.
    pub(crate) fn read(&mut self, buffer: &mut Vec<u8>, want: usize) -> io::Result<usize> {
        buffer.reserve(want);
        let room = buffer.spare_capacity_mut().get_mut(..want).unwrap_or_default();
        let file = &self.file;
        let (count, result) = fill(&|room, at| read_at(file, room, at), room, self.at);
        self.at += count as u64;
        #[allow(unsafe_code)]
        // SAFETY: the first `count` bytes of the spare capacity have been read.
        unsafe {
            buffer.set_len(buffer.len() + count);
        }
        result.map(|()| count)
    }
}

/// One read of a file, from where one says: how many bytes came.
type ReadAt<'a> = dyn Fn(&mut [MaybeUninit<u8>], u64) -> io::Result<usize> + Sync + 'a;

/// Reads `room` full, from `at` on; how many bytes of it were read, without a gap, and whether that is all there are.
fn fill(read: &ReadAt<'_>, room: &mut [MaybeUninit<u8>], at: u64) -> (usize, io::Result<()>) {
    if room.len() < 2 * PIECE {
        return fill_piece(read, room, at);
    }
    let middle = (room.len() / 2).next_multiple_of(memory::PAGE);
    let (first, second) = room.split_at_mut(middle);
    let behind = at + middle as u64;
    let (first, second) = pool::both(|| fill(read, first, at), || fill(read, second, behind));
    match first {
        (count, Ok(())) if count == middle => (count + second.0, second.1),
        // The file ended, or could not be read, before the second half.
        first => first,
    }
}

fn fill_piece(read: &ReadAt<'_>, room: &mut [MaybeUninit<u8>], at: u64) -> (usize, io::Result<()>) {
    let mut count = 0;
    while let Some(rest) = room.get_mut(count..).filter(|rest| !rest.is_empty()) {
        match read(rest, at + count as u64) {
            Ok(0) => break,
            Ok(read) => count += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (count, Err(error)),
        }
    }
    (count, Ok(()))
}

/// Asks the system once; no more than there is room for comes of it.
fn read_at(file: &File, room: &mut [MaybeUninit<u8>], at: u64) -> io::Result<usize> {
    #[cfg(not(target_os = "linux"))]
    use libc::{off_t, pread};
    #[cfg(target_os = "linux")]
    use libc::{off64_t as off_t, pread64 as pread};

    let at = off_t::try_from(at).map_err(|_| io::ErrorKind::FileTooLarge)?;
    #[allow(unsafe_code)]
    // SAFETY: as many writable bytes as are asked for, of a file that is open.
    let read = unsafe { pread(file.as_raw_fd(), room.as_mut_ptr().cast(), room.len(), at) };
    usize::try_from(read).map(|read| read.min(room.len())).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn made(length: usize) -> (tempfile::NamedTempFile, Vec<u8>) {
        let bytes: Vec<u8> = (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        (file, bytes)
    }

    fn read_all(file: File, want: usize) -> Vec<u8> {
        let mut file = Positioned::new(file);
        let mut all = b"before".to_vec();
        loop {
            let before = all.len();
            let count = file.read(&mut all, want).unwrap();
            assert_eq!(all.len(), before + count);
            if count < want {
                assert_eq!(file.read(&mut all, want).unwrap(), 0, "the end is the end");
                return all.split_off(6);
            }
        }
    }

    #[test]
    fn every_piece_is_where_it_belongs() {
        let pool = pool::Pool::get().unwrap();
        for length in [0, 1, PIECE, 2 * PIECE - 1, 2 * PIECE, 5 * PIECE + 77, 3_000_000] {
            let (file, bytes) = made(length);
            for want in [1 + length / 50, PIECE, 2 * PIECE, 7 * PIECE + 1, 4_000_000] {
                let open = || file.reopen().unwrap();
                assert!(read_all(open(), want) == bytes, "{length} bytes, {want} at a time");
                assert!(pool.install(|| read_all(open(), want)) == bytes, "{length} bytes, {want} at a time");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_nothing_is_appended() {
        let (file, _) = made(3 * PIECE);
        let closed_for_reading = std::fs::OpenOptions::new().write(true).open(file.path()).unwrap();
        let mut buffer = vec![7];
        assert!(Positioned::new(closed_for_reading).read(&mut buffer, 3 * PIECE).is_err());
        assert_eq!(buffer, [7]);
        let beyond = &mut Positioned { file: file.reopen().unwrap(), at: u64::MAX - 1 };
        assert_eq!(beyond.read(&mut buffer, 10).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn what_came_before_an_error_or_the_end_is_what_counts() {
        let pool = pool::Pool::get().unwrap();
        let bytes: Vec<u8> = (0..20 * PIECE).map(|n| (n / 1000) as u8).collect();
        for stop in [0, 1, PIECE, 5 * PIECE + 7, 10 * PIECE, 10 * PIECE + 1, 20 * PIECE - 1, 20 * PIECE] {
            for fails in [false, true] {
                // Short reads and interruptions, and beyond `stop`, which may be in any piece, an error or nothing.
                let calls = std::sync::atomic::AtomicUsize::new(0);
                let read = |room: &mut [MaybeUninit<u8>], at: u64| {
                    if calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed).is_multiple_of(3) {
                        return Err(io::ErrorKind::Interrupted.into());
                    }
                    let from = bytes.get(at as usize..stop).unwrap_or_default();
                    if from.is_empty() && fails {
                        return Err(io::ErrorKind::PermissionDenied.into());
                    }
                    let count = from.len().min(room.len()).min(50_000);
                    for (to, &from) in room.iter_mut().zip(from).take(count) {
                        to.write(from);
                    }
                    Ok(count)
                };
                let mut room = vec![MaybeUninit::new(7); bytes.len()];
                let (count, result) = pool.install(|| fill(&read, &mut room, 0));
                assert_eq!((count, result.is_err()), (stop, fails && stop < bytes.len()));
                let mut again = vec![MaybeUninit::new(7); bytes.len()];
                assert_eq!(fill(&read, &mut again, 0).0, stop);
            }
        }
    }
}
