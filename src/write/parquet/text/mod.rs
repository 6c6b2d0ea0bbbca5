//! Columns of text in a row group.
//!
//! What is a dictionary in memory need not be looked up row by row to be one in a file, and neither need a text that is that
//! of the row before. The rest is looked up in one table. Columns of other types, and lists, are left to the `parquet` crate, which
//! also has the formats of pages, of what is said about them, and of the file.

mod bounds;
mod chunk;
mod compressor;
mod dictionary;
mod hybrid;

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowDictionaryKeyType, UInt8Type, UInt16Type};
use arrow_array::{Array, DictionaryArray, StringViewArray};
use arrow_buffer::{ArrowNativeType, BooleanBufferBuilder, NullBuffer};
use arrow_schema::DataType;
use parquet::basic::Encoding;
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnDescPtr;

use self::bounds::Bounds;
pub(super) use self::chunk::TextChunk;
use self::chunk::{DataPages, Facts, dictionary_page};
pub(super) use self::compressor::Compressor;
use self::dictionary::Dictionary;

/// Longest text that a view holds itself.
const INLINE: u32 = 12;

/// Room for a dictionary that is not used takes no memory, but more than this is given back to the system each time.
const MOST_ROOM: usize = 6 << 20;

/// A text's index in the dictionary, and its length.
#[derive(Clone, Copy)]
struct Entry {
    index: u32,
    length: u32,
}

/// What is gathered for the next page.
struct Gathered {
    rows: usize,
    nulls: usize,
    text_bytes: usize,
    /// Which rows have text.
    valid: BooleanBufferBuilder,
    indices: Vec<u32>,
    /// Texts behind their lengths, where the dictionary is full.
    plain: Vec<u8>,
}

impl Gathered {
    fn new() -> Self {
        let valid = BooleanBufferBuilder::new(0);
        Self { rows: 0, nulls: 0, text_bytes: 0, valid, indices: Vec::new(), plain: Vec::new() }
    }

    /// Counts rows whose texts are there.
    fn count(&mut self, rows: Range<usize>, nulls: Option<&NullBuffer>) {
        self.rows += rows.len();
        match nulls.map(|nulls| nulls.inner().slice(rows.start, rows.len())) {
            Some(valid) => {
                self.nulls += rows.len() - valid.count_set_bits();
                self.valid.append_buffer(&valid);
            }
            None => self.valid.append_n(rows.len(), true),
        }
    }

    /// Definition levels: which rows have text.
    fn push_levels(&self, encoded: &mut Vec<u8>) {
        let from = encoded.len();
        encoded.extend_from_slice(&[0; 4]);
        hybrid::push_bits(encoded, self.valid.as_slice(), self.rows);
        let length = (encoded.len() - from - 4) as u32;
        for (place, byte) in encoded.iter_mut().skip(from).zip(length.to_le_bytes()) {
            *place = byte;
        }
    }

    /// The texts where the dictionary is full.
    fn plain_texts(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.plain.as_slice();
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk()?;
            let (text, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            Some(text)
        })
    }
}

/// A column of text whose rows are encoded as they come.
pub(super) struct TextColumn<'a> {
    description: ColumnDescPtr,
    properties: &'a WriterProperties,
    compressor: &'a mut Compressor,
    page_rows: usize,
    page_bytes: usize,
    dictionary_bytes: usize,
    statistics: bool,
    dictionary: Dictionary,
    /// The dictionary is full: texts are written as they are.
    full: bool,
    bloom_filter: Option<Sbbf>,
    /// For each text of the dictionary the last page that has it.
    seen: Vec<u32>,
    gathered: Gathered,
    pages: DataPages,
    page: u32,
}

impl<'a> TextColumn<'a> {
    /// Whether columns of this type are written here.
    pub(super) fn takes(data_type: &DataType) -> bool {
        match data_type {
            DataType::Utf8View => true,
            DataType::Dictionary(keys, values) => {
                matches!(**keys, DataType::UInt8 | DataType::UInt16) && **values == DataType::Utf8
            }
            _ => false,
        }
    }

    /// Bytes of text in `rows`, at most and about, if each is another; what dictionaries have is no matter.
    pub(super) fn bytes(rows: &dyn Array) -> usize {
        rows.as_string_view_opt().map_or(0, |rows| rows.total_buffer_bytes_used() + rows.len() * INLINE as usize)
    }

