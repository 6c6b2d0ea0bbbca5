//! Columns of numbers without nulls, as what each is more than the one before (`DELTA_BINARY_PACKED`): in tables of MARC, that is
//! hardly anything.

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field};
use parquet::basic::{Encoding, Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::schema::types::ColumnDescPtr;

use super::bits::{pack, push_varint};
use super::chunk::{Bounds, Chunk, DataPages, Facts};
use super::compressor::Compressor;

/// Differences of a block, which are told from the least of them on.
const BLOCK: usize = 128;
/// Those of a block that are packed in as many bits.
const PACKED: usize = 32;

/// A type of numbers.
pub(super) trait Number: Copy + Ord {
    const TYPE: Type;

    /// `self` less `other`, wrapping around, as the file's type has it.
    fn less(self, other: Self) -> i64;

    /// As the file's type has it.
    fn signed(self) -> i64;

    fn bytes(self) -> Vec<u8>;

    fn statistics(bounds: Option<(Self, Self)>, nulls: u64) -> Statistics;
}

impl Number for u32 {
    const TYPE: Type = Type::INT32;

    fn less(self, other: Self) -> i64 {
        i64::from(self.wrapping_sub(other).cast_signed())
    }

    fn signed(self) -> i64 {
        i64::from(self.cast_signed())
    }

    fn bytes(self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }

    fn statistics(bounds: Option<(Self, Self)>, nulls: u64) -> Statistics {
        let (least, greatest) = bounds.map(|(least, greatest)| (least.cast_signed(), greatest.cast_signed())).unzip();
        Statistics::Int32(ValueStatistics::new(least, greatest, None, Some(nulls), false))
    }
}

impl Number for u64 {
    const TYPE: Type = Type::INT64;

    fn less(self, other: Self) -> i64 {
        self.wrapping_sub(other).cast_signed()
    }

    fn signed(self) -> i64 {
        self.cast_signed()
    }

    fn bytes(self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }

    fn statistics(bounds: Option<(Self, Self)>, nulls: u64) -> Statistics {
        let (least, greatest) = bounds.map(|(least, greatest)| (least.cast_signed(), greatest.cast_signed())).unzip();
        Statistics::Int64(ValueStatistics::new(least, greatest, None, Some(nulls), false))
    }
}

/// The least and the greatest of some numbers.
#[derive(Debug, Clone, Copy)]
struct Extremes<N>(N, N);

impl<N: Number> Bounds for Extremes<N> {
    const TYPE: Type = N::TYPE;

    fn and(self, other: Self) -> Self {
        Self(self.0.min(other.0), self.1.max(other.1))
    }

    fn is_from(&self, other: &Self) -> bool {
        self.0 >= other.0 && self.1 >= other.1
    }

    fn of_page(&self) -> Option<Self> {
        Some(*self)
    }

    fn bytes(self) -> (Vec<u8>, Vec<u8>) {
        (self.0.bytes(), self.1.bytes())
    }

    fn of_chunk(bounds: Option<&Self>, nulls: u64) -> Statistics {
        N::statistics(bounds.map(|&Self(least, greatest)| (least, greatest)), nulls)
    }
}

/// Whether a column is written here.
pub(super) fn takes(field: &Field) -> bool {
    !field.is_nullable() && matches!(field.data_type(), DataType::UInt32 | DataType::UInt64)
}

/// The chunk of such a column.
pub(super) fn chunk(
    description: &ColumnDescPtr,
    properties: &WriterProperties,
    arrays: &[ArrayRef],
) -> Result<Chunk, ParquetError> {
    let is_wide = arrays.first().is_some_and(|array| array.data_type() == &DataType::UInt64);
    if is_wide {
        let values = arrays.iter().map(|array| &**array.as_primitive::<UInt64Type>().values());
        chunk_of(description, properties, values)
    } else {
        let values = arrays.iter().map(|array| &**array.as_primitive::<UInt32Type>().values());
        chunk_of(description, properties, values)
    }
}

fn chunk_of<'v, N: Number + 'v>(
    description: &ColumnDescPtr,
    properties: &WriterProperties,
    arrays: impl Iterator<Item = &'v [N]>,
) -> Result<Chunk, ParquetError> {
    let mut compressor = Compressor::new(properties.compression(description.path()))?;
    let has_statistics = properties.statistics_enabled(description.path()) != EnabledStatistics::None;
    let rows = properties.data_page_row_count_limit().max(1);
    let (mut pages, mut encoded, mut page) = (DataPages::new(), Vec::new(), Vec::with_capacity(rows));
    let mut end_page = |page: &mut Vec<N>| {
        let least_and_greatest = page.iter().min().zip(page.iter().max());
        let Some((&least, &greatest)) = least_and_greatest else { return Ok(()) };
        encoded.clear();
        push_differences(&mut encoded, page);
        let bounds = has_statistics.then_some(Extremes(least, greatest));
        let facts = Facts { rows: page.len(), nulls: 0, text_bytes: None, bounds };
        page.clear();
        pages.push(&encoded, Encoding::DELTA_BINARY_PACKED, facts, &mut compressor)
    };
    for array in arrays {
        let mut rest = array;
        while !rest.is_empty() {
            let (values, after) = rest.split_at(rest.len().min(rows - page.len()));
            page.extend_from_slice(values);
            rest = after;
            if page.len() == rows {
                end_page(&mut page)?;
            }
        }
    }
    end_page(&mut page)?;
    pages.chunk(description, properties, None, None)
}

/// A number such that those near 0 are small.
fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

/// Appends `values` as Parquet has them.
fn push_differences<N: Number>(out: &mut Vec<u8>, values: &[N]) {
    push_varint(out, BLOCK as u64);
    push_varint(out, (BLOCK / PACKED) as u64);
    push_varint(out, values.len() as u64);
    push_varint(out, zigzag(values.first().map_or(0, |first| first.signed())));
    let after = values.get(1..).unwrap_or_default();
    let mut differences = [0; BLOCK];
    for (befores, block) in values.chunks(BLOCK).zip(after.chunks(BLOCK)) {
        for ((difference, value), &before) in differences.iter_mut().zip(block).zip(befores) {
            *difference = value.less(before);
        }
        let Some(differences) = differences.get_mut(..block.len()) else { return };
        let least = differences.iter().copied().min().unwrap_or_default();
        push_varint(out, zigzag(least));
        let mut above = [0; BLOCK];
        for (above, &difference) in above.iter_mut().zip(differences.iter()) {
            *above = difference.wrapping_sub(least).cast_unsigned();
        }
        let (packs, _) = above.as_chunks::<PACKED>();
        let packs = packs.iter().take(block.len().div_ceil(PACKED));
        let widths =
            packs.clone().map(|pack| u64::BITS - pack.iter().fold(0, |all, above| all | above).leading_zeros());
        out.extend(widths.clone().map(|width| width as u8).chain(std::iter::repeat(0)).take(BLOCK / PACKED));
        for (above, width) in packs.zip(widths) {
            if width <= 32 {
                pack(out, width, above.iter().map(|&above| above as u32));
            } else {
                pack_wide(out, width, above);
            }
        }
    }
}

/// As [`pack`], for values of more than 32 bits.
#[cold]
fn pack_wide(out: &mut Vec<u8>, width: u32, values: &[u64]) {
    let (mut bits, mut held) = (0_u128, 0);
    for &value in values {
        bits |= u128::from(value) << held;
        held += width;
        while held >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    }
}
