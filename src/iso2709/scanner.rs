//! Where records begin and end: one rule, used by every way into the program.
//!
//! A record begins at the first byte that is not junk. A *strong boundary* is a `0x1D`, then junk, then a
//! [plausible leader](super::leader) or the end of the input. Every strong boundary cuts, whatever a length says, so
//! that boundaries are local: a thread that starts anywhere finds the same ones.
//!
//! 1. The leader's length is at least 26, the byte at its end is `0x1D`, and no strong boundary comes earlier: that is
//!    the record. Another `0x1D` inside it is data.
//! 2. Otherwise it runs to the next `0x1D`, or to a `0x1E` that junk and a plausible leader follow, or to the end that its length
//!    says if those follow there. A *sound record* within it, a plausible leader of MARC (`22` in 10-11) whose length ends
//!    at that `0x1D`, is a record of its own: what comes before was cut off.
//! 3. Neither before the end of the input: truncated. Neither within 64 MiB: a piece of that length is rejected.
//!
//! The scanner is a function of the buffer and of whether the input ends with it. It asks for more
//! whenever bytes beyond the buffer could change the answer, so chunking never changes where a record ends. A run of junk
//! counts up to [`JUNK_PIECE`] bytes: a `0x1D` followed by that much is a strong boundary, which bounds the look-ahead.

use memchr::{memchr, memchr_iter, memchr2};

use super::leader::{Leader, Plausible, plausible};
use super::{MIN_RECORD, RECORD_TERMINATOR};
use crate::problem::Code;

/// The longest run without a cut that is held in memory; longer ones are rejected in pieces of this size.
pub const MAX_RECORD: usize = 64 << 20;
/// Junk is reported in pieces of at most this many bytes.
pub const JUNK_PIECE: usize = 64 << 10;

/// What the scanner found at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A record, the junk before it being what lies between the position given and `start`.
    Record { start: usize, end: usize, flaw: Option<Code> },
    /// Junk up to `end` and more of it, or the end of the input, after that.
    Junk { end: usize },
    /// It takes more bytes to tell.
    NeedMore,
    /// Nothing is left.
    End,
}

/// Cuts records out of a buffer. Keep one per input, and tell it when the buffer's bytes move.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    /// The first strong boundary at or after every position that was asked about so far and lies before it.
    /// Without it, many weak terminators under one long length would be looked through again and again.
    strong: Option<usize>,
}

/// Where a record ends, or that more bytes are needed.
type Found = Result<(usize, Option<Code>), NeedMore>;

#[derive(Debug)]
struct NeedMore;

impl Scanner {
    /// Tells that the buffer has lost its first `count` bytes.
    pub(crate) fn advance(&mut self, count: usize) {
        self.strong = self.strong.and_then(|strong| strong.checked_sub(count));
    }

    /// The next record, or piece of junk, at or after `at`. `complete` says that the input ends with `buffer`.
    pub(crate) fn step(&mut self, buffer: &[u8], at: usize, complete: bool) -> Step {
        let junk = skip_junk(buffer, at, true);
        if junk.end - at >= JUNK_PIECE {
            // Blanks at the end of the piece may belong to a leader.
            let blanks = buffer
                .get(at..junk.end)
                .map_or(0, |run| run.iter().rev().take(5).take_while(|&&byte| byte == b' ').count());
            return Step::Junk { end: junk.end - blanks };
        }
        if junk.open && !complete {
            return Step::NeedMore;
        }
        if junk.end == buffer.len() {
            return if junk.end == at { Step::End } else { Step::Junk { end: junk.end } };
        }
        let mut start = junk.end;
        if start > at && buffer.get(start - 1) == Some(&b' ') {
            match leader_after(buffer, at, start, complete) {
                Ok(leader) => start = leader.unwrap_or(start),
                Err(NeedMore) => return Step::NeedMore,
            }
        }
        match self.record_end(buffer, start, complete) {
            Ok((end, flaw)) => Step::Record { start, end, flaw },
            Err(NeedMore) => Step::NeedMore,
        }
    }

