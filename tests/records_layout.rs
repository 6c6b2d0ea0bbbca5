//! `layout="records"`: what was written comes back, in every string type, and views point into the input.

// Helpers outside of test functions may fail as loudly as tests do.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt8Type;
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use bytes::Bytes;
use common::{Row, TestField, encode, numbered, numbered_file, record, rows};
use mrrc_arrow::{Code, Format, Inspection, ReadOptions, Source, StringType, Tags, read};
use proptest::prelude::*;

fn read_all(file: impl Into<Bytes>, options: ReadOptions) -> Vec<RecordBatch> {
    read(vec![Source::memory(file)], options).unwrap().collect::<Result<_, _>>().unwrap()
}

fn read_rows(file: &[u8], options: ReadOptions) -> Vec<Row> {
    read_all(file.to_vec(), options).iter().flat_map(rows).collect()
}

fn options(string_type: StringType, categorical: Option<bool>, batch_size: usize) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.string_type = string_type;
    options.categorical = categorical;
    options.batch_size = Some(batch_size);
    options
}

/// One record with the given data as its only field, directory and all.
fn with_raw_field(tag: &str, data: &[u8]) -> Vec<u8> {
    let mut record =
        format!("{:05}nam a2200037 a 4500{tag}{:04}00000\x1e", 37 + data.len() + 2, data.len() + 1).into_bytes();
    record.extend_from_slice(data);
    record.extend_from_slice(b"\x1e\x1d");
    record
}

fn only_field(tag: &str, data: &[u8]) -> TestField {
    let rows = read_rows(&with_raw_field(tag, data), ReadOptions::default());
    assert_eq!((rows.len(), rows[0].fields.len()), (1, 1));
    rows[0].fields[0].clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arbitrary_records_come_back_equal(
        records in prop::collection::vec(record(), 0..6),
        string_type in prop::sample::select(vec![StringType::View, StringType::LargeString, StringType::String]),
        categorical in prop::option::of(any::<bool>()),
        batch_size in 1..5usize,
    ) {
        let file: Vec<u8> = records.iter().flat_map(|record| encode(record)).collect();
        let found = read_rows(&file, options(string_type, categorical, batch_size));
        let fields: Vec<_> = found.iter().map(|row| row.fields.clone()).collect();
        prop_assert_eq!(&fields, &records);
        for (row, record) in found.iter().zip(&records) {
            let first = record.iter().find_map(|field| match field {
                TestField::Control(tag, value) if tag == "001" => Some(value.clone()),
                _ => None,
            });
            prop_assert_eq!(&row.control_number, &first);
        }
    }
}

#[test]
fn corners_of_a_field_are_kept() {
    let none = [None, None];
    let blank = [Some(" ".to_owned()), Some(" ".to_owned())];
    let data = |indicators: &[Option<String>; 2], text: Option<&str>, subfields: &[(&str, &str)]| {
        let subfields = subfields.iter().map(|(c, v)| ((*c).to_owned(), (*v).to_owned())).collect();
        TestField::Data("500".into(), indicators.clone(), text.map(String::from), subfields)
    };
    assert_eq!(only_field("008", b"a\x1fb\x1f"), TestField::control("008", "a\x1fb\x1f"));
    assert_eq!(only_field("500", b"  \x1fa\x1f\x1fb"), data(&blank, None, &[("a", ""), ("", ""), ("b", "")]));
    assert_eq!(only_field("500", b"  \x1f"), data(&blank, None, &[("", "")]));
    assert_eq!(only_field("500", b""), data(&none, None, &[]));
    assert_eq!(only_field("500", b"\x1faX"), data(&none, None, &[("a", "X")]));
    assert_eq!(only_field("500", b"1\x1faX"), data(&[Some("1".into()), None], None, &[("a", "X")]));
    assert_eq!(only_field("500", b"  text\x1faX"), data(&blank, Some("text"), &[("a", "X")]));
    assert_eq!(only_field("500", b"  text"), data(&blank, Some("text"), &[]));
    assert_eq!(only_field("500", "  \x1féX".as_bytes()), data(&blank, None, &[("é", "X")]));
    assert!(matches!(only_field("LOK", b"  \x1faX"), TestField::Data(tag, ..) if tag == "LOK"));
    assert!(matches!(only_field("00A", b"  \x1faX"), TestField::Data(..)));
}

