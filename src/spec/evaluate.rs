//! What a spec is in a record: values, in the order of the record.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::{ControlFlow, Range};
use std::rc::Rc;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt16Type};
use arrow_array::{Array, ArrayRef, DictionaryArray, StringArray, StringViewArray};

use super::{Column, Condition, Operator, Part, Span, Spec, Subfields, Term, Test};

/// Whether more values are wanted.
pub(crate) type Flow = ControlFlow<()>;

/// The tag of fields in another script.
pub(super) const ALTERNATE: [u8; 3] = *b"880";

/// Records as `layout="records"` has them, with views and dictionaries.
pub(crate) struct Records<'a> {
    leader: &'a StringViewArray,
    field_ends: &'a [i64],
    tag: &'a [u16],
    /// The characters of each tag in the dictionary; `None` where those are not three.
    tags: Vec<Option<[char; 3]>>,
    indicators: [&'a DictionaryArray<UInt8Type>; 2],
    value: &'a StringViewArray,
    subfield_ends: &'a [i64],
    code: &'a [u8],
    /// The byte that each code in the dictionary is; 0, which no spec has, for any other.
    codes: Vec<u8>,
    text: &'a StringViewArray,
    /// The key of each tag of three digits; [`NONE`] where it is not in the dictionary.
    keys: Vec<u32>,
    /// Of the record under way: the first field of each key, and the next one with the same tag of each field.
    record: usize,
    heads: Vec<u32>,
    nexts: Vec<u32>,
    known: RefCell<Known<'a>>,
}

/// Stands for no field and no key.
const NONE: u32 = u32::MAX;

/// What was found out about the record under way: without it, each value would ask anew what is the same for all of its field.
#[derive(Default)]
struct Known<'a> {
    terms: HashMap<(*const Term, Place), Values<'a>>,
    tests: HashMap<(*const Test, Place), bool>,
}

type Values<'a> = Rc<[Cow<'a, str>]>;

/// Where a value is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Leader,
    Field(usize),
}

/// What the conditions of a value may speak of.
struct Outside<'a, 'v> {
    tag: [u8; 3],
    place: Place,
    /// All of what the value is of, before characters are taken.
    data: &'v Cow<'a, str>,
    value: &'v str,
}

impl<'a> Records<'a> {
    /// Of the columns of the layout; `None` if they are others.
    pub(crate) fn new(columns: &'a [ArrayRef]) -> Option<Self> {
        let [leader, _, fields] = columns else { return None };
        let fields = fields.as_list_opt::<i64>()?;
        let [tag, ind1, ind2, value, subfields] = fields.values().as_struct_opt()?.columns() else { return None };
        let tag = tag.as_dictionary_opt::<UInt16Type>()?;
        let subfields = subfields.as_list_opt::<i64>()?;
        let [code, text] = subfields.values().as_struct_opt()?.columns() else { return None };
        let code = code.as_dictionary_opt::<UInt8Type>()?;
        let tags: &StringArray = tag.values().as_string_opt()?;
        let codes: &StringArray = code.values().as_string_opt()?;
        let characters = |tag: &str| tag.chars().collect::<Vec<_>>().try_into().ok();
        let mut keys = vec![NONE; 1000];
        for (key, tag) in tags.iter().enumerate() {
            let number = tag.and_then(|tag| number(tag.as_bytes().try_into().ok()?));
            if let Some(slot) = number.and_then(|number| keys.get_mut(number)) {
                *slot = key as u32;
            }
        }
        let byte = |code: &str| if let &[byte] = code.as_bytes() { byte } else { 0 };
        Some(Self {
            leader: leader.as_string_view_opt()?,
            field_ends: fields.value_offsets(),
            tag: tag.keys().values(),
            tags: tags.iter().map(|tag| tag.and_then(characters)).collect(),
            indicators: [ind1.as_dictionary_opt()?, ind2.as_dictionary_opt()?],
            value: value.as_string_view_opt()?,
            subfield_ends: subfields.value_offsets(),
            code: code.keys().values(),
            codes: codes.iter().map(|code| code.map_or(0, byte)).collect(),
            text: text.as_string_view_opt()?,
            keys,
            record: usize::MAX,
            heads: vec![NONE; tags.len()],
            nexts: Vec::new(),
            known: RefCell::default(),
        })
    }

