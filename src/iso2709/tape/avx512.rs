//! The path for AVX-512, which finds the numbers of all marks of 64 bytes in a few instructions.

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{
    __m512i, _bzhi_u64, _mm_storeu_si128, _mm256_storeu_si256, _mm512_add_epi32, _mm512_castsi512_si128,
    _mm512_castsi512_si256, _mm512_cmpeq_epi8_mask, _mm512_cmplt_epi32_mask, _mm512_cvtepi8_epi32,
    _mm512_extracti32x4_epi32, _mm512_loadu_si512, _mm512_mask_blend_epi8, _mm512_mask_cmpeq_epi8_mask,
    _mm512_mask_xor_epi32, _mm512_maskz_compress_epi8, _mm512_maskz_compress_epi32, _mm512_maskz_loadu_epi8,
    _mm512_min_epu8, _mm512_or_si512, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setr_epi32, _mm512_setzero_si512,
    _mm512_storeu_si512, _mm512_sub_epi32, _mm512_xor_si512,
};

use super::{CHUNK, DELIMITER, ESCAPE, FIELD_TERMINATOR, Found, Tape};

/// The numbers of 64 bytes.
static PLACES: [u8; CHUNK] = {
    let mut places = [0; CHUNK];
    let mut place = 0;
    while place < CHUNK {
        #[allow(clippy::indexing_slicing)] // at compile time
        {
            places[place] = place as u8;
        }
        place += 1;
    }
    places
};

pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

/// Appends where subfields of a field of at most 64 bytes, the first of which is number `start`, begin, where they end, and the bytes
/// behind their delimiters, which are 0 where there is none.
///
/// # Safety
///
/// Only a processor with the features of [`is_there`] may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt")]
pub(super) unsafe fn extend_with_subfields(found: &mut Found, field: &[u8], start: u32) {
    debug_assert!(field.len() <= CHUNK);
    let Found { delimiters, ends, codes } = found;
    let there = _bzhi_u64(u64::MAX, field.len() as u32);
    // SAFETY: of 64 bytes, those that the field has.
    let bytes = unsafe { _mm512_maskz_loadu_epi8(there, field.as_ptr().cast()) };
    let mask = _mm512_mask_cmpeq_epi8_mask(there, bytes, _mm512_set1_epi8(DELIMITER.cast_signed()));
    let count = mask.count_ones() as usize;
    if count == 0 {
        return;
    }
    delimiters.reserve(CHUNK);
    ends.reserve(CHUNK);
    codes.reserve(CHUNK);
    let origin = _mm512_set1_epi32(start.cast_signed());
    // SAFETY: 64 readable bytes, and the load needs no alignment.
    let places = unsafe { _mm512_loadu_si512(PLACES.as_ptr().cast()) };
    let found = _mm512_maskz_compress_epi8(mask, places);
    // SAFETY: of 64 bytes from the second one on, those that the field has.
    let behind = unsafe { _mm512_maskz_loadu_epi8(there >> 1, field.as_ptr().add(1).cast()) };
    let behind = _mm512_maskz_compress_epi8(mask, behind);
    // Each subfield ends where the next one begins, and the last one with the field.
    let nexts = _mm512_maskz_compress_epi8(mask & mask.wrapping_sub(1), places);
    // SAFETY: there is room for 64 in each list, of which `count` are kept: those that were written, and the last end, which is
    // written here.
    unsafe {
        _mm512_storeu_si512(codes.as_mut_ptr().add(codes.len()).cast(), behind);
        codes.set_len(codes.len() + count);
        write_some::<false>(delimiters.as_mut_ptr().add(delimiters.len()), found, origin, count);
        write_some::<false>(ends.as_mut_ptr().add(ends.len()), nexts, origin, count);
        delimiters.set_len(delimiters.len() + count);
        ends.as_mut_ptr().add(ends.len() + count - 1).write(start + field.len() as u32);
        ends.set_len(ends.len() + count);
    }
}

