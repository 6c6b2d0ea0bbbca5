//! `mrrc-arrow filter`, `split` and `cat`: from MARC to MARC.

use std::path::{Path, PathBuf};

use super::input::{Input, STANDARD};
use super::interrupt::{INTERVAL, Interrupt};
use super::progress::Progress;
use super::{names, report, say, stdout};
use crate::error::Error;
use crate::read::read;
use crate::reader::Selecting;
use crate::spec::Filter;
use crate::write::Output;
use crate::write::marc::{MarcOptions, TextEncoding, write_marc};

/// Pick records: those of which an expression holds, as they are, byte by byte.
///
/// An expression compares what MARC specs have: 008/35-37 = "fre". Of a spec with many values one that fits is enough, and none
/// must for !=, !~ and not in. Operators are =, !=, ~ (contains), !~, <, <=, >, >=, in (...) and in @FILE, whose lines (of a .csv,
/// its first column) are the values. Alone, a spec holds where it has a value, as exists(856$u) does; count(852) is compared with a
/// number, and so is any value that an unquoted number stands beside. and, or, not and parentheses put tests together.
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
/// Sound records stay as they are, byte by byte; without --to, text does in the others, too.
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
    let expression = if arguments.invert {
        // Mistakes are pointed at in what was written.
        Filter::parse(&arguments.expression, &mut |_| Ok(Vec::new()))?;
        format!("not ({})", arguments.expression)
    } else {
        arguments.expression.clone()
    };
    let filter = Filter::parse(&expression, &mut |path| listed(Path::new(path)))?;
    copy(&arguments.input, Some(filter), false, &arguments.output)
}

pub(super) fn cat(arguments: &CatArguments) -> Result<(), Error> {
    let Some(encoding) = arguments.to else { return copy(&arguments.input, None, true, &arguments.output) };
    let interrupt = Interrupt::watch()?;
    let mut stream = read(arguments.input.sources()?, arguments.input.options())?;
    let schema = stream.schema().clone();
    let mut progress = Progress::new(arguments.input.paths(), stream.total_bytes());
    let options = MarcOptions { encoding, ..MarcOptions::default() };
    let batches = std::iter::from_fn(|| {
        progress.show(stream.bytes_read());
        stream.next()
    });
    let written =
        to(&arguments.output, |output| write_marc(schema, batches, output, options, &mut || interrupt.check()))?;
    drop(progress);
    report(stream.problems());
    told(written.records, &arguments.output);
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
    let mut selecting = Selecting::new(input.sources()?, &input.options(), filter, anew)?;
    let mut progress = Progress::new(input.paths(), selecting.total_bytes());
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
    told(records, path);
    Ok(())
}

/// Writes to a file, or to standard output.
fn to<T>(path: &Path, write: impl FnOnce(Output<'_>) -> Result<T, Error>) -> Result<T, Error> {
    if path == Path::new(STANDARD) {
        let mut writer = stdout("MARC")?;
        return write(Output::writer(&mut writer));
    }
    write(Output::path(path))
}

fn told(records: u64, path: &Path) {
    let place = if path == Path::new(STANDARD) { "standard output".to_owned() } else { path.display().to_string() };
    say(&format!("{records} records written to {place}"));
}

/// The values that a file lists: its lines, or the first column of a .csv.
fn listed(path: &Path) -> Result<Vec<String>, Error> {
    let path = if path == Path::new(STANDARD) { Path::new("/dev/stdin") } else { path };
    let failed = |error| Error::from_io(error, "cannot read").in_source(Some(path.to_string_lossy().into()));
    let bytes = std::fs::read(path).map_err(failed)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::option(format!("{}: the values to look for must be in UTF-8", path.display())))?;
    let text = text.trim_start_matches('\u{FEFF}');
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
        return first_column(text).map_err(failed);
    }
    Ok(text.lines().map(str::to_owned).filter(|line| !line.is_empty()).collect())
}

fn first_column(text: &str) -> std::io::Result<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut values = Vec::new();
    for row in reader.records() {
        values.extend(row?.get(0).filter(|value| !value.is_empty()).map(str::to_owned));
    }
    Ok(values)
}

pub(super) fn split(arguments: &SplitArguments) -> Result<(), Error> {
    if arguments.output.matches("{}").count() != 1 {
        return Err(Error::option(format!("{}: the name must have {{}} in it, once", arguments.output)));
    }
    let interrupt = Interrupt::watch()?;
    let input = &arguments.input;
    let mut selecting = Selecting::new(input.sources()?, &input.options(), None, false)?;
    let mut progress = Progress::new(input.paths(), selecting.total_bytes());
    let (mut files, mut records) = (0_u64, 0_u64);
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
                let name = arguments.output.replace("{}", &format!("{files:05}"));
                files += 1;
                (Output::path(name).open()?, arguments.records)
            };
            let count = ends.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let (now, later) = ends.split_at_checked(count).unwrap_or_default();
            let end = now.last().copied().unwrap_or(from);
            output.put_all(selected.bytes.get(from..end).unwrap_or_default().to_vec())?;
            records += count as u64;
            (from, ends) = (end, later);
            if left == count as u64 {
                output.commit()?;
            } else {
                open = Some((output, left - count as u64));
            }
        }
    }
    if let Some((output, _)) = open {
        output.commit()?;
    }
    drop(progress);
    report(selecting.problems());
    say(&format!("{records} records written to {files} files"));
    Ok(())
}
