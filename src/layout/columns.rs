//! `columns={…}`: one row per record, one column per spec.
//!
//! The fields that some column names are built as for `layout="records"`, block by block in the cache; specs are evaluated
//! over them, and what they give is copied, so that a table takes what its values take.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{LargeListBuilder, StringViewBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, LargeListArray, StructArray, UInt32Array, UInt64Array};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field};
use arrow_select::take::take;

use super::{Shape, StringType, cast_strings, records};
use crate::spec::evaluate::{Flow, Records};
use crate::spec::{Column, Keep};

pub(super) fn columns(named: &[(String, Column)], shape: Shape) -> Vec<Field> {
    named.iter().map(|(name, column)| field(name, column, shape)).collect()
}

fn field(name: &str, column: &Column, shape: Shape) -> Field {
    match column.keep {
        Keep::First | Keep::Join(_) => Field::new(name, shape.string_type.data_type(), true),
        Keep::All => Field::new(name, DataType::LargeList(item(shape.string_type)), false),
        Keep::Count => Field::new(name, DataType::UInt32, false),
        Keep::Exists => Field::new(name, DataType::Boolean, false),
        Keep::Fields => Field::new(name, records::list_of(records::field_struct(shape)), false),
    }
}

fn item(string_type: StringType) -> Arc<Field> {
    Arc::new(Field::new("item", string_type.data_type(), false))
}

/// The columns of records whose wanted fields are in `built`, as `layout="records"` has them.
pub(super) fn finish(
    built: &[ArrayRef],
    named: &[(String, Column)],
    shape: Shape,
) -> Result<Vec<ArrayRef>, ArrowError> {
    let records = Records::new(built)
        .ok_or_else(|| ArrowError::InvalidArgumentError("records are not in their layout".to_owned()))?;
    named.iter().map(|(_, column)| evaluate(&records, built, column, shape)).collect()
}

fn evaluate(records: &Records<'_>, built: &[ArrayRef], column: &Column, shape: Shape) -> Result<ArrayRef, ArrowError> {
    let string_type = shape.string_type;
    let numbers = 0..records.len();
    Ok(match &column.keep {
        Keep::Count => Arc::new(UInt32Array::from_iter_values(
            numbers.map(|record| u32::try_from(records.count(record, column)).unwrap_or(u32::MAX)),
        )),
        Keep::Exists => {
            let exists = |record| records.column(record, column, &mut |_| Flow::Break(())).is_break();
            Arc::new(numbers.map(|record| Some(exists(record))).collect::<BooleanArray>())
        }
        Keep::First => {
            let mut strings = StringViewBuilder::with_capacity(records.len());
            for record in numbers {
                let mut first = None;
                let _ = records.column(record, column, &mut |value| {
                    first = Some(value);
                    Flow::Break(())
                });
                strings.append_option(first);
            }
            cast_strings(Arc::new(strings.finish()), string_type)?
        }
        Keep::Join(separator) => {
            let mut strings = StringViewBuilder::with_capacity(records.len());
            for record in numbers {
                let mut joined: Option<Cow<'_, str>> = None;
                let _ = records.column(record, column, &mut |value| {
                    match &mut joined {
                        None => joined = Some(value),
                        Some(joined) => {
                            let joined = joined.to_mut();
                            joined.push_str(separator);
                            joined.push_str(&value);
                        }
                    }
                    Flow::Continue(())
                });
                strings.append_option(joined);
            }
            cast_strings(Arc::new(strings.finish()), string_type)?
        }
        Keep::All => {
            let mut lists = LargeListBuilder::new(StringViewBuilder::new()).with_field(item(StringType::View));
            for record in numbers {
                let _ = records.column(record, column, &mut |value| {
                    lists.values().append_value(value);
                    Flow::Continue(())
                });
                lists.append(true);
            }
            let (_, offsets, values, nulls) = lists.finish().into_parts();
            let values = cast_strings(values, string_type)?;
            Arc::new(LargeListArray::try_new(item(string_type), offsets, values, nulls)?)
        }
        Keep::Fields => {
            let mut taken: Vec<u64> = Vec::new();
            let mut ends = vec![0];
            for record in numbers {
                records.whole(record, column, &mut |field| taken.push(field as u64));
                ends.push(taken.len() as i64);
            }
            whole_fields(built, &taken.into(), ends.into(), shape)?
        }
    })
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
