//! `MARCReader`: records one at a time.
//!
//! Threads take [`Turns`] at a reader. A record that is queued is taken with the GIL held, which takes no time. What can be asked
//! of a reader that waits in another thread is kept apart. A reader holds no Python object but its files: an exception that it
//! kept would hold the frames it was raised in, and they the reader.

use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use super::errors::{counts, to_python};
use super::file::PythonFile;
use super::inputs::inputs;
use super::record::Record;
use super::stream::SIGNAL_INTERVAL;
use super::text::{HANDLERS, Settings, Shared, errors_name};
use super::turns::Turns;
use crate::error::Error;
use crate::pipeline::forked;
use crate::problem::ProblemCounts;
use crate::process::generation;
use crate::reader::{Item, ReaderOptions, RecordBlock, RecordReader};

/// Iterates over records.
#[pyclass(frozen, subclass, module = "mrrc_arrow")]
pub(super) struct MARCReader {
    turns: Turns<State>,
    seen: Mutex<Seen>,
    /// Closed while a thread was reading, which sees to it.
    closed: AtomicBool,
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
    gil_cycles: u64,
}

/// What can be asked for at any time.
#[derive(Default)]
struct Seen {
    /// The last record that was handed out or rejected.
    last: Option<(Arc<RecordBlock>, usize)>,
    error: Option<Error>,
    problems: ProblemCounts,
    batches: u64,
    gil_cycles: u64,
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
    /// Fails in a child that was forked after the reader was opened.
    fn same_process(&self, py: Python<'_>) -> PyResult<()> {
        if generation() == self.generation { Ok(()) } else { Err(to_python(py, &forked())) }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what was handed out or rejected.
    #[inline]
    fn note(&self, last: Option<(Arc<RecordBlock>, usize)>, error: Option<Error>) {
        let mut seen = self.seen();
        let before = (std::mem::replace(&mut seen.last, last), std::mem::replace(&mut seen.error, error));
        drop(seen);
        // A block may be let go here, and with it bytes of Python's.
        drop(before);
    }

    /// The state, waited for without the GIL.
    fn lock<'a>(&'a self, py: Python<'_>) -> PyResult<MutexGuard<'a, State>> {
        self.same_process(py)?;
        self.turns.lock(py)
    }

    /// Reads one batch into the queue and then runs `work` on the reader, without the GIL but for calls of a Python file.
    fn fetch<T: Send>(
        &self,
        py: Python<'_>,
        state: &mut State,
        work: impl Fn(&mut RecordReader) -> T + Sync + Send,
    ) -> PyResult<T> {
        let reading = self.turns.reading();
        let fetched = self.fetch_inner(py, state, work);
        {
            let mut seen = self.seen();
            seen.problems = state.reader.problems().clone();
            (seen.batches, seen.gil_cycles) = (state.reader.batches(), state.gil_cycles);
        }
        drop(reading);
        // An error of the input ends the reader by itself; after Ctrl-C reading can go on.
        fetched
    }

    fn fetch_inner<T: Send>(
        &self,
        py: Python<'_>,
        state: &mut State,
        work: impl Fn(&mut RecordReader) -> T + Sync + Send,
    ) -> PyResult<T> {
        // `list` and its like do not, and we may not have to wait.
        py.check_signals()?;
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
            if self.closed.load(Ordering::Relaxed) {
                state.reader.close();
            }
            let item = state.reader.pop().map_err(|error| to_python(py, &error))?;
            return Ok(match item {
                Item::Empty => {
                    self.fetch(py, state, |_| ())?;
                    continue;
                }
                Item::End => {
                    state.shared = None;
                    self.note(None, None);
                    Step::End
                }
                Item::Record(block, index) => {
                    let shared = state.share(&block, &self.settings);
                    self.note(Some((block, index)), None);
                    Step::Record(shared, index)
                }
                Item::Rejected(block, index, error) => {
                    let raised = (!self.permissive).then(|| {
                        // This runs Python, while others wait for us, and finalizers, which may come here again.
                        let _reading = self.turns.reading();
                        to_python(py, &error)
                    });
                    self.note(Some((block, index)), Some(error));
                    match raised {
                        Some(error) => return Err(error),
                        None => Step::Bad,
                    }
                }
            });
        }
    }
}

