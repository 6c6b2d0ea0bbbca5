//! Files are read back by the `parquet` crate, which knows nothing of how they were written.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowDictionaryKeyType, UInt8Type, UInt16Type, UInt32Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, RecordBatch, StringArray, StringViewArray, UInt32Array, UInt64Array,
};
use arrow_buffer::ArrowNativeType;
use arrow_schema::{Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{BoundaryOrder, BrotliLevel, Compression, Encoding, EncodingMask, ZstdLevel};
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::file::statistics::Statistics;
use proptest::prelude::*;

use super::encode::Encoder;
use super::file::write_group;
use crate::pool::Pool;

type Texts = Vec<Option<String>>;

/// Text of every kind and length, as what comes again and again, and as what comes once.
fn texts() -> impl Strategy<Value = Texts> {
    let text = prop_oneof![
        4 => "[ab]{0,2}",
        2 => "[a-zé]{0,30}",
        1 => "[a\u{7FF}\u{10FFFF}]{60,90}",
    ];
    let text = prop_oneof![4 => text.prop_map(Some), 1 => Just(None)];
    let run = (text, prop_oneof![3 => Just(1_usize), 1 => 2_usize..40]).prop_map(|(text, count)| vec![text; count]);
    prop::collection::vec(run, 0..40).prop_map(|runs| runs.concat())
}

fn keyed<K: ArrowDictionaryKeyType>(texts: &Texts, unused: &str) -> ArrayRef {
    let mut values = vec![unused.to_owned()];
    let keys = texts.iter().map(|text| {
        text.as_ref().map(|text| {
            let key = values.iter().position(|value| value == text).unwrap_or(values.len());
            if key == values.len() {
                values.push(text.clone());
            }
            K::Native::usize_as(key)
        })
    });
    let keys = keys.collect();
    Arc::new(DictionaryArray::<K>::new(keys, Arc::new(StringArray::from(values))))
}

/// A column of each type that has an encoder of its own, one that may not be null, and one of another type among them.
fn batch(texts: &Texts) -> RecordBatch {
    let views: ArrayRef = Arc::new(texts.iter().map(Option::as_deref).collect::<StringViewArray>());
    let there: ArrayRef =
        Arc::new(StringViewArray::from_iter_values(texts.iter().map(|text| text.as_deref().unwrap_or(""))));
    let numbers: ArrayRef = Arc::new(UInt32Array::from_iter_values(0..texts.len() as u32));
    let columns = [
        ("views", views),
        ("numbers", numbers),
        ("there", there),
        ("keys8", keyed::<UInt8Type>(texts, "~")),
        ("keys16", keyed::<UInt16Type>(texts, "")),
    ];
    let fields = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), !matches!(*name, "there" | "numbers")));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, column)| column).collect()).unwrap()
}

/// Row groups as a file.
fn written(groups: &[Vec<RecordBatch>], properties: WriterPropertiesBuilder) -> Bytes {
    let (properties, schema) = (properties.build(), groups[0][0].schema());
    let options =
        ArrowWriterOptions::new().with_properties(Encoder::others(&schema, &properties)).with_skip_arrow_metadata(true);
    let writer = ArrowWriter::try_new_with_options(Vec::new(), schema.clone(), options).unwrap();
    let (mut writer, factory) = writer.into_serialized_writer().unwrap();
    let encoder = Arc::new(Encoder::new(schema, writer.schema_descr(), properties, factory));
    for batches in groups {
        let columns = encoder.spawn(batches, &Pool::get().unwrap()).unwrap();
        let columns = columns.into_iter().map(|column| column.recv().unwrap().unwrap()).collect();
        write_group(&mut writer, columns).unwrap();
    }
    writer.into_inner().unwrap().into()
}

fn opened(file: &Bytes) -> ParquetRecordBatchReaderBuilder<Bytes> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options).unwrap()
}

fn read_back(file: &Bytes) -> Vec<RecordBatch> {
    opened(file).with_batch_size(64).build().unwrap().collect::<Result<_, _>>().unwrap()
}

