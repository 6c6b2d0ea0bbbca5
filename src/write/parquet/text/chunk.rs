//! Pages put together to a column chunk, with all that a file says of it.

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Encoding, Type};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::bounds::{Bounds, Shortened};
use super::compressor::Compressor;

/// A column chunk as it is in a file, and what the rest of the file is to know of it.
pub(in crate::write::parquet) struct TextChunk {
    pub bytes: Bytes,
    pub closed: ColumnCloseResult,
}

/// What is known of a data page.
pub(super) struct Facts {
    pub rows: usize,
    pub nulls: usize,
    /// Bytes of all texts, each as often as it is there.
    pub text_bytes: usize,
    pub bounds: Option<Bounds>,
}

/// The data pages of a chunk, compressed.
#[derive(Default)]
pub(super) struct DataPages(Vec<(CompressedPage, Facts)>);

impl DataPages {
    /// A page of levels and values that are encoded.
    pub(super) fn push(
        &mut self,
        encoded: &[u8],
        encoding: Encoding,
        facts: Facts,
        compressor: &mut Compressor,
    ) -> Result<(), ParquetError> {
        let size = encoded.len();
        let page = Page::DataPage {
            buf: compressor.compress(encoded)?.into(),
            num_values: facts.rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.0.push((CompressedPage::new(page, size), facts));
        Ok(())
    }

    /// The chunk of a column, with the page of its dictionary.
    pub(super) fn chunk(
        self,
        description: &ColumnDescPtr,
        properties: &WriterProperties,
        dictionary: CompressedPage,
        bloom_filter: Option<Sbbf>,
    ) -> Result<TextChunk, ParquetError> {
        // Headers take some forty bytes.
        let size = |page: &CompressedPage| page.compressed_size() + 64;
        let room = size(&dictionary) + self.0.iter().map(|(page, _)| size(page)).sum::<usize>();
        let mut sink = TrackedWrite::new(Vec::with_capacity(room));
        let mut pages = Pages::new(SerializedPageWriter::new(&mut sink));
        let dictionary_at = pages.write(dictionary)?.offset;
        let mut all = Column::new();
        let mut places = OffsetIndexBuilder::new();
        let mut data_at = None;
        for (page, facts) in self.0 {
            let written = pages.write(page)?;
            data_at.get_or_insert(written.offset);
            places.append_row_count(facts.rows as i64);
            places.append_offset_and_size(written.offset as i64, written.compressed_size as i32);
            places.append_unencoded_byte_array_data_bytes(Some(facts.text_bytes as i64));
            all.count(facts);
        }
        pages.writer.close()?;
        let Pages { encodings, kinds, size, compressed_size, .. } = pages;
        let mut metadata = ColumnChunkMetaData::builder(description.clone())
            .set_compression(properties.compression(description.path()))
            .set_encodings(encodings)
            .set_page_encoding_stats(kinds)
            .set_total_compressed_size(compressed_size as i64)
            .set_total_uncompressed_size(size as i64)
            .set_num_values(all.rows as i64)
            .set_data_page_offset(data_at.unwrap_or_default() as i64)
            .set_dictionary_page_offset(Some(dictionary_at as i64))
            .set_unencoded_byte_array_data_bytes(Some(all.text_bytes as i64));
        let statistics = properties.statistics_enabled(description.path());
        if statistics != EnabledStatistics::None {
            metadata = metadata.set_statistics(all.statistics());
        }
        let closed = ColumnCloseResult {
            bytes_written: compressed_size as u64,
            rows_written: all.rows as u64,
            metadata: metadata.build()?,
            bloom_filter,
            column_index: if statistics == EnabledStatistics::Page { all.index()? } else { None },
            offset_index: (!properties.offset_index_disabled()).then(|| places.build()),
        };
        Ok(TextChunk { bytes: sink.into_inner()?.into(), closed })
    }
}

/// Pages that are written, one behind the other.
struct Pages<'a> {
    writer: SerializedPageWriter<'a, Vec<u8>>,
    encodings: Vec<Encoding>,
    kinds: Vec<PageEncodingStats>,
    size: usize,
    compressed_size: usize,
}

