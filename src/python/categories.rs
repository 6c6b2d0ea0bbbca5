//! Frames of Polars as they are in memory, chunk by chunk: keys, and apart from them what these mean.
//!
//! Polars' own export puts a frame into one chunk and writes each key of a category anew, on one core, which takes longer than
//! laying out the records. Here keys and categories are put together as a dictionary, and nothing is copied.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, LargeListArray, RecordBatch, StringViewArray, StructArray};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use pyo3::prelude::*;

/// Columns that may be of categories, in either layout.
const NAMES: [&str; 4] = ["tag", "ind1", "ind2", "code"];

/// What the keys of a frame mean.
pub(super) struct Categories(ArrayRef);

impl Categories {
    /// Those that the package has put beside a frame.
    pub(super) fn of(data: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        // By its class: any other object may have something else of that name, as frames have columns.
        if !data.is_instance(&data.py().import("mrrc_arrow._write")?.getattr("_Chunks")?)? {
            return Ok(None);
        }
        let names: Vec<String> = data.getattr("categories")?.extract()?;
        Ok(Some(Self(Arc::new(StringViewArray::from_iter_values(names)))))
    }

    /// A schema with dictionaries where there are keys.
    pub(super) fn schema(&self, of: &Schema) -> SchemaRef {
        Arc::new(Schema::new_with_metadata(self.fields(of.fields()), of.metadata().clone()))
    }

    fn fields(&self, of: &Fields) -> Fields {
        of.iter().map(|field| self.field(field)).collect()
    }

    fn field(&self, of: &FieldRef) -> FieldRef {
        let data_type = match of.data_type() {
            DataType::LargeList(item) => DataType::LargeList(self.field(item)),
            DataType::Struct(fields) => DataType::Struct(self.fields(fields)),
            keys if keys.is_unsigned_integer() && NAMES.contains(&of.name().as_str()) => {
                DataType::Dictionary(Box::new(DataType::UInt32), Box::new(self.0.data_type().clone()))
            }
            _ => return Arc::clone(of),
        };
        Arc::new(Field::new(of.name(), data_type, of.is_nullable()))
    }

    /// A batch in a schema that was made of its own.
    ///
    /// # Errors
    ///
    /// A key has no category.
    pub(super) fn batch(&self, of: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(Arc::clone(schema), self.arrays(of.columns(), schema.fields())?)
    }

    fn arrays(&self, of: &[ArrayRef], fields: &Fields) -> Result<Vec<ArrayRef>, ArrowError> {
        of.iter().zip(fields).map(|(array, field)| self.array(array, field.data_type())).collect()
    }

    fn array(&self, of: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
        Ok(match to {
            same if same == of.data_type() => Arc::clone(of),
            DataType::LargeList(item) => {
                let (_, ends, values, nulls) = of.as_list::<i64>().clone().into_parts();
                let values = self.array(&values, item.data_type())?;
                Arc::new(LargeListArray::try_new(Arc::clone(item), ends, values, nulls)?)
            }
            DataType::Struct(fields) => {
                let (_, columns, nulls) = of.as_struct().clone().into_parts();
                Arc::new(StructArray::try_new(fields.clone(), self.arrays(&columns, fields)?, nulls)?)
            }
            _ => {
                let keys = cast(of, &DataType::UInt32)?.as_primitive::<UInt32Type>().clone();
                Arc::new(DictionaryArray::try_new(keys, Arc::clone(&self.0))?)
            }
        })
    }
}
