//! `mrrc-arrow select`: columns of records as text.

use std::path::PathBuf;

use super::convert::{format, named};
use super::input::{Input, STANDARD};
use super::interrupt::Interrupt;
use super::progress::Progress;
use super::{report, stdout_text};
use crate::error::Error;
use crate::read::read;
use crate::spec::Column;
use crate::write::Output;
use crate::write::table::{TableFormat, write_table};

/// Print columns of records as CSV, a row per record.
///
/// A column is a MARC spec and how many of its values to keep: 245$a (the first), all(650$a), join(245$a$b, " "), count(852),
/// exists(856$u); with NAME= before it, it has that name. Values of a list are one cell, with --separator between.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mrrc-arrow select --column id=001 --column 'title=245$a' catalogue.mrc > titles.csv\n  \
    mrrc-arrow select -c 001 -c 'all(650$a)' --to ndjson catalogue.mrc | head"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// A column, SPEC or NAME=SPEC; to be given again for each
    #[arg(short, long = "column", value_name = "[NAME=]SPEC", value_parser = named, required = true)]
    columns: Vec<(String, Column)>,
    /// What to print; csv, unless the name of --output says another
    #[arg(long, value_parser = ["csv", "tsv", "ndjson"])]
    to: Option<String>,
    /// What goes between the values of a list in CSV
    #[arg(long, default_value = "; ")]
    separator: String,
    /// Stop after so many records
    #[arg(short, long)]
    n: Option<u64>,
    /// The file to write; standard output without it
    #[arg(short, long, default_value = STANDARD)]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let interrupt = Interrupt::watch()?;
    let mut options = arguments.input.options();
    options.columns = Some(arguments.columns.clone());
    options.n_rows = arguments.n;
    let sources = arguments.input.sources()?;
    let mut progress = Progress::new(&sources);
    let mut stream = read(sources, options)?;
    let separator = arguments.separator.clone();
    let format = match format(arguments.to.as_deref(), &arguments.output, "csv")? {
        "ndjson" => TableFormat::Ndjson,
        "tsv" => TableFormat::Csv { separator, delimiter: b'\t' },
        _ => TableFormat::Csv { separator, delimiter: b',' },
    };
    let mut out = stdout_text();
    let is_file = arguments.output.as_os_str() != STANDARD;
    let output = if is_file { Output::path(&arguments.output) } else { Output::writer(&mut out) };
    write_table(&mut stream, output, &format, &mut |stream| {
        // Not between lines that a terminal shows.
        if is_file {
            progress.show(stream.bytes_read());
        }
        interrupt.check()
    })?;
    drop(progress);
    report(stream.problems());
    Ok(())
}
