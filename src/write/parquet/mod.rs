//! Batches as Parquet: row groups encoded side by side on the pool, in bounded memory, whole or not at all.

mod bits;
mod chunk;
mod compressor;
mod encode;
mod file;
mod numbers;
mod partitions;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
mod text;

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};
use parquet::basic::{Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use self::file::ParquetFile;
use self::partitions::{ByRows, ByTag};
use crate::error::{Error, Hint};
use crate::layout::Layout;
use crate::problem::ProblemCounts;
use crate::read::{BatchStream, ReadOptions};
use crate::source::Source;
use crate::write::{Check, each_batch, json_string};

/// How row groups are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Codec {
    /// Zstandard.
    #[default]
    Zstd,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Not at all.
    Uncompressed,
}

impl Codec {
    /// Every one with its name, which is that of Polars.
    pub const ALL: &[(&str, Self)] =
        &[("zstd", Self::Zstd), ("snappy", Self::Snappy), ("lz4", Self::Lz4), ("uncompressed", Self::Uncompressed)];
}

/// One file, or many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PartitionBy {
    /// One file.
    #[default]
    Nothing,
    /// A directory with a file for each tag, `245.parquet`: of rows of subfields.
    Tag,
    /// A directory with a file for each so many rows, `part-00000.parquet`.
    Rows(u64),
}

/// How to write.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ParquetOptions {
    /// How row groups are compressed.
    pub compression: Codec,
    /// How much work is put into that: 1 to 22 of zstd; 1 if `None`.
    pub compression_level: Option<i32>,
    /// Rows of a row group; `None` for as many as take some twenty megabytes of input, or fewer where there is little of it.
    pub row_group_size: Option<usize>,
    /// One file, or many.
    pub partition_by: PartitionBy,
    /// What the files say of where they are from, by key, beside the version of this crate.
    pub metadata: Vec<(String, String)>,
}

/// What was written.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WrittenParquet {
    /// Rows of all files.
    pub rows: u64,
    /// The files.
    pub files: Vec<PathBuf>,
    /// What was wrong with what was read.
    pub problems: ProblemCounts,
}

impl ParquetOptions {
    /// The properties of files with columns of `schema`.
    fn properties(&self, schema: &Schema) -> Result<WriterProperties, Error> {
        let level = self.compression_level;
        let refused = |error: parquet::errors::ParquetError| {
            let message = error.to_string();
            Error::option(format!("compression_level: {}", message.trim_start_matches("Parquet error: ")))
        };
        let compression = match (self.compression, level) {
            (Codec::Zstd, None) => parquet::basic::Compression::ZSTD(ZstdLevel::default()),
            (Codec::Zstd, Some(level)) => {
                parquet::basic::Compression::ZSTD(ZstdLevel::try_new(level).map_err(refused)?)
            }
            (_, Some(_)) => return Err(Error::option("compression_level goes with zstd")),
            (Codec::Snappy, None) => parquet::basic::Compression::SNAPPY,
            (Codec::Lz4, None) => parquet::basic::Compression::LZ4_RAW,
            (Codec::Uncompressed, None) => parquet::basic::Compression::UNCOMPRESSED,
        };
        if self.row_group_size == Some(0) || self.partition_by == PartitionBy::Rows(0) {
            return Err(Error::option("row_group_size and the rows of a partition must be above 0"));
        }
        let builder = WriterProperties::builder()
            .set_compression(compression)
            .set_created_by(concat!("mrrc_arrow version ", env!("CARGO_PKG_VERSION")).into())
            .set_coerce_types(true)
            .set_dictionary_page_size_limit(DICTIONARY_BYTES)
            // Row groups are cut here.
            .set_max_row_group_row_count(None);
        let without_statistics = |builder: WriterPropertiesBuilder, path: &&[&str]| {
            let path = path.iter().map(|&part| part.to_owned()).collect::<Vec<_>>();
            builder.set_column_statistics_enabled(path.into(), EnabledStatistics::None)
        };
        let builder = VALUES.iter().fold(builder, without_statistics);
        Ok(schema.fields().iter().fold(builder, |builder, field| tuned(builder, field)).build())
    }
}

/// Bytes of a dictionary, up to which values that come again are written once: headings, publishers and codes do.
const DICTIONARY_BYTES: usize = 8 << 20;

/// Text that is in no order: the least and the greatest of it say nothing about what is between, and cost time to find.
const VALUES: [&[&str]; 3] = [
    &["value"],
    &["fields", "list", "element", "value"],
    &["fields", "list", "element", "subfields", "list", "element", "value"],
];

