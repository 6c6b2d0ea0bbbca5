//! What a spec is in a record: values, in the order of the record.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::{ControlFlow, Range};
use std::rc::Rc;

use arrow_array::ArrayRef;

use super::among::{Values, compare, compares};
use super::records::{ALTERNATE, Place, Records};
use super::{Column, Condition, Operator, Part, Span, Spec, Subfields, Term, Test};

/// Whether more values are wanted.
pub(crate) type Flow = ControlFlow<()>;

/// What was found out about the record under way: without it, each value would ask anew what is the same for all of its field.
#[derive(Default)]
struct Known<'a> {
    terms: HashMap<(*const Term, Place), Rc<Values<'a>>>,
    tests: HashMap<(*const Test, Place), bool>,
}

/// What the conditions of a value may speak of.
struct Outside<'a, 'v> {
    tag: [u8; 3],
    place: Place,
    /// All of what the value is of, before characters are taken.
    data: &'v Cow<'a, str>,
    value: &'v str,
}

/// Subfields of a tag with certain codes, without ado, which most columns are.
#[derive(Clone, Copy)]
pub(crate) struct Plain<'s> {
    tag: [u8; 3],
    wanted: &'s Subfields,
}

impl<'s> Plain<'s> {
    /// That which `column` is; `None` if it is more.
    pub(crate) fn column(column: &'s Column) -> Option<Self> {
        let [spec] = column.specs.as_slice() else { return None };
        if column.linked { None } else { Self::of(spec) }
    }

    fn of(spec: &'s Spec) -> Option<Self> {
        let (None, Part::Subfields(wanted)) = (spec.index, &spec.part) else { return None };
        if spec.tag == *b"LDR" {
            // The leader, which has none, and no field of that name.
            return None;
        }
        match wanted.as_slice() {
            [wanted @ Subfields { index: None, chars: None, conditions, .. }] if conditions.is_empty() => {
                Some(Self { tag: spec.tag, wanted })
            }
            _ => None,
        }
    }
}

/// Specs of columns over a block of records, one record after the other.
pub(crate) struct Evaluation<'a> {
    records: Records<'a>,
    known: RefCell<Known<'a>>,
}

impl<'a> Evaluation<'a> {
    /// Over the columns of `layout="records"`, with views and dictionaries; `None` if they are others.
    pub(crate) fn new(columns: &'a [ArrayRef]) -> Option<Self> {
        Some(Self { records: Records::new(columns)?, known: RefCell::default() })
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Makes this the record that is asked of.
    pub(crate) fn turn_to(&mut self, record: usize) {
        self.records.turn_to(record);
        let known = self.known.get_mut();
        known.terms.clear();
        known.tests.clear();
    }

    /// The leader of that record.
    pub(crate) fn leader(&self) -> &'a str {
        self.records.leader()
    }

