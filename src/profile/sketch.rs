//! How many distinct values there are, in little memory and such that sketches can be merged.
//!
//! Up to [`EXACT`] hashes are kept themselves, and counted; beyond that there are 2^[`PRECISION`] registers of `HyperLogLog`
//! (Flajolet et al. 2007) on hashes of 64 bits, from which Ertl's improved estimator ("New cardinality estimation algorithms for
//! `HyperLogLog` sketches", 2017, section 2) needs no table of corrections. Its standard error is 1.04 / √2^[`PRECISION`], 2.3 %.
//! What a sketch holds depends on the set of values alone, on no order, so that a merge is the sketch of the union.

/// The logarithm of the number of registers.
const PRECISION: u32 = 11;
const REGISTERS: usize = 1 << PRECISION;
/// The highest rank that a register may have.
const MOST_RANK: u8 = (64 - PRECISION + 1) as u8;

/// The highest rank of all hashes whose first bits are those of the register's number.
pub(super) type Registers = [u8; REGISTERS];

/// Distinct values that are counted exactly.
const EXACT: usize = 128;

/// The standard error of the estimate beyond [`EXACT`], relative: 1.04 / √2048.
#[cfg(any(feature = "cli", test))]
pub(crate) const STANDARD_ERROR: f64 = 0.023;

/// What the bytes of a sketch begin with: its form, of which [`hash`](super::hash) is a part.
const SET: u8 = 3;
const HYPERLOGLOG: u8 = 4;

/// The number of distinct hashes that were put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sketch(Form);

