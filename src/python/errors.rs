//! Errors of the core as Python exceptions: one place decides which class each kind is, and what hints are called in Python.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{Error, ErrorKind, Hint, Interruption};
use crate::problem::ProblemCounts;

/// The Python exception for `error`; the classes are defined in `mrrc_arrow.errors`.
pub(super) fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    // What a Python file raised is raised as it is.
    let raised =
        error.io().and_then(std::io::Error::get_ref).and_then(|error| match error.downcast_ref::<Interruption>() {
            Some(Interruption(error)) => error.downcast_ref::<PyErr>(),
            None => error.downcast_ref::<PyErr>(),
        });
    if let Some(raised) = raised {
        return raised.clone_ref(py);
    }
    let kind = match error.kind() {
        ErrorKind::Io => "io",
        ErrorKind::UnsupportedFormat => "format",
        ErrorKind::Record => "record",
        ErrorKind::Changed => "changed",
        ErrorKind::Unwritable => "unwritable",
        ErrorKind::InvalidOption => "option",
        ErrorKind::Forked => "forked",
        ErrorKind::Internal => "internal",
    };
    let made = || -> PyResult<PyErr> {
        let details = PyDict::new(py);
        details.set_item("code", error.code())?;
        details.set_item("source", error.source_name())?;
        details.set_item("record", error.record())?;
        details.set_item("offset", error.offset())?;
        let errno = error.io().and_then(std::io::Error::raw_os_error).or_else(|| match error.io()?.kind() {
            // Errors of our own making that the operating system has a number for.
            std::io::ErrorKind::NotFound => Some(2),
            std::io::ErrorKind::IsADirectory => Some(21),
            _ => None,
        });
        let what = match error.io() {
            Some(io) if errno.is_some() => io.to_string(),
            _ => error.to_string(),
        };
        details.set_item("hint", hint(error))?;
        let exception =
            py.import("mrrc_arrow.errors")?.call_method("_from_native", (kind, what, errno), Some(&details))?;
        Ok(PyErr::from_value(exception))
    };
    made().unwrap_or_else(|error| error)
}

/// What is wrong, and what there is to do about it in Python.
pub(super) fn told(error: &Error) -> String {
    hint(error).map_or_else(|| error.to_string(), |hint| format!("{error}. {hint}"))
}

/// What there is to do about an error in Python.
fn hint(error: &Error) -> Option<&'static str> {
    Some(match error.hint()? {
        Hint::LeaveOutUnreadable => "Read with ignore_errors=True to leave such records out; read_problems lists them",
        Hint::LeaveOutUnwritable => "Write with ignore_errors=True to leave such records out",
        Hint::NextRecord => "Go on with the next record, or read with permissive=True to get None in its place",
        Hint::BytesAsRead => "Its bytes as they were read are the reader's current_chunk until the next record is read",
        Hint::Subfields => "Read with layout=\"subfields\", without columns by name",
        Hint::Flat => "Read with layout=\"subfields\"",
    })
}

/// `{code: count}` of the problems that were met.
pub(super) fn counts<'py>(py: Python<'py>, counts: &ProblemCounts) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (code, count) in counts.iter() {
        dict.set_item(code.as_str(), count)?;
    }
    Ok(dict)
}

/// Warns of records that were left out, if there were any.
pub(super) fn warn_of_rejects(py: Python<'_>, problems: &ProblemCounts) -> PyResult<()> {
    let rejected = problems.rejected();
    if rejected > 0 {
        py.import("mrrc_arrow.errors")?.call_method1("_warn_of_rejects", (rejected, counts(py, problems)?))?;
    }
    Ok(())
}
