//! Where the fields and subfields of a block are: an index pass ahead of the walk.
//!
//! One pass with wide compares costs a fraction of a search per subfield, and its counts are the exact numbers of
//! fields and subfields, so that output buffers are allocated once. Nothing is asked of a byte that was compared once: whether
//! it is a delimiter, what mark comes after it and how many delimiters come before a terminator is found for 64 bytes
//! together. This is one of the few modules with `unsafe` code: the paths for AVX2 and AVX-512 load 32 or 64 bytes at a time
//! and write positions through pointers.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::{DELIMITER, FIELD_TERMINATOR};

/// The position of every `0x1E` and `0x1F` of a block, in order.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    delimiters: Vec<u32>,
    /// For each delimiter, where the next mark is, of either kind; the block's length after the last.
    ends: Vec<u32>,
    terminators: Vec<u32>,
    /// For each terminator, how many delimiters come before it.
    before: Vec<u32>,
    /// For each delimiter, the byte behind it, 0 for none; empty where they are not found along with the marks.
    codes: Vec<u8>,
    /// There is an escape character.
    escape: bool,
}

/// The escape character, which MARC-8 changes its character sets with.
const ESCAPE: u8 = 0x1B;

/// The room that a tape may keep from block to block.
const KEEP: usize = 1 << 20;

/// What 64 bytes hold, a bit for each: delimiters, and marks of either kind.
#[derive(Debug, Clone, Copy)]
struct Masks {
    delimiters: u64,
    marks: u64,
}

impl Masks {
    fn terminators(self) -> u64 {
        self.marks & !self.delimiters
    }

    /// The marks that follow a delimiter. `open` is 1 where the last mark of the bytes before was one, and is set for those after.
    #[inline]
    fn ends(self, open: &mut u64) -> u64 {
        // A bit put behind a delimiter is carried through what is no mark to the next one.
        let (sum, beyond) = (self.delimiters << 1 | *open).overflowing_add(!self.marks);
        *open = self.delimiters >> 63 | u64::from(beyond);
        sum & self.marks
    }
}

impl Tape {
    /// Takes the marks of `block` in place of those before.
    pub(crate) fn read(&mut self, block: &[u8]) {
        self.read_marks::<true>(block);
    }

    /// Takes the terminators of `block` alone, for readers that look into few of the fields.
    pub(crate) fn read_terminators(&mut self, block: &[u8]) {
        self.read_marks::<false>(block);
    }

    fn read_marks<const ALL: bool>(&mut self, block: &[u8]) {
        // Blocks are bounded far below that, and all that is made of positions relies on it.
        assert!(i32::try_from(block.len()).is_ok(), "a block of {} bytes", block.len());
        for (place, list) in self.lists().into_iter().enumerate() {
            list.clear();
            // Marks are rarely denser; one allocation in place of a dozen.
            let wanted = block.len() / 24 + GROUP * CHUNK;
            if (ALL || place == TERMINATORS) && list.capacity() < wanted {
                // Not by growing, which would copy, and so touch, all that the last block did not need.
                *list = Vec::with_capacity(wanted / 4 * 5);
            }
        }
        self.codes.clear();
        self.escape = self.find::<ALL>(block);
        self.ends.resize(self.delimiters.len(), block.len() as u32);
    }

    /// Finds all marks, or terminators alone, and tells whether there is an escape character.
    fn find<const ALL: bool>(&mut self, block: &[u8]) -> bool {
        #[cfg(target_arch = "x86_64")]
        if avx512::is_there() {
            #[allow(unsafe_code)]
            // SAFETY: the features that the function is compiled for were just found on this processor.
            return unsafe { avx512::find::<ALL>(block, self) };
        }
        #[cfg(target_arch = "x86_64")]
        if avx2::is_there() {
            #[allow(unsafe_code)]
            // SAFETY: the features that the function is compiled for were just found on this processor.
            return unsafe { avx2::find::<ALL>(block, self) };
        }
        portable::find::<ALL>(block, self)
    }

    fn lists(&mut self) -> [&mut Vec<u32>; 4] {
        [&mut self.delimiters, &mut self.ends, &mut self.terminators, &mut self.before]
    }

    /// Lets go of what no catalogue needs.
    pub(crate) fn shrink(&mut self) {
        for list in self.lists() {
            if list.capacity() > KEEP {
                *list = Vec::new();
            }
        }
        if self.codes.capacity() > KEEP {
            self.codes = Vec::new();
        }
    }

