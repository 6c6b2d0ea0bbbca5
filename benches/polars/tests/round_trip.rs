//! Batches of the sample as frames of Polars, and back: every value is what it was, and no text is copied.

#![allow(clippy::similar_names)]

use std::mem::transmute;

use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::{Array, ArrayRef, RecordBatch, make_array};
use arrow_schema::DataType as ArrowType;
use mrrc_arrow::{ReadOptions, Source, StringType, read};
use mrrc_arrow_polars::frame;
use polars::prelude::*;
use polars_arrow::ffi::{ArrowArray, ArrowSchema, export_array_to_c, export_field_to_c};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/sample.mrc");

/// More batches than one, the last of them smaller.
const BATCH_SIZE: usize = 64;

type Text = Option<String>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    tag: Text,
    ind1: Text,
    ind2: Text,
    value: Text,
    subfields: Option<Vec<(Text, Text)>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    leader: Text,
    control_number: Text,
    fields: Vec<Field>,
}

fn batches(string_type: StringType, categorical: Option<bool>) -> Vec<RecordBatch> {
    let mut options = ReadOptions::default();
    options.batch_size = Some(BATCH_SIZE);
    options.string_type = string_type;
    options.categorical = categorical;
    read(vec![Source::path(SAMPLE)], options).unwrap().collect::<Result<_, _>>().unwrap()
}

fn sample() -> Vec<RecordBatch> {
    batches(StringType::View, None)
}

fn frames(batches: &[RecordBatch]) -> DataFrame {
    let mut frames = batches.iter().map(|batch| frame(batch).unwrap());
    let mut all = frames.next().unwrap();
    for frame in frames {
        all.vstack_mut_owned(frame).unwrap();
    }
    all
}

// What batches say.

fn arrow_texts(array: &dyn Array) -> Vec<Text> {
    if let Some(dictionary) = array.as_any_dictionary_opt() {
        let values = arrow_texts(dictionary.values());
        if values.is_empty() {
            return vec![None; array.len()];
        }
        let keys = dictionary.normalized_keys();
        return keys.iter().enumerate().map(|(at, &key)| array.is_valid(at).then(|| values[key].clone())?).collect();
    }
    match array.data_type() {
        ArrowType::Utf8View => array.as_string_view().iter().map(|text| text.map(String::from)).collect(),
        ArrowType::LargeUtf8 => array.as_string::<i64>().iter().map(|text| text.map(String::from)).collect(),
        ArrowType::Utf8 => array.as_string::<i32>().iter().map(|text| text.map(String::from)).collect(),
        other => panic!("{other} is no text"),
    }
}

fn arrow_subfields(array: &ArrayRef) -> Vec<(Text, Text)> {
    let column = |name| arrow_texts(array.as_struct().column_by_name(name).unwrap());
    column("code").into_iter().zip(column("value")).collect()
}

fn arrow_fields(array: &ArrayRef) -> Vec<Field> {
    let fields = array.as_struct();
    let column = |name| arrow_texts(fields.column_by_name(name).unwrap());
    let (tag, ind1, ind2, value) = (column("tag"), column("ind1"), column("ind2"), column("value"));
    let lists = fields.column_by_name("subfields").unwrap().as_list::<i64>();
    let subfields = lists.iter().map(|list| list.as_ref().map(arrow_subfields));
    let fields = tag.into_iter().zip(ind1).zip(ind2).zip(value).zip(subfields);
    fields.map(|((((tag, ind1), ind2), value), subfields)| Field { tag, ind1, ind2, value, subfields }).collect()
}

fn arrow_rows(leader: &ArrayRef, control_number: &ArrayRef, fields: &ArrayRef) -> Vec<Row> {
    let fields = fields.as_list::<i64>().iter().map(|list| arrow_fields(&list.unwrap()));
    let rows = arrow_texts(leader).into_iter().zip(arrow_texts(control_number)).zip(fields);
    rows.map(|((leader, control_number), fields)| Row { leader, control_number, fields }).collect()
}

fn batch_rows(batches: &[RecordBatch]) -> Vec<Row> {
    let column = |batch: &RecordBatch, name| batch.column_by_name(name).unwrap().clone();
    let rows = batches
        .iter()
        .map(|batch| arrow_rows(&column(batch, "leader"), &column(batch, "control_number"), &column(batch, "fields")));
    rows.flatten().collect()
}

// What a frame says.

fn polars_texts(series: &Series) -> Vec<Text> {
    if let Ok(categories) = series.cat32() {
        return categories.iter_str().map(|text| text.map(String::from)).collect();
    }
    series.str().unwrap().iter().map(|text| text.map(String::from)).collect()
}

