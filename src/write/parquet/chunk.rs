//! Pages put together to a column chunk, with all that a file says of it.

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Encoding, Type};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::compressor::Compressor;

/// A column chunk as it is in a file, and what the rest of the file is to know of it.
pub(super) struct Chunk {
    pub bytes: Bytes,
    pub closed: ColumnCloseResult,
}

/// Between what all values of a page or a chunk are.
pub(super) trait Bounds: Clone {
    /// The type of the values in a file.
    const TYPE: Type;

    /// Around both.
    fn and(self, other: Self) -> Self;

    /// Whether neither bound is below that of `other`.
    fn is_from(&self, other: &Self) -> bool;

    /// Those that an index of pages has in their place; none where there is no room for any.
    fn of_page(&self) -> Option<Self>;

    /// The lower and the upper, as an index has them.
    fn bytes(self) -> (Vec<u8>, Vec<u8>);

    /// As what a file says of a chunk that has so many nulls.
    fn of_chunk(bounds: Option<&Self>, nulls: u64) -> Statistics;
}

/// What is known of a data page.
pub(super) struct Facts<B> {
    pub rows: usize,
    pub nulls: usize,
    /// Bytes of all texts, each as often as it is there, if it is text.
    pub text_bytes: Option<usize>,
    pub bounds: Option<B>,
}

/// The data pages of a chunk, compressed.
pub(super) struct DataPages<B>(Vec<(CompressedPage, Facts<B>)>);

impl<B: Bounds> DataPages<B> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// A page of levels and values that are encoded.
    pub(super) fn push(
        &mut self,
        encoded: &[u8],
        encoding: Encoding,
        facts: Facts<B>,
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

    /// The chunk of a column, with the page of its dictionary, if it has one.
    pub(super) fn chunk(
        self,
        description: &ColumnDescPtr,
        properties: &WriterProperties,
        dictionary: Option<CompressedPage>,
        bloom_filter: Option<Sbbf>,
    ) -> Result<Chunk, ParquetError> {
        // Headers take some forty bytes.
        let size = |page: &CompressedPage| page.compressed_size() + 64;
        let room = dictionary.iter().chain(self.0.iter().map(|(page, _)| page)).map(size).sum();
        let mut sink = TrackedWrite::new(Vec::with_capacity(room));
        let mut pages = Pages::new(SerializedPageWriter::new(&mut sink));
        let dictionary = dictionary.map(|page| pages.write(page)).transpose()?;
        let mut all = Column::new();
        let mut places = OffsetIndexBuilder::new();
        let mut data_at = None;
        for (page, facts) in self.0 {
            let written = pages.write(page)?;
            data_at.get_or_insert(written.offset);
            places.append_row_count(facts.rows as i64);
            places.append_offset_and_size(written.offset as i64, written.compressed_size as i32);
            places.append_unencoded_byte_array_data_bytes(facts.text_bytes.map(|bytes| bytes as i64));
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
            .set_dictionary_page_offset(dictionary.map(|written| written.offset as i64))
            .set_unencoded_byte_array_data_bytes(all.text_bytes.map(|bytes| bytes as i64));
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
        Ok(Chunk { bytes: sink.into_inner()?.into(), closed })
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
struct Column<B> {
    rows: usize,
    nulls: usize,
    text_bytes: Option<usize>,
    /// Of all values, unless some page with values has none.
    bounds: Option<B>,
    unbounded: bool,
    index: ColumnIndexBuilder,
    /// What the index has of the page with values before.
    before: Option<B>,
    ascending: bool,
    descending: bool,
}

impl<B: Bounds> Column<B> {
    fn new() -> Self {
        Self {
            rows: 0,
            nulls: 0,
            text_bytes: None,
            bounds: None,
            unbounded: false,
            index: ColumnIndexBuilder::new(B::TYPE),
            before: None,
            ascending: true,
            descending: true,
        }
    }

    fn count(&mut self, facts: Facts<B>) {
        let Facts { rows, nulls, text_bytes, bounds } = facts;
        self.rows += rows;
        self.nulls += nulls;
        self.text_bytes = text_bytes.map(|bytes| self.text_bytes.unwrap_or_default() + bytes);
        let Some(bounds) = bounds else {
            if rows == nulls {
                self.index.append(true, Vec::new(), Vec::new(), nulls as i64);
            } else {
                self.unbounded = true;
                self.index.to_invalid();
            }
            return;
        };
        match bounds.of_page() {
            Some(told) => {
                // Of what the index has: shortened, bounds may be in another order.
                if let Some(before) = &self.before {
                    self.ascending &= told.is_from(before);
                    self.descending &= before.is_from(&told);
                }
                self.before = Some(told.clone());
                let (least, greatest) = told.bytes();
                self.index.append(false, least, greatest, nulls as i64);
            }
            None => self.index.to_invalid(),
        }
        self.bounds = Some(match self.bounds.take() {
            Some(all) => all.and(bounds),
            None => bounds,
        });
    }

    /// Of the whole chunk.
    fn statistics(&self) -> Statistics {
        B::of_chunk(self.bounds.as_ref().filter(|_| !self.unbounded), self.nulls as u64)
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
