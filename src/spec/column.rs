//! A column: a spec, and how many of its values to keep.

use std::iter::repeat_n;
use std::str::FromStr;

use super::parse::{Mistake, Parser};
use super::records::ALTERNATE;
use super::{Condition, Part, Spec, Term};
use crate::error::Error;
use crate::marc21::fixed::fixed_field;

/// What a column has of a record: `first(245$a)`, or the spec alone, `all(650$a)`, `all(650$a$x, " -- ")`, which has a value for
/// each field, `join(245$a$b, " ")`, `count(852)`, `exists(856$u)` or `fields(700)`. In each of these, specs with `|` between are
/// one after the other, as in `100$a|110$a`, and `linked(245$a)` in place of the spec is the text in another script. `fixed(008)`
/// is one field alone, position by position.
///
/// ```
/// use mrrc_arrow::Column;
///
/// let subjects: Column = "all(650$a)".parse()?;
/// assert_ne!(subjects, "650$a".parse()?);
/// # Ok::<(), mrrc_arrow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub(crate) keep: Keep,
    /// Values of the first, then those of the next.
    pub(crate) specs: Vec<Spec>,
    /// What is wanted is in the 880s that belong to the fields of `specs`.
    pub(crate) linked: bool,
}

/// Which of a spec's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keep {
    First,
    /// All of them or, with something to put between, all of a field as one.
    All(Option<String>),
    /// All of them, as one string with this between.
    Join(String),
    Count,
    Exists,
    /// Whole fields, nested.
    Fields,
    /// The positions of a fixed field, as codes or as what those mean.
    Fixed {
        labels: bool,
    },
}

impl FromStr for Column {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parser = Parser::new(text);
        column(&mut parser).map_err(|mistake| pointed_at("no column", text, mistake))
    }
}

/// The error for a mistake in `text`, with a caret under where it is.
pub(super) fn pointed_at(what: &str, text: &str, Mistake { at, message }: Mistake) -> Error {
    let before = text.get(..at).map_or(0, |before| before.chars().count());
    let mut told = format!("{what}: {message}\n  ");
    told.extend(text.chars().map(|letter| if letter.is_control() { '\u{FFFD}' } else { letter }));
    told.push_str("\n  ");
    told.extend(repeat_n(' ', before));
    told.push('^');
    Error::option(told)
}

/// Specs in one column, at most.
const MOST_SPECS: usize = 100;

fn column(parser: &mut Parser<'_>) -> Result<Column, Mistake> {
    let column = column_prefix(parser)?;
    match parser.peek() {
        None => Ok(column),
        Some(_) if matches!(column.keep, Keep::Fixed { .. }) => {
            parser.mistake("the column ends here, and something follows")
        }
        Some(b'$' | b'^') => parser.mistake("subfields and indicators do not go with what is before"),
        Some(next) => {
            let hint = hint(next, parser.rest(), column.specs.last());
            parser.mistake(format!("the spec ends here, and something follows{hint}"))
        }
    }
}

/// What to do about `rest`, which begins with `next` and follows a spec: what those write who know other tools.
fn hint(next: u8, rest: &str, last: Option<&Spec>) -> &'static str {
    let Some(Spec { tag, part, .. }) = last else { return "" };
    match part {
        _ if next == b' ' => "; there are no blanks in one",
        _ if tag.eq_ignore_ascii_case(b"lea") && rest.to_ascii_lowercase().starts_with("der") => "; the leader is LDR",
        Part::Subfields(_) if next.is_ascii_alphanumeric() => "; each code has a $ before it, as in $a$b",
        Part::Text { .. } if next.is_ascii_alphanumeric() || matches!(next, b'.' | b'_' | b'#' | b'*') => {
            "; a code has a $ before it, as in 245$a, and indicators are told in braces, as in 650{^2=\\0}"
        }
        _ => "",
    }
}

/// A column, as far as it goes.
pub(super) fn column_prefix(parser: &mut Parser<'_>) -> Result<Column, Mistake> {
    const NAMES: [&str; 7] = ["first(", "all(", "join(", "count(", "exists(", "fields(", "fixed("];
    let name = NAMES.into_iter().find(|name| parser.take(name));
    if name == Some("fixed(") {
        return fixed(parser);
    }
    let linked = parser.take("linked(");
    let mut specs = Vec::new();
    loop {
        let start = parser.at;
        if NAMES.into_iter().chain(["linked("]).any(|name| parser.take(name)) {
            parser.at = start;
            return parser.mistake(
                "a spec is wanted here: all, first and their like go before all specs of a column, linked next",
            );
        }
        let spec = parser.spec()?;
        if name == Some("fields(") {
            whole_field(parser, &spec, start)?;
        }
        if linked && spec.tag == *b"LDR" {
            parser.at = start;
            return parser.mistake("the leader has nothing that is linked to it");
        }
        specs.push(spec);
        if parser.peek() != Some(b'|') {
            break;
        }
        if specs.len() == MOST_SPECS {
            return parser.mistake(format!("a column has at most {MOST_SPECS} specs"));
        }
        parser.at += 1;
    }
    if linked {
        close(parser)?;
    }
    let keep = match name {
        Some("all(") => Keep::All(if parser.take(",") { Some(separator(parser)?) } else { None }),
        Some("join(") => Keep::Join(if parser.take(",") { separator(parser)? } else { " ".to_owned() }),
        Some("count(") => Keep::Count,
        Some("exists(") => Keep::Exists,
        Some("fields(") => Keep::Fields,
        _ => Keep::First,
    };
    if name.is_some() {
        close(parser)?;
    }
    Ok(Column { keep, specs, linked })
}

