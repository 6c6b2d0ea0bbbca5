//! The `mrrc-arrow` command; the same program from cargo and from pip.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 the input could not be read, or some of it, or the
//! output not written, 2 wrong usage, 130 interrupted.

mod check;
mod columns;
mod convert;
mod count;
mod interrupt;
mod profile;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::problem::ProblemCounts;
use crate::source::Source;

/// Library catalogues in MARC (ISO 2709), plain or gzip, for people who work with data frames.
#[derive(Debug, Parser)]
#[command(name = "mrrc-arrow", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Arguments),
    Convert(convert::Arguments),
    Count(count::Arguments),
    Profile(profile::Arguments),
}

/// Runs the command with `arguments`, the program's name first, and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version come this way, too, to stdout and with code 0.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let done = match arguments.command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Convert(arguments) => convert::run(&arguments).map(|()| true),
        Command::Count(arguments) => count::run(&arguments).map(|()| true),
        Command::Profile(arguments) => profile::run(&arguments).map(|()| true),
    };
    match done {
        Ok(sound) => u8::from(!sound),
        Err(error) => {
            say(&format!("error: {error}"));
            if interrupt::is_interrupt(&error) { 130 } else { 1 }
        }
    }
}

/// Inputs as given on the command line: paths and, where no such file exists, glob patterns.
fn sources(inputs: &[PathBuf]) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    for input in inputs {
        match input.to_str() {
            Some(pattern) => sources.extend(Source::glob(pattern)?),
            None => sources.push(Source::path(input)),
        }
    }
    Ok(sources)
}

/// A parser of the names of some values, which `--help` lists.
fn names<T: Copy + Send + Sync + 'static>(known: &'static [(&'static str, T)]) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(known.iter().map(|&(name, _)| name)).try_map(move |name| {
        known.iter().find(|(known, _)| *known == name).map(|&(_, value)| value).ok_or("no such name")
    })
}

/// Tells what was wrong with the input, a line for each code.
fn report(problems: &ProblemCounts) {
    for (code, count) in problems.iter() {
        say(&format!("{}: {count} {} ({})", code.severity().as_str(), code.as_str(), code.advice()));
    }
}

/// A line on stderr, which may be closed.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
