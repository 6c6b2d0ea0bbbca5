//! Pages, compressed.

use parquet::basic::Compression;
use parquet::errors::ParquetError;

/// What compresses the pages of a row group, one after the other.
pub(super) enum Compressor {
    Zstd(zstd::bulk::Compressor<'static>),
    Snappy(Box<snap::raw::Encoder>),
    Lz4,
    Nothing,
}

impl Compressor {
    /// For what the properties of a file say.
    pub(super) fn new(compression: Compression) -> Result<Self, ParquetError> {
        match compression {
            Compression::ZSTD(level) => Ok(Self::Zstd(zstd::bulk::Compressor::new(level.compression_level())?)),
            Compression::SNAPPY => Ok(Self::Snappy(Box::new(snap::raw::Encoder::new()))),
            Compression::LZ4_RAW => Ok(Self::Lz4),
            Compression::UNCOMPRESSED => Ok(Self::Nothing),
            other => Err(ParquetError::NYI(format!("a column compressed by {other}"))),
        }
    }

    /// A page as it is written.
    pub(super) fn compress(&mut self, page: &[u8]) -> Result<Vec<u8>, ParquetError> {
        let mut compressed = match self {
            Self::Zstd(compressor) => compressor.compress(page)?,
            Self::Snappy(encoder) => {
                encoder.compress_vec(page).map_err(|error| ParquetError::External(Box::new(error)))?
            }
            Self::Lz4 => lz4_flex::block::compress(page),
            Self::Nothing => page.to_vec(),
        };
        // There was room for the worst, and pages wait for the end of their column.
        compressed.shrink_to_fit();
        Ok(compressed)
    }
}
