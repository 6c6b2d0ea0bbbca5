//! `layout="records"`: one row per record, fields nested, nothing lost.
//!
//! The hot loop of the crate. Columns are plain vectors with exact capacities (the tape of marks gives the numbers of fields
//! and subfields); validity is kept as a byte of flags per field and packed into bitmaps at the end.
//!
//! [`sound`] is the way that nearly all records take; the rest come through [`RecordsBuilder::push`].

mod delimiters;
mod part;
mod sound;

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, LargeListArray, StructArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields};

use self::delimiters::Delimiters;
use super::arrays::{BLOCK, INLINE, SCRATCH, compact, string_views, view};
use super::build::RecordContext;
use super::gather::nulls;
use super::plain::text;
use super::prefilter::{Early, passes};
use super::symbols::{CodeColumn, Full, TagColumn};
use super::{MAX_BATCH_BYTES, Shape, StringType, Tags, string_field, symbol_type, with_string_type};
use crate::encoding::{Decoded, Decoder, Decoding, TextRepair, structure_text};
use crate::iso2709::record::code_length;
use crate::iso2709::scanner::MAX_RECORD;
use crate::iso2709::{FieldSpan, LEADER_LENGTH, is_control_tag};
use crate::memory::with_capacity;
use crate::problem::Code;

/// Validity of one field's columns, a bit each.
pub(in crate::layout) const DATA: u8 = 1;
pub(in crate::layout) const IND1: u8 = 2;
pub(in crate::layout) const IND2: u8 = 4;
pub(in crate::layout) const VALUE: u8 = 8;

/// The columns `leader`, `control_number`, `fields`.
pub(in crate::layout) fn columns(shape: Shape) -> Vec<Field> {
    vec![
        string_field("leader", shape.string_type, false),
        string_field("control_number", shape.string_type, true),
        Field::new("fields", list_of(field_struct(shape)), false),
    ]
}

pub(in crate::layout) fn list_of(item: Fields) -> DataType {
    DataType::LargeList(Arc::new(Field::new("item", DataType::Struct(item), false)))
}

pub(in crate::layout) fn field_struct(shape: Shape) -> Fields {
    vec![
        Field::new("tag", symbol_type(DataType::UInt16, shape), false),
        Field::new("ind1", symbol_type(DataType::UInt8, shape), true),
        Field::new("ind2", symbol_type(DataType::UInt8, shape), true),
        string_field("value", shape.string_type, true),
        Field::new("subfields", list_of(subfield_struct(shape)), true),
    ]
    .into()
}

fn subfield_struct(shape: Shape) -> Fields {
    vec![
        Field::new("code", symbol_type(DataType::UInt8, shape), false),
        string_field("value", shape.string_type, false),
    ]
    .into()
}

/// How many of each the rows of a batch will take.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Capacity {
    pub records: usize,
    pub fields: usize,
    pub subfields: usize,
    /// Bytes of text that is made; nobody knows beforehand.
    pub scratch: usize,
}

// Views have 31 bits for a place. Text that is made takes at most three bytes for one of the block, and fields may share as many
// bytes as their record has.
const _: () = assert!((MAX_BATCH_BYTES + MAX_RECORD) * 3 * 2 < i32::MAX as usize);