    /// Calls `take` with each value of `column` in a record, until it has enough.
    pub(crate) fn column(&self, column: &Column, take: &mut dyn FnMut(Cow<'a, str>) -> Flow) -> Flow {
        let values = if column.linked { Self::linked } else { Self::values };
        column.specs.iter().try_for_each(|spec| values(self, spec, take))
    }

    /// Calls `take` with the values of `column` of each field that has some, with `separator` between.
    pub(crate) fn by_field(&self, column: &Column, separator: &str, take: &mut dyn FnMut(Cow<'a, str>)) {
        for spec in &column.specs {
            let tag = if column.linked { ALTERNATE } else { spec.tag };
            if tag == *b"LDR" {
                let _ = self.values(spec, &mut |value| {
                    take(value);
                    Flow::Continue(())
                });
                continue;
            }
            self.records.wanted_fields(spec, column.linked, &mut |field| {
                let mut joined = None;
                let _ = self.part(tag, Place::Field(field), &spec.part, &mut |value| {
                    join(&mut joined, separator, value);
                    Flow::Continue(())
                });
                joined.map(&mut *take);
            });
        }
    }

    fn values(&self, spec: &Spec, take: &mut dyn FnMut(Cow<'a, str>) -> Flow) -> Flow {
        if spec.tag == *b"LDR" {
            if spec.index.is_none_or(|index| !index.of(1).is_empty()) {
                self.part(spec.tag, Place::Leader, &spec.part, take)?;
            }
            return Flow::Continue(());
        }
        if let Some(plain) = Plain::of(spec) {
            return self.plainly(plain, |text| take(Cow::Borrowed(text)));
        }
        for field in self.records.fields(spec.tag, spec.index) {
            self.part(spec.tag, Place::Field(field), &spec.part, take)?;
        }
        Flow::Continue(())
    }

    /// Calls `take` with each subfield of a record that is wanted, until it has enough.
    #[inline]
    pub(crate) fn plainly(&self, Plain { tag, wanted }: Plain<'_>, mut take: impl FnMut(&'a str) -> Flow) -> Flow {
        for field in self.records.matches(tag) {
            for subfield in self.records.subfields(field).filter(|&subfield| self.records.is_of(subfield, wanted)) {
                take(self.records.text(subfield))?;
            }
        }
        Flow::Continue(())
    }

    /// As [`Evaluation::values`], of the 880s that belong to the fields that `spec` names: what follows its tag and index speaks
    /// of those.
    fn linked(&self, spec: &Spec, take: &mut dyn FnMut(Cow<'a, str>) -> Flow) -> Flow {
        for field in self.records.linked_fields(spec) {
            self.part(ALTERNATE, Place::Field(field), &spec.part, take)?;
        }
        Flow::Continue(())
    }

    /// The fields as a whole that `column` names, or those linked to them.
    pub(crate) fn whole(&self, column: &Column, take: &mut dyn FnMut(usize)) {
        for spec in &column.specs {
            let Part::Text { conditions, .. } = &spec.part else { continue };
            let tag = if column.linked { ALTERNATE } else { spec.tag };
            self.records.wanted_fields(spec, column.linked, &mut |field| {
                let place = Place::Field(field);
                let is_wanted = conditions.is_empty() || {
                    let data = self.records.data(place);
                    self.value(tag, place, &data, None, conditions, &mut |_| Flow::Break(())).is_break()
                };
                if is_wanted {
                    take(field);
                }
            });
        }
    }

    /// How many values `column` has in a record.
    pub(crate) fn count(&self, column: &Column) -> usize {
        let mut count = 0;
        for spec in &column.specs {
            if let Part::Text { chars: None, conditions } = &spec.part
                && conditions.is_empty()
                && spec.tag != *b"LDR"
            {
                // Their text need not be put together for that.
                self.records.wanted_fields(spec, column.linked, &mut |_| count += 1);
                continue;
            }
            let values = if column.linked { Self::linked } else { Self::values };
            let _ = values(self, spec, &mut |_| {
                count += 1;
                Flow::Continue(())
            });
        }
        count
    }

    fn part(&self, tag: [u8; 3], place: Place, part: &Part, take: &mut dyn FnMut(Cow<'a, str>) -> Flow) -> Flow {
        match part {
            Part::Text { chars, conditions } => {
                self.value(tag, place, &self.records.data(place), *chars, conditions, take)
            }
            Part::Indicator { number, conditions } => {
                let Place::Field(field) = place else { return Flow::Continue(()) };
                match self.records.indicator(field, *number) {
                    Some(symbol) => self.value(tag, place, &Cow::Borrowed(symbol), None, conditions, take),
                    None => Flow::Continue(()),
                }
            }
            Part::Subfields(wanted) => {
                let Place::Field(field) = place else { return Flow::Continue(()) };
                let subfields = self.records.subfields(field);
                if wanted.iter().all(|wanted| wanted.index.is_none()) {
                    for subfield in subfields {
                        for wanted in wanted.iter().filter(|wanted| self.records.is_of(subfield, wanted)) {
                            let data = Cow::Borrowed(self.records.text(subfield));
                            self.value(tag, place, &data, wanted.chars, &wanted.conditions, take)?;
                        }
                    }
                    return Flow::Continue(());
                }
                let indexes: Vec<Range<usize>> =
                    wanted.iter().map(|wanted| self.records.index(wanted, subfields.clone())).collect();
                let mut seen = vec![0; wanted.len()];
                for subfield in subfields {
                    for ((wanted, index), seen) in wanted.iter().zip(&indexes).zip(&mut seen) {
                        if !self.records.is_of(subfield, wanted) {
                            continue;
                        }
                        if index.contains(seen) {
                            let data = Cow::Borrowed(self.records.text(subfield));
                            self.value(tag, place, &data, wanted.chars, &wanted.conditions, take)?;
                        }
                        *seen += 1;
                    }
                }
                Flow::Continue(())
            }
        }
    }

    /// Takes `data`, or characters of it, if the conditions hold.
    #[allow(clippy::too_many_arguments, clippy::ptr_arg)] // one value, where it is, and whether that is ours
    fn value(
        &self,
        tag: [u8; 3],
        place: Place,
        data: &Cow<'a, str>,
        chars: Option<Span>,
        conditions: &[Condition],
        take: &mut dyn FnMut(Cow<'a, str>) -> Flow,
    ) -> Flow {
        let Some(value) = characters(data, chars) else { return Flow::Continue(()) };
        let outside = Outside { tag, place, data, value: &value };
        if conditions.iter().all(|tests| tests.iter().any(|test| self.holds(test, &outside))) {
            return take(value);
        }
        Flow::Continue(())
    }

    /// Whether a test of the value or of an indicator against a string, which most are, holds; `None` for any other.
    fn holds_plainly(&self, test: &Test, outside: &Outside<'a, '_>) -> Option<bool> {
        let Term::Literal(right) = &test.right else { return None };
        let left = match &test.left {
            None => Some(outside.value),
            Some(Term::Outer { index: None, part: Part::Indicator { number, conditions } })
                if conditions.is_empty() =>
            {
                match outside.place {
                    Place::Leader => None,
                    Place::Field(field) => self.records.indicator(field, *number),
                }
            }
            _ => return None,
        };
        compares(test.operator).then(|| left.is_some_and(|left| compare(test.operator, left, right)))
    }

    fn holds(&self, test: &Test, outside: &Outside<'a, '_>) -> bool {
        if let Some(holds) = self.holds_plainly(test, outside) {
            return holds;
        }
        let of_value = |term: &Term| matches!(term, Term::Chars(_));
        let unary = matches!(test.operator, Operator::Exists | Operator::Absent);
        if of_value(&test.right) || !unary && test.left.as_ref().is_none_or(of_value) {
            return self.compare(test, outside);
        }
        let key = (std::ptr::from_ref(test), outside.place);
        if let Some(&holds) = self.known.borrow().tests.get(&key) {
            return holds;
        }
        let holds = self.compare(test, outside);
        self.known.borrow_mut().tests.insert(key, holds);
        holds
    }

    fn compare(&self, test: &Test, outside: &Outside<'a, '_>) -> bool {
        let right = self.term(&test.right, outside);
        match test.operator {
            Operator::Exists => return !right.all().is_empty(),
            Operator::Absent => return right.all().is_empty(),
            _ => {}
        }
        match &test.left {
            None => right.any(test.operator, outside.value),
            Some(left) => right.any_of(test.operator, &self.term(left, outside)),
        }
    }

    fn term(&self, term: &Term, outside: &Outside<'a, '_>) -> Rc<Values<'a>> {
        if matches!(term, Term::Chars(_)) {
            return self.find(term, outside);
        }
        // What a record has is the same for all of its fields.
        let of_record = matches!(term, Term::Record(_) | Term::Outer { index: Some(_), .. });
        let place = if of_record { Place::Leader } else { outside.place };
        let key = (std::ptr::from_ref(term), place);
        if let Some(values) = self.known.borrow().terms.get(&key) {
            return Rc::clone(values);
        }
        let values = self.find(term, outside);
        self.known.borrow_mut().terms.insert(key, Rc::clone(&values));
        values
    }

    fn find(&self, term: &Term, outside: &Outside<'a, '_>) -> Rc<Values<'a>> {
        let mut values = Vec::new();
        let mut take = |value| {
            values.push(value);
            Flow::Continue(())
        };
        let &Outside { tag, place, data, .. } = outside;
        let _ = match term {
            Term::Literal(text) => take(Cow::Owned(text.clone())),
            Term::Record(spec) => self.values(spec, &mut take),
            Term::Chars(span) => characters(data, Some(*span)).map_or(Flow::Continue(()), take),
            Term::Outer { index: None, part } => self.part(tag, place, part, &mut take),
            Term::Outer { index, part } => match place {
                Place::Leader => Flow::Continue(()),
                Place::Field(_) => self
                    .records
                    .fields(tag, *index)
                    .try_for_each(|field| self.part(tag, Place::Field(field), part, &mut take)),
            },
        };
        Rc::new(Values::new(values))
    }
}

/// Puts `value` behind what is there already.
pub(crate) fn join<'a>(joined: &mut Option<Cow<'a, str>>, separator: &str, value: Cow<'a, str>) {
    match joined {
        None => *joined = Some(value),
        Some(joined) => {
            let joined = joined.to_mut();
            joined.push_str(separator);
            joined.push_str(&value);
        }
    }
}

/// Characters of `data`; `None` where there are none, all of it without `chars`.
fn characters<'a>(data: &Cow<'a, str>, chars: Option<Span>) -> Option<Cow<'a, str>> {
    let Some(chars) = chars else { return Some(data.clone()) };
    let range = if data.is_ascii() {
        chars.of(data.len())
    } else {
        let chars = chars.of(data.chars().count());
        let mut starts = data.char_indices().map(|(at, _)| at).chain([data.len()]);
        let start = starts.nth(chars.start)?;
        start..if chars.is_empty() { start } else { starts.nth(chars.len() - 1)? }
    };
    match data {
        _ if range.is_empty() => None,
        Cow::Borrowed(data) => data.get(range).map(Cow::Borrowed),
        Cow::Owned(data) => data.get(range).map(|part| Cow::Owned(part.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Position;
    use super::*;

    #[test]
    fn what_goes_no_detour_is_a_tag_and_codes() {
        for (column, is_plain) in [
            ("650$a", true),
            ("all(650$a-z)", true),
            ("6..$a", true),
            ("245", false),
            ("LDR$a", false),
            ("linked(245$a)", false),
            ("650[0]$a", false),
            ("650$a[0]", false),
            ("650$a/0-3", false),
            ("650$a{^2=\\7}", false),
            ("650$a$b", false),
            ("100$a|110$a", false),
        ] {
            let column: Column = column.parse().unwrap();
            assert_eq!(Plain::column(&column).is_some(), is_plain, "{column:?}");
        }
    }

    #[test]
    fn characters_are_counted_from_either_end() {
        let span = |start, end| Some(Span { start, end });
        let (at, last) = (Position::At, Position::Last);
        for text in ["abcdef", "äbcdéf"] {
            let text = Cow::Borrowed(text);
            let chars: Vec<char> = text.chars().collect();
            let taken = |chars| characters(&text, chars).map(Cow::into_owned);
            let part = |range: Range<usize>| Some(chars[range].iter().collect::<String>());
            assert_eq!(taken(None), part(0..6));
            assert_eq!(taken(span(at(0), at(0))), part(0..1));
            assert_eq!(taken(span(at(4), at(9))), part(4..6));
            assert_eq!(taken(span(last, last)), part(5..6));
            assert_eq!(taken(span(last, at(1))), part(4..6));
            assert_eq!(taken(span(last, at(9))), part(0..6));
            assert_eq!(taken(span(at(1), last)), part(1..6));
            assert_eq!(taken(span(at(6), at(9))), None);
        }
    }
}
