//! What an input that is not ISO 2709 looks like, told from its first bytes.

use memchr::memchr2;

use super::leader::{Leader, Plausible, plausible};
use super::scanner::skip_junk;
use super::{FIELD_TERMINATOR, LEADER_LENGTH, RECORD_TERMINATOR};

/// How many bytes at the start are looked at.
pub(super) const WINDOW: usize = 32 << 10;

/// Up to here a cut record shows too little of its directory to be told from text.
const CUT_LEADER: usize = 36;
/// A tar archive says so before this.
const TAR_HEADER: usize = 512;
/// A directory that takes more than this is no beginning of a file.
const JOINED: usize = 8 << 10;
/// What is left of the window after junk must be this long to say anything.
const ENOUGH: usize = 4 << 10;

/// Whether `head`, the beginning of a stream that gives only what it has, is enough to say what it looks like: where there
/// are terminators, what follows does not change the answer.
#[must_use]
pub(super) fn is_enough(head: &[u8]) -> bool {
    let text = head.get(skip_junk(head, 0, true).end..).unwrap_or_default();
    if head.len() >= WINDOW || plausible(text, 0, false) == Plausible::Yes {
        return true;
    }
    // What a directory in broken lines takes, and the mark of a tar archive.
    let least = Leader::new(text).and_then(Leader::base_address).unwrap_or(0).clamp(CUT_LEADER, JOINED);
    text.len() >= least + least / 8
        && head.len() >= TAR_HEADER
        && memchr2(RECORD_TERMINATOR, FIELD_TERMINATOR, text).is_some()
}

/// Says what `head`, the first [`WINDOW`] bytes of an input or all of it, looks like, if it is not ISO 2709.
///
/// Damage alone never makes an input foreign: that takes a known other format, or not one terminator in the window.
#[must_use]
pub(super) fn foreign(head: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "a zip archive (unpack it first)"),
        (b"\x1F\x8B", "gzip within gzip"),
        (b"\x28\xB5\x2F\xFD", "zstd within another compression"),
        (b"BZh", "bzip2 within another compression"),
        (b"\xFD7zXZ", "xz (unpack it first)"),
        (b"7z\xBC\xAF\x27\x1C", "a 7z archive (unpack it first)"),
        (b"Rar!\x1A\x07", "a rar archive (unpack it first)"),
        (b"\x04\x22\x4D\x18", "lz4 (unpack it first)"),
        (b"\x1F\x9D", "the compression of compress (unpack it first)"),
        (b"\xD0\xCF\x11\xE0", "a document of an office program"),
        (b"PAR1", "Parquet (open it with your data frame library)"),
        (b"ARROW1", "Arrow IPC (open it with your data frame library)"),
        (b"%PDF", "PDF"),
        (b"SQLite format 3", "an SQLite database"),
        (b"\xFF\xFE", "UTF-16 text"),
        (b"\xFE\xFF", "UTF-16 text"),
    ];
    let head = head.get(..WINDOW).unwrap_or(head);
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(what);
    }
    let text = head.get(skip_junk(head, 0, true).end..).unwrap_or_default().trim_ascii_start();
    if text.len() < ENOUGH && head.len() == WINDOW {
        return None;
    }
    if let Some(leader) = Leader::new(text) {
        // MAB2 has ISO 2709's terminators but no directory: the data follow the leader at once.
        if leader.as_bytes().get(6..10) == Some(b"M2.0") {
            return Some("MAB2, which has no directory");
        }
        // Whatever comes later.
        if text.starts_with(b"=LDR  ") {
            return Some("MARCMaker mnemonic text (.mrk)");
        }
        if is_isis(text) {
            return Some("an ISIS export with printable delimiters in place of 0x1D-0x1F");
        }
    }
    let digits = text.iter().take(5).all(|byte| byte.is_ascii_digit() || *byte == b' ');
    if text.is_empty() || digits && text.len() < CUT_LEADER || plausible(text, 0, true) == Plausible::Yes {
        return None;
    }
    if matches!(head.get(257..263), Some(b"ustar\0" | b"ustar ")) {
        return Some("a tar archive (unpack it first)");
    }
    if memchr2(RECORD_TERMINATOR, FIELD_TERMINATOR, text).is_some() {
        return None;
    }
    // No text format has terminators in it; damage in front of a record is no reason to take it for one.
    match text {
        [b'<', rest @ ..] => {
            let start = rest.get(..14).unwrap_or(rest).to_ascii_lowercase();
            let html = start.starts_with(b"!doctype html") || start.starts_with(b"html");
            return Some(if html { "HTML, a web page" } else { "XML (MARCXML is not read yet)" });
        }
        [b'{' | b'[', b' ' | b'\r' | b'\n' | b'\t' | b'"' | b'{' | b'[' | b'}' | b']', ..] => return Some("JSON"),
        [b'=', b'L', b'D', b'R', ..] => return Some("MARCMaker mnemonic text (.mrk)"),
        _ => {}
    }
    if let Some(line) = text.get(..18)
        && line.iter().take(9).all(u8::is_ascii_digit)
        && line.get(9) == Some(&b' ')
        && line.get(16..18) == Some(b"L ")
    {
        return Some("Aleph sequential text");
    }
    Some(if printable(text.get(..256).unwrap_or(text)) {
        "plain text"
    } else {
        "binary data without one field or record terminator"
    })
}

