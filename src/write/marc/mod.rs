//! Tables as MARC (ISO 2709): lengths, base address and directory made anew, what cannot be written told by row and field.
//!
//! Records are laid out on the pool, some hundred of them to a job, while those before them are written. Memory is bounded: so
//! many jobs at most.

mod jobs;
mod record;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use self::jobs::Jobs;
use self::record::{Encoder, Noted};
use super::output::{Compression, Open, Output};
use crate::error::{Error, ErrorKind, Hint};
use crate::frame::{Fault, Piece, WholeRecords};
use crate::pool::Pool;

/// What text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TextEncoding {
    /// UTF-8, as it stands.
    #[default]
    Utf8,
    /// MARC-8; what it has no code for becomes a numeric character reference.
    Marc8,
}

impl TextEncoding {
    /// Every encoding with its name.
    pub const ALL: &[(&str, Self)] = &[("utf-8", Self::Utf8), ("marc-8", Self::Marc8)];
}

/// How to write.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct MarcOptions {
    /// What text is written in.
    pub encoding: TextEncoding,
    /// Leave out records that cannot be written, and tell which.
    pub ignore_errors: bool,
}

/// A record that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unwritable {
    /// The row of the table that it is in, or begins in.
    pub row: u64,
    /// The position of the field in the record, from 1, where it is one field's fault.
    pub field: Option<u32>,
    /// The field's tag.
    pub tag: Option<String>,
    /// A stable name, such as `field_too_long`.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl Unwritable {
    fn error(&self) -> Error {
        Error::new(ErrorKind::Unwritable, self.code, self.to_string()).with_hint(Hint::LeaveOutUnwritable)
    }
}

impl std::fmt::Display for Unwritable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "row {}", self.row)?;
        if let Some(field) = self.field {
            write!(f, ", field {field}")?;
        }
        if let Some(tag) = &self.tag {
            write!(f, " ({tag})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// What was written.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Written {
    /// How many records.
    pub records: u64,
    /// Characters that stand as numeric character references, since MARC-8 has no code for them.
    pub references: u64,
    /// U+FFFD in leaders, tags, indicators and codes, where something was no text when it was read, written as `?`.
    pub replaced: u64,
    /// What was left out with [`MarcOptions::ignore_errors`].
    pub skipped: Vec<Unwritable>,
}

/// What most pieces take.
const BYTES: usize = 512 << 10;

/// Who takes that long for a piece is slower than those who lay it out and write it.
const SLOW: Duration = Duration::from_millis(1);

/// What a job made of a piece.
#[derive(Default)]
struct Made {
    bytes: Vec<u8>,
    noted: Noted,
    records: u64,
    faults: Vec<Unwritable>,
}

/// Writes `batches` of `schema`, in the layout `records` or `subfields`, to `output`. `check` is asked now and then whether
/// to go on.
///
/// # Errors
///
/// The first error among `batches`, of `check`, of `output`, or the first record that cannot be written.
pub fn write_marc(
    schema: SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch, Error>>,
    output: Output<'_>,
    options: MarcOptions,
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Written, Error> {
    write_whole(WholeRecords::new(schema, batches)?, output, options, check)
}

/// The same of records that are whole.
pub(crate) fn write_whole(
    mut pieces: WholeRecords<impl Iterator<Item = Result<RecordBatch, Error>>>,
    output: Output<'_>,
    options: MarcOptions,
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Written, Error> {
    let pool = Pool::get()?;
    let mut output = output.open()?;
    let compression = output.compression();
    let mut jobs = Jobs::new(pool, move |piece: &Piece| lay_out(piece, options, compression));
    let mut written = Written::default();
    let mut last = None;
    loop {
        // Who makes the batches may take long for each.
        check()?;
        if last.is_some() || !jobs.has_room() {
            match jobs.wait(check)? {
                Some(made) => put(&mut output, made?, options, &mut written)?,
                None => break,
            }
            continue;
        }
        let asked = Instant::now();
        match pieces.next() {
            Some(Ok(piece)) => jobs.begin(piece),
            other => last = Some(other.map_or(Ok(()), |piece| piece.map(drop))),
        }
        // One is written for each that begins, so that nobody waits for work meanwhile; all that there are, if the next is as long
        // in coming.
        let at_once = if asked.elapsed() < SLOW { 1 } else { usize::MAX };
        for made in std::iter::from_fn(|| jobs.ready()).take(at_once) {
            put(&mut output, made?, options, &mut written)?;
        }
    }
    // What came before an error has been told of first, if it had one of its own.
    last.unwrap_or(Ok(()))?;
    output.commit()?;
    Ok(written)
}

fn put(output: &mut Open<'_>, made: Made, options: MarcOptions, written: &mut Written) -> Result<(), Error> {
    let Made { bytes, noted, records, faults } = made;
    if let Some(first) = faults.first().filter(|_| !options.ignore_errors) {
        return Err(first.error());
    }
    output.put(&bytes)?;
    written.records += records;
    written.references += noted.references;
    written.replaced += noted.replaced;
    written.skipped.extend(faults);
    Ok(())
}

/// The records of a piece as they are written.
fn lay_out(piece: &Piece, options: MarcOptions, compression: Compression) -> Result<Made, Error> {
    let mut made = Made { bytes: Vec::with_capacity(BYTES), ..Made::default() };
    for table in piece.tables()? {
        let encoder = Encoder::new(&table, options.encoding);
        for record in 0..table.len() {
            match encoder.encode(record, &mut made.bytes) {
                Ok(noted) => {
                    made.noted += noted;
                    made.records += 1;
                }
                Err(fault) => {
                    let Fault { field, code, message } = fault;
                    let tag = field.and_then(|field| table.tag_of(record, field));
                    let row = piece.row + table.first_row(record);
                    made.faults.push(Unwritable { row, field, tag, code, message: message.into_owned() });
                    if !options.ignore_errors {
                        return Ok(made);
                    }
                }
            }
        }
    }
    made.bytes = compression.compress(made.bytes).map_err(|error| Error::from_io(error, "cannot compress"))?;
    Ok(made)
}