    fn record_end(&mut self, buffer: &[u8], start: usize, complete: bool) -> Found {
        let rest = buffer.get(start..).unwrap_or_default();
        let declared = match Leader::new(rest) {
            Some(leader) => leader.record_length().filter(|&length| length >= MIN_RECORD),
            None if complete => None,
            None => return Err(NeedMore),
        };
        let mut flaw = Code::LengthMismatch;
        if let Some(end) = declared.map(|length| start + length) {
            match buffer.get(end - 1) {
                Some(&RECORD_TERMINATOR) => match self.strong_before(buffer, start, end - 1, complete)? {
                    None => return Ok((end, None)),
                    Some(_) => flaw = Code::LengthSpansRecords,
                },
                Some(_) => {}
                None if complete => {}
                None => return Err(NeedMore),
            }
        }
        let declared_end = declared.map(|length| start + length);
        let (end, flaw) = Self::next_cut(buffer, start, declared_end, complete, flaw)?;
        if buffer.get(end - 1) == Some(&RECORD_TERMINATOR)
            && let Some(inner) = sound_record_within(buffer, start, end)
        {
            let flaw = match inner - start {
                ..MIN_RECORD => Code::TooShort,
                _ if has_numbers(rest) => Code::Truncated,
                _ => Code::NotMarc,
            };
            return Ok((inner, Some(flaw)));
        }
        // A download that was cut would hardly be as long as its last record says.
        let is_whole = end == buffer.len() && declared == Some(end - start) && ends_in_field(rest);
        Ok((end, if flaw == Some(Code::Truncated) && is_whole { Some(Code::MissingTerminator) } else { flaw }))
    }

    /// The first strong boundary's `0x1D` in `start..end`.
    fn strong_before(
        &mut self,
        buffer: &[u8],
        start: usize,
        end: usize,
        complete: bool,
    ) -> Result<Option<usize>, NeedMore> {
        if let Some(known) = self.strong.filter(|&known| known >= start) {
            return Ok(Some(known).filter(|&known| known < end));
        }
        let mut at = start;
        while let Some(found) = buffer.get(at..end).and_then(|bytes| memchr(RECORD_TERMINATOR, bytes)) {
            let terminator = at + found;
            let junk = skip_junk(buffer, terminator + 1, true);
            let strong = if junk.end - terminator > JUNK_PIECE {
                true
            } else if junk.open && !complete {
                return Err(NeedMore);
            } else {
                junk.end == buffer.len() || leader_after(buffer, terminator + 1, junk.end, complete)?.is_some()
            };
            if strong {
                self.strong = Some(terminator);
                return Ok(Some(terminator));
            }
            // A terminator within this junk would be judged by the same bytes.
            at = junk.end;
        }
        Ok(None)
    }

    /// Rules 2 and 3.
    fn next_cut(buffer: &[u8], start: usize, declared: Option<usize>, complete: bool, flaw: Code) -> Found {
        let limit = start + MAX_RECORD;
        let mut declared = declared;
        let mut at = start;
        loop {
            let window = buffer.get(at..buffer.len().min(limit)).unwrap_or_default();
            let found = memchr2(RECORD_TERMINATOR, super::FIELD_TERMINATOR, window);
            let reached = found.map_or(buffer.len() + 1, |found| at + found + 1);
            if let Some(end) = declared.take_if(|end| *end < reached) {
                let junk = skip_junk(buffer, end, false);
                if junk.open && !complete {
                    return Err(NeedMore);
                }
                if junk.end - end < JUNK_PIECE && leader_after(buffer, end, junk.end, complete)?.is_some() {
                    return Ok((end, Some(Code::MissingTerminator)));
                }
            }
            let Some(found) = found else {
                return if buffer.len() >= limit {
                    Ok((limit, Some(Code::NoTerminator)))
                } else if complete {
                    Ok((buffer.len(), Some(Code::Truncated)))
                } else {
                    Err(NeedMore)
                };
            };
            let cut = at + found + 1;
            if buffer.get(cut - 1) == Some(&RECORD_TERMINATOR) {
                return Ok((cut, Some(flaw)));
            }
            let junk = skip_junk(buffer, cut, false);
            if junk.open && !complete {
                return Err(NeedMore);
            }
            if junk.end - cut < JUNK_PIECE && leader_after(buffer, cut, junk.end, complete)?.is_some() {
                return Ok((cut, Some(Code::MissingTerminator)));
            }
            at = junk.end;
        }
    }
}

/// Where a record begins within `start..end`, which ends in `0x1D`, that is sound: its length says that it ends there, too.
fn sound_record_within(buffer: &[u8], start: usize, end: usize) -> Option<usize> {
    const INDICATORS: usize = 10;
    let bytes = buffer.get(..end)?;
    // Indicators and codes of two bytes are MARC's.
    memchr_iter(b'2', bytes.get(start + 1 + INDICATORS..)?).map(|found| start + 1 + found).find(|&at| {
        let Some(leader) = bytes.get(at..).and_then(Leader::new) else { return false };
        leader.as_bytes().get(INDICATORS..INDICATORS + 2) == Some(b"22")
            && leader.record_length() == Some(end - at)
            && end - at >= MIN_RECORD
            && leader.base_address().is_some_and(|base| base < end - at)
            && plausible(bytes, at, true) == Plausible::Yes
    })
}