/// Whether a record begins `text` in which `#`, and perhaps `^`, stand for terminators and delimiters. Lines are often broken
/// every 80 bytes, anywhere, which no number counts.
fn is_isis(text: &[u8]) -> bool {
    let joined: Vec<u8> = text.iter().copied().filter(|&byte| byte != b'\r' && byte != b'\n').take(JOINED).collect();
    let base = Leader::new(&joined).and_then(Leader::base_address).filter(|&base| base > LEADER_LENGTH);
    let is_open = |base| !joined.iter().take(base).any(|&byte| byte == FIELD_TERMINATOR || byte == RECORD_TERMINATOR);
    base.is_some_and(|base| matches!(joined.get(base - 1), Some(b'#' | b'^')) && is_open(base))
        && joined.get(27..36).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

/// Whether `text`, which may end inside a character, is UTF-8 without control characters.
fn printable(text: &[u8]) -> bool {
    let valid = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            text.get(..error.valid_up_to()).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
        }
        Err(_) => return false,
    };
    valid.chars().all(|c| !c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &[u8] = b"00038nam a2200037 a 4500001000100000\x1eX\x1e\x1d";

    #[test]
    fn other_formats_are_told_by_name() {
        assert_eq!(foreign(b"<?xml version='1.0'?><collection/>"), Some("XML (MARCXML is not read yet)"));
        assert_eq!(foreign(b"\xEF\xBB\xBF[\n{\"leader\": \"\"}]"), Some("JSON"));
        assert_eq!(foreign(b"=LDR  00714cam a2200205 a 4500"), Some("MARCMaker mnemonic text (.mrk)"));
        assert_eq!(foreign(b"000000001 LDR   L 00714cam^a2200205^a^4500"), Some("Aleph sequential text"));
        assert_eq!(foreign(b"01175nM2.01200024      h001 2078\x1e\x1d"), Some("MAB2, which has no directory"));
        assert_eq!(foreign(b"Dear reader, this is a letter."), Some("plain text"));
    }

    #[test]
    fn damage_in_front_of_a_record_makes_no_input_foreign() {
        for front in [&b""[..], b"<br>\n", b"[ ", b"{\n", b"xx", b"\r\n\x1a"] {
            assert_eq!(foreign(&[front, RECORD].concat()), None, "{front:?}");
        }
    }

    #[test]
    fn files_that_begin_with_a_mark_are_told_by_it() {
        for (head, what) in [
            (&b"PK\x03\x04\x14"[..], "a zip archive"),
            (b"\x1F\x8B\x08", "gzip within gzip"),
            (b"\xFD7zXZ\0", "xz"),
            (b"PAR1\x15", "Parquet"),
            (b"%PDF-1.7", "PDF"),
            (b"SQLite format 3\0", "an SQLite database"),
            (b"\xFF\xFE0\x000\0", "UTF-16 text"),
            (b"<!DOCTYPE html><p>", "HTML"),
            (b"<HTML><p>", "HTML"),
            (b"<collection>", "XML"),
            (b"{\"leader\": \"\"}", "JSON"),
            (b"{ \"leader\": \"\"}", "JSON"),
            (b"=LDR", "MARCMaker"),
            ("Grüße aus Köln, ohne ein Feld".as_bytes(), "plain text"),
            (b"\x01\x02\x03 no text, and no terminator", "binary data"),
            (b"latin 1: M\xFCnchen, and no terminator", "binary data"),
        ] {
            assert!(foreign(head).unwrap_or("nothing").starts_with(what), "{what}: {:?}", foreign(head));
        }
        let mut tar = vec![0; 1024];
        tar[..10].copy_from_slice(b"folder/one");
        tar[257..263].copy_from_slice(b"ustar\0");
        tar[700] = 0x1E;
        assert_eq!(foreign(&tar), Some("a tar archive (unpack it first)"));
        // A character that the look at the beginning cuts is no reason to take text for something else.
        let long = "é".repeat(WINDOW);
        assert_eq!(foreign(&[b"x", long.as_bytes()].concat()), Some("plain text"));
        assert_eq!(foreign(long.as_bytes()), Some("plain text"));
    }

    #[test]
    fn isis_is_told_by_the_directory_that_its_delimiters_end_also_in_broken_lines() {
        let isis = b"00076nam  2200049   4500001000200000245001900002#X#10^aA title of words#%";
        for delimiter in [b'#', b'^'] {
            let mut text = isis.to_vec();
            text[48] = delimiter;
            assert!(foreign(&text).is_some_and(|what| what.starts_with("an ISIS export")), "{:?}", foreign(&text));
        }
        let broken = [&isis[..30], b"\r\n", &isis[30..]].concat();
        assert!(foreign(&broken).is_some_and(|what| what.starts_with("an ISIS export")));
        // Its base address must be where one is, and its directory must be of digits.
        let mut other = isis.to_vec();
        other[28] = b'x';
        assert_eq!(foreign(&other), Some("plain text"));
        let mut sound = isis.to_vec();
        sound[48] = FIELD_TERMINATOR;
        assert_eq!(foreign(&sound), None);
    }

    #[test]
    fn nothing_is_said_of_junk_and_of_what_may_be_a_record_that_was_cut() {
        assert_eq!(foreign(b""), None);
        assert_eq!(foreign(b" \r\n\0"), None);
        assert_eq!(foreign(&vec![b' '; WINDOW]), None);
        assert_eq!(foreign(&[&vec![b'\n'; WINDOW - 100][..], &[b'x'; 200]].concat()), None, "too little to tell");
        for end in 0..RECORD.len() {
            assert_eq!(foreign(&RECORD[..end]), None, "{end}");
        }
    }

    #[test]
    fn a_look_is_enough_where_what_follows_changes_nothing() {
        // A sound beginning of a record, however short, once its leader and directory can be told.
        assert!(is_enough(RECORD));
        assert!(!is_enough(&RECORD[..20]));
        assert!(!is_enough(b""));
        assert!(is_enough(&vec![b'x'; WINDOW]));
        // Damage with terminators in it is no other format once it is longer than the mark of an archive may come.
        let damaged = b"some text \x1e and more ".repeat(40);
        assert!(is_enough(&damaged));
        assert!(!is_enough(&damaged[..300]));
        assert!(!is_enough(&b"some text without one ".repeat(40)));
        for head in [RECORD.to_vec(), damaged] {
            assert_eq!(foreign(&head), foreign(&[&head[..], &[b'x'; 5000]].concat()));
        }
    }
}
