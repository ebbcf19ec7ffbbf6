//! The largest numbers of all tensors together, found in passes over them.

use super::select::{bucket, counts, place_of};
use super::{Slice, Threshold};
use std::collections::BTreeMap;

/// Finds where the largest magnitudes of several tensors begin. It sees every tensor once a pass, in the same order.
#[derive(Clone, Debug, Default)]
pub struct Ranking {
    /// Counts by the upper and by the lower half of the bits.
    high: Vec<usize>,
    low: Vec<usize>,
    total: usize,
    /// How many are among the largest; known after the first pass.
    k: usize,
    /// The upper half at which they begin, and how many lie above it.
    upper: Option<(u32, usize)>,
    /// The magnitude at which they begin, and how many that equal it are still to be given away.
    begin: Option<(f32, usize)>,
    found: BTreeMap<String, Threshold>,
}

impl Ranking {
    /// How often it must see every tensor.
    pub const PASSES: usize = 3;

    /// Sees a tensor. `share` of all numbers, rounded down, are among the largest; of equal ones those of tensors seen first. `number` makes
    /// the numbers of a piece from those of every slice; none may be NaN.
    pub fn see(&mut self, pass: usize, share: f64, name: &str, slices: &[Slice<'_>], number: impl Fn(&[&[f32]], &mut [f32]) + Sync) {
        let len = slices.first().map_or(0, Slice::len);
        match pass {
            0 => {
                self.total += len;
                add(&mut self.high, &counts(slices, len, &number, |bits| Some(bits >> 16)));
            }
            1 => {
                let upper = *self.upper.get_or_insert_with(|| {
                    self.k = ((share * self.total as f64) as usize).min(self.total);
                    bucket(&self.high, self.k)
                });
                add(&mut self.low, &counts(slices, len, &number, |bits| (bits >> 16 == upper.0).then_some(bits & 0xffff)));
            }
            _ => {
                let threshold = self.give(slices, len, &number);
                self.found.insert(name.to_owned(), threshold);
            }
        }
    }

    fn give(&mut self, slices: &[Slice<'_>], len: usize, number: &(impl Fn(&[&[f32]], &mut [f32]) + Sync)) -> Threshold {
        if self.k == 0 {
            return Threshold { magnitude: f32::INFINITY, before: 0 };
        }
        let (magnitude, left) = *self.begin.get_or_insert_with(|| {
            let (upper, above) = self.upper.unwrap_or_default();
            let (lower, rest) = bucket(&self.low, self.k - above);
            (f32::from_bits((upper << 16) | lower), self.k - above - rest)
        });
        let here = counts(slices, len, number, |bits| (bits == magnitude.to_bits()).then_some(0)).first().copied().unwrap_or_default();
        let given = left.min(here);
        self.begin = Some((magnitude, left - given));
        let before = if given == 0 { 0 } else { place_of(slices, len, number, magnitude.to_bits(), given) };
        Threshold { magnitude, before }
    }

    /// Where the largest begin in a tensor, after all passes.
    pub fn threshold(&self, name: &str) -> Option<Threshold> {
        self.found.get(name).copied()
    }

    /// How many numbers there are, and how many of them are among the largest.
    pub fn counted(&self) -> (usize, usize) {
        (self.total, self.k)
    }
}

fn add(sum: &mut Vec<usize>, more: &[usize]) {
    sum.resize(sum.len().max(more.len()), 0);
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Draws;

    /// The places taken, in one row over all tensors.
    fn taken(tensors: &[Vec<f32>], share: f64) -> Vec<usize> {
        let mut ranking = Ranking::default();
        for pass in 0..Ranking::PASSES {
            for (i, tensor) in tensors.iter().enumerate() {
                ranking.see(pass, share, &format!("t{i}"), &[Slice::of(tensor)], |x, out| out.copy_from_slice(x[0]));
            }
        }
        let numbers = tensors.iter().enumerate().flat_map(|(i, tensor)| {
            let from = ranking.threshold(&format!("t{i}")).expect("seen");
            tensor.iter().enumerate().map(move |(place, x)| from.takes(place, *x))
        });
        numbers.enumerate().filter_map(|(i, takes)| takes.then_some(i)).collect()
    }

    fn sorted(tensors: &[Vec<f32>], share: f64) -> Vec<usize> {
        let all: Vec<f32> = tensors.concat();
        let mut places: Vec<usize> = (0..all.len()).collect();
        places.sort_by(|a, b| all[*b].abs().total_cmp(&all[*a].abs()).then(a.cmp(b)));
        let mut kept = places[..(share * all.len() as f64) as usize].to_vec();
        kept.sort_unstable();
        kept
    }

    #[test]
    fn the_largest_of_all_tensors_are_those_that_sorting_gives() {
        let draw = |i: u64, n: usize, scale: f32| -> Vec<f32> { Draws::new(i).normal(n).into_iter().map(|x| x * scale).collect() };
        let tensors = [draw(1, 3000, 1.0), draw(2, 70_001, 0.1), draw(3, 5, 10.0)];
        let coarse = tensors.clone().map(|t| t.into_iter().map(|x| (x * 2.0).round()).collect::<Vec<f32>>());
        for share in [0.0, 1e-9, 1e-4, 0.03, 0.5, 0.999, 1.0] {
            assert!(taken(&tensors, share) == sorted(&tensors, share), "{share}");
            assert!(taken(&coarse, share) == sorted(&coarse, share), "{share} of few values");
        }
    }
}
