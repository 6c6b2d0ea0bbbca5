//! Python objects made without detours: text from bytes, and named tuples. One of the few modules with `unsafe` code.
//!
//! Reading every subfield of every record makes millions of these, and calling a class costs several times what making its
//! object does.

use std::ffi::CStr;

use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

/// `bytes.decode("utf-8", errors)`.
#[inline]
pub(super) fn decode_utf8<'py>(py: Python<'py>, bytes: &[u8], errors: &CStr) -> PyResult<Bound<'py, PyString>> {
    #[allow(unsafe_code)]
    // SAFETY: the pointer and length are those of a slice, `errors` ends in a NUL byte, and what comes back is a new
    // reference to a str, or null with an exception set.
    unsafe {
        let text = ffi::PyUnicode_DecodeUTF8(bytes.as_ptr().cast(), bytes.len() as ffi::Py_ssize_t, errors.as_ptr());
        Ok(Bound::from_owned_ptr_or_err(py, text)?.cast_into_unchecked())
    }
}

/// An object of `class`, a subclass of `tuple` with no state of its own such as `typing.NamedTuple` makes, with two items.
///
/// # Errors
///
/// No memory, or a class of another kind.
#[inline]
pub(super) fn pair<'py>(
    class: &Bound<'py, PyType>,
    first: Bound<'py, PyAny>,
    second: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    #[allow(unsafe_code)]
    // SAFETY: `PyType_GenericAlloc` gives a new reference to an object of the class with room for two items, all null, or null
    // with an exception set; it is what `tuple.__new__` uses. `PyTuple_SetItem` checks that the object is a tuple that
    // nobody else refers to, and takes over the reference to the item whether it succeeds or not.
    unsafe {
        let tuple = Bound::from_owned_ptr_or_err(py, ffi::PyType_GenericAlloc(class.as_type_ptr(), 2))?;
        for (index, item) in [first, second].into_iter().enumerate() {
            if ffi::PyTuple_SetItem(tuple.as_ptr(), index as ffi::Py_ssize_t, item.into_ptr()) != 0 {
                return Err(PyErr::take(py).unwrap_or_else(|| PySystemError::new_err("cannot make a named tuple")));
            }
        }
        Ok(tuple)
    }
}
