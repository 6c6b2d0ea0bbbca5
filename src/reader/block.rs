//! Blocks of records whose boundaries and directories have been looked at: what a record is a place in.

use std::borrow::Cow;
use std::str::Utf8Error;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use crate::encoding::{
    BlockText, Decoded, Decoder, Encoding, Format, TextRepair, decode, is_plain_ascii, structure_text,
};
use crate::error::{Error, ErrorKind, Hint};
use crate::iso2709::blocks::{Block, Span};
use crate::iso2709::encode::{LONGEST_FIELD, LONGEST_RECORD, TooLong, encode};
use crate::iso2709::{Directory, FieldRef, FieldSpan, LEADER_LENGTH, Outline};
use crate::pipeline::Build;
use crate::problem::{Code, Problem, ProblemCounts};

/// Records that share the bytes they were read in.
#[derive(Debug)]
pub struct RecordBlock {
    block: Block,
    format: Format,
    /// For each record what is special about it, if anything is: a place in `special`.
    states: Vec<Option<u32>>,
    special: Vec<Special>,
    /// Problems of boundary and structure.
    pub(super) counts: ProblemCounts,
    /// What the text of each record is encoded in, found when it is first asked for: a place in [`Encoding::ALL`], from 1; 0 for
    /// not yet.
    charsets: OnceLock<Box<[AtomicU8]>>,
}

/// A record that was repaired or rejected.
#[derive(Debug)]
struct Special {
    reject: Option<Problem>,
    fields: Vec<FieldSpan>,
    codes: Vec<Code>,
    /// The leader, where it is not the record's first 24 bytes.
    leader: Option<Box<[u8]>>,
}

