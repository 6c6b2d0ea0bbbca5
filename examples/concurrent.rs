//! Several files at a time, in threads that share the crate's one pool; and a stream that is written while it is parsed.
//!
//! ```console
//! $ cargo run --example concurrent -- lake books.mrc dump/*.mrc
//! ```

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use arrow_array::cast::AsArray;
use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use mrrc_arrow::write::Output;
use mrrc_arrow::write::marc::{MarcOptions, write_marc};
use mrrc_arrow::write::parquet::{ParquetOptions, write_parquet};
use mrrc_arrow::{Error, Layout, ReadOptions, Source, read};

/// Batches that may wait for whoever writes them.
const WAITING: usize = 4;

/// What became of a file: how many rows were written, or what stopped it.
pub type Converted = (PathBuf, Result<u64, Error>);

/// Converts each file to Parquet in `folder`, some of them at a time. A file that cannot be converted stops no other, and of two
/// with one name the second is not, since it would take the place of the first.
///
/// One read is on all cores already, so threads are for what it waits for: a disk, or one thread that decompresses. The pool that
/// parses is one for the whole process, however many reads there are; each of them has its own blocks in flight, two for each
/// thread of the pool, which is what a thread more costs in memory.
#[must_use]
pub fn lake(paths: &[PathBuf], folder: &Path, threads: usize) -> Vec<Converted> {
    let mut names = HashSet::new();
    let files: Vec<_> = paths.iter().map(|path| (path, names.insert(path.file_name()))).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(&(path, is_first)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let rows = if is_first { convert(path, folder) } else { Err(Error::other("another file has this name")) };
            done.push((path.clone(), rows));
        }
        done
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        // A panic of ours goes on here; one inside of a read is an error of that read.
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn convert(path: &Path, folder: &Path) -> Result<u64, Error> {
    let mut options = ReadOptions::default();
    options.layout = Layout::Subfields;
    let stream = read(vec![Source::path(path)], options)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".parquet");
    // The file is there once it is whole. The last argument is asked now and then whether to go on.
    Ok(write_parquet(stream, &folder.join(name), &ParquetOptions::default(), &mut |_| Ok(()))?.rows)
}

/// Writes the books among the records of `paths` to `target`, in this thread, while another reads and filters. Returns how many.
///
/// # Errors
///
/// The first of either thread; there is no file then, and the other thread stops at its next batch.
pub fn books(paths: &[PathBuf], target: &Path) -> Result<u64, Error> {
    let stream = read(paths.iter().map(Source::path).collect(), ReadOptions::default())?;
    let schema = stream.schema().clone();
    let (sender, batches) = sync_channel(WAITING);
    thread::scope(|scope| {
        scope.spawn(move || {
            for batch in stream {
                let books = batch.and_then(|batch| only_books(&batch));
                // Nobody listens any more where writing has failed. Letting go of the stream ends the reading.
                if sender.send(books).is_err() {
                    return;
                }
            }
        });
        // An error among the batches ends the writing, and comes back.
        let written =
            write_marc(schema, batches.into_iter(), Output::path(target), MarcOptions::default(), &mut || Ok(()))?;
        Ok(written.records)
    })
}

/// The rows whose leader says that they are books: language material (06), a monograph (07).
fn only_books(batch: &RecordBatch) -> Result<RecordBatch, Error> {
    let leaders = batch.column_by_name("leader").and_then(|column| column.as_string_view_opt());
    let leaders = leaders.ok_or_else(|| Error::other("records have leaders, in string views"))?;
    let wanted: BooleanArray = leaders.iter().map(|leader| Some(leader?.get(6..8)? == "am")).collect();
    filter_record_batch(batch, &wanted).map_err(Error::other)
}

fn main() -> Result<(), Error> {
    let mut given = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), Some(target)) = (given.next(), given.next()) else {
        return Err(Error::other("usage: concurrent FOLDER BOOKS.mrc FILE..."));
    };
    let paths: Vec<PathBuf> = given.collect();
    std::fs::create_dir_all(&folder).map_err(Error::other)?;
    for (path, outcome) in lake(&paths, &folder, 2) {
        match outcome {
            Ok(rows) => println!("{}: {rows} rows", path.display()),
            Err(error) => println!("{}: {error}", path.display()),
        }
    }
    println!("{}: {} books", target.display(), books(&paths, &target)?);
    Ok(())
}