    /// Whether there is an escape character.
    pub(crate) fn has_escapes(&self) -> bool {
        self.escape
    }

    /// Every `0x1F`.
    pub(crate) fn delimiters(&self) -> &[u32] {
        &self.delimiters
    }

    /// For each delimiter, the next mark, or the block's length.
    pub(crate) fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// For each delimiter, the byte behind it, which is 0 where there is none; empty where asking for it is as well.
    pub(crate) fn codes(&self) -> &[u8] {
        &self.codes
    }

    /// Every `0x1E`.
    pub(crate) fn terminators(&self) -> &[u32] {
        &self.terminators
    }

    /// For each terminator, the number of delimiters before it.
    pub(crate) fn before(&self) -> &[u32] {
        &self.before
    }
}

/// Subfields of some fields.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Where each begins, at its delimiter.
    pub delimiters: Vec<u32>,
    /// Where each ends.
    pub ends: Vec<u32>,
    /// The byte behind each delimiter; 0 where the field ends there.
    pub codes: Vec<u8>,
}

impl Found {
    pub(crate) fn clear(&mut self) {
        self.delimiters.clear();
        self.ends.clear();
        self.codes.clear();
    }
}

/// What finds the subfields of single fields: what the processor can do is asked once for many of them.
#[derive(Clone, Copy)]
pub(crate) struct Subfields {
    #[cfg(target_arch = "x86_64")]
    path: Path,
}

/// What the processor has been found to have.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
enum Path {
    Avx512,
    Avx2,
    Portable,
}

impl Subfields {
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            path: match () {
                () if avx512::is_there() && avx2::is_there() => Path::Avx512,
                () if avx2::is_there() => Path::Avx2,
                () => Path::Portable,
            },
        }
    }

    /// Appends the subfields of `block[start..end]`, which is a field. Fields are much shorter than what a search is worth its
    /// preparations for.
    #[inline]
    pub(crate) fn extend(self, found: &mut Found, block: &[u8], start: usize, end: usize) {
        #[cfg(target_arch = "x86_64")]
        if let Path::Avx512 = self.path
            && let Some(field) = block.get(start..end).filter(|field| field.len() <= CHUNK)
        {
            #[allow(unsafe_code)]
            // SAFETY: there is such a path only where the features that the function is compiled for were found.
            return unsafe { avx512::extend_with_subfields(found, field, start as u32) };
        }
        let Found { delimiters, ends, codes } = found;
        let first = delimiters.len();
        self.extend_with_delimiters(delimiters, block, start, end);
        if let Some(nexts) = delimiters.get(first + 1..) {
            ends.extend(nexts);
            ends.push(end as u32);
            let field = block.get(..end).unwrap_or_default();
            let behind = |&at: &u32| field.get(at as usize + 1).copied().unwrap_or_default();
            codes.extend(delimiters.get(first..).unwrap_or_default().iter().map(behind));
        }
    }

    /// Appends the position of every delimiter in `block[start..end]`.
    fn extend_with_delimiters(self, list: &mut Vec<u32>, block: &[u8], start: usize, end: usize) {
        #[cfg(target_arch = "x86_64")]
        if let Path::Avx512 | Path::Avx2 = self.path {
            #[allow(unsafe_code)]
            // SAFETY: there are such paths only where the features that the function is compiled for were found.
            return unsafe { avx2::extend_with_delimiters(list, block, start, end) };
        }
        let field = block.get(start..end).unwrap_or_default();
        list.extend(memchr::memchr_iter(DELIMITER, field).map(|at| (start + at) as u32));
    }
}

/// Which of [`Tape::lists`] has them.
const TERMINATORS: usize = 2;

/// How many bytes are looked at together.
const CHUNK: usize = 64;

/// How many of those are gone through before it is asked whether there is room for all marks that the next may have.
const GROUP: usize = 64;

/// The chunks of `block`, the last one filled up with zeros, which are no marks.
fn chunks(block: &[u8]) -> (&[[u8; CHUNK]], Option<[u8; CHUNK]>) {
    let (chunks, rest) = block.as_chunks::<CHUNK>();
    let mut last = [0; CHUNK];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    (chunks, (!rest.is_empty()).then_some(last))
}

mod portable {
    use super::{CHUNK, DELIMITER, ESCAPE, FIELD_TERMINATOR, Masks, Tape, chunks};

    const ONES: u64 = u64::from_ne_bytes([1; 8]);

