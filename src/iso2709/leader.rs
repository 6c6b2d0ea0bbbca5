//! The leader: 24 bytes of fixed positions at the start of each record (ISO 2709 §4.2, MARC 21 "Leader").

use super::{FIELD_TERMINATOR, LEADER_LENGTH, RECORD_TERMINATOR};

/// A borrowed leader.
///
/// ```
/// use mrrc_arrow::iso2709::Leader;
///
/// let leader = Leader::new(b"00714cam a2200205 a 4500").unwrap();
/// assert_eq!(leader.record_length(), Some(714));
/// assert_eq!(leader.base_address(), Some(205));
/// assert!(leader.is_utf8());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leader<'a>(&'a [u8; LEADER_LENGTH]);

impl<'a> Leader<'a> {
    /// The leader at the start of `bytes`; `None` if there are fewer than 24.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        bytes.first_chunk().map(Self)
    }

    /// All 24 bytes.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8; LEADER_LENGTH] {
        self.0
    }

    /// Positions 00-04, the record's length; leading blanks are taken for zeros. `None` if not a number.
    #[must_use]
    pub fn record_length(self) -> Option<usize> {
        let digits: &[u8; 5] = self.0.first_chunk()?;
        let blanks = digits.iter().take(4).take_while(|&&byte| byte == b' ').count();
        number(digits.get(blanks..)?)
    }

    /// Whether positions 00-04 are blank.
    fn has_blank_length(self) -> bool {
        self.0.starts_with(b"     ")
    }

    /// Position 09, the character coding scheme: `a` for UTF-8, blank for MARC-8.
    #[must_use]
    pub fn coding_scheme(self) -> u8 {
        self.0[9]
    }

    /// Whether position 09 says UTF-8.
    #[must_use]
    pub fn is_utf8(self) -> bool {
        self.coding_scheme() == b'a'
    }

    /// Positions 12-16, the base address of data. `None` if not five digits.
    #[must_use]
    pub fn base_address(self) -> Option<usize> {
        number(self.0.get(12..17)?)
    }
}

/// Reads decimal digits; `None` when empty or when a byte is not a digit. At most nine digits are passed in.
pub(crate) fn number(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0usize, |sum, &byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| sum.checked_mul(10)?.checked_add(usize::from(digit)))?
    })
}

/// What [`plausible`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plausible {
    Yes,
    No,
    /// More bytes are needed to tell.
    Unknown,
}

/// Whether a plausible leader begins at `at`, `complete` telling whether `buffer` ends where the input does.
///
/// 24 bytes without `0x1D`-`0x1F`; 0-4 digits after optional blanks, or blanks alone if nothing else is in doubt; 12-16
/// digits, at least 25, and, where the bytes are there, `0x1E` before the base address; then either an empty directory or
/// an entry's nine digits.
/// Weaker tests take the numbers in control fields for leaders.
pub(crate) fn plausible(buffer: &[u8], at: usize, complete: bool) -> Plausible {
    let rest = buffer.get(at..).unwrap_or_default();
    let unknown = if complete { Plausible::No } else { Plausible::Unknown };
    // Cheap refusals first: most candidates fail on their first byte.
    let Some(leader) = Leader::new(rest) else {
        let odd = |byte: &u8| !byte.is_ascii_digit() && *byte != b' ';
        return if rest.iter().take(5).any(odd) { Plausible::No } else { unknown };
    };
    let blank = leader.has_blank_length();
    if leader.record_length().is_none() && !blank || leader.0.iter().any(|b| (RECORD_TERMINATOR..=0x1F).contains(b)) {
        return Plausible::No;
    }
    let base = match leader.base_address() {
        Some(base) if base > LEADER_LENGTH => base,
        _ => return Plausible::No,
    };
    match rest.get(LEADER_LENGTH) {
        None => return unknown,
        Some(&FIELD_TERMINATOR) => {}
        Some(_) => match rest.get(27..36) {
            None => return unknown,
            Some(digits) if digits.iter().all(u8::is_ascii_digit) => {}
            Some(_) => return Plausible::No,
        },
    }
    match rest.get(base - 1) {
        Some(&FIELD_TERMINATOR) => Plausible::Yes,
        Some(_) => Plausible::No,
        None if complete && !blank => Plausible::Yes,
        None => unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_before_the_length_are_zeros() {
        assert_eq!(Leader::new(b"  714cam a2200205 a 4500").and_then(Leader::record_length), Some(714));
        assert_eq!(Leader::new(b"7 14 cam a2200205 a 4500").and_then(Leader::record_length), None);
        assert_eq!(Leader::new(b"     cam a2200205 a 4500").and_then(Leader::record_length), None);
    }

    #[test]
    fn a_number_is_digits_and_nothing_else() {
        assert_eq!(
            [&b"00714"[..], b"0", b"", b"7 14", b"+714", b"\xB2"].map(number),
            [Some(714), Some(0), None, None, None, None]
        );
    }

    #[test]
    fn a_control_field_of_digits_is_no_leader() {
        let field = b"190204s19881987xxufrz 12345 eng\x1e  \x1faText\x1e";
        assert_eq!(plausible(field, 0, true), Plausible::No);
    }

    #[test]
    fn a_cut_leader_is_unknown_until_the_input_is_complete() {
        let record = b"00038nam a2200037 a 4500001000100000\x1eX\x1e\x1d";
        assert_eq!(plausible(record, 0, true), Plausible::Yes);
        for end in 0..36 {
            assert_eq!(plausible(&record[..end], 0, false), Plausible::Unknown, "{end}");
            assert_eq!(plausible(&record[..end], 0, true), Plausible::No, "{end}");
        }
    }
}
