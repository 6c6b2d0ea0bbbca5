//! The PyO3 layer and nothing else: what Python objects mean, how errors and signals cross, who holds the GIL.
//!
//! The public functions are in the Python package, which calls [`collect`](stream::collect) and its fellows with
//! keyword arguments as they came. Nothing below this module knows Python.

mod errors;
mod fast;
mod field;
mod file;
mod frames;
mod inputs;
mod leader;
mod marc21;
mod marc_reader;
mod options;
mod parquet;
mod profiles;
mod reader;
mod record;
mod stream;
mod tables;
mod text;
mod turns;

use std::ffi::OsString;

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;

// Tables are large buffers in fresh memory. This allocator keeps and reuses what it has, and maps memory in large steps;
// glibc's changes its mappings buffer by buffer, for which all threads wait. It serves this module, not the interpreter.
// Memory checkers (`make asan`, `make valgrind`) look at the system's allocator alone.
#[cfg(all(target_os = "linux", not(mrrc_arrow_system_allocator)))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Runs the `mrrc-arrow` command with `argv` and returns its exit code.
#[pyfunction]
fn run_command(py: Python<'_>, argv: Vec<OsString>) -> u8 {
    py.detach(|| crate::cli::run(argv))
}

/// Finds the records in a buffer; documented in the package.
#[pyfunction]
#[pyo3(signature = (buffer, limit=None))]
fn scan_record_boundaries(
    py: Python<'_>,
    buffer: &Bound<'_, PyAny>,
    limit: Option<usize>,
) -> PyResult<Vec<(usize, usize)>> {
    let bytes = inputs::buffer(buffer)?.ok_or_else(|| {
        let name = inputs::type_name(buffer);
        pyo3::exceptions::PyTypeError::new_err(format!("buffer must be bytes, bytearray or memoryview, not {name}"))
    })?;
    Ok(py.detach(|| crate::iso2709::scan_record_boundaries(&bytes, limit)))
}

// PyO3 would declare for us that this needs no GIL; a free-threaded Python that imports it takes the GIL back instead, and says so.
// Nothing here is known to need it: every class is frozen, what threads share is behind a mutex or an atomic, no mutex is waited
// for where Python may run, and `fast` makes objects as Python itself does. But `make test-free-threaded` has not run with a version
// that PyO3 supports there (3.14t and later), nor with Polars. `docs/threading.md` tells users.
#[pymodule(name = "_native", gil_used = true)]
fn native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    if fast::interpreter(module.py())? != 0 {
        // Classes are made once for each process, and threads that attach do so to the main interpreter.
        return Err(PyImportError::new_err(
            "mrrc_arrow works in the main interpreter of a process, and not in subinterpreters: use threads or processes",
        ));
    }
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("DEFAULT_BATCH_SIZE", crate::read::DEFAULT_BATCH_SIZE)?;
    module.add("KEPT_BATCH_SIZE", crate::read::KEPT_BATCH_SIZE)?;
    module.add("READER_BATCH_SIZE", crate::reader::READER_BATCH_SIZE)?;
    let rejects: Vec<_> = crate::Code::ALL.iter().filter(|code| code.is_reject()).map(|code| code.as_str()).collect();
    module.add("REJECT_CODES", rejects)?;
    module.add_class::<reader::RecordBatchReader>()?;
    module.add_class::<marc_reader::MARCReader>()?;
    module.add_class::<record::Record>()?;
    module.add_class::<field::Field>()?;
    module.add_class::<leader::Leader>()?;
    module.add_class::<tables::RecordBatch>()?;
    module.add_class::<tables::Schema>()?;
    module.add_class::<tables::Collected>()?;
    module.add_function(wrap_pyfunction!(run_command, module)?)?;
    module.add_function(wrap_pyfunction!(scan_record_boundaries, module)?)?;
    module.add_function(wrap_pyfunction!(options::check_column, module)?)?;
    module.add_function(wrap_pyfunction!(marc21::dictionary, module)?)?;
    module.add_function(wrap_pyfunction!(stream::collect, module)?)?;
    module.add_function(wrap_pyfunction!(stream::collect_problems, module)?)?;
    module.add_function(wrap_pyfunction!(profiles::collect_profile, module)?)?;
    module.add_function(wrap_pyfunction!(profiles::merge_profiles, module)?)?;
    module.add_function(wrap_pyfunction!(frames::write_marc, module)?)?;
    module.add_function(wrap_pyfunction!(parquet::write_parquet, module)?)?;
    module.add_function(wrap_pyfunction!(frames::select_columns, module)?)?;
    module.add_function(wrap_pyfunction!(frames::explode_records, module)?)?;
    module.add_function(wrap_pyfunction!(reader::open_batches, module)?)?;
    Ok(())
}
