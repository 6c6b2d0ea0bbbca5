//! One block: which of its records there are, what is wrong with them, and their rows.

use std::borrow::Cow;
use std::cell::Cell;
use std::iter::repeat_n;
use std::sync::Arc;

use arrow_array::{UInt32Array, UInt64Array};
use arrow_buffer::Buffer;
use arrow_schema::ArrowError;
use memchr::memchr_iter;

use super::plain::Plain;
use super::records::{Candidate, Capacity, RecordsBuilder};
use super::{Built, KeepRaw, Layout, Part, Plan, Shape, StringType, columns, subfields};
use crate::encoding::{BlockText, Decoding, Encoding, Reading, TextRepair, structure_text};
use crate::iso2709::blocks::{Block, Span};
use crate::iso2709::outline::Flaw;
use crate::iso2709::tape::Tape;
use crate::iso2709::{DELIMITER, Directory, FieldSpan, Leader, MIN_RECORD, Outline};
use crate::problem::{Code, Problem};

/// Finds which of the records of `block` are rejected, and builds nothing.
pub(crate) fn count(block: Block) -> Built {
    let mut outline = Outline::default();
    let mut problems = Vec::new();
    let mut rows = Vec::with_capacity(block.records.len());
    for (index, &span) in block.records.iter().enumerate() {
        let number = Some(block.first_record + index as u64);
        let record = block.slice(span);
        let refused = match span.flaw.filter(|code| code.is_reject()) {
            None if Outline::surely_takes(record) => None,
            None => outline.read(record).err(),
            reject => reject,
        };
        if let Some(code) = refused.or(span.flaw) {
            problems.push(block.problem(number, span, code));
        }
        if refused.is_none() {
            rows.push(block.offset + u64::from(span.offset));
        }
    }
    for &span in &block.junk {
        problems.push(block.problem(None, span, Code::Junk));
    }
    problems.sort_by_key(|problem| problem.offset);
    Built { parts: Vec::new(), rows, ends: Vec::new(), problems, source: block.source }
}

/// Whether the base address is where the directory ends, so that there is one.
fn is_framed(record: &[u8]) -> bool {
    let base = Leader::new(record).and_then(Leader::base_address);
    record.len() >= MIN_RECORD && base.is_some() && base == Directory::new(record).map(Directory::base_address)
}

/// A record that a layout may take: its fields are within the block, and its text is sound, or is to be decoded.
pub(crate) struct RecordContext<'a> {
    pub block: &'a [u8],
    /// Where the record begins in the block.
    pub start: usize,
    /// Its leader, if that is not the first 24 bytes.
    pub leader: Option<&'a [u8]>,
    pub fields: &'a [FieldSpan],
    /// Positions in the block of its delimiters.
    pub delimiters: &'a [u32],
    /// How its values become text; `None` where all of them are that as they stand.
    pub decoding: Option<Decoding>,
}

thread_local! {
    /// The memory of a tape is used again for the next block.
    static TAPE: Cell<Tape> = Cell::default();
}

