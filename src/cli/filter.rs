//! `mrrc-arrow filter`, `split` and `cat`: from MARC to MARC.

use std::path::{Path, PathBuf};

use super::input::{Input, STANDARD, standard_input};
use super::interrupt::{INTERVAL, Interrupt};
use super::progress::Progress;
use super::{batches, names, report, say, stdout};
use crate::encoding::Format;
use crate::error::Error;
use crate::read::read;
use crate::reader::Selecting;
use crate::spec::Filter;
use crate::write::Output;
use crate::write::marc::{MarcOptions, TextEncoding, write_marc};

/// Pick records: those of which an expression holds, as they are, byte by byte.
///
/// An expression compares what MARC specs have: 008/35-37 = "fre". Of a spec with many values one that fits is enough, and none
/// must for !=, !~ and not in. Operators are =, !=, ~ (contains), !~, <, <=, >, >=, in (...) and in @FILE, whose lines (of a
/// .csv, its first column) are the values. Alone, a spec holds where it has a value, as exists(856$u) does; count(852) is
/// compared with a number, and so is any value that an unquoted number stands beside. and, or, not and parentheses put tests
/// together. Text is compared character by character: é as one character is not e and an accent.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    mrrc-arrow filter '008/35-37 = \"fre\" and exists(856$u)' catalogue.mrc -o french-online.mrc\n  \
    mrrc-arrow filter '999$i in @barcodes.csv' 'dump/*.mrc.gz' -o wanted.mrc\n  \
    mrrc-arrow filter 'count(650) > 5 and 008/7-10 < 1900' catalogue.mrc | mrrc-arrow head -")]
pub(super) struct FilterArguments {
    /// Which records
    expression: String,
    #[command(flatten)]
    input: Input,
    /// The file to write, compressed if it ends in .gz or .zst; standard output without it
    #[arg(short, long, default_value = STANDARD)]
    output: PathBuf,
    /// Those of which it does not hold
    #[arg(long)]
    invert: bool,
}

/// Cut records into files of so many each, byte by byte as they are.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mrrc-arrow split --records 100000 catalogue.mrc -o 'part-{}.mrc.gz'")]
pub(super) struct SplitArguments {
    #[command(flatten)]
    input: Input,
    /// How many records a file has
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,
    /// The names of the files, with {} for their number, from 00000; compressed if they end in .gz or .zst
    #[arg(short, long, default_value = "part-{}.mrc")]
    output: String,
}

/// Put files together to one, and what is damaged right: directories, lengths, terminators.
///
/// Sound records stay as they are, byte by byte; without --to, text does in the others, too, also where a value has a byte in it
/// that ends fields or records (check tells). What is too long for its directory is an error, or left out with --ignore-errors.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  mrrc-arrow cat 'dump/*.mrc.gz' -o all.mrc\n  \
    mrrc-arrow cat --to utf-8 marc8.mrc -o utf8.mrc")]
pub(super) struct CatArguments {
    #[command(flatten)]
    input: Input,
    /// The file to write, compressed if it ends in .gz or .zst; standard output without it
    #[arg(short, long, default_value = STANDARD)]
    output: PathBuf,
    /// Write all text in this encoding
    #[arg(long, value_parser = names(TextEncoding::ALL))]
    to: Option<TextEncoding>,
}

pub(super) fn filter(arguments: &FilterArguments) -> Result<(), Error> {
    let filter = Filter::parse(&arguments.expression, &mut |path| listed(Path::new(path)))?;
    let filter = if arguments.invert { filter.inverted() } else { filter };
    copy(&arguments.input, Some(filter), false, &arguments.output)
}

pub(super) fn cat(arguments: &CatArguments) -> Result<(), Error> {
    let Some(encoding) = arguments.to else { return copy(&arguments.input, None, true, &arguments.output) };
    if arguments.input.reading.text.format == Format::Unimarc {
        return Err(Error::option(
            "--to does not go with UNIMARC, where 100 $a says what text is in: it would have to be changed in each record",
        ));
    }
    let interrupt = Interrupt::watch()?;
    let sources = arguments.input.sources()?;
    let mut progress = Progress::new(&sources);
    let mut stream = read(sources, arguments.input.options())?;
    let schema = stream.schema().clone();
    let options = MarcOptions { encoding, ignore_errors: arguments.input.reading.ignore_errors };
    let all = batches(&mut stream, &interrupt, |stream| progress.show(stream.bytes_read()));
    let written = to(&arguments.output, |output| write_marc(schema, all, output, options, &mut || interrupt.check()))?;
    drop(progress);
    report(stream.problems());
    left_out(written.skipped.iter().map(ToString::to_string));
    say_written(written.records, &arguments.output);
    if written.references > 0 {
        say(&format!("{} characters that MARC-8 has no code for were written as references", written.references));
    }
    if written.replaced > 0 {
        say(&format!("{} characters of leaders, tags, indicators and codes were written as ?", written.replaced));
    }
    Ok(())
}

