//! Sound records that are damaged in each of the ways that `docs/errors.md` names come out as they were, and as they are said to.

use proptest::prelude::*;

use super::*;
use crate::iso2709::outline::Outline;
use crate::iso2709::{LEADER_LENGTH, MIN_RECORD};
use crate::problem::Code;

/// A tag and its data.
type Field = (String, String);

/// A record from the parts that damage is done to.
#[derive(Debug, Clone)]
struct Parts {
    /// The base address that the leader tells; the right one if `None`.
    base: Option<usize>,
    directory: Vec<u8>,
    /// What ends the directory.
    end: Vec<u8>,
    data: Vec<u8>,
}

impl Parts {
    /// Fields one after the other, as they should be.
    fn sound(fields: &[(&str, &str)]) -> Self {
        Self::counted(fields, str::len)
    }

    /// The same, with lengths and starts in other units than bytes.
    fn counted(fields: &[(&str, &str)], length: impl Fn(&str) -> usize) -> Self {
        let (mut directory, mut data, mut start) = (Vec::new(), Vec::new(), 0);
        for (tag, text) in fields {
            let length = length(text) + 1;
            directory.extend(format!("{tag}{length:04}{start:05}").bytes());
            start += length;
            data.extend(text.bytes());
            data.push(FIELD_TERMINATOR);
        }
        Self { base: None, directory, end: vec![FIELD_TERMINATOR], data }
    }

    /// With these entries, whatever they say, over these data.
    fn entries(entries: &[(&str, usize, usize)], data: &[u8]) -> Self {
        let directory =
            entries.iter().flat_map(|(tag, length, start)| format!("{tag}{length:04}{start:05}").into_bytes());
        Self { base: None, directory: directory.collect(), end: vec![FIELD_TERMINATOR], data: data.to_vec() }
    }

    fn right_base(&self) -> usize {
        LEADER_LENGTH + self.directory.len() + self.end.len()
    }

    fn bytes(&self) -> Vec<u8> {
        let base = self.base.unwrap_or(self.right_base());
        let length = self.right_base() + self.data.len() + 1;
        let leader = format!("{length:05}nam a22{base:05} a 4500").into_bytes();
        [&leader[..], &self.directory, &self.end, &self.data, b"\x1d"].concat()
    }

