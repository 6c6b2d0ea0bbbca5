//! The columns of a sound record, several values at a time: what [`super::arrays`] and [`super::symbols`] do one by one, for
//! processors with AVX2, or with AVX-512.
//!
//! One of the few modules with `unsafe` code: vectors are loaded and stored through pointers, and of what is in the block, values are
//! loaded from where positions say, once those were compared with its length. Each function gives all that it is asked for and says
//! so, or says that it did not, and gives nothing: then something is out of the ordinary, or the processor is another one.

mod avx2;
mod avx512;

use std::arch::is_x86_feature_detected;
use std::mem::MaybeUninit;

use crate::iso2709::directory::ENTRY_LENGTH;

/// How many values are taken together.
const LANES: usize = 16;

/// Appends the views of subfields, as [`super::arrays::extend_with_subfields`] has it.
pub(super) fn extend_with_views(views: &mut Vec<u128>, block: &[u8], delimiters: &[u32], ends: &[u32]) -> bool {
    is_x86_feature_detected!("avx2")
        && delimiters.len() == ends.len()
        && extend_with(views, delimiters.len(), |room| {
            #[allow(unsafe_code)]
            // SAFETY: the feature that the function is compiled for was just found on this processor.
            unsafe {
                avx2::views(room, block, delimiters, ends)
            }
        })
}

/// Fewer are found sooner one by one.
pub(super) const WORTHWHILE: usize = 8;

/// That the processor has what finding keys takes, which is asked once for each list.
#[derive(Clone, Copy)]
pub(super) struct Vectors(());

/// A list of keys and the table that they are from.
pub(super) type Keyed<'a> = (&'a mut Vec<u8>, &'a [u8; 256]);

#[allow(clippy::unused_self)] // it is what shows that they may run
impl Vectors {
    fn new() -> Option<Self> {
        avx512::is_there().then_some(Self(()))
    }

    /// Where so many keys are found sooner by them.
    #[inline]
    pub(super) fn worthwhile(count: usize) -> Option<Self> {
        if count < WORTHWHILE { None } else { Self::new() }
    }

    /// Appends the keys that `table` has of `bytes`, where all are below `u8::MAX` and all bytes are ASCII.
    pub(super) fn extend_with_keys(self, keys: &mut Vec<u8>, bytes: &[u8], table: &[u8; 256]) -> bool {
        extend_with(keys, bytes.len(), |room| {
            #[allow(unsafe_code)]
            // SAFETY: there is a `Vectors` only where the features that the function is compiled for were found.
            unsafe {
                avx512::keys(room, bytes, table)
            }
        })
    }

    /// Appends the keys that tables have of the two bytes behind each of `places`, as those of [`Vectors::extend_with_keys`], where a
    /// delimiter follows them.
    pub(super) fn extend_with_indicators(
        self,
        first: Keyed<'_>,
        second: Keyed<'_>,
        block: &[u8],
        places: &[u32],
    ) -> bool {
        let ((keys1, table1), (keys2, table2)) = (first, second);
        extend_with(keys1, places.len(), |room1| {
            extend_with(keys2, places.len(), |room2| {
                #[allow(unsafe_code)]
                // SAFETY: there is a `Vectors` only where the features that the function is compiled for were found.
                unsafe {
                    avx512::indicators([room1, room2], block, places, [table1, table2])
                }
            })
        })
    }

    /// Appends the keys that `table` has of the digits that directory entries begin with, and tells how many groups of entries there
    /// are in which it has none, so that `u16::MAX` was appended; `None`, and nothing is appended, where one begins with anything else.
    pub(super) fn extend_with_tags(
        self,
        keys: &mut Vec<u16>,
        entries: &[[u8; ENTRY_LENGTH]],
        table: &[u16; 4096],
    ) -> Option<usize> {
        let mut new = None;
        extend_with(keys, entries.len(), |room| {
            #[allow(unsafe_code)]
            // SAFETY: there is a `Vectors` only where the features that the function is compiled for were found.
            let found = unsafe { avx512::tags(room, entries, table) };
            new = found;
            found.is_some()
        });
        new
    }

    /// Makes `numbers` those of the `entries` whose tags have a bit in `bits`, at their place in the table of tags, or are those of
    /// control fields; false, and there are none, if one has no place there.
    pub(super) fn select(self, numbers: &mut Vec<u32>, entries: &[[u8; ENTRY_LENGTH]], bits: &[u64; 64]) -> bool {
        numbers.clear();
        numbers.reserve(entries.len());
        #[allow(unsafe_code)]
        // SAFETY: there is a `Vectors` only where the features that the function is compiled for were found; it writes as many
        // numbers as it says, which is within the capacity that it was given as room.
        unsafe {
            let count = avx512::select(numbers.spare_capacity_mut(), entries, bits);
            numbers.set_len(count.unwrap_or(0));
            count.is_some()
        }
    }
}

