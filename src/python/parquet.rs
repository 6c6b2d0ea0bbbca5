//! MARC as Parquet.

use std::path::PathBuf;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyString};

use super::errors::{counts, to_python};
use super::frames::check;
use super::inputs::{sources, type_name};
use super::options::{choice, number, parse};
use crate::read::read;
use crate::write::parquet::{Codec, ParquetOptions, PartitionBy, describe, write_parquet as write};

/// What the names of our own metadata begin with.
const OURS: &str = "mrrc_arrow.";

/// Writes what is read to a file or directory; documented in the package.
#[pyfunction]
#[pyo3(signature = (
    source, dest, *, compression, compression_level, row_group_size, partition_by, metadata, **options
))]
#[allow(clippy::too_many_arguments)] // those of the function in Python
pub(super) fn write_parquet<'py>(
    py: Python<'py>,
    source: &Bound<'py, PyAny>,
    dest: PathBuf,
    compression: &Bound<'py, PyAny>,
    compression_level: Option<i32>,
    row_group_size: &Bound<'py, PyAny>,
    partition_by: &Bound<'py, PyAny>,
    metadata: Vec<(String, String)>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    if let Some((key, _)) = metadata.iter().find(|(key, _)| key.starts_with(OURS)) {
        return Err(PyValueError::new_err(format!("metadata: names that begin with {OURS} are ours, as {key} does")));
    }
    let options = parse(options)?;
    let row_group_size: Option<u64> = number("row_group_size", row_group_size)?;
    let mut parquet = ParquetOptions {
        compression: choice("compression", compression, Codec::ALL)?,
        compression_level,
        row_group_size: row_group_size.map(|rows| usize::try_from(rows).unwrap_or(usize::MAX)),
        partition_by: partition(partition_by)?,
        metadata,
    };
    let sources = sources(source, options.glob)?;
    parquet.metadata.splice(0..0, describe(&sources, &options.read));
    let written = py.detach(|| {
        let stream = read(sources, options.read)?;
        write(stream, &dest, &parquet, &mut |_| Python::attach(check))
    });
    let written = written.map_err(|error| to_python(py, &error))?;
    let dict = PyDict::new(py);
    dict.set_item("rows", written.rows)?;
    dict.set_item("files", written.files)?;
    dict.set_item("rejected", written.problems.rejected())?;
    dict.set_item("problems", counts(py, &written.problems)?)?;
    Ok(dict)
}

fn partition(given: &Bound<'_, PyAny>) -> PyResult<PartitionBy> {
    if given.is_none() {
        return Ok(PartitionBy::Nothing);
    }
    if given.is_instance_of::<PyInt>() && !given.is_instance_of::<PyBool>() {
        return Ok(number("partition_by", given)?.map_or(PartitionBy::Nothing, PartitionBy::Rows));
    }
    match given.extract::<String>() {
        Ok(name) if name == "tag" => Ok(PartitionBy::Tag),
        _ if given.is_instance_of::<PyString>() => Err(PyValueError::new_err(format!(
            "partition_by must be \"tag\" or a number of rows, not {}",
            given.repr()?
        ))),
        _ => {
            Err(PyTypeError::new_err(format!("partition_by must be \"tag\", an int or None, not {}", type_name(given))))
        }
    }
}
