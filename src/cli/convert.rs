//! `mrrc-arrow convert`.

use std::path::PathBuf;

use super::{report, say, sources};
use crate::error::Error;
use crate::read::{ReadOptions, read};
use crate::write::parquet::write_parquet;

/// Convert MARC files to one Parquet file, a row per record.
///
/// The output has the columns `leader`, `control_number` and `fields` (nested, lossless), compressed with zstd. It appears
/// under its name only when it is whole.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mrrc-arrow convert 'dump/*.mrc.gz' catalogue.parquet")]
pub(super) struct Arguments {
    /// Files, or glob patterns in quotes
    #[arg(required = true)]
    input: Vec<String>,
    /// The file to write, ending in .parquet
    output: PathBuf,
    /// Leave out records that cannot be read, and tell how many
    #[arg(long)]
    ignore_errors: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let output = &arguments.output;
    if output.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("parquet")) {
        return Err(Error::option(format!("{}: the output's name must end in .parquet", output.display())));
    }
    let options = ReadOptions { ignore_errors: arguments.ignore_errors, ..ReadOptions::default() };
    let mut stream = read(sources(&arguments.input)?, options)?;
    let rows = write_parquet(&mut stream, output)?;
    report(stream.problems());
    say(&format!("{rows} records written to {}", output.display()));
    Ok(())
}
