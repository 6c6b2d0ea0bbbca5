//! Tables in `layout="subfields"`: their rows put together to records.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowDictionaryKeyType, UInt8Type, UInt16Type, UInt64Type};
use arrow_array::{Array, ArrayRef, DictionaryArray, PrimitiveArray, RecordBatch, StringViewArray, UInt64Array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use arrow_select::take::take;

use super::columns::{column, symbols, texts, wrong_type};
use super::{Fault, Lists, Table};
use crate::iso2709::is_control_tag;

/// The tag of the row with a leader, whose field is 0.
pub(super) const LEADER_TAG: &str = "LDR";

/// A column of numbers, which a data frame may have widened.
pub(super) fn numbers(batch: &RecordBatch, name: &str) -> Result<PrimitiveArray<UInt64Type>, ArrowError> {
    let array = column(batch, name)?;
    if !array.data_type().is_integer() {
        return Err(wrong_type(name, "whole numbers", array.data_type()));
    }
    let numbers = cast(array, &DataType::UInt64)?.as_primitive::<UInt64Type>().clone();
    if numbers.null_count() > 0 {
        return Err(ArrowError::SchemaError(format!("{name} has nulls, or numbers below 0")));
    }
    Ok(numbers)
}

/// Where records begin, in rows.
pub(super) fn starts(batch: &RecordBatch) -> Result<Vec<usize>, ArrowError> {
    let (record, field) = (numbers(batch, "record")?, numbers(batch, "field")?);
    let (record, field) = (record.values(), field.values());
    let begins = |(row, (record, field)): (usize, (&[u64], &[u64]))| {
        // Two tables may have been put together whose records have the same number.
        let is_leader = matches!(field, &[before, 0] if before != 0);
        (record.first() != record.last() || is_leader).then_some(row + 1)
    };
    let first = (!record.is_empty()).then_some(0);
    Ok(first.into_iter().chain(record.windows(2).zip(field.windows(2)).enumerate().filter_map(begins)).collect())
}

/// Puts together what rows are of.
#[derive(Default)]
struct Gathered {
    first_rows: Vec<u64>,
    /// The rows of leaders, and of each field's tag and indicators, value, and subfields.
    leader: Vec<Option<u64>>,
    field_ends: Vec<i64>,
    field: Vec<u64>,
    value: Vec<Option<u64>>,
    is_data: Vec<bool>,
    subfield_ends: Vec<i64>,
    subfield: Vec<u64>,
    faults: HashMap<usize, Fault>,
}

/// `None` where a dictionary does not hold it all.
pub(super) fn table(batch: &RecordBatch) -> Result<Option<Table>, ArrowError> {
    let nulls = |name: &str| {
        let null = || arrow_array::new_null_array(&DataType::Null, batch.num_rows());
        batch.column_by_name(name).map_or_else(null, Arc::clone)
    };
    let (Some(tag), Some(ind1), Some(ind2), Some(code)) = (
        symbols::<UInt16Type>(column(batch, "tag")?, "tag")?,
        symbols::<UInt8Type>(&nulls("ind1"), "ind1")?,
        symbols::<UInt8Type>(&nulls("ind2"), "ind2")?,
        symbols::<UInt8Type>(column(batch, "code")?, "code")?,
    ) else {
        return Ok(None);
    };
    let value = texts(column(batch, "value")?, "value")?;
    let place = numbers(batch, "field")?;
    let within = batch.column_by_name("subfield").map(|_| numbers(batch, "subfield")).transpose()?;
    let mut gathered = Gathered { field_ends: vec![0], subfield_ends: vec![0], ..Gathered::default() };
    let starts = starts(batch)?;
    let ends = starts.iter().skip(1).copied().chain([batch.num_rows()]);
    for (start, end) in starts.iter().copied().zip(ends) {
        let record = gathered.leader.len();
        let made = gathered.record(
            start..end,
            &tag,
            &code,
            &value,
            place.values(),
            within.as_ref().map(|all| &all.values()[..]),
        );
        if let Err(fault) = made {
            gathered.faults.insert(record, fault);
        }
        gathered.first_rows.push(start as u64);
        gathered.field_ends.push(gathered.field.len() as i64);
    }
    gathered.finish(&tag, [&ind1, &ind2], &code, &value).map(Some)
}

impl Gathered {
    fn record(
        &mut self,
        rows: std::ops::Range<usize>,
        tag: &DictionaryArray<UInt16Type>,
        code: &DictionaryArray<UInt8Type>,
        value: &StringViewArray,
        place: &[u64],
        within: Option<&[u64]>,
    ) -> Result<(), Fault> {
        let names = tag.values().as_string::<i32>();
        let name = |row: usize| tag.key(row).map(|key| names.value(key));
        let at = |list: &[u64], row: usize| list.get(row).copied().unwrap_or(0);
        let has_leader = name(rows.start) == Some(LEADER_TAG) && at(place, rows.start) == 0;
        self.leader.push((has_leader && value.is_valid(rows.start)).then_some(rows.start as u64));
        if !has_leader {
            let message = "the record has no row of tag LDR and field 0 before its others: rows of records belong together, \
                           the leader's first";
            return Err(Fault::new(None, "no_leader", message));
        }
        let (mut field, mut last) = (0, 0);
        for row in rows.start + 1..rows.end {
            let this = at(place, row);
            let inner = within.map(|within| at(within, row));
            if this < field {
                let message = format!("field {this} comes after field {field}: sort rows by record, field, subfield");
                return Err(Fault::new(None, "order", message));
            }
            if this > field {
                self.begin(row, name(row));
                field = this;
            } else if name(row) != self.field.last().and_then(|&first| name(first as usize)) {
                return Err(Fault::new(None, "order", format!("rows of field {this} have different tags")));
            } else if inner.is_some_and(|inner| inner < last) {
                let message =
                    format!("the subfields of field {this} are in disorder: sort rows by record, field, subfield");
                return Err(Fault::new(None, "order", message));
            }
            last = inner.unwrap_or(0);
            if code.is_valid(row) {
                self.subfield.push(row as u64);
                if let Some(end) = self.subfield_ends.last_mut() {
                    *end += 1;
                }
                if let Some(is_data) = self.is_data.last_mut() {
                    *is_data = true;
                }
            } else if self.value.last().is_some_and(Option::is_some) || self.has_subfields() {
                let message = format!("a row without code is not the first of field {this}");
                return Err(Fault::new(None, "order", message));
            } else if let Some(slot) = self.value.last_mut().filter(|_| value.is_valid(row)) {
                *slot = Some(row as u64);
            }
        }
        Ok(())
    }

    fn begin(&mut self, row: usize, tag: Option<&str>) {
        self.field.push(row as u64);
        self.value.push(None);
        let tag = tag.and_then(|tag| tag.as_bytes().first_chunk().copied());
        self.is_data.push(!tag.is_some_and(is_control_tag));
        self.subfield_ends.push(self.subfield.len() as i64);
    }

    fn has_subfields(&self) -> bool {
        self.subfield_ends.last_chunk::<2>().is_some_and(|[start, end]| start != end)
    }

    fn finish(
        self,
        tag: &DictionaryArray<UInt16Type>,
        [ind1, ind2]: [&DictionaryArray<UInt8Type>; 2],
        code: &DictionaryArray<UInt8Type>,
        value: &StringViewArray,
    ) -> Result<Table, ArrowError> {
        let (field, subfield) = (UInt64Array::from(self.field), UInt64Array::from(self.subfield));
        let views = |rows: UInt64Array| Ok::<_, ArrowError>(take(value, &rows, None)?.as_string_view().clone());
        let text = views(subfield.clone())?;
        let is_null = NullBuffer::from(self.is_data);
        Ok(Table {
            first_rows: Some(self.first_rows),
            leader: views(UInt64Array::from(self.leader))?,
            fields: Lists { ends: OffsetBuffer::new(self.field_ends.into()), nulls: None },
            missing_fields: None,
            tag: keys(tag, &field)?,
            ind1: keys(ind1, &field)?,
            ind2: keys(ind2, &field)?,
            value: views(UInt64Array::from(self.value))?,
            subfields: Lists {
                ends: OffsetBuffer::new(self.subfield_ends.into()),
                nulls: Some(is_null).filter(|nulls| nulls.null_count() > 0),
            },
            missing_subfields: None,
            code: keys(code, &subfield)?,
            text,
            faults: self.faults,
        })
    }
}

fn keys<K: ArrowDictionaryKeyType>(
    of: &DictionaryArray<K>,
    rows: &UInt64Array,
) -> Result<DictionaryArray<K>, ArrowError> {
    let taken: ArrayRef = take(of, rows, None)?;
    taken.as_dictionary_opt::<K>().cloned().ok_or_else(|| wrong_type("keys", "a dictionary", taken.data_type()))
}
