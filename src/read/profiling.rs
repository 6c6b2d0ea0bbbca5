//! Reading sources into a profile.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{ReadOptions, Tally, start};
use crate::error::Error;
use crate::iso2709::blocks::Block;
use crate::layout::{Built, KeepRaw, Layout, Plan, Shape, StringType, visit};
use crate::pipeline::{Build, Pipeline, Wait};
use crate::problem::{Problem, ProblemCounts};
use crate::profile::{Accumulator, Profile};
use crate::source::Source;

/// A profile in the making: a read that gives no table.
#[derive(Debug)]
pub struct Profiling {
    pipeline: Pipeline<Built>,
    tally: Tally,
    idle: Idle,
}

/// Accumulators that no thread has. Who builds a block takes one and puts it back, so that there are about as many as threads, and
/// their tables stay in the caches of those.
#[derive(Debug, Clone, Default)]
struct Idle(Arc<Mutex<Vec<Accumulator>>>);

impl Idle {
    /// One that has seen no record as late as `first`: of those the latest, or a new one. What comes first is then told by what
    /// is there already.
    fn take(&self, first: u64) -> Accumulator {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = idle.iter().enumerate().filter(|(_, accumulator)| accumulator.reached() <= first);
        match fitting.max_by_key(|(_, accumulator)| accumulator.reached()).map(|(at, _)| at) {
            Some(at) => idle.swap_remove(at),
            None => Accumulator::default(),
        }
    }

    fn put(&self, accumulator: Accumulator) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(accumulator);
    }

    /// All of them as one, once no block is being built.
    fn merge(&self) -> Profile {
        let mut profile = Profile::default();
        for accumulator in self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            profile.merge_part(accumulator.finish());
        }
        profile
    }
}

/// Counts what is in blocks.
struct ProfileBuild {
    plan: Plan,
    idle: Idle,
}

impl Build for ProfileBuild {
    type Output = Built;

    fn block(&self, block: Block) -> Result<Built, Error> {
        let bytes = block.bytes.len() as u64;
        let first = block.first_record;
        let end = first + block.records.len() as u64;
        let mut accumulator = self.idle.take(first);
        let built = visit(block, &self.plan, &mut |plain| accumulator.add(plain))
            .map_err(|error| Error::internal(format!("cannot count a block: {error}")))?;
        accumulator.end(&built, bytes, end);
        self.idle.put(accumulator);
        Ok(built)
    }

    fn foreign(&self, problem: Problem) -> Built {
        let bytes = problem.length;
        let end = problem.record.map_or(0, |record| record + 1);
        let mut accumulator = self.idle.take(u64::MAX);
        let built = Built::of_foreign(problem);
        accumulator.end(&built, bytes, end);
        self.idle.put(accumulator);
        built
    }
}

impl Profiling {
    /// Bytes of the sources that have been read, after decompression.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.pipeline.bytes_read()
    }

    /// Begins to count what is in `sources`, read as one input.
    ///
    /// Of the options, those that say what a table looks like mean nothing here.
    ///
    /// # Errors
    ///
    /// As for [`read`](super::read()), and options that would leave out records or choose columns. Errors in the data come from
    /// [`Profiling::poll`].
    pub fn new(sources: Vec<Source>, options: &ReadOptions) -> Result<Self, Error> {
        options.validate()?;
        let of_tables = [options.n_rows.is_some(), options.columns.is_some(), options.select.is_some()];
        if of_tables.contains(&true) || options.rejects.is_some() {
            return Err(Error::option(
                "n_rows, columns, select and rejects go with tables of records, and not with profiles",
            ));
        }
        let shape = Shape {
            string_type: StringType::View,
            categorical: true,
            include_offsets: false,
            retain: false,
            keep_raw: false,
        };
        let plan = Plan { layout: Layout::Records, keep: KeepRaw::Nothing, shape, ..options.plan() };
        let idle = Idle::default();
        let build = ProfileBuild { plan, idle: idle.clone() };
        let pipeline = start(sources, options, KeepRaw::Nothing, options.size()?, build)?;
        Ok(Self { pipeline, tally: Tally::new(options), idle })
    }

    /// How often each problem was met so far.
    #[must_use]
    pub fn problems(&self) -> &ProblemCounts {
        &self.tally.counts
    }

    /// The profile, once all is read; `None` where that takes longer than `timeout`. After that, and after an error, profiles
    /// are empty.
    ///
    /// # Errors
    ///
    /// The first record that is rejected, unless errors are ignored, and input that cannot be read at all.
    pub fn poll(&mut self, timeout: Duration) -> Result<Option<Profile>, Error> {
        self.wait(Instant::now().checked_add(timeout))
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Result<Option<Profile>, Error> {
        while !self.tally.done {
            match self.pipeline.next(deadline) {
                Wait::Pending => return Ok(None),
                Wait::Ready(None) => self.tally.done = true,
                Wait::Ready(Some(built)) => {
                    let taken = built.and_then(|mut built| self.tally.take(&mut built));
                    if let Err(error) = taken {
                        self.tally.done = true;
                        self.pipeline.stop();
                        self.idle = Idle::default();
                        return Err(error);
                    }
                }
            }
        }
        Ok(Some(self.idle.merge()))
    }
}

/// Counts what is in `sources`, read as one input; see [`Profiling`].
///
/// # Errors
///
/// As for [`Profiling::new`] and [`Profiling::poll`].
///
/// # Examples
///
/// ```
/// use mrrc_arrow::{ReadOptions, Source, profile};
///
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample.mrc");
/// let profile = profile(vec![Source::path(path)], &ReadOptions::default())?;
/// assert_eq!(profile.records(), 300);
/// # Ok::<(), mrrc_arrow::Error>(())
/// ```
pub fn profile(sources: Vec<Source>, options: &ReadOptions) -> Result<Profile, Error> {
    // Without a deadline the wait is for good.
    Ok(Profiling::new(sources, options)?.wait(None)?.unwrap_or_default())
}
