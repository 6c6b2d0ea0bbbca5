//! Columns by name, and text in whatever type as views or as keys into a dictionary.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowDictionaryKeyType, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, PrimitiveArray, RecordBatch, StringArray, StringViewArray, StructArray,
    UInt64Array,
};
use arrow_buffer::{ArrowNativeType, NullBuffer, ScalarBuffer};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use arrow_select::take::take;

use super::{Names, is_null};

/// A column, which has to be there.
pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("there is no column {name}")))
}

/// A part of a struct, which has to be there: under another name it would be lost in silence.
pub(super) fn child<'a>(of: &'a StructArray, name: &str, path: &str) -> Result<&'a ArrayRef, ArrowError> {
    of.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("there is no {path}.{name}")))
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
            // What is used first: the dictionary may be that of all there is.
            let taken = take(array.as_any_dictionary().values(), &keys_of(array, name)?, None)?;
            texts(&taken, name)
        }
        other => Err(wrong_type(name, "text", other)),
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8)
}

/// The keys of a dictionary, of which each is that of a value or null.
fn keys_of(array: &ArrayRef, name: &str) -> Result<UInt64Array, ArrowError> {
    let dictionary = array.as_any_dictionary();
    let keys = cast(dictionary.keys(), &DataType::UInt64)?;
    let keys: &UInt64Array = keys.as_primitive::<UInt64Type>();
    let values = dictionary.values().len() as u64;
    if keys.null_count() > dictionary.keys().null_count() || keys.iter().flatten().any(|key| key >= values) {
        return Err(ArrowError::SchemaError(format!("{name} has keys that are not in its dictionary")));
    }
    Ok(keys.clone())
}

/// Text as keys into a dictionary; `None` where that does not hold it all. Numbers are keys of `names`, where these are told.
pub(super) fn symbols<K: ArrowDictionaryKeyType>(
    array: &ArrayRef,
    names: Names<'_>,
    name: &str,
) -> Result<Option<DictionaryArray<K>>, ArrowError> {
    if let Some(names) = names {
        let nulls = || array.nulls().cloned();
        match array.data_type() {
            DataType::UInt8 => return remap::<K, true>(places::<UInt8Type>(array), names, nulls(), name),
            DataType::UInt16 => return remap::<K, true>(places::<UInt16Type>(array), names, nulls(), name),
            DataType::UInt32 => return remap::<K, true>(places::<UInt32Type>(array), names, nulls(), name),
            _ => {}
        }
    }
    if let Some(same) = array.as_dictionary_opt::<K>()
        && same.values().data_type() == &DataType::Utf8
        && same.values().null_count() == 0
    {
        // Nulls have keys that are values', too, or are looked at one by one.
        let values = same.values().len();
        if !same.keys().values().iter().all(|key| key.as_usize() < values) {
            keys_of(array, name)?;
        }
        return Ok(Some(same.clone()));
    }
    match array.data_type() {
        // A dictionary of more than is used is not looked through for each piece.
        DataType::Dictionary(_, values)
            if is_text(values) && array.as_any_dictionary().values().len() <= array.len() =>
        {
            by_keys(array, name)
        }
        _ => by_texts(&texts(array, name)?),
    }
}

/// Keys as they are, also those under nulls.
fn places<K: ArrowDictionaryKeyType>(keys: &ArrayRef) -> impl ExactSizeIterator<Item = usize> {
    keys.as_primitive::<K>().values().iter().map(|key| key.as_usize())
}

/// As `keys_of` and then one by one, for keys of the type that Polars has.
fn by_keys<K: ArrowDictionaryKeyType>(array: &ArrayRef, name: &str) -> Result<Option<DictionaryArray<K>>, ArrowError> {
    let values = texts(array.as_any_dictionary().values(), name)?;
    let nulls = array.logical_nulls();
    if let Some(of_polars) = array.as_dictionary_opt::<UInt32Type>()
        && values.null_count() == 0
    {
        return remap::<K, false>(of_polars.keys().values().iter().map(|&key| key as usize), &values, nulls, name);
    }
    let keys = keys_of(array, name)?;
    remap::<K, false>(keys.values().iter().map(|&key| key as usize), &values, nulls, name)
}

/// Keys into what is used of `values`, which are told to be distinct or may not be. Each has to be that of a value, unless it is null.
fn remap<K: ArrowDictionaryKeyType, const DISTINCT: bool>(
    keys: impl ExactSizeIterator<Item = usize>,
    values: &StringViewArray,
    nulls: Option<NullBuffer>,
    name: &str,
) -> Result<Option<DictionaryArray<K>>, ArrowError> {
    let mut symbols = Symbols::<K>::default();
    let mut known: Vec<Option<K::Native>> = vec![None; values.len()];
    let mut found = Vec::with_capacity(keys.len());
    for (row, key) in keys.enumerate() {
        let symbol = match known.get_mut(key) {
            Some(Some(symbol)) => *symbol,
            _ if is_null(nulls.as_ref(), row) => K::Native::default(),
            Some(slot) => {
                let text = values.value(key);
                let symbol = if DISTINCT { symbols.append(text) } else { symbols.key(text) };
                let Some(symbol) = symbol else { return Ok(None) };
                *slot = Some(symbol);
                symbol
            }
            None => return Err(ArrowError::SchemaError(format!("{name} has keys that are not in its dictionary"))),
        };
        found.push(symbol);
    }
    symbols.finish(found, nulls).map(Some)
}

fn by_texts<K: ArrowDictionaryKeyType>(texts: &StringViewArray) -> Result<Option<DictionaryArray<K>>, ArrowError> {
    let mut symbols = Symbols::<K>::default();
    let mut found = Vec::with_capacity(texts.len());
    for text in texts {
        let Some(symbol) = text.map_or(Some(K::Native::default()), |text| symbols.key(text)) else { return Ok(None) };
        found.push(symbol);
    }
    symbols.finish(found, texts.nulls().cloned()).map(Some)
}

/// Distinct texts in the order of their first use.
struct Symbols<K: ArrowDictionaryKeyType> {
    keys: HashMap<String, K::Native>,
    values: Vec<String>,
}

impl<K: ArrowDictionaryKeyType> Default for Symbols<K> {
    fn default() -> Self {
        Self { keys: HashMap::new(), values: Vec::new() }
    }
}

impl<K: ArrowDictionaryKeyType> Symbols<K> {
    fn key(&mut self, text: &str) -> Option<K::Native> {
        if let Some(&key) = self.keys.get(text) {
            return Some(key);
        }
        let key = self.append(text)?;
        self.keys.insert(text.to_owned(), key);
        Some(key)
    }

    /// The key of a text that is not there.
    fn append(&mut self, text: &str) -> Option<K::Native> {
        let key = K::Native::from_usize(self.values.len())?;
        self.values.push(text.to_owned());
        Some(key)
    }

    fn finish(self, keys: Vec<K::Native>, nulls: Option<NullBuffer>) -> Result<DictionaryArray<K>, ArrowError> {
        // Keys of nulls have to be of some value, too.
        let values = if self.values.is_empty() { vec![String::new()] } else { self.values };
        let keys = PrimitiveArray::<K>::try_new(ScalarBuffer::from(keys), nulls)?;
        DictionaryArray::try_new(keys, Arc::new(StringArray::from(values)))
    }
}
