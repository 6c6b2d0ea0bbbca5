//! Tables that come back from data frames, in either layout: what these have made of the columns' types is undone.
//!
//! Polars, pyarrow, `DuckDB` and pandas give the same text as views or offsets, the same tags as strings, as dictionaries with
//! keys of any width or as categories, and lists with offsets of 32 or 64 bits. [`Table`] has all of it in one form. Columns
//! are found by name, others are ignored. What a record lacks is no error here: who asks for the record is told.

mod columns;
#[cfg(feature = "python")]
mod layout;
mod nested;
mod rows;
#[cfg(feature = "python")]
mod spread;
mod whole;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt16Type};
use arrow_array::{Array, DictionaryArray, RecordBatch, StringViewArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, Schema};

use crate::error::Error;
#[cfg(feature = "python")]
use crate::iso2709::is_control_tag;
use crate::layout::Layout;
#[cfg(feature = "python")]
pub(crate) use layout::of_layout;
#[cfg(feature = "python")]
pub(crate) use spread::spread;
pub(crate) use whole::{Piece, WholeRecords};

/// Columns that a table in a layout cannot be without.
const RECORDS: [&str; 2] = ["leader", "fields"];
const SUBFIELDS: [&str; 7] = ["record", "field", "tag", "ind1", "ind2", "code", "value"];

/// Which layout a table of these columns is in.
///
/// # Errors
///
/// In none.
pub(crate) fn layout_of(schema: &Schema) -> Result<Layout, Error> {
    let has = |names: &[&str]| names.iter().all(|name| schema.column_with_name(name).is_some());
    if has(&RECORDS) {
        return Ok(Layout::Records);
    }
    if has(&SUBFIELDS) {
        return Ok(Layout::Subfields);
    }
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    Err(Error::option(format!(
        "the table is neither in the layout records (with the columns {}) nor in the layout subfields ({}): it has {}",
        RECORDS.join(", "),
        SUBFIELDS.join(", "),
        names.join(", ")
    )))
}

/// What tags, indicators and codes mean that are numbers: frames of Polars have the categories of all apart from their columns.
type Names<'a> = Option<&'a StringViewArray>;

/// Lists: where each ends, after a 0, and which are null.
#[derive(Debug, Clone)]
struct Lists {
    ends: OffsetBuffer<i64>,
    nulls: Option<NullBuffer>,
}

impl Lists {
    #[allow(clippy::cast_sign_loss)] // offsets count from 0
    fn range(&self, list: usize) -> Range<usize> {
        match self.ends.get(list..list + 2) {
            Some(&[start, end]) => start as usize..end as usize,
            _ => 0..0,
        }
    }

    fn is_null(&self, list: usize) -> bool {
        is_null(self.nulls.as_ref(), list)
    }
}

fn is_null(nulls: Option<&NullBuffer>, at: usize) -> bool {
    nulls.is_some_and(|nulls| nulls.is_null(at))
}

/// Records, their fields, and the subfields of those, in whatever layout they came.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Which row of what came each record begins in.
    first_rows: Option<Vec<u64>>,
    leader: StringViewArray,
    fields: Lists,
    /// Fields that are null as a whole.
    missing_fields: Option<NullBuffer>,
    pub(crate) tag: DictionaryArray<UInt16Type>,
    pub(crate) ind1: DictionaryArray<UInt8Type>,
    pub(crate) ind2: DictionaryArray<UInt8Type>,
    pub(crate) value: StringViewArray,
    subfields: Lists,
    missing_subfields: Option<NullBuffer>,
    pub(crate) code: DictionaryArray<UInt8Type>,
    pub(crate) text: StringViewArray,
    /// What is wrong with records of rows, by number in this table.
    faults: HashMap<usize, Fault>,
}

/// Why a record cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Its position in the record, from 1, where it is one field's.
    pub field: Option<u32>,
    pub code: &'static str,
    pub message: Cow<'static, str>,
}

impl Fault {
    pub(crate) fn new(field: Option<u32>, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { field, code, message: message.into() }
    }
}