/// Whether `record` begins with a leader, as far as its numbers tell.
fn has_numbers(record: &[u8]) -> bool {
    Leader::new(record).is_some_and(|leader| leader.record_length().is_some() || leader.base_address().is_some())
}

/// Whether a record ends in a field terminator, or in that and one byte that stands where the record terminator should.
fn ends_in_field(record: &[u8]) -> bool {
    record.iter().rev().take(2).any(|&byte| byte == super::FIELD_TERMINATOR)
}

/// A run of junk.
pub(super) struct Junk {
    pub(super) end: usize,
    /// The run may go on beyond the buffer.
    open: bool,
}

/// The end of the junk at `at`; looks no further than [`JUNK_PIECE`] bytes.
///
/// `terminators` tells whether a lone `0x1D` counts; after a `0x1E` it ends a record.
pub(super) fn skip_junk(buffer: &[u8], at: usize, terminators: bool) -> Junk {
    let mut end = at;
    let most = at.saturating_add(JUNK_PIECE);
    while end < most {
        match buffer.get(end..).unwrap_or_default() {
            [b'\r' | b'\n' | b' ' | 0 | 0x1A, ..] => end += 1,
            [RECORD_TERMINATOR, ..] if terminators => end += 1,
            [0xEF, 0xBB, 0xBF, ..] => end += 3,
            [] | [0xEF] | [0xEF, 0xBB] => return Junk { end, open: true },
            _ => return Junk { end, open: false },
        }
    }
    Junk { end, open: false }
}

/// Where a plausible leader begins that follows the junk in `junk..at`: at `at`, or up to five blanks earlier.
fn leader_after(buffer: &[u8], junk: usize, at: usize, complete: bool) -> Result<Option<usize>, NeedMore> {
    let mut start = at;
    loop {
        match plausible(buffer, start, complete) {
            Plausible::Yes => return Ok(Some(start)),
            Plausible::Unknown => return Err(NeedMore),
            Plausible::No => {}
        }
        if start == junk || at - start == 5 || buffer.get(start - 1) != Some(&b' ') {
            return Ok(None);
        }
        start -= 1;
    }
}

/// Where the first record begins that a strong boundary at or after `at` puts there; `None` if no such boundary comes.
///
/// Strong boundaries cut whatever comes before them, so that whoever starts there finds the records that are found from the
/// beginning. `buffer` is taken to be a whole input.
///
/// ```
/// use mrrc_arrow::iso2709::resynchronise;
///
/// let record = b"00040nam a2200037 a 4500001000200000\x1eX\x1e\x1d";
/// let three = record.repeat(3);
/// assert_eq!(resynchronise(&three, 0), Some(40));
/// assert_eq!(resynchronise(&three, 40), Some(80));
/// assert_eq!(resynchronise(&three, 80), None);
/// ```
#[must_use]
pub fn resynchronise(buffer: &[u8], at: usize) -> Option<usize> {
    let rest = buffer.get(at..)?;
    match resynchronised(rest, false, rest.len(), true) {
        Resynchronised::At(start) => Some(at + start),
        Resynchronised::Nowhere | Resynchronised::NeedMore(_) => None,
    }
}

/// Where a strong boundary puts the beginning of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resynchronised {
    At(usize),
    Nowhere,
    /// There is a terminator, and junk up to here or a little further; it takes more bytes to tell what comes then. Those before
    /// this one are not needed.
    NeedMore(usize),
}

/// As [`resynchronise`], of an input that may go on after `buffer`, and by terminators before `limit` alone. `in_junk` says that
/// such a one, and junk, came before the buffer.
pub(crate) fn resynchronised(buffer: &[u8], in_junk: bool, limit: usize, complete: bool) -> Resynchronised {
    /// Blanks that may be those of a leader.
    const BLANKS: usize = 5;
    let mut in_junk = in_junk;
    let mut at = 0;
    loop {
        let mut after = at;
        if !std::mem::take(&mut in_junk) {
            let window = buffer.get(at..limit.min(buffer.len())).unwrap_or_default();
            let Some(found) = memchr(RECORD_TERMINATOR, window) else { return Resynchronised::Nowhere };
            after = at + found + 1;
        }
        let mut junk = Junk { end: after, open: false };
        // However much of it there is.
        while let next = skip_junk(buffer, junk.end, true)
            && (next.end > junk.end || next.open != junk.open)
        {
            junk = next;
        }
        let needed = after.max(junk.end.saturating_sub(BLANKS));
        if junk.open && !complete {
            return Resynchronised::NeedMore(needed);
        }
        match leader_after(buffer, after, junk.end, complete) {
            Ok(Some(start)) => return Resynchronised::At(start),
            Err(NeedMore) => return Resynchronised::NeedMore(needed),
            Ok(None) => at = junk.end,
        }
    }
}

