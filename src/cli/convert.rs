//! `mrrc-arrow convert`: MARC to tables.

use std::path::{Path, PathBuf};

use super::input::{Reading, STANDARD, sources};
use super::interrupt::Interrupt;
use super::progress::Progress;
use super::{names, report, say, stdout, stdout_text};
use crate::error::Error;
use crate::layout::{Layout, StringType, Tags};
use crate::read::{ReadOptions, read};
use crate::spec::Column;
use crate::write::Output;
use crate::write::parquet::{Codec, ParquetOptions, PartitionBy, describe, write_parquet};
use crate::write::table::{TableFormat, write_table};

/// Convert MARC files to Parquet, Arrow, CSV or JSON, a row per record or per subfield.
///
/// By records, the output has the columns `leader`, `control_number` and `fields` (nested); by subfields it has `record`,
/// `control_number`, `field`, `tag`, `ind1`, `ind2`, `subfield`, `code` and `value`. Both are lossless. The ending of the output's
/// name says what it is: .parquet, .arrow or .feather, .csv, .tsv, .ndjson or .jsonl, the last three with .gz or .zst behind. It
/// appears under its name only when it is whole.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  mrrc-arrow convert 'dump/*.mrc.gz' catalogue.parquet\n  \
    mrrc-arrow convert --column id=001 --column 'subjects=all(650$a)' catalogue.mrc subjects.parquet\n  \
    mrrc-arrow convert --layout subfields --partition-by tag catalogue.mrc lake\n  \
    zcat dump.gz | mrrc-arrow convert --layout subfields --to csv - - | head")]
pub(super) struct Arguments {
    /// Files, glob patterns in quotes, or - for standard input; plain, gzip, zstd or bzip2; and last the file to write, - for
    /// standard output, or with --partition-by a directory that is not there yet
    #[arg(required = true, value_name = "INPUT... OUTPUT")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Which table: a row per record, or one per subfield
    #[arg(long, value_parser = names(Layout::ALL), default_value = "records")]
    layout: Layout,
    /// Only these fields, X standing for any character: 245,6XX
    #[arg(long, value_delimiter = ',')]
    tags: Option<Vec<String>>,
    /// Only these columns of the layout, in this order
    #[arg(long, value_delimiter = ',', value_name = "NAMES", conflicts_with = "columns")]
    select: Option<Vec<String>>,
    /// A row per record with such columns, SPEC or NAME=SPEC: 'id=001', 'subjects=all(650$a)', 'title=join(245$a$b, " ")'; may be
    /// given again
    #[arg(short, long = "column", value_name = "[NAME=]SPEC", value_parser = named, conflicts_with_all = ["layout", "tags"])]
    columns: Option<Vec<(String, Column)>>,
    /// Stop after so many rows
    #[arg(short, long)]
    n: Option<u64>,
    /// What to write, whatever the output is called
    #[arg(long, value_parser = ["parquet", "arrow", "csv", "tsv", "ndjson"])]
    to: Option<String>,
    /// How Parquet is compressed; zstd unless it is said
    #[arg(long, value_parser = names(Codec::ALL))]
    compression: Option<Codec>,
    /// How much work is put into that, 1 to 22 of zstd
    #[arg(long)]
    compression_level: Option<i32>,
    /// Rows of a row group of Parquet
    #[arg(long)]
    row_group_size: Option<usize>,
    /// Many files of Parquet in a directory: `tag` for one of each tag, or how many rows one has
    #[arg(long, value_parser = partition, value_name = "tag|ROWS")]
    partition_by: Option<PartitionBy>,
    /// What goes between the values of a list in CSV; "; " unless it is said
    #[arg(long)]
    separator: Option<String>,
}

/// What goes between the values of a list.
const SEPARATOR: &str = "; ";

/// A column with its name before it, or the spec for a name.
pub(super) fn named(text: &str) -> Result<(String, Column), String> {
    // A spec may have a = in its braces.
    let is_name = |name: &str| !name.contains(['$', '^', '/', '[', '{', '(']);
    let name = text.split_once('=').filter(|(name, _)| is_name(name));
    if name.is_some_and(|(name, _)| name.is_empty()) {
        return Err("a column has a name before the =".to_owned());
    }
    let (name, spec) = name.unwrap_or((text, text));
    spec.parse().map(|column| (name.to_owned(), column)).map_err(|error: Error| error.to_string())
}

fn partition(text: &str) -> Result<PartitionBy, String> {
    match (text, text.parse()) {
        ("tag", _) => Ok(PartitionBy::Tag),
        (_, Ok(rows)) if rows > 0 => Ok(PartitionBy::Rows(rows)),
        _ => Err("tag or a number of rows is wanted".to_owned()),
    }
}

/// What a file of this name is.
fn format_of(path: &Path) -> Option<&'static str> {
    let ending = |path: &Path| path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let mut found = ending(path)?;
    let is_packed = found == "gz" || found == "zst";
    if is_packed {
        found = ending(Path::new(path.file_stem()?))?;
    }
    Some(match found.as_str() {
        "csv" => "csv",
        "tsv" => "tsv",
        "ndjson" | "jsonl" => "ndjson",
        "parquet" if !is_packed => "parquet",
        "arrow" | "feather" if !is_packed => "arrow",
        "parquet" | "arrow" | "feather" => "nothing that is written compressed as a whole",
        "mrc" | "marc" | "iso" => "MARC",
        _ => return None,
    })
}