impl RecordBlock {
    /// How many records there are, rejected ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    fn span(&self, index: usize) -> Option<Span> {
        self.block.records.get(index).copied()
    }

    /// All bytes of a record.
    #[must_use]
    pub fn bytes(&self, index: usize) -> &[u8] {
        match self.span(index) {
            Some(span) => self.block.slice(span),
            // A source that is no MARC at all.
            None => self.special(index).and_then(|special| special.reject.as_ref()).map_or(&[], |reject| &reject.raw),
        }
    }

    /// The record's number over all sources, its byte offset in its own, and that one's name.
    #[must_use]
    pub fn place(&self, index: usize) -> (u64, u64, Option<&str>) {
        let offset = self.span(index).map_or(0, |span| u64::from(span.offset));
        (self.block.first_record + index as u64, self.block.offset + offset, self.block.source.as_deref())
    }

    /// A record's leader: 24 bytes, or fewer of what is no record.
    #[must_use]
    pub fn leader(&self, index: usize) -> &[u8] {
        let own = self.special(index).and_then(|special| special.leader.as_deref());
        own.unwrap_or_else(|| {
            let record = self.bytes(index);
            record.get(..LEADER_LENGTH).unwrap_or_default()
        })
    }

    /// The fields of a record, in the order of its directory.
    #[must_use]
    pub fn fields(&self, index: usize) -> FieldSpans<'_> {
        if let Some(special) = self.special(index) {
            return FieldSpans(Found::Listed(special.fields.iter()));
        }
        let record = self.bytes(index);
        let directory = Directory::new(record);
        let entries = directory.map_or(&[][..], Directory::as_bytes).as_chunks().0.iter();
        FieldSpans(Found::Sound { entries, base: directory.map_or(0, Directory::base_address) })
    }

    /// One of the fields of a record, by its place in it.
    #[must_use]
    pub fn field(&self, index: usize, span: FieldSpan) -> FieldRef<'_> {
        let data = self.bytes(index).get(span.start as usize..span.end as usize);
        FieldRef::new(span.tag, data.unwrap_or_default())
    }

    /// Where records say what their text is encoded in.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// A value of a record as text: what the record says of its encoding decides, but for a record that is UTF-8 beyond doubt
    /// whatever it says. What stands for no character becomes U+FFFD.
    ///
    /// # Errors
    ///
    /// The record says that it is UTF-8, and the value is not.
    pub fn text<'a>(&self, index: usize, value: &'a [u8]) -> Result<Cow<'a, str>, Utf8Error> {
        let charset = if is_plain_ascii(value) { Encoding::Utf8 } else { self.charset(index) };
        if charset == Encoding::Utf8 {
            std::str::from_utf8(value).map(Cow::Borrowed)
        } else {
            Ok(decode(charset, value))
        }
    }

    /// Looked for once: it takes the whole record.
    fn charset(&self, index: usize) -> Encoding {
        let charsets = self.charsets.get_or_init(|| (0..self.len()).map(|_| AtomicU8::new(0)).collect());
        let find = || {
            // Only UNIMARC says it in a field.
            let fields = if self.format == Format::Unimarc { self.fields(index).collect() } else { Vec::new() };
            Encoding::of(self.bytes(index), &fields, self.format)
        };
        let Some(known) = charsets.get(index) else { return find() };
        let place = usize::from(known.load(Ordering::Relaxed));
        if let Some(&(_, charset)) = place.checked_sub(1).and_then(|place| Encoding::ALL.get(place)) {
            return charset;
        }
        let charset = find();
        let place = Encoding::ALL.iter().position(|&(_, known)| known == charset);
        known.store(place.map_or(0, |place| place as u8 + 1), Ordering::Relaxed);
        charset
    }

    /// A record's bytes as they were read or, if its structure was repaired, laid out anew with directory and lengths put
    /// right.
    ///
    /// # Errors
    ///
    /// It was repaired, and is too long for the numbers in a directory or leader.
    pub fn as_marc(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        let bytes = self.bytes(index);
        let leader = match self.leader(index).first_chunk() {
            Some(leader) if !self.repairs(index).is_empty() && self.reject(index).is_none() => leader,
            _ => return Ok(Cow::Borrowed(bytes)),
        };
        match encode(leader, self.fields(index).map(|span| (span.tag, self.field(index, span).data()))) {
            Ok(record) => Ok(Cow::Owned(record)),
            Err(too_long) => {
                let what = match too_long {
                    TooLong::Field(tag, length) => {
                        let tag = structure_text(&tag);
                        format!("field {tag} has {length} bytes, and a directory has room for {LONGEST_FIELD}")
                    }
                    TooLong::Record(length) => {
                        format!("the record would have {length} bytes, and a leader has room for {LONGEST_RECORD}")
                    }
                };
                let (number, offset, source) = self.place(index);
                let error = Error::new(ErrorKind::Record, "too_long", format!("cannot be laid out anew: {what}"));
                Err(error.at(Some(number), offset).in_source(source.map(Arc::from)).with_hint(Hint::BytesAsRead))
            }
        }
    }

    /// What had to be put right in a record's structure.
    #[must_use]
    pub fn repairs(&self, index: usize) -> &[Code] {
        self.special(index).map_or(&[], |special| &special.codes)
    }

    /// What has to be put right in a record's text, or why some of it cannot be shown as it is.
    #[must_use]
    pub fn text_repairs(&self, index: usize) -> Vec<Code> {
        let fields: Vec<FieldSpan> = self.fields(index).collect();
        let mut repairs: Vec<TextRepair> = Vec::new();
        let (mut decoder, mut text) = (Decoder::default(), String::new());
        let decoding = BlockText::unknown(self.format).judge(self.bytes(index), &fields, &mut repairs);
        let mut repairs: Vec<Code> = repairs.into_iter().map(|repair| repair.code).collect();
        let Some(decoding) = decoding else { return repairs };
        let mut odd_codes = Vec::new();
        let mut note = |value: &[u8]| {
            if let Decoded::InPlace(Some(code)) | Decoded::Appended(Some(code)) =
                decoder.decode(decoding, value, &mut text)
            {
                repairs.push(code);
            }
            text.clear();
        };
        for span in fields {
            let field = self.field(index, span);
            if field.is_control() {
                note(field.data());
            } else {
                note(field.stray_text());
                for subfield in field.subfields() {
                    if std::str::from_utf8(subfield.code()).is_err() {
                        odd_codes.push(Code::NonAsciiStructure);
                    }
                    note(subfield.value());
                }
            }
        }
        repairs.append(&mut odd_codes);
        repairs
    }

    fn special(&self, index: usize) -> Option<&Special> {
        self.special.get((*self.states.get(index)?)? as usize)
    }

    pub(super) fn reject(&self, index: usize) -> Option<&Problem> {
        self.special(index)?.reject.as_ref()
    }
}

