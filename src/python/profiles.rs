//! Profiles of what is in an input, as tables.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::input::AnyRecordBatch;

use super::errors::to_python;
use super::inputs::{sources, type_name};
use super::options::parse;
use super::stream::SIGNAL_INTERVAL;
use super::tables::Collected;
use crate::problem::ProblemCounts;
use crate::profile::Profile;
use crate::read::Profiling;

/// Counts what is in an input.
#[pyfunction]
#[pyo3(signature = (source, **options))]
pub(super) fn collect_profile(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Collected> {
    let options = parse(options)?;
    let categorical = options.read.categorical;
    let sources = sources(source, options.glob)?;
    let mut profiling = py.detach(|| Profiling::new(sources, &options.read)).map_err(|error| to_python(py, &error))?;
    loop {
        match py.detach(|| profiling.poll(SIGNAL_INTERVAL)) {
            Ok(Some(profile)) => return collected(py, &profile, categorical, profiling.problems().clone()),
            Ok(None) => py.check_signals()?,
            Err(error) => return Err(to_python(py, &error)),
        }
    }
}

/// Merges tables of profiles, in their order.
#[pyfunction]
#[pyo3(signature = (profiles, categorical=None))]
pub(super) fn merge_profiles(
    py: Python<'_>,
    profiles: &Bound<'_, PyAny>,
    categorical: Option<bool>,
) -> PyResult<Collected> {
    let mut merged = Profile::default();
    for table in profiles.try_iter()? {
        let table = table?;
        if !table.hasattr("__arrow_c_stream__")? && !table.hasattr("__arrow_c_array__")? {
            let name = type_name(&table);
            return Err(PyTypeError::new_err(format!("profiles must be tables as profile gives them, not {name}")));
        }
        let (batches, _) = table.extract::<AnyRecordBatch>()?.into_table()?.into_inner();
        py.detach(|| Profile::from_batches(&batches).map(|profile| merged.merge(profile)))
            .map_err(|error| to_python(py, &error))?;
        py.check_signals()?;
    }
    collected(py, &merged, categorical, ProblemCounts::default())
}

fn collected(
    py: Python<'_>,
    profile: &Profile,
    categorical: Option<bool>,
    problems: ProblemCounts,
) -> PyResult<Collected> {
    let categorical = categorical.unwrap_or(true);
    let batches = py.detach(|| profile.batches(categorical)).map_err(|error| to_python(py, &error))?;
    Ok(Collected::new(Profile::schema(categorical), batches, problems))
}
