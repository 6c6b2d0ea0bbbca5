//! `RecordBatchReader`: batches one at a time, as an iterator or as an Arrow C stream.
//!
//! Threads that share a reader take [`Turns`]; what can be asked while one waits is kept apart.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow_schema::{ArrowError, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};

use super::errors::{counts, to_python, told, warn_of_rejects};
use super::inputs::sources;
use super::options::parse;
use super::stream::SIGNAL_INTERVAL;
use super::tables::{RecordBatch, Schema, schema_capsule, stream_capsule};
use super::turns::Turns;
use crate::error::Error;
use crate::pipeline::forked;
use crate::problem::ProblemCounts;
use crate::read::{BatchStream, Poll, ReadOptions, read};
use crate::source::Source;

/// Batches of a MARC file, read while they are consumed.
#[pyclass(frozen, module = "mrrc_arrow")]
pub(super) struct RecordBatchReader {
    sources: Vec<Source>,
    options: ReadOptions,
    schema: SchemaRef,
    /// The iteration leaves it to its caller to warn of rejects.
    quiet: bool,
    turns: Turns<State>,
    /// What was met so far, and the bytes read.
    seen: Mutex<(ProblemCounts, u64)>,
    /// Closed while a thread was reading, which sees to it.
    closed: AtomicBool,
    /// The process in which the iteration began; 0 before that. In a forked child a lock that another thread held stays held
    /// for ever, so this is looked at before it.
    opened_in: AtomicU32,
}

enum State {
    /// Nothing was iterated yet; reading begins with the first batch.
    Unopened,
    Open(Box<BatchStream>),
    /// At the end, after an error, or closed; what was met until then.
    Closed {
        problems: ProblemCounts,
        bytes_read: u64,
    },
}

