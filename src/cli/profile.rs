//! `mrrc-arrow profile`.

use std::fmt::Write as _;

use super::columns::{Align, Columns, grouped, percent, printable};
use super::input::Input;
use super::interrupt::{INTERVAL, Interrupt};
use super::print;
use super::progress::Progress;
use crate::encoding::Format;
use crate::error::Error;
use crate::layout::Tags;
use crate::marc21::{self, name};
use crate::profile::{Kind, Profile, Row, STANDARD_ERROR};
use crate::read::{Profiling, ReadOptions};

/// Say what is in MARC files: which fields and subfields, how often, how long.
///
/// Prints, for each field, its name in MARC 21, how many records have it, how often it comes and with which indicators, and
/// for each subfield and control field how long values are, how many differ, and the first few. Before that: what leaders
/// say, what text was read in, and what had to be repaired. Samples are cut to the width of the terminal.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mrrc-arrow profile 'dump/*.mrc.gz'\n  mrrc-arrow profile --tags 245,6XX catalogue.mrc"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Only these fields, X standing for any character: 245,6XX
    #[arg(long, value_delimiter = ',')]
    tags: Option<Vec<String>>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let tags = arguments.tags.as_ref().map(|tags| Tags::new(tags.iter().map(String::as_str))).transpose()?;
    let options = ReadOptions { tags, ..arguments.input.options() };
    let interrupt = Interrupt::watch()?;
    let sources = arguments.input.sources()?;
    let mut progress = Progress::new(&sources);
    let mut profiling = Profiling::new(sources, &options)?;
    let profile = loop {
        interrupt.check()?;
        progress.show(profiling.bytes_read());
        if let Some(profile) = profiling.poll(INTERVAL)? {
            break profile;
        }
    };
    // Of the terminal that it goes to: what goes to a file or a program is whole.
    let width = terminal_size::terminal_size_of(std::io::stdout()).map_or(usize::MAX, |(width, _)| width.0.into());
    drop(progress);
    let text = shown(&profile, arguments.input.reading.text.format, width);
    print(text.as_bytes())
}

/// The profile as text, in lines of this width.
fn shown(profile: &Profile, format: Format, width: usize) -> String {
    let rows = profile.rows();
    let total = profile.records();
    let of_kind = |kind| rows.iter().filter(move |row| row.kind == kind);
    let mut text = format!("{} records, {} bytes", grouped(total), grouped(profile.bytes()));
    if let Some(lengths) = of_kind(Kind::File).find_map(|row| row.lengths) {
        let (shortest, longest) = (grouped(lengths.shortest), grouped(lengths.longest));
        // Writing to a string does not fail.
        let _ = write!(text, "; {shortest} to {longest} bytes in a record, {:.0} on average", lengths.mean);
    }
    text.push('\n');
    named(&mut text, "leader", of_kind(Kind::Leader), total, width);
    named(&mut text, "encoding", of_kind(Kind::Encoding), total, width);
    named(&mut text, "problem", of_kind(Kind::Problem), total, width);
    fields(&mut text, &rows, total, names_of(&rows, format), width);
    text
}

/// Whose names fields have: those of what most leaders say that the records are, if these are MARC 21.
fn names_of(rows: &[Row<'_>], format: Format) -> Option<marc21::Kind> {
    let count = |authority: bool| -> u64 {
        let types = rows.iter().filter(|row| row.kind == Kind::Leader && row.position == Some(6));
        types.filter(|row| (row.value == Some("z")) == authority).filter_map(|row| row.records).sum()
    };
    match format {
        Format::Unimarc => None,
        _ if count(true) > count(false) => Some(marc21::Kind::Authority),
        _ => Some(marc21::Kind::Bibliographic),
    }
}

/// A table of what is counted by name.
fn named<'a>(text: &mut String, title: &str, rows: impl Iterator<Item = &'a Row<'a>>, total: u64, width: usize) {
    let mut columns = Columns::new(vec![
        (title, Align::Left),
        ("records", Align::Right),
        ("%", Align::Right),
        ("occurrences", Align::Right),
    ]);
    for row in rows {
        let value = printable(row.value.unwrap_or_default());
        let label = match row.position {
            Some(position) => format!("{position:02} {}", value.replace(' ', BLANK)),
            None => value,
        };
        let share = row.records.map(|records| percent(records, total));
        let records = row.records.map(grouped);
        // Of leaders and encodings, each record has one.
        let occurrences = row.occurrences.filter(|_| row.kind == Kind::Problem).map(grouped);
        columns.push([Some(label), records, share, occurrences]);
    }
    columns.write(text, width);
}

/// How a blank is written where it would not be seen, as MARC 21's documentation does.
const BLANK: &str = "#";

