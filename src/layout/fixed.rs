//! `fixed(008)`: a struct of the positions of a fixed field.
//!
//! A material has a third of the names or less, so a column begins as nulls, and what there is is set in it. Nearly all codes
//! are short enough to lie within their view; what is longer (meanings, names of materials) is kept once for a batch.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, StructArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields};

use super::arrays::{INLINE, inline_view, string_views, view};
use super::{StringType, cast_strings, string_field};
use crate::marc21::fixed::{Codes, FixedField, Position, fixed_field};
use crate::spec::Column;

/// The column of the struct that says which table was used.
const MATERIAL: &str = "material";

pub(super) fn field(name: &str, column: &Column, string_type: StringType) -> Field {
    Field::new(name, DataType::Struct(children(field_of(column), string_type)), false)
}

fn field_of(column: &Column) -> Option<&'static FixedField> {
    column.specs.first().and_then(|spec| fixed_field(spec.tag))
}

fn children(field: Option<&FixedField>, string_type: StringType) -> Fields {
    let names = field.map_or(&[][..], |field| field.names);
    [MATERIAL].iter().chain(names).map(|name| string_field(name, string_type, true)).collect()
}

/// The struct for the records so far.
pub(super) struct Fixed {
    field: Option<&'static FixedField>,
    labels: bool,
    record: usize,
    records: usize,
    /// The material and then the positions, in the order of their names.
    columns: Vec<Strings>,
    texts: Texts,
}

/// A column that is null where nothing was set.
struct Strings {
    views: Vec<u128>,
    /// Bits of what was set.
    valid: Vec<u8>,
    has_long: bool,
    /// What was found out last: from one record to the next, little changes.
    last: Option<Meaning>,
}

/// The view of what a code means, by these codes.
struct Meaning {
    code: String,
    codes: Codes,
    view: u128,
}

/// Text that does not lie within its view, with the view of each.
#[derive(Default)]
struct Texts {
    text: Vec<u8>,
    known: HashMap<String, u128>,
}

impl Texts {
    /// The view of `value`; an error where views can show no more.
    fn view(&mut self, value: &str) -> Result<u128, ArrowError> {
        if value.len() <= INLINE {
            return Ok(inline_view(value.as_bytes()));
        }
        if let Some(&known) = self.known.get(value) {
            return Ok(known);
        }
        let start = self.text.len();
        if start + value.len() > i32::MAX as usize {
            return Err(ArrowError::InvalidArgumentError(
                "what a fixed field's codes mean takes over 2 GiB in a batch; read with a smaller batch_size"
                    .to_owned(),
            ));
        }
        self.text.extend_from_slice(value.as_bytes());
        let made = view(&self.text, start, self.text.len(), 0);
        self.known.insert(value.to_owned(), made);
        Ok(made)
    }
}

impl Strings {
    fn put(&mut self, record: usize, view: u128) {
        if let (Some(place), Some(bits)) = (self.views.get_mut(record), self.valid.get_mut(record / 8)) {
            *place = view;
            *bits |= 1 << (record % 8);
            self.has_long |= view as u32 as usize > INLINE;
        }
    }
}

impl Fixed {
    pub(super) fn new(column: &Column, labels: bool, records: usize) -> Self {
        let field = field_of(column);
        let columns = 1 + field.map_or(0, |field| field.names.len());
        let nulls =
            || Strings { views: vec![0; records], valid: vec![0; records.div_ceil(8)], has_long: false, last: None };
        let columns = std::iter::repeat_with(nulls).take(columns).collect();
        Self { field, labels, record: 0, records, columns, texts: Texts::default() }
    }

    /// What the record has: its leader, and the field.
    pub(super) fn set(&mut self, leader: &str, value: &str) -> Result<(), ArrowError> {
        let Some(field) = self.field else { return Ok(()) };
        let (material, positions) = field.table(leader, value);
        if let Some(material) = material {
            self.put(0, material)?;
        }
        let is_ascii = value.is_ascii();
        for position in positions {
            match position.of(value, is_ascii) {
                Some(code) if self.labels => self.put_meaning(position, code)?,
                Some(code) => self.put(1 + position.name, code)?,
                None => {}
            }
        }
        Ok(())
    }

    fn put(&mut self, column: usize, value: &str) -> Result<(), ArrowError> {
        let view = self.texts.view(value)?;
        if let Some(column) = self.columns.get_mut(column) {
            column.put(self.record, view);
        }
        Ok(())
    }

    fn put_meaning(&mut self, position: &Position, code: &str) -> Result<(), ArrowError> {
        let Some(column) = self.columns.get_mut(1 + position.name) else { return Ok(()) };
        let view = match &column.last {
            Some(last) if last.code == code && std::ptr::eq(last.codes, position.codes) => last.view,
            _ => {
                let view = self.texts.view(&position.meaning(code))?;
                column.last = Some(Meaning { code: code.to_owned(), codes: position.codes, view });
                view
            }
        };
        column.put(self.record, view);
        Ok(())
    }

    /// Goes on to the next record.
    pub(super) fn next(&mut self) {
        self.record += 1;
    }

    pub(super) fn finish(self, string_type: StringType) -> Result<ArrayRef, ArrowError> {
        let text: Arc<[Buffer]> = Arc::from([Buffer::from(self.texts.text)]);
        let finish = |column: Strings| {
            let valid = NullBuffer::new(BooleanBuffer::new(column.valid.into(), 0, self.records));
            let text = if column.has_long { Arc::clone(&text) } else { Arc::from([]) };
            cast_strings(Arc::new(string_views(column.views, text, Some(valid))), string_type)
        };
        let columns = self.columns.into_iter().map(finish).collect::<Result<_, _>>()?;
        Ok(Arc::new(StructArray::try_new(children(self.field, string_type), columns, None)?))
    }
}
