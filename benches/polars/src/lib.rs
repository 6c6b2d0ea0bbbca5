//! Record batches as frames of the Rust crate `polars`, through the Arrow C data interface.
//!
//! Text is not copied: a frame's strings are views into the buffers of its batch, which live for as long as the frame does.
//! Polars numbers categories its own way, so that the keys of dictionaries are written anew.
//!
//! ```
//! use std::sync::Arc;
//!
//! use arrow_array::{ArrayRef, RecordBatch, StringViewArray};
//!
//! let leaders: ArrayRef = Arc::new(StringViewArray::from(vec!["01236nam a2200301   4500"]));
//! let batch = RecordBatch::try_from_iter([("leader", leaders)]).expect("one column");
//! let frame = mrrc_arrow_polars::frame(&batch)?;
//! assert_eq!(frame.column("leader")?.str()?.get(0), Some("01236nam a2200301   4500"));
//! # Ok::<(), polars::error::PolarsError>(())
//! ```

use std::mem::transmute;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, to_ffi};
use arrow_array::{Array, RecordBatch, StructArray};
use polars::error::{PolarsError, PolarsResult, polars_err};
use polars::frame::DataFrame;
use polars_arrow::array::{Array as PolarsArray, StructArray as PolarsStruct};
use polars_arrow::ffi::{ArrowArray, ArrowSchema, import_array_from_c, import_field_from_c};

/// The frame of `batch`: one chunk per column, and `List(Struct)` where a list of structs was.
///
/// # Errors
///
/// A column of a type that Polars does not have, or two columns of one name.
///
/// # Panics
///
/// A type that Polars has only with a feature that is off here, such as dates; no batch of `mrrc_arrow` has one.
pub fn frame(batch: &RecordBatch) -> PolarsResult<DataFrame> {
    let columns = hand_over(&StructArray::from(batch.clone()))?;
    let columns = columns.as_any().downcast_ref::<PolarsStruct>();
    DataFrame::try_from(columns.ok_or_else(|| polars_err!(ComputeError: "a struct came over as no struct"))?.clone())
}

/// The same array as Polars has it.
fn hand_over(columns: &StructArray) -> PolarsResult<Box<dyn PolarsArray>> {
    let (array, schema) =
        to_ffi(&columns.to_data()).map_err(|error| PolarsError::ComputeError(error.to_string().into()))?;
    // SAFETY: Both libraries declare the two structs of the C data interface, `repr(C)` and field by field the same, and the
    // interface allows to move them; each is dropped once, by its release callback, as one of Polars. What they hold is valid,
    // for arrow-array has just exported it from an array of its own, the schema being that of the same array.
    unsafe {
        let array = transmute::<FFI_ArrowArray, ArrowArray>(array);
        let schema = transmute::<FFI_ArrowSchema, ArrowSchema>(schema);
        import_array_from_c(array, import_field_from_c(&schema)?.dtype)
    }
}
