//! `Leader`: 24 characters with names for their positions.

use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PySlice, PyString};

/// A leader, to be read by position (`leader[5]`), by slice, or by name (MARC 21, "Leader").
#[pyclass(frozen, eq, hash, module = "mrrc_arrow")]
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Leader(String);

impl Leader {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// The characters from `start` to `end`; bytes that were no ASCII take a character each.
    fn part(&self, start: usize, end: usize) -> String {
        self.0.chars().skip(start).take(end - start).collect()
    }
}

macro_rules! positions {
    ($($(#[$doc:meta])* $name:ident $start:literal $end:literal;)*) => {
        #[pymethods]
        impl Leader {
            $($(#[$doc])* #[getter] fn $name(&self) -> String { self.part($start, $end) })*

            /// All 24 characters.
            #[getter]
            fn leader(&self) -> &str {
                &self.0
            }

            fn __getitem__<'py>(slf: &Bound<'py, Self>, item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                if item.is_instance_of::<PyInt>() || item.is_instance_of::<PySlice>() {
                    return PyString::new(slf.py(), &slf.get().0).as_any().get_item(item);
                }
                let name: String = item.extract()?;
                if [$(stringify!($name),)* "leader"].contains(&name.as_str()) {
                    return slf.getattr(name);
                }
                Err(PyAttributeError::new_err(format!("a leader has no {name:?}")))
            }

            fn __len__(&self) -> usize {
                self.0.chars().count()
            }

            fn __str__(&self) -> &str {
                &self.0
            }

            fn __repr__(&self) -> String {
                format!("Leader({:?})", self.0)
            }
        }
    };
}

positions! {
    /// Record length (00-04).
    record_length 0 5;
    /// Record status (05).
    record_status 5 6;
    /// Type of record (06).
    type_of_record 6 7;
    /// Bibliographic level (07).
    bibliographic_level 7 8;
    /// Type of control (08).
    type_of_control 8 9;
    /// Character coding scheme (09).
    coding_scheme 9 10;
    /// Indicator count (10).
    indicator_count 10 11;
    /// Subfield code count (11).
    subfield_code_count 11 12;
    /// Base address of data (12-16).
    base_address 12 17;
    /// Encoding level (17).
    encoding_level 17 18;
    /// Descriptive cataloging form (18).
    cataloging_form 18 19;
    /// Multipart resource record level (19).
    multipart_ressource 19 20;
    /// Length of the length-of-field portion (20).
    length_of_field_length 20 21;
    /// Length of the starting-character-position portion (21).
    starting_character_position_length 21 22;
    /// Length of the implementation-defined portion (22).
    implementation_defined_length 22 23;
}
