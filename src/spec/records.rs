//! A block of records as specs see them: which fields there are of a tag, and what is in them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt16Type};
use arrow_array::{Array, ArrayRef, DictionaryArray, StringArray, StringViewArray};

use super::{Span, Spec, Subfields};

/// The tag of fields in another script.
pub(super) const ALTERNATE: [u8; 3] = *b"880";

/// Records as `layout="records"` has them, with views and dictionaries.
pub(super) struct Records<'a> {
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
}

/// Stands for no field and no key.
const NONE: u32 = u32::MAX;

/// Where a value is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Leader,
    Field(usize),
}

impl<'a> Records<'a> {
    /// Of the columns of the layout; `None` if they are others.
    pub(super) fn new(columns: &'a [ArrayRef]) -> Option<Self> {
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
        })
    }

    /// Makes this the record that is asked of.
    pub(super) fn turn_to(&mut self, record: usize) {
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
    }

    pub(super) fn len(&self) -> usize {
        self.leader.len()
    }

    /// The 880s whose $6 has tag and number of a field that `spec` names, and whose number that field's $6 has after `880-`: each
    /// one once, in the order of the record.
    pub(super) fn linked_fields(&self, spec: &Spec) -> Vec<usize> {
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
    pub(super) fn link(&self, field: usize) -> Option<(&'a str, &'a str)> {
        let is_link = |subfield: &usize| self.code_of(*subfield) == Some(b'6');
        let text = self.text(self.subfields(field).find(is_link)?).trim();
        let (tag, rest) = text.split_once('-')?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = rest.get(..digits)?.trim_start_matches('0');
        (!number.is_empty()).then_some((tag, number))
    }

    pub(super) fn wanted_fields(&self, spec: &Spec, linked: bool, take: &mut dyn FnMut(usize)) {
        if linked {
            self.linked_fields(spec).into_iter().for_each(take);
        } else {
            self.fields(spec.tag, spec.index).for_each(take);
        }
    }

    /// The fields with such a tag, of which `index` says which.
    pub(super) fn fields(&self, tag: [u8; 3], index: Option<Span>) -> impl Iterator<Item = usize> + use<'_, 'a> {
        let matches = self.matches(tag);
        let wanted = index.map_or(0..usize::MAX, |index| index.of(matches.clone().count()));
        matches.skip(wanted.start).take(wanted.len())
    }

    pub(super) fn matches(&self, tag: [u8; 3]) -> Matches<'_, 'a> {
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

    pub(super) fn tag_of(&self, field: usize) -> Option<[char; 3]> {
        self.tag.get(field).and_then(|&key| *self.tags.get(usize::from(key))?)
    }

    pub(super) fn has_tag(&self, field: usize, tag: [u8; 3]) -> bool {
        let found = self.tag_of(field);
        let is_like = |(wanted, found): (u8, char)| wanted == b'.' || char::from(wanted) == found;
        found.is_some_and(|found| tag.into_iter().zip(found).all(is_like))
    }

    pub(super) fn indicator(&self, field: usize, number: usize) -> Option<&'a str> {
        let symbols = self.indicators.get(number)?;
        symbols.key(field).map(|key| symbols.values().as_string::<i32>().value(key))
    }

    /// Which of the subfields with such a code are wanted.
    pub(super) fn index(&self, wanted: &Subfields, mut subfields: Range<usize>) -> Range<usize> {
        match wanted.index {
            None => 0..usize::MAX,
            Some(index) => {
                let count = subfields.by_ref().filter(|&subfield| self.is_of(subfield, wanted)).count();
                index.of(count)
            }
        }
    }

    pub(super) fn is_of(&self, subfield: usize, wanted: &Subfields) -> bool {
        self.code_of(subfield).is_some_and(|code| (wanted.first..=wanted.last).contains(&code))
    }

    pub(super) fn leader(&self) -> &'a str {
        self.leader.value(self.record)
    }

    /// The subfields of a field.
    pub(super) fn subfields(&self, field: usize) -> Range<usize> {
        range(self.subfield_ends, field)
    }

    /// The text of a subfield.
    pub(super) fn text(&self, subfield: usize) -> &'a str {
        self.text.value(subfield)
    }

    pub(super) fn code_of(&self, subfield: usize) -> Option<u8> {
        self.code.get(subfield).and_then(|&key| self.codes.get(usize::from(key))).copied()
    }

    /// All of a field's text: of a data field its values, with blanks between.
    pub(super) fn data(&self, place: Place) -> Cow<'a, str> {
        let Place::Field(field) = place else { return Cow::Borrowed(self.leader()) };
        let value = (!self.value.is_null(field)).then(|| self.value.value(field));
        let subfields = self.subfields(field);
        match value {
            Some(value) if subfields.is_empty() => Cow::Borrowed(value),
            _ => {
                let texts = subfields.map(|subfield| self.text(subfield));
                Cow::Owned(value.into_iter().chain(texts).collect::<Vec<_>>().join(" "))
            }
        }
    }
}

/// The fields of a record that have a tag.
#[derive(Clone)]
pub(super) enum Matches<'r, 'a> {
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
