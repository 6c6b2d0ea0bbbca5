//! Tables in `layout="records"` as they are built from MARC.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, LargeListArray, StructArray, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field};
use arrow_select::take::take;

use super::columns::wrong_type;
use super::{Lists, Table};
use crate::error::Error;
use crate::layout::records_columns;

/// The columns `leader`, `control_number`, `fields` of the layout, as they are built from MARC: with views and dictionaries.
///
/// # Errors
///
/// The first record that a [`super::Fault`] is in, with its row, counted from `row`.
pub(crate) fn of_layout(table: &Table, row: u64) -> Result<Vec<ArrayRef>, Error> {
    let mut control_numbers = Vec::with_capacity(table.len());
    let key = table.tag.lookup_key("001");
    for record in 0..table.len() {
        let (_, mut fields) = table.record(record).map_err(|fault| {
            let place = fault.field.map_or_else(String::new, |field| format!(", field {field}"));
            Error::option(format!("row {}{place}: {}", row + table.first_row(record), fault.message))
        })?;
        let is_empty = |field: &usize| table.value.is_null(*field) && table.is_control(*field);
        if let Some(field) = fields.clone().position(|field| is_empty(&field)) {
            let message = format!(
                "row {}, field {}: the value of a control field is null",
                row + table.first_row(record),
                field + 1
            );
            return Err(Error::option(message));
        }
        let first = fields.find(|&field| key.is_some() && table.tag.key(field) == key.map(usize::from));
        control_numbers.push(first.filter(|&field| table.value.is_valid(field)).map(|field| field as u64));
    }
    let build = || -> Result<Vec<ArrayRef>, ArrowError> {
        let control_number = take(&table.value, &UInt64Array::from(control_numbers), None)?;
        let fields = nested_array(table)?;
        Ok(vec![Arc::new(table.leader.clone()), control_number, fields])
    };
    build().map_err(|error| Error::internal(format!("cannot take over a table: {error}")))
}

/// The column `fields` of records without faults.
fn nested_array(table: &Table) -> Result<ArrayRef, ArrowError> {
    let item = |data_type: &DataType| match data_type {
        DataType::LargeList(item) => Arc::clone(item),
        // There is no other in the layout.
        other => Arc::new(Field::new("item", other.clone(), false)),
    };
    let struct_of = |item: &Arc<Field>, columns: Vec<ArrayRef>| match item.data_type() {
        DataType::Struct(fields) => StructArray::try_new(fields.clone(), columns, None),
        other => Err(wrong_type("an item", "a struct", other)),
    };
    let columns = records_columns();
    let outer = columns
        .last()
        .map(|field| item(field.data_type()))
        .ok_or_else(|| wrong_type("fields", "there", &DataType::Null))?;
    let inner = match outer.data_type() {
        DataType::Struct(fields) => fields.last().map(|field| item(field.data_type())),
        _ => None,
    };
    let inner = inner.ok_or_else(|| wrong_type("subfields", "there", &DataType::Null))?;
    let parts: Vec<ArrayRef> = vec![Arc::new(table.code.clone()), Arc::new(table.text.clone())];
    let parts = struct_of(&inner, parts)?;
    let Lists { ends, nulls } = table.subfields.clone();
    let subfields = LargeListArray::try_new(inner, ends, Arc::new(parts), nulls)?;
    let fields: Vec<ArrayRef> = vec![
        Arc::new(table.tag.clone()),
        Arc::new(table.ind1.clone()),
        Arc::new(table.ind2.clone()),
        Arc::new(table.value.clone()),
        Arc::new(subfields),
    ];
    let fields = struct_of(&outer, fields)?;
    Ok(Arc::new(LargeListArray::try_new(outer, table.fields.ends.clone(), Arc::new(fields), None)?))
}
