//! `Field`: one field of a record, decoded when it is asked for.

use std::sync::Arc;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple, PyType};

use super::fast::pair;
use super::text::{Shared, code, structure};
use crate::iso2709::{FieldRef, FieldSpan, SubfieldRef};

/// A field of a record, read-only; the names and meanings are pymarc's.
#[pyclass(frozen, module = "mrrc_arrow")]
pub(super) struct Field {
    shared: Arc<Shared>,
    record: usize,
    span: FieldSpan,
}

impl Field {
    pub(super) fn new(shared: Arc<Shared>, record: usize, span: FieldSpan) -> Self {
        Self { shared, record, span }
    }

    pub(super) fn raw(&self) -> FieldRef<'_> {
        self.shared.block.field(self.record, self.span)
    }

    fn value_of<'py>(&self, py: Python<'py>, value: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        self.shared.value(py, self.record, value)
    }

    fn text_of(&self, py: Python<'_>, value: &[u8]) -> PyResult<String> {
        Ok(self.shared.text(py, self.record, value)?.to_str()?.to_owned())
    }

    /// The first value with this code, as bytes.
    fn first(&self, wanted: &str) -> Option<&[u8]> {
        let field = self.raw();
        if field.is_control() {
            return None;
        }
        field.subfields().find(|subfield| subfield.code() == wanted.as_bytes()).map(SubfieldRef::value)
    }

    /// The first value with this code as text.
    pub(super) fn first_text(&self, py: Python<'_>, wanted: &str) -> PyResult<Option<String>> {
        self.first(wanted).map(|value| self.text_of(py, value)).transpose()
    }

    fn indicator<'py>(&self, py: Python<'py>, which: usize) -> Bound<'py, PyAny> {
        let field = self.raw();
        if field.is_control() {
            return PyString::new(py, "").into_any();
        }
        let (first, second) = field.indicators();
        match [first, second].get(which).copied().flatten() {
            Some(byte) => structure(py, &[byte]).into_any(),
            None => py.None().into_bound(py),
        }
    }

    /// An indicator for formats that have one always.
    pub(super) fn indicator_or_blank<'py>(&self, py: Python<'py>, which: usize) -> Bound<'py, PyAny> {
        let indicator = self.indicator(py, which);
        if indicator.is_none() { PyString::new(py, " ").into_any() } else { indicator }
    }
}

/// White space as `str.strip` takes it off.
fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\x1C'..='\x1F').contains(&c))
}

/// The named tuple `Subfield`.
static SUBFIELD: PyOnceLock<Py<PyType>> = PyOnceLock::new();
/// The named tuple `Indicators`.
static INDICATORS: PyOnceLock<Py<PyType>> = PyOnceLock::new();

