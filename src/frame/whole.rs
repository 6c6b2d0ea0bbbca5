//! Batches cut so that records are whole, and no larger than is good for the cache.

use arrow_array::{RecordBatch, StringViewArray};
use arrow_select::concat::concat_batches;

use super::rows::starts;
use super::{Table, layout_of};
use crate::error::Error;
use crate::layout::Layout;

/// Rows of a piece: about as many records in either layout.
const RECORDS: usize = 192;
const ROWS_OF_SUBFIELDS: usize = 8_192;

/// A piece of a table: whole records, and the row that the first of them begins in.
pub(crate) struct Piece {
    batch: RecordBatch,
    layout: Layout,
    names: Option<StringViewArray>,
    pub row: u64,
}

impl Piece {
    /// What is in it.
    pub(crate) fn tables(&self) -> Result<Vec<Table>, Error> {
        Table::parts(&self.batch, self.layout, self.names.as_ref())
    }
}

/// An iterator over pieces of a stream of batches.
pub(crate) struct WholeRecords<I> {
    batches: I,
    layout: Layout,
    schema: arrow_schema::SchemaRef,
    names: Option<StringViewArray>,
    /// Rows not given yet, of which the last record may go on in the next batch.
    held: Vec<RecordBatch>,
    ready: std::collections::VecDeque<RecordBatch>,
    row: u64,
    is_over: bool,
}

impl<I: Iterator<Item = Result<RecordBatch, Error>>> WholeRecords<I> {
    /// # Errors
    ///
    /// The columns are those of no layout.
    pub(crate) fn new(schema: arrow_schema::SchemaRef, batches: I) -> Result<Self, Error> {
        let layout = layout_of(&schema)?;
        Ok(Self {
            batches,
            layout,
            schema,
            names: None,
            held: Vec::new(),
            ready: std::collections::VecDeque::new(),
            row: 0,
            is_over: false,
        })
    }

    /// Tags, indicators and codes that are numbers are keys of `names`.
    #[cfg(feature = "python")]
    pub(crate) fn with_names(mut self, names: Option<StringViewArray>) -> Self {
        self.names = names;
        self
    }

    #[cfg(feature = "python")]
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Cuts what has come into pieces; at the end, or where the next record is known to have begun, with the rows that were held.
    fn cut(&mut self, batch: Option<RecordBatch>) -> Result<(), Error> {
        if self.layout == Layout::Records {
            let batch = batch.unwrap_or_else(|| RecordBatch::new_empty(self.schema.clone()));
            for start in (0..batch.num_rows()).step_by(RECORDS) {
                self.ready.push_back(batch.slice(start, RECORDS.min(batch.num_rows() - start)));
            }
            return Ok(());
        }
        let Some(mut batch) = batch else { return self.release() };
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if let Some(last) = self.held.last() {
            // A row of each is enough to know whether the record goes on.
            let seam = self.together(&[last.slice(last.num_rows() - 1, 1), batch.slice(0, 1)])?;
            let goes_on = begins(&seam)?.len() == 1;
            if goes_on {
                let Some(&next) = begins(&batch)?.get(1) else {
                    self.held.push(batch);
                    return Ok(());
                };
                self.held.push(batch.slice(0, next));
                batch = batch.slice(next, batch.num_rows() - next);
            }
            self.release()?;
        }
        let starts = begins(&batch)?;
        let last = starts.last().copied().unwrap_or(0);
        let mut from = 0;
        for &start in starts.iter().skip(1) {
            if start - from >= ROWS_OF_SUBFIELDS || start == last {
                self.ready.push_back(batch.slice(from, start - from));
                from = start;
            }
        }
        self.held.push(batch.slice(last, batch.num_rows() - last));
        Ok(())
    }

    fn release(&mut self) -> Result<(), Error> {
        if !self.held.is_empty() {
            let whole = self.together(&self.held)?;
            self.held.clear();
            self.ready.push_back(whole);
        }
        Ok(())
    }

    fn together(&self, batches: &[RecordBatch]) -> Result<RecordBatch, Error> {
        if let [one] = batches {
            return Ok(one.clone());
        }
        concat_batches(&self.schema, batches)
            .map_err(|error| Error::internal(format!("cannot take over a table: {error}")))
    }
}

fn begins(batch: &RecordBatch) -> Result<Vec<usize>, Error> {
    starts(batch).map_err(|error| Error::option(error.to_string().replacen("Schema error: ", "", 1)))
}

/// A row in the middle that a record begins in; `None` where there is one record.
pub(super) fn middle(batch: &RecordBatch, layout: Layout) -> Option<usize> {
    let half = batch.num_rows() / 2;
    if layout == Layout::Records {
        return (half > 0).then_some(half);
    }
    let starts = begins(batch).ok()?;
    starts.get(starts.len() / 2).copied().filter(|&start| start > 0)
}

impl<I: Iterator<Item = Result<RecordBatch, Error>>> Iterator for WholeRecords<I> {
    type Item = Result<Piece, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                let row = self.row;
                self.row += batch.num_rows() as u64;
                return Some(Ok(Piece { batch, layout: self.layout, names: self.names.clone(), row }));
            }
            if self.is_over {
                return None;
            }
            let next = self.batches.next();
            self.is_over = next.is_none();
            let cut = next.transpose().and_then(|batch| self.cut(batch));
            if let Err(error) = cut {
                self.is_over = true;
                return Some(Err(error));
            }
        }
    }
}
