//! A column: a spec, and how many of its values to keep.

use std::iter::repeat_n;
use std::str::FromStr;

use super::parse::{Mistake, Parser};
use super::{Condition, Part, Spec, Term};
use crate::error::Error;

/// What a column has of a record: `first(245$a)`, or the spec alone, `all(650$a)`, `join(245$a$b, " ")`, `count(852)` or
/// `exists(856$u)`.
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
    pub(crate) spec: Spec,
}

/// Which of a spec's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keep {
    First,
    All,
    /// All of them, as one string with this between.
    Join(String),
    Count,
    Exists,
}

impl FromStr for Column {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parser = Parser::new(text);
        column(&mut parser).map_err(|Mistake { at, message }| {
            let before = text.get(..at).map_or(0, |before| before.chars().count());
            let mut told = format!("no column: {message}\n  ");
            told.extend(text.chars().map(|letter| if letter.is_control() { '\u{FFFD}' } else { letter }));
            told.push_str("\n  ");
            told.extend(repeat_n(' ', before));
            told.push('^');
            Error::option(told)
        })
    }
}

fn column(parser: &mut Parser<'_>) -> Result<Column, Mistake> {
    const NAMES: [&str; 5] = ["first(", "all(", "join(", "count(", "exists("];
    let name = NAMES.into_iter().find(|name| parser.take(name));
    let spec = parser.spec()?;
    let keep = match name {
        Some("all(") => Keep::All,
        Some("join(") => Keep::Join(if parser.take(",") { separator(parser)? } else { " ".to_owned() }),
        Some("count(") => Keep::Count,
        Some("exists(") => Keep::Exists,
        _ => Keep::First,
    };
    if name.is_some() && !parser.take(")") {
        return parser.mistake("the spec ends here; ) is wanted");
    }
    match parser.peek() {
        None => Ok(Column { keep, spec }),
        Some(b'$' | b'^') => parser.mistake("subfields and indicators do not go with what is before"),
        Some(_) => parser.mistake("the spec ends here, and something follows"),
    }
}

/// A string in double quotes, in which a backslash stands before those and before itself.
fn separator(parser: &mut Parser<'_>) -> Result<String, Mistake> {
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
        of_spec(&column.spec, &mut tags);
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
