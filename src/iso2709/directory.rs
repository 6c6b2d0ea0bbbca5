//! The directory: 12-byte entries between the leader and the first field terminator (ISO 2709 §4.3).

use memchr::memchr;

use super::{FIELD_TERMINATOR, LEADER_LENGTH};

/// Length of one entry: tag 3, field length 4, starting position 5.
pub const ENTRY_LENGTH: usize = 12;

/// A borrowed directory, without its terminator.
#[derive(Debug, Clone, Copy)]
pub struct Directory<'a> {
    entries: &'a [u8],
    /// Its first byte in the record.
    start: usize,
}

/// One directory entry as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Three bytes, whatever they are.
    pub tag: [u8; 3],
    /// Where the field lies, counted from the base address; `None` if those nine bytes are not digits.
    pub place: Option<Place>,
}

/// A field's place as a directory entry gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Length with the field terminator.
    pub length: usize,
    /// Start, counted from the base address.
    pub start: usize,
}

impl<'a> Directory<'a> {
    /// The directory of a record: what lies between the leader and the first `0x1E`.
    #[must_use]
    pub fn new(record: &'a [u8]) -> Option<Self> {
        let rest = record.get(LEADER_LENGTH..)?;
        Some(Self { entries: rest.get(..memchr(FIELD_TERMINATOR, rest)?)?, start: LEADER_LENGTH })
    }

    /// The same directory of `record`, taken to begin at `start`.
    pub(super) fn beginning_at(self, record: &'a [u8], start: usize) -> Option<Self> {
        Some(Self { entries: record.get(start..self.base_address() - 1)?, start })
    }

    /// Where data begins if the directory is right: after its terminator.
    #[must_use]
    pub fn base_address(self) -> usize {
        self.start + self.entries.len() + 1
    }

    /// The bytes without the terminator.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.entries
    }

    /// The whole entries, in order.
    pub fn entries(self) -> impl ExactSizeIterator<Item = Entry> + Clone + 'a {
        let (entries, _) = self.entries.as_chunks::<ENTRY_LENGTH>();
        entries.iter().map(Entry::new)
    }

    /// How many bytes an incomplete last entry has; 0 in a sound directory.
    #[must_use]
    pub fn excess(self) -> usize {
        self.entries.len() % ENTRY_LENGTH
    }
}

impl Entry {
    #[inline]
    pub(crate) fn new(entry: &[u8; ENTRY_LENGTH]) -> Self {
        let [a, b, c, digits @ .., last] = *entry;
        Self { tag: [a, b, c], place: place(digits, last) }
    }
}

/// Four digits of a length and five of a start, all at once: eight bytes as one number.
#[inline]
fn place(digits: [u8; 8], last: u8) -> Option<Place> {
    const HIGH: u64 = u64::from_ne_bytes([0xF0; 8]);
    const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);
    let word = u64::from_le_bytes(digits);
    // Digits are 0x30 to 0x39: the upper half of each byte is 3, and stays so when 6 is added.
    let odd = (word & HIGH) ^ ZEROS | (word.wrapping_add(ZEROS / 8) & HIGH) ^ ZEROS;
    if odd != 0 || !last.is_ascii_digit() {
        return None;
    }
    // Two digits in each 16 bits, then four in each 32.
    let values = word & !HIGH;
    let pairs = (values * 10 + (values >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    let (length, start) = (fours & 0xFFFF, fours >> 32);
    Some(Place { length: length as usize, start: start as usize * 10 + usize::from(last - b'0') })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso2709::leader::number;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_place_is_two_numbers_or_nothing(
            bytes in prop::array::uniform9(prop_oneof![
                20 => b'0'..=b'9', 1 => any::<u8>(), 1 => prop::sample::select(&b"/: \0\xb0"[..]),
            ]),
        ) {
            let (length, start) = bytes.split_at(4);
            let expected = number(length).zip(number(start)).map(|(length, start)| Place { length, start });
            let digits = *bytes.first_chunk().unwrap();
            prop_assert_eq!(place(digits, bytes[8]), expected);
        }
    }
}