impl<'a> Pages<'a> {
    fn new(writer: SerializedPageWriter<'a, Vec<u8>>) -> Self {
        // Levels are in runs, whatever the values are.
        Self { writer, encodings: vec![Encoding::RLE], kinds: Vec::new(), size: 0, compressed_size: 0 }
    }

    fn write(&mut self, page: CompressedPage) -> Result<PageWriteSpec, ParquetError> {
        let (encoding, page_type) = (page.encoding(), page.page_type());
        if !self.encodings.contains(&encoding) {
            self.encodings.push(encoding);
        }
        match self.kinds.iter_mut().find(|kind| kind.encoding == encoding && kind.page_type == page_type) {
            Some(kind) => kind.count += 1,
            None => self.kinds.push(PageEncodingStats { page_type, encoding, count: 1 }),
        }
        let written = self.writer.write_page(page)?;
        self.size += written.uncompressed_size;
        self.compressed_size += written.compressed_size;
        Ok(written)
    }
}

/// The page of a dictionary of so many texts.
pub(super) fn dictionary_page(
    page: &[u8],
    texts: usize,
    compressor: &mut Compressor,
) -> Result<CompressedPage, ParquetError> {
    let size = page.len();
    let buf = compressor.compress(page)?.into();
    let page = Page::DictionaryPage { buf, num_values: texts as u32, encoding: Encoding::PLAIN, is_sorted: false };
    Ok(CompressedPage::new(page, size))
}

/// What is known of all data pages together.
struct Column {
    rows: usize,
    nulls: usize,
    text_bytes: usize,
    /// Of all texts, unless some page with texts has none.
    bounds: Option<Bounds>,
    unbounded: bool,
    index: ColumnIndexBuilder,
    before: Option<Bounds>,
    ascending: bool,
    descending: bool,
}

impl Column {
    fn new() -> Self {
        Self {
            rows: 0,
            nulls: 0,
            text_bytes: 0,
            bounds: None,
            unbounded: false,
            index: ColumnIndexBuilder::new(Type::BYTE_ARRAY),
            before: None,
            ascending: true,
            descending: true,
        }
    }

    fn count(&mut self, facts: Facts) {
        let Facts { rows, nulls, text_bytes, bounds } = facts;
        self.rows += rows;
        self.nulls += nulls;
        self.text_bytes += text_bytes;
        let Some(bounds) = bounds else {
            if rows == nulls {
                self.index.append(true, Vec::new(), Vec::new(), nulls as i64);
            } else {
                self.unbounded = true;
                self.index.to_invalid();
            }
            return;
        };
        if let Some(before) = &self.before {
            self.ascending &= before.least <= bounds.least && before.greatest <= bounds.greatest;
            self.descending &= before.least >= bounds.least && before.greatest >= bounds.greatest;
        }
        match bounds.shortened() {
            Some(bounds) => self.index.append(false, bounds.least, bounds.greatest, nulls as i64),
            None => self.index.to_invalid(),
        }
        self.bounds = Some(self.bounds.take().map_or_else(|| bounds.clone(), |all| all.and(bounds.clone())));
        self.before = Some(bounds);
    }

    /// Of the whole chunk.
    fn statistics(&self) -> Statistics {
        let bounds = self.bounds.as_ref().filter(|_| !self.unbounded).and_then(Bounds::shortened);
        let nulls = Some(self.nulls as u64);
        Statistics::ByteArray(match bounds {
            Some(Shortened { least, least_is_exact, greatest, greatest_is_exact }) => {
                let (least, greatest) = (ByteArray::from(least), ByteArray::from(greatest));
                ValueStatistics::new(Some(least), Some(greatest), None, nulls, false)
                    .with_min_is_exact(least_is_exact)
                    .with_max_is_exact(greatest_is_exact)
            }
            None => ValueStatistics::new(None, None, None, nulls, false),
        })
    }

    /// Page by page.
    fn index(mut self) -> Result<Option<ColumnIndexMetaData>, ParquetError> {
        self.index.set_boundary_order(match (self.ascending, self.descending) {
            (true, _) => BoundaryOrder::ASCENDING,
            (false, true) => BoundaryOrder::DESCENDING,
            (false, false) => BoundaryOrder::UNORDERED,
        });
        if self.index.valid() { self.index.build().map(Some) } else { Ok(None) }
    }
}
