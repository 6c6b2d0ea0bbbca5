//! `columns={…}`: one row per record, one column per spec.
//!
//! The fields that some column names are built as for `layout="records"`, block by block in the cache; specs are evaluated
//! over them, and what they give is copied, so that a table takes what its values take.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{LargeListBuilder, StringViewBuilder};
use arrow_array::{ArrayRef, BooleanArray, LargeListArray, UInt32Array};
use arrow_schema::{ArrowError, DataType, Field};

use super::{Shape, StringType, cast_strings};
use crate::spec::evaluate::Records;
use crate::spec::{Column, Keep};

pub(super) fn columns(named: &[(String, Column)], shape: Shape) -> Vec<Field> {
    named.iter().map(|(name, column)| field(name, column, shape.string_type)).collect()
}

fn field(name: &str, column: &Column, string_type: StringType) -> Field {
    match column.keep {
        Keep::First | Keep::Join(_) => Field::new(name, string_type.data_type(), true),
        Keep::All => Field::new(name, DataType::LargeList(item(string_type)), false),
        Keep::Count => Field::new(name, DataType::UInt32, false),
        Keep::Exists => Field::new(name, DataType::Boolean, false),
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
    named.iter().map(|(_, column)| evaluate(&records, column, shape.string_type)).collect()
}

fn evaluate(records: &Records<'_>, column: &Column, string_type: StringType) -> Result<ArrayRef, ArrowError> {
    let spec = &column.spec;
    let numbers = 0..records.len();
    Ok(match &column.keep {
        Keep::Count => Arc::new(UInt32Array::from_iter_values(
            numbers.map(|record| u32::try_from(records.count(record, spec)).unwrap_or(u32::MAX)),
        )),
        Keep::Exists => Arc::new(numbers.map(|record| Some(records.count(record, spec) > 0)).collect::<BooleanArray>()),
        Keep::First => {
            let mut strings = StringViewBuilder::with_capacity(records.len());
            for record in numbers {
                let mut first = None;
                records.values(record, spec, &mut |value| {
                    first.get_or_insert(value);
                });
                strings.append_option(first);
            }
            cast_strings(Arc::new(strings.finish()), string_type)?
        }
        Keep::Join(separator) => {
            let mut strings = StringViewBuilder::with_capacity(records.len());
            for record in numbers {
                let mut joined: Option<Cow<'_, str>> = None;
                records.values(record, spec, &mut |value| match &mut joined {
                    None => joined = Some(value),
                    Some(joined) => {
                        let joined = joined.to_mut();
                        joined.push_str(separator);
                        joined.push_str(&value);
                    }
                });
                strings.append_option(joined);
            }
            cast_strings(Arc::new(strings.finish()), string_type)?
        }
        Keep::All => {
            let mut lists = LargeListBuilder::new(StringViewBuilder::new()).with_field(item(StringType::View));
            for record in numbers {
                records.values(record, spec, &mut |value| lists.values().append_value(value));
                lists.append(true);
            }
            let (_, offsets, values, nulls) = lists.finish().into_parts();
            let values = cast_strings(values, string_type)?;
            Arc::new(LargeListArray::try_new(item(string_type), offsets, values, nulls)?)
        }
    })
}
