//! Python file objects and sockets as streams: the only place where reading needs the GIL.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use pyo3::exceptions::{PyBlockingIOError, PyException, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::fast::call_method;
use super::inputs::{buffer, type_name};
use super::stream::SIGNAL_INTERVAL;
use crate::error::Interruption;
use crate::source::ReadChunk;

/// The most that is asked of a socket at a time; it makes room for all of it before anything has come.
const SOCKET_BYTES: usize = 256 << 10;

/// An object with a `read` or `recv` method.
pub(super) struct PythonFile {
    object: Py<PyAny>,
    method: &'static str,
    most: usize,
    /// A plain socket, of which the system knows whether it has something.
    interruptible: bool,
    /// What was read ahead, with the GIL that the caller had anyway; empty bytes for the end.
    ahead: Mutex<VecDeque<PyResult<Bytes>>>,
    calls: AtomicU64,
    attached: AtomicU64,
}

impl PythonFile {
    /// The object's bytes by its method `read` or, of a socket, `recv`.
    pub(super) fn new(object: &Bound<'_, PyAny>, socket: bool) -> Arc<Self> {
        let (method, most) = if socket { ("recv", SOCKET_BYTES) } else { ("read", usize::MAX) };
        let interruptible = socket
            && object.py().import("socket").is_ok_and(|module| {
                // A subclass may have read ahead, as that of `ssl` does.
                module.getattr("socket").is_ok_and(|plain| object.get_type().is(&plain))
            });
        Arc::new(Self {
            interruptible,
            object: object.clone().unbind(),
            method,
            most,
            ahead: Mutex::default(),
            calls: AtomicU64::new(0),
            attached: AtomicU64::new(0),
        })
    }

    /// Calls of the object's method so far, and how many of them had to wait for the GIL.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.calls.load(Ordering::Relaxed), self.attached.load(Ordering::Relaxed))
    }

    /// Reads what will be asked for next. An exception waits for its turn, behind what was read before; Ctrl-C does not.
    pub(super) fn prefetch(&self, py: Python<'_>, want: usize) -> PyResult<()> {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if ahead.is_empty() {
            drop(ahead);
            let read = self.call(py, want);
            if let Err(error) = &read
                && !error.is_instance_of::<PyException>(py)
            {
                return read.map(|_| ());
            }
            ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
            ahead.push_back(read);
        }
        Ok(())
    }

    /// Waits for a socket without being deaf to Ctrl-C: handlers that libraries put in (Polars does) let `recv` go on.
    fn wait(&self, py: Python<'_>) -> PyResult<()> {
        let object = self.object.bind(py);
        if !object.call_method0(intern!(py, "gettimeout"))?.is_none() {
            // It does not wait, or not for ever.
            return Ok(());
        }
        let select = py.import(intern!(py, "select"))?;
        let Ok(poll) = select.getattr(intern!(py, "poll")) else { return Ok(()) };
        let poll = poll.call0()?;
        poll.call_method1(intern!(py, "register"), (object, select.getattr(intern!(py, "POLLIN"))?))?;
        loop {
            if !call_method(&poll, intern!(py, "poll"), SIGNAL_INTERVAL.as_millis() as u64)?.is_empty()? {
                return Ok(());
            }
            py.check_signals()?;
        }
    }

    fn call(&self, py: Python<'_>, want: usize) -> PyResult<Bytes> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let want = want.min(self.most);
        if self.interruptible {
            self.wait(py)?;
        }
        let read = call_method(self.object.bind(py), &PyString::new(py, self.method), want)?;
        let Some(bytes) = buffer(&read)? else {
            let name = type_name(self.object.bind(py));
            return Err(if read.is_none() {
                PyBlockingIOError::new_err(format!(
                    "{name}.{}() gave None: it does not wait for its bytes",
                    self.method
                ))
            } else {
                let given = type_name(&read);
                PyTypeError::new_err(format!(
                    "{name}.{}() must give bytes, not {given}; open files with \"rb\"",
                    self.method
                ))
            });
        };
        if bytes.len() > want {
            let name = type_name(self.object.bind(py));
            return Err(PyValueError::new_err(format!(
                "{name}.{}({want}) gave {} bytes, more than it was asked for",
                self.method,
                bytes.len()
            )));
        }
        Ok(bytes)
    }
}

/// A stream over a file object that its reader looks at, too.
pub(super) struct Chunks(pub Arc<PythonFile>);

impl ReadChunk for Chunks {
    fn most(&self) -> usize {
        self.0.most
    }

    fn read_chunk(&mut self, buffer: &mut Vec<u8>, want: usize) -> io::Result<usize> {
        let file = &*self.0;
        let ahead = file.ahead.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let bytes = if let Some(read) = ahead {
            read.map_err(io::Error::other)?
        } else {
            file.attached.fetch_add(1, Ordering::Relaxed);
            // The exception itself comes out at the other end.
            let read = Python::try_attach(|py| {
                // Calls that never wait would never look for Ctrl-C.
                let read = py.check_signals().and_then(|()| file.call(py, want));
                read.map_err(|error| {
                    if error.is_instance_of::<PyException>(py) {
                        io::Error::other(error)
                    } else {
                        io::Error::other(Interruption(Box::new(error)))
                    }
                })
            });
            read.ok_or_else(|| io::Error::other("the interpreter is shutting down"))??
        };
        buffer.extend_from_slice(&bytes);
        Ok(bytes.len())
    }
}
