//! What can be wrong with input without stopping a read: junk, repairs and rejected records.
//!
//! Every fault has one [`Code`]. Codes are stable names, so that people can filter, count and search for
//! them; [`Code::advice`] says what to do. A worker gathers [`Problem`]s for its block; most reads keep only
//! their [`ProblemCounts`].

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Bytes between records that belong to none.
    Junk,
    /// The record was read, after something was put right.
    Repair,
    /// The record could not be read; it is in no table.
    Reject,
}

impl Severity {
    /// `junk`, `repair` or `reject`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Junk => "junk",
            Self::Repair => "repair",
            Self::Reject => "reject",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident $name:literal $severity:ident $advice:literal;)*) => {
        /// A fault, by its stable name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// The stable `snake_case` name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether it is junk, a repair or a reject.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What happened and what was done about it, or what to do.
            #[must_use]
            pub fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)* }
            }
        }
    };
}

codes! {
    /// CR, LF, blank, NUL, Ctrl-Z, BOM or lone `0x1D` between records.
    Junk "junk" Junk "bytes between records that belong to none were skipped";
    /// The leader's record length is not where the record ends.
    LengthMismatch "length_mismatch" Repair
        "the leader's record length is wrong; the record was cut at its terminator";
    /// The leader's record length reaches over the next record.
    LengthSpansRecords "length_spans_records" Repair
        "the leader's record length reaches over a following record; the record was cut at its terminator";
    /// The record terminator `0x1D` is missing; the next record's leader follows.
    MissingTerminator "missing_terminator" Repair
        "the record terminator is missing; the record was cut before the next leader";
    /// The leader's base address of data is not where the directory ends.
    BaseAddressMismatch "base_address_mismatch" Repair
        "the leader's base address of data is wrong; the directory was taken to end at its terminator";
    /// The leader does not have 24 bytes.
    LeaderLength "leader_length" Repair
        "the leader is too short or too long; the directory was taken to begin where it is right";
    /// The directory is not a whole number of 12-byte entries.
    DirectorySize "directory_size" Repair
        "the directory is not a multiple of 12 bytes; its incomplete last entry, or line breaks in it, were left out";
    /// Directory entries do not agree with the data as they stand.
    DirectoryMismatch "directory_mismatch" Repair
        "the directory does not agree with the data; it was taken to count characters, or fields were split at their terminators";
    /// A field holds a field terminator; the directory says so.
    TerminatorInField "terminator_in_field" Repair
        "a field holds a field terminator; the directory, which accounts for every byte, was believed";
    /// A field has no terminator.
    MissingFieldTerminator "missing_field_terminator" Repair
        "field terminators are missing; fields were cut where the directory says, which accounts for every byte";
    /// The directory does not end in a field terminator.
    MissingDirectoryTerminator "missing_directory_terminator" Repair
        "the directory's terminator is missing; the base address was believed";
    /// A directory entry points at no field.
    EntryWithoutField "entry_without_field" Repair
        "a directory entry points at no field; it was left out";
    /// Two directory entries point at the same bytes.
    SharedData "shared_data" Repair "directory entries point at the same data; each field was given it";
    /// So many entries share data that later ones were left empty.
    SharedDataLimit "shared_data_limit" Repair
        "so many directory entries point at the same data that the later ones were left empty";
    /// Data that no directory entry points at.
    UnreferencedData "unreferenced_data" Repair
        "no directory entry points at some of the data; see the raw bytes";
    /// Leader, tag or indicator bytes that are not text.
    NonAsciiStructure "non_ascii_structure" Repair
        "a leader, tag or indicator is not valid text; its bytes became U+FFFD";
    /// Valid UTF-8 in a record that is not flagged as UTF-8.
    Utf8NotFlagged "utf8_not_flagged" Repair
        "the text is UTF-8 and leader position 09 (in UNIMARC 100 $a) says otherwise; it was read as UTF-8";
    /// Text in MARC-8 in a record that is flagged as UTF-8.
    Marc8NotFlagged "marc8_not_flagged" Repair
        "leader position 09 is 'a' but the text is MARC-8; it was read as MARC-8";
    /// Text beyond ASCII in a UNIMARC record that names no character set for it, or one that is not known.
    CharacterSetUnknown "character_set_unknown" Repair
        "100 $a names no known character set for the text; it was read as ISO 5426; if it is in another, name that as encoding";
    /// Text in windows-1251 in a UNIMARC record that names another character set.
    WrongCharacterSet "wrong_character_set" Repair
        "100 $a names a character set that the text is not in; it was read as windows-1251";
    /// Text that should be UTF-8 and is not.
    InvalidUtf8 "invalid_utf8" Repair
        "the text should be UTF-8 and is not; what is not became U+FFFD; if you know what it is in, name that as encoding";
    /// Codes that stand for no character in their character set.
    UnknownCharacter "unknown_character" Repair
        "a code that stands for no character became U+FFFD; if the text is in another set, name that as encoding";
    /// More distinct tags, indicators or codes in one record than a categorical column can hold.
    DictionaryFull "dictionary_full" Repair
        "one record has more distinct tags, indicators or codes than a categorical column holds; \
         the rest became U+FFFD; columns that are not categorical keep them";
    /// Fewer than 26 bytes.
    TooShort "too_short" Reject "under 26 bytes, the least that a leader and two terminators take";
    /// No field terminator after the leader.
    NoDirectory "no_directory" Reject "no directory that ends in a field terminator (0x1E)";
    /// Neither base address nor any directory entry makes sense.
    NotMarc "not_marc" Reject "neither the base address nor any directory entry makes sense: not MARC";
    /// The input ended inside the record.
    Truncated "truncated" Reject
        "the record is cut off by the end of the input or by the next record: a cut download? Fetch the file again";
    /// 64 MiB without a record terminator.
    NoTerminator "no_terminator" Reject "no record terminator (0x1D) within 64 MiB";
    /// The whole input is not ISO 2709.
    UnsupportedFormat "unsupported_format" Reject "the input is not MARC in ISO 2709";
}

