//! Keyword arguments as [`ReadOptions`].

use std::collections::HashSet;
use std::path::PathBuf;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString};

use super::errors::to_python;
use super::inputs::type_name;
use crate::encoding::{Encoding, Format};
use crate::layout::{ColumnTest, Layout, Prefilter, StringType, Tags};
use crate::read::ReadOptions;
use crate::spec::Column;

/// The options of a read in Python: those of the core, and what only concerns sources.
pub(super) struct PyOptions {
    pub read: ReadOptions,
    pub glob: bool,
}

/// Reads keyword arguments; those that are absent, and `None` where it means nothing else, keep their defaults.
pub(super) fn parse(options: Option<&Bound<'_, PyDict>>) -> PyResult<PyOptions> {
    let mut read = ReadOptions::default();
    let mut glob = true;
    let mut has_layout = false;
    for (name, value) in options.into_iter().flatten() {
        let name: String = name.extract()?;
        let typed =
            |expected: &str| PyTypeError::new_err(format!("{name} must be {expected}, not {}", type_name(&value)));
        match name.as_str() {
            "layout" => {
                has_layout = true;
                read.layout = choice(&name, &value, Layout::ALL)?;
            }
            "tags" => {
                let set = |_| value.extract::<Option<HashSet<String>>>().map(|set| set.map(Vec::from_iter));
                let tags: Option<Vec<String>> =
                    value.extract().or_else(set).map_err(|_: PyErr| typed("a list of str or None"))?;
                let parse = |tags: Vec<String>| Tags::new(tags.iter().map(String::as_str));
                read.tags = tags.map(parse).transpose().map_err(|error| to_python(value.py(), &error))?;
            }
            "columns" => {
                let expected = "a dict of columns, a list of names or None";
                match value.cast::<PyDict>() {
                    Ok(columns) => read.columns = Some(named(columns)?),
                    // A str is a sequence of them, too.
                    Err(_) if value.is_instance_of::<PyString>() => return Err(typed(expected)),
                    Err(_) => read.select = value.extract().map_err(|_| typed(expected))?,
                }
            }
            "format" => {
                read.format = choice(&name, &value, Format::ALL)?;
            }
            "encoding" => {
                let known = Encoding::ALL.iter().map(|&(name, encoding)| (name, Some(encoding)));
                read.encoding = choice(&name, &value, &[("auto", None)].into_iter().chain(known).collect::<Vec<_>>())?;
            }
            "n_rows" => read.n_rows = number(&name, &value)?,
            "row_index_name" => read.row_index_name = value.extract().map_err(|_| typed("a str or None"))?,
            "row_index_offset" => read.row_index_offset = number(&name, &value)?.ok_or_else(|| typed("an int"))?,
            "include_file_paths" => read.include_file_paths = value.extract().map_err(|_| typed("a str or None"))?,
            "include_offsets" => read.include_offsets = value.extract().map_err(|_| typed("a bool"))?,
            "ignore_errors" => read.ignore_errors = value.extract().map_err(|_| typed("a bool"))?,
            "rejects" => {
                let path: Option<PathBuf> = value.extract().map_err(|_| typed("a path or None"))?;
                let expand = |path| value.py().import("os.path")?.call_method1("expanduser", (path,))?.extract();
                read.rejects = path.map(expand).transpose()?;
            }
            "batch_size" => {
                let size: Option<u64> = number(&name, &value)?;
                read.batch_size = size.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
            }
            "categorical" => read.categorical = value.extract().map_err(|_| typed("a bool or None"))?,
            "glob" => glob = value.extract().map_err(|_| typed("a bool"))?,
            "string_type" => {
                read.string_type = choice(&name, &value, StringType::ALL)?;
            }
            "_plain" => read.plain = value.extract().map_err(|_| typed("a bool"))?,
            "_prefilter" => read.prefilter = Some(prefilter(&value)?),
            _ => return Err(PyTypeError::new_err(format!("unexpected keyword argument {name:?}"))),
        }
    }
    if read.columns.is_some() && (has_layout || read.tags.is_some()) {
        return Err(PyValueError::new_err("columns say what a table has: layout and tags do not go with them"));
    }
    Ok(PyOptions { read, glob })
}

/// Columns of a row per record, by name.
pub(super) fn named(columns: &Bound<'_, PyDict>) -> PyResult<Vec<(String, Column)>> {
    let column = |(name, column): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let text =
            column.getattr("expression").unwrap_or_else(|_| column.clone()).extract::<String>().map_err(|_| {
                PyTypeError::new_err(format!("a column must be a str or a Column, not {}", type_name(&column)))
            })?;
        let parsed = text.parse::<Column>().map_err(|error| to_python(column.py(), &error))?;
        Ok((name.extract()?, parsed))
    };
    columns.iter().map(column).collect()
}

/// Tests of columns, as `mrrc_arrow._predicate` writes them: a name, what is asked, and of what.
fn prefilter(tests: &Bound<'_, PyAny>) -> PyResult<Prefilter> {
    let test = |(column, kind, of): (String, String, Bound<'_, PyAny>)| -> PyResult<(String, ColumnTest)> {
        let test = match kind.as_str() {
            "one_of" => ColumnTest::OneOf(of.extract()?),
            "none_of" => {
                let (refused, null) = of.extract()?;
                ColumnTest::NoneOf { refused, null }
            }
            "lt" => ColumnTest::Before(of.extract()?, false),
            "le" => ColumnTest::Before(of.extract()?, true),
            "gt" => ColumnTest::After(of.extract()?, false),
            "ge" => ColumnTest::After(of.extract()?, true),
            "starts_with" => ColumnTest::StartsWith(of.extract()?),
            "is_null" => ColumnTest::IsNull,
            "is_not_null" => ColumnTest::IsNotNull,
            "range" => {
                let (first, last) = of.extract()?;
                ColumnTest::Range(first, last)
            }
            other => return Err(PyValueError::new_err(format!("no test is called {other:?}"))),
        };
        Ok((column, test))
    };
    let tests = tests.extract::<Vec<(String, String, Bound<'_, PyAny>)>>()?;
    Ok(Prefilter::new(tests.into_iter().map(test).collect::<PyResult<_>>()?))
}

/// Refuses what is no column expression.
#[pyfunction]
pub(super) fn check_column(py: Python<'_>, expression: &str) -> PyResult<()> {
    expression.parse::<Column>().map(drop).map_err(|error| to_python(py, &error))
}

/// An int from 0 to 2^64 - 1, or None.
pub(super) fn number(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
    value.extract().map_err(|_| {
        if value.is_instance_of::<PyInt>() {
            PyValueError::new_err(format!("{name} must be from 0 to 2**64 - 1, not {value}"))
        } else {
            PyTypeError::new_err(format!("{name} must be an int or None, not {}", type_name(value)))
        }
    })
}

/// One of some names.
pub(super) fn choice<T: Copy>(name: &str, value: &Bound<'_, PyAny>, choices: &[(&str, T)]) -> PyResult<T> {
    let given = value.extract::<String>().ok();
    if let Some((_, chosen)) = choices.iter().find(|(choice, _)| Some(*choice) == given.as_deref()) {
        return Ok(*chosen);
    }
    let names: Vec<String> = choices.iter().map(|(choice, _)| format!("{choice:?}")).collect();
    Err(PyValueError::new_err(format!("{name} must be {}, not {}", names.join(" or "), value.repr()?)))
}
