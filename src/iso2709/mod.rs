//! ISO 2709: how bytes are cut into records and how one record is walked.
//!
//! ```text
//! leader (24) │ directory: tag(3) length(4) start(5) … 1E │ field … 1E │ field … 1E │ 1D
//!                                                         └ base address of data
//! data field: ind1 ind2 1F code value 1F code value … 1E        control field: value 1E
//! ```
//!
//! * `scanner`: the one rule by which every path through the program cuts records.
//! * `sniff`: what an input that is not ISO 2709 looks like.
//! * `blocks`: runs of whole records, the unit of work of the pipeline.
//! * `leader`, `directory`, `outline`, `record`: one record, borrowed.
//! * `salvage`: readings of a directory that is wrong.
//! * `encode`: a record laid out anew.
//! * `tape`: where the subfield delimiters of a block are, in one SIMD pass.
//!
//! Nothing here decodes text or knows Arrow.

pub(crate) mod agreement;
pub(crate) mod blocks;
pub(crate) mod directory;
pub(crate) mod encode;
mod leader;
pub(crate) mod outline;
mod part;
pub(crate) mod record;
mod salvage;
pub(crate) mod scanner;
mod sniff;
pub(crate) mod tape;

pub use directory::{Directory, Entry, Place};
pub use leader::Leader;
pub use outline::{FieldSpan, Flaw, Outline};
pub use record::{FieldRef, Fields, RecordRef, SubfieldRef, Subfields};
pub use scanner::{resynchronise, scan_record_boundaries};

/// Ends a record.
pub const RECORD_TERMINATOR: u8 = 0x1D;
/// Ends the directory and each field.
pub const FIELD_TERMINATOR: u8 = 0x1E;
/// Begins a subfield.
pub const DELIMITER: u8 = 0x1F;
/// A leader's length in bytes.
pub const LEADER_LENGTH: usize = 24;
/// The least that a record can be: a leader, the directory's terminator and the record's.
pub const MIN_RECORD: usize = 26;

/// Whether a tag is that of a control field: three digits below 010.
///
/// ```
/// use mrrc_arrow::iso2709::is_control_tag;
/// assert!(is_control_tag(*b"008"));
/// assert!(!is_control_tag(*b"010") && !is_control_tag(*b"00A"));
/// ```
#[must_use]
pub fn is_control_tag(tag: [u8; 3]) -> bool {
    let [a, b, c] = tag;
    a == b'0' && b == b'0' && c.is_ascii_digit()
}