/// What is known of columns of a table of MARC that a writer would have to find out.
fn tuned(builder: WriterPropertiesBuilder, field: &arrow_schema::Field) -> WriterPropertiesBuilder {
    let path = || ColumnPath::from(field.name().as_str());
    match (field.name().as_str(), field.data_type()) {
        // Looked up by value, and not in order.
        ("control_number", _) => builder
            .set_column_bloom_filter_enabled(path(), true)
            .set_column_bloom_filter_fpp(path(), 0.01)
            .set_column_bloom_filter_max_ndv(path(), 1 << 17),
        ("tag", _) => {
            builder.set_column_bloom_filter_enabled(path(), true).set_column_bloom_filter_max_ndv(path(), 1000)
        }
        // Numbers that hardly change from row to row.
        (_, DataType::UInt64 | DataType::UInt32) => builder
            .set_column_dictionary_enabled(path(), false)
            .set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED),
        _ => builder,
    }
}

/// Writes what `stream` reads to `target`, a file or, with [`ParquetOptions::partition_by`], a directory. `check` is asked now
/// and then whether to go on.
///
/// `target` has everything or, after an error, what was there before; a directory must not have been there, unless it was empty.
/// Types are Parquet's own: files do not ask their readers for string views or large lists.
///
/// # Errors
///
/// The first error of `stream` or of `check`, an option that makes no sense, or a file that cannot be written.
pub fn write_parquet(
    mut stream: BatchStream,
    target: &Path,
    options: &ParquetOptions,
    check: &mut dyn FnMut(&BatchStream) -> Result<(), Error>,
) -> Result<WrittenParquet, Error> {
    let schema = stream.schema().clone();
    let input = stream.total_bytes();
    if options.partition_by == PartitionBy::Tag {
        if stream.layout() != Some(Layout::Subfields) {
            return Err(Error::option("files by tag are of the layout subfields").with_hint(Hint::Subfields));
        }
        if !stream.selects_tags() {
            return Err(Error::option("files by tag need the column tag, which is not among those that were selected"));
        }
    }
    let mut sink: Box<dyn Sink> = match options.partition_by {
        PartitionBy::Nothing => Box::new(ParquetFile::create(&schema, target, target.to_owned(), options, input)?),
        PartitionBy::Tag => Box::new(ByTag::create(&schema, target, options)?),
        PartitionBy::Rows(rows) => Box::new(ByRows::create(&schema, target, options, rows)?),
    };
    let rows = each_batch(&mut stream, check, |batch, check| sink.write(batch, check))?;
    let mut written = WrittenParquet { rows, problems: stream.problems().clone(), ..WrittenParquet::default() };
    written.files = sink.finish(&provenance(&options.metadata, &written), &mut || check(&stream))?;
    Ok(written)
}

/// What files say of `sources` and of what is read of them, for [`ParquetOptions::metadata`].
#[must_use]
pub fn describe(sources: &[Source], options: &ReadOptions) -> Vec<(String, String)> {
    let names = sources.iter().map(|source| source.name().map_or_else(|| "null".to_owned(), |name| json_string(name)));
    let layout = Layout::ALL.iter().find(|&&(_, layout)| layout == options.layout).map_or("", |&(name, _)| name);
    let layout = if options.columns.is_some() { "columns" } else { layout };
    let described = [
        ("mrrc_arrow.sources", format!("[{}]", names.collect::<Vec<_>>().join(", "))),
        ("mrrc_arrow.layout", layout.to_owned()),
        ("mrrc_arrow.version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    described.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Where batches go.
trait Sink {
    fn write(&mut self, batch: &RecordBatch, check: Check<'_>) -> Result<(), Error>;

    /// Makes all of it seen, with `metadata` in each file, and tells what the files are.
    fn finish(self: Box<Self>, metadata: &[(String, String)], check: Check<'_>) -> Result<Vec<PathBuf>, Error>;
}

/// What files say of where they are from.
fn provenance(given: &[(String, String)], written: &WrittenParquet) -> Vec<(String, String)> {
    let counts = written.problems.iter().map(|(code, count)| format!("\"{}\": {count}", code.as_str()));
    let own = [
        ("mrrc_arrow.rejected", written.problems.rejected().to_string()),
        ("mrrc_arrow.problems", format!("{{{}}}", counts.collect::<Vec<_>>().join(", "))),
    ];
    given.iter().cloned().chain(own.map(|(key, value)| (key.to_owned(), value))).collect()
}