#[test]
fn bytes_that_are_no_text_become_replacement_characters_in_structure_only() {
    let mut file = with_raw_field("5\u{e9}", b"\xff1\x1faX");
    file[5] = 0xFF;
    let row = &read_rows(&file, ReadOptions::default())[0];
    assert_eq!(row.leader.chars().nth(5), Some('\u{FFFD}'));
    assert_eq!(row.leader.chars().count(), 24);
    let expected = [Some("\u{FFFD}".to_owned()), Some("1".to_owned())];
    assert_eq!(
        row.fields,
        [TestField::Data("5\u{FFFD}\u{FFFD}".into(), expected, None, vec![("a".into(), "X".into())])]
    );
}

#[test]
fn text_that_a_directory_cuts_inside_a_character_is_never_a_view() {
    // 001 is "é"; the directory says that 002 begins in the middle of it, at its own only terminator.
    let mut file = b"00058nam a2200049 a 4500001000300000002000200001\x1e".to_vec();
    file.extend_from_slice("é\x1e\x1d".as_bytes());
    let length = format!("{:05}", file.len());
    file[..5].copy_from_slice(length.as_bytes());
    let mut stream = read(vec![Source::memory(file)], ReadOptions::default()).unwrap();
    let found: Vec<Row> = stream.by_ref().flat_map(|batch| rows(&batch.unwrap())).collect();
    assert_eq!(found[0].fields, [TestField::control("001", "é"), TestField::control("002", "\u{FFFD}")]);
    let problems: Vec<_> = stream.problems().iter().map(|(code, count)| (code.as_str(), count)).collect();
    assert_eq!(problems, [("shared_data", 1), ("invalid_utf8", 1)]);
}

#[test]
fn views_point_into_the_input() {
    let file = Bytes::from(numbered_file(3000));
    let memory = file.as_ptr() as usize..file.as_ptr() as usize + file.len();
    let mut titles = 0;
    for batch in read_all(file.clone(), ReadOptions::default()) {
        let fields = batch.column_by_name("fields").unwrap().as_list::<i64>().values().as_struct().clone();
        let subfields = fields.column_by_name("subfields").unwrap().as_list::<i64>().values().as_struct().clone();
        let values = subfields.column_by_name("value").unwrap().as_string_view().clone();
        assert_eq!(values.data_buffers().len(), 1);
        for value in values.iter().flatten().filter(|value| value.len() > 12) {
            assert!(memory.contains(&(value.as_ptr() as usize)));
            titles += 1;
        }
    }
    assert_eq!(titles, 3000);
}

#[test]
fn a_dictionary_that_fills_up_loses_nothing() {
    // 300 distinct codes over many records, in one batch as far as the caller can tell.
    let records: Vec<_> = (0..300u32)
        .map(|n| {
            let code = char::from_u32(0x4E00 + n).unwrap().to_string();
            vec![TestField::data("500", "  ", &[(&code, "x"), ("a", "y")])]
        })
        .collect();
    let file: Vec<u8> = records.iter().flat_map(|record| encode(record)).collect();
    for batch_size in [7, 1000] {
        let batches = read_all(file.clone(), options(StringType::View, None, batch_size));
        let found: Vec<_> = batches.iter().flat_map(rows).map(|row| row.fields).collect();
        assert_eq!(found, records);
    }
}

#[test]
fn a_record_that_overflows_a_dictionary_alone_is_a_counted_repair() {
    let codes: Vec<String> = (0..300u32).map(|n| char::from_u32(0x4E00 + n).unwrap().to_string()).collect();
    let subfields: Vec<_> = codes.iter().map(|code| (code.as_str(), "x")).collect();
    let record = vec![TestField::data("500", "  ", &subfields)];
    let file = [numbered(1), encode(&record), numbered(2)].concat();
    let mut stream = read(vec![Source::memory(file.clone())], ReadOptions::default()).unwrap();
    let found: Vec<_> = stream.by_ref().flat_map(|batch| rows(&batch.unwrap())).collect();
    assert_eq!(found.len(), 3);
    let TestField::Data(_, _, _, subfields) = &found[1].fields[0] else { panic!() };
    assert_eq!(subfields.len(), 300);
    assert_eq!(subfields.iter().filter(|(code, _)| code == "\u{FFFD}").count(), 45);
    assert_eq!(stream.problems().get(Code::DictionaryFull), 1);
    let plain = read_rows(&file, options(StringType::View, Some(false), 100));
    assert_eq!(plain[1].fields, record);
}