fn close(parser: &mut Parser<'_>) -> Result<(), Mistake> {
    if parser.take(")") { Ok(()) } else { parser.mistake("the spec ends here; ) is wanted") }
}

/// What stands behind `fixed(`.
fn fixed(parser: &mut Parser<'_>) -> Result<Column, Mistake> {
    let start = parser.at;
    let spec = parser.spec()?;
    if fixed_field(spec.tag).is_none() {
        parser.at = start;
        return parser.mistake("what has its meaning by position is LDR, 006, 007 or 008");
    }
    taken_whole(parser, &spec)?;
    if parser.peek() == Some(b'|') {
        return parser.mistake("one field is taken apart, not one after the other");
    }
    let labels = parser.take(",");
    if labels {
        while parser.take(" ") {}
        if !parser.take("labels") {
            return parser.mistake("labels is what may be asked for here");
        }
    }
    if !parser.take(")") {
        return parser.mistake(if labels { ") is wanted here" } else { "the spec ends here; ) is wanted" });
    }
    Ok(Column { keep: Keep::Fixed { labels }, specs: vec![spec], linked: false })
}

/// Fields are taken whole: an error before what a spec takes of them.
fn whole_field(parser: &mut Parser<'_>, spec: &Spec, start: usize) -> Result<(), Mistake> {
    if spec.tag == *b"LDR" {
        parser.at = start;
        return parser.mistake("the leader is no field");
    }
    taken_whole(parser, spec)
}

fn taken_whole(parser: &mut Parser<'_>, spec: &Spec) -> Result<(), Mistake> {
    let message = match &spec.part {
        Part::Text { chars: None, .. } => return Ok(()),
        Part::Text { .. } => "fields are taken whole, without positions",
        Part::Subfields(_) => "fields are taken whole, without subfields; a test in braces may speak of them",
        Part::Indicator { .. } => "fields are taken whole, without indicators; a test in braces may speak of them",
    };
    parser.at = parser.part_at;
    parser.mistake(message)
}

/// A string in double quotes, in which a backslash stands before those and before itself.
pub(super) fn separator(parser: &mut Parser<'_>) -> Result<String, Mistake> {
    while parser.take(" ") {}
    if !parser.take("\"") {
        return parser.mistake("what goes between values is wanted here, in double quotes");
    }
    let mut text = String::new();
    loop {
        let escaped = parser.take("\\");
        match parser.next() {
            None => return parser.mistake("the double quote is not closed"),
            Some('"') if !escaped => return Ok(text),
            Some(letter) if !escaped || matches!(letter, '"' | '\\') => text.push(letter),
            Some(_) => {
                return parser.mistake("in double quotes, a backslash stands before those or before itself alone");
            }
        }
    }
}

/// The tags that `columns` look at.
pub(crate) fn tags(columns: &[(String, Column)]) -> Vec<[u8; 3]> {
    let mut tags = Vec::new();
    for (_, column) in columns {
        column.specs.iter().for_each(|spec| of_spec(spec, &mut tags));
        if column.linked {
            tags.push(ALTERNATE);
        }
    }
    tags
}

fn of_spec(spec: &Spec, tags: &mut Vec<[u8; 3]>) {
    tags.push(spec.tag);
    of_part(&spec.part, tags);
}

fn of_part(part: &Part, tags: &mut Vec<[u8; 3]>) {
    match part {
        Part::Text { conditions, .. } | Part::Indicator { conditions, .. } => of_conditions(conditions, tags),
        Part::Subfields(subfields) => subfields.iter().for_each(|wanted| of_conditions(&wanted.conditions, tags)),
    }
}

fn of_conditions(conditions: &[Condition], tags: &mut Vec<[u8; 3]>) {
    for test in conditions.iter().flatten() {
        for term in test.left.iter().chain([&test.right]) {
            match term {
                Term::Record(spec) => of_spec(spec, tags),
                Term::Outer { part, .. } => of_part(part, tags),
                Term::Literal(_) | Term::Chars(_) => {}
            }
        }
    }
}