fn column(batches: &[RecordBatch], name: &str) -> Texts {
    let columns = batches.iter().map(|batch| batch.column_by_name(name).unwrap());
    columns
        .flat_map(|column| column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>())
        .collect()
}

/// Whether nothing that a bound has room for is above `text`, which is one of [`texts`].
fn has_no_short_bound(text: &[u8]) -> bool {
    text.len() > 64 && !text[..64].contains(&b'a')
}

/// Where the pages of a chunk are, and where they begin in its rows, which is to be without gaps.
fn starts_of(chunk: &ColumnChunkMetaData, pages: &[PageLocation]) -> Vec<usize> {
    let (start, end) = (chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset()), chunk.compressed_size());
    let reached = pages.iter().fold(None, |reached, page| {
        assert!(reached.is_none_or(|reached| reached == page.offset));
        Some(page.offset + i64::from(page.compressed_page_size))
    });
    assert!(pages.first().is_none_or(|first| first.offset == chunk.data_page_offset()));
    assert!(reached.is_none_or(|reached| reached == start + end));
    pages.iter().map(|page| usize::try_from(page.first_row_index).unwrap()).collect()
}

/// What is said of a column chunk holds of its rows.
fn check_chunk(chunk: &ColumnChunkMetaData, index: &ColumnIndexMetaData, starts: &[usize], rows: &[Option<String>]) {
    let there = || rows.iter().flatten().map(String::as_bytes);
    let Some(Statistics::ByteArray(statistics)) = chunk.statistics() else { panic!("no statistics") };
    assert_eq!(statistics.null_count_opt(), Some((rows.len() - there().count()) as u64));
    assert_eq!(chunk.num_values(), rows.len() as i64);
    let bytes: i64 = there().map(|text| text.len() as i64).sum();
    assert_eq!(chunk.unencoded_byte_array_data_bytes().unwrap_or(0), bytes);
    match (statistics.min_opt(), statistics.max_opt()) {
        (Some(least), Some(greatest)) => {
            assert!(there().all(|text| least.data() <= text && text <= greatest.data()));
            assert_eq!(statistics.min_is_exact(), there().any(|text| text == least.data()));
            assert!(!statistics.max_is_exact() || there().any(|text| text == greatest.data()));
        }
        (None, None) => assert!(there().max().is_none_or(has_no_short_bound)),
        other => panic!("{other:?}"),
    }
    let ends = starts.iter().copied().skip(1).chain([rows.len()]);
    let pages = || starts.iter().copied().zip(ends.clone());
    let order = index.get_boundary_order();
    let ColumnIndexMetaData::BYTE_ARRAY(index) = index else {
        let greatest = |(start, end): (usize, usize)| rows[start..end].iter().flatten().map(String::as_bytes).max();
        assert!(rows.is_empty() || pages().any(|page| greatest(page).is_some_and(has_no_short_bound)));
        return;
    };
    let told = |bound: &dyn Fn(usize) -> Option<Vec<u8>>| (0..starts.len()).filter_map(bound).collect::<Vec<_>>();
    let least = told(&|page| index.min_value(page).map(<[u8]>::to_vec));
    let greatest = told(&|page| index.max_value(page).map(<[u8]>::to_vec));
    let descends = |bounds: &[Vec<u8>]| bounds.is_sorted_by(|one, next| one >= next);
    let expected = match (least.is_sorted() && greatest.is_sorted(), descends(&least) && descends(&greatest)) {
        (true, _) => BoundaryOrder::ASCENDING,
        (false, true) => BoundaryOrder::DESCENDING,
        (false, false) => BoundaryOrder::UNORDERED,
    };
    assert_eq!(order, Some(expected));
    for (page, (start, end)) in pages().enumerate() {
        let texts: Vec<_> = rows[start..end].iter().flatten().map(String::as_bytes).collect();
        assert_eq!(index.is_null_page(page), texts.is_empty());
        assert_eq!(index.null_count(page), Some((end - start - texts.len()) as i64));
        for text in texts {
            assert!(index.min_value(page).unwrap() <= text && text <= index.max_value(page).unwrap());
        }
    }
}