#[test]
fn symbols_are_dictionaries_of_the_batch() {
    let batch = &read_all(numbered_file(10), ReadOptions::default())[0];
    let fields = batch.column_by_name("fields").unwrap().as_list::<i64>().values().as_struct().clone();
    let ind1 = fields.column_by_name("ind1").unwrap().as_dictionary::<UInt8Type>().clone();
    assert_eq!(ind1.values().data_type(), &DataType::Utf8);
    assert_eq!(ind1.values().len(), 2);
    assert_eq!(ind1.null_count(), 10);
}

#[test]
fn entries_that_share_data_cannot_blow_up_the_output() {
    // 7,000 entries, all for the same field of 9,000 bytes with thousands of subfields.
    let data = [b"  ".to_vec(), b"\x1fa".repeat(4499), vec![0x1E]].concat();
    let mut file = b"00000nam a2284025 a 4500".to_vec();
    for _ in 0..7000 {
        file.extend_from_slice(format!("500{:04}00000", data.len()).as_bytes());
    }
    file.push(0x1E);
    file.extend_from_slice(&data);
    file.push(0x1D);
    let mut lenient = ReadOptions::default();
    lenient.ignore_errors = true;
    let mut stream = read(vec![Source::memory(file.clone())], lenient).unwrap();
    let bytes: usize = stream.by_ref().map(|batch| batch.unwrap().get_array_memory_size()).sum();
    assert!(bytes < 40 * file.len(), "{bytes}");
    assert_eq!(stream.problems().get(Code::SharedDataLimit), 1);
}

#[test]
fn fields_come_in_directory_order_whatever_order_they_lie_in() {
    let mut file = b"00000nam a2200061 a 4500001000200000650000500007651000500002\x1e".to_vec();
    file.extend_from_slice(b"X\x1e  \x1faB\x1e  \x1faA\x1e\x1d");
    file[54..60].copy_from_slice(b"000002"); // 651 lies first
    let mut lenient = ReadOptions::default();
    lenient.ignore_errors = true;
    let rows = read_rows(&file, lenient);
    let tags: Vec<_> = rows[0]
        .fields
        .iter()
        .map(|field| match field {
            TestField::Control(tag, _) | TestField::Data(tag, ..) => tag.as_str(),
        })
        .collect();
    assert_eq!(tags, ["001", "650", "651"]);
}

#[test]
fn a_read_that_only_counts_agrees_with_the_table() {
    let file: Vec<u8> = (0..50)
        .flat_map(|n| {
            let mut record = numbered(n);
            if n % 7 == 3 {
                // No directory.
                record.truncate(30);
                record.push(0x1D);
            }
            record
        })
        .collect();
    let mut lenient = ReadOptions::default();
    lenient.ignore_errors = true;
    let mut inspection = Inspection::count(vec![Source::memory(file.clone())], &lenient).unwrap();
    while inspection.poll(std::time::Duration::from_secs(5)).unwrap().is_some() {}
    let mut stream = read(vec![Source::memory(file)], lenient).unwrap();
    let rows: usize = stream.by_ref().map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(inspection.rows(), rows as u64);
    assert_eq!(inspection.problems(), stream.problems());
    assert!(rows < 50);
}

#[test]
fn the_schema_is_known_before_anything_is_read() {
    let options = ReadOptions::default();
    let batches = read_all(numbered_file(1), options.clone());
    assert_eq!(options.schema().unwrap(), batches[0].schema());
    let schema = read(vec![Source::memory(Bytes::new())], options).unwrap().schema().clone();
    assert_eq!(schema, batches[0].schema());
}

// Memory checkers keep memory that was given back.
#[cfg(all(target_os = "linux", not(mrrc_arrow_system_allocator)))]
#[test]
fn what_is_rejected_takes_no_room_for_rows() {
    // Nothing but delimiters, and then nothing but what could be directory entries; neither is a record.
    let peak = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
    };
    for filler in [0x1F, b'x'] {
        let file = [numbered(0), vec![filler; 30 << 20], vec![0x1E, 0x1D], numbered(1)].concat();
        let length = file.len();
        let before = peak();
        let mut lenient = ReadOptions::default();
        lenient.ignore_errors = true;
        assert_eq!(read_rows(&file, lenient).len(), 2);
        assert!(peak() - before < 12 * length, "{} for {length}", peak() - before);
    }
}

