//! Ctrl-C (and SIGTERM) as an error between two batches, so that what was begun is cleaned up.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::error::Error;

/// How often a command that waits looks whether it is to end.
pub(super) const INTERVAL: Duration = Duration::from_millis(50);

/// Set by the signals.
#[derive(Clone)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes over the signals for the rest of the process.
    pub(super) fn watch() -> Result<Self, Error> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The second time ends the process at once, should the first not do.
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag)))
                .map_err(|error| Error::from_io(error, "cannot watch for Ctrl-C"))?;
        }
        Ok(Self(flag))
    }

    /// An error once a signal has come.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::from_io(io::ErrorKind::Interrupted.into(), "stopped"));
        }
        Ok(())
    }
}

/// Whether `error` is that of [`Interrupt::check`].
pub(super) fn is_interrupt(error: &Error) -> bool {
    error.io().is_some_and(|io| io.kind() == io::ErrorKind::Interrupted)
}
