//! `mrrc-arrow head`: the first records, for people or as JSON.

use std::borrow::Cow;
use std::io::Write;

use arrow_array::Array;
use arrow_array::cast::AsArray;

use super::columns::printable;
use super::input::Input;
use super::interrupt::Interrupt;
use super::{batches, report, stdout_text};
use crate::error::{Error, ErrorKind};
use crate::frame::{Table, WholeRecords};
use crate::iso2709::is_control_tag;
use crate::read::read;
use crate::write::json_string;

/// Print the first records, a line for each field.
///
/// Text is shown in Unicode, whatever it is encoded in, in the manner of MARCMaker: \ is a blank in control fields and
/// indicators, $ begins a subfield, and in values these, { and } are {bsol}, {dollar}, {lcub} and {rcub}.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  mrrc-arrow head -n 3 catalogue.mrc\n  \
    mrrc-arrow head --json -n 1 catalogue.mrc | python -m json.tool")]
pub(super) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// How many
    #[arg(short, long, default_value_t = 10)]
    n: u64,
    /// A line of JSON for each record (MARC-in-JSON)
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let interrupt = Interrupt::watch()?;
    let mut options = arguments.input.options();
    options.n_rows = Some(arguments.n);
    // What can be read is shown in any case.
    options.ignore_errors = true;
    let mut stream = read(arguments.input.sources()?, options)?;
    let schema = stream.schema().clone();
    let mut out = stdout_text();
    for piece in WholeRecords::new(schema, batches(&mut stream, &interrupt, |_| {}))? {
        for table in &piece?.tables()? {
            for record in 0..table.len() {
                let text = if arguments.json { json(table, record) } else { lines(table, record) };
                out.write_all(text.as_bytes()).map_err(|error| Error::from_io(error, "cannot write"))?;
            }
        }
    }
    out.flush().map_err(|error| Error::from_io(error, "cannot write"))?;
    report(stream.problems());
    match stream.problems().rejected() {
        rejected if rejected > 0 && !arguments.input.reading.ignore_errors => {
            let message = format!("{rejected} of the records could not be read; mrrc-arrow check tells where");
            Err(Error::new(ErrorKind::Record, "rejected", message))
        }
        _ => Ok(()),
    }
}

/// A field as it is shown.
struct Shown<'a> {
    tag: &'a str,
    indicators: [Option<&'a str>; 2],
    value: Option<&'a str>,
    subfields: Vec<(&'a str, &'a str)>,
    is_control: bool,
}

fn fields(table: &Table, record: usize) -> impl Iterator<Item = Shown<'_>> {
    let fields = table.record(record).map(|(_, fields)| fields).unwrap_or_default();
    fields.map(move |field| {
        let tag = table.tag.key(field).map_or("", |key| table.tag.values().as_string::<i32>().value(key));
        Shown {
            tag,
            indicators: [&table.ind1, &table.ind2]
                .map(|of| of.key(field).map(|key| of.values().as_string::<i32>().value(key))),
            value: table.value.is_valid(field).then(|| table.value.value(field)),
            subfields: table
                .subfields(field)
                .map(|subfield| {
                    let code =
                        table.code.key(subfield).map_or("", |key| table.code.values().as_string::<i32>().value(key));
                    (code, table.text.value(subfield))
                })
                .collect(),
            is_control: tag.as_bytes().first_chunk().is_some_and(|&tag| is_control_tag(tag)) && tag.len() == 3,
        }
    })
}

fn lines(table: &Table, record: usize) -> String {
    let leader = table.record(record).map(|(leader, _)| leader).unwrap_or_default();
    let mut shown = format!("=LDR  {}\n", printable(leader));
    for field in fields(table, record) {
        let mut text = format!("={}  ", field.tag);
        if field.is_control {
            text.push_str(&mnemonic(field.value.unwrap_or_default()).replace(' ', "\\"));
        } else {
            for indicator in field.indicators {
                text.push_str(&indicator.unwrap_or(" ").replace(' ', "\\"));
            }
            text.push_str(&mnemonic(field.value.unwrap_or_default()));
            for (code, value) in field.subfields {
                text.push('$');
                text.push_str(code);
                text.push_str(&mnemonic(value));
            }
        }
        shown.push_str(&printable(&text));
        shown.push('\n');
    }
    shown.push('\n');
    shown
}

/// A value with MARCMaker's names for what is a sign there.
fn mnemonic(value: &str) -> Cow<'_, str> {
    if !value.contains(['$', '{', '}', '\\']) {
        return Cow::Borrowed(value);
    }
    let mut named = String::with_capacity(value.len() + 8);
    for char in value.chars() {
        match char {
            '$' => named.push_str("{dollar}"),
            '{' => named.push_str("{lcub}"),
            '}' => named.push_str("{rcub}"),
            '\\' => named.push_str("{bsol}"),
            char => named.push(char),
        }
    }
    Cow::Owned(named)
}

fn json(table: &Table, record: usize) -> String {
    let leader = table.record(record).map(|(leader, _)| leader).unwrap_or_default();
    let fields: Vec<String> = fields(table, record)
        .map(|field| {
            if field.is_control {
                return format!("{{{}:{}}}", json_string(field.tag), json_string(field.value.unwrap_or_default()));
            }
            // Text before a first subfield has no place of its own there.
            let stray = field.value.map(|value| format!("{{\"\":{}}}", json_string(value)));
            let subfields =
                field.subfields.iter().map(|(code, value)| format!("{{{}:{}}}", json_string(code), json_string(value)));
            let subfields: Vec<String> = stray.into_iter().chain(subfields).collect();
            let [first, second] = field.indicators.map(|indicator| json_string(indicator.unwrap_or(" ")));
            format!(
                "{{{}:{{\"subfields\":[{}],\"ind1\":{first},\"ind2\":{second}}}}}",
                json_string(field.tag),
                subfields.join(",")
            )
        })
        .collect();
    format!("{{\"leader\":{},\"fields\":[{}]}}\n", json_string(leader), fields.join(","))
}
