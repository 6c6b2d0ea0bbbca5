//! What was read is written as it was, in pieces of any size.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::layout::{Layout, StringType};
use crate::read::{ReadOptions, read};
use crate::source::Source;

const SAMPLE: &[u8] = include_bytes!("../../../tests/data/sample.mrc");

fn written(source: &'static [u8], options: ReadOptions, how: MarcOptions) -> (Vec<u8>, Result<Written, Error>) {
    let stream = read(vec![Source::memory(source)], options).unwrap();
    let mut out = Vec::new();
    let written = write_marc(stream.schema().clone(), stream, Output::writer(&mut out), how, &mut || Ok(()));
    (out, written)
}

#[test]
fn what_was_read_is_written_in_both_layouts_and_all_types() {
    for layout in [Layout::Records, Layout::Subfields] {
        for string_type in [StringType::View, StringType::LargeString, StringType::String] {
            for batch_size in [1, 7, 1000] {
                let options =
                    ReadOptions { layout, string_type, batch_size: Some(batch_size), ..ReadOptions::default() };
                let (out, done) = written(SAMPLE, options, MarcOptions::default());
                assert_eq!(done.unwrap().records, 300);
                assert!(out == SAMPLE, "{layout:?} {string_type:?} {batch_size}");
            }
        }
    }
}

#[test]
fn rows_of_a_record_may_be_in_many_batches() {
    let options = || ReadOptions { layout: Layout::Subfields, ..ReadOptions::default() };
    let whole = read(vec![Source::memory(SAMPLE)], options()).unwrap();
    let schema = whole.schema().clone();
    let batches: Vec<RecordBatch> = whole.map(Result::unwrap).collect();
    for rows in [1, 2, 5, 61] {
        let slices = batches.iter().flat_map(|batch| {
            (0..batch.num_rows()).step_by(rows).map(|start| Ok(batch.slice(start, rows.min(batch.num_rows() - start))))
        });
        let mut out = Vec::new();
        let output = Output::writer(&mut out);
        write_marc(schema.clone(), slices, output, MarcOptions::default(), &mut || Ok(())).unwrap();
        assert!(out == SAMPLE, "{rows}");
    }
}

/// Counts what is written.
struct Counted(Arc<AtomicUsize>);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len(), Ordering::SeqCst);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn nothing_waits_for_one_who_is_slow() {
    let whole = read(vec![Source::memory(SAMPLE)], ReadOptions::default()).unwrap();
    let schema = whole.schema().clone();
    let batch = whole.map(Result::unwrap).next().unwrap().slice(0, 10);
    let mut output = Counted(Arc::default());
    let (reached, mut bytes_before) = (Arc::clone(&output.0), Vec::new());
    let batches = (0..30).map(|number| {
        // All at once, and then one after the other.
        if number >= 20 {
            std::thread::sleep(Duration::from_millis(100));
            bytes_before.push(reached.load(Ordering::SeqCst));
        }
        Ok(batch.clone())
    });
    let written =
        write_marc(schema, batches, Output::writer(&mut output), MarcOptions::default(), &mut || Ok(())).unwrap();
    assert_eq!(written.records, 300);
    let each = output.0.load(Ordering::SeqCst) / 30;
    // When the slow one is asked the second time, all before the first is written, and so on.
    let missing: Vec<_> = (20..).zip(&bytes_before).map(|(begun, bytes)| begun - bytes / each).collect();
    assert!(missing.iter().skip(1).all(|&missing| missing <= 1), "{missing:?}");
}

#[test]
fn who_asks_ends_it() {
    let stream = read(vec![Source::memory(SAMPLE)], ReadOptions::default()).unwrap();
    let mut asked = 0;
    let mut out = Vec::new();
    let done =
        write_marc(stream.schema().clone(), stream, Output::writer(&mut out), MarcOptions::default(), &mut || {
            asked += 1;
            if asked > 1 { Err(Error::internal("enough")) } else { Ok(()) }
        });
    assert_eq!(done.unwrap_err().message(), "enough");
}

#[test]
fn what_marc_8_would_hide_is_written_in_references() {
    // In MARC-8 these characters are bytes that are UTF-8 of another.
    let record = "00062nam a2200049 a 4500001000200000245001000002\x1eX\x1e10\x1fa©Ø\x1e\x1d".as_bytes();
    let how = MarcOptions { encoding: TextEncoding::Marc8, ..MarcOptions::default() };
    let (out, done) = written(record, ReadOptions::default(), how);
    assert_eq!(done.unwrap().references, 2);
    assert!(String::from_utf8(out).unwrap().contains("&#x00A9;&#x00D8;"));
}