/// What a list can have of a table whose values lie close together.
///
/// # Safety
///
/// Where it says that the room was filled, each value of it was written.
#[allow(unsafe_code)]
pub(super) unsafe trait Near: Copy {
    /// Fills the room with what `table` has at each of `places`, and `other` where it has nothing; false if it was not filled.
    fn near(vectors: Vectors, room: &mut [MaybeUninit<Self>], table: &[Self], places: &[u32], other: Self) -> bool;
}

macro_rules! near {
    ($value:ty, $name:ident) => {
        #[allow(unsafe_code)]
        // SAFETY: the function writes each value of the room, or none, and says so.
        unsafe impl Near for $value {
            fn near(
                _: Vectors,
                room: &mut [MaybeUninit<$value>],
                table: &[$value],
                places: &[u32],
                other: $value,
            ) -> bool {
                #[allow(unsafe_code)]
                // SAFETY: there is a `Vectors` only where the features that the function is compiled for were found.
                unsafe {
                    avx512::$name(room, table, places, other)
                }
            }
        }
    };
}

near!(u8, near_u8);
near!(u16, near_u16);
near!(u32, near_u32);

/// Appends what `table` has at each of `places`, and `other` where it has nothing.
pub(super) fn extend_with_near<T: Near>(list: &mut Vec<T>, table: &[T], places: &[u32], other: T) -> bool {
    Vectors::worthwhile(places.len())
        .is_some_and(|vectors| extend_with(list, places.len(), |room| T::near(vectors, room, table, places, other)))
}

/// Which of `flags` have `bit`, a bit for each; `None` if that is found as soon without this.
pub(super) fn bits(flags: &[u8], bit: u8) -> Option<Vec<u64>> {
    Vectors::worthwhile(flags.len()).map(|_| {
        #[allow(unsafe_code)]
        // SAFETY: there is a `Vectors` only where the features that the function is compiled for were found.
        unsafe {
            avx512::bits(flags, bit)
        }
    })
}

