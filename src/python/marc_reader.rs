//! `MARCReader`: records one at a time.
//!
//! The reader inside is guarded by a mutex that is only ever waited for with the GIL released. Whoever reads a batch holds
//! it throughout, also while a Python file is called; a record that is queued is taken under it with the GIL held, which
//! takes no time.

use std::ffi::CString;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Instant;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use super::errors::{counts, to_python};
use super::file::PythonFile;
use super::inputs::inputs;
use super::record::Record;
use super::stream::SIGNAL_INTERVAL;
use super::text::{Settings, Shared, errors_name};
use crate::pipeline::forked;
use crate::process::generation;
use crate::reader::{Item, RecordBlock, RecordReader, Session};

/// Iterates over records.
#[pyclass(frozen, subclass, module = "mrrc_arrow")]
pub(super) struct MARCReader {
    state: Mutex<State>,
    /// Which thread reads a batch right now; 0 for none.
    busy: AtomicUsize,
    files: Vec<Arc<PythonFile>>,
    settings: Arc<Settings>,
    backend: String,
    permissive: bool,
    generation: u64,
}

struct State {
    reader: RecordReader,
    /// The block of the last record, ready to be shared with the next.
    shared: Option<Arc<Shared>>,
    /// The last record that was handed out or rejected.
    last: Option<(Arc<RecordBlock>, usize)>,
    exception: Option<PyErr>,
    gil_cycles: u64,
}

/// A number for this thread that no other has at the same time.
fn this_thread() -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| std::ptr::from_ref(here) as usize)
}

/// What [`MARCReader::step`] found.
enum Step {
    Record(Arc<Shared>, usize),
    /// A bad record, which is to be None.
    Bad,
    End,
}

impl State {
    fn share(&mut self, block: &Arc<RecordBlock>, settings: &Arc<Settings>) -> Arc<Shared> {
        match &self.shared {
            Some(shared) if Arc::ptr_eq(&shared.block, block) => Arc::clone(shared),
            _ => {
                let shared = Arc::new(Shared { block: Arc::clone(block), settings: Arc::clone(settings) });
                self.shared = Some(Arc::clone(&shared));
                shared
            }
        }
    }
}

impl MARCReader {
    /// The state, waited for without the GIL.
    fn lock<'a>(&'a self, py: Python<'_>) -> PyResult<MutexGuard<'a, State>> {
        if generation() != self.generation {
            return Err(to_python(py, &forked()));
        }
        match self.state.try_lock() {
            Ok(state) => Ok(state),
            Err(TryLockError::Poisoned(state)) => Ok(state.into_inner()),
            Err(TryLockError::WouldBlock) => {
                if self.busy.load(Ordering::Relaxed) == this_thread() {
                    return Err(PyRuntimeError::new_err(
                        "this MARCReader is being read by the call that reads from it",
                    ));
                }
                loop {
                    // A guard cannot be handed over a change of the GIL, so it is waited for, let go and tried again.
                    py.detach(|| drop(self.state.lock().unwrap_or_else(PoisonError::into_inner)));
                    match self.state.try_lock() {
                        Ok(state) => return Ok(state),
                        Err(TryLockError::Poisoned(state)) => return Ok(state.into_inner()),
                        Err(TryLockError::WouldBlock) => {}
                    }
                }
            }
        }
    }

    /// Reads one batch into the queue and then runs `work` on the reader, without the GIL but for calls of a Python file.
    fn fetch<T: Send>(
        &self,
        py: Python<'_>,
        state: &mut State,
        work: impl Fn(&mut RecordReader) -> T + Sync + Send,
    ) -> PyResult<T> {
        self.busy.store(this_thread(), Ordering::Relaxed);
        let fetched = self.fetch_inner(py, state, work);
        self.busy.store(0, Ordering::Relaxed);
        if fetched.is_err() {
            state.reader.close();
        }
        fetched
    }