pub(super) struct RecordsBuilder {
    shape: Shape,
    /// The fields that are wanted; `None` for all.
    pub(in crate::layout) tags: Option<Tags>,
    /// The positions of those fields in their records, from 1; empty where all are wanted.
    pub(in crate::layout) positions: Vec<u32>,
    /// Views point into the block, however little of it they show.
    pub(in crate::layout) keeps_block: bool,
    /// What is built is kept, and the block let go of if no views point into it: what it has of directories, and of text that views
    /// have themselves, need not be kept.
    pub(in crate::layout) frees_block: bool,
    without_values: bool,
    /// Symbols that do not fit the dictionary become U+FFFD.
    lossy: bool,
    pub(in crate::layout) leader: Vec<u128>,
    pub(in crate::layout) control_number: Vec<u128>,
    pub(in crate::layout) has_control_number: Vec<u8>,
    pub(in crate::layout) field_ends: Vec<i64>,
    pub(in crate::layout) tag: TagColumn,
    pub(in crate::layout) ind1: CodeColumn,
    pub(in crate::layout) ind2: CodeColumn,
    pub(in crate::layout) value: Vec<u128>,
    pub(in crate::layout) flags: Vec<u8>,
    pub(in crate::layout) subfield_ends: Vec<i64>,
    pub(in crate::layout) code: CodeColumn,
    pub(in crate::layout) subfield_value: Vec<u128>,
    /// Text that is not in the block as it is shown: what was decoded, and leaders with bytes that are no text.
    pub(in crate::layout) scratch: String,
    decoder: Decoder,
    /// What there is to say about the text of the record that was taken last.
    repairs: Vec<TextRepair>,
    /// What it takes to write the control number beside each field and subfield, and how many of those are counted.
    repeated: (usize, usize),
    /// The wanted fields of the record under way; kept for its memory.
    gathered: Option<Box<part::Gathered>>,
}

pub(super) use sound::Candidate;

impl RecordsBuilder {
    pub(super) fn new(shape: Shape, tags: Option<Tags>, capacity: Capacity) -> Self {
        // Of fields that are not all wanted, nobody knows how many there are.
        let capacity =
            if tags.is_some() { Capacity { records: capacity.records, ..Capacity::default() } } else { capacity };
        let Capacity { records, fields, subfields, .. } = capacity;
        let mut this = Self {
            shape,
            tags,
            positions: Vec::new(),
            keeps_block: false,
            frees_block: false,
            without_values: false,
            lossy: false,
            leader: with_capacity(records, shape.retain),
            control_number: with_capacity(records, shape.retain),
            has_control_number: with_capacity(records, shape.retain),
            field_ends: with_capacity(records + 1, shape.retain),
            tag: TagColumn::with_capacity(shape, fields),
            ind1: CodeColumn::with_capacity(shape, fields),
            ind2: CodeColumn::with_capacity(shape, fields),
            value: with_capacity(fields, shape.retain),
            flags: with_capacity(fields, shape.retain),
            subfield_ends: with_capacity(fields + 1, shape.retain),
            code: CodeColumn::with_capacity(shape, subfields),
            subfield_value: with_capacity(subfields, shape.retain),
            scratch: String::new(),
            decoder: Decoder::default(),
            repairs: Vec::new(),
            repeated: (0, 0),
            gathered: None,
        };
        this.field_ends.push(0);
        this.subfield_ends.push(0);
        this
    }

    pub(super) fn rows(&self) -> usize {
        self.leader.len()
    }

    /// Lets symbols that do not fit the dictionary become U+FFFD.
    pub(super) fn set_lossy(&mut self) {
        self.lossy = true;
    }

    /// Bytes that the control numbers of all records would take beside each of their fields and subfields; to be asked for after
    /// each record.
    pub(super) fn repeated_bytes(&mut self) -> usize {
        let (bytes, counted) = self.repeated;
        let rows = self.flags.len() + self.subfield_value.len() + self.leader.len();
        let length = self.control_number.last().map_or(0, |&view| view as u32 as usize);
        self.repeated = (bytes.saturating_add(length.saturating_mul(rows - counted)), rows);
        self.repeated.0
    }

    /// Forgets all text but the control numbers, so that the block need not be kept for it.
    pub(super) fn leave_out_values(&mut self) {
        self.without_values = true;
        for views in [&mut self.leader, &mut self.value, &mut self.subfield_value] {
            views.fill(0);
        }
        let mut kept = String::new();
        for slot in &mut self.control_number {
            let (length, buffer, start) = (*slot as u32 as usize, (*slot >> 64) as u32, (*slot >> 96) as usize);
            if length > INLINE && buffer == SCRATCH {
                let from = kept.len();
                kept.push_str(self.scratch.get(start..start + length).unwrap_or_default());
                *slot = view(kept.as_bytes(), from, kept.len(), SCRATCH);
            }
        }
        self.scratch = kept;
    }