/// Who looks at plain columns in place of a table's.
type Visitor<'a> = &'a mut dyn FnMut(&Plain<'_>);

/// Builds the rows of `block` and finds its problems.
pub(crate) fn build(block: Block, plan: &Plan) -> Result<Built, ArrowError> {
    build_or_visit(block, plan, None)
}

/// The same, but shows what was built to `visitor`, part by part, and makes no table of it. The plan's layout is that of records,
/// and categorical.
pub(crate) fn visit(block: Block, plan: &Plan, visitor: Visitor<'_>) -> Result<Built, ArrowError> {
    build_or_visit(block, plan, Some(visitor))
}

fn build_or_visit(block: Block, plan: &Plan, visitor: Option<Visitor<'_>>) -> Result<Built, ArrowError> {
    if plan.wants_leaders_alone()
        && let Some((output, rows)) = leaders(&block, plan)?
    {
        let Output { ends, parts, .. } = output;
        return Ok(Built { parts, rows, ends, problems: Vec::new(), source: block.source });
    }
    let mut tape = TAPE.take();
    if plan.tags.is_some() {
        // Delimiters are looked for in the fields that are wanted.
        tape.read_terminators(&block.bytes);
    } else {
        tape.read(&block.bytes);
    }
    let built = build_with(&tape, block, plan, visitor);
    tape.shrink();
    TAPE.set(tape);
    built
}

/// Leaders of records that are as they should be, as far as leaders and the ends of directories tell; `None` if one of them, or what
/// is between them, is not.
fn leaders(block: &Block, plan: &Plan) -> Result<Option<(Output<'static>, Vec<u64>)>, ArrowError> {
    let count = block.records.len();
    let mut builder = new_builder(plan, Capacity { records: count, ..Capacity::default() });
    let (mut output, mut rows) = (Output::default(), Vec::with_capacity(count));
    let is_sound = |span: Span| {
        let record = block.slice(span);
        let is_text = Leader::new(record).is_some_and(|leader| leader.as_bytes().is_ascii());
        span.flaw.is_none() && is_text && is_framed(record)
    };
    if !block.junk.is_empty() || !block.records.iter().all(|&span| is_sound(span)) {
        return Ok(None);
    }
    for (number, &span) in (block.first_record..).zip(&block.records) {
        builder.push_record(&block.bytes, span.offset as usize, None);
        if is_refused(plan, &builder, &block.bytes, number) {
            builder.take_back();
        } else {
            output.push(number, span);
            rows.push(block.offset + u64::from(span.offset));
        }
    }
    if builder.rows() > 0 {
        output.finish(builder, block, plan)?;
    }
    Ok(Some((output, rows)))
}

fn build_with(tape: &Tape, block: Block, plan: &Plan, visitor: Option<Visitor<'_>>) -> Result<Built, ArrowError> {
    let mut worker = Worker {
        text: BlockText::new(&block.bytes, tape.has_escapes(), plan.encoding, plan.format),
        tape,
        reached: 0,
        outline: Outline::default(),
        repairs: Vec::new(),
        problems: Vec::new(),
        rows: Vec::with_capacity(block.records.len()),
        output: Output { visitor, ..Output::default() },
        builder: None,
        plan,
        block: &block,
    };
    worker.run()?;
    let Worker { problems, rows, output: Output { ends, parts, .. }, .. } = worker;
    Ok(Built { parts, rows, ends, problems, source: block.source })
}

struct Worker<'a, 'v> {
    block: &'a Block,
    plan: &'a Plan,
    text: BlockText,
    tape: &'a Tape,
    /// How many terminators lie before the record under way.
    reached: usize,
    outline: Outline,
    repairs: Vec<TextRepair>,
    problems: Vec<Problem>,
    rows: Vec<u64>,
    output: Output<'v>,
    builder: Option<RecordsBuilder>,
}

impl Worker<'_, '_> {
    fn run(&mut self) -> Result<(), ArrowError> {
        let block = self.block;
        self.builder = Some(new_builder(self.plan, self.capacity()));
        for (index, &span) in block.records.iter().enumerate() {
            self.record(block.first_record + index as u64, span)?;
        }
        self.end_part()?;
        for &span in &block.junk {
            self.note(None, span, Code::Junk, None, block.slice_bytes(span));
        }
        if !block.junk.is_empty() {
            self.problems.sort_by_key(|problem| problem.offset);
        }
        Ok(())
    }

    /// What the block's rows will take: each record has a terminator that is its directory's. Bytes that are denser than any
    /// catalogue may be no records at all: for those, buffers grow with what is found.
    fn capacity(&self) -> Capacity {
        let records = self.block.records.len();
        Capacity {
            records,
            fields: self.tape.terminators().len().saturating_sub(records).min(self.block.bytes.len() / 16),
            subfields: self.tape.delimiters().len().min(self.block.bytes.len() / 8),
            scratch: 0,
        }
    }

    fn record(&mut self, number: u64, span: Span) -> Result<(), ArrowError> {
        let block = self.block;
        let record = block.slice(span);
        // For every record, so that none looks through the terminators of those before it.
        let terminators = self.tape.terminators().get(self.reached..).unwrap_or_default();
        self.reached += terminators.iter().take_while(|&&at| at < span.offset).count();
        if span.flaw.is_none() && self.push_sound(record, number, span) {
            self.note_text(number, span);
            return self.end_large_part();
        }
        let decoding = match self.judge(record, span.flaw) {
            Ok(decoding) => decoding,
            Err(code) => {
                self.note(Some(number), span, code, None, block.slice_bytes(span));
                return Ok(());
            }
        };
        if let Some(code) = span.flaw {
            self.note(Some(number), span, code, None, bytes::Bytes::new());
        }
        for index in 0..self.outline.flaws().len() {
            if let Some(flaw) = self.outline.flaws().get(index).cloned() {
                let lost = if self.plan.keep == KeepRaw::All { lost_bytes(record, &flaw) } else { bytes::Bytes::new() };
                self.note(Some(number), span, flaw.code, flaw.tag, lost);
            }
        }
        self.output.note_encoding(|| self.text.encoding(record, decoding, &self.repairs));
        self.note_repairs(number, span);
        if self.push(number, span, decoding)? {
            self.rows.push(block.offset + u64::from(span.offset));
        }
        self.end_large_part()
    }

    /// Plain strings have a control number beside each of its record's subfields: ends a part in which those get many bytes.
    fn end_large_part(&mut self) -> Result<(), ArrowError> {
        const MOST: usize = 64 << 20;
        let Plan { layout, shape, .. } = *self.plan;
        let repeats = layout == Layout::Subfields && shape.string_type != StringType::View;
        if repeats && self.builder.as_mut().is_some_and(|builder| builder.repeated_bytes() > MOST) {
            self.end_part()?;
            self.builder = Some(new_builder(self.plan, Capacity::default()));
        }
        Ok(())
    }

    fn note_repairs(&mut self, number: u64, span: Span) {
        for repair in std::mem::take(&mut self.repairs) {
            self.note(Some(number), span, repair.code, repair.tag, repair.raw.into());
        }
    }

    /// Notes what the builder had to say of the text of the record that it took.
    fn note_text(&mut self, number: u64, span: Span) {
        if let Some(builder) = &mut self.builder
            && builder.has_repairs()
        {
            self.repairs = builder.take_repairs();
            self.note_repairs(number, span);
        }
    }

    /// Takes the record if everything about it is as it should be.
    fn push_sound(&mut self, record: &[u8], number: u64, span: Span) -> bool {
        let Some(builder) = &mut self.builder else { return false };
        let (start, end) = (span.offset as usize, span.offset as usize + span.length as usize);
        let decoding = match self.text.reading(record) {
            Reading::InPlace => None,
            Reading::Decoded(decoding) => Some(decoding),
            Reading::Doubtful => return false,
        };
        let candidate =
            Candidate { block: &self.block.bytes, start, end, tape: self.tape, terminator: self.reached, decoding };
        let pushed = builder.push_sound(&candidate);
        if let Some(fields) = pushed {
            self.reached += fields + 1;
            if is_refused(self.plan, builder, &self.block.bytes, number) {
                builder.take_back();
                return true;
            }
            self.output.note_encoding(|| self.text.encoding(record, decoding, &[]));
            self.output.push(number, span);
            self.rows.push(self.block.offset + u64::from(span.offset));
        }
        pushed.is_some()
    }

    /// Finds the record's fields and how its text is to be read.
    fn judge(&mut self, record: &[u8], boundary: Option<Code>) -> Result<Option<Decoding>, Code> {
        if let Some(code) = boundary.filter(|code| code.is_reject()) {
            return Err(code);
        }
        self.outline.read(record)?;
        self.repairs.clear();
        let decoding = self.text.judge(record, self.outline.fields(), &mut self.repairs);
        if let Some(tags) = &self.plan.tags {
            // Of fields that are left out, nothing is told.
            self.repairs.retain(|repair| repair.tag.is_none_or(|tag| tags.contains(tag)));
        }
        Ok(decoding)
    }

    /// Appends a record that was judged; whether it is in the table.
    fn push(&mut self, number: u64, span: Span, decoding: Option<Decoding>) -> Result<bool, ArrowError> {
        let block = self.block;
        let Some(builder) = &mut self.builder else { return Ok(false) };
        let start = span.offset as usize;
        let delimiters = if self.plan.tags.is_some() {
            let within = memchr_iter(DELIMITER, block.slice(span));
            Cow::Owned(within.map(|at| span.offset + at as u32).collect::<Vec<_>>())
        } else {
            let delimiters = self.tape.delimiters();
            let from = delimiters.partition_point(|&at| at < span.offset);
            let to = delimiters.partition_point(|&at| at < span.offset + span.length);
            Cow::Borrowed(delimiters.get(from..to).unwrap_or_default())
        };
        let leader = self.outline.leader(block.slice(span));
        let leader = if let Cow::Owned(leader) = &leader { Some(leader.as_slice()) } else { None };
        let context = RecordContext {
            block: &block.bytes,
            start,
            leader,
            fields: self.outline.fields(),
            delimiters: &delimiters,
            decoding,
        };
        let mut pushed = builder.push(&context);
        if pushed.is_err() && builder.rows() > 0 {
            // Begin a new dictionary with this record.
            let full = std::mem::replace(builder, new_builder(self.plan, Capacity::default()));
            self.output.finish(full, block, self.plan)?;
            pushed = builder.push(&context);
        }
        if pushed.is_ok() && is_refused(self.plan, builder, &block.bytes, number) {
            builder.take_back();
            return Ok(false);
        }
        self.output.push(number, span);
        if pushed.is_ok() {
            self.note_text(number, span);
            return Ok(true);
        }
        // It overflows one alone: do what can be done. Nothing is refused by a lossy builder.
        builder.set_lossy();
        let _ = builder.push(&context);
        self.note_text(number, span);
        self.end_part()?;
        self.builder = Some(new_builder(self.plan, Capacity::default()));
        self.note(Some(number), span, Code::DictionaryFull, None, block.slice_bytes(span));
        Ok(true)
    }

    fn end_part(&mut self) -> Result<(), ArrowError> {
        if let Some(builder) = self.builder.take().filter(|builder| builder.rows() > 0) {
            self.output.finish(builder, self.block, self.plan)?;
        }
        Ok(())
    }

    fn note(&mut self, record: Option<u64>, span: Span, code: Code, tag: Option<[u8; 3]>, raw: bytes::Bytes) {
        let raw = if self.plan.keep.wants(code) { raw } else { bytes::Bytes::new() };
        let tag = tag.map(|tag| structure_text(&tag));
        self.problems.push(Problem { tag, raw, ..self.block.problem(record, span, code) });
    }
}

/// Parts that are finished, and the records of the one under way.
#[derive(Default)]
struct Output<'a> {
    visitor: Option<Visitor<'a>>,
    parts: Vec<Part>,
    ends: Vec<u64>,
    spans: Vec<Span>,
    numbers: Vec<u64>,
    /// What the text of each was read in, for a visitor.
    encodings: Vec<Encoding>,
}

