//! `mrrc-arrow schema`: the columns of a table.

use std::fmt::Write as _;

use super::convert::named;
use super::{names, print};
use crate::error::Error;
use crate::layout::{Layout, StringType};
use crate::read::ReadOptions;
use crate::spec::Column;

/// Print the columns of a table and their types in Arrow, without reading anything.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mrrc-arrow schema --layout subfields\n  mrrc-arrow schema --column 'subjects=all(650$a)'"
)]
pub(super) struct Arguments {
    /// Which table: a row per record, or one per subfield
    #[arg(long, value_parser = names(Layout::ALL), default_value = "records")]
    layout: Layout,
    /// A row per record with such columns, SPEC or NAME=SPEC; may be given again
    #[arg(short, long = "column", value_name = "[NAME=]SPEC", value_parser = named, conflicts_with = "layout")]
    columns: Option<Vec<(String, Column)>>,
    /// The type of text
    #[arg(long, value_parser = names(StringType::ALL), default_value = "view")]
    string_type: StringType,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let options = ReadOptions {
        layout: arguments.layout,
        columns: arguments.columns.clone(),
        string_type: arguments.string_type,
        ..ReadOptions::default()
    };
    let mut text = String::new();
    for field in options.schema()?.fields() {
        let null = if field.is_nullable() { "" } else { ", not null" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}: {}{null}", field.name(), field.data_type());
    }
    print(text.as_bytes())
}