#[derive(Debug, Clone)]
enum Form {
    /// Hashes, open addressing in a power of two of slots at least half of which are empty: 0.
    Set(Box<[u64]>),
    Registers(Box<[u8; REGISTERS]>),
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Set(a), Self::Set(b)) => sorted(a) == sorted(b),
            (Self::Registers(a), Self::Registers(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Form {}

/// Whether `hash` is in the set.
#[inline]
fn contains(slots: &[u64], hash: u64) -> bool {
    let mask = slots.len().wrapping_sub(1);
    let mut at = hash as usize;
    while let Some(&slot) = slots.get(at & mask) {
        if slot == hash {
            return true;
        }
        if slot == 0 {
            break;
        }
        at += 1;
    }
    false
}

/// Puts in a hash that is not there; there is an empty slot.
fn place(slots: &mut [u64], hash: u64) {
    let mask = slots.len().wrapping_sub(1);
    let mut at = hash as usize;
    while let Some(slot) = slots.get_mut(at & mask) {
        if *slot == 0 {
            *slot = hash;
            return;
        }
        at += 1;
    }
}

fn hashes(slots: &[u64]) -> impl Iterator<Item = u64> + '_ {
    slots.iter().copied().filter(|&hash| hash != 0)
}

fn sorted(slots: &[u64]) -> Vec<u64> {
    let mut hashes: Vec<u64> = hashes(slots).collect();
    hashes.sort_unstable();
    hashes
}

impl Default for Sketch {
    fn default() -> Self {
        Self(Form::Set(Box::default()))
    }
}

/// Raises the register that `hash` belongs to.
#[inline]
pub(super) fn raise(registers: &mut Registers, hash: u64) {
    let place = (hash >> (64 - PRECISION)) as usize;
    // A bit after the last bounds the rank.
    let rank = (hash << PRECISION | 1 << (PRECISION - 1)).leading_zeros() as u8 + 1;
    #[allow(clippy::indexing_slicing)] // below 2^PRECISION
    let register = &mut registers[place];
    *register = rank.max(*register);
}

impl Sketch {
    /// Whether hashes are in registers, for good.
    #[inline]
    pub(super) fn is_registers(&self) -> bool {
        matches!(self.0, Form::Registers(_))
    }

    /// The registers, into which hashes are put by [`raise`]; `None` as long as there are few.
    pub(super) fn registers(&mut self) -> Option<&mut Registers> {
        match &mut self.0 {
            Form::Registers(registers) => Some(registers),
            Form::Set(_) => None,
        }
    }

    /// Puts a hash in, which is not 0; whether it is known to be new.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64) -> bool {
        match &mut self.0 {
            Form::Registers(registers) => {
                raise(registers, hash);
                false
            }
            Form::Set(slots) => {
                let new = !contains(slots, hash);
                if new {
                    self.append(hash);
                }
                new
            }
        }
    }

    /// Takes in a hash that is not there.
    #[cold]
    fn append(&mut self, hash: u64) {
        let Form::Set(slots) = &mut self.0 else { return };
        let length = hashes(slots).count();
        if length == EXACT {
            self.give_up_exactness();
            self.insert(hash);
            return;
        }
        if length * 2 >= slots.len() {
            let more = vec![0; (slots.len() * 2).max(4)].into_boxed_slice();
            let old = std::mem::replace(slots, more);
            hashes(&old).for_each(|hash| place(slots, hash));
        }
        place(slots, hash);
    }

    #[cold]
    fn give_up_exactness(&mut self) {
        if let Form::Set(slots) = &self.0 {
            let mut registers = Box::new([0; REGISTERS]);
            for hash in hashes(slots) {
                raise(&mut registers, hash);
            }
            self.0 = Form::Registers(registers);
        }
    }

    /// Becomes the sketch of both sets of values.
    pub(super) fn merge(&mut self, other: &Self) {
        match &other.0 {
            Form::Set(slots) => {
                for hash in hashes(slots) {
                    self.insert(hash);
                }
            }
            Form::Registers(theirs) => {
                self.give_up_exactness();
                if let Form::Registers(ours) = &mut self.0 {
                    for (ours, theirs) in ours.iter_mut().zip(theirs.iter()) {
                        *ours = (*ours).max(*theirs);
                    }
                }
            }
        }
    }

    /// The number of distinct values, exact up to [`EXACT`].
    #[allow(clippy::cast_precision_loss, clippy::cast_sign_loss)] // an estimate, above 0
    pub(super) fn count(&self) -> u64 {
        match &self.0 {
            Form::Set(slots) => hashes(slots).count() as u64,
            Form::Registers(registers) => estimate(registers).round() as u64,
        }
    }

    /// The sketch as it is stored: a byte for its form, then sorted hashes, or the registers, a byte each.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Form::Set(slots) => {
                std::iter::once(SET).chain(sorted(slots).into_iter().flat_map(u64::to_le_bytes)).collect()
            }
            Form::Registers(registers) => [&[HYPERLOGLOG], registers.as_slice()].concat(),
        }
    }

    /// The sketch that was stored as `bytes`; `None` if they are no such.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (&SET, hashes) => {
                let (hashes, []) = hashes.as_chunks::<8>() else { return None };
                let mut sketch = Self::default();
                for &hash in hashes {
                    sketch.insert(u64::from_le_bytes(hash).max(1));
                }
                Some(sketch)
            }
            (&HYPERLOGLOG, registers) => {
                let registers: &[u8; REGISTERS] = registers.try_into().ok()?;
                let sound = registers.iter().all(|&rank| rank <= MOST_RANK);
                sound.then(|| Self(Form::Registers(Box::new(*registers))))
            }
            _ => None,
        }
    }
}

/// Ertl's improved raw estimator (algorithm 6 of the paper): basic arithmetic and square roots, which are the same on all
/// machines.
#[allow(clippy::cast_precision_loss)] // up to 2^PRECISION
fn estimate(registers: &[u8; REGISTERS]) -> f64 {
    /// 1 / (2 ln 2)
    const ALPHA: f64 = 0.721_347_520_444_481_7;
    const M: f64 = REGISTERS as f64;
    let mut counts = [0_u32; MOST_RANK as usize + 1];
    for &rank in registers {
        if let Some(count) = counts.get_mut(usize::from(rank)) {
            *count += 1;
        }
    }
    let [none, middle @ .., most] = counts;
    let mut z = M * tau(1.0 - f64::from(most) / M);
    for &count in middle.iter().rev() {
        z = 0.5 * (z + f64::from(count));
    }
    z += M * sigma(f64::from(none) / M);
    ALPHA * M * M / z
}