/// Finds the records in `buffer`, at most `limit` of them, as `(offset, length)` pairs in order.
///
/// Pairs never overlap, and what lies between two is junk. `buffer` is taken to be a whole input; a record that
/// its end cuts off has no boundary, so it is not among the pairs: what follows the last pair is the tail.
///
/// ```
/// use mrrc_arrow::iso2709::scan_record_boundaries;
///
/// let record = b"00038nam a2200037 a 4500001000100000\x1eX\x1d";
/// let two = [&record[..], b"\r\n", record].concat();
/// assert_eq!(scan_record_boundaries(&two, None), [(0, 39), (41, 39)]);
/// assert_eq!(scan_record_boundaries(&two, Some(1)), [(0, 39)]);
/// assert_eq!(scan_record_boundaries(&two[..60], None), [(0, 39)]);
/// ```
#[must_use]
pub fn scan_record_boundaries(buffer: &[u8], limit: Option<usize>) -> Vec<(usize, usize)> {
    let mut scanner = Scanner::default();
    let mut boundaries = Vec::new();
    let mut at = 0;
    while limit.is_none_or(|limit| boundaries.len() < limit) {
        match scanner.step(buffer, at, true) {
            Step::Record { flaw: Some(Code::Truncated), end, .. } if end == buffer.len() => break,
            Step::NeedMore | Step::End => break,
            Step::Record { start, end, .. } => {
                boundaries.push((start, end - start));
                at = end;
            }
            Step::Junk { end } => at = end,
        }
    }
    boundaries
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECORD: &[u8] = b"00056nam a2200049 a 4500001000200000245000400002\x1eX\x1e1\x1fa\x1e\x1d";

    /// Records, whole and cut, with wrong numbers and other bytes, and what may stand between them.
    fn input() -> impl Strategy<Value = Vec<u8>> {
        let blank = [b"     ", &RECORD[5..]].concat();
        let longer = [b"00075", &RECORD[5..]].concat();
        let other_end = [&RECORD[..RECORD.len() - 1], b"."].concat();
        let piece = prop_oneof![
            4 => Just(RECORD.to_vec()),
            1 => Just(blank),
            1 => Just(longer),
            1 => Just(other_end),
            2 => (0..RECORD.len()).prop_map(|end| RECORD[..end].to_vec()),
            1 => (0..RECORD.len()).prop_map(|start| RECORD[start..].to_vec()),
            2 => prop::collection::vec(prop::sample::select(&b" \r\n\0\x1d\x1e\xEF\xBB\xBF0x"[..]), 0..6),
        ];
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    /// What every step finds, where each is asked again with one byte more for as long as it wants more.
    fn steps(input: &[u8], first: usize) -> Vec<Step> {
        let mut scanner = Scanner::default();
        let (mut at, mut end, mut found) = (0, first.min(input.len()), Vec::new());
        loop {
            match scanner.step(&input[..end], at, end == input.len()) {
                // Of an input that goes on, nothing that is there yet is its end.
                Step::NeedMore | Step::End if end < input.len() => end += 1,
                step => {
                    match step {
                        Step::Record { end, .. } | Step::Junk { end } => at = end,
                        Step::NeedMore | Step::End => return found,
                    }
                    found.push(step);
                }
            }
        }
    }

    #[test]
    fn a_terminator_that_much_junk_follows_cuts_whatever_a_length_says() {
        // Too much to look through for what comes after it, or all there is.
        for (junk, length) in [(70_000, 90_000), (10, 52)] {
            let mut input = [b"00000", &RECORD[5..40], b"\x1d", &vec![0; junk][..]].concat();
            input.resize(length - 1, if junk < 100 { 0 } else { b'x' });
            input.push(RECORD_TERMINATOR);
            input[..5].copy_from_slice(format!("{length:05}").as_bytes());
            let spans = Step::Record { start: 0, end: 41, flaw: Some(Code::LengthSpansRecords) };
            assert_eq!(Scanner::default().step(&input, 0, true), spans, "{junk}");
            // As long as more may come, it may be a leader.
            let until = if junk < 100 { Step::NeedMore } else { spans };
            assert_eq!(Scanner::default().step(&input, 0, false), until, "{junk}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn what_is_found_does_not_depend_on_how_much_has_been_read(input in input(), first in 0..400usize) {
            prop_assert_eq!(steps(&input, first), steps(&input, input.len()));
        }
    }
}
