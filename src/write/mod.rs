//! From record batches to files. What is written appears under its name only when it is whole.

mod atomic;
pub mod marc;
mod output;
pub mod parquet;
pub mod table;

use std::time::Duration;

use arrow_array::RecordBatch;
use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::error::Error;
use crate::read::{BatchStream, Poll};
pub use output::{Compression, Output};

/// How often it is asked whether to go on.
const INTERVAL: Duration = Duration::from_millis(50);

/// Asked now and then whether to go on.
type Check<'a> = &'a mut dyn FnMut() -> Result<(), Error>;

/// Hands each batch of `stream` to `write`, with `check` for while that takes long, and asks `check` while it waits for one. How
/// many rows there were.
fn each_batch(
    stream: &mut BatchStream,
    check: &mut dyn FnMut(&BatchStream) -> Result<(), Error>,
    mut write: impl FnMut(&RecordBatch, Check<'_>) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut rows = 0;
    loop {
        check(stream)?;
        match stream.poll(INTERVAL) {
            Poll::Pending => {}
            Poll::Ready(None) => return Ok(rows),
            Poll::Ready(Some(batch)) => {
                let batch = batch?;
                rows += batch.num_rows() as u64;
                write(&batch, &mut || check(stream))?;
            }
        }
    }
}

/// What comes of a job of the pool; asks `check` while it waits.
///
/// # Errors
///
/// Those of `check`.
fn wait_for<T>(job: &Receiver<Result<T, Error>>, check: Check<'_>) -> Result<Result<T, Error>, Error> {
    loop {
        match job.recv_timeout(INTERVAL) {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Timeout) => check()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(Err(Error::internal("a job of the pool was lost"))),
        }
    }
}

/// `text` as JSON has it.
pub(crate) fn json_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\0'..' ' | '\u{7F}'..='\u{9F}' => quoted.extend(format!("\\u{:04x}", char as u32).chars()),
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}
