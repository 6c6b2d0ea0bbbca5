//! Which table: from a block of records to Arrow arrays.
//!
//! [`build()`] walks one block: it judges the text of each record, finds its fields, hands it to the layout's builder and
//! gathers what was wrong. Everything in it is local to the block, so blocks are built in parallel. Layouts see only
//! records whose structure and text were found sound.

mod arrays;
mod build;
mod columns;
#[cfg(feature = "python")]
mod dictionary;
mod fixed;
mod gather;
mod plain;
mod prefilter;
mod problems;
mod records;
mod subfields;
mod symbols;
mod tags;
mod texts;
#[cfg(target_arch = "x86_64")]
mod vectors;

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field};

use crate::encoding::{Encoding, Format};
use crate::problem::{Code, Problem};
use crate::spec::Column;

pub(crate) use arrays::INLINE;
pub(crate) use build::{build, count, visit};
#[cfg(feature = "python")]
pub(crate) use dictionary::dictionary;
pub(crate) use plain::{Buffers, Plain, has_ind1, has_ind2, has_value, is_data};
pub use prefilter::{ColumnTest, Prefilter};
pub(crate) use problems::{problem_batch, problem_schema};
pub use tags::Tags;

/// The place of the column `leader` in [`Layout::Records`].
const LEADER: usize = 0;

/// The most bytes of a block, but for one record that is larger.
pub(crate) const MAX_BATCH_BYTES: usize = 256 << 20;

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Layout {
    /// One row per record, fields nested.
    #[default]
    Records,
    /// One row per subfield, and one for each control field and leader.
    Subfields,
}

impl Layout {
    /// Every layout with its name.
    pub const ALL: &[(&str, Self)] = &[("records", Self::Records), ("subfields", Self::Subfields)];

    pub(crate) fn columns(self, shape: Shape) -> Vec<Field> {
        match self {
            Self::Records => records::columns(shape),
            Self::Subfields => subfields::columns(shape),
        }
    }
}

/// The Arrow type of text columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StringType {
    /// `Utf8View`, pointing into the input: no copy.
    #[default]
    View,
    /// `LargeUtf8`, copied.
    LargeString,
    /// `Utf8`, copied.
    String,
}

impl StringType {
    /// Every type with its name.
    pub const ALL: &[(&str, Self)] =
        &[("view", Self::View), ("large_string", Self::LargeString), ("string", Self::String)];

    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::View => DataType::Utf8View,
            Self::LargeString => DataType::LargeUtf8,
            Self::String => DataType::Utf8,
        }
    }
}

/// What the columns of a table look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub string_type: StringType,
    /// Tags, indicators and codes are dictionaries.
    pub categorical: bool,
    /// Add `offset` and `length`.
    pub include_offsets: bool,
    /// The table will be kept.
    pub retain: bool,
    /// Repairs of text are told with the bytes.
    pub keep_raw: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            string_type: StringType::View,
            categorical: true,
            include_offsets: false,
            retain: false,
            keep_raw: false,
        }
    }
}

/// Whose bytes problems hold on to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeepRaw {
    Nothing,
    /// Those of rejected records.
    Rejects,
    All,
}

/// What to build from a block.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub layout: Layout,
    /// Columns by name in place of a layout's.
    pub named: Option<Arc<[(String, Column)]>>,
    /// Which of the layout's columns, and in what order; `None` for all as they are.
    pub selected: Option<Arc<[usize]>>,
    /// Which fields; `None` for all.
    pub tags: Option<Tags>,
    pub shape: Shape,
    pub keep: KeepRaw,
    pub format: Format,
    pub encoding: Option<Encoding>,
    /// Which rows may be left out; `None` for none of them.
    pub early: Option<Arc<prefilter::Early>>,
    /// Whoever reads has a filter of their own, and does not ask what was repaired in what is not looked into.
    pub is_filtered: bool,
}

/// Columns by name over records that are in the columns of [`Layout::Records`] with views and dictionaries.
#[cfg(feature = "python")]
pub(crate) fn named_columns(
    built: &[ArrayRef],
    named: &[(String, Column)],
    shape: Shape,
) -> Result<Vec<ArrayRef>, ArrowError> {
    columns::finish(built, named, shape, &[]).map(|(columns, _)| columns)
}