fn copy(input: &Input, filter: Option<Filter>, anew: bool, path: &Path) -> Result<(), Error> {
    let interrupt = Interrupt::watch()?;
    let sources = input.sources()?;
    let mut progress = Progress::new(&sources);
    let mut selecting = Selecting::new(sources, &input.options(), filter, anew)?;
    let records = to(path, |output| {
        let mut output = output.open()?;
        let mut records = 0;
        while let Some(selected) = selecting.poll(INTERVAL)? {
            interrupt.check()?;
            progress.show(selecting.bytes_read());
            records += selected.ends.len() as u64;
            output.put_all(selected.bytes)?;
        }
        output.commit()?;
        Ok(records)
    })?;
    drop(progress);
    report(selecting.problems());
    left_out(selecting.left_out().iter().map(ToString::to_string));
    say_written(records, path);
    Ok(())
}

/// Tells which records could not be written, the first few of them.
fn left_out(records: impl ExactSizeIterator<Item = String>) {
    const SHOWN: usize = 3;
    let count = records.len();
    if count > 0 {
        say(&format!("{count} records could not be written and were left out, among them:"));
        records.take(SHOWN).for_each(|record| say(&format!("  {record}")));
    }
}

/// Writes to a file, or to standard output.
fn to<T>(path: &Path, write: impl FnOnce(Output<'_>) -> Result<T, Error>) -> Result<T, Error> {
    if path == Path::new(STANDARD) {
        let mut writer = stdout("MARC")?;
        return write(Output::writer(&mut writer));
    }
    write(Output::path(path))
}

fn say_written(records: u64, path: &Path) {
    let place = if path == Path::new(STANDARD) { "standard output".to_owned() } else { path.display().to_string() };
    say(&format!("{records} records written to {place}"));
}

/// The values that a file lists: its lines, or the first column of a .csv.
fn listed(path: &Path) -> Result<Vec<String>, Error> {
    let shown = path.display();
    let path = if path == Path::new(STANDARD) { Path::new(standard_input()?) } else { path };
    let failed = |error| Error::from_io(error, "cannot read").in_source(Some(path.to_string_lossy().into()));
    let bytes = std::fs::read(path).map_err(failed)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::option(format!("{shown}: the values to look for must be in UTF-8")))?;
    let text = text.trim_start_matches('\u{FEFF}');
    let is_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let values: Vec<String> =
        if is_csv { first_column(text).map_err(failed)? } else { text.lines().map(str::to_owned).collect() };
    let values: Vec<String> =
        values.iter().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect();
    say(&format!("{} values to look for in {shown}", values.len()));
    Ok(values)
}

fn first_column(text: &str) -> std::io::Result<Vec<String>> {
    // Where a comma is the decimal sign, programs put another one between columns.
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t'].into_iter().find(|&byte| first.contains(char::from(byte))).unwrap_or(b',');
    let reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let mut values = Vec::new();
    for row in reader.into_records() {
        values.extend(row?.get(0).map(str::to_owned));
    }
    Ok(values)
}

pub(super) fn split(arguments: &SplitArguments) -> Result<(), Error> {
    if arguments.output.matches("{}").count() != 1 {
        return Err(Error::option(format!("{}: the name must have {{}} in it, once", arguments.output)));
    }
    let interrupt = Interrupt::watch()?;
    let sources = arguments.input.sources()?;
    let mut progress = Progress::new(&sources);
    let mut selecting = Selecting::new(sources, &arguments.input.options(), None, false)?;
    // All of them have their names at the end: an input may be called as one of them.
    let mut whole = Vec::new();
    let (mut files, mut records) = (0_u64, 0_u64);
    let name = |number: u64| PathBuf::from(arguments.output.replace("{}", &format!("{number:05}")));
    let mut open = None;
    while let Some(selected) = selecting.poll(INTERVAL)? {
        interrupt.check()?;
        progress.show(selecting.bytes_read());
        let mut from = 0;
        let mut ends = selected.ends.as_slice();
        while !ends.is_empty() {
            let (mut output, left) = if let Some(under_way) = open.take() {
                under_way
            } else {
                files += 1;
                (Output::path(name(files - 1)).open()?, arguments.records)
            };
            let count = ends.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let (now, later) = ends.split_at_checked(count).unwrap_or_default();
            let end = now.last().copied().unwrap_or(from);
            output.put_all(selected.bytes.get(from..end).unwrap_or_default().to_vec())?;
            records += count as u64;
            (from, ends) = (end, later);
            if left == count as u64 {
                whole.push(output.park()?);
            } else {
                open = Some((output, left - count as u64));
            }
        }
    }
    whole.extend(open.map(|(output, _)| output.park()).transpose()?);
    for parked in whole {
        parked.commit()?;
    }
    drop(progress);
    report(selecting.problems());
    say(&format!("{records} records written to {files} files"));
    if name(files).exists() {
        say(&format!("warning: {} is not of these, but was there before", name(files).display()));
    }
    Ok(())
}
