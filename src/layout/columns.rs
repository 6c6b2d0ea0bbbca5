//! `columns={…}`: one row per record, one column per spec.
//!
//! The fields that some column names are built as for `layout="records"`, block by block in the cache; specs are evaluated
//! over them, and what they give is copied, so that a table takes what its values take.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::BooleanBufferBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, LargeListArray, StructArray, UInt32Array, UInt64Array};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field};
use arrow_select::take::take;

use super::fixed::{self, Fixed};
use super::prefilter::ColumnTest;
use super::texts::{LONGEST, Texts, too_long};
use super::{Shape, StringType, cast_strings, records};
use crate::spec::evaluate::{Evaluation, Flow, Plain, join};
use crate::spec::{Column, Keep};

pub(super) fn columns(named: &[(String, Column)], shape: Shape) -> Vec<Field> {
    named.iter().map(|(name, column)| field(name, column, shape)).collect()
}

fn field(name: &str, column: &Column, shape: Shape) -> Field {
    match column.keep {
        Keep::First | Keep::Join(_) => Field::new(name, shape.string_type.data_type(), true),
        Keep::All(_) => Field::new(name, DataType::LargeList(item(shape.string_type)), false),
        Keep::Count => Field::new(name, DataType::UInt32, false),
        Keep::Exists => Field::new(name, DataType::Boolean, false),
        Keep::Fields => Field::new(name, records::list_of(records::field_struct(shape)), false),
        Keep::Fixed { .. } => fixed::field(name, column, shape.string_type),
    }
}

fn item(string_type: StringType) -> Arc<Field> {
    Arc::new(Field::new("item", string_type.data_type(), false))
}

/// The columns of records whose wanted fields are in `built`, as `layout="records"` has them. Where values of columns have to pass
/// tests, only of records in which all do; which those are comes with it.
pub(super) fn finish(
    built: &[ArrayRef],
    named: &[(String, Column)],
    shape: Shape,
    tests: &[(usize, ColumnTest)],
) -> Result<(Vec<ArrayRef>, Option<Vec<bool>>), ArrowError> {
    let mut records = Evaluation::new(built)
        .ok_or_else(|| ArrowError::InvalidArgumentError("records are not in their layout".to_owned()))?;
    let output = |column| (column, Plain::column(column), Output::new(column, records.len()));
    let mut outputs: Vec<_> = named.iter().map(|(_, column)| output(column)).collect();
    let mut kept = (!tests.is_empty()).then(Vec::new);
    for record in 0..records.len() {
        records.turn_to(record);
        if let Some(kept) = &mut kept {
            let mut passes = true;
            for (place, test) in tests {
                if let Some((_, column)) = named.get(*place).filter(|_| passes) {
                    passes = test.passes(text(&records, column)?.as_deref());
                }
            }
            kept.push(passes);
            if !passes {
                continue;
            }
        }
        for (column, plain, output) in &mut outputs {
            output.append(&records, column, *plain)?;
        }
    }
    let columns = outputs.into_iter().map(|(_, _, output)| output.finish(built, shape)).collect::<Result<_, _>>()?;
    Ok((columns, kept))
}

/// What a column of one text has of the record that `records` was turned to.
fn text<'a>(records: &Evaluation<'a>, column: &Column) -> Result<Option<Cow<'a, str>>, ArrowError> {
    let separator = if let Keep::Join(separator) = &column.keep { Some(separator) } else { None };
    let mut kept: Option<Cow<'a, str>> = None;
    let _ = records.column(column, &mut |value| {
        match separator {
            Some(separator) => join(&mut kept, separator, value),
            None => kept = Some(value),
        }
        let is_enough = kept.as_ref().is_some_and(|kept| kept.len() > LONGEST);
        if separator.is_some() && !is_enough { Flow::Continue(()) } else { Flow::Break(()) }
    });
    if kept.as_ref().is_some_and(|kept| kept.len() > LONGEST) {
        return Err(too_long());
    }
    Ok(kept)
}

/// What a column has of the records so far.
enum Output<'a> {
    Strings(Texts<'a>),
    /// All values, and how many of them there are up to the end of each record.
    Lists {
        values: Texts<'a>,
        ends: Vec<i64>,
    },
    Counts(Vec<u32>),
    Flags(BooleanBufferBuilder),
    /// Which fields of the layout, and how many of them there are up to the end of each record.
    Fields {
        taken: Vec<u64>,
        ends: Vec<i64>,
    },
    Fixed(Box<Fixed>),
}

impl<'a> Output<'a> {
    fn new(column: &Column, records: usize) -> Self {
        match column.keep {
            Keep::First | Keep::Join(_) => Self::Strings(Texts::with_capacity(records)),
            Keep::All(_) => {
                let mut ends = Vec::with_capacity(records + 1);
                ends.push(0);
                Self::Lists { values: Texts::with_capacity(2 * records), ends }
            }
            Keep::Count => Self::Counts(Vec::with_capacity(records)),
            Keep::Exists => Self::Flags(BooleanBufferBuilder::new(records)),
            Keep::Fields => Self::Fields { taken: Vec::new(), ends: vec![0] },
            Keep::Fixed { labels } => Self::Fixed(Box::new(Fixed::new(column, labels, records))),
        }
    }