impl Output<'_> {
    /// Notes what the text of the record that is pushed next was read in, if somebody asks.
    fn note_encoding(&mut self, encoding: impl FnOnce() -> Encoding) {
        if self.visitor.is_some() {
            self.encodings.push(encoding());
        }
    }

    fn push(&mut self, number: u64, span: Span) {
        self.spans.push(span);
        self.numbers.push(number);
    }

    /// Makes a part of what was built.
    fn finish(&mut self, mut builder: RecordsBuilder, block: &Block, plan: &Plan) -> Result<(), ArrowError> {
        if let Some(visitor) = &mut self.visitor {
            let records = self.numbers.len();
            let encodings = self.encodings.get(..records).unwrap_or_default();
            visitor(&Plain::new(&builder, &block.bytes, &self.numbers, &self.spans, encodings));
            self.encodings.drain(..records);
            self.spans.clear();
            self.numbers.clear();
            return Ok(());
        }
        let Plan { layout, shape, .. } = *plan;
        let (named, selected) = (plan.named.as_deref(), plan.selected.as_deref());
        let buffer = Buffer::from(block.bytes.clone());
        builder.frees_block = shape.retain && !block.is_lent;
        let (mut columns, counts) = match layout {
            Layout::Records => {
                let built = builder.finish(&buffer)?;
                let columns = match (named, selected) {
                    (Some(named), _) => {
                        let wanted = plan.early.as_ref().map_or(&[][..], |early| &early.values);
                        let (columns, kept) = columns::finish(&built, named, shape, wanted)?;
                        if let Some(kept) = kept {
                            let mut kept = kept.into_iter();
                            self.spans.retain(|_| kept.next().unwrap_or(true));
                        }
                        columns
                    }
                    (None, Some(selected)) => selected.iter().filter_map(|&place| built.get(place).cloned()).collect(),
                    (None, None) => built,
                };
                (columns, None)
            }
            Layout::Subfields => {
                let (columns, counts) = subfields::finish(builder, plan, &self.numbers, &buffer)?;
                (columns, Some(counts))
            }
        };
        if shape.include_offsets {
            let each = |record: usize| counts.as_ref().map_or(1, |counts| counts.get(record).copied().unwrap_or(0));
            let spread = || self.spans.iter().enumerate().flat_map(|(record, span)| repeat_n(span, each(record)));
            let offset = |span: &Span| block.offset + u64::from(span.offset);
            columns.push(Arc::new(UInt64Array::from_iter_values(spread().map(offset))));
            columns.push(Arc::new(UInt32Array::from_iter_values(spread().map(|span| span.length))));
        }
        let rows = match &counts {
            None => self.spans.len(),
            Some(counts) => {
                let mut end = self.ends.last().copied().unwrap_or(0);
                self.ends.extend(counts.iter().map(|&count| {
                    end += count as u64;
                    end
                }));
                counts.iter().sum()
            }
        };
        self.spans.clear();
        self.numbers.clear();
        self.parts.push(Part { columns, rows });
        Ok(())
    }
}

