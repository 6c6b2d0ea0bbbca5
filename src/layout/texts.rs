//! Columns of text that is copied: as much memory as it takes, asked for once for all of it.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::StringViewArray;
use arrow_buffer::{Buffer, NullBuffer};
use arrow_schema::ArrowError;

use super::arrays::{INLINE, inline_view, string_views, view};

/// Bytes of one value, at most: more than any record has, and as much as a view can show.
pub(super) const LONGEST: usize = i32::MAX as usize;

/// Values, which are where they were found until all of them are there.
pub(super) struct Texts<'a> {
    values: Vec<Option<Cow<'a, str>>>,
}

impl<'a> Texts<'a> {
    pub(super) fn with_capacity(values: usize) -> Self {
        Self { values: Vec::with_capacity(values) }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Appends a value or a null; what is longer than [`LONGEST`] is an error.
    #[inline]
    pub(super) fn push(&mut self, value: Option<Cow<'a, str>>) -> Result<(), ArrowError> {
        if value.as_ref().is_some_and(|value| value.len() > LONGEST) {
            return Err(too_long());
        }
        self.values.push(value);
        Ok(())
    }

    /// The values, with text of their own.
    pub(super) fn finish(self) -> StringViewArray {
        self.finish_in_buffers_of(LONGEST)
    }

    /// The same, in buffers that take no more than `most` bytes, unless one value does.
    fn finish_in_buffers_of(self, most: usize) -> StringViewArray {
        let mut views = Vec::with_capacity(self.values.len());
        let mut buffers = Vec::new();
        let mut rest = self.values.as_slice();
        while !rest.is_empty() {
            let mut total = 0;
            let mut fits = |value: &Option<Cow<'_, str>>| {
                let length = value.as_ref().map_or(0, |value| value.len());
                let taken = if length > INLINE { length } else { 0 };
                let fits = total == 0 || total + taken <= most;
                total += if fits { taken } else { 0 };
                fits
            };
            let count = rest.iter().position(|value| !fits(value)).unwrap_or(rest.len());
            let (these, others) = rest.split_at(count);
            rest = others;
            let buffer = buffers.len() as u32;
            let mut text: Vec<u8> = Vec::with_capacity(total);
            views.extend(these.iter().map(|value| match value.as_deref().unwrap_or_default().as_bytes() {
                value if value.len() <= INLINE => inline_view(value),
                value => {
                    let start = text.len();
                    text.extend_from_slice(value);
                    view(&text, start, text.len(), buffer)
                }
            }));
            if !text.is_empty() {
                buffers.push(Buffer::from(text));
            }
        }
        let nulls = self.values.iter().any(Option::is_none);
        let nulls = nulls.then(|| self.values.iter().map(Option::is_some).collect::<NullBuffer>());
        string_views(views, Arc::from(buffers), nulls)
    }
}

pub(super) fn too_long() -> ArrowError {
    ArrowError::InvalidArgumentError(
        "a value of a column, or the values of a record that it joins, take over 2 GiB".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_are_what_was_pushed(
            values in prop::collection::vec(prop::option::weighted(0.9, "[a-zäß]{0,40}"), 0..60),
            most in 0..200usize,
        ) {
            let mut texts = Texts::with_capacity(7);
            for value in &values {
                texts.push(value.as_deref().map(Cow::Borrowed)).unwrap();
            }
            let array = texts.finish_in_buffers_of(most);
            let buffers: Arc<[Buffer]> = array.data_buffers().into();
            prop_assert!(StringViewArray::try_new(array.views().clone(), buffers, array.nulls().cloned()).is_ok());
            prop_assert_eq!(array.iter().map(|value| value.map(str::to_owned)).collect::<Vec<_>>(), values.clone());
            // As much memory as they take, in as few buffers as may be.
            let lengths = || values.iter().flatten().map(String::len).filter(|&length| length > INLINE);
            let sizes: Vec<usize> = array.data_buffers().iter().map(Buffer::len).collect();
            prop_assert_eq!(sizes.iter().sum::<usize>(), lengths().sum::<usize>());
            prop_assert!(array.data_buffers().iter().all(|buffer| buffer.capacity() == buffer.len()));
            let longest = lengths().max().unwrap_or(0);
            prop_assert!(sizes.iter().all(|&size| size <= most.max(longest)));
            prop_assert!(sizes.windows(2).all(|pair| pair.iter().sum::<usize>() + longest > most));
        }
    }
}