/// Writes `count` of `numbers`, and more, with `origin` added to each or, where the sign of numbers is to stay, put into it: of
/// numbers below 0 all that is above 64 is flipped. Mostly there are fewer than eight, and stores of 64 bytes would be across two
/// cache lines.
///
/// # Safety
///
/// There is room for 64 behind `next`.
#[allow(unsafe_code)]
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt")]
unsafe fn write_some<const SIGNED: bool>(next: *mut u32, numbers: __m512i, origin: __m512i, count: usize) {
    let placed = |numbers| {
        let numbers = _mm512_cvtepi8_epi32(numbers);
        if SIGNED { _mm512_xor_si512(numbers, origin) } else { _mm512_add_epi32(numbers, origin) }
    };
    let first = placed(_mm512_castsi512_si128(numbers));
    // SAFETY: as the caller says; at most 64 numbers are written, and the stores need no alignment.
    unsafe {
        _mm256_storeu_si256(next.cast(), _mm512_castsi512_si256(first));
        if count > LANES / 2 {
            _mm512_storeu_si512(next.cast(), first);
            _mm512_storeu_si512(next.add(LANES).cast(), placed(_mm512_extracti32x4_epi32(numbers, 1)));
            _mm512_storeu_si512(next.add(2 * LANES).cast(), placed(_mm512_extracti32x4_epi32(numbers, 2)));
            _mm512_storeu_si512(next.add(3 * LANES).cast(), placed(_mm512_extracti32x4_epi32(numbers, 3)));
        }
    }
}

/// # Safety
///
/// Only a processor with the features of [`is_there`] may run this.
#[allow(unsafe_code)]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt")]
pub(super) unsafe fn find<const ALL: bool>(block: &[u8], tape: &mut Tape) -> bool {
    // The last one, or what there is of it, filled up with zeros, which are no marks: a byte behind each chunk is looked at, too.
    let end = block.len().saturating_sub(1) / CHUNK * CHUNK;
    let mut last = [0; CHUNK + 1];
    for (to, from) in last.iter_mut().zip(block.iter().skip(end)) {
        *to = *from;
    }
    let whole = (0..end).step_by(GROUP * CHUNK);
    let whole = whole.map(|at| (at, block.get(at..=end.min(at + GROUP * CHUNK)).unwrap_or_default()));
    let mut marks = Marks { places: [0; ROOM], count: 0, delimiters: 0 };
    let mut escapes = false;
    for (at, group) in whole.chain([(end, &last[..])]) {
        let at = at as u32;
        // SAFETY: the processor is one that may run these, and there is room for a number for each byte of the group and for what is
        // written beyond those that are kept: in `places`, of which at most `LANES` are taken, and in the lists.
        unsafe {
            if ALL {
                let Tape { codes, .. } = &mut *tape;
                codes.reserve(GROUP * CHUNK + CHUNK);
                let mut room = Room {
                    marks: marks.places.as_mut_ptr().add(marks.count),
                    codes: codes.as_mut_ptr().add(codes.len()),
                };
                escapes |= collect::<true>(&mut room, group, at);
                marks.count = room.marks.offset_from_unsigned(marks.places.as_ptr());
                codes.set_len(room.codes.offset_from_unsigned(codes.as_ptr()));
                marks.deal(tape);
            } else {
                let Tape { terminators, .. } = &mut *tape;
                terminators.reserve(GROUP * CHUNK + CHUNK);
                let end = terminators.as_mut_ptr().add(terminators.len());
                let mut room = Room { marks: end, codes: std::ptr::null_mut() };
                escapes |= collect::<false>(&mut room, group, at);
                terminators.set_len(room.marks.offset_from_unsigned(terminators.as_ptr()));
            }
        }
    }
    if ALL {
        marks.deal_last(tape, block.len() as u32);
    }
    escapes
}

/// How many numbers are in a vector.
const LANES: usize = 16;

