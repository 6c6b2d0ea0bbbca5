//! `mrrc-arrow check`.

use std::fmt::Write as _;

use super::columns::printable;
use super::input::{Files, Text};
use super::interrupt::{INTERVAL, Interrupt};
use super::print;
use super::progress::Progress;
use crate::error::Error;
use crate::problem::{Code, Problem, Severity};
use crate::read::{Inspection, ReadOptions};

/// Say what is wrong with MARC files, and where.
///
/// Prints the number of records and, for each kind of problem, how often it was met, what was done about it, and the first
/// few places. The exit code is 1 if a record was rejected: it would be in no table.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mrrc-arrow check 'dump/*.mrc.gz'")]
pub(super) struct Arguments {
    #[command(flatten)]
    files: Files,
    /// How many places to print of each kind
    #[arg(long, default_value_t = 3)]
    examples: usize,
    #[command(flatten)]
    text: Text,
}

/// Returns whether nothing was rejected.
pub(super) fn run(arguments: &Arguments) -> Result<bool, Error> {
    let interrupt = Interrupt::watch()?;
    let options = ReadOptions { ignore_errors: true, ..arguments.text.options() };
    let sources = arguments.files.sources()?;
    let mut progress = Progress::new(&sources);
    let mut inspection = Inspection::problems_of(sources, &options)?;
    let mut examples: Vec<(Code, Vec<String>)> = Code::ALL.iter().map(|&code| (code, Vec::new())).collect();
    // What was found before an error is told all the same.
    let mut ended = Ok(());
    loop {
        let problems = match interrupt.check().and_then(|()| inspection.poll(INTERVAL)) {
            Ok(Some(problems)) => problems,
            Ok(None) => break,
            Err(error) => {
                ended = Err(error);
                break;
            }
        };
        progress.show(inspection.bytes_read());
        for problem in problems {
            if let Some((_, places)) = examples.iter_mut().find(|(code, _)| *code == problem.code)
                && places.len() < arguments.examples
            {
                places.push(place(&problem));
            }
        }
    }
    let counts = inspection.problems();
    let rejected = counts.rejected();
    let mut text = format!("{} records read, {rejected} rejected\n", inspection.rows());
    for severity in [Severity::Reject, Severity::Repair, Severity::Junk] {
        for (code, places) in examples.iter().filter(|(code, _)| code.severity() == severity && counts.get(*code) > 0) {
            let (name, count, advice) = (code.as_str(), counts.get(*code), code.advice());
            // Writing to a string does not fail.
            let _ = writeln!(text, "\n{} {name}: {count}\n  {advice}", severity.as_str());
            for place in places {
                let _ = writeln!(text, "    {place}");
            }
        }
    }
    drop(progress);
    print(text.as_bytes())?;
    ended.map(|()| rejected == 0)
}

/// Where a problem is, in words.
fn place(problem: &Problem) -> String {
    let mut place = problem.source.as_deref().map(|source| format!("{source}: ")).unwrap_or_default();
    if let Some(record) = problem.record {
        let _ = write!(place, "record {record} ");
    }
    let _ = write!(place, "at byte {}, {} bytes", problem.offset, problem.length);
    if let Some(tag) = &problem.tag {
        let _ = write!(place, ", field {}", printable(tag));
    }
    if !problem.raw.is_empty() && problem.code.severity() == Severity::Repair {
        let _ = write!(place, ": {}", shown(&problem.raw));
    }
    place
}

/// The first bytes as text, with escapes for what is not printable.
fn shown(raw: &[u8]) -> String {
    const MOST: usize = 60;
    let text = raw.get(..MOST.min(raw.len())).unwrap_or_default().escape_ascii();
    if raw.len() > MOST { format!("{text}…") } else { text.to_string() }
}