/// Iterator over where the fields of a record are.
#[derive(Debug, Clone)]
pub struct FieldSpans<'a>(Found<'a>);

#[derive(Debug, Clone)]
enum Found<'a> {
    /// Every entry of the directory is a whole field.
    Sound {
        entries: std::slice::Iter<'a, [u8; 12]>,
        base: usize,
    },
    Listed(std::slice::Iter<'a, FieldSpan>),
}

impl Iterator for FieldSpans<'_> {
    type Item = FieldSpan;

    #[inline]
    fn next(&mut self) -> Option<FieldSpan> {
        match &mut self.0 {
            Found::Listed(fields) => fields.next().copied(),
            Found::Sound { entries, base } => {
                let entry = crate::iso2709::Entry::new(entries.next()?);
                let place = entry.place?;
                let start = *base + place.start;
                Some(FieldSpan { tag: entry.tag, start: start as u32, end: (start + place.length.max(1) - 1) as u32 })
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Found::Listed(fields) => fields.size_hint(),
            Found::Sound { entries, .. } => entries.size_hint(),
        }
    }
}

/// Looks at boundaries and directories.
#[derive(Clone, Copy)]
pub(super) struct RecordBuild(pub Format);

impl Build for RecordBuild {
    type Output = RecordBlock;

    fn block(&self, block: Block) -> Result<RecordBlock, Error> {
        let mut outline = Outline::default();
        let mut checked = RecordBlock {
            states: Vec::with_capacity(block.records.len()),
            special: Vec::new(),
            counts: ProblemCounts::default(),
            charsets: OnceLock::new(),
            format: self.0,
            block,
        };
        for (index, &span) in checked.block.records.iter().enumerate() {
            let found = match span.flaw.filter(|code| code.is_reject()) {
                Some(code) => Err(code),
                None => outline.read(checked.block.slice(span)),
            };
            if found.is_ok() && span.flaw.is_none() && outline.flaws().is_empty() {
                checked.states.push(None);
                continue;
            }
            let special = match found {
                Ok(()) => {
                    let repairs = outline.flaws().iter().map(|flaw| flaw.code);
                    let codes = span.flaw.into_iter().chain(repairs).collect();
                    let leader = match outline.leader(checked.block.slice(span)) {
                        Cow::Owned(leader) => Some(leader.into_boxed_slice()),
                        Cow::Borrowed(_) => None,
                    };
                    Special { reject: None, fields: outline.fields().to_vec(), codes, leader }
                }
                Err(code) => {
                    let number = checked.block.first_record + index as u64;
                    let reject = Some(checked.block.problem(Some(number), span, code));
                    Special { reject, fields: Vec::new(), codes: vec![code], leader: None }
                }
            };
            for &code in &special.codes {
                checked.counts.add(code);
            }
            checked.states.push(Some(checked.special.len() as u32));
            checked.special.push(special);
        }
        for _ in &checked.block.junk {
            checked.counts.add(Code::Junk);
        }
        Ok(checked)
    }

    fn foreign(&self, problem: Problem) -> RecordBlock {
        let block = Block {
            bytes: bytes::Bytes::new(),
            is_lent: true,
            offset: problem.offset,
            source: problem.source.clone(),
            first_record: problem.record.unwrap_or(0),
            records: Vec::new(),
            junk: Vec::new(),
        };
        let mut counts = ProblemCounts::default();
        counts.add(problem.code);
        let special = Special { fields: Vec::new(), codes: vec![problem.code], reject: Some(problem), leader: None };
        RecordBlock {
            block,
            format: self.0,
            states: vec![Some(0)],
            special: vec![special],
            counts,
            charsets: OnceLock::new(),
        }
    }
}
