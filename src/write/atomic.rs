//! A file that is written beside its target and takes the target's name once it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::process::begin_flushing;

/// Bytes after which the system is asked to begin with bringing them to the disk, while others are made.
const FLUSHED_TOGETHER: usize = 2 << 20;

/// A file under a temporary name; dropped before [`AtomicFile::commit`], it is removed and the target stays as it was.
///
/// What is no file that could be replaced, such as a pipe or `/dev/null`, is written to as it stands. A link stays, and what it
/// leads to is replaced.
#[derive(Debug)]
pub(super) struct AtomicFile {
    file: File,
    /// How much has been written since the system was asked to begin.
    unflushed: usize,
    temporary: Option<PathBuf>,
    target: PathBuf,
}

impl AtomicFile {
    pub(super) fn create(target: &Path) -> io::Result<Self> {
        let found = fs::metadata(target).ok();
        if found.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if found.as_ref().is_some_and(|found| !found.is_file()) {
            let file = OpenOptions::new().write(true).open(target)?;
            return Ok(Self { file, unflushed: 0, temporary: None, target: target.to_owned() });
        }
        let target = followed(target)?;
        let mut options = OpenOptions::new();
        let (file, temporary) = beside(&target, |temporary| options.write(true).create_new(true).open(temporary))?;
        let this = Self { file, unflushed: 0, temporary: Some(temporary), target };
        if let Some(found) = found {
            this.file.set_permissions(found.permissions())?;
        }
        Ok(this)
    }

    /// Flushes to disk and renames.
    pub(super) fn commit(self) -> io::Result<()> {
        self.park()?.commit()
    }

    /// Flushes to disk and closes; the name comes later.
    pub(super) fn park(mut self) -> io::Result<ParkedFile> {
        if self.temporary.is_some() {
            self.file.sync_all()?;
        }
        Ok(ParkedFile { temporary: self.temporary.take(), target: std::mem::take(&mut self.target) })
    }
}

/// A whole file that waits for its name; dropped before, it is removed.
#[derive(Debug)]
pub(super) struct ParkedFile {
    temporary: Option<PathBuf>,
    target: PathBuf,
}

impl ParkedFile {
    pub(super) fn commit(mut self) -> io::Result<()> {
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.target)?;
        }
        self.temporary = None;
        sync_parent(&self.target);
        Ok(())
    }
}

impl Drop for ParkedFile {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Makes something under a temporary name beside `target`: one that begins with a dot and ends in `.tmp`, so that no pattern for
/// data finds it.
pub(super) fn beside<T>(target: &Path, mut create: impl FnMut(&Path) -> io::Result<T>) -> io::Result<(T, PathBuf)> {
    /// Each name is tried by one, so that many files under way do not make the next one slow.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut attempts = 0;
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Not of the target's name, which may be as long as names can be.
        let temporary = target.with_file_name(format!(".mrrc-arrow.{}-{number}.tmp", std::process::id()));
        match create(&temporary) {
            Ok(made) => return Ok((made, temporary)),
            // Left by a process of the same number that was killed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempts < 10_000 => attempts += 1,
            Err(error) => return Err(error),
        }
    }
}

/// What links lead to, be it there or not.
pub(super) fn followed(target: &Path) -> io::Result<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut path = target.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::canonicalize(&path) {
            Ok(found) => return Ok(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(&path) {
                Ok(link) => path = path.parent().unwrap_or(Path::new("")).join(link),
                Err(_) => return Ok(path),
            },
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from_raw_os_error(libc::ELOOP))
}

/// Lets a new name outlive a crash of the machine, where the system can do that.
pub(super) fn sync_parent(path: &Path) {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The file itself is on the disk in any case.
    let _ = File::open(parent).and_then(|parent| parent.sync_all());
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unflushed += written;
        if self.unflushed >= FLUSHED_TOGETHER && self.temporary.is_some() {
            begin_flushing(&self.file);
            self.unflushed = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            // Nothing more can be done about a temporary file that does not go away.
            let _ = fs::remove_file(temporary);
        }
    }
}