    pub(super) fn has_repairs(&self) -> bool {
        !self.repairs.is_empty()
    }

    pub(super) fn take_repairs(&mut self) -> Vec<TextRepair> {
        std::mem::take(&mut self.repairs)
    }

    /// The view of a value's text. Text that was decoded is in the scratch buffer, if a view does not hold it itself.
    #[inline]
    fn text(&mut self, block: &[u8], start: usize, end: usize, decoding: Option<Decoding>, tag: [u8; 3]) -> u128 {
        match decoding {
            None => view(block, start, end, BLOCK),
            Some(decoding) => self.decoded(block, start, end, decoding, tag),
        }
    }

    fn decoded(&mut self, block: &[u8], start: usize, end: usize, decoding: Decoding, tag: [u8; 3]) -> u128 {
        let value = block.get(start..end).unwrap_or_default();
        let from = self.scratch.len();
        let (view, repair) = match self.decoder.decode(decoding, value, &mut self.scratch) {
            Decoded::InPlace(repair) => (view(block, start, end, BLOCK), repair),
            Decoded::Appended(repair) => {
                let length = self.scratch.len() - from;
                let view = view(self.scratch.as_bytes(), from, from + length, SCRATCH);
                if length <= INLINE {
                    self.scratch.truncate(from);
                }
                (view, repair)
            }
        };
        if let Some(code) = repair {
            // Text that is shown as it stands is missing nowhere.
            self.note(code, tag, if code == Code::Utf8NotFlagged { &[] } else { value });
        }
        view
    }

    /// Notes a repair of the text of the record under way; the values of one field, or of several alike in a row, as one.
    #[cold]
    fn note(&mut self, code: Code, tag: [u8; 3], raw: &[u8]) {
        let raw = if self.shape.keep_raw { raw } else { &[] };
        match self.repairs.last_mut() {
            Some(last) if last.code == code && last.tag == Some(tag) => last.raw.extend_from_slice(raw),
            _ => self.repairs.push(TextRepair { code, tag: Some(tag), raw: raw.to_vec() }),
        }
    }

    /// Appends a record whose text was judged.
    ///
    /// # Errors
    ///
    /// [`Full`], and nothing is appended.
    pub(super) fn push(&mut self, record: &RecordContext<'_>) -> Result<(), Full> {
        let before = self.length();
        let pushed = self.push_fields(record);
        if pushed.is_err() {
            self.truncate(before);
        }
        pushed
    }

    fn length(&self) -> Capacity {
        let (records, subfields) = (self.leader.len(), self.subfield_value.len());
        Capacity { records, fields: self.subfield_ends.len() - 1, subfields, scratch: self.scratch.len() }
    }

    /// Whether the record that was appended last may be wanted.
    pub(super) fn passes(&self, early: &Early, block: &[u8]) -> bool {
        let text = |view: Option<&u128>| view.map(|&view| text(block, &self.scratch, view));
        let has_number = self.has_control_number.last() == Some(&1);
        (early.leader.is_empty() || passes(&early.leader, text(self.leader.last()).as_deref()))
            && (early.control_number.is_empty()
                || passes(&early.control_number, text(self.control_number.last().filter(|_| has_number)).as_deref()))
    }

    /// Takes back the record that was appended last. Text that was made for it stays, and is pointed at by nobody.
    #[allow(clippy::cast_sign_loss)] // ends count from 0
    pub(super) fn take_back(&mut self) {
        let records = self.leader.len().saturating_sub(1);
        let fields = self.field_ends.get(records).map_or(0, |&end| end as usize);
        let subfields = self.subfield_ends.get(fields).map_or(0, |&end| end as usize);
        self.truncate(Capacity { records, fields, subfields, scratch: self.scratch.len() });
    }