/// Whether nobody wants the record that was appended last.
fn is_refused(plan: &Plan, builder: &RecordsBuilder, block: &[u8], number: u64) -> bool {
    plan.early.as_ref().filter(|early| early.asks_of_records()).is_some_and(|early| {
        !early.numbers.iter().all(|&(first, last)| (first..=last).contains(&number)) || !builder.passes(early, block)
    })
}

/// What is kept of a table of subfields is made when it is finished.
fn new_builder(plan: &Plan, capacity: Capacity) -> RecordsBuilder {
    let Plan { layout, shape, .. } = *plan;
    // What columns are evaluated over is as `spec::evaluate` takes it, and let go of.
    let passing = Shape { string_type: StringType::View, categorical: true, retain: false, ..shape };
    let shape = if plan.named.is_some() { passing } else { shape };
    match layout {
        Layout::Records if plan.named.is_some() => {
            let mut builder = RecordsBuilder::new(shape, plan.tags.clone(), capacity);
            builder.keeps_block = true;
            builder
        }
        Layout::Records => RecordsBuilder::new(shape, plan.tags.clone(), capacity),
        Layout::Subfields => {
            let mut builder = RecordsBuilder::new(Shape { retain: false, ..shape }, plan.tags.clone(), capacity);
            builder.tag.reserve(subfields::LEADER_TAG);
            builder
        }
    }
}

/// The bytes of a record that no field got, one after the other.
fn lost_bytes(record: &[u8], flaw: &Flaw) -> bytes::Bytes {
    let lost = flaw.lost.iter().filter_map(|range| record.get(range.clone()));
    lost.flatten().copied().collect::<Vec<u8>>().into()
}
