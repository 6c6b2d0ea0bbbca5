//! Python without detours: text from bytes, named tuples, calls that may never return, and which interpreter this is. One of
//! the few modules with `unsafe` code.
//!
//! Reading every subfield of every record makes millions of texts and tuples, and calling a class costs several times what making
//! its object does.

use std::ffi::CStr;

use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};

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

/// The number of the interpreter that this thread is attached to; 0 is the main one.
///
/// # Errors
///
/// An interpreter without a number.
pub(super) fn interpreter(py: Python<'_>) -> PyResult<i64> {
    #[allow(unsafe_code)]
    // SAFETY: a thread that is attached has an interpreter, and asking for its number changes nothing.
    let number = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
    if number < 0 { Err(PyErr::fetch(py)) } else { Ok(number) }
}

/// `object.name(argument)`, of code of others that may wait for ever.
///
/// Before 3.14, Python ends a daemon thread that comes back from waiting when the interpreter is gone, by `pthread_exit`. That
/// unwinds the stack, and where it comes to a Rust function that called C, the process is aborted. Here it comes to a guard
/// that waits for the end of the process, as `PyO3` does it where a thread attaches, and Python itself from 3.14 on.
///
/// # Errors
///
/// What the method raises, or that there is none.
pub(super) fn call_method<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    argument: impl IntoPyObject<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let method = object.getattr(name)?;
    let arguments = PyTuple::new(object.py(), [argument])?;
    #[cfg(unix)]
    {
        #[allow(unsafe_code)]
        mod raw {
            unsafe extern "C-unwind" {
                /// As in `pyo3::ffi`, but for what may come out of it. It must be a function that nobody else calls here: of one
                /// that is declared in two ways, the compiler believes what it sees first.
                pub(super) fn PyObject_CallObject(
                    callable: *mut pyo3::ffi::PyObject,
                    arguments: *mut pyo3::ffi::PyObject,
                ) -> *mut pyo3::ffi::PyObject;
            }
        }
        /// Never comes back from being dropped.
        struct Hang;
        impl Drop for Hang {
            fn drop(&mut self) {
                loop {
                    std::thread::park();
                }
            }
        }
        let hang = Hang;
        #[allow(unsafe_code)]
        // SAFETY: an object and a tuple that we hold; what comes back is a new reference, or null with an exception set.
        let result = unsafe {
            let result = raw::PyObject_CallObject(method.as_ptr(), arguments.as_ptr());
            Bound::from_owned_ptr_or_err(object.py(), result)
        };
        std::mem::forget(hang);
        result
    }
    #[cfg(not(unix))]
    method.call1(arguments)
}
