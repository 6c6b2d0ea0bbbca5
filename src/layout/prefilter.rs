//! Which rows somebody may want who will look again.
//!
//! A prefilter may let pass what is not wanted, but drops nothing that is: a query engine applies the whole of its predicate to
//! what comes, and what it can say in these few words spares building the rest. Rejected records are told all the same.

use std::collections::HashSet;
use std::sync::Arc;

use super::Layout;
use crate::spec::{Column, Keep};

/// What is asked of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnTest {
    /// Text that is one of these.
    OneOf(HashSet<String>),
    /// Anything but this text and, where that is said, null.
    NoneOf {
        /// What does not pass.
        refused: HashSet<String>,
        /// Whether a null does not pass.
        null: bool,
    },
    /// Text that comes before this in the order of its code points, or is the same where that is said.
    Before(String, bool),
    /// Text that comes after this, or is the same where that is said.
    After(String, bool),
    /// Text that begins with this.
    StartsWith(String),
    /// A null.
    IsNull,
    /// Anything else.
    IsNotNull,
    /// A number from the first to the second.
    Range(u64, u64),
}

impl ColumnTest {
    /// Whether text passes; `None` is null.
    pub(super) fn passes(&self, value: Option<&str>) -> bool {
        match (self, value) {
            (Self::IsNull, value) => value.is_none(),
            (Self::NoneOf { null, .. }, None) => !null,
            (Self::NoneOf { refused, .. }, Some(value)) => !refused.contains(value),
            (_, None) => false,
            (Self::OneOf(wanted), Some(value)) => wanted.contains(value),
            (Self::Before(last, or_same), Some(value)) => value < last.as_str() || *or_same && value == last,
            (Self::After(first, or_same), Some(value)) => value > first.as_str() || *or_same && value == first,
            (Self::StartsWith(start), Some(value)) => value.starts_with(start),
            (Self::IsNotNull | Self::Range(..), Some(_)) => true,
        }
    }
}

/// Whether text passes all of `tests`; `None` is null.
pub(super) fn passes(tests: &[ColumnTest], value: Option<&str>) -> bool {
    tests.iter().all(|test| test.passes(value))
}

/// Tests of columns of the layout, or of those by name, all of which a row has to pass. Columns that cannot be tested early let
/// everything pass; columns that are added beside them are none of these, whatever they are called.
#[derive(Debug, Clone, Default)]
pub struct Prefilter(Vec<(String, ColumnTest)>);

/// What of a [`Prefilter`] can be asked before rows are made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Early {
    pub leader: Vec<ColumnTest>,
    pub control_number: Vec<ColumnTest>,
    /// First and last numbers of records, one pair for each test.
    pub numbers: Vec<(u64, u64)>,
    /// Of rows of subfields.
    pub ind1: Vec<ColumnTest>,
    pub ind2: Vec<ColumnTest>,
    pub code: Vec<ColumnTest>,
    /// Of columns by name, each with its place among them.
    pub values: Vec<(usize, ColumnTest)>,
}

impl Early {
    /// Whether something is asked of records as such.
    pub(super) fn asks_of_records(&self) -> bool {
        !(self.leader.is_empty() && self.control_number.is_empty() && self.numbers.is_empty())
    }

    /// Whether something is asked of subfields.
    pub(super) fn asks_of_subfields(&self) -> bool {
        !(self.ind1.is_empty() && self.ind2.is_empty() && self.code.is_empty())
    }
}

impl Prefilter {
    /// These tests, each of the column of a name.
    #[must_use]
    pub fn new(tests: Vec<(String, ColumnTest)>) -> Self {
        Self(tests)
    }

    /// Tags of which no row of subfields is wanted.
    pub(crate) fn refused_tags(&self) -> impl Iterator<Item = &str> {
        let refused = self.0.iter().filter_map(|(column, test)| match test {
            ColumnTest::NoneOf { refused, .. } if column == "tag" => Some(refused),
            _ => None,
        });
        refused.flatten().map(String::as_str)
    }

    /// What of it can be asked early; `None` for nothing.
    pub(crate) fn early(&self, layout: Layout, named: Option<&[(String, Column)]>) -> Option<Arc<Early>> {
        let mut early = Early::default();
        for (name, test) in &self.0 {
            let test = test.clone();
            if let Some(named) = named {
                let is_text = |column: &Column| matches!(column.keep, Keep::First | Keep::Join(_));
                let place = named.iter().position(|(known, column)| known == name && is_text(column));
                early.values.extend(place.map(|place| (place, test)));
                continue;
            }
            match (name.as_str(), layout, test) {
                ("record", Layout::Subfields, ColumnTest::Range(first, last)) => early.numbers.push((first, last)),
                (_, _, ColumnTest::Range(..)) => {}
                ("leader", Layout::Records, test) => early.leader.push(test),
                ("control_number", _, test) => early.control_number.push(test),
                ("ind1", Layout::Subfields, test) => early.ind1.push(test),
                ("ind2", Layout::Subfields, test) => early.ind2.push(test),
                ("code", Layout::Subfields, test) => early.code.push(test),
                _ => {}
            }
        }
        (early != Early::default()).then(|| Arc::new(early))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_pass_what_they_say() {
        let set = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<HashSet<_>>();
        let none_of = |null| ColumnTest::NoneOf { refused: set(&["a"]), null };
        let cases = [
            (ColumnTest::OneOf(set(&["a", "b"])), [true, true, false, false]),
            (none_of(false), [false, true, true, true]),
            (none_of(true), [false, true, true, false]),
            (ColumnTest::Before("b".into(), false), [true, false, false, false]),
            (ColumnTest::Before("b".into(), true), [true, true, false, false]),
            (ColumnTest::After("b".into(), false), [false, false, true, false]),
            (ColumnTest::After("b".into(), true), [false, true, true, false]),
            (ColumnTest::StartsWith("b".into()), [false, true, false, false]),
            (ColumnTest::IsNull, [false, false, false, true]),
            (ColumnTest::IsNotNull, [true, true, true, false]),
        ];
        for (test, expected) in cases {
            let found = [Some("a"), Some("b"), Some("é"), None].map(|value| test.passes(value));
            assert_eq!(found, expected, "{test:?}");
        }
    }

    #[test]
    fn what_cannot_be_asked_early_lets_everything_pass() {
        let of = |layout, column: &str, test| Prefilter::new(vec![(column.to_owned(), test)]).early(layout, None);
        assert!(of(Layout::Records, "fields", ColumnTest::IsNull).is_none());
        assert!(of(Layout::Subfields, "value", ColumnTest::IsNull).is_none());
        assert!(of(Layout::Records, "leader", ColumnTest::Range(1, 2)).is_none());
        assert!(of(Layout::Records, "leader", ColumnTest::IsNull).is_some_and(|early| early.asks_of_records()));
        assert!(of(Layout::Subfields, "code", ColumnTest::IsNull).is_some_and(|early| early.asks_of_subfields()));
    }
}