/// Appends `count` values, all of which `write` has written if it says so.
fn extend_with<T>(list: &mut Vec<T>, count: usize, write: impl FnOnce(&mut [MaybeUninit<T>]) -> bool) -> bool {
    list.reserve(count);
    let Some(room) = list.spare_capacity_mut().get_mut(..count) else { return false };
    let written = write(room);
    if written {
        #[allow(unsafe_code)]
        // SAFETY: the room for them is within the capacity, and they were written: by those of this module's functions that are called
        // through this, which write each value of the room that they are given before they say so.
        unsafe {
            list.set_len(list.len() + count);
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso2709::is_control_tag;
    use crate::layout::Tags;
    use crate::layout::arrays::{BLOCK, view};
    use crate::layout::gather::extend_from;
    use crate::layout::symbols::direct;
    use proptest::prelude::*;

    /// Positions that are in a block of `length` bytes, but for a few.
    fn positions(length: usize) -> impl Strategy<Value = Vec<u32>> {
        let within = 0..length.max(1) as u32;
        let odd = prop_oneof![within.clone(), Just(length as u32), any::<u32>(), Just(u32::MAX), Just(i32::MAX as u32)];
        prop_oneof![
            4 => prop::collection::vec(within.clone(), 0..80),
            1 => prop::collection::vec(prop_oneof![20 => within, 1 => odd], 0..80),
        ]
    }

    fn byte(block: &[u8], at: u64) -> Option<u8> {
        block.get(usize::try_from(at).unwrap()).copied()
    }

    /// A key for each ASCII byte that is below `limit`.
    fn table(limit: u8) -> [u8; 256] {
        std::array::from_fn(|byte| if byte < usize::from(limit.min(128)) { (byte as u8) ^ 0x55 } else { u8::MAX })
    }

    proptest! {
        #[test]
        fn views_are_those_that_are_made_one_by_one(
            (block, delimiters) in (0..300usize).prop_flat_map(|length| (prop::collection::vec(any::<u8>(), length..=length), positions(length))),
            lengths in prop::collection::vec(prop_oneof![8 => 0..30u32, 2 => 0..300u32, 1 => any::<u32>()], 80),
        ) {
            let ends: Vec<u32> =
                delimiters.iter().zip(&lengths).map(|(at, length)| at.wrapping_add(2).wrapping_add(*length)).collect();
            let mut views = vec![7];
            let appended = extend_with_views(&mut views, &block, &delimiters, &ends);
            let places = || delimiters.iter().zip(&ends).map(|(&at, &end)| (at as usize + 2, end as usize));
            let sound = places().all(|(start, end)| start <= end && end <= block.len());
            let roomy = places().all(|(start, _)| start >= 4 && start + 12 <= block.len());
            if !is_x86_feature_detected!("avx2") {
                prop_assert!(!appended);
            } else if delimiters.len() >= 4 {
                prop_assert_eq!(appended, sound && roomy);
            } else {
                prop_assert_eq!(appended, sound);
            }
            let expected = places().filter(|_| appended).map(|(start, end)| view(&block, start, end, BLOCK));
            prop_assert_eq!(views, std::iter::once(7).chain(expected).collect::<Vec<_>>());
        }

        #[test]
        fn keys_are_those_that_are_found_one_by_one(
            (block, places) in (0..300usize)
                .prop_flat_map(|length| (prop::collection::vec(0..130u8, length..=length), positions(length))),
            limits in prop_oneof![3 => Just((130, 130)), 1 => (100..130u8, 100..130u8)],
            delimited in prop::bool::weighted(0.8),
        ) {
            let vectors = Vectors::new();
            let mut block = block;
            if delimited {
                for at in &places {
                    if let Some(byte) = block.get_mut((*at as usize).saturating_add(3)) {
                        *byte = 0x1F;
                    }
                }
            }
            let tables = (table(limits.0), table(limits.1));
            let key = |at: u32, beyond: u64, table: &[u8; 256]| {
                let byte = byte(&block, u64::from(at) + beyond)?;
                Some(table[usize::from(byte)]).filter(|&key| key != u8::MAX)
            };
            let first: Option<Vec<u8>> = places.iter().map(|&at| key(at, 1, &tables.0)).collect();
            let second: Option<Vec<u8>> = places.iter().map(|&at| key(at, 2, &tables.1)).collect();
            let (mut keys, mut keys1, mut keys2) = (vec![7], vec![7], vec![7]);

            let all: Option<Vec<u8>> = block.iter().map(|&byte| Some(tables.0[usize::from(byte)]).filter(|&key| key != u8::MAX)).collect();
            let appended = vectors.is_some_and(|vectors| vectors.extend_with_keys(&mut keys, &block, &tables.0));
            prop_assert_eq!(appended, vectors.is_some() && all.is_some());
            let expected = all.filter(|_| appended).unwrap_or_default();
            prop_assert_eq!(keys, [&[7], &expected[..]].concat());

            let appended = vectors.is_some_and(|vectors| vectors.extend_with_indicators((&mut keys1, &tables.0), (&mut keys2, &tables.1), &block, &places));
            let followed = places.iter().all(|&at| byte(&block, u64::from(at) + 3) == Some(0x1F));
            prop_assert_eq!(appended, vectors.is_some() && followed && first.is_some() && second.is_some());
            let expected = first.zip(second).filter(|_| appended).unwrap_or_default();
            prop_assert_eq!(keys1, [&[7], &expected.0[..]].concat());
            prop_assert_eq!(keys2, [&[7], &expected.1[..]].concat());
        }

        #[test]
        fn tags_are_those_that_are_found_one_by_one(
            entries in prop::collection::vec(("[0-9]{3}", prop::array::uniform9(any::<u8>())), 0..80),
            odd in prop::option::weighted(0.3, (any::<prop::sample::Index>(), 0..3usize, any::<u8>())),
            unknown in prop::option::weighted(0.3, 0..4096usize),
        ) {
            let vectors = Vectors::new();
            let mut table: [u16; 4096] = std::array::from_fn(|place| place as u16 ^ 0x1234);
            if let Some(slot) = unknown.and_then(|unknown| table.get_mut(unknown)) {
                *slot = u16::MAX;
            }
            let mut entries: Vec<[u8; ENTRY_LENGTH]> =
                entries.iter().map(|(tag, rest)| [tag.as_bytes(), rest].concat().try_into().unwrap()).collect();
            if let (Some((place, byte, value)), false) = (odd, entries.is_empty()) {
                let place = place.index(entries.len());
                entries[place][byte] = value;
            }
            let place = |entry: &[u8; ENTRY_LENGTH]| direct([entry[0], entry[1], entry[2]]);
            // What is loaded of the last key would be beyond the table.
            let key = |place: usize| Some(table[place]).filter(|_| place < 4095);
            let expected: Option<Vec<u16>> = entries.iter().map(|entry| place(entry).and_then(key)).collect();
            let expected = expected.filter(|_| vectors.is_some());
            let mut keys = vec![7];
            let new = vectors.and_then(|vectors| vectors.extend_with_tags(&mut keys, &entries, &table));
            prop_assert_eq!(new.map(|new| new > 0), expected.as_ref().map(|keys| keys.contains(&u16::MAX)));
            prop_assert_eq!(keys, [&[7], &expected.unwrap_or_default()[..]].concat());
        }
    }

    proptest! {
        #[test]
        fn fields_are_those_that_are_chosen_one_by_one(
            entries in prop::collection::vec(("0?0?[0-9]{1,3}", prop::array::uniform12(any::<u8>())), 0..80),
            odd in prop::option::weighted(
                0.5,
                // What comes after `9` has a place as a digit has.
                (any::<prop::sample::Index>(), 0..3usize, prop_oneof![b':'..=b'?', any::<u8>()]),
            ),
            patterns in prop::collection::vec("[0-9X]{3}", 0..4),
        ) {
            let mut entries: Vec<[u8; ENTRY_LENGTH]> = entries
                .iter()
                .map(|(tag, rest)| *[tag.as_bytes(), rest].concat().first_chunk().unwrap())
                .filter(|entry: &[u8; ENTRY_LENGTH]| entry[..3].iter().all(u8::is_ascii_digit))
                .collect();
            if let (Some((place, byte, value)), false) = (odd, entries.is_empty()) {
                let place = place.index(entries.len());
                entries[place][byte] = value;
            }
            let tags = Tags::new(patterns.iter().map(String::as_str)).unwrap();
            let tag = |entry: &[u8; ENTRY_LENGTH]| [entry[0], entry[1], entry[2]];
            let is_chosen = |entry| tags.contains(tag(entry)) || is_control_tag(tag(entry));
            let all = entries.iter().all(|entry| direct(tag(entry)).is_some());
            let expected: Vec<u32> = (0..).zip(&entries).filter(|(_, entry)| is_chosen(entry)).map(|(number, _)| number).collect();
            if let Some(vectors) = Vectors::new() {
                let mut numbers = vec![7; 9];
                prop_assert_eq!(vectors.select(&mut numbers, &entries, tags.bits()), all);
                prop_assert_eq!(numbers, if all { expected } else { Vec::new() });
            }
        }
    }

    fn assert_near<T: Near + PartialEq + std::fmt::Debug>(table: &[T], places: &[u32], other: T) {
        let mut found = vec![other];
        extend_from(&mut found, table, places, other);
        let expected = places.iter().map(|&place| table.get(place as usize).copied().unwrap_or(other));
        assert_eq!(found, std::iter::once(other).chain(expected).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn what_is_near_is_what_is_looked_up_one_by_one(
            steps in prop::collection::vec(prop_oneof![
                10 => 0..3u32, 2 => Just(u32::MAX), 1 => any::<u32>(), 1 => 14..18u32, 1 => Just(u32::MAX - 1),
            ], 0..120),
            table in prop::collection::vec(any::<u32>(), 0..160),
            other in any::<u32>(),
        ) {
            // Places that go on by these steps, but for those that are nowhere, or anywhere.
            let mut last = 0_u32;
            let places: Vec<u32> = steps.iter().map(|&step| {
                if step < 100 { last += step; last } else { step }
            }).collect();
            assert_near(&table.iter().map(|&value| value as u8).collect::<Vec<_>>(), &places, other as u8);
            assert_near(&table.iter().map(|&value| value as u16).collect::<Vec<_>>(), &places, other as u16);
            assert_near(&table, &places, other);
        }

        #[test]
        fn bits_are_those_of_each_flag(flags in prop::collection::vec(any::<u8>(), 0..200), shift in 0..8u32) {
            if let Some(words) = bits(&flags, 1 << shift) {
                let found = words.iter().flat_map(|word| (0..64).map(move |at| word >> at & 1 == 1));
                let expected = flags.iter().map(|flags| flags >> shift & 1 == 1).chain(std::iter::repeat(false));
                prop_assert_eq!(words.len(), flags.len().div_ceil(64));
                prop_assert!(found.zip(expected).all(|(found, expected)| found == expected));
            }
        }
    }

    #[test]
    fn lists_of_other_lengths_are_refused() {
        assert!(!extend_with_views(&mut Vec::new(), &[0; 100], &[20, 30], &[25]));
    }
}
