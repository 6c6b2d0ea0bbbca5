//! `Record`: a light handle on a record in its block; nothing is decoded until it is asked for.

use std::sync::Arc;

use pyo3::exceptions::{PyImportError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use super::errors::to_python;
use super::field::Field;
use super::leader::Leader;
use super::text::Shared;
use crate::encoding::structure_text;
use crate::iso2709::FieldSpan;

/// A record, read-only; the names and meanings are pymarc's.
#[pyclass(frozen, module = "mrrc_arrow")]
pub(super) struct Record {
    shared: Arc<Shared>,
    index: usize,
}

impl Record {
    pub(super) fn new(shared: Arc<Shared>, index: usize) -> Self {
        Self { shared, index }
    }

    fn field(&self, span: FieldSpan) -> Field {
        Field::new(Arc::clone(&self.shared), self.index, span)
    }

    fn all(&self) -> impl Iterator<Item = FieldSpan> + '_ {
        self.shared.block.fields(self.index)
    }

    /// The first field with this tag.
    fn first(&self, tag: &str) -> Option<Field> {
        let tag: [u8; 3] = tag.as_bytes().try_into().ok()?;
        self.all().find(|span| span.tag == tag).map(|span| self.field(span))
    }

    /// The first field with the first of these tags that there is.
    fn first_of(&self, tags: &[&str]) -> Option<Field> {
        tags.iter().find_map(|tag| self.first(tag))
    }

    fn with_tags<'py>(&self, py: Python<'py>, wanted: impl Fn([u8; 3]) -> bool) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for span in self.all().filter(|span| wanted(span.tag)) {
            list.append(Bound::new(py, self.field(span))?)?;
        }
        Ok(list)
    }

    fn among<'py>(&self, py: Python<'py>, tags: &[[u8; 3]]) -> PyResult<Bound<'py, PyList>> {
        self.with_tags(py, |tag| tags.contains(&tag))
    }

    /// $a and $b of a title field, as pymarc joins them.
    fn title_in(&self, py: Python<'_>, tag: &str) -> PyResult<Option<String>> {
        let Some(field) = self.first(tag) else { return Ok(None) };
        let Some(title) = field.first_text(py, "a")? else { return Ok(None) };
        match field.first_text(py, "b")?.filter(|subtitle| !title.is_empty() && !subtitle.is_empty()) {
            Some(subtitle) => Ok(Some(format!("{title} {subtitle}"))),
            None => Ok(Some(title)),
        }
    }

    /// A subfield of the publication: the first 260, or 264 with second indicator 1.
    fn published(&self, py: Python<'_>, code: &str) -> PyResult<Option<String>> {
        for span in self.all() {
            let field = self.field(span);
            if span.tag == *b"260" || span.tag == *b"264" && field.raw().indicators().1 == Some(b'1') {
                return field.first_text(py, code);
            }
        }
        Ok(None)
    }

    fn formatted(&self, py: Python<'_>, tags: &[&str]) -> PyResult<Option<String>> {
        self.first_of(tags).map(|field| field.format_field(py)).transpose()
    }

    fn data_field_as_dict<'py>(py: Python<'py>, field: &Field) -> PyResult<Bound<'py, PyAny>> {
        let subfields = PyList::empty(py);
        for subfield in field.subfield_list(py)? {
            let one = PyDict::new(py);
            one.set_item(subfield.get_item(0)?, subfield.get_item(1)?)?;
            subfields.append(one)?;
        }
        let content = PyDict::new(py);
        content.set_item("ind1", field.indicator_or_blank(py, 0))?;
        content.set_item("ind2", field.indicator_or_blank(py, 1))?;
        content.set_item("subfields", subfields)?;
        Ok(content.into_any())
    }

    fn leader_bytes(&self) -> &[u8] {
        self.shared.block.leader(self.index)
    }
}

