//! The `mrrc-arrow` command; the same program from cargo and from pip.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 the input could not be read, or some of it, or the
//! output not written, 2 wrong usage, 130 interrupted.

mod check;
mod columns;
mod convert;
mod count;
mod filter;
mod head;
mod input;
mod interrupt;
mod profile;
mod progress;
mod schema;
mod select;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{CommandFactory, Parser, Subcommand};

use crate::error::{Error, ErrorKind, Hint};
use crate::problem::ProblemCounts;
use crate::read::{BatchStream, Poll};
use interrupt::Interrupt;

/// Library catalogues in MARC (ISO 2709), plain or gzip, zstd, bzip2, for people who work with data frames.
#[derive(Debug, Parser)]
#[command(name = "mrrc-arrow", version, arg_required_else_help = true)]
#[command(
    after_help = "Examples:\n  mrrc-arrow head -n 3 catalogue.mrc\n  mrrc-arrow convert catalogue.mrc catalogue.parquet\n\n\
    Exit codes: 0 done, 1 the input could not be read, or some of it, or the output not written, 2 wrong usage, \
    130 interrupted"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Cat(filter::CatArguments),
    Check(check::Arguments),
    Completions(Completions),
    Convert(convert::Arguments),
    Count(count::Arguments),
    Filter(filter::FilterArguments),
    Head(head::Arguments),
    Profile(profile::Arguments),
    Schema(schema::Arguments),
    Select(select::Arguments),
    Split(filter::SplitArguments),
}

/// Print a script that lets a shell complete commands and options.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  mrrc-arrow completions bash > ~/.local/share/bash-completion/completions/mrrc-arrow"
)]
struct Completions {
    /// Which shell
    shell: clap_complete::Shell,
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
        Command::Cat(arguments) => filter::cat(&arguments).map(|()| true),
        Command::Completions(Completions { shell }) => completions(shell).map(|()| true),
        Command::Convert(arguments) => convert::run(&arguments).map(|()| true),
        Command::Count(arguments) => count::run(&arguments).map(|()| true),
        Command::Filter(arguments) => filter::filter(&arguments).map(|()| true),
        Command::Head(arguments) => head::run(&arguments).map(|()| true),
        Command::Profile(arguments) => profile::run(&arguments).map(|()| true),
        Command::Schema(arguments) => schema::run(&arguments).map(|()| true),
        Command::Select(arguments) => select::run(&arguments).map(|()| true),
        Command::Split(arguments) => filter::split(&arguments).map(|()| true),
    };
    match done {
        Ok(sound) => u8::from(!sound),
        // Whoever read what was written has enough.
        Err(error) if error.io().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe) => 0,
        Err(error) => {
            say(&format!("error: {}", told(&error)));
            match error.kind() {
                _ if interrupt::is_interrupt(&error) => 130,
                ErrorKind::InvalidOption => 2,
                _ => 1,
            }
        }
    }
}

/// What is wrong, and what there is to do about it with the options of commands.
fn told(error: &Error) -> String {
    let hint = match error.hint() {
        Some(Hint::LeaveOutUnreadable) => {
            "Read with --ignore-errors to leave such records out; mrrc-arrow check lists them"
        }
        // Nothing that check would tell.
        Some(Hint::LeaveOutUnwritable) => "Leave such records out with --ignore-errors",
        Some(Hint::Subfields) => "Choose --layout subfields, without --column",
        Some(Hint::Flat) => {
            "Choose other columns, in convert --layout subfields, or another format, by the output's name or --to"
        }
        // No command reads record by record.
        Some(Hint::NextRecord | Hint::BytesAsRead) | None => return error.to_string(),
    };
    format!("{error}. {hint}")
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

/// Standard output for bytes that are no text, which a terminal should not get.
fn stdout(what: &str) -> Result<std::io::StdoutLock<'static>, Error> {
    let out = std::io::stdout();
    if out.is_terminal() {
        return Err(Error::option(format!("{what} is not for a terminal: name a file with --output, or a pipe")));
    }
    Ok(out.lock())
}

/// Standard output for text.
fn stdout_text() -> std::io::BufWriter<std::io::StdoutLock<'static>> {
    std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock())
}

fn completions(shell: clap_complete::Shell) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "mrrc-arrow", &mut script);
    print(&script)
}

/// Writes what was asked for to standard output.
fn print(text: &[u8]) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(text).and_then(|()| out.flush()).map_err(|error| Error::from_io(error, "cannot write"))
}

/// The batches of `stream`, until that ends or the work is to.
fn batches<'a>(
    stream: &'a mut BatchStream,
    interrupt: &'a Interrupt,
    mut look: impl FnMut(&BatchStream) + 'a,
) -> impl Iterator<Item = Result<arrow_array::RecordBatch, Error>> + 'a {
    std::iter::from_fn(move || {
        loop {
            if let Err(error) = interrupt.check() {
                return Some(Err(error));
            }
            look(stream);
            if let Poll::Ready(next) = stream.poll(interrupt::INTERVAL) {
                return next;
            }
        }
    })
}

/// A line on stderr, which may be closed.
fn say(line: &str) {
    // What is in files, names among it, does not move the cursor.
    let shown =
        line.chars().map(|char| if char.is_control() && char != '\n' { char::REPLACEMENT_CHARACTER } else { char });
    let _ = writeln!(std::io::stderr(), "{}", shown.collect::<String>());
}
