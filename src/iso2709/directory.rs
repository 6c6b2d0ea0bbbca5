//! The directory: 12-byte entries between the leader and the first field terminator (ISO 2709 §4.3).

use memchr::memchr;

use super::leader::number;
use super::{FIELD_TERMINATOR, LEADER_LENGTH};

/// Length of one entry: tag 3, field length 4, starting position 5.
pub const ENTRY_LENGTH: usize = 12;

/// A borrowed directory, without its terminator.
#[derive(Debug, Clone, Copy)]
pub struct Directory<'a>(&'a [u8]);

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
        rest.get(..memchr(FIELD_TERMINATOR, rest)?).map(Self)
    }

    /// Where data begins if the directory is right: after its terminator.
    #[must_use]
    pub fn base_address(self) -> usize {
        LEADER_LENGTH + self.0.len() + 1
    }

    /// The bytes without the terminator.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The whole entries, in order.
    pub fn entries(self) -> impl ExactSizeIterator<Item = Entry> + Clone + 'a {
        let (entries, _) = self.0.as_chunks::<ENTRY_LENGTH>();
        entries.iter().map(Entry::new)
    }

    /// How many bytes an incomplete last entry has; 0 in a sound directory.
    #[must_use]
    pub fn excess(self) -> usize {
        self.0.len() % ENTRY_LENGTH
    }
}

impl Entry {
    #[inline]
    fn new(entry: &[u8; ENTRY_LENGTH]) -> Self {
        let [a, b, c, l0, l1, l2, l3, start @ ..] = *entry;
        let place = match (number(&[l0, l1, l2, l3]), number(&start)) {
            (Some(length), Some(start)) => Some(Place { length, start }),
            _ => None,
        };
        Self { tag: [a, b, c], place }
    }
}
