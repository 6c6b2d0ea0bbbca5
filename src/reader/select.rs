//! Records as bytes, all of them or those that a filter wants: as they were read, or laid out anew where they were damaged.

use std::time::{Duration, Instant};

use super::block::RecordBuild;
use crate::error::{Error, Hint};
use crate::iso2709::blocks::Block;
use crate::layout::{KeepRaw, Plan, build};
use crate::pipeline::{Build, Pipeline, Wait};
use crate::problem::{Problem, ProblemCounts};
use crate::read::{ReadOptions, rejected, start};
use crate::source::Source;
use crate::spec::Filter;

/// Records of a stretch of input, one behind the other.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Selected {
    /// Their bytes.
    pub bytes: Vec<u8>,
    /// Where each of them ends.
    pub ends: Vec<usize>,
    /// How often each problem was met in what was read.
    problems: ProblemCounts,
    rejects: Vec<Problem>,
    /// Why records cannot be laid out anew; they are not in `bytes`.
    unwritable: Vec<Error>,
}

/// A read that gives records as bytes.
#[derive(Debug)]
pub struct Selecting {
    pipeline: Pipeline<Selected>,
    total_bytes: Option<u64>,
    problems: ProblemCounts,
    ignore_errors: bool,
    left_out: Vec<Error>,
}

struct SelectBuild {
    records: RecordBuild,
    filter: Option<(Filter, Plan)>,
    anew: bool,
}

impl SelectBuild {
    /// Which records of a block the filter wants, by their place in it; with the problems that were met.
    fn wanted(filter: &Filter, plan: &Plan, block: Block) -> Result<(Vec<bool>, Vec<Problem>), Error> {
        let failed = |error| Error::internal(format!("cannot filter a block: {error}"));
        let places: Vec<u64> = block.records.iter().map(|span| block.offset + u64::from(span.offset)).collect();
        let built = build(block, plan).map_err(failed)?;
        let rows = built.parts.iter().flat_map(|part| filter.rows(&part.columns, part.rows));
        let mut wanted = vec![false; places.len()];
        // Rows are in the order of records, and rejected ones have none.
        let mut places = places.into_iter().zip(&mut wanted);
        for (offset, is_wanted) in built.rows.iter().zip(rows) {
            if let Some((_, slot)) = places.by_ref().find(|(place, _)| place == offset) {
                *slot = is_wanted;
            }
        }
        Ok((wanted, built.problems))
    }
}

impl Build for SelectBuild {
    type Output = Selected;

    fn block(&self, block: Block) -> Result<Selected, Error> {
        let mut selected = Selected::default();
        let wanted = match &self.filter {
            None => None,
            Some((filter, plan)) => {
                let (wanted, problems) = Self::wanted(filter, plan, block.clone())?;
                for problem in &problems {
                    selected.problems.add(problem.code);
                }
                Some(wanted)
            }
        };
        let records = self.records.block(block)?;
        if wanted.is_none() {
            // A filter has looked at text, too, and has said all of it.
            selected.problems.merge(&records.counts);
        }
        for index in 0..records.len() {
            if let Some(reject) = records.reject(index) {
                selected.rejects.push(reject.clone());
                continue;
            }
            if wanted.as_ref().is_some_and(|wanted| wanted.get(index) == Some(&false)) {
                continue;
            }
            if self.anew {
                match records.as_marc(index) {
                    Ok(bytes) => selected.bytes.extend_from_slice(&bytes),
                    Err(error) => {
                        selected.unwritable.push(error);
                        continue;
                    }
                }
            } else {
                selected.bytes.extend_from_slice(records.bytes(index));
            }
            selected.ends.push(selected.bytes.len());
        }
        Ok(selected)
    }

    fn foreign(&self, problem: Problem) -> Selected {
        let mut problems = ProblemCounts::default();
        problems.add(problem.code);
        Selected { problems, rejects: vec![problem], ..Selected::default() }
    }
}

impl Selecting {
    /// Reads the records of `sources` that `filter` wants; with `anew`, those that were damaged come with directory and lengths
    /// put right. Of the options, those that concern tables do not matter.
    ///
    /// # Errors
    ///
    /// As for [`read`](crate::read()).
    pub fn new(sources: Vec<Source>, options: &ReadOptions, filter: Option<Filter>, anew: bool) -> Result<Self, Error> {
        let options = ReadOptions {
            columns: filter.as_ref().map(|filter| filter.columns().to_vec()),
            ignore_errors: options.ignore_errors,
            format: options.format,
            encoding: options.encoding,
            ..ReadOptions::default()
        };
        let total_bytes = sources.iter().map(Source::size).sum();
        let filter = filter.map(|filter| (filter, options.plan()));
        let build = SelectBuild { records: RecordBuild(options.format), filter, anew };
        let pipeline = start(sources, &options, KeepRaw::Nothing, options.size()?, build)?;
        let ignore_errors = options.ignore_errors;
        Ok(Self { pipeline, total_bytes, problems: ProblemCounts::default(), ignore_errors, left_out: Vec::new() })
    }

    /// What was wrong in what was delivered so far.
    #[must_use]
    pub fn problems(&self) -> &ProblemCounts {
        &self.problems
    }

    /// Why records were left out that had to be laid out anew and could not be.
    #[must_use]
    pub fn left_out(&self) -> &[Error] {
        &self.left_out
    }

    /// Bytes of the sources that have been read, after decompression.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.pipeline.bytes_read()
    }

    /// Bytes of the sources as they lie on disk or in memory, where that is known.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// The records of the next stretch of input, `None` at the end; waits at most `timeout` and then gives none.
    ///
    /// # Errors
    ///
    /// Input that cannot be read; the first rejected record, unless errors are ignored; a record that has to be laid out anew and
    /// is too long for that. Then it is over.
    pub fn poll(&mut self, timeout: Duration) -> Result<Option<Selected>, Error> {
        let selected = match self.pipeline.next(Instant::now().checked_add(timeout)) {
            Wait::Pending => return Ok(Some(Selected::default())),
            Wait::Ready(None) => return Ok(None),
            Wait::Ready(Some(selected)) => selected?,
        };
        let accepted = self.accept(selected);
        if accepted.is_err() {
            self.pipeline.stop();
        }
        accepted.map(Some)
    }

    fn accept(&mut self, mut selected: Selected) -> Result<Selected, Error> {
        self.problems.merge(&selected.problems);
        if let Some(first) = selected.rejects.first().filter(|_| !self.ignore_errors) {
            return Err(rejected(first));
        }
        let unwritable = std::mem::take(&mut selected.unwritable);
        if let Some(first) = unwritable.first().filter(|_| !self.ignore_errors) {
            return Err(first.clone().with_hint(Hint::LeaveOutUnwritable));
        }
        self.left_out.extend(unwritable);
        Ok(selected)
    }
}
