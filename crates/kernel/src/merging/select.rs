//! The largest numbers of a tensor, found without sorting or keeping it.

use super::Slice;
use super::fold::Buffers;
use rayon::prelude::*;

/// Numbers of a piece; as many as there are counters of a thread.
const PIECE: usize = 1 << 16;

/// Where the largest magnitudes of a tensor begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// Magnitudes above it are among the largest.
    pub magnitude: f32,
    /// Places below it whose magnitude equals it are among the largest too.
    pub before: usize,
}

impl Threshold {
    /// Whether a number at a place is among the largest.
    pub fn takes(&self, place: usize, value: f32) -> bool {
        let magnitude = value.abs();
        magnitude > self.magnitude || (magnitude == self.magnitude && place < self.before)
    }
}

/// The threshold of the `k` numbers of largest magnitude; among equal ones the first. `number` makes the numbers of a piece from those
/// of every slice. No number may be NaN.
pub fn largest(slices: &[Slice<'_>], k: usize, number: impl Fn(&[&[f32]], &mut [f32]) + Sync) -> Threshold {
    let len = slices.first().map_or(0, Slice::len);
    if k >= len {
        return Threshold { magnitude: 0.0, before: len };
    }
    if k == 0 {
        return Threshold { magnitude: f32::INFINITY, before: 0 };
    }
    // Bits of magnitudes have the order of the magnitudes: the upper half is found first, then the lower one within it.
    let (high, above) = bucket(&counts(slices, len, &number, |bits| Some(bits >> 16)), k);
    let (low, rest) = bucket(&counts(slices, len, &number, |bits| (bits >> 16 == high).then_some(bits & 0xffff)), k - above);
    let bits = (high << 16) | low;
    let equal = k - above - rest;
    Threshold { magnitude: f32::from_bits(bits), before: place_of(slices, len, &number, bits, equal) }
}

/// How many numbers fall under every key.
pub(super) fn counts(
    slices: &[Slice<'_>],
    len: usize,
    number: &(impl Fn(&[&[f32]], &mut [f32]) + Sync),
    key: impl Fn(u32) -> Option<u32> + Sync,
) -> Vec<usize> {
    let starts: Vec<usize> = (0..len).step_by(PIECE).collect();
    let piece = |(mut counts, mut room): (Vec<usize>, Room), start: &usize| {
        let values = room.numbers(slices, *start, PIECE.min(len - start), number);
        values.iter().filter_map(|x| key(x.abs().to_bits())).for_each(|key| counts[key as usize] += 1);
        (counts, room)
    };
    let empty = || (vec![0usize; 1 << 16], Room::new(slices.len()));
    let add = |mut a: Vec<usize>, b: Vec<usize>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    };
    starts.par_iter().with_min_len(16).fold(empty, piece).map(|(counts, _)| counts).reduce(|| vec![0; 1 << 16], add)
}

/// The key under which the `k`-th largest lies, and how many lie above it.
pub(super) fn bucket(counts: &[usize], k: usize) -> (u32, usize) {
    let mut above = 0;
    for (key, count) in counts.iter().enumerate().rev() {
        if above + count >= k {
            return (key as u32, above);
        }
        above += count;
    }
    (0, above)
}

/// The place behind the `count`-th number with these bits.
pub(super) fn place_of(slices: &[Slice<'_>], len: usize, number: &(impl Fn(&[&[f32]], &mut [f32]) + Sync), bits: u32, count: usize) -> usize {
    let mut room = Room::new(slices.len());
    let mut found = 0;
    for start in (0..len).step_by(PIECE) {
        let values = room.numbers(slices, start, PIECE.min(len - start), number);
        for (i, x) in values.iter().enumerate() {
            if x.abs().to_bits() == bits {
                found += 1;
                if found == count {
                    return start + i + 1;
                }
            }
        }
    }
    len
}

struct Room {
    buffers: Buffers,
    values: Vec<f32>,
}

impl Room {
    fn new(slices: usize) -> Self {
        Self { buffers: Buffers::new(slices), values: vec![] }
    }

    fn numbers(&mut self, slices: &[Slice<'_>], start: usize, count: usize, number: &impl Fn(&[&[f32]], &mut [f32])) -> &[f32] {
        self.values.resize(count, 0.0);
        number(&self.buffers.read(slices, start, count), &mut self.values);
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Draws;

    fn taken(values: &[f32], k: usize) -> Vec<usize> {
        let found = largest(&[Slice::of(values)], k, |x, out| out.copy_from_slice(x[0]));
        values.iter().enumerate().filter(|(i, x)| found.takes(*i, **x)).map(|(i, _)| i).collect()
    }

    fn sorted(values: &[f32], k: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..values.len()).collect();
        all.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()).then(a.cmp(b)));
        let mut kept = all[..k].to_vec();
        kept.sort_unstable();
        kept
    }

    #[test]
    fn as_many_as_asked_and_those_that_sorting_gives() {
        let many = Draws::new(3).normal(3 * PIECE + 17);
        for k in [0, 1, 5, many.len() / 2, many.len() - 1, many.len()] {
            assert!(taken(&many, k) == sorted(&many, k), "{k} of {}", many.len());
        }
        // Few values, so that most are equal to others.
        let coarse: Vec<f32> = many.iter().map(|x| (x * 2.0).round()).collect();
        for k in [1, 100, PIECE, many.len() - 3] {
            assert!(taken(&coarse, k) == sorted(&coarse, k), "{k} of few values");
        }
        assert_eq!(taken(&[0.0, -0.0, 0.0], 2), [0, 1]);
    }
}
