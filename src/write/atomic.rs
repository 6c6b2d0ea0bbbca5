//! A file that is written beside its target and takes the target's name once it is whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file under a temporary name; dropped before [`AtomicFile::commit`], it is removed and the target stays as it was.
///
/// What is no file that could be replaced, such as a pipe or `/dev/null`, is written to as it stands. A link stays, and what it
/// leads to is replaced.
#[derive(Debug)]
pub(super) struct AtomicFile {
    file: File,
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
            return Ok(Self { file, temporary: None, target: target.to_owned() });
        }
        let target = if found.is_some() { fs::canonicalize(target)? } else { target.to_owned() };
        let mut options = OpenOptions::new();
        let (file, temporary) = beside(&target, |temporary| options.write(true).create_new(true).open(temporary))?;
        let this = Self { file, temporary: Some(temporary), target };
        if let Some(found) = found {
            this.file.set_permissions(found.permissions())?;
        }
        Ok(this)
    }

    /// Flushes to disk and renames.
    pub(super) fn commit(mut self) -> io::Result<()> {
        if let Some(temporary) = &self.temporary {
            self.file.sync_all()?;
            fs::rename(temporary, &self.target)?;
        }
        self.temporary = None;
        sync_parent(&self.target);
        Ok(())
    }
}

/// Makes something under a temporary name beside `target`: one that begins with a dot and ends in `.tmp`, so that no pattern for
/// data finds it.
pub(super) fn beside<T>(target: &Path, mut create: impl FnMut(&Path) -> io::Result<T>) -> io::Result<(T, PathBuf)> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut attempt = 0;
    loop {
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{attempt}.tmp", std::process::id()));
        let temporary = target.with_file_name(hidden);
        match create(&temporary) {
            Ok(made) => return Ok((made, temporary)),
            // Of another writer here, or left by a process of the same number that was killed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Lets a new name outlive a crash of the machine, where the system can do that.
pub(super) fn sync_parent(path: &Path) {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The file itself is on the disk in any case.
    let _ = File::open(parent).and_then(|parent| parent.sync_all());
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
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