fn check(groups: &[Vec<Texts>], properties: WriterPropertiesBuilder) {
    let batches: Vec<Vec<_>> = groups.iter().map(|group| group.iter().map(batch).collect()).collect();
    let expected: Vec<Texts> = groups.iter().map(|group| group.concat()).collect();
    let there: Vec<Texts> =
        expected.iter().map(|rows| rows.iter().cloned().map(|text| Some(text.unwrap_or_default())).collect()).collect();
    let file = written(&batches, properties);
    let read = read_back(&file);
    for name in ["views", "keys8", "keys16"] {
        assert_eq!(column(&read, name), expected.concat(), "{name}");
    }
    assert_eq!(column(&read, "there"), there.concat());
    let numbers = read.iter().flat_map(|batch| batch["numbers"].as_primitive::<UInt32Type>().values().to_vec());
    assert_eq!(
        numbers.collect::<Vec<_>>(),
        groups.iter().flatten().flat_map(|texts| 0..texts.len() as u32).collect::<Vec<_>>()
    );
    let metadata = opened(&file).metadata().clone();
    let (indices, offsets) = (metadata.column_index().unwrap(), metadata.offset_index().unwrap());
    for (group, (rows, there)) in expected.iter().zip(&there).enumerate() {
        for leaf in [0, 2, 3, 4] {
            let chunk = metadata.row_group(group).column(leaf);
            let starts = starts_of(chunk, offsets[group][leaf].page_locations());
            // Of levels, of the dictionary, and of data pages.
            let of_pages = chunk.page_encoding_stats_mask().unwrap().encodings().collect::<Vec<_>>();
            let expected = [Encoding::RLE, Encoding::PLAIN].into_iter().chain(of_pages);
            assert_eq!(chunk.encodings_mask(), &EncodingMask::new_from_encodings(expected.collect::<Vec<_>>().iter()));
            check_chunk(chunk, &indices[group][leaf], &starts, if leaf == 2 { there } else { rows });
        }
    }
}

fn compressions() -> impl Strategy<Value = Compression> {
    prop_oneof![
        Just(Compression::ZSTD(ZstdLevel::default())),
        Just(Compression::SNAPPY),
        Just(Compression::LZ4_RAW),
        Just(Compression::UNCOMPRESSED),
    ]
}

proptest! {
    #[test]
    fn text_comes_back_with_what_is_said_of_it(
        groups in prop::collection::vec(prop::collection::vec(texts(), 1..4), 1..3),
        compression in compressions(),
        rows in 1_usize..200,
        page in 1_usize..600,
        dictionary in prop_oneof![1_usize..400, Just(1 << 20)],
    ) {
        check(&groups, WriterProperties::builder()
            .set_compression(compression)
            .set_data_page_row_count_limit(rows)
            .set_data_page_size_limit(page)
            .set_dictionary_page_size_limit(dictionary));
    }
}

/// Numbers that hardly change, that jump, and that are whatever they are.
fn numbers() -> impl Strategy<Value = Vec<u64>> {
    let run = prop_oneof![
        3 => (any::<u64>(), 1_usize..300).prop_map(|(number, count)| vec![number; count]),
        3 => (any::<u32>(), 0_u64..5, 1_usize..300)
            .prop_map(|(from, step, count)| (0..count as u64).map(|place| u64::from(from) + step * place).collect()),
        1 => prop::collection::vec(any::<u64>(), 1..200),
        1 => prop::collection::vec(prop_oneof![Just(0), Just(u64::MAX), Just(1 << 31), Just(1 << 63)], 1..200),
    ];
    prop::collection::vec(run, 0..6).prop_map(|runs| runs.concat())
}

