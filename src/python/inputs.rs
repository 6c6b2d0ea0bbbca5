//! What a Python object means as a source: its type decides, and an unknown type is a `TypeError` that lists the known.

use bytes::Bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyMemoryView, PyString, PyTuple};

use super::errors::to_python;
use crate::source::Source;

/// The sources that `object` names: a path, a buffer, or a list of these.
pub(super) fn sources(object: &Bound<'_, PyAny>, glob: bool) -> PyResult<Vec<Source>> {
    let mut sources = Vec::new();
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        for item in object.try_iter()? {
            add(&item?, glob, &mut sources)?;
        }
    } else {
        add(object, glob, &mut sources)?;
    }
    Ok(sources)
}

fn add(object: &Bound<'_, PyAny>, glob: bool, sources: &mut Vec<Source>) -> PyResult<()> {
    let py = object.py();
    if let Some(bytes) = buffer(object)? {
        sources.push(Source::memory(bytes));
        return Ok(());
    }
    if object.is_instance(&py.import(intern!(py, "io"))?.getattr(intern!(py, "BytesIO"))?)? {
        // From the current position, which then stands at the end, as after any read.
        let rest = object.call_method0(intern!(py, "read"))?;
        sources.push(Source::memory(backed(rest.cast::<PyBytes>()?)));
        return Ok(());
    }
    if object.is_instance_of::<PyString>() || object.hasattr(intern!(py, "__fspath__"))? {
        // A path-like object may give bytes; what is no UTF-8 comes as surrogates and cannot be a pattern.
        let path = py.import(intern!(py, "os"))?.call_method1(intern!(py, "fsdecode"), (object,))?;
        let expanded = py.import(intern!(py, "os.path"))?.call_method1(intern!(py, "expanduser"), (path,))?;
        match expanded.extract::<String>() {
            Ok(path) if glob => sources.extend(Source::glob(&path).map_err(|error| to_python(py, &error))?),
            _ => sources.push(Source::path(expanded.extract::<std::path::PathBuf>()?)),
        }
        return Ok(());
    }
    Err(PyTypeError::new_err(format!(
        "cannot read MARC from an object of type {}; give a path (str or os.PathLike), bytes, bytearray, memoryview, \
         io.BytesIO, or a list of these",
        type_name(object)
    )))
}

/// The name of an object's type, for messages.
pub(super) fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().fully_qualified_name().map_or_else(|_| "?".to_owned(), |name| name.to_string())
}

/// The bytes of a `bytes`, `bytearray` or `memoryview`.
///
/// Only `bytes` are shared: even a read-only memoryview may look at a bytearray that changes.
pub(super) fn buffer(object: &Bound<'_, PyAny>) -> PyResult<Option<Bytes>> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Some(backed(bytes)));
    }
    if object.is_instance_of::<PyByteArray>() || object.is_instance_of::<PyMemoryView>() {
        let copy = object.py().get_type::<PyBytes>().call1((object,))?;
        return Ok(Some(backed(copy.cast::<PyBytes>()?)));
    }
    Ok(None)
}

fn backed(bytes: &Bound<'_, PyBytes>) -> Bytes {
    Bytes::from_owner(PyBackedBytes::from(bytes.clone()))
}
