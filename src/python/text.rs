//! Text of records as Python strings: what is decoded, how, and when it is not.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use pyo3::exceptions::PyUnicodeDecodeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::fast::decode_utf8;
use crate::encoding::{Format, is_plain_ascii};
use crate::iso2709::Leader;
use crate::reader::RecordBlock;

/// How a reader was told to read text; the words are pymarc's.
pub(super) struct Settings {
    /// Values as text; else as bytes.
    pub to_unicode: bool,
    /// UTF-8 whatever the leader says.
    pub force_utf8: bool,
    /// What becomes of bytes that are no UTF-8, in the words of Python's codecs.
    pub utf8_handling: CString,
    /// The codec of records that are not flagged as UTF-8; `None` for MARC-8.
    pub file_encoding: Option<String>,
}

/// A block of records and how their text is read.
pub(super) struct Shared {
    pub block: Arc<RecordBlock>,
    pub settings: Arc<Settings>,
}

impl Shared {
    /// A value as the reader was told to give it: text, or bytes.
    #[inline]
    pub(super) fn value<'py>(&self, py: Python<'py>, record: usize, value: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        if self.settings.to_unicode {
            Ok(self.text(py, record, value)?.into_any())
        } else {
            Ok(PyBytes::new(py, value).into_any())
        }
    }

    /// A value as text.
    pub(super) fn text<'py>(&self, py: Python<'py>, record: usize, value: &[u8]) -> PyResult<Bound<'py, PyString>> {
        let flagged = || {
            let leader = Leader::new(self.block.bytes(record));
            self.block.format() != Format::Unimarc && leader.is_some_and(Leader::is_utf8)
        };
        if self.settings.force_utf8 || flagged() {
            return self.utf8(py, record, value);
        }
        if let Some(encoding) = &self.settings.file_encoding {
            let text = PyBytes::new(py, value).call_method1("decode", (encoding,));
            return Ok(text.map_err(|error| self.placed(py, record, error))?.cast_into()?);
        }
        if is_plain_ascii(value) {
            return decode_utf8(py, value, c"strict");
        }
        match self.block.text(record, value) {
            Ok(text) => Ok(PyString::new(py, &text)),
            // Python's own error says where.
            Err(_) => self.utf8(py, record, value),
        }
    }

    #[inline]
    fn utf8<'py>(&self, py: Python<'py>, record: usize, value: &[u8]) -> PyResult<Bound<'py, PyString>> {
        decode_utf8(py, value, &self.settings.utf8_handling).map_err(|error| self.placed(py, record, error))
    }

    /// Adds to an error of a codec where in the input it happened.
    #[cold]
    fn placed(&self, py: Python<'_>, record: usize, error: PyErr) -> PyErr {
        if error.is_instance_of::<PyUnicodeDecodeError>(py) {
            let (number, offset, source) = self.block.place(record);
            let source = source.map(|source| format!("{source}: ")).unwrap_or_default();
            let hint = "utf8_handling=\"replace\" reads on; to_unicode=False gives bytes";
            let note = format!("{source}record {number} at byte {offset}; {hint}");
            // Without the note the error says less, and is the same error.
            let _ = error.value(py).call_method1("add_note", (note,));
        }
        error
    }
}

/// A tag, indicator, code or leader: ASCII as it stands, U+FFFD for every byte that is not.
pub(super) fn structure<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => PyString::new(py, text),
        _ => PyString::new(py, &crate::encoding::structure_text(bytes)),
    }
}

/// A subfield code: the UTF-8 bytes of one character, or nothing.
#[inline]
pub(super) fn code<'py>(py: Python<'py>, code: &[u8]) -> Bound<'py, PyString> {
    PyString::new(py, std::str::from_utf8(code).unwrap_or("\u{FFFD}"))
}

/// What may become of bytes that are no UTF-8. Not `surrogateescape`: what it gives is no text, and joins with none.
pub(super) const HANDLERS: &[&CStr] = &[c"strict", c"replace", c"ignore", c"backslashreplace"];

/// `errors` as the codecs take it.
pub(super) fn errors_name(errors: &str) -> Option<CString> {
    HANDLERS.iter().find(|known| known.to_bytes() == errors.as_bytes()).map(|&known| known.to_owned())
}
