//! `MARCspec`, the path language for MARC: `parse`, what it means ([`evaluate`]), and the column expressions
//! ([`Column`]) that are made of it.

mod among;
mod column;
pub(crate) mod evaluate;
mod filter;
mod parse;
mod records;

pub use column::Column;
pub(crate) use column::{Keep, tags};
pub use filter::{Filter, Lists};

/// A position, counted from 0 or, with [`Position::Last`], the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    At(usize),
    Last,
}

/// A stretch of occurrences or characters, both ends included. With `Last` first it counts from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: Position,
    pub end: Position,
}

impl Span {
    /// Which of `count` things are meant.
    pub(crate) fn of(self, count: usize) -> std::ops::Range<usize> {
        let Some(last) = count.checked_sub(1) else { return 0..0 };
        let (start, end) = match (self.start, self.end) {
            (Position::At(start), Position::At(end)) => (start, end.min(last)),
            (Position::At(start), Position::Last) => (start, last),
            (Position::Last, Position::At(back)) => (last.saturating_sub(back), last),
            (Position::Last, Position::Last) => (last, last),
        };
        if start > end { 0..0 } else { start..end + 1 }
    }
}

/// A whole spec: what to take of which fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spec {
    pub tag: [u8; 3],
    pub index: Option<Span>,
    pub part: Part,
}

/// What is taken of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of its text, or characters of that.
    Text { chars: Option<Span>, conditions: Vec<Condition> },
    /// Values of these subfields.
    Subfields(Vec<Subfields>),
    /// The first or second indicator, 0 or 1.
    Indicator { number: usize, conditions: Vec<Condition> },
}

/// Subfields of one code, or of a range of codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subfields {
    pub first: u8,
    pub last: u8,
    pub index: Option<Span>,
    pub chars: Option<Span>,
    pub conditions: Vec<Condition>,
}

/// One pair of braces: tests of which one must hold.
pub(crate) type Condition = Vec<Test>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Test {
    /// `None` for the spec outside.
    pub left: Option<Term>,
    pub operator: Operator,
    pub right: Term,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Includes,
    NotIncludes,
    Exists,
    Absent,
}

/// One side of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Term {
    Literal(String),
    /// Anywhere in the record.
    Record(Spec),
    /// In the field outside; with an index, in that occurrence of it.
    Outer {
        index: Option<Span>,
        part: Part,
    },
    /// Characters of what the spec outside is, value by value.
    Chars(Span),
}