    /// A column, with room for so many bytes of text.
    pub(super) fn new(
        description: ColumnDescPtr,
        properties: &'a WriterProperties,
        compressor: &'a mut Compressor,
        bytes: usize,
    ) -> Self {
        let path = description.path();
        let page_rows = properties.data_page_row_count_limit();
        Self {
            page_rows,
            page_bytes: properties.column_data_page_size_limit(path),
            dictionary_bytes: properties.column_dictionary_page_size_limit(path),
            statistics: properties.statistics_enabled(path) != EnabledStatistics::None,
            properties,
            compressor,
            dictionary: Dictionary::with_capacity(bytes.min(MOST_ROOM)),
            full: false,
            bloom_filter: None,
            seen: Vec::new(),
            gathered: Gathered::new(),
            pages: DataPages::default(),
            page: 0,
            description,
        }
    }

    /// Appends rows.
    pub(super) fn append(&mut self, rows: &dyn Array) -> Result<(), ParquetError> {
        match rows.data_type() {
            DataType::Utf8View => self.append_views(rows.as_string_view()),
            DataType::Dictionary(keys, _) if **keys == DataType::UInt8 => {
                self.append_keys(rows.as_dictionary::<UInt8Type>())
            }
            DataType::Dictionary(keys, _) if **keys == DataType::UInt16 => {
                self.append_keys(rows.as_dictionary::<UInt16Type>())
            }
            other => Err(ParquetError::NYI(format!("text of type {other}"))),
        }
    }

    fn append_views(&mut self, rows: &StringViewArray) -> Result<(), ParquetError> {
        let views: &[u128] = rows.views();
        // A view of this array is that text wherever it is in it.
        let mut before = None;
        let index = |dictionary: &mut Dictionary, row: usize| {
            let view = views.get(row).copied().unwrap_or_default();
            match before {
                Some((same, entry)) if same == view => entry,
                _ => {
                    let bytes = view.to_le_bytes();
                    let length = view as u32;
                    let text = match bytes.get(4..4 + length as usize) {
                        Some(inline) if length <= INLINE => inline,
                        _ => rows.value(row).as_bytes(),
                    };
                    let entry = Entry { index: dictionary.index(text), length };
                    before = Some((view, entry));
                    entry
                }
            }
        };
        self.append_rows(rows.len(), rows.nulls(), index, |row| rows.value(row).as_bytes())
    }

    fn append_keys<K: ArrowDictionaryKeyType>(&mut self, rows: &DictionaryArray<K>) -> Result<(), ParquetError> {
        let values = rows.values().as_string::<i32>();
        let text = |key: usize| if key < values.len() { values.value(key).as_bytes() } else { b"" };
        let keys: &[K::Native] = rows.keys().values();
        let key = |row: usize| keys.get(row).map_or(0, |key| key.as_usize());
        // Those that no row has do not become part of the file.
        let mut known: Vec<Option<Entry>> = vec![None; values.len()];
        let index = |dictionary: &mut Dictionary, row: usize| {
            let key = key(row);
            if let Some(&Some(entry)) = known.get(key) {
                return entry;
            }
            let text = text(key);
            let entry = Entry { index: dictionary.index(text), length: text.len() as u32 };
            if let Some(known) = known.get_mut(key) {
                *known = Some(entry);
            }
            entry
        };
        self.append_rows(rows.len(), rows.nulls(), index, |row| text(key(row)))
    }