/// What to write: what is asked for, or what the name says, or `otherwise`; a name must not say another thing.
pub(super) fn format<'a>(asked: Option<&'a str>, output: &Path, otherwise: &'a str) -> Result<&'a str, Error> {
    let named = format_of(output);
    let name = output.display();
    match (asked, named) {
        (None, Some(named @ ("csv" | "tsv" | "ndjson" | "parquet" | "arrow"))) => Ok(named),
        (Some(asked), Some(named)) if asked != named => {
            Err(Error::option(format!("{name}: {asked} is to be written, and by its name it would be {named}")))
        }
        (None, Some(named)) => Err(Error::option(format!("{name}: by its name it would be {named}"))),
        (Some(asked), _) => Ok(asked),
        (None, None) if otherwise.is_empty() => Err(Error::option(format!(
            "{name}: what to write? The name must end in .parquet, .arrow, .feather, .csv, .tsv or .ndjson, or say --to"
        ))),
        (None, None) => Ok(otherwise),
    }
}

impl Arguments {
    /// Refuses options that would have no effect.
    fn check(&self, format: &str) -> Result<(), Error> {
        let of_parquet = [
            ("--compression", self.compression.is_some()),
            ("--compression-level", self.compression_level.is_some()),
            ("--row-group-size", self.row_group_size.is_some()),
            ("--partition-by", self.partition_by.is_some()),
        ];
        let of_csv = [("--separator", self.separator.is_some())];
        let is_csv = format == "csv" || format == "tsv";
        let vain = of_parquet.into_iter().filter(|_| format != "parquet").map(|option| (option, "Parquet"));
        let mut vain = vain.chain(of_csv.into_iter().filter(|_| !is_csv).map(|option| (option, "CSV")));
        match vain.find(|((_, is_given), _)| *is_given) {
            Some(((option, _), goes_with)) => Err(Error::option(format!("{option} goes with {goes_with}"))),
            None => Ok(()),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let (output, input) = match arguments.files.split_last() {
        Some((output, input)) if !input.is_empty() => (output, input),
        _ => {
            let usage =
                "an input and, last, an output are wanted\n\nUsage: mrrc-arrow convert [OPTIONS] <INPUT>... <OUTPUT>";
            return Err(Error::option(usage));
        }
    };
    let otherwise = if arguments.partition_by.is_some() { "parquet" } else { "" };
    let format = format(arguments.to.as_deref(), output, otherwise)?;
    arguments.check(format)?;
    let tags = arguments.tags.as_ref().map(|tags| Tags::new(tags.iter().map(String::as_str))).transpose()?;
    let options = ReadOptions {
        layout: arguments.layout,
        columns: arguments.columns.clone(),
        select: arguments.select.clone(),
        tags,
        n_rows: arguments.n,
        // A file of Arrow has one dictionary for all, and views there would keep the input.
        string_type: if format == "arrow" { StringType::LargeString } else { StringType::View },
        categorical: (format != "parquet").then_some(false),
        ..arguments.reading.options()
    };
    let interrupt = Interrupt::watch()?;
    let sources = sources(input)?;
    let mut progress = Progress::new(&sources);
    let is_standard = output.as_os_str() == STANDARD;
    let (rows, files) = if format == "parquet" {
        if is_standard {
            return Err(Error::option("Parquet is written to files: its end tells where everything is"));
        }
        let parquet = ParquetOptions {
            compression: arguments.compression.unwrap_or_default(),
            compression_level: arguments.compression_level,
            row_group_size: arguments.row_group_size,
            partition_by: arguments.partition_by.unwrap_or_default(),
            metadata: describe(&sources, &options),
        };
        let stream = read(sources, options)?;
        let written = write_parquet(stream, output, &parquet, &mut |stream| {
            progress.show(stream.bytes_read());
            interrupt.check()
        })?;
        drop(progress);
        report(&written.problems);
        (written.rows, written.files.len())
    } else {
        let separator = arguments.separator.clone().unwrap_or_else(|| SEPARATOR.to_owned());
        let table = match format {
            "arrow" => TableFormat::Arrow,
            "ndjson" => TableFormat::Ndjson,
            "tsv" => TableFormat::Csv { separator, delimiter: b'\t' },
            _ => TableFormat::Csv { separator, delimiter: b',' },
        };
        let mut stream = read(sources, options)?;
        let check = &mut |stream: &crate::read::BatchStream| {
            if !is_standard {
                progress.show(stream.bytes_read());
            }
            interrupt.check()
        };
        let rows = if !is_standard {
            write_table(&mut stream, Output::path(output), &table, check)?
        } else if table == TableFormat::Arrow {
            write_table(&mut stream, Output::writer(&mut stdout("Arrow")?), &table, check)?
        } else {
            write_table(&mut stream, Output::writer(&mut stdout_text()), &table, check)?
        };
        drop(progress);
        report(stream.problems());
        (rows, 1)
    };
    let what = if arguments.layout == Layout::Records { "records" } else { "rows" };
    let place = if is_standard { "standard output".to_owned() } else { output.display().to_string() };
    let place = if files == 1 { place } else { format!("{files} files in {place}") };
    say(&format!("{rows} {what} written to {place}"));
    Ok(())
}
