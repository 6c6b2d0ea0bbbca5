//! How far long work is, on a line of a terminal that it has to itself.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::source::Source;

/// Work that is over by then needs no line.
const PATIENCE: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_millis(200);

const MEGABYTE: f64 = 1e6;

pub(super) struct Progress {
    started: Instant,
    shown: Option<Instant>,
    /// Bytes of input, where what is read of it can be measured by that.
    total: Option<u64>,
    is_terminal: bool,
}

impl Progress {
    /// Of work on `sources`.
    pub(super) fn new(sources: &[Source]) -> Self {
        // What is compressed is counted as it is once it is no longer so.
        let is_countable = sources.iter().all(|source| source.is_at_hand() && !source.is_compressed());
        let total = sources.iter().map(Source::size).sum::<Option<u64>>().filter(|&total| is_countable && total > 0);
        Self { started: Instant::now(), shown: None, total, is_terminal: std::io::stderr().is_terminal() }
    }

    /// Shows that so many bytes have been read, now and then.
    pub(super) fn show(&mut self, read: u64) {
        let now = Instant::now();
        let since = self.shown.map_or(now - self.started, |shown| now - shown);
        if !self.is_terminal || since < if self.shown.is_some() { INTERVAL } else { PATIENCE } {
            return;
        }
        self.shown = Some(now);
        // No number of bytes that is so large that it matters.
        #[allow(clippy::cast_precision_loss)]
        let (read, total) = (read as f64, self.total.map(|total| total as f64));
        let rate = read / MEGABYTE / (now - self.started).as_secs_f64();
        let share = total.map_or_else(String::new, |total| format!("{:3.0} %  ", (100.0 * read / total).min(100.0)));
        let _ = write!(std::io::stderr(), "\r\x1B[K{share}{:.0} MB read, {rate:.0} MB/s", read / MEGABYTE);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1B[K");
        }
    }
}