    /// Appends rows of which `index` gives the entry in the dictionary, and `text` the text.
    fn append_rows<'t>(
        &mut self,
        rows: usize,
        nulls: Option<&NullBuffer>,
        mut index: impl FnMut(&mut Dictionary, usize) -> Entry,
        text: impl Fn(usize) -> &'t [u8],
    ) -> Result<(), ParquetError> {
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        let mut row = 0;
        while row < rows {
            if !self.full && self.dictionary.bytes() >= self.dictionary_bytes {
                self.end_page()?;
                self.full = true;
                self.bloom_filter = self.dictionary_filter(true)?;
            }
            let gathered = &mut self.gathered;
            let most = rows.min(row + self.page_rows - gathered.rows);
            let is_null = |row: usize| nulls.is_some_and(|nulls| nulls.is_null(row));
            let from = row;
            if self.full {
                while row < most && gathered.plain.len() < self.page_bytes {
                    if !is_null(row) {
                        let text = text(row);
                        gathered.plain.extend_from_slice(&(text.len() as u32).to_le_bytes());
                        gathered.plain.extend_from_slice(text);
                        gathered.text_bytes += text.len();
                    }
                    row += 1;
                }
            } else {
                gathered.indices.reserve(most - row);
                while row < most && self.dictionary.bytes() < self.dictionary_bytes {
                    if !is_null(row) {
                        let entry = index(&mut self.dictionary, row);
                        gathered.indices.push(entry.index);
                        gathered.text_bytes += entry.length as usize;
                    }
                    row += 1;
                }
            }
            gathered.count(from..row, nulls);
            if gathered.rows == self.page_rows || gathered.plain.len() >= self.page_bytes {
                self.end_page()?;
            }
        }
        Ok(())
    }

    /// Makes a page of what is gathered, if there is something.
    fn end_page(&mut self) -> Result<(), ParquetError> {
        if self.gathered.rows == 0 {
            return Ok(());
        }
        self.page += 1;
        let mut encoded = Vec::new();
        if self.description.max_def_level() > 0 {
            self.gathered.push_levels(&mut encoded);
        }
        let bounds = if self.statistics { self.bounds() } else { None };
        if let Some(filter) = &mut self.bloom_filter {
            self.gathered.plain_texts().for_each(|text| filter.insert(text));
        }
        let gathered = &mut self.gathered;
        let encoding = if self.full {
            encoded.append(&mut gathered.plain);
            Encoding::PLAIN
        } else {
            // Of the greatest index so far.
            let width = (self.dictionary.len().saturating_sub(1) as u32).checked_ilog2().map_or(0, |bits| bits + 1);
            encoded.push(width as u8);
            hybrid::push_values(&mut encoded, width, &gathered.indices);
            gathered.indices.clear();
            Encoding::RLE_DICTIONARY
        };
        let (rows, nulls, text_bytes) = (gathered.rows, gathered.nulls, gathered.text_bytes);
        (gathered.rows, gathered.nulls, gathered.text_bytes) = (0, 0, 0);
        gathered.valid.truncate(0);
        self.pages.push(encoded, encoding, Facts { rows, nulls, text_bytes, bounds }, self.compressor)
    }

    /// Around the texts that are gathered.
    fn bounds(&mut self) -> Option<Bounds> {
        if self.full {
            return Bounds::of(self.gathered.plain_texts());
        }
        self.seen.resize(self.dictionary.len(), 0);
        let (seen, page, dictionary) = (&mut self.seen, self.page, &self.dictionary);
        let new = self.gathered.indices.iter().filter(|&&index| {
            let last = seen.get_mut(index as usize).map(|last| std::mem::replace(last, page));
            last != Some(page)
        });
        Bounds::of(new.map(|&index| dictionary.text(index)))
    }

    /// A filter with the texts of the dictionary, where the column is to have one, with room for others or without.
    fn dictionary_filter(&self, room: bool) -> Result<Option<Sbbf>, ParquetError> {
        let Some(wanted) = self.properties.bloom_filter_properties(self.description.path()) else { return Ok(None) };
        let texts = self.dictionary.len() as u64;
        let mut filter =
            Sbbf::new_with_ndv_fpp(if room { texts.max(wanted.ndv()) } else { texts.max(1) }, wanted.fpp())?;
        (0..texts as u32).for_each(|index| filter.insert(self.dictionary.text(index)));
        Ok(Some(filter))
    }

    /// The chunk, whole.
    pub(super) fn finish(mut self) -> Result<TextChunk, ParquetError> {
        self.end_page()?;
        let filter = match self.bloom_filter.take() {
            Some(filter) => Some(filter),
            None => self.dictionary_filter(false)?,
        };
        let texts = self.dictionary.len();
        let page = dictionary_page(self.dictionary.into_page(), texts, self.compressor)?;
        self.pages.chunk(&self.description, self.properties, page, filter)
    }
}
