//! Tables in `layout="records"`, of any Arrow types.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeListArray, RecordBatch, StructArray, UInt64Array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, Fields};
use arrow_select::take::take;

use super::columns::{child, column, symbols, texts, wrong_type};
use super::{Lists, Names, Table};

/// `None` where a dictionary does not hold it all.
pub(super) fn table(batch: &RecordBatch, names: Names<'_>) -> Result<Option<Table>, ArrowError> {
    let leader = texts(column(batch, "leader")?, "leader")?;
    let (fields, all) = lists(column(batch, "fields")?, "fields")?;
    let all = structs(&all, "fields")?;
    let of_field = |name| child(&all, name, "fields");
    let (subfields, parts) = lists(of_field("subfields")?, "fields.subfields")?;
    let parts = structs(&parts, "fields.subfields")?;
    let of_subfield = |name| child(&parts, name, "fields.subfields");
    let (Some(tag), Some(ind1), Some(ind2), Some(code)) = (
        symbols(of_field("tag")?, names, "fields.tag")?,
        symbols(of_field("ind1")?, names, "fields.ind1")?,
        symbols(of_field("ind2")?, names, "fields.ind2")?,
        symbols(of_subfield("code")?, names, "fields.subfields.code")?,
    ) else {
        return Ok(None);
    };
    Ok(Some(Table {
        first_rows: None,
        leader,
        fields,
        missing_fields: all.nulls().cloned(),
        tag,
        ind1,
        ind2,
        value: texts(of_field("value")?, "fields.value")?,
        subfields,
        missing_subfields: parts.nulls().cloned(),
        code,
        text: texts(of_subfield("value")?, "fields.subfields.value")?,
        faults: std::collections::HashMap::new(),
    }))
}

/// Lists, and what is in them and nothing else.
fn lists(array: &ArrayRef, name: &str) -> Result<(Lists, ArrayRef), ArrowError> {
    let large: ArrayRef = match array.data_type() {
        DataType::LargeList(_) => Arc::clone(array),
        DataType::List(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => cast(array, &DataType::LargeList(Arc::clone(item)))?,
        DataType::Null => {
            let ends = OffsetBuffer::from_lengths(std::iter::repeat_n(0, array.len()));
            let empty = arrow_array::new_empty_array(&DataType::Null);
            return Ok((Lists { ends, nulls: Some(NullBuffer::new_null(array.len())) }, empty));
        }
        other => return Err(wrong_type(name, "a list of structs", other)),
    };
    let mut whole: LargeListArray = large.as_list().clone();
    // Under a null there may be items that nobody sees.
    let hides = |(row, ends): (usize, &[i64])| whole.is_null(row) && ends.first() != ends.last();
    if whole.null_count() > 0 && whole.value_offsets().windows(2).enumerate().any(hides) {
        let rows = UInt64Array::from_iter_values(0..whole.len() as u64);
        whole = take(&whole, &rows, None)?.as_list().clone();
    }
    let (_, ends, values, nulls) = whole.into_parts();
    let (first, last) = (ends.first().copied().unwrap_or(0), ends.last().copied().unwrap_or(0));
    #[allow(clippy::cast_sign_loss)] // offsets count from 0
    let values = values.slice(first as usize, (last - first) as usize);
    let ends = if first == 0 { ends } else { OffsetBuffer::new(ends.iter().map(|end| end - first).collect()) };
    Ok((Lists { ends, nulls }, values))
}

fn structs(array: &ArrayRef, name: &str) -> Result<StructArray, ArrowError> {
    match array.data_type() {
        DataType::Struct(_) => Ok(array.as_struct().clone()),
        DataType::Null => {
            // Of structs that are null, each part is.
            let names = ["tag", "ind1", "ind2", "value", "subfields", "code"];
            let fields: Fields = names.iter().map(|name| Field::new(*name, DataType::Null, true)).collect();
            let parts = names.iter().map(|_| arrow_array::new_null_array(&DataType::Null, array.len())).collect();
            StructArray::try_new(fields, parts, Some(NullBuffer::new_null(array.len())))
        }
        other => Err(wrong_type(name, "a list of structs", other)),
    }
}