#[allow(clippy::float_cmp)] // until it changes no more
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

#[allow(clippy::float_cmp)] // until it changes no more
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::hash::measure_long;

    fn sketch(values: impl IntoIterator<Item = u64>) -> Sketch {
        let mut sketch = Sketch::default();
        for value in values {
            sketch.insert(measure_long(format!("a value, number {value}").as_bytes()).hash);
        }
        sketch
    }

    #[test]
    fn few_values_are_counted_exactly() {
        assert_eq!(sketch([]).count(), 0);
        for size in 0..=EXACT as u64 {
            assert_eq!(sketch((0..size).chain(0..size)).count(), size);
        }
        let mut sketch = Sketch::default();
        assert!(sketch.insert(1) && !sketch.insert(1) && sketch.insert(u64::MAX));
    }

    #[test]
    #[allow(clippy::cast_precision_loss)]
    fn the_error_is_what_it_is_said_to_be() {
        for (size, trials) in [(129, 60), (200, 60), (500, 60), (2000, 60), (5000, 40), (10_000, 30), (100_000, 12)] {
            let errors: Vec<f64> = (0..trials)
                .map(|trial| {
                    let from = trial * 10_000_000;
                    sketch(from..from + size).count() as f64 / size as f64 - 1.0
                })
                .collect();
            let mean = errors.iter().sum::<f64>() / trials as f64;
            let rms = (errors.iter().map(|error| error * error).sum::<f64>() / trials as f64).sqrt();
            // The mean square of so few trials may be off by a third.
            assert!(rms < 1.4 * STANDARD_ERROR, "{size}: {rms}");
            assert!(mean.abs() < 4.0 * STANDARD_ERROR / (trials as f64).sqrt(), "{size}: {mean}");
        }
        assert!((1.04 / (REGISTERS as f64).sqrt() - STANDARD_ERROR).abs() < 0.0005);
    }

    #[test]
    fn a_merge_is_the_sketch_of_the_union() {
        let sizes = [0, 1, 5, 100, 128, 129, 300, 5000];
        for first in sizes {
            for second in sizes {
                for overlap in [0, first / 2, first] {
                    let mut merged = sketch(0..first);
                    let other = sketch(first - overlap..first - overlap + second);
                    merged.merge(&other);
                    let union = sketch((0..first).chain(first - overlap..first - overlap + second));
                    assert_eq!(merged, union, "{first} {second} {overlap}");
                    assert_eq!(merged.to_bytes(), union.to_bytes());
                }
            }
        }
    }

    #[test]
    fn no_order_matters() {
        for size in [10, 128, 129, 3000] {
            let forward = sketch(0..size);
            assert_eq!(forward, sketch((0..size).rev()));
            assert_eq!(forward.to_bytes(), sketch((0..size).rev()).to_bytes());
        }
    }

    #[test]
    fn bytes_keep_all_of_it() {
        for size in [0, 1, 100, 128, 129, 10_000] {
            let sketch = sketch(0..size);
            assert_eq!(Sketch::from_bytes(&sketch.to_bytes()).unwrap(), sketch);
        }
        let registers = sketch(0..200).to_bytes();
        assert_eq!(registers.len(), 1 + REGISTERS);
        let too_high = [&[HYPERLOGLOG], [MOST_RANK + 1; REGISTERS].as_slice()].concat();
        for odd in [&b""[..], b"\x05", b"\x01eight by", b"\x03seven b", &registers[..100], &too_high] {
            assert!(Sketch::from_bytes(odd).is_none(), "{odd:?}");
        }
    }

    #[test]
    fn registers_at_their_bounds_have_an_estimate() {
        assert!(estimate(&[0; REGISTERS]).abs() < 1e-9);
        assert!(estimate(&[MOST_RANK; REGISTERS]) > 1e18);
    }
}
