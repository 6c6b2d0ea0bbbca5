//! Tables in `layout="records"` as those in `layout="subfields"`.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, DictionaryArray, StringArray, UInt32Array, UInt64Array};
use arrow_schema::ArrowError;
use arrow_select::interleave::interleave;
use arrow_select::take::take;

use super::{Table, rows::LEADER_TAG};

/// Where a row's value is.
const LEADER: usize = 0;
const VALUE: usize = 1;
const TEXT: usize = 2;

/// The columns of the layout for records without faults, with their control numbers; `number` is that of the first record.
pub(crate) fn spread(table: &Table, control_number: &ArrayRef, number: u64) -> Result<Vec<ArrayRef>, ArrowError> {
    let (mut record, mut from) = (Vec::new(), Vec::new());
    let (mut place, mut within) = (Vec::new(), Vec::new());
    let (mut field_of, mut subfield_of, mut value_of) = (Vec::new(), Vec::new(), Vec::new());
    let mut push = |at: usize, of: (u32, Option<usize>), sub: (u32, Option<usize>), value: (usize, usize)| {
        record.push(number + at as u64);
        from.push(at as u64);
        place.push(of.0);
        within.push(sub.0);
        field_of.push(of.1.map(|field| field as u64));
        subfield_of.push(sub.1.map(|subfield| subfield as u64));
        value_of.push(value);
    };
    for at in 0..table.len() {
        push(at, (0, None), (0, None), (LEADER, at));
        for (position, field) in (1..).zip(table.fields.range(at)) {
            let of = (position, Some(field));
            let subfields = table.subfields(field);
            if table.value.is_valid(field) || subfields.is_empty() {
                push(at, of, (0, None), (VALUE, field));
            }
            for (position, subfield) in (1..).zip(subfields) {
                push(at, of, (position, Some(subfield)), (TEXT, subfield));
            }
        }
    }
    let (field_of, subfield_of) = (UInt64Array::from(field_of), UInt64Array::from(subfield_of));
    Ok(vec![
        Arc::new(UInt64Array::from(record)),
        take(control_number, &UInt64Array::from(from), None)?,
        Arc::new(UInt32Array::from(place)),
        tags(table, &field_of)?,
        take(&table.ind1, &field_of, None)?,
        take(&table.ind2, &field_of, None)?,
        Arc::new(UInt32Array::from(within)),
        take(&table.code, &subfield_of, None)?,
        interleave(&[&table.leader, &table.value, &table.text], &value_of)?,
    ])
}

/// The tags of fields, and of leaders where there is none.
fn tags(table: &Table, field_of: &UInt64Array) -> Result<ArrayRef, ArrowError> {
    let values: &StringArray = table.tag.values().as_string();
    let known = values.iter().position(|tag| tag == Some(LEADER_TAG));
    let leader = known.unwrap_or(values.len());
    let leader = u16::try_from(leader).map_err(|_| ArrowError::DictionaryKeyOverflowError)?;
    let values: StringArray = values.iter().chain(known.is_none().then_some(Some(LEADER_TAG))).collect();
    let keys = table.tag.keys().values();
    let key = |field: Option<u64>| field.and_then(|field| keys.get(field as usize)).copied().unwrap_or(leader);
    let keys = field_of.iter().map(key).collect::<Vec<_>>();
    Ok(Arc::new(DictionaryArray::try_new(keys.into(), Arc::new(values))?))
}
