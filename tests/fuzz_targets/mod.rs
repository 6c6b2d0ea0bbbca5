//! What must hold for any bytes at all. Run by cargo-fuzz (`make fuzz`), and on a few thousand inputs by `tests/fuzz.rs`.

#![allow(dead_code)] // each fuzz target uses one of them

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, RecordBatch};
use arrow_cast::display::array_value_to_string;
use mrrc_arrow::iso2709::{Outline, resynchronise, scan_record_boundaries};
use mrrc_arrow::{
    Code, Encoding, Format, Inspection, Item, Layout, ReadChunk, ReadOptions, ReaderOptions, RecordReader, Severity,
    Source, measure, read,
};

/// Boundaries are in order and apart, and whoever starts in the middle finds the same ones.
pub fn scanner(data: &[u8]) {
    let boundaries = scan_record_boundaries(data, None);
    let mut reached = 0;
    for &(offset, length) in &boundaries {
        assert!(offset >= reached && length > 0);
        reached = offset + length;
    }
    assert!(reached <= data.len());
    let some = boundaries.len() / 2;
    assert_eq!(scan_record_boundaries(data, Some(some)), boundaries[..some]);
    let middle = data.first().map_or(0, |&first| data.len() * usize::from(first) / 256);
    if let Some(start) = resynchronise(data, middle) {
        assert!(start > middle && start <= data.len());
        let rest = scan_record_boundaries(&data[start..], None);
        let expected = boundaries.iter().filter(|(offset, _)| *offset >= start);
        assert!(rest.iter().map(|(offset, length)| (offset + start, *length)).eq(expected.copied()));
    }
}

/// Every byte of a record's data is in a field or named as lost.
pub fn record(data: &[u8]) {
    let mut outline = Outline::default();
    if outline.read(data).is_err() {
        return;
    }
    let mut seen = vec![false; data.len() + 1];
    let directory = data.iter().skip(24).position(|&byte| byte == 0x1E).map_or(data.len(), |at| 24 + at + 1);
    for field in outline.fields() {
        assert!(field.start <= field.end && field.end as usize <= data.len());
        seen[field.start as usize..=field.end as usize].fill(true);
    }
    for lost in outline.flaws().iter().flat_map(|flaw| &flaw.lost) {
        assert!(lost.end <= data.len());
        seen[lost.clone()].fill(true);
    }
    let end = data.len() - usize::from(data.last() == Some(&0x1D));
    assert!(seen.get(directory..end).is_none_or(|seen| seen.iter().all(|&seen| seen)));
}

/// Bytes become text of bounded length, whatever they are, in the encoding that the first one says.
pub fn text(data: &[u8]) {
    let Some((&first, data)) = data.split_first() else { return };
    let (_, encoding) = Encoding::ALL[usize::from(first) % Encoding::ALL.len()];
    let text = measure::decode(encoding, data);
    assert!(text.len() <= 3 * data.len());
    if data.is_ascii() && !data.contains(&0x1B) {
        assert_eq!(text.as_bytes(), data);
    }
}