const SERIES: [[u8; 3]; 6] = [*b"440", *b"490", *b"800", *b"810", *b"811", *b"830"];
const SUBJECTS: [[u8; 3]; 20] = [
    *b"600", *b"610", *b"611", *b"630", *b"648", *b"650", *b"651", *b"653", *b"654", *b"655", *b"656", *b"657",
    *b"658", *b"662", *b"690", *b"691", *b"696", *b"697", *b"698", *b"699",
];
const ADDED_ENTRIES: [[u8; 3]; 17] = [
    *b"700", *b"710", *b"711", *b"720", *b"730", *b"740", *b"752", *b"753", *b"754", *b"790", *b"791", *b"792",
    *b"793", *b"796", *b"797", *b"798", *b"799",
];
const NOTES: [[u8; 3]; 58] = [
    *b"500", *b"501", *b"502", *b"504", *b"505", *b"506", *b"507", *b"508", *b"510", *b"511", *b"513", *b"514",
    *b"515", *b"516", *b"518", *b"520", *b"521", *b"522", *b"524", *b"525", *b"526", *b"530", *b"533", *b"534",
    *b"535", *b"536", *b"538", *b"540", *b"541", *b"544", *b"545", *b"546", *b"547", *b"550", *b"552", *b"555",
    *b"556", *b"561", *b"562", *b"563", *b"565", *b"567", *b"580", *b"581", *b"583", *b"584", *b"585", *b"586",
    *b"590", *b"591", *b"592", *b"593", *b"594", *b"595", *b"596", *b"597", *b"598", *b"599",
];

#[pymethods]
impl Record {
    /// The leader.
    #[getter]
    fn leader(&self) -> Leader {
        Leader::new(structure_text(self.leader_bytes()))
    }