    fn fetch_inner<T: Send>(
        &self,
        py: Python<'_>,
        state: &mut State,
        work: impl Fn(&mut RecordReader) -> T + Sync + Send,
    ) -> PyResult<T> {
        if let [file] = self.files.as_slice() {
            // With the GIL that we hold anyway.
            let want = state.reader.foreseen();
            if want > 0 {
                file.prefetch(py, want)?;
            }
        }
        loop {
            state.gil_cycles += 1;
            let reader = &mut state.reader;
            let read = py.detach(|| {
                let deadline = Instant::now().checked_add(SIGNAL_INTERVAL);
                reader.read_batch(deadline).map(|ready| ready.then(|| work(reader)))
            });
            match read {
                Ok(Some(done)) => return Ok(done),
                Ok(None) => py.check_signals()?,
                Err(error) => return Err(to_python(py, &error)),
            }
        }
    }

    /// The next record of the queue, or of the next batch.
    #[inline]
    fn step(&self, py: Python<'_>) -> PyResult<Step> {
        let mut state = self.lock(py)?;
        self.step_locked(py, &mut state)
    }

    fn step_locked(&self, py: Python<'_>, state: &mut State) -> PyResult<Step> {
        loop {
            let item = state.reader.pop().map_err(|error| to_python(py, &error))?;
            return Ok(match item {
                Item::Empty => {
                    self.fetch(py, state, |_| ())?;
                    continue;
                }
                Item::End => {
                    state.shared = None;
                    state.last = None;
                    Step::End
                }
                Item::Record(block, index) => {
                    let shared = state.share(&block, &self.settings);
                    state.last = Some((block, index));
                    state.exception = None;
                    Step::Record(shared, index)
                }
                Item::Rejected(block, index, error) => {
                    let error = to_python(py, &error);
                    state.last = Some((block, index));
                    state.exception = Some(error.clone_ref(py));
                    if !self.permissive {
                        return Err(error);
                    }
                    Step::Bad
                }
            });
        }
    }
}