/// The table of fields and subfields.
fn fields(text: &mut String, rows: &[Row<'_>], total: u64, names: Option<marc21::Kind>, width: usize) {
    let mut columns = Columns::new(vec![
        ("field", Align::Left),
        ("records", Align::Right),
        ("%", Align::Right),
        ("times", Align::Right),
        ("most", Align::Right),
        ("length", Align::Right),
        ("mean", Align::Right),
        ("to", Align::Right),
        ("distinct", Align::Right),
        ("name: samples, indicators", Align::Left),
    ]);
    let mut estimated = false;
    // Rows of each kind are in the order of tags.
    let group = |kind| rows.iter().filter(move |row| row.kind == kind);
    let (mut indicators, mut subfields) = (group(Kind::Indicators).peekable(), group(Kind::Subfield).peekable());
    for field in group(Kind::Field) {
        let tag = field.key.map(|key| key.tag);
        let of_tag = |row: &&Row<'_>| row.key.map(|key| key.tag) == tag;
        let mut pairs: Vec<&Row<'_>> = std::iter::from_fn(|| indicators.next_if(of_tag)).collect();
        pairs.sort_by_key(|row| std::cmp::Reverse(row.occurrences));
        let mut values: Vec<&Row<'_>> = std::iter::from_fn(|| subfields.next_if(of_tag)).collect();
        let is_control = field.key.is_some_and(|key| key.tag.is_control());
        // A control field is one line, with its value.
        let own = if is_control && !values.is_empty() { values.remove(0) } else { field };
        for row in std::iter::once(own).chain(values) {
            estimated |= row.values.is_some_and(|values| !values.is_exact());
            let mut last = samples(row);
            if std::ptr::eq(row, field) {
                last = shares(&pairs);
            }
            if let (Some(kind), Some(tag)) = (names, row.tag())
                && let Some(name) = name(kind, &tag, row.code().as_deref())
            {
                last = format!("{name}: {last}");
            }
            columns.push(line(row, is_control, total, last));
        }
    }
    columns.write(text, width);
    if estimated {
        let _ = writeln!(text, "\n~ is an estimate, with a standard error of {:.1} %", STANDARD_ERROR * 100.0);
    }
}

/// The cells of one line.
fn line(row: &Row<'_>, is_control: bool, total: u64, last: String) -> [Option<String>; 10] {
    let tag = row.tag().map(|tag| printable(&tag));
    let label = match (row.kind, tag) {
        (_, None) => "other".to_owned(),
        (Kind::Subfield, Some(tag)) if !is_control => match row.code() {
            Some(code) => format!("{tag} ${}", printable(&code).replace(' ', BLANK)),
            None => format!("{tag} text"),
        },
        (_, Some(tag)) => tag,
    };
    let distinct = row.values.zip(row.distinct()).map(|(values, distinct)| {
        let sign = if values.is_exact() { "" } else { "~" };
        format!("{sign}{}", grouped(distinct))
    });
    [
        Some(label),
        row.records.map(grouped),
        row.records.map(|records| percent(records, total)),
        row.occurrences.map(grouped),
        row.max_per_record.map(grouped),
        row.lengths.map(|lengths| grouped(lengths.shortest)),
        row.lengths.map(|lengths| format!("{:.1}", lengths.mean)),
        row.lengths.map(|lengths| grouped(lengths.longest)),
        distinct,
        Some(last),
    ]
}

/// The first values.
fn samples(row: &Row<'_>) -> String {
    let samples: Vec<String> = row.samples.iter().map(|sample| printable(&sample.text)).collect();
    samples.join(" | ")
}

/// Indicators, the most frequent first, each pair with its share of the field's occurrences.
fn shares(pairs: &[&Row<'_>]) -> String {
    const MOST: usize = 8;
    let all: u64 = pairs.iter().filter_map(|row| row.occurrences).sum();
    let character = |indicator: &Option<String>| match indicator {
        Some(indicator) => printable(indicator).replace(' ', BLANK),
        None => "-".to_owned(),
    };
    let pair = |row: &&Row<'_>| {
        let [first, second] = row.indicators();
        let share = percent(row.occurrences.unwrap_or_default(), all);
        format!("{}{} {share} %", character(&first), character(&second))
    };
    let mut shares: Vec<String> = pairs.iter().take(MOST).map(pair).collect();
    if pairs.len() > MOST {
        shares.push(format!("{} more", pairs.len() - MOST));
    }
    shares.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn sample() -> Profile {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample.mrc");
        crate::read::profile(vec![Source::path(path)], &ReadOptions::default()).unwrap()
    }

    #[test]
    fn lines_are_as_wide_as_they_may_be() {
        let profile = sample();
        let whole = shown(&profile, Format::Marc21, usize::MAX);
        assert!(
            whole.contains("Topical term") && !shown(&profile, Format::Unimarc, usize::MAX).contains("Topical term")
        );
        for width in [80, 100, 120] {
            let text = shown(&profile, Format::Marc21, width);
            assert_eq!(text.lines().count(), whole.lines().count());
            let table = text.lines().skip_while(|line| !line.starts_with("field"));
            assert!(table.take_while(|line| !line.is_empty()).all(|line| line.chars().count() <= width), "{text}");
        }
        assert!(whole.lines().any(|line| line.chars().count() > 120));
    }

    #[test]
    fn nothing_is_a_short_profile() {
        assert_eq!(shown(&Profile::default(), Format::Marc21, 80), "0 records, 0 bytes\n");
    }
}
