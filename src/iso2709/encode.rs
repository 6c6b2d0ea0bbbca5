//! A record laid out anew: directory, lengths and base address as they should be.

use super::{FIELD_TERMINATOR, LEADER_LENGTH, RECORD_TERMINATOR};

/// The most bytes of a field with its terminator, and of a record: the largest numbers of four and of five digits.
pub(crate) const LONGEST_FIELD: usize = 9_999;
pub(crate) const LONGEST_RECORD: usize = 99_999;

/// Why a record cannot be written: what, and how long it would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooLong {
    /// A field, with its terminator, of over [`LONGEST_FIELD`] bytes.
    Field([u8; 3], usize),
    /// A record of over [`LONGEST_RECORD`] bytes.
    Record(usize),
}

/// The record with `fields`, tag and data without terminator each, and a leader like `leader`.
pub(crate) fn encode<'a>(
    leader: &[u8; LEADER_LENGTH],
    fields: impl Iterator<Item = ([u8; 3], &'a [u8])>,
) -> Result<Vec<u8>, TooLong> {
    let (mut directory, mut data) = (Vec::new(), Vec::new());
    for (tag, field) in fields {
        let length = field.len() + 1;
        if length > LONGEST_FIELD {
            return Err(TooLong::Field(tag, length));
        }
        directory.extend_from_slice(&tag);
        directory.extend_from_slice(format!("{length:04}{:05}", data.len()).as_bytes());
        data.extend_from_slice(field);
        data.push(FIELD_TERMINATOR);
    }
    let base = LEADER_LENGTH + directory.len() + 1;
    let length = base + data.len() + 1;
    if length > LONGEST_RECORD {
        return Err(TooLong::Record(length));
    }
    let mut record = Vec::with_capacity(length);
    record.extend_from_slice(format!("{length:05}").as_bytes());
    record.extend_from_slice(leader.get(5..10).unwrap_or_default());
    record.extend_from_slice(format!("22{base:05}").as_bytes());
    record.extend_from_slice(leader.get(17..20).unwrap_or_default());
    record.extend_from_slice(b"4500");
    record.extend_from_slice(&directory);
    record.push(FIELD_TERMINATOR);
    record.extend_from_slice(&data);
    record.push(RECORD_TERMINATOR);
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &[u8] = b"00059nam a2200049 a 4500001000200000245000700002\x1eX\x1e10\x1faOz\x1e\x1d";

    #[test]
    fn a_sound_record_comes_back_as_it_was_and_wrong_numbers_are_put_right() {
        let fields = [(*b"001", &b"X"[..]), (*b"245", &b"10\x1faOz"[..])];
        for leader in [b"00059nam a2200049 a 4500", b"99999nam a99xxxxx a     "] {
            assert_eq!(encode(leader, fields.into_iter()).unwrap(), RECORD);
        }
    }

    #[test]
    fn what_has_no_room_in_a_directory_is_refused() {
        let leader = b"00059nam a2200049 a 4500";
        let long = vec![b'x'; 9_999];
        assert_eq!(encode(leader, [(*b"500", &long[..])].into_iter()), Err(TooLong::Field(*b"500", 10_000)));
        let fields = std::iter::repeat_n((*b"500", &long[1..]), 10);
        assert_eq!(encode(leader, fields), Err(TooLong::Record(100_136)));
    }
}
