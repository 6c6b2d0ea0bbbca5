//! Tables in `layout="subfields"`: their rows put together to records.

use std::collections::HashMap;
use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowDictionaryKeyType, UInt8Type, UInt16Type, UInt64Type};
use arrow_array::{Array, ArrayRef, DictionaryArray, PrimitiveArray, RecordBatch, StringViewArray, UInt64Array};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use arrow_select::take::take;

use super::columns::{column, symbols, texts, wrong_type};
use super::{Fault, Lists, Names, Table};
use crate::iso2709::is_control_tag;

/// The tag of the row with a leader, whose field is 0.
pub(super) const LEADER_TAG: &str = "LDR";

/// A column of numbers, which a data frame may have widened.
fn numbers(batch: &RecordBatch, name: &str) -> Result<ScalarBuffer<u64>, ArrowError> {
    let array = column(batch, name)?;
    if !array.data_type().is_integer() {
        return Err(wrong_type(name, "whole numbers", array.data_type()));
    }
    let numbers: PrimitiveArray<UInt64Type> = cast(array, &DataType::UInt64)?.as_primitive().clone();
    if numbers.null_count() > 0 {
        return Err(ArrowError::SchemaError(format!("{name} has nulls, or numbers below 0")));
    }
    Ok(numbers.values().clone())
}

/// Where records begin, in rows.
pub(super) fn starts(batch: &RecordBatch) -> Result<Vec<usize>, ArrowError> {
    let (record, field) = (numbers(batch, "record")?, numbers(batch, "field")?);
    let begins = |(row, (record, field)): (usize, (&[u64], &[u64]))| {
        // Two tables may have been put together whose records have the same number.
        let is_leader = matches!(field, &[before, 0] if before != 0);
        (record.first() != record.last() || is_leader).then_some(row + 1)
    };
    let first = (!record.is_empty()).then_some(0);
    Ok(first.into_iter().chain(record.windows(2).zip(field.windows(2)).enumerate().filter_map(begins)).collect())
}

/// The columns of the layout.
struct Columns {
    /// Positions of fields in their records and, where that column is there, of subfields in their fields.
    field: ScalarBuffer<u64>,
    subfield: Option<ScalarBuffer<u64>>,
    tag: DictionaryArray<UInt16Type>,
    ind1: DictionaryArray<UInt8Type>,
    ind2: DictionaryArray<UInt8Type>,
    code: DictionaryArray<UInt8Type>,
    value: StringViewArray,
}

impl Columns {
    fn tag(&self, row: usize) -> Option<&str> {
        self.tag.key(row).map(|key| self.tag.values().as_string::<i32>().value(key))
    }

    fn field(&self, row: usize) -> u64 {
        self.field.get(row).copied().unwrap_or(0)
    }

    /// Whether two rows have the same tag and indicators.
    fn agree(&self, row: usize, other: usize) -> bool {
        let same = |of: &DictionaryArray<UInt8Type>| of.key(row) == of.key(other);
        self.tag.key(row) == self.tag.key(other) && same(&self.ind1) && same(&self.ind2)
    }
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
pub(super) fn table(batch: &RecordBatch, names: Names<'_>) -> Result<Option<Table>, ArrowError> {
    let (Some(tag), Some(ind1), Some(ind2), Some(code)) = (
        symbols(column(batch, "tag")?, names, "tag")?,
        symbols(column(batch, "ind1")?, names, "ind1")?,
        symbols(column(batch, "ind2")?, names, "ind2")?,
        symbols(column(batch, "code")?, names, "code")?,
    ) else {
        return Ok(None);
    };
    let columns = Columns {
        field: numbers(batch, "field")?,
        subfield: batch.column_by_name("subfield").map(|_| numbers(batch, "subfield")).transpose()?,
        tag,
        ind1,
        ind2,
        code,
        value: texts(column(batch, "value")?, "value")?,
    };
    let mut gathered = Gathered { field_ends: vec![0], subfield_ends: vec![0], ..Gathered::default() };
    let starts = starts(batch)?;
    let ends = starts.iter().skip(1).copied().chain([batch.num_rows()]);
    for (start, end) in starts.iter().copied().zip(ends) {
        let record = gathered.leader.len();
        if let Err(fault) = gathered.record(start..end, &columns) {
            gathered.faults.insert(record, fault);
        }
        gathered.first_rows.push(start as u64);
        gathered.field_ends.push(gathered.field.len() as i64);
    }
    gathered.finish(&columns).map(Some)
}

impl Gathered {
    fn record(&mut self, rows: Range<usize>, columns: &Columns) -> Result<(), Fault> {
        let has_leader = columns.tag(rows.start) == Some(LEADER_TAG) && columns.field(rows.start) == 0;
        let leader = Some(rows.start as u64).filter(|_| has_leader && columns.value.is_valid(rows.start));
        self.leader.push(leader);
        if !has_leader {
            let message = "the record has no row of tag LDR and field 0 before its others: rows of records belong together, \
                           the leader's first";
            return Err(Fault::new(None, "no_leader", message));
        }
        let (mut field, mut last) = (0, None);
        for row in rows.start + 1..rows.end {
            let this = columns.field(row);
            let disorder = |message: String| Err(Fault::new(None, "order", message));
            if this == 0 {
                return disorder("two rows of the record have field 0, which is the leader's".to_owned());
            }
            if this < field {
                return disorder(format!(
                    "field {this} comes after field {field}: sort rows by record, field, subfield"
                ));
            }
            let inner = columns.subfield.as_ref().and_then(|subfield| subfield.get(row).copied());
            if this > field {
                self.begin(row, columns.tag(row));
                field = this;
            } else if !self.field.last().is_some_and(|&first| columns.agree(row, first as usize)) {
                return disorder(format!("rows of field {this} have different tags or indicators"));
            } else if inner.is_some() && inner <= last {
                return disorder(format!(
                    "subfields of field {this} come twice or in disorder: sort rows by record, field, subfield"
                ));
            }
            last = inner;
            if columns.code.is_valid(row) {
                self.subfield.push(row as u64);
                if let (Some(end), Some(is_data)) = (self.subfield_ends.last_mut(), self.is_data.last_mut()) {
                    *end += 1;
                    *is_data = true;
                }
            } else if self.value.last().is_some_and(Option::is_some) || self.has_subfields() {
                return disorder(format!("a row without code is not the first of field {this}"));
            } else if let Some(slot) = self.value.last_mut().filter(|_| columns.value.is_valid(row)) {
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

    fn finish(self, columns: &Columns) -> Result<Table, ArrowError> {
        let (field, subfield) = (UInt64Array::from(self.field), UInt64Array::from(self.subfield));
        let views =
            |rows: &UInt64Array| Ok::<_, ArrowError>(take(&columns.value, rows, None)?.as_string_view().clone());
        let is_null = NullBuffer::from(self.is_data);
        Ok(Table {
            first_rows: Some(self.first_rows),
            leader: views(&UInt64Array::from(self.leader))?,
            fields: Lists { ends: OffsetBuffer::new(self.field_ends.into()), nulls: None },
            missing_fields: None,
            tag: keys(&columns.tag, &field)?,
            ind1: keys(&columns.ind1, &field)?,
            ind2: keys(&columns.ind2, &field)?,
            value: views(&UInt64Array::from(self.value))?,
            subfields: Lists {
                ends: OffsetBuffer::new(self.subfield_ends.into()),
                nulls: Some(is_null).filter(|nulls| nulls.null_count() > 0),
            },
            missing_subfields: None,
            code: keys(&columns.code, &subfield)?,
            text: views(&subfield)?,
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
