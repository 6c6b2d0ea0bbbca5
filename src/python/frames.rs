//! Tables of others: written as MARC, and looked into as if they had just been read.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringViewArray};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use pyo3::exceptions::{PyBlockingIOError, PyKeyboardInterrupt, PyOSError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyString};
use pyo3_arrow::input::AnyRecordBatch;
use rayon::prelude::*;

use super::errors::{to_python, warn_of_rejects};
use super::fast::call_method;
use super::inputs::type_name;
use super::options::{choice, named};
use super::reader::RecordBatchReader;
use super::stream::SIGNAL_INTERVAL;
use super::tables::Collected;
use crate::error::{Error, Interruption};
use crate::frame::{Piece, Table, WholeRecords, of_layout, spread};
use crate::layout::{Layout, Shape, named_columns, named_fields};
use crate::pool::Pool;
use crate::problem::ProblemCounts;
use crate::read::{BatchStream, Poll};
use crate::write::Output;
use crate::write::marc::{MarcOptions, TextEncoding, Written, write_whole};

/// Pieces that are worked on between two looks for Ctrl-C.
const AT_ONCE: usize = 64;

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, Error>> + Send>;

/// The records of an object that exports them, or their rows.
fn records(data: &Bound<'_, PyAny>) -> PyResult<WholeRecords<Batches>> {
    let (schema, batches) = batches(data)?;
    let whole = WholeRecords::new(schema, batches).map_err(|error| to_python(data.py(), &error))?;
    Ok(whole.with_names(categories(data)?))
}

/// What keys mean that the package has put beside a frame: Polars' own export puts a frame into one chunk and writes each key of a
/// category anew, on one core, which takes longer than laying out the records.
fn categories(data: &Bound<'_, PyAny>) -> PyResult<Option<StringViewArray>> {
    // By its class: any other object may have something else of that name, as frames have columns.
    if !data.is_instance(&data.py().import("mrrc_arrow._write")?.getattr("_Chunks")?)? {
        return Ok(None);
    }
    let names: Vec<String> = data.getattr("categories")?.extract()?;
    Ok(Some(StringViewArray::from_iter_values(names)))
}

fn batches(data: &Bound<'_, PyAny>) -> PyResult<(SchemaRef, Batches)> {
    if let Ok(reader) = data.cast::<RecordBatchReader>() {
        // Ours is read as it is: through Arrow's interface errors would be no more than text.
        let stream = reader.get().fresh(data.py())?;
        return Ok((stream.schema().clone(), Box::new(Own(stream))));
    }
    if !data.hasattr("__arrow_c_stream__")? && !data.hasattr("__arrow_c_array__")? {
        let name = type_name(data);
        return Err(PyTypeError::new_err(format!(
            "data must be a table that exports Arrow (__arrow_c_stream__): a frame of Polars or pandas, a pyarrow.Table, \
             a DuckDB relation, a reader of this package; not {name}"
        )));
    }
    let reader = data.extract::<AnyRecordBatch>()?.into_reader()?;
    Ok((reader.schema(), Box::new(reader.map(|batch| batch.map_err(|error| of_stream(&error))))))
}

/// A stream of our own.
struct Own(BatchStream);

impl Iterator for Own {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.0.poll(SIGNAL_INTERVAL) {
                Poll::Pending => {
                    if let Err(error) = Python::attach(check) {
                        return Some(Err(error));
                    }
                }
                Poll::Ready(None) => {
                    let warned = Python::attach(|py| warn_of_rejects(py, self.0.problems()));
                    return warned.err().map(|error| Err(Error::from_io(io::Error::other(error), "warned")));
                }
                Poll::Ready(next) => return next,
            }
        }
    }
}

/// What a stream of others ended with, which crosses as text: also Ctrl-C, if that came while Python made its batches.
fn of_stream(error: &ArrowError) -> Error {
    let told = error.to_string();
    if told.contains("KeyboardInterrupt") {
        let interrupt = PyKeyboardInterrupt::new_err(());
        return Error::from_io(io::Error::other(Interruption(Box::new(interrupt))), "interrupted");
    }
    Error::option(format!("cannot read the table: {told}"))
}

/// What looks for Ctrl-C.
pub(super) fn check(py: Python<'_>) -> Result<(), Error> {
    py.check_signals().map_err(|error| Error::from_io(io::Error::other(Interruption(Box::new(error))), "interrupted"))
}

/// A Python object with a method `write`.
struct PythonWriter(Py<PyAny>);

