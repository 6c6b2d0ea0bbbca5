//! What the benchmarks of Rust have in common: a file, and how Python is asked for one.

// Each benchmark uses some of it.
#![allow(dead_code)]

use std::path::PathBuf;

use bytes::Bytes;
use mrrc_arrow::{DEFAULT_BATCH_SIZE, ReadOptions, Source, read};

// As in the package and the command: glibc's allocator maps and unmaps large buffers one by one.
#[cfg(all(target_os = "linux", feature = "cli"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Records in a batch.
pub const RECORDS: usize = DEFAULT_BATCH_SIZE;

/// `MRRC_ARROW_BENCH` names a file; else it is `build/big-250.mrc`, made by the Python benchmarks, or the shipped sample repeated.
pub fn file() -> PathBuf {
    let build = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/build"));
    if let Some(path) = std::env::var_os("MRRC_ARROW_BENCH") {
        return path.into();
    }
    let big = build.join("big-250.mrc");
    if big.exists() {
        return big;
    }
    let path = build.join("repeated-sample.mrc");
    if !path.exists() {
        let sample = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample.mrc")).expect("the sample");
        std::fs::create_dir_all(&build).expect("a folder build");
        std::fs::write(&path, sample.repeat(60_000_000 / sample.len())).expect("room for 60 MB in build");
    }
    path
}

/// All of it.
pub fn bytes() -> Bytes {
    std::fs::read(file()).expect("a file to read").into()
}

/// Reads batch after batch; the number of rows.
pub fn stream(source: Source) -> usize {
    stream_of(source, RECORDS)
}

/// The same in batches of so many records.
pub fn stream_of(source: Source, records: usize) -> usize {
    let mut options = ReadOptions::default();
    options.batch_size = Some(records);
    let batches = read(vec![source], options).expect("a source that opens");
    batches.map(|batch| batch.expect("records that can be read").num_rows()).sum()
}

/// A binary file of Python, read as any Python code reads one: each read takes the GIL.
#[cfg(feature = "embed")]
pub mod python {
    use std::io;
    use std::path::Path;

    use mrrc_arrow::ReadChunk;
    use pyo3::prelude::*;
    use pyo3::types::PyBytes;

    pub struct PythonFile(Py<PyAny>);

    impl PythonFile {
        pub fn open(path: &Path) -> Self {
            Self(Python::attach(|py| {
                py.import("builtins").expect("builtins").call_method1("open", (path, "rb")).expect("a file").unbind()
            }))
        }

        fn read_with<T>(&self, want: usize, take: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
            Python::attach(|py| {
                let read = self.0.call_method1(py, "read", (want,)).map_err(io::Error::other)?;
                let bytes = read.cast_bound::<PyBytes>(py).map_err(|_| io::Error::other("no bytes"))?;
                Ok(take(bytes.as_bytes()))
            })
        }
    }

    impl io::Read for PythonFile {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.read_with(out.len(), |bytes| {
                out[..bytes.len()].copy_from_slice(bytes);
                bytes.len()
            })
        }
    }

    impl ReadChunk for PythonFile {
        fn read_chunk(&mut self, buffer: &mut Vec<u8>, want: usize) -> io::Result<usize> {
            self.read_with(want, |bytes| {
                buffer.extend_from_slice(bytes);
                bytes.len()
            })
        }
    }
}
