//! The blocks of several sources, one after the other.

use crate::error::Error;
use crate::iso2709::blocks::{Block, BlockSize, Blocks, Next};
use crate::memory::Stock;
use crate::problem::{Code, Problem};
use crate::source::{BackendKind, Source};

/// What to cut into blocks, and how.
#[derive(Debug)]
pub(crate) struct Input {
    pub sources: Vec<Source>,
    pub size: BlockSize,
    /// A source that is not ISO 2709 is one reject, not an error.
    pub ignore_foreign: bool,
    /// How many of such a source's bytes are kept.
    pub keep_foreign: usize,
}

/// Cuts the sources of an [`Input`] into blocks.
pub(crate) struct Feed {
    sources: std::vec::IntoIter<Source>,
    open: Option<(Source, Blocks)>,
    size: BlockSize,
    ignore_foreign: bool,
    keep_foreign: usize,
    /// What the memory of all blocks is taken from.
    stock: Stock,
    /// The number of the next record over all sources.
    record: u64,
}

/// What comes next.
pub(crate) enum Fed {
    Block(Block),
    /// A whole source that is one reject.
    Foreign(Problem),
    /// Nobody waits any more for a source that is only read to its end; whoever does goes on with it.
    Unwanted,
    End,
}

impl Feed {
    pub(crate) fn new(input: Input) -> Self {
        let Input { sources, size, ignore_foreign, keep_foreign } = input;
        Self {
            sources: sources.into_iter(),
            open: None,
            size,
            ignore_foreign,
            keep_foreign,
            stock: Stock::default(),
            record: 0,
        }
    }

    /// Whether there are sources that call into another language.
    pub(crate) fn has_python_files(&self) -> bool {
        self.sources.as_slice().iter().any(|source| source.backend() == BackendKind::PythonFile)
    }

    /// Whether these are parts of files, of which others read others.
    pub(crate) fn is_in_parts(&self) -> bool {
        let sources = self.sources.as_slice();
        !sources.is_empty() && sources.iter().all(Source::is_part)
    }

    /// Whether reading is copying: nothing waits for anybody, and nothing has to be decompressed.
    pub(crate) fn is_at_hand(&self) -> bool {
        self.sources.as_slice().iter().all(|source| source.is_at_hand() && !source.is_compressed())
    }

    /// How many bytes a block may have, unless one record has more.
    pub(crate) fn block_bytes(&self) -> usize {
        self.size.bytes
    }

    /// Lets go of every source, and of memory for their blocks.
    pub(crate) fn close(&mut self) {
        self.stock = Stock::default();
        self.sources = Vec::new().into_iter();
        self.open = None;
    }

    /// Whether the last read of a stream of chunks brought less than was asked for.
    pub(crate) fn is_short(&self) -> bool {
        self.open.as_ref().is_some_and(|(_, blocks)| blocks.is_short())
    }

    /// How many bytes the next block will surely ask a stream of chunks for; 0 if it may do without.
    pub(crate) fn foreseen(&mut self) -> usize {
        self.open.as_mut().map_or(0, |(_, blocks)| blocks.foreseen())
    }

    /// The next block; `wanted` tells, while a source is only read to its end, whether anybody still waits for that.
    pub(crate) fn next(&mut self, wanted: impl Fn() -> bool) -> Result<Fed, Error> {
        loop {
            let (source, blocks) = match &mut self.open {
                Some(open) => open,
                None => match self.sources.as_slice().first().cloned() {
                    None => {
                        self.stock = Stock::default();
                        return Ok(Fed::End);
                    }
                    Some(source) => {
                        // The next one only then: an interruption is no reason to leave this one out.
                        let blocks = Blocks::open(source.clone(), self.record, self.size, self.stock.clone())?;
                        self.sources.next();
                        self.open.insert((source, blocks))
                    }
                },
            };
            match blocks.next()? {
                Next::Block(block) => return Ok(Fed::Block(block)),
                Next::End => {
                    self.record = blocks.next_record();
                    self.open = None;
                }
                Next::Foreign(looks_like) => {
                    let error = source.unsupported(looks_like);
                    if !self.ignore_foreign {
                        return Err(error);
                    }
                    let Some((raw, length)) = blocks.drain(self.keep_foreign, wanted)? else {
                        return Ok(Fed::Unwanted);
                    };
                    self.record = blocks.next_record() + 1;
                    let problem = Problem {
                        source: source.name().cloned(),
                        record: Some(blocks.next_record()),
                        offset: 0,
                        length,
                        tag: None,
                        code: Code::UnsupportedFormat,
                        message: error.message().to_owned().into(),
                        raw,
                    };
                    self.open = None;
                    return Ok(Fed::Foreign(problem));
                }
            }
        }
    }
}
