//! `mrrc-arrow count`.

use super::input::Files;
use super::interrupt::{INTERVAL, Interrupt};
use super::progress::Progress;
use super::{print, report, say};
use crate::error::Error;
use crate::read::{Inspection, ReadOptions};

/// Count the records in MARC files.
///
/// Looks at where records and their directories end, and not into them. Prints the number of records that have both; what
/// is wrong there goes to stderr, and the exit code is 1 if something was rejected.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mrrc-arrow count 'dump/*.mrc.gz'")]
pub(super) struct Arguments {
    #[command(flatten)]
    files: Files,
    /// Leave out records that cannot be read: exit code 0 all the same
    #[arg(long)]
    ignore_errors: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let interrupt = Interrupt::watch()?;
    let options = ReadOptions { ignore_errors: arguments.ignore_errors, ..ReadOptions::default() };
    let sources = arguments.files.sources()?;
    let mut progress = Progress::new(&sources);
    let mut inspection = Inspection::count(sources, &options)?;
    let mut first = None;
    while let Some(problems) = inspection.poll(INTERVAL)? {
        interrupt.check()?;
        progress.show(inspection.bytes_read());
        if first.is_none() {
            first = problems.into_iter().find(|problem| problem.code.is_reject());
        }
    }
    drop(progress);
    print(format!("{}\n", inspection.rows()).as_bytes())?;
    report(inspection.problems());
    match first {
        Some(first) if !arguments.ignore_errors => {
            say("the first record that was rejected:");
            Err(crate::read::rejected(&first))
        }
        _ => Ok(()),
    }
}
