//! What MARC 21 says, as a table.

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;

use super::inputs::type_name;
use super::options::choice;
use super::tables::RecordBatch;
use crate::layout::{StringType, dictionary as table};
use crate::marc21::Kind;

/// Names of fields and subfields; documented in the package.
#[pyfunction]
#[pyo3(signature = (kind, string_type, categorical))]
pub(super) fn dictionary(
    kind: &Bound<'_, PyAny>,
    string_type: &Bound<'_, PyAny>,
    categorical: &Bound<'_, PyAny>,
) -> PyResult<RecordBatch> {
    let kind = choice("kind", kind, Kind::ALL)?;
    let string_type = choice("string_type", string_type, StringType::ALL)?;
    let flag = categorical.extract().map_err(|_| {
        PyTypeError::new_err(format!("categorical must be a bool or None, not {}", type_name(categorical)))
    })?;
    let batch = table(kind, string_type, flag).map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    Ok(RecordBatch::new(batch))
}
