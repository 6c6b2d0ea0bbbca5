//! What a Python object means as a source: its type decides, and an unknown type is a `TypeError` that lists the known.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyMemoryView, PyString, PyTuple, PyType};

use super::errors::to_python;
use super::file::{Chunks, PythonFile};
use crate::source::{FilePart, Source};

/// What can be read, for messages.
const ACCEPTED: &str = "give a path (str or os.PathLike), bytes, bytearray, memoryview, io.BytesIO, a binary file object (one \
                        whose read gives bytes), socket.socket, or a list of these";

/// The sources that `object` names, and the Python files among them.
pub(super) struct Inputs {
    pub sources: Vec<Source>,
    pub files: Vec<Arc<PythonFile>>,
}

/// What `object` names: a path, a buffer, a file object, a socket, or a list of these.
pub(super) fn inputs(object: &Bound<'_, PyAny>, glob: bool) -> PyResult<Inputs> {
    let mut inputs = Inputs { sources: Vec::new(), files: Vec::new() };
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        for item in object.try_iter()? {
            inputs.add(&item?, glob)?;
        }
    } else {
        inputs.add(object, glob)?;
    }
    Ok(inputs)
}

/// The sources that `object` names.
pub(super) fn sources(object: &Bound<'_, PyAny>, glob: bool) -> PyResult<Vec<Source>> {
    Ok(inputs(object, glob)?.sources)
}

impl Inputs {
    fn add(&mut self, object: &Bound<'_, PyAny>, glob: bool) -> PyResult<()> {
        let py = object.py();
        if let Some(bytes) = buffer(object)? {
            self.sources.push(Source::memory(bytes));
            return Ok(());
        }
        let io = py.import(intern!(py, "io"))?;
        if object.is_instance(&io.getattr(intern!(py, "BytesIO"))?)? {
            // From the current position, which then stands at the end, as after any read.
            let rest = object.call_method0(intern!(py, "read"))?;
            self.sources.push(Source::memory(backed(rest.cast::<PyBytes>()?)));
            return Ok(());
        }
        if object.is_instance_of::<PyString>() || object.hasattr(intern!(py, "__fspath__"))? {
            // A path-like object may give bytes; what is no UTF-8 comes as surrogates and cannot be a pattern.
            let path = py.import(intern!(py, "os"))?.call_method1(intern!(py, "fsdecode"), (object,))?;
            let expanded = py.import(intern!(py, "os.path"))?.call_method1(intern!(py, "expanduser"), (path,))?;
            match expanded.extract::<String>() {
                Ok(path) if glob => {
                    let found = py.detach(|| Source::glob(&path));
                    self.sources.extend(found.map_err(|error| to_python(py, &error))?);
                }
                _ => self.sources.push(Source::path(expanded.extract::<std::path::PathBuf>()?)),
            }
            return Ok(());
        }
        if object.is_instance(&py.import(intern!(py, "mrrc_arrow._splits"))?.getattr(intern!(py, "Split"))?)? {
            let of = |name: &str| object.getattr(name);
            self.sources.push(Source::part(FilePart {
                path: of("path")?.extract()?,
                start: of("start")?.extract()?,
                end: of("end")?.extract()?,
                size: of("size")?.extract()?,
                mtime_ns: of("mtime_ns")?.extract()?,
            }));
            return Ok(());
        }
        if object.is_instance(&io.getattr(intern!(py, "TextIOBase"))?)? {
            return Err(PyTypeError::new_err(format!(
                "cannot read MARC from a file opened for text ({}): open it with \"rb\", or {ACCEPTED}",
                type_name(object)
            )));
        }
        let socket = object.is_instance(&py.import(intern!(py, "socket"))?.getattr(intern!(py, "socket"))?)?;
        let callable = |name| object.getattr(name).is_ok_and(|method| method.is_callable());
        if socket || callable("read") && !object.is_instance_of::<PyType>() {
            let file = PythonFile::new(object, socket);
            let name = object.getattr("name").and_then(|name| name.extract::<String>()).ok();
            self.sources.push(Source::stream(name.as_deref(), Box::new(Chunks(Arc::clone(&file)))));
            self.files.push(file);
            return Ok(());
        }
        Err(PyTypeError::new_err(format!("cannot read MARC from an object of type {}; {ACCEPTED}", type_name(object))))
    }
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