fn batch_of_numbers(numbers: &[u64]) -> RecordBatch {
    let narrow = || numbers.iter().map(|&number| number as u32);
    let columns: [(&str, ArrayRef, bool); 3] = [
        ("wide", Arc::new(UInt64Array::from_iter_values(numbers.iter().copied())), false),
        ("narrow", Arc::new(UInt32Array::from_iter_values(narrow())), false),
        (
            "nullable",
            Arc::new(narrow().map(|number| (number % 3 > 0).then_some(number)).collect::<UInt32Array>()),
            true,
        ),
    ];
    let fields =
        columns.iter().map(|(name, column, nullable)| Field::new(*name, column.data_type().clone(), *nullable));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, column, _)| column).collect()).unwrap()
}

proptest! {
    #[test]
    fn numbers_come_back_with_what_is_said_of_them(
        groups in prop::collection::vec(prop::collection::vec(numbers(), 1..4), 1..3),
        compression in compressions(),
        page_rows in 1_usize..700,
    ) {
        let batches: Vec<Vec<_>> =
            groups.iter().map(|group| group.iter().map(|numbers| batch_of_numbers(numbers)).collect()).collect();
        let properties = WriterProperties::builder().set_compression(compression);
        let file = written(&batches, properties.set_data_page_row_count_limit(page_rows));
        let read = read_back(&file);
        let expected = batch_of_numbers(&groups.concat().concat());
        let read = arrow_select::concat::concat_batches(&expected.schema(), &read).unwrap();
        prop_assert_eq!(&read, &expected);
        let metadata = opened(&file).metadata().clone();
        for (group, numbers) in groups.iter().enumerate() {
            let numbers = numbers.concat();
            let extremes = |least: Option<u64>, greatest: Option<u64>| least.zip(greatest);
            let Some(Statistics::Int64(wide)) = metadata.row_group(group).column(0).statistics() else { panic!() };
            let told = extremes(wide.min_opt().map(|&least| least.cast_unsigned()), wide.max_opt().map(|&greatest| greatest.cast_unsigned()));
            prop_assert_eq!(told, numbers.iter().min().copied().zip(numbers.iter().max().copied()));
            let Some(Statistics::Int32(narrow)) = metadata.row_group(group).column(1).statistics() else { panic!() };
            let told = narrow.min_opt().zip(narrow.max_opt()).map(|(&least, &greatest)| (least.cast_unsigned(), greatest.cast_unsigned()));
            let cut = || numbers.iter().map(|&number| number as u32);
            prop_assert_eq!(told, cut().min().zip(cut().max()));
            prop_assert_eq!(narrow.null_count_opt(), Some(0));
            let starts = starts_of(metadata.row_group(group).column(0), metadata.offset_index().unwrap()[group][0].page_locations());
            let index = &metadata.column_index().unwrap()[group][0];
            let ColumnIndexMetaData::INT64(index) = index else { prop_assert!(numbers.is_empty()); continue };
            for (page, (&start, end)) in starts.iter().zip(starts.iter().copied().skip(1).chain([numbers.len()])).enumerate() {
                let rows = &numbers[start..end];
                prop_assert!(rows.len() <= page_rows);
                prop_assert_eq!(index.min_value(page).map(|&least| least.cast_unsigned()), rows.iter().min().copied());
                prop_assert_eq!(index.max_value(page).map(|&greatest| greatest.cast_unsigned()), rows.iter().max().copied());
            }
        }
    }
}

#[test]
fn pages_are_of_the_sizes_that_are_asked_for() {
    let texts: Texts = (0..1000).map(|number| Some(format!("{number:020}"))).collect();
    let file = written(
        &[vec![batch(&texts[..200].to_vec()), batch(&texts[200..400].to_vec())]],
        WriterProperties::builder()
            .set_data_page_row_count_limit(50)
            .set_data_page_size_limit(240)
            .set_dictionary_page_size_limit(24 * 100),
    );
    let metadata = opened(&file).metadata().clone();
    let chunk = metadata.row_group(0).column(0);
    // A hundred texts in the dictionary, in two pages, and three hundred as they are, ten to a page.
    let mask = chunk.page_encoding_stats_mask().unwrap();
    assert!([Encoding::PLAIN, Encoding::RLE_DICTIONARY].into_iter().all(|encoding| mask.is_set(encoding)));
    assert!(chunk.dictionary_page_offset().unwrap() < chunk.data_page_offset());
    let pages = metadata.offset_index().unwrap()[0][0].page_locations();
    let starts: Vec<_> = pages.iter().map(|page| page.first_row_index).collect();
    assert_eq!(starts, [0, 50].into_iter().chain((100..400).step_by(10)).collect::<Vec<_>>());
}

