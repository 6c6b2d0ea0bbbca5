//! The table of what was wrong with an input.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, LargeBinaryArray, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use crate::problem::Problem;

/// `source`, `record`, `offset`, `length`, `tag`, `code`, `severity`, `rejected`, `message`, `raw`.
pub(crate) fn problem_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("source", DataType::Utf8, true),
        Field::new("record", DataType::UInt64, true),
        Field::new("offset", DataType::UInt64, false),
        Field::new("length", DataType::UInt64, false),
        Field::new("tag", DataType::Utf8, true),
        Field::new("code", DataType::Utf8, false),
        Field::new("severity", DataType::Utf8, false),
        Field::new("rejected", DataType::Boolean, false),
        Field::new("message", DataType::Utf8, false),
        Field::new("raw", DataType::LargeBinary, true),
    ]))
}

/// The rows for `problems`; `raw` is null where there are no bytes to show.
pub(crate) fn problem_batch(problems: &[Problem]) -> Result<RecordBatch, ArrowError> {
    let all = problems.iter();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(all.clone().map(|p| p.source.as_deref()).collect::<StringArray>()),
        Arc::new(all.clone().map(|p| p.record).collect::<UInt64Array>()),
        Arc::new(UInt64Array::from_iter_values(all.clone().map(|p| p.offset))),
        Arc::new(UInt64Array::from_iter_values(all.clone().map(|p| p.length))),
        Arc::new(all.clone().map(|p| p.tag.as_deref()).collect::<StringArray>()),
        Arc::new(StringArray::from_iter_values(all.clone().map(|p| p.code.as_str()))),
        Arc::new(StringArray::from_iter_values(all.clone().map(|p| p.code.severity().as_str()))),
        Arc::new(all.clone().map(|p| Some(p.code.is_reject())).collect::<BooleanArray>()),
        Arc::new(StringArray::from_iter_values(all.clone().map(|p| &p.message))),
        Arc::new(all.map(|p| (!p.raw.is_empty()).then_some(&p.raw[..])).collect::<LargeBinaryArray>()),
    ];
    RecordBatch::try_new(problem_schema(), columns)
}
