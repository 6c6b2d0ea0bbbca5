//! A layout for those who want no Arrow arrays: the plain columns that these would be made of.

use super::arrays::{INLINE, SCRATCH};
use super::records::{DATA, IND1, IND2, RecordsBuilder, VALUE};
use crate::encoding::Encoding;
use crate::iso2709::blocks::Span;

/// Rows of a block: records, their fields, and the subfields of those.
pub(crate) struct Plain<'a> {
    block: &'a [u8],
    scratch: &'a [u8],
    /// The number of each record over all sources, where it lies in its block, and what its text was read in.
    pub numbers: &'a [u64],
    pub spans: &'a [Span],
    pub encodings: &'a [Encoding],
    pub leader: &'a [u128],
    /// Where each record's fields end, after a 0.
    pub field_ends: &'a [i64],
    pub tag: Symbols<'a, u16>,
    pub ind1: Symbols<'a, u8>,
    pub ind2: Symbols<'a, u8>,
    /// The value of a control field, or text before a first delimiter.
    pub value: &'a [u128],
    pub flags: &'a [u8],
    /// Where each field's subfields end, after a 0.
    pub subfield_ends: &'a [i64],
    pub code: Symbols<'a, u8>,
    pub subfield_value: &'a [u128],
}

/// A column as keys into its values.
#[derive(Clone, Copy)]
pub(crate) struct Symbols<'a, K> {
    pub keys: &'a [K],
    pub values: &'a [String],
}

impl<'a> Plain<'a> {
    pub(super) fn new(
        builder: &'a RecordsBuilder,
        block: &'a [u8],
        numbers: &'a [u64],
        spans: &'a [Span],
        encodings: &'a [Encoding],
    ) -> Self {
        Self {
            block,
            scratch: builder.scratch.as_bytes(),
            numbers,
            spans,
            encodings,
            leader: &builder.leader,
            field_ends: &builder.field_ends,
            tag: builder.tag.plain(),
            ind1: builder.ind1.plain(),
            ind2: builder.ind2.plain(),
            value: &builder.value,
            flags: &builder.flags,
            subfield_ends: &builder.subfield_ends,
            code: builder.code.plain(),
            subfield_value: &builder.subfield_value,
        }
    }

    /// The text of a value that its view does not hold itself; `None` where it does.
    #[inline]
    pub(crate) fn long(&self, view: u128) -> Option<&'a [u8]> {
        let length = view as u32 as usize;
        if length <= INLINE {
            return None;
        }
        let start = (view >> 96) as usize;
        let buffer = if (view >> 64) as u32 == SCRATCH { self.scratch } else { self.block };
        buffer.get(start..start + length)
    }

    /// The text of any value.
    pub(crate) fn text(&self, view: u128) -> String {
        let inline = view.to_le_bytes();
        let inline = inline.get(4..4 + (view as u32 as usize).min(INLINE)).unwrap_or_default();
        String::from_utf8_lossy(self.long(view).unwrap_or(inline)).into_owned()
    }
}

/// Whether a field of these flags is a data field.
#[inline]
pub(crate) fn is_data(flags: u8) -> bool {
    flags & DATA != 0
}

/// 1 where a field of these flags has a first indicator, else 0.
#[inline]
pub(crate) fn has_ind1(flags: u8) -> usize {
    usize::from(flags & IND1 != 0)
}

/// 1 where it has a second one.
#[inline]
pub(crate) fn has_ind2(flags: u8) -> usize {
    usize::from(flags & IND2 != 0)
}

/// Whether it has text beside subfields.
#[inline]
pub(crate) fn has_value(flags: u8) -> bool {
    flags & VALUE != 0
}
