//! Schemas, batches and collected tables that any Arrow library takes through the PyCapsule interface.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StructArray};
use arrow_schema::{ArrowError, Field, FieldRef, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyTuple};
use pyo3_arrow::ffi::{ArrayIterator, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule};

use super::errors::counts;
use crate::problem::ProblemCounts;

/// A stream of batches is a stream of structs to Arrow's C interface.
pub(super) fn struct_field(schema: &SchemaRef) -> FieldRef {
    Arc::new(Field::new_struct("", schema.fields().clone(), false).with_metadata(schema.metadata().clone()))
}

pub(super) fn schema_capsule<'py>(py: Python<'py>, schema: &SchemaRef) -> PyResult<Bound<'py, PyCapsule>> {
    Ok(to_schema_pycapsule(py, schema.as_ref())?)
}

pub(super) fn stream_capsule<'py>(
    py: Python<'py>,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<arrow_array::RecordBatch, ArrowError>> + Send + 'static,
    requested_schema: Option<Bound<'py, PyCapsule>>,
) -> PyResult<Bound<'py, PyCapsule>> {
    let structs = batches.map(|batch| batch.map(|batch| Arc::new(StructArray::from(batch)) as ArrayRef));
    Ok(to_stream_pycapsule(py, Box::new(ArrayIterator::new(structs, struct_field(schema))), requested_schema)?)
}

/// The columns of a table: their names and, for Arrow libraries, their types.
#[pyclass(frozen, module = "mrrc_arrow")]
pub(super) struct Schema(SchemaRef);

impl Schema {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self(schema)
    }
}

#[pymethods]
impl Schema {
    /// Names of the columns, in order.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.0.fields().iter().map(|field| field.name().clone()).collect()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.0)
    }

    fn __len__(&self) -> usize {
        self.0.fields().len()
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __repr__(&self) -> String {
        let columns: Vec<String> =
            self.0.fields().iter().map(|field| format!("{}: {}", field.name(), field.data_type())).collect();
        format!("Schema({})", columns.join(", "))
    }
}

/// One batch of rows.
#[pyclass(frozen, module = "mrrc_arrow")]
pub(super) struct RecordBatch(arrow_array::RecordBatch);

impl RecordBatch {
    pub(super) fn new(batch: arrow_array::RecordBatch) -> Self {
        Self(batch)
    }
}

#[pymethods]
impl RecordBatch {
    /// Number of rows.
    #[getter]
    fn num_rows(&self) -> usize {
        self.0.num_rows()
    }

    /// Number of columns.
    #[getter]
    fn num_columns(&self) -> usize {
        self.0.num_columns()
    }

    /// The columns' names and types.
    #[getter]
    fn schema(&self) -> Schema {
        Schema(self.0.schema())
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let array = StructArray::from(self.0.clone());
        Ok(to_array_pycapsules(py, struct_field(&self.0.schema()), &array as &dyn Array, requested_schema)?)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.0.schema())
    }

    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    fn __repr__(&self) -> String {
        format!("RecordBatch({} rows, {} columns)", self.0.num_rows(), self.0.num_columns())
    }
}

/// Finished batches, ready to be exported.
#[pyclass(frozen, module = "mrrc_arrow")]
pub(super) struct Collected {
    schema: SchemaRef,
    batches: Vec<arrow_array::RecordBatch>,
    problems: ProblemCounts,
}

impl Collected {
    pub(super) fn new(schema: SchemaRef, batches: Vec<arrow_array::RecordBatch>, problems: ProblemCounts) -> Self {
        Self { schema, batches, problems }
    }
}

#[pymethods]
impl Collected {
    /// How often each problem was met, by code.
    #[getter]
    fn problems<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counts(py, &self.problems)
    }

    /// Number of records that were left out.
    #[getter]
    fn rejected(&self) -> u64 {
        self.problems.rejected()
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let batches = self.batches.clone().into_iter().map(Ok);
        stream_capsule(py, &self.schema, batches, requested_schema)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.schema)
    }
}
