//! `layout="subfields"`: one row per subfield, from whose rows alone every record can be rebuilt.
//!
//! Records are built as for `layout="records"`, by the same code, block by block in the cache; their columns are then spread
//! over rows. A record's first row is its leader. In a field, row 0 is what stands before a first delimiter: the value of a
//! control field, stray text, or nothing where there are no subfields; subfields count from 1.

#![allow(clippy::cast_sign_loss)] // offsets count from 0

use std::sync::Arc;

use arrow_array::{ArrayRef, UInt32Array, UInt64Array};
use arrow_buffer::Buffer;
use arrow_schema::{ArrowError, DataType, Field};

use super::arrays::string_views;
use super::records::{DATA, IND1, IND2, RecordsBuilder, VALUE, nulls};
use super::{Shape, cast_strings, string_field, symbol_type, with_string_type};
use crate::memory::with_capacity;

/// The tag of the row with a leader.
pub(super) const LEADER_TAG: &str = "LDR";

/// In the flags of rows, beside those of fields (of which [`DATA`] says that there is a code): the record has a control number.
const NUMBERED: u8 = 16;

/// Stands for no field or subfield.
const NONE: u32 = u32::MAX;

pub(super) fn columns(shape: Shape) -> Vec<Field> {
    vec![
        Field::new("record", DataType::UInt64, false),
        string_field("control_number", shape.string_type, true),
        Field::new("field", DataType::UInt32, false),
        Field::new("tag", symbol_type(DataType::UInt16, shape), false),
        Field::new("ind1", symbol_type(DataType::UInt8, shape), true),
        Field::new("ind2", symbol_type(DataType::UInt8, shape), true),
        Field::new("subfield", DataType::UInt32, false),
        Field::new("code", symbol_type(DataType::UInt8, shape), true),
        string_field("value", shape.string_type, true),
    ]
}

/// What each row is of.
struct Rows {
    /// Places in the builder's columns of fields and subfields.
    field: Vec<u32>,
    subfield: Vec<u32>,
    flags: Vec<u8>,
    /// Positions in the record and in the field.
    field_position: Vec<u32>,
    subfield_position: Vec<u32>,
    value: Vec<u128>,
    /// How many rows each record has.
    counts: Vec<usize>,
}

impl Rows {
    fn new(builder: &RecordsBuilder, retain: bool) -> Self {
        let counted = builder.subfield_ends.windows(2).zip(&builder.flags);
        let heads = counted.filter(|(ends, flags)| has_head(ends, **flags)).count();
        let leaders = if has_leaders(builder) { builder.leader.len() } else { 0 };
        let rows = leaders + heads + builder.subfield_value.len();
        let mut this = Self {
            field: Vec::with_capacity(rows),
            subfield: Vec::with_capacity(rows),
            flags: Vec::with_capacity(rows),
            field_position: with_capacity(rows, retain),
            subfield_position: with_capacity(rows, retain),
            value: with_capacity(rows, retain),
            counts: Vec::with_capacity(builder.leader.len()),
        };
        for (record, ends) in builder.field_ends.windows(2).enumerate() {
            if let &[start, end] = ends {
                let before = this.field.len();
                this.push_record(builder, record, start as usize..end as usize);
                this.counts.push(this.field.len() - before);
            }
        }
        this
    }

