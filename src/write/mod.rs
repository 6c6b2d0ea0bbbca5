//! From record batches to files. What is written appears under its name only when it is whole.

mod atomic;
pub mod marc;
mod output;
pub mod parquet;

pub use output::{Compression, Output};
