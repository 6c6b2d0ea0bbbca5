//! Columns of tags, indicators and codes: dictionary keys, or short views where plain strings are wanted.
//!
//! A dictionary's values are those that its batch holds, in order of appearance. One holds at most 255 codes or 65,535
//! tags; a builder that is told [`Full`] ends its batch and begins a new dictionary, and only a record that overflows
//! one alone loses symbols to U+FFFD.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::types::{UInt8Type, UInt16Type};
use arrow_buffer::NullBuffer;

use super::arrays::{dictionary, inline_view, string_views};
use crate::encoding::structure_text;
use crate::memory::with_capacity;

/// The dictionary has no room for another value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Full;

/// What stands for bytes that are no text and, in a full dictionary, for what did not fit.
const REPLACEMENT: &str = "\u{FFFD}";

/// The distinct values of a dictionary.
#[derive(Debug, Default)]
struct Values {
    strings: Vec<String>,
    index: HashMap<String, usize>,
}

impl Values {
    fn intern(&mut self, value: &str, capacity: usize, lossy: bool) -> Result<usize, Full> {
        if let Some(&key) = self.index.get(value) {
            return Ok(key);
        }
        let mut value = value;
        // The last place is kept for the replacement.
        if self.strings.len() >= capacity && value != REPLACEMENT {
            if !lossy {
                return Err(Full);
            }
            value = REPLACEMENT;
            if let Some(&key) = self.index.get(value) {
                return Ok(key);
            }
        }
        let key = self.strings.len();
        self.index.insert(value.to_owned(), key);
        self.strings.push(value.to_owned());
        Ok(key)
    }
}

macro_rules! symbol_column {
    ($(#[$doc:meta])* $name:ident, $key:ty, $arrow:ty, $direct:literal) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) struct $name {
            /// `None` where plain strings are wanted.
            keys: Option<Vec<$key>>,
            views: Vec<u128>,
            /// The key of each value that is known without hashing; `MAX` for none.
            direct: Box<[$key; $direct]>,
            values: Values,
        }

        impl $name {
            pub(super) fn with_capacity(categorical: bool, capacity: usize) -> Self {
                Self {
                    keys: categorical.then(|| with_capacity(capacity)),
                    views: with_capacity(if categorical { 0 } else { capacity }),
                    direct: Box::new([<$key>::MAX; $direct]),
                    values: Values::default(),
                }
            }

            pub(super) fn truncate(&mut self, length: usize) {
                match &mut self.keys {
                    Some(keys) => keys.truncate(length),
                    None => self.views.truncate(length),
                }
            }

            #[cold]
            fn push_text(&mut self, text: &str, direct: Option<usize>, lossy: bool) -> Result<(), Full> {
                let Some(keys) = &mut self.keys else {
                    self.views.push(inline_view(text.as_bytes()));
                    return Ok(());
                };
                let key = self.values.intern(text, <$key>::MAX as usize, lossy)? as $key;
                keys.push(key);
                if let Some(slot) = direct.and_then(|direct| self.direct.get_mut(direct)) {
                    *slot = key;
                }
                Ok(())
            }

            pub(super) fn finish(self, nulls: Option<NullBuffer>) -> ArrayRef {
                match self.keys {
                    Some(keys) => dictionary::<$arrow>(keys, &self.values.strings, nulls),
                    None => Arc::new(string_views(self.views, Arc::from([]), nulls)) as ArrayRef,
                }
            }
        }
    };
}

symbol_column! {
    /// Indicators and subfield codes: one character each, rarely none.
    CodeColumn, u8, UInt8Type, 256
}
symbol_column! {
    /// Tags: three bytes each, nearly always digits.
    TagColumn, u16, UInt16Type, 1000
}

impl CodeColumn {
    /// A null, to go with a cleared bit in the nulls given to `finish`.
    #[inline]
    pub(super) fn push_null(&mut self) {
        match &mut self.keys {
            Some(keys) => keys.push(0),
            None => self.views.push(0),
        }
    }

    /// An ASCII character, or U+FFFD for a byte that is not.
    #[inline]
    pub(super) fn push_byte(&mut self, byte: u8, lossy: bool) -> Result<(), Full> {
        #[allow(clippy::indexing_slicing)] // a place for each byte
        let key = self.direct[usize::from(byte)];
        match &mut self.keys {
            Some(keys) if key != u8::MAX => {
                keys.push(key);
                Ok(())
            }
            _ if byte.is_ascii() => {
                self.push_text(std::str::from_utf8(&[byte]).unwrap_or_default(), Some(byte.into()), lossy)
            }
            _ => self.push_text(REPLACEMENT, None, lossy),
        }
    }

    /// A code: the UTF-8 bytes of one character, or nothing.
    #[inline]
    pub(super) fn push_code(&mut self, code: &[u8], lossy: bool) -> Result<(), Full> {
        match *code {
            [byte] => self.push_byte(byte, lossy),
            _ => self.push_text(std::str::from_utf8(code).unwrap_or(REPLACEMENT), None, lossy),
        }
    }
}

impl TagColumn {
    #[inline]
    pub(super) fn push_tag(&mut self, tag: [u8; 3], lossy: bool) -> Result<(), Full> {
        let [a, b, c] = tag.map(|byte| usize::from(byte.wrapping_sub(b'0')));
        let direct = (a < 10 && b < 10 && c < 10).then_some(a * 100 + b * 10 + c);
        match (direct.and_then(|direct| self.direct.get(direct)), &mut self.keys) {
            (Some(&key), Some(keys)) if key != u16::MAX => keys.push(key),
            (Some(_), None) => self.views.push(inline_view(&tag)),
            _ => self.push_text(&structure_text(&tag), direct, lossy)?,
        }
        Ok(())
    }
}
