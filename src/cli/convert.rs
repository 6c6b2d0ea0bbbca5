//! `mrrc-arrow convert`.

use std::path::PathBuf;

use super::interrupt::Interrupt;
use super::{names, report, say, sources};
use crate::encoding::{Encoding, Format};
use crate::error::Error;
use crate::layout::{Layout, Tags};
use crate::read::{ReadOptions, read};
use crate::spec::Column;
use crate::write::parquet::{ParquetOptions, describe, write_parquet};

/// Convert MARC files to one Parquet file, a row per record or per subfield.
///
/// By records, the output has the columns `leader`, `control_number` and `fields` (nested); by subfields it has `record`,
/// `control_number`, `field`, `tag`, `ind1`, `ind2`, `subfield`, `code` and `value`. Both are lossless. It is compressed with zstd and
/// appears under its name only when it is whole.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  mrrc-arrow convert 'dump/*.mrc.gz' catalogue.parquet\n  \
    mrrc-arrow convert --column id=001 --column 'subjects=all(650$a)' catalogue.mrc subjects.parquet")]
pub(super) struct Arguments {
    /// Files, or glob patterns in quotes
    #[arg(required = true)]
    input: Vec<PathBuf>,
    /// The file to write, ending in .parquet
    output: PathBuf,
    /// Leave out records that cannot be read, and tell how many
    #[arg(long)]
    ignore_errors: bool,
    /// Which table: a row per record, or one per subfield
    #[arg(long, value_parser = names(Layout::ALL), default_value = "records")]
    layout: Layout,
    /// Only these fields, X standing for any character: 245,6XX
    #[arg(long, value_delimiter = ',')]
    tags: Option<Vec<String>>,
    /// A row per record with such columns, NAME=SPEC: 'id=001', 'subjects=all(650$a)', 'title=join(245$a$b, " ")'; may be given again
    #[arg(long = "column", value_name = "NAME=SPEC", value_parser = named, conflicts_with_all = ["layout", "tags"])]
    columns: Option<Vec<(String, Column)>>,
    /// Which records these are; UNIMARC has to be said
    #[arg(long, value_parser = names(Format::ALL), default_value = "auto")]
    format: Format,
    /// What text is encoded in, whatever records say
    #[arg(long, value_parser = names(Encoding::ALL))]
    encoding: Option<Encoding>,
}

/// A column with its name before it.
fn named(text: &str) -> Result<(String, Column), String> {
    let (name, column) = text.split_once('=').ok_or("a column is NAME=SPEC")?;
    column.parse().map(|column| (name.to_owned(), column)).map_err(|error: Error| error.to_string())
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let output = &arguments.output;
    if output.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("parquet")) {
        return Err(Error::option(format!("{}: the output's name must end in .parquet", output.display())));
    }
    let tags = arguments.tags.as_ref().map(|tags| Tags::new(tags.iter().map(String::as_str))).transpose()?;
    let options = ReadOptions {
        layout: arguments.layout,
        columns: arguments.columns.clone(),
        tags,
        ignore_errors: arguments.ignore_errors,
        format: arguments.format,
        encoding: arguments.encoding,
        ..ReadOptions::default()
    };
    let interrupt = Interrupt::watch()?;
    let sources = sources(&arguments.input)?;
    let parquet = ParquetOptions { metadata: describe(&sources, &options), ..ParquetOptions::default() };
    let stream = read(sources, options)?;
    let written = write_parquet(stream, output, &parquet, &mut || interrupt.check())?;
    report(&written.problems);
    let what = if arguments.layout == Layout::Records { "records" } else { "rows" };
    say(&format!("{} {what} written to {}", written.rows, output.display()));
    Ok(())
}
