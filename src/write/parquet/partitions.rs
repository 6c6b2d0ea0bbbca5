//! A directory of Parquet files, which has its name once all of them are whole.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt16Type;
use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::{DataType, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;

use super::file::ParquetFile;
use super::{ParquetOptions, Sink};
use crate::error::Error;
use crate::pool::Pool;
use crate::write::Check;
use crate::write::atomic::{beside, followed, sync_parent};
use crate::write::output::cannot_write;

/// Memory of rows that wait for their row groups, of all files together.
const WAITING_BYTES: usize = 128 << 20;

/// A directory under a temporary name; dropped before it is whole, it is removed.
struct Directory {
    target: PathBuf,
    temporary: PathBuf,
    is_whole: bool,
}

impl Directory {
    fn create(target: &Path) -> Result<Self, Error> {
        let shown = target.to_string_lossy();
        let failed = |error: io::Error| cannot_write(error, Some(&shown));
        // A link stays, and what it leads to is made.
        let path = followed(target).map_err(failed)?;
        let rights = match fs::read_dir(&path) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(failed(io::Error::from_raw_os_error(libc::EEXIST)));
                }
                let found = fs::metadata(&path).map_err(failed)?;
                if !is_replaceable(&path, &found) {
                    return Err(Error::option(format!(
                        "{shown}: an empty directory is replaced by the one that is written, and this cannot be: it is where \
                         this process is, or has a file system of its own; name a directory in it"
                    )));
                }
                Some(found.permissions())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        // What is not there is not the directory that is to be made, but where it is to be.
        let missing = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let ((), temporary) = beside(&path, |path| fs::create_dir(path)).map_err(|error| match missing {
            Some(parent) if error.kind() == io::ErrorKind::NotFound => {
                cannot_write(error, Some(&parent.to_string_lossy()))
            }
            _ => failed(error),
        })?;
        let this = Self { target: path, temporary, is_whole: false };
        if let Some(rights) = rights {
            fs::set_permissions(&this.temporary, rights).map_err(failed)?;
        }
        Ok(this)
    }

    /// Begins a file in it.
    fn file(&self, name: &str, schema: &SchemaRef, options: &ParquetOptions) -> Result<ParquetFile, Error> {
        ParquetFile::create(schema, &self.temporary.join(format!("{name}.tmp")), self.target.join(name), options, None)
    }

    /// Gives it its name, and tells the files that it has.
    fn commit(mut self, names: Vec<String>) -> Result<Vec<PathBuf>, Error> {
        // Some patterns look into hidden directories, too: files have no names of data before all are there.
        for name in &names {
            let path = self.temporary.join(name);
            fs::rename(self.temporary.join(format!("{name}.tmp")), &path)
                .map_err(|error| cannot_write(error, Some(&self.target.join(name).to_string_lossy())))?;
        }
        sync_parent(&self.temporary.join("."));
        fs::rename(&self.temporary, &self.target).map_err(|error| {
            // Somebody else was there first, and after we had looked.
            let is_taken = error.kind() == io::ErrorKind::DirectoryNotEmpty;
            let error = if is_taken { io::Error::from_raw_os_error(libc::EEXIST) } else { error };
            cannot_write(error, Some(&self.target.to_string_lossy()))
        })?;
        self.is_whole = true;
        sync_parent(&self.target);
        Ok(names.into_iter().map(|name| self.target.join(name)).collect())
    }
}

/// Whether a directory is neither where the process stands, which would find itself in one that is gone, nor where a file system
/// begins.
fn is_replaceable(path: &Path, found: &fs::Metadata) -> bool {
    if std::env::current_dir().and_then(fs::canonicalize).is_ok_and(|current| current == path) {
        return false;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        path.parent().and_then(|parent| parent.metadata().ok()).is_some_and(|parent| parent.dev() == found.dev())
    }
    #[cfg(not(unix))]
    {
        let _ = found;
        true
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if !self.is_whole {
            // Nothing more can be done about a temporary directory that does not go away.
            let _ = fs::remove_dir_all(&self.temporary);
        }
    }
}

/// Files that have all of their rows, and wait for these to be encoded: as many as there are threads.
struct Closing {
    files: VecDeque<ParquetFile>,
    threads: usize,
}

impl Closing {
    fn new() -> Result<Self, Error> {
        Ok(Self { files: VecDeque::new(), threads: Pool::get()?.threads() })
    }

    fn push(&mut self, mut file: ParquetFile, metadata: &[(String, String)], check: Check<'_>) -> Result<(), Error> {
        file.end_row_group();
        self.files.push_back(file);
        self.settle(self.threads, metadata, check)
    }

    /// How many row groups of them are under way.
    fn under_way(&self) -> usize {
        self.files.iter().map(ParquetFile::under_way).sum()
    }

