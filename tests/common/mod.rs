//! A small ISO 2709 encoder, independent of the crate, and ways to look at batches.

#![allow(dead_code, clippy::missing_panics_doc, clippy::must_use_candidate)]

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::DataType;
use proptest::prelude::*;

/// A field as people think of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestField {
    Control(String, String),
    /// Tag, indicators, text before the first delimiter, subfields.
    Data(String, [Option<String>; 2], Option<String>, Vec<(String, String)>),
}

impl TestField {
    pub fn control(tag: &str, value: &str) -> Self {
        Self::Control(tag.into(), value.into())
    }

    pub fn data(tag: &str, indicators: &str, subfields: &[(&str, &str)]) -> Self {
        let mut indicators = indicators.chars().map(String::from);
        let indicators = [indicators.next(), indicators.next()];
        let subfields = subfields.iter().map(|(code, value)| ((*code).into(), (*value).into())).collect();
        Self::Data(tag.into(), indicators, None, subfields)
    }

    fn encode(&self) -> (String, Vec<u8>) {
        match self {
            Self::Control(tag, value) => (tag.clone(), value.clone().into_bytes()),
            Self::Data(tag, indicators, text, subfields) => {
                let mut data: String = indicators.iter().flatten().cloned().collect();
                data.push_str(text.as_deref().unwrap_or_default());
                for (code, value) in subfields {
                    data.push('\x1f');
                    data.push_str(code);
                    data.push_str(value);
                }
                (tag.clone(), data.into_bytes())
            }
        }
    }
}

/// One record, well-formed.
pub fn encode(fields: &[TestField]) -> Vec<u8> {
    let (mut directory, mut data) = (Vec::new(), Vec::new());
    for field in fields {
        let (tag, mut bytes) = field.encode();
        bytes.push(0x1E);
        directory.extend_from_slice(format!("{tag}{:04}{:05}", bytes.len(), data.len()).as_bytes());
        data.extend_from_slice(&bytes);
    }
    let base = 24 + directory.len() + 1;
    let length = base + data.len() + 1;
    let mut record = format!("{length:05}nam a22{base:05} a 4500").into_bytes();
    record.extend_from_slice(&directory);
    record.push(0x1E);
    record.extend_from_slice(&data);
    record.push(0x1D);
    record
}

/// A short record with its number in 001.
pub fn numbered(number: usize) -> Vec<u8> {
    encode(&[
        TestField::control("001", &format!("n{number}")),
        TestField::data("245", "10", &[("a", "A title that is no longer inline"), ("c", &number.to_string())]),
        TestField::data("650", " 0", &[("a", "Subject")]),
    ])
}

pub fn numbered_file(count: usize) -> Vec<u8> {
    (0..count).flat_map(numbered).collect()
}

fn texts(array: &dyn Array) -> Vec<Option<String>> {
    let array = cast(array, &DataType::Utf8).unwrap();
    let array = array.as_any().downcast_ref::<StringArray>().unwrap();
    array.iter().map(|value| value.map(String::from)).collect()
}

/// A row of the `records` layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub leader: String,
    pub control_number: Option<String>,
    pub fields: Vec<TestField>,
}

/// The rows of a batch, decoded through public Arrow interfaces after a full validation.
pub fn rows(batch: &RecordBatch) -> Vec<Row> {
    for column in batch.columns() {
        column.to_data().validate_full().unwrap();
    }
    let leaders = texts(batch.column_by_name("leader").unwrap());
    let control_numbers = texts(batch.column_by_name("control_number").unwrap());
    let lists = batch.column_by_name("fields").unwrap().as_list::<i64>();
    let mut rows = Vec::new();
    for (index, (leader, control_number)) in leaders.into_iter().zip(control_numbers).enumerate() {
        let fields = lists.value(index);
        let fields = fields.as_struct();
        let column = |name| texts(fields.column_by_name(name).unwrap());
        let (tags, ind1, ind2, values) = (column("tag"), column("ind1"), column("ind2"), column("value"));
        let subfield_lists = fields.column_by_name("subfields").unwrap().as_list::<i64>();
        let mut decoded = Vec::new();
        for field in 0..fields.len() {
            let tag = tags[field].clone().unwrap();
            if subfield_lists.is_null(field) {
                assert_eq!((&ind1[field], &ind2[field]), (&None, &None));
                decoded.push(TestField::Control(tag, values[field].clone().unwrap()));
                continue;
            }
            let subfields = subfield_lists.value(field);
            let subfields = subfields.as_struct();
            let codes = texts(subfields.column_by_name("code").unwrap());
            let texts = texts(subfields.column_by_name("value").unwrap());
            let subfields = codes.into_iter().zip(texts).map(|(code, text)| (code.unwrap(), text.unwrap())).collect();
            decoded.push(TestField::Data(
                tag,
                [ind1[field].clone(), ind2[field].clone()],
                values[field].clone(),
                subfields,
            ));
        }
        rows.push(Row { leader: leader.unwrap(), control_number, fields: decoded });
    }
    rows
}

/// Any text without the three delimiters, and without escapes, which may say that a record is in MARC-8.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ]{0,40}",
        "[^\\x1b\\x1d\\x1e\\x1f]{0,20}",
        Just(String::new()),
        Just("Ж́ 漢字 🎼 e\u{301}".to_owned()),
    ]
}

pub fn field() -> impl Strategy<Value = TestField> {
    let code = prop_oneof![8 => "[a-z0-9]", 1 => "[^\\x00-\\x1f]"];
    let indicator = "[ 0-9a-zA-Z|]";
    let subfields = prop::collection::vec((code, text()), 0..5);
    prop_oneof![
        1 => ("00[0-9]", text()).prop_map(|(tag, value)| TestField::Control(tag, value)),
        4 => ("[0-9A-Z][0-9A-Za-z][0-9A-Z]", [indicator, indicator], prop::option::of("[a-z]{1,5}"), subfields)
            .prop_filter("not a control field", |(tag, ..)| !(tag.starts_with("00") && tag.as_bytes()[2].is_ascii_digit()))
            .prop_map(|(tag, [a, b], text, subfields)| TestField::Data(tag, [Some(a), Some(b)], text, subfields)),
    ]
}

pub fn record() -> impl Strategy<Value = Vec<TestField>> {
    prop::collection::vec(field(), 0..12)
}

/// Records, some of them damaged, with junk between them.
pub fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => (0..100usize).prop_map(numbered),
        2 => (0..100usize, 0..130usize).prop_map(|(n, cut)| numbered(n).into_iter().skip(cut).collect()),
        2 => (0..100usize, 0..130usize).prop_map(|(n, cut)| numbered(n).into_iter().take(cut).collect()),
        2 => (0..100usize, 0..5usize, any::<u8>()).prop_map(|(n, at, b)| { let mut r = numbered(n); r[at] = b; r }),
        2 => (0..100usize, 0..400usize).prop_map(|(n, l)| {
            let mut r = numbered(n); r[..5].copy_from_slice(format!("{l:05}").as_bytes()); r
        }),
        2 => prop::collection::vec(prop::sample::select(&b" \r\n\0\x1a\x1d\x1e\x1f\xEF\xBB\xBF09a"[..]), 0..12),
        1 => prop::collection::vec(any::<u8>(), 0..60),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}
