//! Columns by name, and text in whatever type as views or as keys into a dictionary.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, PrimitiveArray, RecordBatch, StringArray, StringViewArray, StructArray,
};
use arrow_buffer::{ArrowNativeType, NullBuffer, ScalarBuffer};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};

/// A column, where it has to be there.
pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("there is no column {name}")))
}

/// A column of so many nulls where there is none of that name.
pub(super) fn child(of: &StructArray, name: &str) -> ArrayRef {
    let nulls = || arrow_array::new_null_array(&DataType::Null, of.len());
    of.column_by_name(name).map_or_else(nulls, Arc::clone)
}

pub(super) fn wrong_type(name: &str, expected: &str, found: &DataType) -> ArrowError {
    ArrowError::SchemaError(format!("{name} must be {expected}, not {found}"))
}

/// Text as views.
pub(super) fn texts(array: &ArrayRef, name: &str) -> Result<StringViewArray, ArrowError> {
    match array.data_type() {
        DataType::Utf8View => Ok(array.as_string_view().clone()),
        DataType::Null => Ok(StringViewArray::new_null(array.len())),
        DataType::Utf8 | DataType::LargeUtf8 => Ok(cast(array, &DataType::Utf8View)?.as_string_view().clone()),
        DataType::Dictionary(_, values) if is_text(values) => {
            // By keys: some casts give up where values are null.
            let dictionary = array.as_any_dictionary();
            let values = texts(dictionary.values(), name)?;
            if values.is_empty() {
                return Ok(StringViewArray::new_null(array.len()));
            }
            let keys = dictionary.normalized_keys().into_iter().map(|key| key as u64);
            let keys = arrow_array::UInt64Array::new(keys.collect(), array.logical_nulls());
            Ok(arrow_select::take::take(&values, &keys, None)?.as_string_view().clone())
        }
        other => Err(wrong_type(name, "text", other)),
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8)
}

/// Text as keys into a dictionary; `None` where that does not hold it all.
pub(super) fn symbols<K: ArrowDictionaryKeyType>(
    array: &ArrayRef,
    name: &str,
) -> Result<Option<DictionaryArray<K>>, ArrowError> {
    let mut symbols = Symbols::<K>::default();
    let mut keys = Vec::with_capacity(array.len());
    let nulls = array.logical_nulls();
    let full = match array.data_type() {
        DataType::Dictionary(_, values) if is_text(values) => {
            if let Some(same) = array.as_dictionary_opt::<K>()
                && same.values().data_type() == &DataType::Utf8
                && same.values().null_count() == 0
            {
                return Ok(Some(same.clone()));
            }
            let dictionary = array.as_any_dictionary();
            let values = texts(dictionary.values(), name)?;
            if values.is_empty() {
                keys.resize(array.len(), K::Native::default());
                false
            } else {
                // Only what is used: a dictionary may be that of all there ever was.
                let mut known: Vec<Option<K::Native>> = vec![None; values.len()];
                let mut full = false;
                for (row, key) in dictionary.normalized_keys().into_iter().enumerate() {
                    if super::is_null(nulls.as_ref(), row) {
                        keys.push(K::Native::default());
                        continue;
                    }
                    let Some(slot) = known.get_mut(key) else { break };
                    let Some(found) = slot.or_else(|| symbols.key(values.value(key))) else {
                        full = true;
                        break;
                    };
                    *slot = Some(found);
                    keys.push(found);
                }
                full
            }
        }
        _ => {
            let texts = texts(array, name)?;
            texts.iter().any(|text| match text.map_or(Some(K::Native::default()), |text| symbols.key(text)) {
                Some(key) => {
                    keys.push(key);
                    false
                }
                None => true,
            })
        }
    };
    if full { Ok(None) } else { symbols.finish(keys, nulls).map(Some) }
}

/// Distinct texts in the order of their first use.
struct Symbols<K: ArrowDictionaryKeyType> {
    keys: HashMap<String, K::Native>,
    values: Vec<String>,
    /// Neighbours are often the same.
    last: Option<(String, K::Native)>,
}

impl<K: ArrowDictionaryKeyType> Default for Symbols<K> {
    fn default() -> Self {
        Self { keys: HashMap::new(), values: Vec::new(), last: None }
    }
}

impl<K: ArrowDictionaryKeyType> Symbols<K> {
    fn key(&mut self, text: &str) -> Option<K::Native> {
        if let Some((last, key)) = &self.last
            && last == text
        {
            return Some(*key);
        }
        let key = if let Some(&key) = self.keys.get(text) {
            key
        } else {
            let key = K::Native::from_usize(self.values.len())?;
            self.values.push(text.to_owned());
            self.keys.insert(text.to_owned(), key);
            key
        };
        self.last = Some((text.to_owned(), key));
        Some(key)
    }

    fn finish(self, keys: Vec<K::Native>, nulls: Option<NullBuffer>) -> Result<DictionaryArray<K>, ArrowError> {
        // Keys of nulls have to be of some value, too.
        let values = if self.values.is_empty() { vec![String::new()] } else { self.values };
        let keys = PrimitiveArray::<K>::try_new(ScalarBuffer::from(keys), nulls)?;
        DictionaryArray::try_new(keys, Arc::new(StringArray::from(values)))
    }
}