    /// All fields, in the order of the directory.
    #[getter(fields)]
    fn field_list<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.with_tags(py, |_| true)
    }

    /// Codes of what had to be put right in this record, in its structure and in its text.
    #[getter]
    fn problems(&self) -> Vec<&'static str> {
        let block = &self.shared.block;
        let text = block.text_repairs(self.index);
        block.repairs(self.index).iter().chain(&text).map(|code| code.as_str()).collect()
    }

    fn __getitem__(&self, tag: &str) -> PyResult<Field> {
        self.first(tag).ok_or_else(|| PyKeyError::new_err(tag.to_owned()))
    }

    fn __contains__(&self, tag: &Bound<'_, PyAny>) -> bool {
        tag.extract::<String>().is_ok_and(|tag| self.first(&tag).is_some())
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.field_list(py)?.call_method0("__iter__")
    }

    /// The first field with this tag, or `default`.
    #[pyo3(signature = (tag, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        tag: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.first(tag) {
            Some(field) => Ok(Some(Bound::new(py, field)?.into_any())),
            None => Ok(default),
        }
    }

    /// The fields with any of these tags, in the order of the directory; all fields without a tag.
    #[pyo3(signature = (*tags))]
    fn get_fields<'py>(&self, py: Python<'py>, tags: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyList>> {
        let tags: Vec<String> = tags.extract()?;
        self.with_tags(py, |tag| tags.is_empty() || tags.iter().any(|wanted| wanted.as_bytes() == tag))
    }

    /// The 880 fields that belong to `field`.
    fn get_linked_fields<'py>(&self, py: Python<'py>, field: &Bound<'py, Field>) -> PyResult<Bound<'py, PyList>> {
        let number = field.get().linkage_occurrence_num(py)?;
        let list = PyList::empty(py);
        for span in self.all().filter(|span| span.tag == *b"880") {
            let linked = self.field(span);
            if linked.linkage_occurrence_num(py)? == number {
                list.append(Bound::new(py, linked)?)?;
            }
        }
        if number.is_some() && list.is_empty() {
            let error = py.import("mrrc_arrow.errors")?.getattr("MissingLinkedFields")?.call1((field,))?;
            return Err(PyErr::from_value(error));
        }
        Ok(list)
    }

    /// The bytes as they were read; a record that was repaired is laid out anew, with directory and lengths put right.
    fn as_marc<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let written = self.shared.block.as_marc(self.index).map_err(|error| to_python(py, &error))?;
        Ok(PyBytes::new(py, &written))
    }

    /// `as_marc`.
    fn as_marc21<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.as_marc(py)
    }

    /// The record in the form of MARC-in-JSON.
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let fields = PyList::empty(py);
        for span in self.all() {
            let field = self.field(span);
            let content = match field.data(py)? {
                Some(data) => data,
                None => Self::data_field_as_dict(py, &field)?,
            };
            let one = PyDict::new(py);
            one.set_item(field.tag(py), content)?;
            fields.append(one)?;
        }
        let record = PyDict::new(py);
        record.set_item("leader", structure_text(self.leader_bytes()))?;
        record.set_item("fields", fields)?;
        Ok(record)
    }

    /// `as_dict` as JSON; keyword arguments are those of `json.dumps`.
    #[pyo3(signature = (**kwargs))]
    fn as_json<'py>(&self, py: Python<'py>, kwargs: Option<&Bound<'py, PyDict>>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method("dumps", (self.as_dict(py)?,), kwargs)
    }

    /// An editable `pymarc.Record` with the same content; needs pymarc.
    fn to_pymarc<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let pymarc = py.import("pymarc").map_err(|error| {
            if !error.is_instance_of::<PyImportError>(py) {
                return error;
            }
            let said = PyImportError::new_err("to_pymarc gives a pymarc.Record: pip install pymarc");
            said.set_cause(py, Some(error));
            said
        })?;
        let arguments = PyDict::new(py);
        arguments.set_item("to_unicode", self.shared.settings.to_unicode)?;
        let record = pymarc.getattr("Record")?.call((), Some(&arguments))?;
        // Bytes are kept as they are in fields of another class.
        let class = if self.shared.settings.to_unicode { "Field" } else { "RawField" };
        let field_class = py.import("pymarc.field")?.getattr(class)?;
        record.setattr("leader", pymarc.getattr("Leader")?.call1((structure_text(self.leader_bytes()),))?)?;
        for span in self.all() {
            let field = self.field(span);
            let arguments = PyDict::new(py);
            arguments.set_item("tag", field.tag(py))?;
            if let Some(data) = field.data(py)? {
                arguments.set_item("data", data)?;
            } else {
                let subfields = PyList::empty(py);
                let class = pymarc.getattr("Subfield")?;
                for subfield in field.subfield_list(py)? {
                    subfields.append(class.call1((subfield.get_item(0)?, subfield.get_item(1)?))?)?;
                }
                let indicators = (field.indicator_or_blank(py, 0), field.indicator_or_blank(py, 1));
                arguments.set_item("indicators", pymarc.getattr("Indicators")?.call1(indicators)?)?;
                arguments.set_item("subfields", subfields)?;
            }
            record.call_method1("add_field", (field_class.call((), Some(&arguments))?,))?;
        }
        Ok(record)
    }

    fn __str__(&self, py: Python<'_>) -> PyResult<String> {
        let mut text = format!("=LDR  {}\n", structure_text(self.leader_bytes()));
        for span in self.all() {
            text.push_str(&self.field(span).__str__(py)?);
            text.push('\n');
        }
        Ok(text)
    }

    fn __repr__(&self) -> String {
        let (number, offset, _) = self.shared.block.place(self.index);
        format!("<Record {number} at byte {offset}>")
    }

    /// 245 $a and $b.
    #[getter]
    fn title(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.title_in(py, "245")
    }

    /// 222 $a and $b.
    #[getter]
    fn issn_title(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.title_in(py, "222")
    }

    /// The ISBN in the first 020 $a, without dashes and what is around it.
    #[getter]
    fn isbn(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let Some(field) = self.first("020") else { return Ok(None) };
        let part = |c: char| c.is_ascii_digit() || matches!(c, '-' | 'x' | 'X');
        let text = field.first_text(py, "a")?.unwrap_or_default();
        let isbn: String = text.chars().skip_while(|&c| !part(c)).take_while(|&c| part(c)).collect();
        Ok((!isbn.is_empty()).then(|| isbn.replace('-', "")))
    }

    /// 022 $a.
    #[getter]
    fn issn(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.first("022").map_or(Ok(None), |field| field.first_text(py, "a"))
    }

    /// 022 $l.
    #[getter]
    fn issnl(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.first("022").map_or(Ok(None), |field| field.first_text(py, "l"))
    }

    /// 086, the classification of the Superintendent of Documents.
    #[getter]
    fn sudoc(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.formatted(py, &["086"])
    }

    /// 100, 110 or 111.
    #[getter]
    fn author(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.formatted(py, &["100", "110", "111"])
    }

    /// 130 or 240.
    #[getter]
    fn uniformtitle(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.formatted(py, &["130", "240"])
    }

    /// 440, 490, 800, 810, 811, 830.
    #[getter]
    fn series<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.among(py, &SERIES)
    }

    /// The subject fields.
    #[getter]
    fn subjects<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.among(py, &SUBJECTS)
    }

    /// The added entries.
    #[getter]
    fn addedentries<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.among(py, &ADDED_ENTRIES)
    }

    /// 852.
    #[getter]
    fn location<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.among(py, &[*b"852"])
    }

    /// The notes.
    #[getter]
    fn notes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.among(py, &NOTES)
    }

    /// 300.
    #[getter]
    fn physicaldescription<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.among(py, &[*b"300"])
    }

    /// $b of the first 260, or 264 with second indicator 1.
    #[getter]
    fn publisher(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.published(py, "b")
    }

    /// $c of the same.
    #[getter]
    fn pubyear(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.published(py, "c")
    }
}