    /// Takes back what was appended since it had this `length`.
    #[cold]
    fn truncate(&mut self, length: Capacity) {
        let Capacity { records, fields, subfields, scratch } = length;
        self.repairs.clear();
        self.scratch.truncate(scratch);
        self.leader.truncate(records);
        self.control_number.truncate(records);
        self.has_control_number.truncate(records);
        self.field_ends.truncate(records + 1);
        self.tag.truncate(fields);
        self.ind1.truncate(fields);
        self.ind2.truncate(fields);
        self.value.truncate(fields);
        self.flags.truncate(fields);
        self.positions.truncate(fields);
        self.subfield_ends.truncate(fields + 1);
        self.code.truncate(subfields);
        self.subfield_value.truncate(subfields);
    }

    fn push_fields(&mut self, record: &RecordContext<'_>) -> Result<(), Full> {
        let mut control_number = None;
        let mut delimiters = Delimiters::new(record.delimiters);
        for (position, span) in (1..).zip(record.fields) {
            let (start, end) = (record.start + span.start as usize, record.start + span.end as usize);
            if let Some(tags) = &self.tags {
                if !tags.contains(span.tag) {
                    if control_number.is_none() && span.tag == *b"001" {
                        control_number = Some(self.text(record.block, start, end, record.decoding, span.tag));
                    }
                    continue;
                }
                self.positions.push(position);
            }
            if is_control_tag(span.tag) {
                let value = self.text(record.block, start, end, record.decoding, span.tag);
                if control_number.is_none() && span.tag == *b"001" {
                    control_number = Some(value);
                }
                self.ind1.push_null();
                self.ind2.push_null();
                self.value.push(value);
                self.flags.push(VALUE);
            } else {
                self.push_data_field(record, span.tag, start..end, &mut delimiters)?;
            }
            self.push_tag(span)?;
            self.subfield_ends.push(self.subfield_value.len() as i64);
        }
        self.push_leader(record);
        self.control_number.push(control_number.unwrap_or(0));
        self.has_control_number.push(u8::from(control_number.is_some()));
        self.field_ends.push(self.flags.len() as i64);
        Ok(())
    }

    #[inline]
    fn push_tag(&mut self, span: &FieldSpan) -> Result<(), Full> {
        self.tag.push_tag(span.tag, self.lossy)
    }

    #[inline]
    fn push_data_field(
        &mut self,
        record: &RecordContext<'_>,
        tag: [u8; 3],
        place: Range<usize>,
        delimiters: &mut Delimiters<'_>,
    ) -> Result<(), Full> {
        let (block, decoding) = (record.block, record.decoding);
        let Range { start, end } = place;
        let subfields = delimiters.between(start, end);
        let head_end = subfields.first().map_or(end, |&first| first as usize);
        let mut flags = DATA;
        match block.get(start..head_end).unwrap_or_default() {
            [] => {
                self.ind1.push_null();
                self.ind2.push_null();
                self.value.push(0);
            }
            [ind1] => {
                self.ind1.push_byte(*ind1, self.lossy)?;
                self.ind2.push_null();
                self.value.push(0);
                flags |= IND1;
            }
            [ind1, ind2, text @ ..] => {
                self.ind1.push_byte(*ind1, self.lossy)?;
                self.ind2.push_byte(*ind2, self.lossy)?;
                flags |= IND1 | IND2;
                if text.is_empty() {
                    self.value.push(0);
                } else {
                    let value = self.text(block, start + 2, head_end, decoding, tag);
                    self.value.push(value);
                    flags |= VALUE;
                }
            }
        }
        self.flags.push(flags);
        for (index, &delimiter) in subfields.iter().enumerate() {
            let start = delimiter as usize + 1;
            let end = subfields.get(index + 1).map_or(end, |&next| next as usize);
            let subfield = block.get(start..end).unwrap_or_default();
            let length = code_length(subfield);
            let code = subfield.get(..length).unwrap_or_default();
            self.code.push_code(code, self.lossy)?;
            if decoding.is_some() && std::str::from_utf8(code).is_err() {
                self.note(Code::NonAsciiStructure, tag, code);
            }
            let value = self.text(block, start + length, end, decoding, tag);
            self.subfield_value.push(value);
        }
        Ok(())
    }

