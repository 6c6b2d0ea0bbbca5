//! A layout for those who want no Arrow arrays: the plain columns that these would be made of.

use std::borrow::Cow;

use super::arrays::{INLINE, SCRATCH};
use super::records::{DATA, IND1, IND2, RecordsBuilder, VALUE};
use super::symbols::Text;
use crate::encoding::Encoding;
use crate::iso2709::blocks::Span;

/// The text of any value, of a block or made for it.
pub(super) fn text<'a>(block: &'a [u8], scratch: &'a str, view: u128) -> Cow<'a, str> {
    let length = view as u32 as usize;
    if length <= INLINE {
        let bytes = view.to_le_bytes();
        return Cow::Owned(String::from_utf8_lossy(bytes.get(4..4 + length).unwrap_or_default()).into_owned());
    }
    String::from_utf8_lossy(Buffers { block, scratch }.long(view).unwrap_or_default())
}

/// What views point into.
#[derive(Clone, Copy)]
pub(crate) struct Buffers<'a> {
    pub block: &'a [u8],
    pub scratch: &'a str,
}

impl<'a> Buffers<'a> {
    /// What views have where a value is in the second of [`Buffers::both`]; else it is in the first one.
    pub(crate) const MADE: u32 = SCRATCH;

    /// The block, and text that was made.
    #[inline]
    pub(crate) fn both(self) -> [&'a [u8]; 2] {
        [self.block, self.scratch.as_bytes()]
    }

    /// The text of a value that its view does not hold itself; `None` where it does.
    #[inline]
    pub(crate) fn long(self, view: u128) -> Option<&'a [u8]> {
        let length = view as u32 as usize;
        if length <= INLINE {
            return None;
        }
        let start = (view >> 96) as usize;
        let buffer = if (view >> 64) as u32 == SCRATCH { self.scratch.as_bytes() } else { self.block };
        buffer.get(start..start + length)
    }
}

/// Rows of a block: records, their fields, and the subfields of those.
pub(crate) struct Plain<'a> {
    pub buffers: Buffers<'a>,
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
    pub values: &'a [Text],
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
            buffers: Buffers { block, scratch: &builder.scratch },
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

    /// The text of any value.
    pub(crate) fn text(&self, view: u128) -> String {
        text(self.buffers.block, self.buffers.scratch, view).into_owned()
    }
}

/// Whether a field of these flags is a data field.
#[inline]
pub(crate) fn is_data(flags: u8) -> bool {
    flags & DATA != 0
}

/// Whether a field of these flags has a first indicator.
#[inline]
pub(crate) fn has_ind1(flags: u8) -> bool {
    flags & IND1 != 0
}

/// Whether it has a second one.
#[inline]
pub(crate) fn has_ind2(flags: u8) -> bool {
    flags & IND2 != 0
}

/// Whether it has text beside subfields.
#[inline]
pub(crate) fn has_value(flags: u8) -> bool {
    flags & VALUE != 0
}