/// All ways of reading tell the same: in batches large and small, with dictionaries (where sound records take a shorter way) or
/// plain strings, handed out or kept, record by record in one thread, and by counting. The first byte says an encoding, or whether
/// records do by the rules of MARC 21 or of UNIMARC.
pub fn whole_read(data: &[u8]) {
    let (first, data) = data.split_first().map_or((0, data), |(&first, rest)| (first, rest));
    let way = usize::from(first) % (Encoding::ALL.len() + 2);
    let format = if way > Encoding::ALL.len() { Format::Unimarc } else { Format::Marc21 };
    let options = |batch_size: usize, categorical: bool| {
        let mut options = ReadOptions::default();
        options.ignore_errors = true;
        options.batch_size = Some(batch_size);
        options.categorical = Some(categorical);
        options.include_offsets = true;
        options.format = format;
        options.encoding = Encoding::ALL.get(way).map(|&(_, encoding)| encoding);
        options
    };
    let source = || vec![Source::memory(data.to_vec())];
    let table_of = |sources: Vec<Source>, options: ReadOptions| {
        let mut stream = read(sources, options).expect("options that fit each other");
        let batches: Result<Vec<RecordBatch>, _> = stream.by_ref().collect();
        batches.ok().map(|batches| (batches.iter().flat_map(rows).collect::<Vec<String>>(), stream.problems().clone()))
    };
    let table = |options: ReadOptions| table_of(source(), options);
    let Some((rows, problems)) = table(options(1000, false)) else {
        // A compressed stream that is broken, which it is for everyone.
        assert!(table(options(1, true)).is_none());
        return;
    };
    for (batch_size, categorical) in [(1, false), (1000, true)] {
        let (found, told) = table(options(batch_size, categorical)).expect("a stream that can be read");
        // A dictionary has room for 255 codes, and says so.
        if told.get(Code::DictionaryFull) == 0 {
            assert_eq!((&found, &told), (&rows, &problems));
        }
        assert_eq!(found.len(), rows.len());
    }
    // Of what is read piece by piece, a table that is kept has copies in place of blocks.
    for (layout, batch_size) in [(Layout::Records, 1), (Layout::Records, 1000), (Layout::Subfields, 1000)] {
        let mut kept = options(batch_size, true);
        kept.layout = layout;
        let there = table(kept.clone());
        assert!(there.is_some());
        kept.retain = true;
        let pieces = Source::stream(None, Box::new(Pieces(data.to_vec(), 0)));
        assert_eq!(table_of(vec![pieces], kept), there);
    }
    // A table of subfields has the same records, and is told the same of them.
    let mut flat = options(1000, true);
    flat.layout = Layout::Subfields;
    let mut stream = read(source(), flat).expect("options that fit each other");
    let mut leaders = 0;
    for batch in stream.by_ref() {
        let batch = batch.expect("a stream that can be read");
        drop(self::rows(&batch));
        let positions = batch.column_by_name("field").expect("a column of the layout").as_primitive::<UInt32Type>();
        leaders += positions.values().iter().filter(|&&position| position == 0).count();
    }
    assert_eq!(leaders, rows.len());
    if stream.problems().get(Code::DictionaryFull) == problems.get(Code::DictionaryFull) {
        assert_eq!(stream.problems(), &problems);
    }
    let mut counted = Inspection::count(source(), &options(1, false)).expect("options that fit each other");
    while counted.poll(Duration::from_secs(60)).expect("errors are left out").is_some() {}
    assert_eq!((counted.rows(), counted.problems().rejected()), (rows.len() as u64, problems.rejected()));

    let mut reading = ReaderOptions::default();
    reading.ignore_foreign = true;
    reading.format = format;
    let mut reader = RecordReader::open(source(), &reading).expect("memory can be opened");
    let (mut records, mut rejected, mut repairs) = (0, 0, 0);
    loop {
        match reader.pop().expect("the process that opened it") {
            Item::Record(block, index) => {
                // What is laid out anew is a record.
                if let Ok(bytes) = block.as_marc(index) {
                    assert!(!block.repairs(index).is_empty() || bytes == block.bytes(index));
                }
                for field in block.fields(index).map(|span| block.field(index, span)) {
                    field.subfields().for_each(|subfield| drop(block.text(index, subfield.value())));
                }
                repairs += usize::from(!block.repairs(index).is_empty() || !block.text_repairs(index).is_empty());
                records += 1;
            }
            Item::Rejected(..) => rejected += 1,
            Item::Empty => drop(reader.read_batch(None).expect("memory can be read")),
            Item::End => break,
        }
    }
    assert_eq!((records, rejected), (rows.len(), problems.rejected()));
    // Records that have something to be told have it everywhere.
    if options(1, false).encoding.is_none() && problems.get(Code::DictionaryFull) == 0 {
        let mut inspection = Inspection::problems_of(source(), &options(1000, false)).expect("options that fit");
        let mut repaired = BTreeSet::new();
        while let Some(problems) = inspection.poll(Duration::from_secs(60)).expect("errors are left out") {
            let told = problems.into_iter().filter(|problem| problem.code.severity() == Severity::Repair);
            repaired.extend(told.map(|problem| problem.record));
        }
        assert_eq!(repaired.len(), repairs);
    }
}

/// Bytes that come a few at a time.
struct Pieces(Vec<u8>, usize);

impl ReadChunk for Pieces {
    fn read_chunk(&mut self, buffer: &mut Vec<u8>, want: usize) -> io::Result<usize> {
        let rest = self.0.get(self.1..).unwrap_or_default();
        let piece = &rest[..want.min(700).min(rest.len())];
        buffer.extend_from_slice(piece);
        self.1 += piece.len();
        Ok(piece.len())
    }
}

/// Each row as text, after a full validation of what Arrow takes for granted.
fn rows(batch: &RecordBatch) -> Vec<String> {
    for column in batch.columns() {
        column.to_data().validate_full().expect("arrays that are valid");
    }
    let text = |row| {
        let columns = batch.columns().iter();
        columns.map(|column| array_value_to_string(column, row).expect("types that can be shown")).collect()
    };
    (0..batch.num_rows()).map(text).collect()
}