    fn push_leader(&mut self, record: &RecordContext<'_>) {
        let (start, end) = (record.start, record.start + LEADER_LENGTH);
        let leader = record.leader.or_else(|| record.block.get(start..end)).unwrap_or_default();
        self.leader.push(if record.leader.is_none() && leader.is_ascii() {
            view(record.block, start, end, BLOCK)
        } else {
            let from = self.scratch.len();
            self.scratch.push_str(&structure_text(leader));
            view(self.scratch.as_bytes(), from, self.scratch.len(), SCRATCH)
        });
    }

    /// Where only some fields are wanted, and their text is little beside the block, or the block would be kept for text that is
    /// less: a buffer with that alone, into which views then point in place of the block.
    pub(in crate::layout) fn compact(&mut self, block: &Buffer) -> Buffer {
        let columns = [&mut self.leader, &mut self.control_number, &mut self.value, &mut self.subfield_value]
            .map(Vec::as_mut_slice);
        let most = match () {
            // Text of other types is copied anyway.
            () if self.keeps_block || self.shape.string_type != StringType::View => None,
            () if self.frees_block => Some(block.len() / 5 * 4),
            () if self.tags.is_some() || self.without_values => Some(block.len() / 4),
            () => None,
        };
        match most.and_then(|most| compact(columns, block, most, self.frees_block)) {
            Some(text) => Buffer::from(text),
            None => block.clone(),
        }
    }

    /// The columns, in the order of [`columns`]; `block` is the buffer that views point into.
    pub(super) fn finish(mut self, block: &Buffer) -> Result<Vec<ArrayRef>, ArrowError> {
        let shape = self.shape;
        let block = &self.compact(block);
        if self.tags.is_some() && shape.retain {
            // Nobody knew how many there would be.
            self.value.shrink_to_fit();
            self.subfield_value.shrink_to_fit();
            self.subfield_ends.shrink_to_fit();
        }
        let buffers = buffers(self.scratch, shape.retain, block);
        let strings =
            |views, nulls| with_string_type(string_views(views, Arc::clone(&buffers), nulls), shape.string_type);
        let flags = &self.flags;

        let subfields = StructArray::try_new(
            subfield_struct(shape),
            vec![with_symbols(self.code.finish(None), shape)?, strings(self.subfield_value, None)?],
            None,
        )?;
        let subfields = large_list(self.subfield_ends, subfields, nulls(flags, DATA))?;
        let fields = StructArray::try_new(
            field_struct(shape),
            vec![
                with_symbols(self.tag.finish(None), shape)?,
                with_symbols(self.ind1.finish(nulls(flags, IND1)), shape)?,
                with_symbols(self.ind2.finish(nulls(flags, IND2)), shape)?,
                strings(self.value, nulls(flags, VALUE))?,
                Arc::new(subfields),
            ],
            None,
        )?;
        Ok(vec![
            strings(self.leader, None)?,
            strings(self.control_number, nulls(&self.has_control_number, 1))?,
            Arc::new(large_list(self.field_ends, fields, None)?),
        ])
    }
}

/// What views point into: the block, and text that was made.
pub(in crate::layout) fn buffers(mut scratch: String, retain: bool, block: &Buffer) -> Arc<[Buffer]> {
    if scratch.is_empty() {
        return Arc::from([block.clone()]);
    }
    if retain {
        scratch.shrink_to_fit();
    }
    Arc::from([block.clone(), Buffer::from(scratch.into_bytes())])
}

/// Symbols that are plain strings, as the string type that was asked for.
fn with_symbols(array: ArrayRef, shape: Shape) -> Result<ArrayRef, ArrowError> {
    if shape.categorical { Ok(array) } else { super::cast_strings(array, shape.string_type) }
}

fn large_list(ends: Vec<i64>, items: StructArray, nulls: Option<NullBuffer>) -> Result<LargeListArray, ArrowError> {
    let item = Arc::new(Field::new("item", DataType::Struct(items.fields().clone()), false));
    LargeListArray::try_new(item, OffsetBuffer::new(ScalarBuffer::from(ends)), Arc::new(items), nulls)
}
