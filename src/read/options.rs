//! What a read is asked for, and the schema and the plan that come of it.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::plain;
use crate::encoding::{Encoding, Format};
use crate::error::Error;
use crate::iso2709::blocks::BlockSize;
use crate::layout::{KeepRaw, Layout, MAX_BATCH_BYTES, Plan, Prefilter, Shape, StringType, Tags, string_field};
use crate::spec::{self, Column};

/// Records in a batch of a stream, unless the caller says otherwise.
pub const DEFAULT_BATCH_SIZE: usize = 384;

/// Records in a batch of those that are all kept ([`ReadOptions::retain`]), unless the caller says otherwise: no cache has them, and
/// fewer are less to take over.
pub const KEPT_BATCH_SIZE: usize = 1024;

/// The place of the column `fields` in [`Layout::Records`].
const FIELDS: usize = 2;

/// Bytes of input in a batch, at most, unless the caller asks for larger batches or one record is larger.
const BATCH_BYTES: usize = 4 << 20;
/// How many bytes a record that was asked for is given.
const BYTES_PER_RECORD: usize = 4 << 10;

/// How to read. The names and meanings are those of `pl.scan_ndjson` and `pl.scan_csv`.
///
/// ```
/// use mrrc_arrow::ReadOptions;
///
/// let mut options = ReadOptions::default();
/// options.n_rows = Some(10);
/// options.ignore_errors = true;
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// Which table.
    pub layout: Layout,
    /// Columns by name, in place of those of a layout: a row per record. Goes with no `tags`.
    pub columns: Option<Vec<(String, Column)>>,
    /// Only these columns of the layout, in this order; `None` for all. Goes with no `columns`.
    pub select: Option<Vec<String>>,
    /// Which fields are in it; `None` for all. In [`Layout::Subfields`] the leader is one of tag `LDR`.
    pub tags: Option<Tags>,
    /// Stop after this many rows; nothing beyond them is looked at for errors.
    pub n_rows: Option<u64>,
    /// Add a column of this name that counts rows.
    pub row_index_name: Option<String>,
    /// The first number of that column.
    pub row_index_offset: u64,
    /// Add a column of this name with the path that each row came from; null for memory.
    pub include_file_paths: Option<String>,
    /// Add `offset` (`UInt64`) and `length` (`UInt32`): where the record lies in its uncompressed source.
    pub include_offsets: bool,
    /// Leave rejected records out instead of failing at the first.
    pub ignore_errors: bool,
    /// Write the bytes of rejected records to this file, which is emptied first; needs `ignore_errors`.
    pub rejects: Option<PathBuf>,
    /// Which records these are: where they say what their text is encoded in.
    pub format: Format,
    /// What text is encoded in; `None` for what each record says (by `format`) or, where that cannot be, what the bytes do.
    pub encoding: Option<Encoding>,
    /// Source records in a batch; [`DEFAULT_BATCH_SIZE`] if `None`, or [`KEPT_BATCH_SIZE`] with `retain`. A batch is bounded in
    /// bytes, too.
    pub batch_size: Option<usize>,
    /// The Arrow type of text.
    pub string_type: StringType,
    /// Tags, indicators and codes as dictionaries; by default where `string_type` is [`StringType::View`].
    pub categorical: Option<bool>,
    /// Which rows may be left out, for callers that apply a filter of their own to what comes. Goes with no `n_rows` and no
    /// `row_index_name`, which count rows. Of what is not looked into on account of it, repairs are not counted.
    pub prefilter: Option<Prefilter>,
    /// Only types that every Arrow consumer has, and all of them nullable: lists with offsets of 32 bits, signed numbers. Goes
    /// with [`StringType::String`] and without `categorical`.
    pub plain: bool,
    /// A hint that all batches are going to be kept: their memory is then asked of the system at one go for each buffer. Without
    /// it, what batches took that were let go is used again.
    pub retain: bool,
}

impl ReadOptions {
    pub(super) fn shape(&self) -> Shape {
        Shape {
            string_type: self.string_type,
            categorical: self.categorical.unwrap_or(self.string_type == StringType::View),
            include_offsets: self.include_offsets,
            retain: self.retain,
            keep_raw: false,
        }
    }