    fn push_record(&mut self, builder: &RecordsBuilder, record: usize, fields: std::ops::Range<usize>) {
        let numbered = if builder.has_control_number.get(record) == Some(&1) { NUMBERED } else { 0 };
        if has_leaders(builder) {
            self.push_head(NONE, 0, numbered | VALUE);
            self.value.push(builder.leader.get(record).copied().unwrap_or_default());
        }
        let flags = builder.flags.get(fields.clone()).unwrap_or_default();
        let ends = builder.subfield_ends.get(fields.start..=fields.end).unwrap_or_default();
        // Values of subfields lie one after the other for as long as no field has a row of its own.
        let mut taken = ends.first().map_or(0, |&first| first as usize);
        for (nth, (ends, &flags)) in (0..).zip(ends.windows(2).zip(flags)) {
            let &[start, end] = ends else { continue };
            let field = fields.start as u32 + nth;
            let position = builder.positions.get(field as usize).copied().unwrap_or(nth + 1);
            let shown = flags & (IND1 | IND2) | numbered;
            if has_head(ends, flags) {
                self.take_values(builder, taken..start as usize);
                taken = start as usize;
                self.push_head(field, position, shown | flags & VALUE);
                self.value.push(builder.value.get(field as usize).copied().unwrap_or_default());
            }
            let count = (end - start) as usize;
            self.field.extend(std::iter::repeat_n(field, count));
            self.field_position.extend(std::iter::repeat_n(position, count));
            self.flags.extend(std::iter::repeat_n(shown | DATA | VALUE, count));
            self.subfield.extend(start as u32..end as u32);
            self.subfield_position.extend(1..=count as u32);
        }
        self.take_values(builder, taken..ends.last().map_or(taken, |&end| end as usize));
    }

    fn push_head(&mut self, field: u32, position: u32, flags: u8) {
        self.field.push(field);
        self.subfield.push(NONE);
        self.flags.push(flags);
        self.field_position.push(position);
        self.subfield_position.push(0);
    }

    fn take_values(&mut self, builder: &RecordsBuilder, subfields: std::ops::Range<usize>) {
        self.value.extend_from_slice(builder.subfield_value.get(subfields).unwrap_or_default());
    }

    /// `values`, one of each record, for all of its rows.
    fn of_records<T: Copy>(&self, values: impl IntoIterator<Item = T>, retain: bool) -> Vec<T> {
        let mut spread = with_capacity(self.field.len(), retain);
        for (value, &count) in values.into_iter().zip(&self.counts) {
            spread.extend(std::iter::repeat_n(value, count));
        }
        spread
    }
}

/// Whether there are rows for leaders: where not all fields are wanted, they are one of them.
fn has_leaders(builder: &RecordsBuilder) -> bool {
    builder.tags.as_ref().is_none_or(|tags| tags.contains(*b"LDR"))
}

/// Whether a field has a row beside those of its subfields.
fn has_head(ends: &[i64], flags: u8) -> bool {
    flags & VALUE != 0 || ends.first() == ends.last()
}

/// Spreads what was built over rows: the columns, in the order of [`columns`], and how many rows each record has. `numbers` are those
/// of the records.
pub(super) fn finish(
    mut builder: RecordsBuilder,
    shape: Shape,
    numbers: &[u64],
    block: &Buffer,
) -> Result<(Vec<ArrayRef>, Vec<usize>), ArrowError> {
    let block = &builder.compact(block);
    let rows = Rows::new(&builder, shape.retain);
    let record = rows.of_records(numbers.iter().copied(), shape.retain);
    let control_number = rows.of_records(builder.control_number.iter().copied(), shape.retain);
    let flags = &rows.flags;
    let symbols = |array: ArrayRef| if shape.categorical { Ok(array) } else { cast_strings(array, shape.string_type) };
    let tag = symbols(builder.tag.gather(&rows.field, Some(LEADER_TAG), shape.retain).finish(None))?;
    let ind1 = symbols(builder.ind1.gather(&rows.field, None, shape.retain).finish(nulls(flags, IND1)))?;
    let ind2 = symbols(builder.ind2.gather(&rows.field, None, shape.retain).finish(nulls(flags, IND2)))?;
    let code = symbols(builder.code.gather(&rows.subfield, None, shape.retain).finish(nulls(flags, DATA)))?;
    let buffers = super::records::buffers(builder.scratch, shape.retain, block);
    let strings = |views, bit| {
        let array = string_views(views, Arc::clone(&buffers), nulls(flags, bit));
        with_string_type(array, shape.string_type)
    };
    let columns = vec![
        Arc::new(UInt64Array::from(record)) as ArrayRef,
        strings(control_number, NUMBERED)?,
        Arc::new(UInt32Array::from(rows.field_position)),
        tag,
        ind1,
        ind2,
        Arc::new(UInt32Array::from(rows.subfield_position)),
        code,
        strings(rows.value, VALUE)?,
    ];
    Ok((columns, rows.counts))
}