#[pymethods]
impl MARCReader {
    #[new]
    #[pyo3(signature = (source, to_unicode=true, force_utf8=false, hide_utf8_warnings=false, utf8_handling="strict",
        file_encoding="iso8859-1", permissive=false, *, format="auto", glob=true, batch_size=None, _max_records=None, _max_bytes=None))]
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
        format: &str,
        glob: bool,
        batch_size: Option<usize>,
        _max_records: Option<usize>,
        _max_bytes: Option<usize>,
    ) -> PyResult<Self> {
        // We never print warnings.
        let _ = hide_utf8_warnings;
        let utf8_handling: CString = errors_name(utf8_handling).ok_or_else(|| {
            let names: Vec<String> = HANDLERS.iter().map(|name| format!("{:?}", name.to_string_lossy())).collect();
            PyValueError::new_err(format!("utf8_handling must be {}, not {utf8_handling:?}", names.join(" or ")))
        })?;
        // pymarc's default, under which it decodes MARC-8.
        let file_encoding = (file_encoding != "iso8859-1").then(|| file_encoding.to_owned());
        if let Some(encoding) = &file_encoding {
            py.import("codecs")?.call_method1("lookup", (encoding,))?;
        }
        let inputs = inputs(source, glob)?;
        let mut backends: Vec<&str> = inputs.sources.iter().map(|source| source.backend().as_str()).collect();
        backends.dedup();
        let mut session = ReaderOptions { batch_size, ignore_foreign: permissive, ..ReaderOptions::default() };
        session.format = format.parse().map_err(|error| to_python(py, &error))?;
        session.max_records = _max_records.unwrap_or(session.max_records);
        session.max_bytes = _max_bytes.unwrap_or(session.max_bytes);
        let sources = inputs.sources;
        let backend = backends.join(", ");
        let reader = py.detach(|| RecordReader::open(sources, &session)).map_err(|error| to_python(py, &error))?;
        Ok(Self {
            turns: Turns::new(State { reader, shared: None, gil_cycles: 0 }),
            seen: Mutex::default(),
            closed: AtomicBool::new(false),
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
        self.same_process(py)?;
        // A copy: what makes Python objects may run finalizers, which may ask the same or let another thread ask it.
        let problems = self.seen().problems.clone();
        counts(py, &problems)
    }

    /// What was wrong with the record that was read last; None if it is one.
    #[getter]
    fn current_exception<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.same_process(py)?;
        let error = self.seen().error.clone();
        Ok(error.map(|error| to_python(py, &error).into_value(py).into_bound(py).into_any()))
    }

    /// The bytes of the record that was read last, good or bad.
    #[getter]
    fn current_chunk<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.same_process(py)?;
        let last = self.seen().last.clone();
        Ok(last.map(|(block, index)| PyBytes::new(py, block.bytes(index))))
    }

    /// Counts of batches, calls of a file object's method, and releases of the GIL.
    #[getter]
    fn _counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.same_process(py)?;
        let (batches, gil_cycles) = {
            let seen = self.seen();
            (seen.batches, seen.gil_cycles)
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
            match self.step_locked(py, &mut state)? {
                Step::Record(shared, index) => list.append(Bound::new(py, Record::new(shared, index))?)?,
                Step::Bad => list.append(py.None())?,
                Step::End => break,
            }
            // A bad record raises when those before it have been taken.
            if state.reader.queued() == 0 || !self.permissive && state.reader.is_next_rejected() {
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
    #[allow(clippy::unnecessary_wraps)] // as __exit__ has it
    fn close(&self) -> PyResult<()> {
        if generation() != self.generation {
            // What there is to end is the parent's.
            return Ok(());
        }
        self.closed.store(true, Ordering::Relaxed);
        self.note(None, None);
        // A thread that reads ends the reading when it is done.
        if let Some(mut state) = self.turns.try_lock() {
            state.reader.close();
            state.shared = None;
        }
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close()
    }

    fn __repr__(&self) -> String {
        format!("MARCReader({})", self.backend)
    }
}