    /// Each field's tag and data, and each flaw's code and bytes that no field got.
    fn read(&self) -> (Vec<Field>, Vec<(&'static str, String)>) {
        let record = self.bytes();
        let mut outline = Outline::default();
        outline.read(&record).unwrap();
        let text = |range: Range<usize>| String::from_utf8(record[range].to_vec()).unwrap();
        let fields = outline.fields().iter().map(|field| {
            (String::from_utf8(field.tag.to_vec()).unwrap(), text(field.start as usize..field.end as usize))
        });
        let flaws = outline.flaws().iter().map(|flaw| {
            (flaw.code.as_str(), flaw.lost.iter().map(|lost| text(lost.clone())).collect::<Vec<_>>().join("|"))
        });
        (fields.collect(), flaws.collect())
    }
}

const FIELDS: &[(&str, &str)] =
    &[("001", "X1"), ("245", "10\x1faTitle"), ("500", "  \x1faA note"), ("650", " 0\x1faSubject")];

fn owned(fields: &[(&str, &str)]) -> Vec<Field> {
    fields.iter().map(|(tag, text)| ((*tag).into(), (*text).into())).collect()
}

/// The fields of [`FIELDS`] are found, and these flaws.
fn assert_repaired(parts: &Parts, flaws: &[(&'static str, &str)]) {
    let (fields, found) = parts.read();
    assert_eq!(fields, owned(FIELDS), "{parts:?}");
    let expected: Vec<_> = flaws.iter().map(|(code, lost)| (*code, (*lost).to_owned())).collect();
    assert_eq!(found, expected, "{parts:?}");
}

#[test]
fn what_is_sound_has_no_flaws() {
    assert_repaired(&Parts::sound(FIELDS), &[]);
}

#[test]
fn a_base_address_that_is_wrong_is_no_matter() {
    for base in [0, 25, 70, 99_999] {
        let parts = Parts { base: Some(base), ..Parts::sound(FIELDS) };
        assert_repaired(&parts, &[("base_address_mismatch", "")]);
    }
}

#[test]
fn an_incomplete_last_entry_is_left_out_and_told() {
    let mut parts = Parts::sound(FIELDS);
    parts.directory.extend_from_slice(b"70000");
    assert_repaired(&parts, &[("directory_size", "70000")]);
    parts.base = Some(30);
    assert_repaired(&parts, &[("base_address_mismatch", ""), ("directory_size", "70000")]);
}

#[test]
fn line_breaks_in_a_directory_are_left_out() {
    for (at, line_break) in [(1, "\n"), (3, "\n"), (12, "\r\n"), (47, "\r\n")] {
        let mut parts = Parts::sound(FIELDS);
        let base = parts.right_base();
        parts.directory.splice(at..at, line_break.bytes());
        // Each byte that is left out is told.
        let lost = line_break.chars().map(String::from).collect::<Vec<_>>().join("|");
        assert_repaired(&parts, &[("directory_size", &lost)]);
        // The base address may not count them.
        parts.base = Some(base);
        assert_repaired(&parts, &[("directory_size", &lost), ("base_address_mismatch", "")]);
        // Lengths that are wrong as well, with an entry for each piece.
        parts.data.splice(2..2, *b" ");
        let (fields, flaws) = parts.read();
        assert_eq!(fields[0], ("001".into(), "X1 ".into()));
        assert_eq!((fields[1..].to_vec(), flaws[0].0), (owned(&FIELDS[1..]), "directory_size"));
        // With another piece more, there is no reading of such a directory.
        parts.data.extend_from_slice(b"more\x1e");
        assert!(parts.read().1.iter().any(|(code, _)| *code == "directory_mismatch"), "{:?}", parts.read());
    }
}

#[test]
fn lengths_may_count_characters() {
    let fields = &[("001", "Ж"), ("245", "10\x1faÉté à Malmö"), ("500", "漢字🎼"), ("650", "ascii")][..];
    let (found, flaws) = Parts::counted(fields, |text| text.chars().count()).read();
    assert_eq!((found, flaws), (owned(fields), vec![("directory_mismatch", String::new())]));
    // Also where a field has a terminator within it, which pieces alone would not tell.
    let fields = &[("001", "Ж"), ("245", "10\x1faÉté\x1e à Malmö"), ("500", "é")][..];
    let (found, flaws) = Parts::counted(fields, |text| text.chars().count()).read();
    assert_eq!((found, flaws), (owned(fields), vec![("directory_mismatch", String::new())]));
}

#[test]
fn a_leader_that_is_short_or_long_may_stand_before_a_directory_that_counts_characters() {
    let fields = &[("001", "Ж"), ("245", "10\x1faÉté à Malmö"), ("500", "漢字🎼")][..];
    let sound = Parts::counted(fields, |text| text.chars().count()).bytes();
    for (short, base) in [(true, b"00060"), (false, b"00062")] {
        let mut record = sound.clone();
        if short {
            record.remove(23);
        } else {
            record.insert(23, b'x');
        }
        record[12..17].copy_from_slice(base);
        let mut outline = Outline::default();
        outline.read(&record).unwrap();
        let codes: Vec<_> = outline.flaws().iter().map(|flaw| flaw.code).collect();
        assert_eq!(codes, [Code::LeaderLength, Code::DirectoryMismatch]);
        let data = |number: usize| {
            let field = outline.fields()[number];
            &record[field.start as usize..field.end as usize]
        };
        assert!((0..3).all(|number| data(number) == fields[number].1.as_bytes()), "{:?}", outline.fields());
    }
}

#[test]
fn a_terminator_within_a_field_is_text_where_the_directory_accounts_for_it() {
    let fields = &[("001", "X"), ("245", "10\x1faone\x1etwo\x1e"), ("500", "\x1e\x1e")][..];
    let (found, flaws) = Parts::sound(fields).read();
    assert_eq!((found, flaws), (owned(fields), vec![("terminator_in_field", String::new())]));
}

#[test]
fn a_terminator_that_is_missing_or_another_byte_moves_no_field() {
    let sound = Parts::sound(FIELDS);
    let ends: Vec<usize> = (0..sound.data.len()).filter(|&at| sound.data[at] == FIELD_TERMINATOR).collect();
    for &end in &ends[..3] {
        // A byte in its place is kept.
        let mut parts = sound.clone();
        parts.data[end] = b'#';
        let (fields, flaws) = parts.read();
        let mut expected = owned(FIELDS);
        let damaged = ends.iter().position(|&at| at == end).unwrap();
        expected[damaged].1.push('#');
        assert_eq!((fields, flaws), (expected, vec![("missing_field_terminator", String::new())]));
        // Without one, those that follow are a byte earlier than they say.
        let mut parts = sound.clone();
        parts.data.remove(end);
        let (fields, flaws) = parts.read();
        assert_eq!(fields, owned(FIELDS));
        assert_eq!(flaws[0].0, "missing_field_terminator");
    }
    // Of two fields one alone could be anything.
    let mut parts = Parts::sound(&FIELDS[..2]);
    parts.data[2] = b'#';
    assert!(parts.read().1.iter().all(|(code, _)| *code != "missing_field_terminator"));
    // And so could most of them.
    let mut parts = sound;
    for &end in &ends[..3] {
        parts.data[end] = b'#';
    }
    assert!(parts.read().1.iter().all(|(code, _)| *code != "missing_field_terminator"));
}

#[test]
fn a_directory_without_its_terminator_ends_at_the_base_address() {
    let sound = Parts::sound(FIELDS);
    for end in [&b""[..], b"#"] {
        let base = Some(LEADER_LENGTH + sound.directory.len() + end.len());
        let lost = std::str::from_utf8(end).unwrap();
        let mut parts = Parts { base, end: end.to_vec(), ..sound.clone() };
        assert_repaired(&parts, &[("missing_directory_terminator", lost)]);
        // Lengths that are wrong besides, with an entry for each piece.
        parts.data.insert(2, b' ');
        let (fields, flaws) = parts.read();
        assert_eq!(fields[0].1, "X1 ");
        assert_eq!(fields[1..], owned(FIELDS)[1..]);
        let codes: Vec<_> = flaws.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, ["missing_directory_terminator", "directory_mismatch"]);
        // With another piece more, nothing speaks for the base address.
        parts.data.extend_from_slice(b"more\x1e");
        assert!(parts.read().1.iter().all(|(code, _)| *code != "missing_directory_terminator"));
        // Nor does a base address that is within an entry.
        let parts = Parts { base: base.map(|base| base - 5), end: end.to_vec(), ..sound.clone() };
        assert!(parts.read().1.iter().all(|(code, _)| *code != "missing_directory_terminator"));
    }
}

#[test]
fn pieces_that_are_blank_are_no_fields_where_the_others_are_as_many_as_entries() {
    let wrong = Parts::entries(&[("001", 9, 0), ("245", 9, 1), ("500", 9, 2)], b"A\x1e \0\r\n\x1eB\x1eC\x1e");
    let (fields, flaws) = wrong.read();
    assert_eq!(fields, owned(&[("001", "A"), ("245", "B"), ("500", "C")]));
    // They are told all the same.
    assert_eq!(flaws, [("directory_mismatch", String::new()), ("unreferenced_data", " \0\r\n\x1e".to_owned())]);
}

#[test]
fn line_breaks_that_begin_every_field_are_taken_off() {
    for line_break in ["\n", "\r", "\r\n"] {
        let data = format!("{line_break}A\x1e{line_break}B\x1e{line_break}\nC\x1e");
        let (fields, flaws) = Parts::entries(&[("001", 9, 0), ("245", 9, 1), ("500", 9, 2)], data.as_bytes()).read();
        assert_eq!(fields[..2], owned(&[("001", "A"), ("245", "B")]), "{line_break:?}");
        assert_eq!(flaws[1].0, "unreferenced_data");
        assert!(flaws[1].1.starts_with(line_break));
    }
    // Where one has none, they are the fields' own.
    let (fields, _) = Parts::entries(&[("001", 9, 0), ("245", 9, 1)], b"\nA\x1eB\x1e").read();
    assert_eq!(fields, owned(&[("001", "\nA"), ("245", "B")]));
}

#[test]
fn pieces_go_by_the_order_of_starts_where_more_lengths_fit_then() {
    // The lengths of three entries fit by their starts; a fourth fits nothing, so that nothing accounts for every byte.
    let entries = [("300", 4, 11), ("100", 2, 0), ("200", 3, 2), ("250", 9, 5)];
    let (fields, flaws) = Parts::entries(&entries, b"A\x1eBB\x1eDDDD\x1eCCC\x1e").read();
    assert_eq!(fields, owned(&[("300", "CCC"), ("100", "A"), ("200", "BB"), ("250", "DDDD")]));
    assert_eq!(flaws, [("directory_mismatch", String::new())]);
    // Lengths in characters count, too.
    let entries = [("300", 4, 11), ("100", 2, 0), ("200", 3, 2), ("250", 9, 5)];
    let (fields, _) = Parts::entries(&entries, "A\x1eÖÖ\x1eDDDD\x1eÉÉÉ\x1e".as_bytes()).read();
    assert_eq!(fields, owned(&[("300", "ÉÉÉ"), ("100", "A"), ("200", "ÖÖ"), ("250", "DDDD")]));
    // Starts that are out of order while no more lengths fit by them leave the order of the directory.
    let entries = [("300", 9, 11), ("100", 9, 0), ("200", 9, 2)];
    let (fields, _) = Parts::entries(&entries, b"A\x1eBB\x1eCCC\x1e").read();
    assert_eq!(fields, owned(&[("300", "A"), ("100", "BB"), ("200", "CCC")]));
}

#[test]
fn an_entry_that_points_at_nothing_is_told_with_its_bytes() {
    let entries = [("001", 2, 0), ("245", 2, 7777), ("246", 9, 8888), ("500", 2, 2), ("650", 2, 9999)];
    let (fields, flaws) = Parts::entries(&entries, b"A\x1eB\x1eC\x1e").read();
    assert_eq!(fields, owned(&[("001", "A"), ("500", "B")]));
    let lost = "245000207777246000908888|650000209999";
    assert_eq!(
        flaws,
        [("directory_mismatch", ""), ("entry_without_field", lost), ("unreferenced_data", "C\x1e")]
            .map(|(code, lost)| (code, lost.to_owned()))
    );
    // One whose numbers are none.
    let mut parts = Parts::entries(&[("001", 2, 0), ("245", 2, 2), ("500", 2, 4)], b"A\x1eB\x1e");
    parts.directory.splice(15..24, *b"no number");
    let (fields, flaws) = parts.read();
    assert_eq!(fields, owned(&[("001", "A")]));
    assert!(flaws.contains(&("entry_without_field", "245no number500000200004".to_owned())), "{flaws:?}");
}

#[test]
fn two_entries_share_a_piece_where_the_first_says_that_it_ends_there() {
    // Without the terminator between them.
    let entries = [("001", 3, 0), ("245", 3, 3), ("500", 2, 7), ("650", 9, 9)];
    let (fields, flaws) = Parts::entries(&entries, b"AAABBB\x1eC\x1e").read();
    assert_eq!(fields[..3], owned(&[("001", "AAA"), ("245", "BBB"), ("500", "C")]));
    assert_eq!(flaws[0].0, "directory_mismatch");
    // Otherwise each gets all of it, and that is told.
    let entries = [("001", 2, 0), ("245", 3, 3), ("500", 2, 7), ("650", 9, 9)];
    let (fields, flaws) = Parts::entries(&entries, b"AAABBB\x1eC\x1e").read();
    assert_eq!(fields[..3], owned(&[("001", "AAABBB"), ("245", "AAABBB"), ("500", "C")]));
    assert!(flaws.iter().any(|(code, _)| *code == "shared_data"), "{flaws:?}");
}

#[test]
fn what_is_no_record_is_refused_by_the_code_that_says_why() {
    let mut outline = Outline::default();
    let sound = Parts::sound(FIELDS).bytes();
    assert_eq!(outline.read(&sound[..MIN_RECORD - 1]), Err(Code::TooShort));
    assert_eq!(outline.read(&[&sound[..LEADER_LENGTH], b"no terminator\x1d"].concat()), Err(Code::NoDirectory));
    assert_eq!(outline.read(&vec![b'x'; (64 << 20) + 1]), Err(Code::NoTerminator));
    assert_eq!(outline.read(b"This is some text that was put \x1e between records.\x1d"), Err(Code::NotMarc));
    assert_eq!(outline.read(&sound), Ok(()), "what was read before is of no account");
}

proptest! {
    #[test]
    fn readings_that_are_exact_account_for_every_byte_and_for_no_other(
        entries in prop::collection::vec((1..6usize, 0..30usize), 0..6),
        data in prop::collection::vec(prop::sample::select(&b"ab\x1e\x1e\xC3\xA9"[..]), 0..24),
        unit in prop::sample::select(&[Unit::Bytes, Unit::Characters][..]),
        ends in prop::sample::select(&[Ends::All, Ends::Replaced, Ends::Deleted][..]),
        in_a_row in any::<bool>(),
    ) {
        let mut next = 0;
        let entries: Vec<Entry> = entries.into_iter().map(|(length, start)| {
            let start = if in_a_row { next } else { start };
            next += length;
            Entry { tag: *b"500", place: Some(Place { length, start }) }
        }).collect();
        let record = [b"...", &data[..], b"\x1d"].concat();
        let range = 3..3 + data.len();
        if let Some(places) = exact(&record, &entries, &range, unit, ends) {
            prop_assert_eq!(places.len(), entries.len());
            let mut sorted = places.clone();
            sorted.sort_by_key(|place| (place.start, place.end));
            sorted.push(range.end..range.end);
            let (mut at, mut ended) = (range.start, 0);
            for (number, place) in sorted.into_iter().enumerate() {
                // Between two there is nothing but the terminator of the first.
                let gap = &record[at..place.start];
                prop_assert!(gap.is_empty() || gap == [FIELD_TERMINATOR] && number > 0, "{places:?}");
                ended += gap.len();
                at = place.end;
            }
            prop_assert!(ends != Ends::All || ended == entries.len());
            prop_assert!(ended * 2 >= entries.len());
        }
    }
}