    pub(crate) fn plan(&self) -> Plan {
        let keep = if self.rejects.is_some() { KeepRaw::Rejects } else { KeepRaw::Nothing };
        let named = self.columns.as_deref();
        let selected = self.select.as_ref().map(|_| Arc::from(self.selected().unwrap_or_default()));
        let has_fields = named.is_some()
            || self.layout != Layout::Records
            || selected.as_ref().is_none_or(|selected: &Arc<[usize]>| selected.contains(&FIELDS));
        let tags = if has_fields { self.wanted_tags() } else { Some(Tags::of_specs(&[])) };
        Plan {
            layout: if named.is_some() { Layout::Records } else { self.layout },
            named: named.map(Arc::from),
            selected,
            tags: named.map_or_else(|| tags, |named| Some(Tags::of_specs(&spec::tags(named)))),
            shape: self.shape(),
            keep,
            format: self.format,
            encoding: self.encoding,
            early: self.prefilter.as_ref().and_then(|prefilter| prefilter.early(self.layout, named)),
            is_filtered: self.prefilter.is_some(),
        }
    }

    /// The tags that are wanted; of rows of subfields, without those that a prefilter refuses.
    fn wanted_tags(&self) -> Option<Tags> {
        let prefilter = self.prefilter.as_ref().filter(|_| self.layout == Layout::Subfields);
        match prefilter {
            Some(prefilter) if prefilter.refused_tags().next().is_some() => {
                Some(self.tags.clone().unwrap_or_else(Tags::all).without(prefilter.refused_tags()))
            }
            _ => self.tags.clone(),
        }
    }

    /// The places in the layout of the columns that are selected.
    fn selected(&self) -> Result<Vec<usize>, Error> {
        let columns = self.layout.columns(self.shape());
        let place = |name: &String| {
            columns.iter().position(|column| column.name() == name).ok_or_else(|| {
                let names: Vec<&str> = columns.iter().map(|column| column.name().as_str()).collect();
                Error::option(format!("there is no column {name:?}; this layout has {}", names.join(", ")))
            })
        };
        self.select.iter().flatten().map(place).collect()
    }

    /// The schema of every batch, known before a byte is read.
    ///
    /// # Errors
    ///
    /// Two columns of one name.
    pub fn schema(&self) -> Result<SchemaRef, Error> {
        let mut columns = Vec::new();
        if let Some(name) = &self.row_index_name {
            columns.push(Field::new(name, DataType::UInt64, false));
        }
        columns.extend(self.plan().columns());
        if let Some(name) = &self.include_file_paths {
            columns.push(string_field(name, self.string_type, true));
        }
        if self.plain {
            columns = columns.iter().map(plain::field).collect();
        }
        let mut names: Vec<&str> = columns.iter().map(|column| column.name().as_str()).collect();
        names.sort_unstable();
        if let Some([name, ..]) = names.windows(2).find(|pair| pair.first() == pair.last()) {
            return Err(Error::option(format!("there would be two columns named {name:?}; choose another name")));
        }
        Ok(Arc::new(Schema::new(columns)))
    }

    /// Checks every option; returns the schema.
    ///
    /// # Errors
    ///
    /// As for [`ReadOptions::schema`], a batch size of zero, and a file for rejects where the first of them is an error.
    pub fn validate(&self) -> Result<SchemaRef, Error> {
        self.size()?;
        if self.columns.is_some() && (self.tags.is_some() || self.layout != Layout::Records) {
            return Err(Error::option("columns say which fields are wanted: layout and tags do not go with them"));
        }
        if self.columns.is_some() && self.select.is_some() {
            return Err(Error::option("columns by name and a selection of a layout's do not go together"));
        }
        self.selected()?;
        if self.columns.as_ref().is_some_and(Vec::is_empty) || self.select.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::option("columns must name at least one column"));
        }
        if self.plain && (self.string_type != StringType::String || self.shape().categorical) {
            return Err(Error::option("plain types go with strings of 32 bits, and without categories"));
        }
        if self.prefilter.is_some() && (self.n_rows.is_some() || self.row_index_name.is_some()) {
            return Err(Error::option("a prefilter leaves rows out that n_rows and row_index_name would count"));
        }
        if self.rejects.is_some() && !self.ignore_errors {
            return Err(Error::option(
                "rejects takes the records that ignore_errors leaves out; without it the first of them is an error",
            ));
        }
        self.schema()
    }

    pub(crate) fn size(&self) -> Result<BlockSize, Error> {
        let records = match self.batch_size {
            None if self.retain => KEPT_BATCH_SIZE,
            None => DEFAULT_BATCH_SIZE,
            Some(0) => return Err(Error::option("batch_size must be at least 1")),
            Some(records) => records,
        };
        let bytes = records.saturating_mul(BYTES_PER_RECORD).clamp(BATCH_BYTES, MAX_BATCH_BYTES);
        // Where few rows are wanted, read little.
        let rows = self.n_rows.and_then(|rows| usize::try_from(rows).ok()).unwrap_or(usize::MAX);
        Ok(BlockSize { records: records.min(rows).max(1), bytes })
    }
}