#[pymethods]
impl MARCReader {
    #[new]
    #[pyo3(signature = (source, to_unicode=true, force_utf8=false, hide_utf8_warnings=false, utf8_handling="strict",
        file_encoding="iso8859-1", permissive=false, *, glob=true, batch_size=None, _max_records=None, _max_bytes=None))]
    // pymarc's, in pymarc's order; a leading underscore says to Python what it means.
    #[allow(clippy::too_many_arguments, clippy::fn_params_excessive_bools, clippy::used_underscore_binding)]
    fn new(
        py: Python<'_>,
        source: &Bound<'_, PyAny>,
        to_unicode: bool,
        force_utf8: bool,
        hide_utf8_warnings: bool,
        utf8_handling: &str,
        file_encoding: &str,
        permissive: bool,
        glob: bool,
        batch_size: Option<usize>,
        _max_records: Option<usize>,
        _max_bytes: Option<usize>,
    ) -> PyResult<Self> {
        // We never print warnings.
        let _ = hide_utf8_warnings;
        let utf8_handling: CString = errors_name(utf8_handling).ok_or_else(|| {
            PyValueError::new_err(format!(
                "utf8_handling must be \"strict\", \"replace\" or \"ignore\", not {utf8_handling:?}"
            ))
        })?;
        // pymarc's default, under which it decodes MARC-8.
        let file_encoding = (file_encoding != "iso8859-1").then(|| file_encoding.to_owned());
        if let Some(encoding) = &file_encoding {
            py.import("codecs")?.call_method1("lookup", (encoding,))?;
        }
        let inputs = inputs(source, glob)?;
        let mut backends: Vec<&str> = inputs.sources.iter().map(|source| source.backend().as_str()).collect();
        backends.dedup();
        let mut session = Session { batch_size, ignore_foreign: permissive, ..Session::default() };
        session.max_records = _max_records.unwrap_or(session.max_records);
        session.max_bytes = _max_bytes.unwrap_or(session.max_bytes);
        let sources = inputs.sources;
        let backend = backends.join(", ");
        let reader = py.detach(|| RecordReader::open(sources, &session)).map_err(|error| to_python(py, &error))?;
        Ok(Self {
            state: Mutex::new(State { reader, shared: None, last: None, exception: None, gil_cycles: 0 }),
            busy: AtomicUsize::new(0),
            files: inputs.files,
            settings: Arc::new(Settings { to_unicode, force_utf8, utf8_handling, file_encoding }),
            backend,
            permissive,
            generation: generation(),
        })
    }

    /// What reads the bytes: `RustFile`, `CursorBackend` or `PythonFile`.
    #[getter]
    fn backend(&self) -> &str {
        &self.backend
    }

    /// Whether a bad record is None instead of an exception.
    #[getter]
    fn permissive(&self) -> bool {
        self.permissive
    }

    /// How often each problem of boundary and structure was met in what was read so far, by code.
    #[getter]
    fn problems<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counts(py, self.lock(py)?.reader.problems())
    }

    /// What was wrong with the record that was read last; None if it is one.
    #[getter]
    fn current_exception<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let state = self.lock(py)?;
        Ok(state.exception.as_ref().map(|error| error.value(py).clone().into_any()))
    }

    /// The bytes of the record that was read last, good or bad.
    #[getter]
    fn current_chunk<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let state = self.lock(py)?;
        Ok(state.last.as_ref().map(|(block, index)| PyBytes::new(py, block.bytes(*index))))
    }

    /// Counts of batches, calls of a file object's method, and releases of the GIL.
    #[getter]
    fn _counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (batches, gil_cycles) = {
            let state = self.lock(py)?;
            (state.reader.batches(), state.gil_cycles)
        };
        let (calls, attached) = self.files.iter().map(|file| file.counts()).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        let dict = PyDict::new(py);
        dict.set_item("batches", batches)?;
        dict.set_item("read_calls", calls)?;
        dict.set_item("gil_cycles", gil_cycles + attached)?;
        Ok(dict)
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(match self.step(py)? {
            Step::Record(shared, index) => Some(Bound::new(py, Record::new(shared, index))?.into_any()),
            Step::Bad => Some(py.None().into_bound(py)),
            Step::End => None,
        })
    }

    /// The next record; None at the end, for ever, and in place of a bad record where `permissive`.
    fn read_record(&self, py: Python<'_>) -> PyResult<Option<Record>> {
        Ok(match self.step(py)? {
            Step::Record(shared, index) => Some(Record::new(shared, index)),
            Step::Bad | Step::End => None,
        })
    }

    /// The records that are queued, or those of the next batch; an empty list at the end, for ever.
    fn read_batch<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        let mut state = self.lock(py)?;
        loop {
            match self.step_locked(py, &mut state) {
                Ok(Step::Record(shared, index)) => list.append(Bound::new(py, Record::new(shared, index))?)?,
                Ok(Step::Bad) => list.append(py.None())?,
                Ok(Step::End) => break,
                Err(error) if list.is_empty() => return Err(error),
                Err(_) => {
                    // First the records before it.
                    state.reader.put_back();
                    break;
                }
            }
            if state.reader.queued() == 0 {
                break;
            }
        }
        Ok(list)
    }

    /// Reads a batch and looks at the directory and the text of each record, all without the GIL; how many there were.
    fn _check_batch(&self, py: Python<'_>) -> PyResult<usize> {
        let mut state = self.lock(py)?;
        loop {
            let (count, end) = self.fetch(py, &mut state, |reader| (reader.check_queue(), reader.is_at_end()))?;
            if count > 0 || end {
                return Ok(count);
            }
        }
    }

    /// Ends the reading. Files that the caller opened stay open.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if generation() != self.generation {
            // What there is to end is the parent's.
            return Ok(());
        }
        let mut state = self.lock(py)?;
        state.reader.close();
        state.shared = None;
        state.last = None;
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        format!("MARCReader({})", self.backend)
    }
}
