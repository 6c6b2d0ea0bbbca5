//! Readings of a directory that is wrong as it stands: [`exact`] ones, in which entries lie one after the other and account for
//! every byte of the data, which is hardly by chance; and what is made of pieces between terminators where none is.

use std::ops::Range;

use super::FIELD_TERMINATOR;
use super::directory::{Entry, Place};

/// What lengths and starts count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    /// Of UTF-8.
    Characters,
}

/// Which fields end in `0x1E`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    All,
    /// Half of them or more; the others have another byte there, which is kept as theirs.
    Replaced,
    /// Half of them or more; the others are a byte shorter than they say.
    Deleted,
}

/// Where the fields of `entries` are, without their terminators, if by their own lengths they lie one after the other, in any
/// order, and account for all of `data`. There may be terminators within fields.
pub(super) fn exact(
    record: &[u8],
    entries: &[Entry],
    data: &Range<usize>,
    unit: Unit,
    ends: Ends,
) -> Option<Vec<Range<usize>>> {
    if unit == Unit::Characters && std::str::from_utf8(record.get(data.clone())?).map_or(true, str::is_ascii) {
        return None;
    }
    let mut order: Vec<(Place, usize)> = Vec::with_capacity(entries.len());
    for (number, entry) in entries.iter().enumerate() {
        order.push((entry.place?, number));
    }
    order.sort_by_key(|(place, _)| place.start);
    let mut places = vec![0..0; entries.len()];
    let (mut declared, mut at, mut ended) = (0, data.start, 0);
    for (Place { length, start }, number) in order {
        if length == 0 || start != declared {
            return None;
        }
        declared += length;
        let mut next = match unit {
            Unit::Bytes => at + length,
            Unit::Characters => at + bytes_of(record.get(at..data.end)?, length)?,
        };
        let mut end = next - 1;
        if next <= data.end && record.get(end) == Some(&FIELD_TERMINATOR) {
            ended += 1;
        } else {
            match ends {
                Ends::All => return None,
                Ends::Replaced => end = next,
                Ends::Deleted => next = end,
            }
        }
        if next > data.end || end < at {
            return None;
        }
        *places.get_mut(number)? = at..end;
        at = next;
    }
    let enough = ended == entries.len() || entries.len() > 2 && ended * 2 >= entries.len();
    (at == data.end && !entries.is_empty() && enough).then_some(places)
}

/// How many bytes the first `characters` characters of `text` take.
fn bytes_of(text: &[u8], characters: usize) -> Option<usize> {
    let is_first = |byte: &u8| !(0x80..0xC0).contains(byte);
    let mut firsts = text.iter().enumerate().filter(|(_, byte)| is_first(byte)).map(|(at, _)| at);
    match firsts.nth(characters) {
        Some(next) => Some(next),
        // The last of them ends where the text does.
        None => (text.iter().filter(|&byte| is_first(byte)).count() == characters).then_some(text.len()),
    }
}

pub(super) fn is_line_break(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// Drops pieces that are nothing but blanks, NULs and line breaks, if as many as there are `entries` are left.
pub(super) fn drop_blank(record: &[u8], pieces: &mut Vec<Range<usize>>, entries: usize) {
    let is_blank = |piece: &Range<usize>| {
        record
            .get(piece.clone())
            .is_some_and(|bytes| bytes.iter().all(|&byte| matches!(byte, b' ' | 0) || is_line_break(byte)))
    };
    if pieces.len() > entries && pieces.iter().filter(|piece| !is_blank(piece)).count() == entries {
        pieces.retain(|piece| !is_blank(piece));
    }
}

/// Takes a line break off each piece, if all begin with one.
pub(super) fn strip_line_breaks(record: &[u8], pieces: &mut [Range<usize>]) {
    let length = |piece: &Range<usize>| match record.get(piece.clone()) {
        Some([b'\r', b'\n', ..]) => 2,
        Some([b'\r' | b'\n', ..]) => 1,
        _ => 0,
    };
    if pieces.iter().all(|piece| length(piece) > 0) {
        for piece in pieces {
            piece.start += length(piece);
        }
    }
}

/// Which piece each entry takes if there are as many: those in its own place, unless by the order of their starts more of the
/// entries have the length of their piece.
pub(super) fn ranks(record: &[u8], entries: &[Entry], pieces: &[Range<usize>]) -> Vec<usize> {
    let in_order: Vec<usize> = (0..entries.len()).collect();
    let starts: Option<Vec<usize>> = entries.iter().map(|entry| Some(entry.place?.start)).collect();
    let Some(starts) = starts.filter(|starts| !starts.is_sorted()) else { return in_order };
    let mut by_start = in_order.clone();
    by_start.sort_by_key(|&number| starts.get(number).copied());
    let mut ranks = in_order.clone();
    for (rank, &number) in by_start.iter().enumerate() {
        if let Some(place) = ranks.get_mut(number) {
            *place = rank;
        }
    }
    let fitting = |ranks: &[usize]| {
        entries
            .iter()
            .zip(ranks)
            .filter(|(entry, rank)| pieces.get(**rank).is_some_and(|piece| fits(record, **entry, piece)))
            .count()
    };
    if fitting(&ranks) > fitting(&in_order) { ranks } else { in_order }
}

/// Whether an entry has the length of a piece and its terminator, in bytes or in characters.
fn fits(record: &[u8], entry: Entry, piece: &Range<usize>) -> bool {
    entry.place.is_some_and(|place| {
        let is_first = |byte: &&u8| !(0x80..0xC0).contains(*byte);
        let characters = || record.get(piece.clone()).unwrap_or_default().iter().filter(is_first).count();
        place.length == piece.len() + 1 || place.length == characters() + 1
    })
}

/// `pieces`, cut where one entry begins behind another that says, by its own length, that it ends there.
pub(super) fn cut_at_starts(entries: &[Entry], pieces: &[Range<usize>], base: usize) -> Vec<Range<usize>> {
    let places = || entries.iter().filter_map(|entry| entry.place);
    let mut starts: Vec<usize> = places().map(|place| base + place.start).collect();
    let mut ends: Vec<usize> = places().map(|place| base + place.start + place.length).collect();
    starts.sort_unstable();
    starts.dedup();
    ends.sort_unstable();
    let mut starts = starts.into_iter().filter(|start| ends.binary_search(start).is_ok()).peekable();
    let mut cut = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let mut from = piece.start;
        while starts.next_if(|&start| start <= from).is_some() {}
        while let Some(start) = starts.next_if(|&start| start < piece.end) {
            cut.push(from..start);
            from = start;
        }
        cut.push(from..piece.end);
    }
    cut
}

#[cfg(test)]
mod tests;