/// Opens `source` for reading by batches. A `quiet` reader is one of the package's own, which warns of rejects itself; it says
/// whether it will keep all batches.
#[pyfunction]
#[pyo3(signature = (source, quiet=false, retain=false, /, **options))]
pub(super) fn open_batches(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    quiet: bool,
    retain: bool,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<RecordBatchReader> {
    let options = parse(options)?;
    let sources = sources(source, options.glob)?;
    let options = ReadOptions { retain, ..options.read };
    let schema = options.validate().map_err(|error| to_python(py, &error))?;
    // A file system may take its time.
    py.detach(|| sources.iter().try_for_each(Source::check)).map_err(|error| to_python(py, &error))?;
    Ok(RecordBatchReader {
        sources,
        options,
        schema,
        quiet,
        turns: Turns::new(State::Unopened),
        seen: Mutex::default(),
        closed: AtomicBool::new(false),
        opened_in: AtomicU32::new(0),
    })
}

impl RecordBatchReader {
    fn open(&self) -> Result<BatchStream, Error> {
        read(self.sources.clone(), self.options.clone())
    }

    /// A fresh read of the sources.
    pub(super) fn fresh(&self, py: Python<'_>) -> PyResult<BatchStream> {
        py.detach(|| self.open()).map_err(|error| to_python(py, &error))
    }

    fn warn(&self, py: Python<'_>, problems: Option<ProblemCounts>) -> PyResult<()> {
        problems.filter(|_| !self.quiet).map_or(Ok(()), |problems| warn_of_rejects(py, &problems))
    }

    /// Opens the stream of the iteration.
    fn begin(&self) -> Result<BatchStream, Error> {
        self.opened_in.store(std::process::id(), Ordering::Relaxed);
        self.open()
    }

    /// Runs `look` on the state with the GIL released.
    fn with_state<T: Send>(&self, py: Python<'_>, look: impl FnOnce(&mut State) -> T + Send) -> PyResult<T> {
        self.same_process().map_err(|error| to_python(py, &error))?;
        let mut state = self.turns.lock(py)?;
        let reading = self.turns.reading();
        let state_ref = &mut *state;
        let found = py.detach(|| look(state_ref));
        *self.seen() = (state.problems(), state.bytes_read());
        drop(reading);
        Ok(found)
    }

    fn seen(&self) -> MutexGuard<'_, (ProblemCounts, u64)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails in a child that was forked after the iteration began.
    fn same_process(&self) -> Result<(), Error> {
        match self.opened_in.load(Ordering::Relaxed) {
            0 => Ok(()),
            process if process == std::process::id() => Ok(()),
            _ => Err(forked()),
        }
    }
}

/// One turn at the stream: the batch or end that came within an interval, and at the end what was met.
enum Turn {
    Batch(Box<arrow_array::RecordBatch>),
    End(Option<ProblemCounts>),
    Pending,
}

impl State {
    fn problems(&self) -> ProblemCounts {
        match self {
            State::Unopened => ProblemCounts::default(),
            State::Open(stream) => stream.problems().clone(),
            State::Closed { problems, .. } => problems.clone(),
        }
    }

    fn bytes_read(&self) -> u64 {
        match self {
            Self::Unopened => 0,
            Self::Open(stream) => stream.bytes_read(),
            Self::Closed { bytes_read, .. } => *bytes_read,
        }
    }

    /// Ends the reading, if that has not been done; returns what an open stream had met.
    fn close(&mut self) -> Option<ProblemCounts> {
        let (problems, bytes_read) = match self {
            State::Open(stream) => (stream.problems().clone(), stream.bytes_read()),
            State::Unopened => (ProblemCounts::default(), 0),
            State::Closed { .. } => return None,
        };
        *self = State::Closed { problems: problems.clone(), bytes_read };
        Some(problems)
    }

    /// Of a reader that was closed meanwhile this is the end, with what it had met.
    fn turn(&mut self, closed: bool, open: impl FnOnce() -> Result<BatchStream, Error>) -> Result<Turn, Error> {
        if closed {
            return Ok(Turn::End(self.close()));
        }
        if matches!(self, State::Unopened) {
            *self = State::Open(Box::new(open()?));
        }
        let State::Open(stream) = self else { return Ok(Turn::End(None)) };
        match stream.poll(SIGNAL_INTERVAL) {
            Poll::Pending => Ok(Turn::Pending),
            Poll::Ready(Some(Ok(batch))) => Ok(Turn::Batch(Box::new(batch))),
            Poll::Ready(Some(Err(error))) => {
                self.close();
                Err(error)
            }
            Poll::Ready(None) => Ok(Turn::End(self.close())),
        }
    }
}

#[pymethods]
impl RecordBatchReader {
    /// The columns' names and types, known before anything is read.
    #[getter]
    fn schema(&self) -> Schema {
        Schema::new(self.schema.clone())
    }

    /// How often each problem was met so far in the iteration, by code.
    #[getter]
    fn problems<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.same_process().map_err(|error| to_python(py, &error))?;
        // A copy: what makes Python objects may run finalizers, which may ask the same or let another thread ask it.
        let problems = self.seen().0.clone();
        counts(py, &problems)
    }

    /// Number of records that the iteration left out so far.
    #[getter]
    fn rejected(&self, py: Python<'_>) -> PyResult<u64> {
        self.same_process().map_err(|error| to_python(py, &error))?;
        Ok(self.seen().0.rejected())
    }

    /// Bytes of the sources that the iteration has read, after decompression.
    #[getter]
    fn bytes_read(&self, py: Python<'_>) -> PyResult<u64> {
        self.same_process().map_err(|error| to_python(py, &error))?;
        // As far as it is known without waiting for a thread that reads.
        if let Some(state) = self.turns.try_lock() {
            return Ok(state.bytes_read());
        }
        Ok(self.seen().1)
    }

    /// Bytes of the sources as they lie on disk or in memory; None where that is not known.
    #[getter]
    fn total_bytes(&self) -> Option<u64> {
        self.sources.iter().map(Source::size).sum()
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        // `list` and its like look for Ctrl-C no more than a batch that is there already makes us wait.
        py.check_signals()?;
        loop {
            match self.with_state(py, |state| state.turn(self.closed.load(Ordering::Relaxed), || self.begin()))? {
                Ok(Turn::Batch(batch)) => return Ok(Some(RecordBatch::new(*batch))),
                Ok(Turn::End(problems)) => {
                    self.warn(py, problems)?;
                    return Ok(None);
                }
                Ok(Turn::Pending) => py.check_signals()?,
                Err(error) => return Err(to_python(py, &error)),
            }
        }
    }

    /// Ends the iteration and the reading behind it; also at the end of a `with` block.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if self.same_process().is_err() {
            // What there is to end is the parent's.
            return Ok(());
        }
        self.closed.store(true, Ordering::Relaxed);
        // A thread that reads ends the reading when it is done.
        let Some(mut state) = self.turns.try_lock() else { return Ok(()) };
        let state_ref = &mut *state;
        let problems = py.detach(|| state_ref.close());
        drop(state);
        self.warn(py, problems)
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    /// A fresh read of the sources as an Arrow C stream, each time it is called.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let stream = py.detach(|| self.open()).map_err(|error| to_python(py, &error))?;
        stream_capsule(py, &self.schema, CStream(Some(stream)), requested_schema)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.schema)
    }

    fn __repr__(&self) -> String {
        format!("RecordBatchReader({} source(s))", self.sources.len())
    }
}

/// The stream behind the C interface. Consumers call it with or without the GIL, from any thread.
struct CStream(Option<BatchStream>);

impl Iterator for CStream {
    type Item = Result<arrow_array::RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let stream = self.0.as_mut()?;
        // A consumer may hold the GIL: attach, which then costs nothing, so that it can be released while we wait.
        let next = Python::try_attach(|py| {
            // Whoever takes all of it may not come back to the interpreter before, and we do not wait for what is there already.
            py.check_signals().map_err(|error| error.to_string())?;
            loop {
                match py.detach(|| stream.poll(SIGNAL_INTERVAL)) {
                    Poll::Ready(next) => {
                        if next.is_none() {
                            warn_of_rejects(py, stream.problems()).map_err(|error| error.to_string())?;
                        }
                        return Ok(next);
                    }
                    Poll::Pending => py.check_signals().map_err(|error| error.to_string())?,
                }
            }
        });
        let next = match next {
            Some(Ok(next)) => next.map(|batch| batch.map_err(|error| told(&error))),
            Some(Err(message)) => Some(Err(message)),
            // To end as if all had been read would be a lie.
            None => Some(Err("the interpreter is shutting down".to_owned())),
        };
        if !matches!(next, Some(Ok(_))) {
            self.0 = None;
        }
        // The message crosses as a C string, in which a NUL byte would end the process.
        next.map(|batch| batch.map_err(|message| ArrowError::ExternalError(message.replace('\0', "\u{FFFD}").into())))
    }
}
