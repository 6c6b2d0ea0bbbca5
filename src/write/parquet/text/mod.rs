//! Columns of text in a row group.
//!
//! What is a dictionary in memory need not be looked up row by row to be one in a file, and neither need a text that is that
//! of the row before. The rest is looked up in one table. Lists, and columns of other types but numbers, are left to the `parquet` crate, which
//! also has the formats of pages, of what is said about them, and of the file.

mod bounds;
mod dictionary;
mod gathered;
mod rows;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt16Type};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::DataType;
use parquet::basic::{Compression, Encoding};
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnDescPtr;

use self::bounds::TextBounds;
use self::dictionary::Dictionary;
use self::gathered::Gathered;
use self::rows::{Keys, Texts, Views};
use super::bits;
use super::chunk::{Chunk, DataPages, Facts, dictionary_page};
use super::compressor::Compressor;

/// Room for a dictionary that is not used takes no memory, but more than this is given back to the system each time.
const MOST_ROOM: usize = 6 << 20;

/// What a column of one row group leaves for that of another, so that its memory is used again.
pub(super) struct Scratch {
    compressor: Compressor,
    dictionary: Dictionary,
    /// For each text of the dictionary the last page that has it.
    seen: Vec<u32>,
    gathered: Gathered,
    encoded: Vec<u8>,
}

impl Scratch {
    /// For columns that are compressed so.
    pub(super) fn new(compression: Compression) -> Result<Self, ParquetError> {
        Ok(Self {
            compressor: Compressor::new(compression)?,
            dictionary: Dictionary::new(),
            seen: Vec::new(),
            gathered: Gathered::new(),
            encoded: Vec::new(),
        })
    }
}