#[test]
fn keys_of_nulls_are_nulls_and_slices_are_what_they_show() {
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("b")]));
    let keys = [Some(0_u8), Some(1), None, Some(2), Some(0), Some(1)].into_iter().collect();
    let keys: ArrayRef = Arc::new(DictionaryArray::<UInt8Type>::new(keys, values));
    let numbers: ArrayRef = Arc::new(UInt32Array::from(vec![7, 8, 9, 10, 11, 12]));
    let columns = [("keys", keys, true), ("numbers", numbers, false)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let file = written(&[vec![batch.slice(1, 4), batch.slice(0, 0)]], WriterProperties::builder());
    let read = read_back(&file);
    assert_eq!(column(&read, "keys"), [None, None, Some("b"), Some("a")].map(|text| text.map(str::to_owned)));
    assert_eq!(read[0]["numbers"].as_primitive::<UInt32Type>().values().to_vec(), [8, 9, 10, 11]);
}

#[test]
fn the_order_of_pages_is_that_of_what_is_told_of_them() {
    let long = |end: &str| Some("P".repeat(63) + end + "xxxx");
    // The first is shortened to 64 bytes, the second, which is behind it, to 63.
    check(&[vec![vec![long("a"), long("é")]]], WriterProperties::builder().set_data_page_row_count_limit(1));
    let ordered: Texts = (0..40).map(|number| Some(format!("{:02}", number / 2))).collect();
    let reversed: Texts = ordered.iter().rev().cloned().collect();
    for texts in [ordered, reversed] {
        check(&[vec![texts]], WriterProperties::builder().set_data_page_row_count_limit(3));
    }
}

#[test]
fn bloom_filters_have_all_texts_and_few_others() {
    let texts: Texts = (0..200).map(|number| Some(format!("ocm{number:08}"))).collect();
    for dictionary in [1 << 20, 500] {
        let file = written(
            &[vec![batch(&texts)]],
            WriterProperties::builder()
                .set_dictionary_page_size_limit(dictionary)
                .set_column_bloom_filter_enabled("views".into(), true),
        );
        let filter = opened(&file).get_row_group_column_bloom_filter(0, 0).unwrap().unwrap();
        assert!(texts.iter().flatten().all(|text| filter.check(text.as_str())));
        let others = (0..1000).filter(|number| filter.check(format!("other{number}").as_str())).count();
        assert!(others < 100, "{others} of 1000, where 50 are asked for");
        assert!(opened(&file).get_row_group_column_bloom_filter(0, 2).unwrap().is_none());
    }
}

#[test]
fn what_cannot_be_compressed_is_an_error() {
    let (schema, compression) = (batch(&vec![None]).schema(), Compression::BROTLI(BrotliLevel::default()));
    let properties = WriterProperties::builder().set_compression(compression).build();
    let others = WriterProperties::builder().build();
    let options = ArrowWriterOptions::new().with_properties(others);
    let writer = ArrowWriter::try_new_with_options(Vec::new(), schema.clone(), options).unwrap();
    let (writer, factory) = writer.into_serialized_writer().unwrap();
    let encoder = Arc::new(Encoder::new(schema, writer.schema_descr(), properties, factory));
    let columns = encoder.spawn(&[batch(&vec![None])], &Pool::get().unwrap()).unwrap();
    let failed = columns.into_iter().filter(|column| column.recv().unwrap().is_err()).count();
    assert_eq!(failed, 5);
}
