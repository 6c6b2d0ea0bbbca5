//! Whole reads: everything is collected in Rust with the GIL released, so that errors and Ctrl-C keep their class.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::errors::to_python;
use super::inputs::sources;
use super::options::parse;
use super::tables::Collected;
use crate::read::{BatchStream, Inspection, Poll, read};

/// How often waiting code looks for Ctrl-C.
pub(super) const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// Rows of a batch of problems.
const PROBLEMS_PER_BATCH: usize = 65_536;

/// Reads every batch.
#[pyfunction]
#[pyo3(signature = (source, **options))]
pub(super) fn collect(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Collected> {
    let mut options = parse(options)?;
    options.read.retain = true;
    let sources = sources(source, options.glob)?;
    let mut stream = py.detach(|| read(sources, options.read)).map_err(|error| to_python(py, &error))?;
    let mut batches = Vec::new();
    loop {
        match py.detach(|| gather(&mut stream, &mut batches)) {
            Ok(true) => break,
            Ok(false) => py.check_signals()?,
            Err(error) => return Err(to_python(py, &error)),
        }
    }
    Ok(Collected::new(stream.schema().clone(), batches, stream.problems().clone()))
}

/// Collects for one interval; true at the end.
fn gather(stream: &mut BatchStream, batches: &mut Vec<arrow_array::RecordBatch>) -> Result<bool, crate::error::Error> {
    let end = std::time::Instant::now() + SIGNAL_INTERVAL;
    while let Some(left) = end.checked_duration_since(std::time::Instant::now()) {
        match stream.poll(left) {
            Poll::Ready(None) => return Ok(true),
            Poll::Ready(Some(batch)) => batches.push(batch?),
            Poll::Pending => break,
        }
    }
    Ok(false)
}

/// Collects every problem.
#[pyfunction]
#[pyo3(signature = (source, **options))]
pub(super) fn collect_problems(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Collected> {
    let options = parse(options)?;
    let sources = sources(source, options.glob)?;
    let mut inspection =
        py.detach(|| Inspection::problems_of(sources, &options.read)).map_err(|error| to_python(py, &error))?;
    let mut batches = Vec::new();
    loop {
        let found = py.detach(|| -> Result<bool, crate::error::Error> {
            let Some(problems) = inspection.poll(SIGNAL_INTERVAL)? else { return Ok(true) };
            // In pieces, so that no column outgrows 32-bit offsets.
            for problems in problems.chunks(PROBLEMS_PER_BATCH) {
                batches.push(Inspection::batch(problems)?);
            }
            Ok(false)
        });
        match found {
            Ok(true) => break,
            Ok(false) => py.check_signals()?,
            Err(error) => return Err(to_python(py, &error)),
        }
    }
    Ok(Collected::new(Inspection::schema(), batches, inspection.problems().clone()))
}