/// The lists of a column of lists.
fn polars_lists(series: &Series) -> Vec<Option<Series>> {
    (0..series.len())
        .map(|row| match series.get(row).unwrap() {
            AnyValue::List(list) => Some(list),
            AnyValue::Null => None,
            other => panic!("{other:?} is no list"),
        })
        .collect()
}

fn polars_subfields(series: &Series) -> Vec<(Text, Text)> {
    let column = |name| polars_texts(&series.struct_().unwrap().field_by_name(name).unwrap());
    column("code").into_iter().zip(column("value")).collect()
}

fn polars_fields(series: &Series) -> Vec<Field> {
    let fields = series.struct_().unwrap();
    let column = |name| fields.field_by_name(name).unwrap();
    let texts = |name| polars_texts(&column(name));
    let (tag, ind1, ind2, value) = (texts("tag"), texts("ind1"), texts("ind2"), texts("value"));
    let subfields = polars_lists(&column("subfields")).into_iter().map(|list| list.as_ref().map(polars_subfields));
    let fields = tag.into_iter().zip(ind1).zip(ind2).zip(value).zip(subfields);
    fields.map(|((((tag, ind1), ind2), value), subfields)| Field { tag, ind1, ind2, value, subfields }).collect()
}

fn column<'a>(frame: &'a DataFrame, name: &str) -> &'a Series {
    frame.column(name).unwrap().as_materialized_series()
}

fn frame_rows(frame: &DataFrame) -> Vec<Row> {
    let fields = polars_lists(column(frame, "fields"));
    let rows = polars_texts(column(frame, "leader")).into_iter().zip(polars_texts(column(frame, "control_number")));
    rows.zip(fields)
        .map(|((leader, control_number), fields)| Row {
            leader,
            control_number,
            fields: polars_fields(&fields.unwrap()),
        })
        .collect()
}

/// A chunk of a column as arrow-array has it.
fn back(series: &Series, chunk: usize) -> ArrayRef {
    let field = series.field().to_arrow(CompatLevel::newest());
    let array = export_array_to_c(series.to_arrow(chunk, CompatLevel::newest()));
    // SAFETY: The structs of the C data interface, moved from one declaration of them to the other; Polars has just exported
    // the array, and the field is of the type that the array was exported in.
    let data = unsafe {
        let array = transmute::<ArrowArray, FFI_ArrowArray>(array);
        let schema = transmute::<ArrowSchema, FFI_ArrowSchema>(export_field_to_c(&field));
        from_ffi(array, &schema)
    };
    make_array(data.unwrap())
}

// The tests.

#[test]
fn columns_are_what_batches_say() {
    let batches = sample();
    assert_eq!(batches.len(), 5);
    let frame = frames(&batches);
    assert_eq!((frame.height(), column(&frame, "leader").n_chunks()), (300, 5));
    for name in ["leader", "control_number"] {
        let expected: Vec<_> =
            batches.iter().flat_map(|batch| arrow_texts(batch.column_by_name(name).unwrap())).collect();
        assert_eq!(polars_texts(column(&frame, name)), expected, "{name}");
    }
    assert_eq!(column(&frame, "leader").str().unwrap().get(0), Some("01236nam a2200301   4500"));
    assert_eq!(column(&frame, "control_number").str().unwrap().get(299), Some("mac00000300"));
}

#[test]
fn types_are_those_of_polars() {
    let categorical = || DataType::from_categories(Categories::global());
    let list = |fields| DataType::List(Box::new(DataType::Struct(fields)));
    let of = |name: &str, dtype| polars::prelude::Field::new(name.into(), dtype);
    let subfields = list(vec![of("code", categorical()), of("value", DataType::String)]);
    let expected = list(vec![
        of("tag", categorical()),
        of("ind1", categorical()),
        of("ind2", categorical()),
        of("value", DataType::String),
        of("subfields", subfields),
    ]);
    let frame = frames(&sample());
    assert_eq!(frame.dtypes(), [DataType::String, DataType::String, expected]);
}

#[test]
fn fields_come_over_value_by_value() {
    let batches = sample();
    let expected = batch_rows(&batches);
    let frame = frames(&batches);
    // A frame owns what it needs.
    drop(batches);
    let rows = frame_rows(&frame);
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row, expected);
    }

    // The sample itself, so that reading both sides wrong in the same way is noticed.
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(rows.iter().map(|row| row.fields.len()).sum::<usize>(), 7766);
    let subfields = rows.iter().flat_map(|row| &row.fields).filter_map(|field| field.subfields.as_ref());
    assert_eq!(subfields.map(Vec::len).sum::<usize>(), 17576);
    let fields = &rows[0].fields;
    let control = Field { tag: text("001"), ind1: None, ind2: None, value: text("mac00000001"), subfields: None };
    assert_eq!(fields[0], control);
    let subfields =
        [("6", "245-02/(N"), ("a", "Дом за переездом :"), ("b", "роман /"), ("c", "Анна Ильинична Ветрова.")];
    let title = Field {
        tag: text("880"),
        ind1: text("1"),
        ind2: text("0"),
        value: None,
        subfields: Some(subfields.iter().map(|&(code, value)| (text(code), text(value))).collect()),
    };
    assert!(fields.contains(&title), "{fields:#?}");
}