impl Code {
    /// Whether records with this problem are left out of tables.
    #[must_use]
    pub fn is_reject(self) -> bool {
        self.severity() == Severity::Reject
    }
}

/// One thing that was wrong, and where.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Problem {
    /// The path of the source; `None` for memory.
    pub source: Option<Arc<str>>,
    /// The record's number over the whole read; `None` for junk.
    pub record: Option<u64>,
    /// Byte offset of the record or junk in its (decompressed) source.
    pub offset: u64,
    /// Length of the record or junk in bytes.
    pub length: u64,
    /// The field's tag, where the problem is one field's.
    pub tag: Option<String>,
    /// What is wrong.
    pub code: Code,
    /// A sentence for people.
    pub message: Cow<'static, str>,
    /// The bytes that are in no table on account of this problem; empty where there are none.
    pub raw: Bytes,
}

/// How often each [`Code`] was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemCounts(Box<[u64; Code::ALL.len()]>);

impl Default for ProblemCounts {
    fn default() -> Self {
        Self(Box::new([0; Code::ALL.len()]))
    }
}

impl ProblemCounts {
    /// Counts one more problem of `code`.
    pub fn add(&mut self, code: Code) {
        if let Some(count) = self.0.get_mut(code as usize) {
            *count += 1;
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0.iter()) {
            *count += more;
        }
    }

    /// How often `code` was met.
    #[must_use]
    pub fn get(&self, code: Code) -> u64 {
        self.0.get(code as usize).copied().unwrap_or(0)
    }

    /// How many records were rejected.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.iter().filter(|(code, _)| code.is_reject()).map(|(_, count)| count).sum()
    }

    /// The codes that were met, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Code, u64)> + '_ {
        Code::ALL.iter().map(|&code| (code, self.get(code))).filter(|&(_, count)| count > 0)
    }
}