/// Room for the marks of a group, for those that were left of the one before, and for what is written beyond them.
const ROOM: usize = LANES + GROUP * CHUNK + CHUNK;

/// Chunks of a group: marks are dealt out while they are in the first cache.
const GROUP: usize = 32;

/// What the places of delimiters are told by: it is flipped in them, so that they are below 0, which no place is.
const FLIPPED: u32 = 0xFFFF_FF80;

/// Where marks are written, and the bytes behind delimiters.
struct Room {
    marks: *mut u32,
    codes: *mut u8,
}

/// Writes the places of the marks of `group` to `room`, those of delimiters flipped, and the byte behind each of these; unless `ALL`,
/// the places of terminators alone. The group is whole chunks, which begin at `at`, and one byte more. Puts the room behind what was
/// written, and tells whether there is an escape character.
///
/// # Safety
///
/// Only a processor with the features of [`is_there`] may run this. There is room for a number and a byte for each byte of the group
/// and 64 more, which may be written to.
#[allow(unsafe_code)]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt")]
unsafe fn collect<const ALL: bool>(room: &mut Room, group: &[u8], at: u32) -> bool {
    // SAFETY: 64 readable bytes, and the load needs no alignment.
    let places = unsafe { _mm512_loadu_si512(PLACES.as_ptr().cast()) };
    // As `FLIPPED` has it, once their sign is extended.
    let flipped = _mm512_xor_si512(places, _mm512_set1_epi8(-0x80));
    let (wanted, one) = (_mm512_set1_epi8(DELIMITER.cast_signed()), _mm512_set1_epi8(1));
    let terminator = _mm512_set1_epi8(FIELD_TERMINATOR.cast_signed());
    let escape = _mm512_set1_epi8(ESCAPE.cast_signed());
    let step = _mm512_set1_epi32(CHUNK as i32);
    let mut origin = _mm512_set1_epi32(at.cast_signed());
    let mut lowest = _mm512_set1_epi8(-1);
    let Room { mut marks, mut codes } = *room;
    for number in 0..group.len().saturating_sub(1) / CHUNK {
        // SAFETY: of so many chunks and a byte more, 64 bytes from the beginning of one of them on, and from its second byte on.
        // The loads need no alignment.
        let (bytes, behind) = unsafe {
            let chunk = group.as_ptr().add(number * CHUNK);
            (_mm512_loadu_si512(chunk.cast()), _mm512_loadu_si512(chunk.add(1).cast()))
        };
        // 0 where there is one.
        lowest = _mm512_min_epu8(lowest, _mm512_xor_si512(bytes, escape));
        let (mask, places) = if ALL {
            let delimiters = _mm512_cmpeq_epi8_mask(bytes, wanted);
            // SAFETY: there is room for 64.
            unsafe {
                let behind = _mm512_maskz_compress_epi8(delimiters, behind);
                let count = delimiters.count_ones() as usize;
                _mm_storeu_si128(codes.cast(), _mm512_castsi512_si128(behind));
                if count > LANES {
                    _mm512_storeu_si512(codes.cast(), behind);
                }
                codes = codes.add(count);
            }
            // The two marks differ in their last bit alone.
            let mask = _mm512_cmpeq_epi8_mask(_mm512_or_si512(bytes, one), wanted);
            (mask, _mm512_mask_blend_epi8(delimiters, places, flipped))
        } else {
            (_mm512_cmpeq_epi8_mask(bytes, terminator), places)
        };
        let count = mask.count_ones() as usize;
        // SAFETY: there is room for 64 numbers.
        unsafe {
            write_some::<true>(marks, _mm512_maskz_compress_epi8(mask, places), origin, count);
            marks = marks.add(count);
        }
        origin = _mm512_add_epi32(origin, step);
    }
    *room = Room { marks, codes };
    _mm512_cmpeq_epi8_mask(lowest, _mm512_setzero_si512()) != 0
}

