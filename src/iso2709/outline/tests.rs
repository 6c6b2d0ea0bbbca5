//! Directories that are right, and others: where fields are found, and what is told of the rest.

use super::*;
use proptest::prelude::*;

/// A record with these directory entries over these data, which end in `0x1E` or not.
fn record(entries: &[(&str, usize, usize)], data: &[u8]) -> Vec<u8> {
    let base = LEADER_LENGTH + entries.len() * ENTRY_LENGTH + 1;
    let mut record = format!("{:05}nam a22{base:05} a 4500", base + data.len() + 1).into_bytes();
    for (tag, length, start) in entries {
        record.extend_from_slice(format!("{tag}{length:04}{start:05}").as_bytes());
    }
    record.push(FIELD_TERMINATOR);
    record.extend_from_slice(data);
    record.push(RECORD_TERMINATOR);
    record
}

/// Each field's tag and data, and the codes of the flaws.
fn outline(record: &[u8]) -> (Vec<(String, String)>, Vec<&'static str>) {
    let mut outline = Outline::default();
    outline.read(record).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let data = |field: &FieldSpan| text(&record[field.start as usize..field.end as usize]);
    let fields = outline.fields().iter().map(|field| (text(&field.tag), data(field))).collect();
    (fields, outline.flaws().iter().map(|flaw| flaw.code.as_str()).collect())
}

fn fields(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(tag, data)| ((*tag).into(), (*data).into())).collect()
}

#[test]
fn any_order_is_trusted_where_each_entry_is_a_whole_field() {
    let (found, flaws) = outline(&record(&[("100", 2, 0), ("300", 2, 4), ("200", 2, 2)], b"A\x1eB\x1eC\x1e"));
    assert_eq!((found, flaws.len()), (fields(&[("100", "A"), ("300", "C"), ("200", "B")]), 0));
}

#[test]
fn an_entry_of_no_length_is_not_trusted() {
    let (found, flaws) = outline(&record(&[("100", 2, 0), ("520", 0, 2), ("300", 2, 4)], b"A\x1eB\x1eC\x1e"));
    assert_eq!(found, fields(&[("100", "A"), ("520", "B"), ("300", "C")]));
    assert_eq!(flaws, ["directory_mismatch"]);
}

#[test]
fn lengths_that_are_off_pair_with_the_pieces_in_order() {
    let (found, flaws) = outline(&record(&[("100", 1, 0), ("300", 1, 1)], "é\x1eB\x1e".as_bytes()));
    assert_eq!((found, flaws), (fields(&[("100", "é"), ("300", "B")]), vec!["directory_mismatch"]));
}

#[test]
fn what_no_entry_points_at_is_told() {
    let (found, flaws) = outline(&record(&[("100", 2, 0), ("300", 2, 4)], b"A\x1eB\x1eC\x1e"));
    assert_eq!((found, flaws), (fields(&[("100", "A"), ("300", "C")]), vec!["unreferenced_data"]));
}

#[test]
fn entries_may_share_data_within_a_limit_and_what_is_not_shared_is_never_refused() {
    let (found, flaws) = outline(&record(&[("100", 2, 0), ("200", 2, 0), ("300", 2, 0)], b"A\x1eB\x1eC\x1e"));
    assert_eq!(found, fields(&[("100", "A"), ("200", "A"), ("300", "A")]));
    assert_eq!(flaws, ["shared_data", "unreferenced_data"]);

    let long = "x".repeat(400);
    let mut entries = vec![("100", 401, 0); 6];
    entries.push(("300", 2, 401));
    let (found, flaws) = outline(&record(&entries, format!("{long}\x1eB\x1e").as_bytes()));
    assert_eq!(found.last(), fields(&[("300", "B")]).last());
    assert_eq!(found.iter().filter(|(_, data)| *data == long).count(), 2);
    assert_eq!(flaws, ["shared_data", "shared_data_limit"]);
}