    pub(super) fn find<const ALL: bool>(block: &[u8], tape: &mut Tape) -> bool {
        let (chunks, last) = chunks(block);
        let (mut at, mut open) = (0, 0);
        for chunk in chunks.iter().chain(&last) {
            let masks = masks(chunk);
            if ALL {
                append(tape, at, masks, masks.ends(&mut open));
            } else {
                tape.terminators.extend(bits(masks.terminators()).map(|bit| at + bit));
            }
            at += CHUNK as u32;
        }
        memchr::memchr(ESCAPE, block).is_some()
    }

    fn append(tape: &mut Tape, at: u32, masks: Masks, ends: u64) {
        let before = tape.delimiters.len() as u32;
        tape.delimiters.extend(bits(masks.delimiters).map(|bit| at + bit));
        tape.ends.extend(bits(ends).map(|bit| at + bit));
        for bit in bits(masks.terminators()) {
            tape.terminators.push(at + bit);
            tape.before.push(before + (masks.delimiters & ((1 << bit) - 1)).count_ones());
        }
    }

    fn bits(mut mask: u64) -> impl Iterator<Item = u32> {
        std::iter::from_fn(move || {
            let bit = (mask != 0).then(|| mask.trailing_zeros());
            mask &= mask.wrapping_sub(1);
            bit
        })
    }

    fn masks(chunk: &[u8; CHUNK]) -> Masks {
        let mut masks = Masks { delimiters: 0, marks: 0 };
        let (words, _) = chunk.as_chunks::<8>();
        for (index, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let delimiters = equal(word, DELIMITER);
            masks.delimiters |= delimiters << (8 * index);
            masks.marks |= (delimiters | equal(word, FIELD_TERMINATOR)) << (8 * index);
        }
        masks
    }

