//! Types that every Arrow consumer has.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema};

/// The field with such a type, and nullable.
pub(super) fn field(field: &Field) -> Field {
    Field::new(field.name(), of_type(field.data_type()), true)
}

fn item(item: &FieldRef) -> FieldRef {
    Arc::new(field(item))
}

fn of_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::UInt64 => DataType::Int64,
        DataType::UInt32 => DataType::Int32,
        DataType::LargeList(of) => DataType::List(item(of)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(item).collect()),
        other => other.clone(),
    }
}

/// The columns in the types of `schema`. What does not fit is an error.
pub(super) fn columns(columns: &[ArrayRef], schema: &Schema) -> Result<Vec<ArrayRef>, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let cast = |(column, field): (&ArrayRef, &FieldRef)| cast_with_options(column, field.data_type(), &options);
    columns.iter().zip(schema.fields()).map(cast).collect()
}