    /// Waits for the first row group of the first file, or closes it.
    fn advance(&mut self, metadata: &[(String, String)], check: Check<'_>) -> Result<(), Error> {
        match self.files.front_mut() {
            Some(first) if first.under_way() > 1 => first.settle(first.under_way() - 1, check),
            _ => self.settle(self.files.len().saturating_sub(1), metadata, check),
        }
    }

    fn settle(&mut self, most: usize, metadata: &[(String, String)], check: Check<'_>) -> Result<(), Error> {
        while self.files.len() > most {
            self.files.pop_front().map_or(Ok(()), |file| file.close(metadata, check).map(drop))?;
        }
        Ok(())
    }
}

/// The files of a directory, however rows are shared out among them.
struct Files {
    // Before the directory: they are let go first.
    closing: Closing,
    directory: Directory,
    schema: SchemaRef,
    options: ParquetOptions,
}

impl Files {
    fn create(schema: &SchemaRef, target: &Path, options: &ParquetOptions) -> Result<Self, Error> {
        // Options that make no sense are told before there is a directory.
        options.properties(schema)?;
        Ok(Self {
            closing: Closing::new()?,
            directory: Directory::create(target)?,
            schema: schema.clone(),
            options: options.clone(),
        })
    }

    fn begin(&self, name: &str) -> Result<ParquetFile, Error> {
        self.directory.file(name, &self.schema, &self.options)
    }
}

/// Files of so many rows each.
pub(super) struct ByRows {
    // Before the others: it is let go before the directory.
    /// The file under way, which may have all of its rows: what was wrong is known when the last is written.
    file: Option<ParquetFile>,
    files: Files,
    most: u64,
    rows: u64,
    names: Vec<String>,
}

impl ByRows {
    pub(super) fn create(
        schema: &SchemaRef,
        target: &Path,
        options: &ParquetOptions,
        most: u64,
    ) -> Result<Self, Error> {
        Ok(Self { file: None, files: Files::create(schema, target, options)?, most, rows: 0, names: Vec::new() })
    }

    fn file(&mut self) -> Result<&mut ParquetFile, Error> {
        let file = if let Some(file) = self.file.take() {
            file
        } else {
            let name = format!("part-{:05}.parquet", self.names.len());
            let file = self.files.begin(&name)?;
            self.names.push(name);
            file
        };
        Ok(self.file.insert(file))
    }
}