    /// Appends what the record has that `records` was turned to.
    fn append(
        &mut self,
        records: &Evaluation<'a>,
        column: &Column,
        plain: Option<Plain<'_>>,
    ) -> Result<(), ArrowError> {
        match (self, plain) {
            (Self::Strings(strings), Some(plain)) if matches!(column.keep, Keep::First) => {
                let mut first = None;
                let _ = records.plainly(plain, |text| {
                    first = Some(Cow::Borrowed(text));
                    Flow::Break(())
                });
                strings.push(first)
            }
            (Self::Lists { values, ends }, Some(plain)) if matches!(column.keep, Keep::All(None)) => {
                let pushed = records.plainly(plain, |text| match values.push(Some(Cow::Borrowed(text))) {
                    Ok(()) => Flow::Continue(()),
                    Err(_) => Flow::Break(()),
                });
                if pushed.is_break() {
                    return Err(too_long());
                }
                ends.push(values.len() as i64);
                Ok(())
            }
            (output, _) => output.append_any(records, column),
        }
    }

    /// The same, whatever the column is.
    fn append_any(&mut self, records: &Evaluation<'a>, column: &Column) -> Result<(), ArrowError> {
        match self {
            Self::Counts(counts) => counts.push(u32::try_from(records.count(column)).unwrap_or(u32::MAX)),
            Self::Flags(flags) => flags.append(records.column(column, &mut |_| Flow::Break(())).is_break()),
            Self::Fixed(fixed) => {
                let mut set = Ok(());
                let _ = records.column(column, &mut |value| {
                    set = fixed.set(records.leader(), &value);
                    Flow::Break(())
                });
                set?;
                fixed.next();
            }
            Self::Strings(strings) => strings.push(text(records, column)?)?,
            Self::Lists { values, ends } => {
                let mut pushed = Ok(());
                let mut push = |value: Cow<'a, str>| {
                    if pushed.is_ok() {
                        pushed = values.push(Some(value));
                    }
                };
                match &column.keep {
                    Keep::All(Some(separator)) => records.by_field(column, separator, &mut push),
                    _ => {
                        let _ = records.column(column, &mut |value| {
                            push(value);
                            Flow::Continue(())
                        });
                    }
                }
                pushed?;
                ends.push(values.len() as i64);
            }
            Self::Fields { taken, ends } => {
                records.whole(column, &mut |field| taken.push(field as u64));
                ends.push(taken.len() as i64);
            }
        }
        Ok(())
    }

    fn finish(self, built: &[ArrayRef], shape: Shape) -> Result<ArrayRef, ArrowError> {
        let string_type = shape.string_type;
        Ok(match self {
            Self::Strings(strings) => cast_strings(Arc::new(strings.finish()), string_type)?,
            Self::Lists { values, ends } => {
                let values = cast_strings(Arc::new(values.finish()), string_type)?;
                Arc::new(LargeListArray::try_new(item(string_type), OffsetBuffer::new(ends.into()), values, None)?)
            }
            Self::Counts(counts) => Arc::new(UInt32Array::from(counts)),
            Self::Flags(mut flags) => Arc::new(BooleanArray::from(flags.finish())),
            Self::Fields { taken, ends } => whole_fields(built, &taken.into(), ends.into(), shape)?,
            Self::Fixed(fixed) => fixed.finish(string_type)?,
        })
    }
}

/// Lists of fields, copied from where the `fields` of the layout have them.
fn whole_fields(
    built: &[ArrayRef],
    taken: &UInt64Array,
    ends: ScalarBuffer<i64>,
    shape: Shape,
) -> Result<ArrayRef, ArrowError> {
    let fields = built.last().and_then(|fields| fields.as_list_opt::<i64>()).map(LargeListArray::values);
    let fields =
        take(fields.ok_or_else(|| ArrowError::InvalidArgumentError("there are no fields".to_owned()))?, taken, None)?;
    let item = Arc::new(Field::new("item", DataType::Struct(records::field_struct(shape)), false));
    let fields = copied(&fields, item.data_type())?;
    Ok(Arc::new(LargeListArray::try_new(item, OffsetBuffer::new(ends), fields, None)?))
}

/// `array`, with types as in `wanted`, keeping no more text than it shows.
fn copied(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    Ok(match (array.data_type(), wanted) {
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let array = array.as_struct();
            let columns = array.columns().iter().zip(fields).map(|(column, field)| copied(column, field.data_type()));
            Arc::new(StructArray::try_new(fields.clone(), columns.collect::<Result<_, _>>()?, array.nulls().cloned())?)
        }
        (DataType::LargeList(_), DataType::LargeList(item)) => {
            let list: &LargeListArray = array.as_list();
            let values = copied(list.values(), item.data_type())?;
            Arc::new(LargeListArray::try_new(Arc::clone(item), list.offsets().clone(), values, list.nulls().cloned())?)
        }
        (DataType::Utf8View, wanted) => cast(&array.as_string_view().gc(), wanted)?,
        (is, wanted) if is == wanted => Arc::clone(array),
        (_, wanted) => cast(array, wanted)?,
    })
}