/// A column of text whose rows are encoded as they come.
pub(super) struct TextColumn<'a> {
    description: ColumnDescPtr,
    properties: &'a WriterProperties,
    scratch: &'a mut Scratch,
    page_rows: usize,
    page_bytes: usize,
    dictionary_bytes: usize,
    statistics: bool,
    /// The dictionary is full: texts are written as they are.
    full: bool,
    bloom_filter: Option<Sbbf>,
    pages: DataPages<TextBounds>,
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
        rows.as_string_view_opt().map_or(0, |rows| rows.total_buffer_bytes_used() + rows.len() * rows::INLINE as usize)
    }

    /// A column, with room for so many bytes of text.
    pub(super) fn new(
        description: ColumnDescPtr,
        properties: &'a WriterProperties,
        scratch: &'a mut Scratch,
        bytes: usize,
    ) -> Self {
        scratch.dictionary.clear();
        scratch.dictionary.reserve(bytes.min(MOST_ROOM));
        scratch.seen.clear();
        scratch.gathered.clear();
        let path = description.path();
        let page_rows = properties.data_page_row_count_limit().max(1);
        Self {
            page_rows,
            page_bytes: properties.column_data_page_size_limit(path).max(1),
            dictionary_bytes: properties.column_dictionary_page_size_limit(path),
            statistics: properties.statistics_enabled(path) != EnabledStatistics::None,
            properties,
            scratch,
            full: false,
            bloom_filter: None,
            pages: DataPages::new(),
            page: 0,
            description,
        }
    }

    /// Appends rows.
    pub(super) fn append(&mut self, rows: &dyn Array) -> Result<(), ParquetError> {
        match rows.data_type() {
            DataType::Utf8View => self.append_rows(rows.len(), rows.nulls(), Views::new(rows.as_string_view())),
            DataType::Dictionary(keys, _) if **keys == DataType::UInt8 => self.append_rows(
                rows.len(),
                rows.logical_nulls().as_ref(),
                Keys::new(rows.as_dictionary::<UInt8Type>()),
            ),
            DataType::Dictionary(keys, _) if **keys == DataType::UInt16 => self.append_rows(
                rows.len(),
                rows.logical_nulls().as_ref(),
                Keys::new(rows.as_dictionary::<UInt16Type>()),
            ),
            other => Err(ParquetError::NYI(format!("text of type {other}"))),
        }
    }

    /// Appends rows of which `texts` are the texts.
    fn append_rows(
        &mut self,
        rows: usize,
        nulls: Option<&NullBuffer>,
        mut texts: impl Texts,
    ) -> Result<(), ParquetError> {
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        let mut row = 0;
        while row < rows {
            if !self.full && self.scratch.dictionary.bytes() >= self.dictionary_bytes {
                self.end_page()?;
                self.full = true;
                self.bloom_filter = self.dictionary_filter(true)?;
            }
            let Scratch { dictionary, gathered, .. } = &mut *self.scratch;
            let most = (rows - row).min(self.page_rows - gathered.rows);
            let valid = nulls.map(|nulls| nulls.inner().slice(row, most));
            // Where texts are, in runs: fields of a kind stand together.
            let mut runs = valid.as_ref().map(BooleanBuffer::set_slices);
            let mut whole = Some((0, most)).filter(|_| valid.is_none());
            let (from, mut end) = (row, row + most);
            while let Some((start, stop)) = whole.take().or_else(|| runs.as_mut()?.next()) {
                let run = row + start..row + stop;
                let taken = if self.full {
                    texts.extend_plain(run.clone(), self.page_bytes, gathered)
                } else {
                    texts.extend_indices(run.clone(), self.dictionary_bytes, dictionary, gathered)
                };
                if taken < run.len() {
                    end = run.start + taken;
                    break;
                }
            }
            row = end;
            gathered.count(from..row, nulls);
            if gathered.rows == self.page_rows || gathered.plain.len() >= self.page_bytes {
                self.end_page()?;
            }
        }
        Ok(())
    }

    /// Makes a page of what is gathered, if there is something.
    fn end_page(&mut self) -> Result<(), ParquetError> {
        if self.scratch.gathered.rows == 0 {
            return Ok(());
        }
        self.page += 1;
        let bounds = if self.statistics { self.bounds() } else { None };
        let Scratch { compressor, dictionary, gathered, encoded, .. } = &mut *self.scratch;
        if let Some(filter) = &mut self.bloom_filter {
            gathered.plain_texts().for_each(|text| filter.insert(text));
        }
        encoded.clear();
        if self.description.max_def_level() > 0 {
            gathered.push_levels(encoded);
        }
        let encoding = if self.full {
            encoded.extend_from_slice(&gathered.plain);
            Encoding::PLAIN
        } else {
            // Of the greatest index so far.
            let width = (dictionary.len().saturating_sub(1) as u32).checked_ilog2().map_or(0, |bits| bits + 1);
            encoded.push(width as u8);
            bits::push_values(encoded, width, &gathered.indices);
            Encoding::RLE_DICTIONARY
        };
        let (rows, nulls, text_bytes) = (gathered.rows, gathered.nulls, Some(gathered.text_bytes));
        let facts = Facts { rows, nulls, text_bytes, bounds };
        gathered.clear();
        self.pages.push(encoded, encoding, facts, compressor)
    }

    /// Around the texts that are gathered.
    fn bounds(&mut self) -> Option<TextBounds> {
        let Scratch { dictionary, seen, gathered, .. } = &mut *self.scratch;
        if self.full {
            return TextBounds::of(gathered.plain_texts());
        }
        seen.resize(dictionary.len(), 0);
        let page = self.page;
        let new = gathered.indices.iter().filter(|&&index| {
            let last = seen.get_mut(index as usize).map(|last| std::mem::replace(last, page));
            last != Some(page)
        });
        TextBounds::of(new.map(|&index| dictionary.text(index)))
    }

    /// A filter with the texts of the dictionary, where the column is to have one, with room for others or without.
    fn dictionary_filter(&self, room: bool) -> Result<Option<Sbbf>, ParquetError> {
        let Some(wanted) = self.properties.bloom_filter_properties(self.description.path()) else { return Ok(None) };
        let dictionary = &self.scratch.dictionary;
        let texts = dictionary.len() as u64;
        let mut filter =
            Sbbf::new_with_ndv_fpp(if room { texts.max(wanted.ndv()) } else { texts.max(1) }, wanted.fpp())?;
        (0..texts as u32).for_each(|index| filter.insert(dictionary.text(index)));
        Ok(Some(filter))
    }

    /// The chunk, whole.
    pub(super) fn finish(mut self) -> Result<Chunk, ParquetError> {
        self.end_page()?;
        let filter = match self.bloom_filter.take() {
            Some(filter) => Some(filter),
            None => self.dictionary_filter(false)?,
        };
        let Scratch { compressor, dictionary, .. } = &mut *self.scratch;
        let page = dictionary_page(dictionary.page(), dictionary.len(), compressor)?;
        self.pages.chunk(&self.description, self.properties, Some(page), filter)
    }
}