/// What damage does to a file: bytes put in place of others, taken out, or added.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => prop::sample::select(&[0x1Du8, 0x1E, 0x1F, b'0', b'1', b'9', b' ', 0x1B, 0xC3, 0xA9, 0x80, 0xE2, 0xB9, b'a'][..]),
        1 => any::<u8>(),
    ];
    let change = (any::<prop::sample::Index>(), 0..3u8, byte);
    // Of many fields, several are looked at together.
    let long = (record(), 1..6usize).prop_map(|(fields, times)| encode(&vec![fields; times].concat()));
    let record = prop_oneof![record().prop_map(|fields| encode(&fields)), long, (0..99usize).prop_map(numbered)];
    (prop::collection::vec(record, 1..6), prop::collection::vec(change, 0..4), any::<bool>()).prop_map(
        |(records, changes, flagged)| {
            let mut file = records.concat();
            if !flagged && let Some(scheme) = file.get_mut(9) {
                *scheme = b' ';
            }
            for (index, what, byte) in changes {
                let at = index.index(file.len());
                match what {
                    0 => file[at] = byte,
                    1 => drop(file.remove(at)),
                    _ => file.insert(at, byte),
                }
                if file.is_empty() {
                    break;
                }
            }
            file
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    /// Plain strings take the general way for every record of which there is something to show; dictionaries a shorter one where
    /// all is as it should be.
    #[test]
    fn sound_records_are_read_as_the_general_way_reads_them(
        file in damaged(),
        unimarc in any::<bool>(),
        tags in prop::option::of(prop::sample::subsequence(vec!["001", "00X", "245", "6XX", "500"], 0..4)),
    ) {
        let read = |categorical| {
            let mut options = options(StringType::View, Some(categorical), 100);
            options.ignore_errors = true;
            options.tags = tags.clone().map(|tags| Tags::new(tags).unwrap());
            options.format = if unimarc { Format::Unimarc } else { Format::Marc21 };
            let mut stream = read(vec![Source::memory(file.clone())], options).unwrap();
            let batches: Result<Vec<RecordBatch>, _> = stream.by_ref().collect();
            let problems: Vec<_> = stream.problems().iter().collect();
            (batches.map(|batches| batches.iter().flat_map(rows).collect::<Vec<Row>>()).map_err(|error| error.to_string()), problems)
        };
        prop_assert_eq!(read(true), read(false));
    }
}

#[test]
fn records_with_wrong_lengths_take_linear_time() {
    // Two too long, each of them, as in many a public dump.
    let flawed = |count: usize| -> Vec<u8> {
        let mut record = numbered(7);
        let length = record.len() + 2;
        record[..5].copy_from_slice(format!("{length:05}").as_bytes());
        record.repeat(count)
    };
    let seconds = |count: usize| {
        let file = flawed(count);
        let start = std::time::Instant::now();
        let batches = read_all(file, options(StringType::View, None, 1_000_000));
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), count);
        start.elapsed().as_secs_f64()
    };
    // Looking through the marks of all records before it for each would take 64 times as long.
    let linear = (0..5).any(|_| seconds(40_000) < 20.0 * seconds(5_000));
    assert!(linear);
}

#[test]
fn what_is_counted_of_a_source_does_not_depend_on_the_next() {
    let mut first = numbered_file(20);
    first.extend(b"too short\x1d");
    let sources = || vec![Source::memory(first.clone()), Source::memory(numbered_file(5))];
    for (rows, rejected) in [(20, 0), (22, 1), (25, 1), (99, 1)] {
        let mut lenient = ReadOptions::default();
        lenient.ignore_errors = true;
        lenient.n_rows = Some(rows);
        let mut counted = Inspection::count(sources(), &lenient).unwrap();
        while counted.poll(std::time::Duration::from_secs(5)).unwrap().is_some() {}
        assert_eq!((counted.rows(), counted.problems().rejected()), (rows.min(25), rejected), "{rows}");
        let mut stream = read(sources(), lenient).unwrap();
        assert_eq!(stream.by_ref().map(|batch| batch.unwrap().num_rows() as u64).sum::<u64>(), rows.min(25));
        assert_eq!(stream.problems().rejected(), rejected, "{rows}");
    }
}