impl Sink for ByRows {
    fn write(&mut self, batch: &RecordBatch, check: Check<'_>) -> Result<(), Error> {
        let bytes = batch.get_array_memory_size();
        let mut from = 0;
        while from < batch.num_rows() {
            if self.rows == self.most {
                self.rows = 0;
                if let Some(file) = self.file.take() {
                    self.files.closing.push(file, &self.files.options.metadata, check)?;
                }
            }
            let left = usize::try_from(self.most - self.rows).unwrap_or(usize::MAX);
            let rows = (batch.num_rows() - from).min(left);
            let file = self.file()?;
            file.append(&batch.slice(from, rows), bytes * rows / batch.num_rows());
            // Row groups of all files together are as many as there are threads.
            let own = file.under_way();
            let Files { closing, options, .. } = &mut self.files;
            let threads = closing.threads;
            while closing.under_way() > 0 && own + closing.under_way() > threads {
                closing.advance(&options.metadata, check)?;
            }
            self.file()?.settle(threads, check)?;
            self.rows += rows as u64;
            from += rows;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, metadata: &[(String, String)], check: Check<'_>) -> Result<Vec<PathBuf>, Error> {
        self.file()?;
        let Files { closing, options, .. } = &mut self.files;
        if let Some(mut file) = self.file.take() {
            file.end_row_group();
            closing.settle(0, &options.metadata, check)?;
            file.close(metadata, check)?;
        }
        self.files.directory.commit(self.names)
    }
}

/// A file for each tag. Most have a few rows only, which wait until the end; so few files are open at a time.
pub(super) struct ByTag {
    waiting: BTreeMap<String, Waiting>,
    /// Memory of all that waits.
    bytes: usize,
    /// The tags of row groups that are under way, in the order in which they were begun.
    under_way: VecDeque<String>,
    files: Files,
    /// The column `tag`.
    column: usize,
}

/// Rows of a tag, and its file if it has been begun.
#[derive(Default)]
struct Waiting {
    file: Option<ParquetFile>,
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl ByTag {
    pub(super) fn create(schema: &SchemaRef, target: &Path, options: &ParquetOptions) -> Result<Self, Error> {
        let Some((column, _)) = schema.column_with_name("tag") else {
            return Err(Error::internal("rows of subfields have no column tag"));
        };
        let files = Files::create(schema, target, options)?;
        Ok(Self { waiting: BTreeMap::new(), bytes: 0, under_way: VecDeque::new(), files, column })
    }

    /// Has the rows that wait for it encoded, to the last, and gives the file.
    fn put(&self, tag: &str, waiting: Waiting) -> Result<ParquetFile, Error> {
        let Waiting { file, batches, bytes } = waiting;
        let mut file = match file {
            Some(file) => file,
            None => self.files.begin(&file_name(tag))?,
        };
        if !batches.is_empty() {
            // Of many small batches, columns would be written piece by piece.
            let whole = concat_batches(&self.files.schema, &batches)
                .map_err(|error| Error::internal(format!("cannot put rows together: {error}")))?;
            file.append(&whole, bytes);
            file.end_row_group();
        }
        Ok(file)
    }

    /// The rows of each tag.
    fn parts(&self, batch: &RecordBatch) -> Vec<(String, Vec<u32>)> {
        let column = batch.column(self.column);
        if let Some(tags) = column.as_dictionary_opt::<UInt16Type>() {
            let values = tags.values().as_string::<i32>();
            let mut of_keys: Vec<Vec<u32>> = vec![Vec::new(); values.len()];
            for (row, &key) in tags.keys().values().iter().enumerate() {
                if let Some(rows) = of_keys.get_mut(usize::from(key)) {
                    rows.push(row as u32);
                }
            }
            let named = of_keys.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty());
            return named.map(|(key, rows)| (values.value(key).to_owned(), rows)).collect();
        }
        let tags: Box<dyn Iterator<Item = Option<&str>>> = match column.data_type() {
            DataType::Utf8View => Box::new(column.as_string_view().iter()),
            DataType::LargeUtf8 => Box::new(column.as_string::<i64>().iter()),
            _ => Box::new(column.as_string::<i32>().iter()),
        };
        let mut rows: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (row, tag) in tags.enumerate() {
            rows.entry(tag.unwrap_or_default()).or_default().push(row as u32);
        }
        rows.into_iter().map(|(tag, rows)| (tag.to_owned(), rows)).collect()
    }
}

/// The name of a tag's file: what is no letter or digit of ASCII is a percent sign and two digits for each byte.
fn file_name(tag: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    format!("{}.parquet", tag.bytes().map(byte).collect::<String>())
}

/// Rows that hold on to no more text than is theirs.
fn own(batch: &RecordBatch) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let compact = |column: &ArrayRef| -> ArrayRef {
        match column.as_string_view_opt() {
            Some(views) => Arc::new(views.gc()),
            None => Arc::clone(column),
        }
    };
    RecordBatch::try_new(batch.schema(), batch.columns().iter().map(compact).collect())
}

impl Sink for ByTag {
    fn write(&mut self, batch: &RecordBatch, check: Check<'_>) -> Result<(), Error> {
        for (tag, rows) in self.parts(batch) {
            let taken = take_record_batch(batch, &UInt32Array::from(rows)).and_then(|taken| own(&taken));
            let taken = taken.map_err(|error| Error::internal(format!("cannot take rows: {error}")))?;
            let bytes = taken.get_array_memory_size();
            let waiting = self.waiting.entry(tag).or_default();
            waiting.bytes += bytes;
            waiting.batches.push(taken);
            self.bytes += bytes;
        }
        while self.bytes > WAITING_BYTES {
            let largest = self.waiting.iter().max_by_key(|(_, waiting)| waiting.bytes).map(|(tag, _)| tag.clone());
            let Some((tag, waiting)) = largest.and_then(|tag| self.waiting.remove_entry(&tag)) else { break };
            self.bytes -= waiting.bytes;
            let before = waiting.file.as_ref().map_or(0, ParquetFile::under_way);
            let file = self.put(&tag, waiting)?;
            self.under_way.extend(std::iter::repeat_n(tag.clone(), file.under_way() - before));
            self.waiting.insert(tag, Waiting { file: Some(file), ..Waiting::default() });
            while self.under_way.len() > self.files.closing.threads {
                let first = self.under_way.pop_front().and_then(|tag| self.waiting.get_mut(&tag));
                if let Some(file) = first.and_then(|waiting| waiting.file.as_mut()) {
                    file.settle(file.under_way().saturating_sub(1), check)?;
                }
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, metadata: &[(String, String)], check: Check<'_>) -> Result<Vec<PathBuf>, Error> {
        if self.waiting.is_empty() {
            // So that readers find the columns.
            self.waiting.insert("LDR".to_owned(), Waiting::default());
        }
        let mut names = Vec::new();
        for (tag, waiting) in std::mem::take(&mut self.waiting) {
            let file = self.put(&tag, waiting)?;
            self.files.closing.push(file, metadata, check)?;
            names.push(file_name(&tag));
        }
        self.files.closing.settle(0, metadata, check)?;
        self.files.directory.commit(names)
    }
}
