//! What commands that read take: which files, and how to read them. Each takes as much of that as has a meaning for it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::names;
use crate::encoding::{Encoding, Format};
use crate::error::Error;
use crate::read::ReadOptions;
use crate::source::Source;

/// Stands for standard input or output.
pub(super) const STANDARD: &str = "-";

/// Which files.
#[derive(Debug, clap::Args)]
pub(super) struct Files {
    /// Files, glob patterns in quotes, or - for standard input; plain, gzip, zstd or bzip2
    #[arg(required = true)]
    input: Vec<PathBuf>,
}

/// How the text of records is read.
#[derive(Debug, clap::Args)]
pub(super) struct Text {
    /// Which records these are; UNIMARC has to be said
    #[arg(long, value_parser = names(Format::ALL), default_value = "auto")]
    pub format: Format,
    /// What text is encoded in, whatever records say
    #[arg(long, value_parser = names(Encoding::ALL))]
    pub encoding: Option<Encoding>,
}

/// How records are read.
#[derive(Debug, clap::Args)]
pub(super) struct Reading {
    /// Leave out records that cannot be read, and tell how many
    #[arg(long)]
    pub ignore_errors: bool,
    #[command(flatten)]
    pub text: Text,
}

/// Which files, and how their records are read.
#[derive(Debug, clap::Args)]
pub(super) struct Input {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    pub reading: Reading,
}

impl Files {
    pub(super) fn sources(&self) -> Result<Vec<Source>, Error> {
        sources(&self.input)
    }
}

impl Text {
    pub(super) fn options(&self) -> ReadOptions {
        ReadOptions { format: self.format, encoding: self.encoding, ..ReadOptions::default() }
    }
}

impl Reading {
    pub(super) fn options(&self) -> ReadOptions {
        ReadOptions { ignore_errors: self.ignore_errors, ..self.text.options() }
    }
}

impl Input {
    pub(super) fn sources(&self) -> Result<Vec<Source>, Error> {
        self.files.sources()
    }

    pub(super) fn options(&self) -> ReadOptions {
        self.reading.options()
    }
}

/// Inputs as given on the command line: paths and, where no such file exists, glob patterns.
pub(super) fn sources(inputs: &[PathBuf]) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    for input in inputs {
        match input.to_str() {
            // A path on systems that have it; what it leads to may be a file, which then is read as one.
            Some(STANDARD) => sources.push(Source::path(standard_input()?)),
            Some(pattern) => sources.extend(Source::glob(pattern)?),
            None => sources.push(Source::path(input)),
        }
    }
    Ok(sources)
}

/// Standard input as a path; asked for twice, the second would find nothing.
pub(super) fn standard_input() -> Result<&'static str, Error> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(Error::option("- is standard input, which can be read once"));
    }
    Ok("/dev/stdin")
}