    /// Makes this the record that is asked of.
    pub(crate) fn turn_to(&mut self, record: usize) {
        let key = |field| self.tag.get(field).copied().map_or(usize::MAX, usize::from);
        if self.record != usize::MAX {
            for field in range(self.field_ends, self.record) {
                if let Some(head) = self.heads.get_mut(key(field)) {
                    *head = NONE;
                }
            }
        }
        let fields = range(self.field_ends, record);
        self.nexts.clear();
        self.nexts.resize(fields.len(), NONE);
        for (field, next) in fields.zip(&mut self.nexts).rev() {
            if let Some(head) = self.heads.get_mut(key(field)) {
                *next = std::mem::replace(head, field as u32);
            }
        }
        self.record = record;
        let known = self.known.get_mut();
        known.terms.clear();
        known.tests.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.leader.len()
    }

    /// The leader of the record that was turned to.
    pub(crate) fn leader(&self) -> &'a str {
        self.leader.value(self.record)
    }

    /// Calls `take` with each value of `column` in a record, until it has enough.
    pub(crate) fn column(&self, column: &Column, take: &mut dyn FnMut(Cow<'a, str>) -> Flow) -> Flow {
        let values = if column.linked { Self::linked } else { Self::values };
        column.specs.iter().try_for_each(|spec| values(self, spec, take))
    }

    fn values(&self, spec: &Spec, take: &mut dyn FnMut(Cow<'a, str>) -> Flow) -> Flow {
        if spec.tag == *b"LDR" {
            if spec.index.is_none_or(|index| !index.of(1).is_empty()) {
                self.part(spec.tag, Place::Leader, &spec.part, take)?;
            }
            return Flow::Continue(());
        }
        if let (None, Part::Subfields(wanted)) = (spec.index, &spec.part)
            && let [wanted @ Subfields { index: None, chars: None, conditions, .. }] = wanted.as_slice()
            && conditions.is_empty()
        {
            // What most columns are, without ado.
            for field in self.matches(spec.tag) {
                for subfield in range(self.subfield_ends, field).filter(|&subfield| self.is_of(subfield, wanted)) {
                    take(Cow::Borrowed(self.text.value(subfield)))?;
                }
            }
            return Flow::Continue(());
        }
        for field in self.fields(spec.tag, spec.index) {
            self.part(spec.tag, Place::Field(field), &spec.part, take)?;
        }
        Flow::Continue(())
    }

    /// As [`Records::values`], of the 880s that belong to the fields that `spec` names: what follows its tag and index speaks of
    /// those.
    fn linked(&self, spec: &Spec, take: &mut dyn FnMut(Cow<'a, str>) -> Flow) -> Flow {
        for field in self.linked_fields(spec) {
            self.part(ALTERNATE, Place::Field(field), &spec.part, take)?;
        }
        Flow::Continue(())
    }

    /// The 880s whose $6 has tag and number of a field that `spec` names, and whose number that field's $6 has after `880-`: each
    /// one once, in the order of the record.
    fn linked_fields(&self, spec: &Spec) -> Vec<usize> {
        let mut alternates = self.fields(ALTERNATE, None).peekable();
        if alternates.peek().is_none() {
            return Vec::new();
        }
        let wanted: HashSet<([char; 3], &str)> = self
            .fields(spec.tag, spec.index)
            .filter_map(|field| {
                let (tag, number) = self.link(field)?;
                Some((self.tag_of(field)?, number)).filter(|_| tag == "880")
            })
            .collect();
        let belongs = |&field: &usize| {
            self.link(field).is_some_and(|(tag, number)| {
                let tag = tag.chars().collect::<Vec<_>>().try_into();
                tag.is_ok_and(|tag| wanted.contains(&(tag, number)))
            })
        };
        alternates.filter(belongs).collect()
    }

    /// Tag and number of what a field's first $6 links it to, as `880-02` or `245-02/$1`; no field has the number 00.
    fn link(&self, field: usize) -> Option<(&'a str, &'a str)> {
        let is_link = |subfield: &usize| self.code_of(*subfield) == Some(b'6');
        let text = self.text.value(range(self.subfield_ends, field).find(is_link)?).trim();
        let (tag, rest) = text.split_once('-')?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = rest.get(..digits)?.trim_start_matches('0');
        (!number.is_empty()).then_some((tag, number))
    }

    /// The fields as a whole that `column` names, or those linked to them.
    pub(crate) fn whole(&self, column: &Column, take: &mut dyn FnMut(usize)) {
        for spec in &column.specs {
            let Part::Text { conditions, .. } = &spec.part else { continue };
            let tag = if column.linked { ALTERNATE } else { spec.tag };
            self.wanted_fields(spec, column.linked, &mut |field| {
                let place = Place::Field(field);
                let is_wanted = conditions.is_empty() || {
                    let data = self.data(place);
                    self.value(tag, place, &data, None, conditions, &mut |_| Flow::Break(())).is_break()
                };
                if is_wanted {
                    take(field);
                }
            });
        }
    }

    fn wanted_fields(&self, spec: &Spec, linked: bool, take: &mut dyn FnMut(usize)) {
        if linked {
            self.linked_fields(spec).into_iter().for_each(take);
        } else {
            self.fields(spec.tag, spec.index).for_each(take);
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
                self.wanted_fields(spec, column.linked, &mut |_| count += 1);
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

    /// The fields with such a tag, of which `index` says which.
    fn fields(&self, tag: [u8; 3], index: Option<Span>) -> impl Iterator<Item = usize> + use<'_, 'a> {
        let matches = self.matches(tag);
        let wanted = index.map_or(0..usize::MAX, |index| index.of(matches.clone().count()));
        matches.skip(wanted.start).take(wanted.len())
    }

    fn matches(&self, tag: [u8; 3]) -> Matches<'_, 'a> {
        let fields = range(self.field_ends, self.record);
        match number(tag) {
            Some(number) => {
                let key = self.keys.get(number).copied().unwrap_or(NONE);
                let next = self.heads.get(key as usize).copied().unwrap_or(NONE);
                Matches::Chain { nexts: &self.nexts, first: fields.start, next }
            }
            None => Matches::Scan { records: self, tag, fields },
        }
    }

    fn tag_of(&self, field: usize) -> Option<[char; 3]> {
        self.tag.get(field).and_then(|&key| *self.tags.get(usize::from(key))?)
    }

    fn has_tag(&self, field: usize, tag: [u8; 3]) -> bool {
        let found = self.tag_of(field);
        let is_like = |(wanted, found): (u8, char)| wanted == b'.' || char::from(wanted) == found;
        found.is_some_and(|found| tag.into_iter().zip(found).all(is_like))
    }

    fn part(&self, tag: [u8; 3], place: Place, part: &Part, take: &mut dyn FnMut(Cow<'a, str>) -> Flow) -> Flow {
        match part {
            Part::Text { chars, conditions } => self.value(tag, place, &self.data(place), *chars, conditions, take),
            Part::Indicator { number, conditions } => {
                let Place::Field(field) = place else { return Flow::Continue(()) };
                match self.indicator(field, *number) {
                    Some(symbol) => self.value(tag, place, &Cow::Borrowed(symbol), None, conditions, take),
                    None => Flow::Continue(()),
                }
            }
            Part::Subfields(wanted) => {
                let Place::Field(field) = place else { return Flow::Continue(()) };
                let subfields = range(self.subfield_ends, field);
                if wanted.iter().all(|wanted| wanted.index.is_none()) {
                    for subfield in subfields {
                        for wanted in wanted.iter().filter(|wanted| self.is_of(subfield, wanted)) {
                            let data = Cow::Borrowed(self.text.value(subfield));
                            self.value(tag, place, &data, wanted.chars, &wanted.conditions, take)?;
                        }
                    }
                    return Flow::Continue(());
                }
                let indexes: Vec<Range<usize>> =
                    wanted.iter().map(|wanted| self.index(wanted, subfields.clone())).collect();
                let mut seen = vec![0; wanted.len()];
                for subfield in subfields {
                    for ((wanted, index), seen) in wanted.iter().zip(&indexes).zip(&mut seen) {
                        if !self.is_of(subfield, wanted) {
                            continue;
                        }
                        if index.contains(seen) {
                            let data = Cow::Borrowed(self.text.value(subfield));
                            self.value(tag, place, &data, wanted.chars, &wanted.conditions, take)?;
                        }
                        *seen += 1;
                    }
                }
                Flow::Continue(())
            }
        }
    }

    fn indicator(&self, field: usize, number: usize) -> Option<&'a str> {
        let symbols = self.indicators.get(number)?;
        symbols.key(field).map(|key| symbols.values().as_string::<i32>().value(key))
    }

    /// Which of the subfields with such a code are wanted.
    fn index(&self, wanted: &Subfields, mut subfields: Range<usize>) -> Range<usize> {
        match wanted.index {
            None => 0..usize::MAX,
            Some(index) => {
                let count = subfields.by_ref().filter(|&subfield| self.is_of(subfield, wanted)).count();
                index.of(count)
            }
        }
    }

    fn is_of(&self, subfield: usize, wanted: &Subfields) -> bool {
        self.code_of(subfield).is_some_and(|code| (wanted.first..=wanted.last).contains(&code))
    }

    fn code_of(&self, subfield: usize) -> Option<u8> {
        self.code.get(subfield).and_then(|&key| self.codes.get(usize::from(key))).copied()
    }

    /// All of a field's text: of a data field its values, with blanks between.
    fn data(&self, place: Place) -> Cow<'a, str> {
        let Place::Field(field) = place else { return Cow::Borrowed(self.leader.value(self.record)) };
        let value = (!self.value.is_null(field)).then(|| self.value.value(field));
        let subfields = range(self.subfield_ends, field);
        match value {
            Some(value) if subfields.is_empty() => Cow::Borrowed(value),
            _ => {
                let texts = subfields.map(|subfield| self.text.value(subfield));
                Cow::Owned(value.into_iter().chain(texts).collect::<Vec<_>>().join(" "))
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
                    Place::Field(field) => self.indicator(field, *number),
                }
            }
            _ => return None,
        };
        let compare = comparison(test.operator)?;
        Some(left.is_some_and(|left| compare(left, right)))
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
        let Some(compare) = comparison(test.operator) else {
            return right.is_empty() == (test.operator == Operator::Absent);
        };
        let any = |left: &str| right.iter().any(|right| compare(left, right));
        match &test.left {
            None => any(outside.value),
            Some(left) => self.term(left, outside).iter().any(|left| any(left)),
        }
    }

    fn term(&self, term: &Term, outside: &Outside<'a, '_>) -> Values<'a> {
        if matches!(term, Term::Chars(_)) {
            return self.find(term, outside);
        }
        // What a record has is the same for all of its fields.
        let place = if matches!(term, Term::Record(_)) { Place::Leader } else { outside.place };
        let key = (std::ptr::from_ref(term), place);
        if let Some(values) = self.known.borrow().terms.get(&key) {
            return Rc::clone(values);
        }
        let values = self.find(term, outside);
        self.known.borrow_mut().terms.insert(key, Rc::clone(&values));
        values
    }

    fn find(&self, term: &Term, outside: &Outside<'a, '_>) -> Values<'a> {
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
                Place::Field(_) => {
                    self.fields(tag, *index).try_for_each(|field| self.part(tag, Place::Field(field), part, &mut take))
                }
            },
        };
        values.into()
    }
}

