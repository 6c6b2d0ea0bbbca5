//! `layout="subfields"`: one row per subfield, from whose rows alone every record can be rebuilt.
//!
//! Records are built as for `layout="records"`, by the same code, block by block in the cache; their columns are then spread
//! over rows. A record's first row is its leader, if that is wanted. In a field, row 0 is what stands before a first
//! delimiter: the value of a control field, stray text, or nothing where there are no subfields; subfields count from 1.

#![allow(clippy::cast_sign_loss)] // offsets count from 0

use std::iter::repeat_n;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, UInt32Array, UInt64Array};
use arrow_buffer::Buffer;
use arrow_schema::{ArrowError, DataType, Field};

use super::arrays::string_views;
use super::gather::{extend_from, nulls};
use super::plain::Symbols;
use super::prefilter::{ColumnTest, Early, passes};
use super::records::{DATA, IND1, IND2, RecordsBuilder, VALUE};
use super::{Plan, Shape, StringType, cast_strings, string_field, symbol_type, with_string_type};
use crate::memory::with_capacity;

/// The tag of the row with a leader.
pub(super) const LEADER_TAG: &str = "LDR";

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

/// What each row is of. Only what differs from row to row within a field is found row by row; the rest is gathered.
struct Rows {
    /// Places in the builder's columns of fields and subfields; [`NONE`] for a leader and for what is of no subfield.
    field: Vec<u32>,
    subfield: Vec<u32>,
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
            field: Vec::with_capacity(rows + 4), // those that are not kept
            subfield: Vec::with_capacity(rows),
            value: with_capacity(rows, retain),
            counts: Vec::with_capacity(builder.leader.len()),
        };
        for (record, ends) in builder.field_ends.windows(2).enumerate() {
            if let &[start, end] = ends {
                let before = this.field.len();
                if leaders > 0 {
                    this.push_head(NONE, builder.leader.get(record));
                }
                this.push_fields(builder, start as usize..end as usize);
                this.counts.push(this.field.len() - before);
            }
        }
        this
    }

    fn push_fields(&mut self, builder: &RecordsBuilder, fields: Range<usize>) {
        let flags = builder.flags.get(fields.clone()).unwrap_or_default();
        let ends = builder.subfield_ends.get(fields.start..=fields.end).unwrap_or_default();
        // Subfields lie one after the other for as long as no field has a row of its own.
        let mut taken = ends.first().map_or(0, |&first| first as usize);
        for (field, (ends, &flags)) in (fields.start as u32..).zip(ends.windows(2).zip(flags)) {
            let &[start, end] = ends else { continue };
            if has_head(ends, flags) {
                self.take(builder, taken..start as usize);
                taken = start as usize;
                self.push_head(field, builder.value.get(field as usize));
            }
            self.push_repeated(field, (end - start) as usize);
        }
        self.take(builder, taken..ends.last().map_or(taken, |&end| end as usize));
    }

    /// Appends `field` so many times, mostly one or two.
    #[inline]
    fn push_repeated(&mut self, field: u32, count: usize) {
        const AT_ONCE: usize = 4;
        // How many it is cannot be foretold, so some are appended in any case, and what is too many is not kept.
        self.field.extend_from_slice(&[field; AT_ONCE]);
        if count > AT_ONCE {
            self.field.extend(repeat_n(field, count - AT_ONCE));
        } else {
            self.field.truncate(self.field.len() + count - AT_ONCE);
        }
    }

    fn push_head(&mut self, field: u32, value: Option<&u128>) {
        self.field.push(field);
        self.subfield.push(NONE);
        self.value.push(value.copied().unwrap_or_default());
    }

    fn take(&mut self, builder: &RecordsBuilder, subfields: Range<usize>) {
        self.value.extend_from_slice(builder.subfield_value.get(subfields.clone()).unwrap_or_default());
        self.subfield.extend(subfields.start as u32..subfields.end as u32);
    }

    /// Leaves out rows that nobody wants. Symbols that are plain strings are not looked at.
    fn keep(&mut self, builder: &RecordsBuilder, early: &Early) {
        let (ind1, ind2, code) = (builder.ind1.plain(), builder.ind2.plain(), builder.code.plain());
        let passing = |tests: &[ColumnTest], symbols: Symbols<'_, u8>| -> (Vec<bool>, bool) {
            (symbols.values.iter().map(|value| passes(tests, Some(value))).collect(), passes(tests, None))
        };
        let of = [passing(&early.ind1, ind1), passing(&early.ind2, ind2), passing(&early.code, code)];
        let is_kept = |(passing, null): &(Vec<bool>, bool), symbols: Symbols<'_, u8>, at: Option<u32>| match at {
            None => *null,
            // A column without keys has none to test.
            Some(at) => symbols.keys.get(at as usize).is_none_or(|&key| passing.get(usize::from(key)) != Some(&false)),
        };
        let [of_ind1, of_ind2, of_code] = &of;
        let mut kept = 0;
        let mut row = 0;
        for count in &mut self.counts {
            let before = kept;
            for _ in 0..*count {
                let at = |list: &[u32]| list.get(row).copied().unwrap_or(NONE);
                let (field, subfield) = (at(&self.field), at(&self.subfield));
                let flags = builder.flags.get(field as usize).copied().unwrap_or(0);
                let passes = is_kept(of_ind1, ind1, Some(field).filter(|_| flags & IND1 != 0))
                    && is_kept(of_ind2, ind2, Some(field).filter(|_| flags & IND2 != 0))
                    && is_kept(of_code, code, Some(subfield).filter(|&subfield| subfield != NONE));
                self.field.swap(kept, row);
                self.subfield.swap(kept, row);
                self.value.swap(kept, row);
                kept += usize::from(passes);
                row += 1;
            }
            *count = kept - before;
        }
        self.field.truncate(kept);
        self.subfield.truncate(kept);
        self.value.truncate(kept);
    }

    /// Which indicators, codes and values there are: the flags of fields, of which [`DATA`] says that there is a code here.
    fn flags(&self, builder: &RecordsBuilder) -> Vec<u8> {
        let mut flags = Vec::with_capacity(self.field.len());
        extend_from(&mut flags, &builder.flags, &self.field, VALUE);
        for (flags, &subfield) in flags.iter_mut().zip(&self.subfield) {
            *flags = *flags & !DATA | if subfield == NONE { 0 } else { DATA | VALUE };
        }
        flags
    }

    /// Positions in the record.
    fn field_positions(&self, builder: &RecordsBuilder, retain: bool) -> Vec<u32> {
        let mut of_fields = Vec::new();
        if builder.tags.is_none() {
            of_fields.reserve_exact(builder.flags.len());
            for ends in builder.field_ends.windows(2) {
                let fields = ends.last().zip(ends.first()).map_or(0, |(end, start)| end - start);
                of_fields.extend(1..=fields as u32);
            }
        }
        let of_fields = if builder.tags.is_none() { &of_fields } else { &builder.positions };
        let mut positions = with_capacity(self.field.len(), retain);
        extend_from(&mut positions, of_fields, &self.field, 0);
        positions
    }

    /// Positions in the field.
    fn subfield_positions(&self, builder: &RecordsBuilder, retain: bool) -> Vec<u32> {
        let firsts: Vec<u32> = builder.subfield_ends.iter().map(|&first| first as u32).collect();
        let mut positions = with_capacity(self.field.len(), retain);
        extend_from(&mut positions, &firsts, &self.field, 0);
        for (position, &subfield) in positions.iter_mut().zip(&self.subfield) {
            *position = if subfield == NONE { 0 } else { subfield.wrapping_sub(*position).wrapping_add(1) };
        }
        positions
    }

    /// `values`, one of each record, for all of its rows.
    fn of_records<T: Copy>(&self, values: impl IntoIterator<Item = T>, retain: bool) -> Vec<T> {
        let mut spread = with_capacity(self.field.len(), retain);
        for (value, &count) in values.into_iter().zip(&self.counts) {
            spread.extend(repeat_n(value, count));
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

/// The columns of control numbers and of values, and how many there are.
const CONTROL_NUMBERS: usize = 1;
const VALUES: usize = 8;
const COLUMNS: usize = 9;

/// Spreads what was built over rows: those of [`columns`] that are selected, and how many rows each record has. `numbers` are
/// those of the records.
pub(super) fn finish(
    mut builder: RecordsBuilder,
    plan: &Plan,
    numbers: &[u64],
    block: &Buffer,
) -> Result<(Vec<ArrayRef>, Vec<usize>), ArrowError> {
    let (shape, selected) = (plan.shape, plan.selected.as_deref());
    let retain = shape.retain;
    if !has_leaders(&builder) {
        // They are in no row, and not to be kept.
        builder.leader.fill(0);
    }
    if selected.is_some_and(|selected| !selected.contains(&VALUES)) {
        builder.leave_out_values();
    }
    let block = &builder.compact(block);
    let mut rows = Rows::new(&builder, retain);
    if let Some(early) = plan.early.as_ref().filter(|early| early.asks_of_subfields()) {
        rows.keep(&builder, early);
    }
    let has_control_numbers = selected.is_none_or(|selected| selected.contains(&CONTROL_NUMBERS));
    if shape.string_type != StringType::View && has_control_numbers {
        let lengths = builder.control_number.iter().map(|&view| view as u32 as usize);
        let bytes = lengths
            .zip(&rows.counts)
            .fold(0_usize, |sum, (length, &count)| sum.saturating_add(length.saturating_mul(count)));
        if bytes > i32::MAX as usize {
            return Err(ArrowError::InvalidArgumentError(
                "a control number that is written beside each subfield of its record takes over 2 GiB; \
                 read with string_type=\"view\", where it is not copied"
                    .to_owned(),
            ));
        }
    }
    let flags = &rows.flags(&builder);
    let symbols = |array: ArrayRef| if shape.categorical { Ok(array) } else { cast_strings(array, shape.string_type) };
    let buffers = super::records::buffers(std::mem::take(&mut builder.scratch), retain, block);
    let strings = |views, nulls| with_string_type(string_views(views, Arc::clone(&buffers), nulls), shape.string_type);
    let mut column = |number: usize| -> Result<ArrayRef, ArrowError> {
        Ok(match number {
            0 => Arc::new(UInt64Array::from(rows.of_records(numbers.iter().copied(), retain))),
            1 => {
                let views = rows.of_records(builder.control_number.iter().copied(), retain);
                let there = rows.of_records(builder.has_control_number.iter().copied(), false);
                strings(views, nulls(&there, 1))?
            }
            2 => Arc::new(UInt32Array::from(rows.field_positions(&builder, retain))),
            3 => symbols(builder.tag.gather(&rows.field, Some(LEADER_TAG), retain).finish(None))?,
            4 => symbols(builder.ind1.gather(&rows.field, None, retain).finish(nulls(flags, IND1)))?,
            5 => symbols(builder.ind2.gather(&rows.field, None, retain).finish(nulls(flags, IND2)))?,
            6 => Arc::new(UInt32Array::from(rows.subfield_positions(&builder, retain))),
            7 => symbols(builder.code.gather(&rows.subfield, None, retain).finish(nulls(flags, DATA)))?,
            _ => strings(std::mem::take(&mut rows.value), nulls(flags, VALUE))?,
        })
    };
    let columns = match selected {
        None => (0..COLUMNS).map(&mut column).collect::<Result<_, _>>()?,
        Some(selected) => selected.iter().copied().map(column).collect::<Result<_, _>>()?,
    };
    Ok((columns, rows.counts))
}