    /// A bit for each of eight bytes that equals `wanted`.
    fn equal(word: u64, wanted: u8) -> u64 {
        const LOW: u64 = ONES * 0x7F;
        let odd = word ^ (ONES * u64::from(wanted));
        // The top bit of each byte that is 0.
        let tops = !(((odd & LOW) + LOW) | odd | LOW);
        // The product moves the top bit of byte i to bit 56 + i.
        (tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(block: &[u8]) -> [Vec<u32>; 4] {
        let [mut delimiters, mut ends, mut terminators, mut before] = [const { Vec::new() }; 4];
        for (at, &byte) in (0..).zip(block).filter(|&(_, &byte)| byte == DELIMITER || byte == FIELD_TERMINATOR) {
            if ends.len() < delimiters.len() {
                ends.push(at);
            }
            if byte == DELIMITER {
                delimiters.push(at);
            } else {
                terminators.push(at);
                before.push(delimiters.len() as u32);
            }
        }
        ends.resize(delimiters.len(), block.len() as u32);
        [delimiters, ends, terminators, before]
    }

    fn found(block: &[u8], find: impl Fn(&[u8], &mut Tape) -> bool) -> [Vec<u32>; 4] {
        let mut tape = Tape::default();
        assert_eq!(find(block, &mut tape), block.contains(&ESCAPE));
        tape.ends.resize(tape.delimiters.len(), block.len() as u32);
        let Tape { delimiters, ends, terminators, before, .. } = tape;
        [delimiters, ends, terminators, before]
    }

    /// Whether codes are found along with the marks.
    fn gives_codes() -> bool {
        #[cfg(target_arch = "x86_64")]
        return avx512::is_there();
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// That which this processor takes, and those that others do.
    fn all_paths() -> Vec<Subfields> {
        #[cfg(target_arch = "x86_64")]
        if avx2::is_there() {
            let others = [Path::Avx2, Path::Portable].map(|path| Subfields { path });
            return std::iter::once(Subfields::new()).chain(others).collect();
        }
        vec![Subfields::new()]
    }

    proptest! {
        #[test]
        fn every_path_finds_every_mark(
            block in prop::collection::vec(
                prop_oneof![8 => Just(0x1F), 8 => Just(0x1E), 8 => Just(0x1D), 8 => Just(0x9F), 8 => Just(0x9E), 8 => any::<u8>()], 0..400),
            letters in 0..100usize,
            ends in (0..900usize, 0..900usize),
        ) {
            // Marks near each other, and none for a while.
            let block = [&block[..], &vec![b'x'; letters], &block].concat().repeat(1 + letters % 20);
            let expected = naive(&block);
            let alone = [vec![], vec![], expected[TERMINATORS].clone(), vec![]];
            prop_assert_eq!(&found(&block, portable::find::<true>), &expected);
            prop_assert_eq!(&found(&block, portable::find::<false>), &alone);
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code)]
            {
                if avx2::is_there() {
                    // SAFETY: the features were just found.
                    prop_assert_eq!(&found(&block, |block, tape| unsafe { avx2::find::<true>(block, tape) }), &expected);
                    // SAFETY: as before.
                    prop_assert_eq!(&found(&block, |block, tape| unsafe { avx2::find::<false>(block, tape) }), &alone);
                }
                if avx512::is_there() {
                    // SAFETY: the features were just found.
                    prop_assert_eq!(&found(&block, |block, tape| unsafe { avx512::find::<true>(block, tape) }), &expected);
                    // SAFETY: as before.
                    prop_assert_eq!(&found(&block, |block, tape| unsafe { avx512::find::<false>(block, tape) }), &alone);
                }
            }
            for end in [ends.1, ends.0 + ends.1 % 80, ends.0 + 63, ends.0 + 64, ends.0 + 65] {
                let (start, end) = (ends.0.min(block.len()), end.min(block.len()));
                let places = expected[0].iter().copied().filter(|&at| (start..end).contains(&(at as usize)));
                let places: Vec<u32> = places.collect();
                let nexts: Vec<u32> = places.iter().skip(1).copied().chain(places.first().map(|_| end as u32)).collect();
                for subfields in all_paths() {
                    let mut within = Found { delimiters: vec![7], ends: vec![8, 9], codes: vec![5] };
                    subfields.extend(&mut within, &block, start, end);
                    prop_assert_eq!(&within.delimiters, &[&[7], &places[..]].concat());
                    prop_assert_eq!(&within.ends, &[&[8, 9], &nexts[..]].concat());
                    let field = &block[..end.max(start)];
                    let behind = places.iter().map(|&at| field.get(at as usize + 1).copied().unwrap_or(0));
                    prop_assert_eq!(&within.codes, &[5].into_iter().chain(behind).collect::<Vec<_>>());
                }
            }
            let mut tape = Tape { delimiters: vec![7], ends: vec![8, 9], terminators: vec![1], ..Tape::default() };
            tape.read(&block);
            let behind = expected[0].iter().map(|&at| block.get(at as usize + 1).copied().unwrap_or(0));
            let behind: Vec<u8> = behind.filter(|_| gives_codes()).collect();
            prop_assert_eq!(tape.codes(), behind);
            prop_assert_eq!([tape.delimiters(), tape.ends(), tape.terminators(), tape.before()], expected);
            tape.read_terminators(&block);
            prop_assert_eq!([tape.delimiters(), tape.ends(), tape.terminators(), tape.before()], alone);
            prop_assert!(tape.codes().is_empty());
        }
    }

    #[test]
    fn a_dense_block_leaves_no_room_behind() {
        let mut tape = Tape::default();
        tape.read(&vec![DELIMITER; 2 * KEEP]);
        tape.shrink();
        assert_eq!(tape.lists().map(|list| list.capacity() > KEEP), [false; 4]);
        assert!(tape.codes.capacity() <= KEEP);
        tape.read(b"\x1f");
        tape.shrink();
        assert_eq!((tape.delimiters(), tape.ends()), (&[0][..], &[1][..]));
    }

    #[test]
    fn blocks_of_marks_alone_are_no_matter() {
        const FULL: usize = GROUP * CHUNK;
        for pattern in [&[DELIMITER][..], &[FIELD_TERMINATOR], &[DELIMITER, FIELD_TERMINATOR]] {
            let half = FULL / 2;
            for length in
                [1000, half - 1, half, half + 1, half + 63, FULL - 1, FULL, FULL + 1, FULL + CHUNK, 2 * FULL, 100_000]
            {
                let block: Vec<u8> = pattern.iter().copied().cycle().take(length).collect();
                let mut tape = Tape::default();
                tape.read(&block);
                let expected = naive(&block);
                assert_eq!([tape.delimiters(), tape.ends(), tape.terminators(), tape.before()], expected);
                let behind = expected[0].iter().map(|&at| block.get(at as usize + 1).copied().unwrap_or(0));
                assert_eq!(tape.codes(), behind.filter(|_| gives_codes()).collect::<Vec<_>>());
                tape.read_terminators(&block);
                assert_eq!(tape.terminators(), expected[TERMINATORS]);
            }
        }
    }
}
