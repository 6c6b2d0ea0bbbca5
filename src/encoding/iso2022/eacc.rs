//! EACC, the East Asian Character Code (ANSI/NISO Z39.64): three bytes for each character.

use super::is_graphic;
use super::tables::{EACC_ASTRAL, EACC_BITS, EACC_PLANES, EACC_ROWS, EACC_STARTS, EACC_VALUES};

/// The first value in [`EACC_VALUES`] that is a place in [`EACC_ASTRAL`].
const SURROGATES: u16 = 0xD800;

/// The character at the start of `bytes`, and how many bytes it takes; `high` is the bit that its bytes have set.
///
/// What is no code ends before the first byte that cannot be part of one, so that blanks, escape sequences and bytes of the
/// other half keep their meaning.
pub(super) fn read(bytes: &[u8], high: u8) -> (Option<char>, usize) {
    if let Some(code) = bytes.first_chunk().map(|code| code.map(|byte| byte ^ high))
        && let Some(found) = find(code).or_else(|| stray(code))
    {
        return (Some(found), 3);
    }
    let length = bytes.iter().take(3).take_while(|&&byte| is_graphic(byte ^ high)).count();
    (None, length.max(1))
}

/// Every code that is in the tables, with its character, in order.
#[cfg(feature = "cli")]
pub(super) fn codes() -> impl Iterator<Item = ([u8; 3], char)> {
    let bytes = || 0x20..0x80_u8;
    let pairs = bytes().flat_map(move |first| bytes().map(move |second| (first, second)));
    let thirds = move |(first, second)| bytes().map(move |third| [first, second, third]);
    // Of all rows there could be, few have anything.
    let codes = pairs.filter(|&(first, second)| row(first, second).is_some_and(|row| row > 0)).flat_map(thirds);
    codes.filter_map(|code| Some((code, find(code)?)))
}

fn find([first, second, third]: [u8; 3]) -> Option<char> {
    let row = row(first, second)?;
    let bits = *EACC_BITS.get(row)?;
    let bit = 1_u128 << below(third)?;
    if bits & bit == 0 {
        return None;
    }
    let at = usize::from(*EACC_STARTS.get(row)?) + (bits & (bit - 1)).count_ones() as usize;
    let value = *EACC_VALUES.get(at)?;
    char::from_u32(value.into()).or_else(|| EACC_ASTRAL.get(usize::from(value.checked_sub(SURROGATES)?)).copied())
}

fn row(first: u8, second: u8) -> Option<usize> {
    let plane = usize::from(*EACC_PLANES.get(below(first)?)?);
    EACC_ROWS.get(plane * 96 + below(second)?).copied().map(usize::from)
}

/// Codes that are in no table, but have come out of one library system, and that other readers know.
fn stray(code: [u8; 3]) -> Option<char> {
    Some(match code {
        [0x21, 0x20, 0x3D] => '…',
        [0x21, 0x20, 0x40] => '“',
        [0x7F, 0x20, 0x14] => '—',
        [0x7F, 0x20, 0x19] => '’',
        [0x7F, 0x20, 0x20] => '”',
        [0x7F, 0x21, 0x22] => '™',
        _ => return None,
    })
}

/// A byte's place among the 96 from 0x20 on.
fn below(byte: u8) -> Option<usize> {
    byte.checked_sub(0x20).filter(|&place| place < 96).map(usize::from)
}