#[test]
fn a_leader_that_is_one_byte_short_or_long_is_told_by_its_directory() {
    let sound = record(&[("100", 2, 0), ("300", 2, 2)], b"A\x1eB\x1e");
    let mut outline = Outline::default();
    for (at, base) in [(23, 12..17), (7, 11..16)] {
        let mut short = sound.clone();
        short.remove(at);
        // The base address is the one that the record has now.
        short[base].copy_from_slice(b"00048");
        outline.read(&short).unwrap();
        let codes: Vec<_> = outline.flaws().iter().map(|flaw| flaw.code.as_str()).collect();
        // A byte that is missing further in front moves the base address, too.
        assert_eq!(codes.first(), Some(&"leader_length"));
        assert_eq!(outline.leader(&short)[..], [&short[..23], b" "].concat());
        assert_eq!(outline.fields().len(), 2);
    }
    let mut long = sound.clone();
    long.insert(23, b'x');
    long[12..17].copy_from_slice(b"00050");
    outline.read(&long).unwrap();
    assert_eq!(outline.leader(&long)[..], long[..24]);
    let flaw = &outline.flaws()[0];
    assert_eq!((flaw.code, flaw.lost.first(), outline.fields().len()), (Code::LeaderLength, Some(&(24..25)), 2));
    // One field: of its entry eleven bytes would be left.
    let mut short = record(&[("100", 2, 0)], b"A\x1e");
    short.remove(23);
    outline.read(&short).unwrap();
    assert_eq!((outline.fields().len(), outline.flaws()[0].code), (1, Code::LeaderLength));
    // What was read before is of no account.
    outline.read(&sound).unwrap();
    assert_eq!((outline.leader(&sound)[..] == sound[..24], outline.flaws().len()), (true, 0));
}

proptest! {
    #[test]
    fn every_byte_of_the_data_is_in_a_field_or_named_as_lost(
        entries in prop::collection::vec((0..30usize, 0..60usize), 0..8),
        data in prop::collection::vec(prop_oneof![3 => Just(b'x'), 1 => Just(FIELD_TERMINATOR)], 0..60),
    ) {
        let entries: Vec<_> = entries.into_iter().map(|(length, start)| ("500", length, start)).collect();
        let record = record(&entries, &data);
        let mut outline = Outline::default();
        outline.read(&record).unwrap();
        let mut seen = vec![false; record.len() + 1];
        for field in outline.fields() {
            prop_assert!(field.start <= field.end && field.end as usize <= record.len());
            // The terminator belongs to its field.
            seen[field.start as usize..=field.end as usize].fill(true);
        }
        for range in outline.flaws().iter().flat_map(|flaw| &flaw.lost) {
            seen[range.clone()].fill(true);
        }
        let base = record.len() - 1 - data.len();
        prop_assert!(seen[base..record.len() - 1].iter().all(|&seen| seen));
    }
}

proptest! {
    #[test]
    fn what_is_surely_a_record_is_one(
        entries in prop::collection::vec((0..30usize, 0..60usize), 0..4),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![2 => Just(FIELD_TERMINATOR), 1 => b'0'..=b'9', 1 => any::<u8>()]),
            0..4,
        ),
        length in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let entries: Vec<_> = entries.into_iter().map(|(length, start)| ("500", length, start)).collect();
        let whole = record(&entries, b"A\x1eB\x1e");
        prop_assert_eq!(Outline::surely_takes(&whole), !entries.is_empty());
        let mut other = whole;
        // Mostly in what is looked at.
        for (place, byte) in changes {
            let most = other.len().min(LEADER_LENGTH + 2 * ENTRY_LENGTH);
            other[place.index(most)] = byte;
        }
        if let Some(length) = length {
            other.truncate(length.index(other.len()));
        }
        if Outline::surely_takes(&other) {
            prop_assert_eq!(Outline::default().read(&other), Ok(()));
        }
    }
}