#[test]
fn fields_come_over_in_every_string_type() {
    let expected = batch_rows(&sample());
    for string_type in [StringType::View, StringType::LargeString, StringType::String] {
        for categorical in [false, true] {
            let frame = frames(&batches(string_type, Some(categorical)));
            assert_eq!(frame_rows(&frame), expected, "{string_type:?}, categorical: {categorical}");
        }
    }
}

#[test]
fn columns_that_are_asked_for_come_over() {
    let mut options = ReadOptions::default();
    options.batch_size = Some(BATCH_SIZE);
    options.row_index_name = Some("row".into());
    options.row_index_offset = 1;
    options.include_file_paths = Some("path".into());
    options.include_offsets = true;
    let batches: Vec<_> = read(vec![Source::path(SAMPLE)], options).unwrap().collect::<Result<_, _>>().unwrap();
    let frame = frames(&batches);
    assert!(column(&frame, "row").u64().unwrap().into_no_null_iter().eq(1..=300));
    assert!(column(&frame, "path").str().unwrap().iter().all(|path| path == Some(SAMPLE)));
    // Records lie one behind the other, up to the end of the file.
    let (offsets, lengths) = (column(&frame, "offset").u64().unwrap(), column(&frame, "length").u32().unwrap());
    let mut end = 0;
    for (offset, length) in offsets.into_no_null_iter().zip(lengths.into_no_null_iter()) {
        assert_eq!(offset, end);
        end += u64::from(length);
    }
    assert_eq!(end, std::fs::metadata(SAMPLE).unwrap().len());
}

#[test]
fn a_slice_of_a_batch_is_a_frame_of_its_rows() {
    let batch = &sample()[0];
    let slice = batch.slice(10, 20);
    let rows = frame_rows(&frame(&slice).unwrap());
    assert_eq!(rows, batch_rows(std::slice::from_ref(batch))[10..30]);
    assert_eq!(frame(&batch.slice(0, 0)).unwrap().height(), 0);
}

#[test]
fn frames_go_back_as_they_came() {
    let batches = sample();
    let frame = frames(&batches);
    for (chunk, batch) in batches.iter().enumerate() {
        let [leader, control_number, fields] =
            ["leader", "control_number", "fields"].map(|name| back(column(&frame, name), chunk));
        for array in [&leader, &control_number, &fields] {
            array.to_data().validate_full().unwrap();
        }
        assert_eq!(arrow_rows(&leader, &control_number, &fields), batch_rows(std::slice::from_ref(batch)));
    }
}

#[test]
fn text_is_not_copied() {
    let mut long = 0;
    for batch in sample() {
        let frame = frame(&batch).unwrap();
        assert_eq!(frame.height(), batch.num_rows());
        // The leaders: 24 bytes each, so that a view of one points into a buffer.
        let theirs = column(&frame, "leader").str().unwrap().clone();
        let ours = batch.column_by_name("leader").unwrap().as_string_view();
        let places = ours.iter().map(|text| text.unwrap().as_bytes().as_ptr_range());
        for (range, text) in places.zip(theirs.iter()) {
            assert_eq!(range, text.unwrap().as_bytes().as_ptr_range());
            let in_block = |buffer: &arrow_buffer::Buffer| buffer.as_slice().as_ptr_range().contains(&range.start);
            assert!(ours.data_buffers().iter().any(in_block));
        }

        // The values of subfields, two lists deep.
        let fields = batch.column_by_name("fields").unwrap().as_list::<i64>().values().as_struct();
        let subfields = fields.column_by_name("subfields").unwrap().as_list::<i64>().values().as_struct();
        let ours = subfields.column_by_name("value").unwrap().as_string_view();
        let fields = column(&frame, "fields").list().unwrap().get_inner();
        let subfields = fields.struct_().unwrap().field_by_name("subfields").unwrap().list().unwrap().get_inner();
        let theirs = subfields.struct_().unwrap().field_by_name("value").unwrap();
        let theirs = theirs.str().unwrap();
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(theirs.iter()) {
            assert_eq!(ours.unwrap().as_bytes().as_ptr_range(), theirs.unwrap().as_bytes().as_ptr_range());
            long += usize::from(ours.unwrap().len() > 12);
        }
    }
    assert!(long > 1000, "{long} values that are no part of their view");
}