#[pymethods]
impl Field {
    /// The tag.
    #[getter]
    pub(super) fn tag<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        structure(py, &self.span.tag)
    }

    /// Whether it is a control field: three digits below 010.
    #[getter]
    pub(super) fn control_field(&self) -> bool {
        self.raw().is_control()
    }

    /// A control field's value; None for a data field.
    #[getter]
    pub(super) fn data<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let field = self.raw();
        if field.is_control() { self.value_of(py, field.data()).map(Some) } else { Ok(None) }
    }

    /// Both indicators, None each where it is missing; None for a control field.
    #[getter]
    fn indicators<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.control_field() {
            return Ok(None);
        }
        let class = INDICATORS.import(py, "mrrc_arrow._record", "Indicators")?;
        pair(class, self.indicator(py, 0), self.indicator(py, 1)).map(Some)
    }

    /// The first indicator; an empty string for a control field.
    #[getter]
    fn indicator1<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.indicator(py, 0)
    }

    /// The second indicator.
    #[getter]
    pub(super) fn indicator2<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.indicator(py, 1)
    }

    /// The subfields in order, empty ones included; none in a control field.
    #[getter(subfields)]
    pub(super) fn subfield_list<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let class = SUBFIELD.import(py, "mrrc_arrow._record", "Subfield")?;
        let field = self.raw();
        let list = PyList::empty(py);
        if field.is_control() {
            return Ok(list);
        }
        for subfield in field.subfields() {
            let value = self.value_of(py, subfield.value())?;
            list.append(pair(class, code(py, subfield.code()).into_any(), value)?)?;
        }
        Ok(list)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.subfield_list(py)?.call_method0("__iter__")
    }

    fn __getitem__<'py>(&self, py: Python<'py>, code: &str) -> PyResult<Bound<'py, PyAny>> {
        match self.first(code) {
            Some(value) => self.value_of(py, value),
            None => Err(PyKeyError::new_err(code.to_owned())),
        }
    }

    fn __contains__(&self, code: &Bound<'_, PyAny>) -> bool {
        code.extract::<String>().is_ok_and(|code| self.first(&code).is_some())
    }

    /// The first value with this code, or `default`.
    #[pyo3(signature = (code, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        code: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.first(code) {
            Some(value) => self.value_of(py, value).map(Some),
            None => Ok(default),
        }
    }

    /// The values with these codes, in the order of the field.
    #[pyo3(signature = (*codes))]
    fn get_subfields<'py>(&self, py: Python<'py>, codes: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyList>> {
        let codes: Vec<String> = codes.extract()?;
        let field = self.raw();
        let list = PyList::empty(py);
        if !field.is_control() {
            for subfield in field.subfields().filter(|s| codes.iter().any(|code| code.as_bytes() == s.code())) {
                list.append(self.value_of(py, subfield.value())?)?;
            }
        }
        Ok(list)
    }

    /// For each code its values.
    fn subfields_as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for subfield in self.subfield_list(py)? {
            let (code, value) = (subfield.get_item(0)?, subfield.get_item(1)?);
            match dict.get_item(&code)? {
                Some(list) => list.cast::<PyList>()?.append(value)?,
                None => dict.set_item(code, PyList::new(py, [value])?)?,
            }
        }
        Ok(dict)
    }

    /// All text of the field, subfields parted by blanks.
    fn value(&self, py: Python<'_>) -> PyResult<String> {
        let field = self.raw();
        if field.is_control() {
            return self.text_of(py, field.data());
        }
        let mut texts = Vec::new();
        for subfield in field.subfields() {
            texts.push(strip(&self.text_of(py, subfield.value())?).to_owned());
        }
        Ok(texts.join(" "))
    }

    /// The same for people: subdivisions of subjects set apart, without $6.
    pub(super) fn format_field(&self, py: Python<'_>) -> PyResult<String> {
        let field = self.raw();
        if field.is_control() {
            return self.text_of(py, field.data());
        }
        let mut text = String::new();
        for subfield in field.subfields().filter(|subfield| subfield.code() != b"6") {
            let subdivision = self.is_subject_field() && matches!(subfield.code(), b"v" | b"x" | b"y" | b"z");
            text.push_str(if subdivision { " -- " } else { " " });
            text.push_str(&self.text_of(py, subfield.value())?);
        }
        Ok(strip(&text).to_owned())
    }

    /// Whether it is a control field.
    fn is_control_field(&self) -> bool {
        self.control_field()
    }

    /// Whether its tag begins with 6.
    fn is_subject_field(&self) -> bool {
        self.span.tag.first() == Some(&b'6')
    }

    /// The occurrence number in $6 (`880-03/$1` has `03`), None without one.
    pub(super) fn linkage_occurrence_num(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let linkage = self.first_text(py, "6")?;
        let number = linkage.as_deref().and_then(|linkage| linkage.split('-').nth(1));
        Ok(number.map(|number| number.split('/').next().unwrap_or_default().to_owned()))
    }

    /// The field as it stands in a record, with its terminator, its text in `encoding`.
    #[pyo3(signature = (encoding="utf-8"))]
    fn as_marc<'py>(&self, py: Python<'py>, encoding: &str) -> PyResult<Bound<'py, PyBytes>> {
        let field = self.raw();
        let mut text = String::new();
        if field.is_control() {
            text.push_str(&self.text_of(py, field.data())?);
        } else {
            for which in [0, 1] {
                text.push_str(&self.indicator_or_blank(py, which).extract::<String>()?);
            }
            for subfield in field.subfields() {
                text.push('\x1F');
                text.push_str(std::str::from_utf8(subfield.code()).unwrap_or("\u{FFFD}"));
                text.push_str(&self.text_of(py, subfield.value())?);
            }
        }
        text.push('\x1E');
        Ok(PyString::new(py, &text).call_method1("encode", (encoding,))?.cast_into()?)
    }

    /// `as_marc`.
    #[pyo3(signature = (encoding="utf-8"))]
    fn as_marc21<'py>(&self, py: Python<'py>, encoding: &str) -> PyResult<Bound<'py, PyBytes>> {
        self.as_marc(py, encoding)
    }

    pub(super) fn __str__(&self, py: Python<'_>) -> PyResult<String> {
        let field = self.raw();
        let tag = self.tag(py).to_str()?.to_owned();
        if field.is_control() {
            return Ok(format!("={tag}  {}", self.text_of(py, field.data())?.replace(' ', "\\")));
        }
        let mut text = format!("={tag}  ");
        for which in [0, 1] {
            let indicator: String = self.indicator_or_blank(py, which).extract()?;
            text.push_str(if indicator == " " { "\\" } else { &indicator });
        }
        for subfield in field.subfields() {
            text.push('$');
            text.push_str(std::str::from_utf8(subfield.code()).unwrap_or("\u{FFFD}"));
            text.push_str(&self.text_of(py, subfield.value())?);
        }
        Ok(text)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<Field {}>", self.__str__(py)?))
    }

    fn __eq__(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared.block, &other.shared.block) && (self.record, self.span) == (other.record, other.span)
    }

    fn __hash__(&self) -> u64 {
        let block = Arc::as_ptr(&self.shared.block) as u64;
        block ^ (self.record as u64) << 40 ^ u64::from(self.span.start) << 8 ^ u64::from(self.span.end)
    }
}
