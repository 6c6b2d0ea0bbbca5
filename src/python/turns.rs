//! Taking turns at a reader: one thread reads, the others wait without the GIL and look for Ctrl-C.
//!
//! Whoever reads holds the mutex throughout, also while a Python file is called, which may take for ever; so it is only ever
//! tried.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::stream::SIGNAL_INTERVAL;

/// What threads take turns at.
pub(super) struct Turns<T> {
    state: Mutex<T>,
    /// Which thread reads right now; 0 for none.
    busy: AtomicUsize,
    /// Whether one does, and the news that it is done.
    reading: (Mutex<bool>, Condvar),
}

/// A number for this thread that no other has at the same time.
fn this_thread() -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| std::ptr::from_ref(here) as usize)
}

impl<T> Turns<T> {
    pub(super) fn new(state: T) -> Self {
        Self { state: Mutex::new(state), busy: AtomicUsize::new(0), reading: (Mutex::new(false), Condvar::new()) }
    }

    /// The state, if nobody has it.
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            // A panic while the lock was held leaves a reader that is fused, not one that is broken.
            Err(TryLockError::Poisoned(state)) => Some(state.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The state, waited for without the GIL.
    ///
    /// # Errors
    ///
    /// Ctrl-C, or a call that comes out of the reading itself.
    pub(super) fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, T>> {
        loop {
            if let Some(state) = self.try_lock() {
                return Ok(state);
            }
            if self.busy.load(Ordering::Relaxed) == this_thread() {
                return Err(PyRuntimeError::new_err("this reader is being read by the call that reads from it"));
            }
            let (reading, done) = &self.reading;
            py.detach(|| {
                let reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
                // How it came out does not matter: the state is tried again.
                drop(done.wait_timeout_while(reading, SIGNAL_INTERVAL, |reading| *reading));
            });
            py.check_signals()?;
        }
    }

    /// Says that this thread, which has the state, reads, until what is returned is dropped.
    pub(super) fn reading(&self) -> Reading<'_, T> {
        self.set_reading(true);
        Reading(self)
    }

    fn set_reading(&self, reading: bool) {
        self.busy.store(if reading { this_thread() } else { 0 }, Ordering::Relaxed);
        let (flag, done) = &self.reading;
        *flag.lock().unwrap_or_else(PoisonError::into_inner) = reading;
        if !reading {
            done.notify_all();
        }
    }
}

/// While it lives, its thread reads.
pub(super) struct Reading<'a, T>(&'a Turns<T>);

impl<T> Drop for Reading<'_, T> {
    fn drop(&mut self) {
        self.0.set_reading(false);
    }
}