/// The types of columns by name.
#[cfg(feature = "python")]
pub(crate) fn named_fields(named: &[(String, Column)], shape: Shape) -> Vec<Field> {
    columns::columns(named, shape)
}

/// The columns of [`Layout::Records`] as they are built where nothing else is asked for.
#[cfg(feature = "python")]
pub(crate) fn records_columns() -> Vec<Field> {
    records::columns(Shape::default())
}

impl KeepRaw {
    pub(crate) fn wants(self, code: Code) -> bool {
        match self {
            Self::Nothing => false,
            Self::Rejects => code.is_reject(),
            Self::All => true,
        }
    }
}

impl Plan {
    /// Whether nothing is wanted of records but their leaders, and to know which are rejected.
    fn wants_leaders_alone(&self) -> bool {
        let selected = self.selected.as_deref().is_some_and(|selected| selected.iter().all(|&place| place == LEADER));
        self.is_filtered && self.layout == Layout::Records && self.named.is_none() && selected
    }

    /// The columns that [`build()`] makes.
    pub(crate) fn columns(&self) -> Vec<Field> {
        let mut columns = match &self.named {
            Some(named) => columns::columns(named, self.shape),
            None => self.layout.columns(self.shape),
        };
        if let Some(selected) = &self.selected {
            columns = selected.iter().filter_map(|&place| columns.get(place).cloned()).collect();
        }
        if self.shape.include_offsets {
            columns.push(Field::new("offset", DataType::UInt64, false));
            columns.push(Field::new("length", DataType::UInt32, false));
        }
        columns
    }
}

/// Rows of one dictionary each; nearly always there is one part per block.
#[derive(Debug)]
pub(crate) struct Part {
    pub columns: Vec<ArrayRef>,
    pub rows: usize,
}

/// What became of a block.
#[derive(Debug)]
pub(crate) struct Built {
    pub parts: Vec<Part>,
    /// Offset in the source of each record that is in the table.
    pub rows: Vec<u64>,
    /// How many rows there are up to the end of each of them; empty where each is one.
    pub ends: Vec<u64>,
    /// In the order of the input.
    pub problems: Vec<Problem>,
    pub source: Option<Arc<str>>,
}

impl Built {
    /// How many rows the table has.
    pub(crate) fn row_count(&self) -> usize {
        self.ends.last().map_or(self.rows.len(), |&end| end as usize)
    }

    /// The offset of the record that the last of the first `rows` rows is of.
    pub(crate) fn last_record(&self, rows: usize) -> Option<u64> {
        let last = rows.checked_sub(1)?;
        let record = if self.ends.is_empty() { last } else { self.ends.partition_point(|&end| end <= last as u64) };
        self.rows.get(record).copied()
    }

    /// A whole source that is one reject.
    pub(crate) fn of_foreign(problem: Problem) -> Self {
        let source = problem.source.clone();
        Self { parts: Vec::new(), rows: Vec::new(), ends: Vec::new(), problems: vec![problem], source }
    }
}

pub(crate) fn string_field(name: &str, string_type: StringType, nullable: bool) -> Field {
    Field::new(name, string_type.data_type(), nullable)
}

/// The type of a column of tags (`UInt16` keys), indicators or codes (`UInt8`).
fn symbol_type(keys: DataType, shape: Shape) -> DataType {
    if shape.categorical {
        DataType::Dictionary(Box::new(keys), Box::new(DataType::Utf8))
    } else {
        shape.string_type.data_type()
    }
}

fn with_string_type(array: arrow_array::StringViewArray, string_type: StringType) -> Result<ArrayRef, ArrowError> {
    cast_strings(Arc::new(array), string_type)
}

/// `array` of views as the string type that was asked for.
pub(crate) fn cast_strings(array: ArrayRef, string_type: StringType) -> Result<ArrayRef, ArrowError> {
    match string_type {
        StringType::View => Ok(array),
        other => cast(&array, &other.data_type()),
    }
}