impl Write for PythonWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Python::attach(|py| {
            let object = self.0.bind(py);
            let written = call_method(object, intern!(py, "write"), PyBytes::new(py, bytes))?;
            if written.is_none() {
                // Some say nothing, and have written it all; a raw file has written none of it.
                if object.is_instance(&py.import("io")?.getattr("RawIOBase")?)? {
                    return Err(PyBlockingIOError::new_err("write gave None: the file does not wait until it can"));
                }
                return Ok(bytes.len());
            }
            if written.is_instance_of::<PyBool>() {
                return Err(PyTypeError::new_err("write must give the number of bytes, or None, not bool"));
            }
            let written: usize = written.extract()?;
            if written == 0 || written > bytes.len() {
                let message = format!("write gave {written} for {} bytes", bytes.len());
                return Err(PyOSError::new_err(message));
            }
            Ok(written)
        })
        .map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        Python::attach(|py| {
            let object = self.0.bind(py);
            if object.hasattr("flush")? {
                object.call_method0("flush")?;
            }
            Ok::<_, PyErr>(())
        })
        .map_err(io::Error::other)
    }
}

/// Writes a table as MARC; documented in the package.
#[pyfunction]
#[pyo3(signature = (data, dest, *, encoding, ignore_errors))]
pub(super) fn write_marc<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    dest: &Bound<'py, PyAny>,
    encoding: &Bound<'py, PyAny>,
    ignore_errors: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let options = MarcOptions { encoding: choice("encoding", encoding, TextEncoding::ALL)?, ignore_errors };
    let path = if dest.is_instance_of::<PyString>() || dest.hasattr("__fspath__")? {
        let expanded = py.import("os.path")?.call_method1("expanduser", (dest,))?;
        Some(expanded.extract::<PathBuf>()?)
    } else if dest.hasattr("write")? {
        None
    } else {
        let name = type_name(dest);
        return Err(PyTypeError::new_err(format!("dest must be a path or a binary file, not {name}")));
    };
    let records = records(data)?;
    let mut writer = PythonWriter(dest.clone().unbind());
    let written = py.detach(|| {
        let output = match &path {
            Some(path) => Output::path(path),
            None => Output::writer(&mut writer),
        };
        write_whole(records, output, options, &mut || Python::attach(check))
    });
    as_dict(py, &written.map_err(|error| to_python(py, &error))?)
}

fn as_dict<'py>(py: Python<'py>, written: &Written) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("records", written.records)?;
    dict.set_item("references", written.references)?;
    dict.set_item("replaced", written.replaced)?;
    let skipped = written.skipped.iter();
    let skipped = skipped.map(|one| (one.row, one.field, one.tag.as_deref(), one.code, one.message.as_str()));
    dict.set_item("skipped", skipped.collect::<Vec<_>>())?;
    Ok(dict)
}

/// What `make` makes of each table of records, as a table of `schema`.
fn over_records(
    py: Python<'_>,
    data: &Bound<'_, PyAny>,
    schema: SchemaRef,
    build: impl Fn(&Table, Vec<ArrayRef>, u64) -> Result<Vec<ArrayRef>, ArrowError> + Sync,
) -> PyResult<Collected> {
    let mut pieces = records(data)?;
    let of_piece = |piece: Piece| -> Result<Vec<RecordBatch>, Error> {
        let of_table = |table: Table| {
            let columns = of_layout(&table, piece.row)?;
            let columns = build(&table, columns, piece.row + table.first_row(0));
            let batch = columns.and_then(|columns| RecordBatch::try_new(schema.clone(), columns));
            batch.map_err(|error| Error::option(error.to_string()))
        };
        piece.tables()?.into_iter().map(of_table).collect()
    };
    let collect = || -> Result<Vec<RecordBatch>, Error> {
        let pool = Pool::get()?;
        if pieces.layout() != Layout::Records {
            return Err(Error::option("the frame must be in layout=\"records\": its columns are leader and fields"));
        }
        let mut batches = Vec::new();
        loop {
            Python::attach(check)?;
            let mut round = Vec::new();
            for piece in pieces.by_ref().take(AT_ONCE) {
                round.push(piece?);
                Python::attach(check)?;
            }
            if round.is_empty() {
                return Ok(batches);
            }
            let made = pool.install(|| round.into_par_iter().map(of_piece).collect::<Result<Vec<_>, _>>())?;
            batches.extend(made.into_iter().flatten());
        }
    };
    let made = py.detach(collect).map_err(|error| to_python(py, &error))?;
    Ok(Collected::new(schema, made, ProblemCounts::default()))
}

/// Columns by name of a table of records.
#[pyfunction]
pub(super) fn select_columns(
    py: Python<'_>,
    data: &Bound<'_, PyAny>,
    columns: &Bound<'_, PyDict>,
) -> PyResult<Collected> {
    let columns = named(columns)?;
    let shape = Shape::default();
    let schema = Arc::new(Schema::new(named_fields(&columns, shape)));
    over_records(py, data, schema, |_, built, _| named_columns(&built, &columns, shape))
}

/// A table of records as one of subfields.
#[pyfunction]
pub(super) fn explode_records(py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<Collected> {
    let schema = Arc::new(Schema::new(Layout::Subfields.columns(Shape::default())));
    over_records(py, data, schema, |table, built, number| match built.as_slice() {
        [_, control_number, _] => spread(table, control_number, number),
        _ => Err(ArrowError::SchemaError("records are not in their layout".to_owned())),
    })
}
