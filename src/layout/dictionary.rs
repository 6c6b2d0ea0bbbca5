//! The names of MARC 21's fields and subfields as a table, with tags and codes of the types that tables of records have.

use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::{ArrowDictionaryKeyType, UInt8Type, UInt16Type};
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringViewArray};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::{StringType, cast_strings, string_field};
use crate::marc21::{Entry, Kind, entries};

/// One row for each field and, after it, for each of its subfields.
pub(crate) fn dictionary(
    kind: Kind,
    string_type: StringType,
    categorical: Option<bool>,
) -> Result<RecordBatch, ArrowError> {
    let entries: Vec<Entry> = entries(kind).collect();
    let categorical = categorical.unwrap_or(string_type == StringType::View);
    let strings = |texts: &mut dyn Iterator<Item = Option<&str>>| {
        cast_strings(Arc::new(texts.collect::<StringViewArray>()), string_type)
    };
    let code = |entry: &Entry| entry.code.map(|code| char::from(code).to_string());
    let codes: Vec<Option<String>> = entries.iter().map(code).collect();
    let tags = &mut entries.iter().map(|entry| Some(entry.tag));
    let codes = &mut codes.iter().map(Option::as_deref);
    let (tags, codes) = if categorical {
        (symbols::<UInt16Type>(tags)?, symbols::<UInt8Type>(codes)?)
    } else {
        (strings(tags)?, strings(codes)?)
    };
    let flags = |of: fn(&Entry) -> Option<bool>| Arc::new(entries.iter().map(of).collect::<BooleanArray>());
    let schema = Schema::new(vec![
        Field::new("tag", tags.data_type().clone(), false),
        Field::new("code", codes.data_type().clone(), true),
        string_field("name", string_type, false),
        string_field("field_name", string_type, false),
        Field::new("repeatable", DataType::Boolean, true),
        Field::new("obsolete", DataType::Boolean, true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        tags,
        codes,
        strings(&mut entries.iter().map(|entry| Some(entry.name)))?,
        strings(&mut entries.iter().map(|entry| Some(entry.field_name)))?,
        flags(|entry| entry.repeatable),
        flags(|entry| entry.obsolete),
    ];
    RecordBatch::try_new(Arc::new(schema), columns)
}

fn symbols<K: ArrowDictionaryKeyType>(texts: &mut dyn Iterator<Item = Option<&str>>) -> Result<ArrayRef, ArrowError> {
    let mut symbols = StringDictionaryBuilder::<K>::new();
    for text in texts {
        match text {
            Some(text) => {
                symbols.append(text)?;
            }
            None => symbols.append_null(),
        }
    }
    Ok(Arc::new(symbols.finish()))
}