/// How an operator compares two values; `None` for those that ask whether there are any.
fn comparison(operator: Operator) -> Option<fn(&str, &str) -> bool> {
    Some(match operator {
        Operator::Exists | Operator::Absent => return None,
        Operator::Equal => |left, right| left == right,
        Operator::NotEqual => |left, right| left != right,
        Operator::Includes => |left, right| left.contains(right),
        Operator::NotIncludes => |left, right| !left.contains(right),
    })
}

/// The fields of a record that have a tag.
#[derive(Clone)]
enum Matches<'r, 'a> {
    /// A tag of digits: each field says which is the next.
    Chain { nexts: &'r [u32], first: usize, next: u32 },
    /// Any other: all fields are looked at.
    Scan { records: &'r Records<'a>, tag: [u8; 3], fields: Range<usize> },
}

impl Iterator for Matches<'_, '_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        match self {
            Self::Chain { next: NONE, .. } => None,
            Self::Chain { nexts, first, next } => {
                let field = *next as usize;
                *next = nexts.get(field - *first).copied().unwrap_or(NONE);
                Some(field)
            }
            Self::Scan { records, tag, fields } => fields.find(|&field| records.has_tag(field, *tag)),
        }
    }
}

/// The number that a tag of digits is.
fn number(tag: [u8; 3]) -> Option<usize> {
    tag.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + usize::from(byte - b'0')))
}

/// The items of the list that has this number.
fn range(ends: &[i64], list: usize) -> Range<usize> {
    match ends.get(list..list + 2) {
        #[allow(clippy::cast_sign_loss)] // offsets count from 0
        Some(&[start, end]) => start as usize..end as usize,
        _ => 0..0,
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