/// Marks of both kinds, in order, before they are dealt out.
struct Marks {
    /// Those of delimiters are flipped.
    places: [u32; ROOM],
    count: usize,
    /// How many delimiters have been dealt out.
    delimiters: u32,
}

impl Marks {
    /// Deals out marks after which there is another one, sixteen at a time. Fewer than seventeen are left.
    #[allow(unsafe_code)]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt")]
    fn deal(&mut self, tape: &mut Tape) {
        let dealt = self.count.saturating_sub(1) / LANES * LANES;
        // SAFETY: there is one mark more.
        unsafe { self.deal_some(tape, dealt) };
        self.places.copy_within(dealt..dealt + LANES, 0);
        self.count -= dealt;
    }

    /// Deals out those that are left of a block, which has this length.
    #[allow(unsafe_code)]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt")]
    fn deal_last(&mut self, tape: &mut Tape, length: u32) {
        if let Some(end) = self.places.get_mut(self.count) {
            *end = length;
        }
        // SAFETY: what comes after the last mark was just put there.
        unsafe { self.deal_some(tape, self.count) };
        self.count = 0;
    }

    /// Deals out the first `count` marks.
    ///
    /// # Safety
    ///
    /// There are as many, and one more.
    #[allow(unsafe_code)]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt")]
    unsafe fn deal_some(&mut self, tape: &mut Tape, count: usize) {
        debug_assert!(count < ROOM - CHUNK);
        for list in tape.lists() {
            list.reserve(count + LANES);
        }
        let Tape { delimiters, ends, terminators, before, .. } = tape;
        let numbers = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let (zero, flipped) = (_mm512_setzero_si512(), _mm512_set1_epi32(FLIPPED.cast_signed()));
        let mut at = 0;
        while at < count {
            // SAFETY: sixteen numbers from either place are within `places`, which has 64 more than there are marks, and the loads
            // need no alignment. Each list has had room for as many numbers as there are marks, and sixteen more; as many are written
            // as are kept, and beyond them up to sixteen.
            unsafe {
                let here = _mm512_loadu_si512(self.places.as_ptr().add(at).cast());
                let after = _mm512_loadu_si512(self.places.as_ptr().add(at + 1).cast());
                let wanted = u16::MAX >> LANES.saturating_sub(count - at);
                let flags = _mm512_cmplt_epi32_mask(here, zero);
                let (delimits, terminates) = (flags & wanted, !flags & wanted);
                let here = _mm512_mask_xor_epi32(here, flags, here, flipped);
                let after = _mm512_mask_xor_epi32(after, _mm512_cmplt_epi32_mask(after, zero), after, flipped);
                // The number of a terminator among the marks, less its number among the terminators.
                let counted = _mm512_sub_epi32(_mm512_maskz_compress_epi32(terminates, numbers), numbers);
                let counted = _mm512_add_epi32(counted, _mm512_set1_epi32(self.delimiters.cast_signed()));
                append(delimiters, _mm512_maskz_compress_epi32(delimits, here), delimits);
                append(ends, _mm512_maskz_compress_epi32(delimits, after), delimits);
                append(terminators, _mm512_maskz_compress_epi32(terminates, here), terminates);
                append(before, counted, terminates);
                self.delimiters += delimits.count_ones();
            }
            at += LANES;
        }
    }
}

/// Appends as many of `numbers` as there are bits in `mask`.
///
/// # Safety
///
/// There is room for sixteen.
#[allow(unsafe_code)]
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi2,bmi2,popcnt")]
unsafe fn append(list: &mut Vec<u32>, numbers: __m512i, mask: u16) {
    // SAFETY: as the caller says; the store needs no alignment, and all that is kept of it was written.
    unsafe {
        _mm512_storeu_si512(list.as_mut_ptr().add(list.len()).cast(), numbers);
        list.set_len(list.len() + mask.count_ones() as usize);
    }
}