impl Table {
    /// The records of a batch in `layout`, which are whole: [`WholeRecords`] makes them so. In more parts than one where a
    /// dictionary does not hold the tags, indicators or codes of all.
    ///
    /// # Errors
    ///
    /// A column is of a type that it cannot be of.
    pub(crate) fn parts(batch: &RecordBatch, layout: Layout, names: Names<'_>) -> Result<Vec<Self>, Error> {
        let wrong = |error: ArrowError| match error {
            ArrowError::SchemaError(message) => Error::option(message),
            error => Error::internal(format!("cannot take over a table: {error}")),
        };
        let made = match layout {
            Layout::Records => nested::table(batch, names),
            Layout::Subfields => rows::table(batch, names),
        };
        if let Some(table) = made.map_err(wrong)? {
            return Ok(vec![table]);
        }
        let Some(half) = whole::middle(batch, layout) else {
            return Err(Error::option(
                "a record has more distinct tags, indicators or codes than there are bytes to write them",
            ));
        };
        let mut parts = Self::parts(&batch.slice(0, half), layout, names)?;
        let mut rest = Self::parts(&batch.slice(half, batch.num_rows() - half), layout, names)?;
        for table in &mut rest {
            for row in table.first_rows.iter_mut().flatten() {
                *row += half as u64;
            }
            if table.first_rows.is_none() {
                table.first_rows = Some((0..table.len() as u64).map(|row| row + half as u64).collect());
            }
        }
        parts.append(&mut rest);
        Ok(parts)
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.leader.len()
    }

    /// In which row of the batch a record begins.
    pub(crate) fn first_row(&self, record: usize) -> u64 {
        self.first_rows.as_ref().and_then(|rows| rows.get(record)).copied().unwrap_or(record as u64)
    }

    /// A record's leader and where its fields are.
    ///
    /// # Errors
    ///
    /// What it cannot be without is null, or its rows do not make one.
    pub(crate) fn record(&self, record: usize) -> Result<(&str, Range<usize>), Fault> {
        if let Some(fault) = self.faults.get(&record) {
            return Err(fault.clone());
        }
        if self.leader.is_null(record) {
            return Err(Fault::new(None, "no_leader", "the record has no leader"));
        }
        if self.fields.is_null(record) {
            return Err(Fault::new(None, "no_fields", "the record's fields are null"));
        }
        let fields = self.fields.range(record);
        if self.is_without_nulls() {
            return Ok((self.leader.value(record), fields));
        }
        for (number, field) in (1..).zip(fields.clone()) {
            if is_null(self.missing_fields.as_ref(), field) || self.tag.is_null(field) {
                return Err(Fault::new(Some(number), "no_tag", "the field, or its tag, is null"));
            }
            for subfield in self.subfields(field) {
                if is_null(self.missing_subfields.as_ref(), subfield)
                    || self.code.is_null(subfield)
                    || self.text.is_null(subfield)
                {
                    let message = "a subfield, its code or its value is null";
                    return Err(Fault::new(Some(number), "no_value", message));
                }
            }
        }
        Ok((self.leader.value(record), fields))
    }

    /// The tag of a record's field by its position, for people.
    pub(crate) fn tag_of(&self, record: usize, position: u32) -> Option<String> {
        let fields = self.fields.range(record);
        let field = fields.start + (position as usize).checked_sub(1)?;
        let key = self.tag.key(field).filter(|_| fields.contains(&field))?;
        let names = self.tag.values().as_string::<i32>();
        (key < names.len()).then(|| names.value(key).to_owned())
    }

    /// Whether a field is a control field.
    #[cfg(feature = "python")]
    fn is_control(&self, field: usize) -> bool {
        let names = self.tag.values().as_string::<i32>();
        let tag = self.tag.key(field).map(|key| names.value(key).as_bytes());
        tag.and_then(|tag| tag.try_into().ok()).is_some_and(is_control_tag)
    }

    /// Whether nothing is null that must not be.
    fn is_without_nulls(&self) -> bool {
        self.missing_fields.is_none()
            && self.missing_subfields.is_none()
            && self.tag.null_count() == 0
            && self.code.null_count() == 0
            && self.text.null_count() == 0
    }

    /// Where the subfields of fields are that stand together.
    pub(crate) fn subfields_of(&self, fields: Range<usize>) -> Range<usize> {
        if fields.is_empty() {
            return 0..0;
        }
        self.subfields(fields.start).start..self.subfields(fields.end - 1).end
    }

    /// Where the subfields of a field are.
    pub(crate) fn subfields(&self, field: usize) -> Range<usize> {
        self.subfields.range(field)
    }
}
