//! Which numbers of a change count: all, the largest, or some that are drawn.

use super::{Slice, Threshold, fold, largest};
use crate::Draws;
use rand_core::RngCore;

/// Below it a sum of magnitudes counts as nothing, as in mergekit.
const SMALL: f64 = 1e-7;

/// Which numbers of a model's change count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keep {
    /// All.
    All,
    /// Those of largest magnitude.
    Largest(Threshold),
    /// Those that are drawn.
    Drawn(Coins),
}

impl Keep {
    /// The share of a model's changes that are the largest ones: ⌊share · n⌋ of n, but at least one of a share above 0.
    pub fn largest(base: Slice<'_>, model: Slice<'_>, share: f64) -> Self {
        if share >= 1.0 {
            return Self::All;
        }
        let k = (share * model.len() as f64) as usize;
        let k = if share > 0.0 { k.max(1) } else { 0 };
        Self::Largest(largest(&[base, model], k, |x, out| difference(x[1], x[0], out)))
    }

    /// A share of a model's changes, drawn at this place.
    pub fn drawn(draws: Draws, share: f64) -> Self {
        if share >= 1.0 { Self::All } else { Self::Drawn(Coins::new(draws, share)) }
    }

    /// Sets to zero what does not count; `start` is the place of the first number in its tensor.
    pub fn apply(&self, start: usize, change: &mut [f32]) {
        match self {
            Self::All => {}
            Self::Largest(from) => {
                // Cut in two, so that neither loop asks for the place of a number.
                let equal = from.before.saturating_sub(start).min(change.len());
                let (with_equal, without) = change.split_at_mut(equal);
                with_equal.iter_mut().for_each(|x| *x = if x.abs() < from.magnitude { 0.0 } else { *x });
                without.iter_mut().for_each(|x| *x = if x.abs() <= from.magnitude { 0.0 } else { *x });
            }
            Self::Drawn(coins) => coins.apply(start, change),
        }
    }

    /// The factor that gives what is kept of a model's change the sum of magnitudes of the whole change; 1 where either is nothing.
    pub fn rescale(&self, base: Slice<'_>, model: Slice<'_>) -> f64 {
        if *self == Self::All {
            return 1.0;
        }
        let magnitudes = |x: &[f32]| x.iter().map(|x| f64::from(x.abs())).sum::<f64>();
        let [before, after] = fold(&[base, model], |start, x| {
            let mut change = vec![0.0; x[0].len()];
            difference(x[1], x[0], &mut change);
            let before = magnitudes(&change);
            self.apply(start, &mut change);
            [before, magnitudes(&change)]
        });
        if before < SMALL || after < SMALL { 1.0 } else { before / after }
    }
}

/// `out = a − b`.
pub(super) fn difference(a: &[f32], b: &[f32], out: &mut [f32]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = a - b;
    }
}

/// One coin a number of a tensor: how it falls depends on the key and on the number's place only, so that pieces may be asked for in any order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coins {
    key: u64,
    /// Draws below it are kept; draws are 32 bits wide.
    below: u32,
}

impl Coins {
    /// Bits of a place inside a block that shares a key.
    const BLOCK: u32 = 16;

    /// Coins that keep a share below 1.
    pub fn new(draws: Draws, share: f64) -> Self {
        // A cast of a float stops at the ends of the range.
        Self { key: draws.rng().next_u64(), below: (share * 2f64.powi(32)).round() as u32 }
    }

    fn apply(&self, start: usize, change: &mut [f32]) {
        let (mut place, mut rest) = (start, change);
        while !rest.is_empty() {
            let end = ((place >> Self::BLOCK) + 1) << Self::BLOCK;
            let (now, later) = rest.split_at_mut((end - place).min(rest.len()));
            let key = scatter(self.key.wrapping_add((place >> Self::BLOCK) as u64));
            let (low, high) = (key as u32, (key >> 32) as u32);
            let first = (place & ((1 << Self::BLOCK) - 1)) as u32;
            for (i, x) in (first..).zip(now.iter_mut()) {
                let draw = mix(mix(i ^ low).wrapping_add(high));
                *x = if draw < self.below { *x } else { 0.0 };
            }
            (place, rest) = (place + now.len(), later);
        }
    }
}

/// SplitMix64 (Steele et al. 2014): neighbouring keys become unrelated ones.
fn scatter(key: u64) -> u64 {
    let z = key.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A mixing of 32 bits with little bias; only operations that processors do on vectors.
fn mix(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(keep: Keep, start: usize, n: usize) -> Vec<bool> {
        let mut ones = vec![1.0; n];
        keep.apply(start, &mut ones);
        ones.iter().map(|x| *x != 0.0).collect()
    }

    #[test]
    fn coins_fall_the_same_in_any_pieces() {
        let keep = Keep::drawn(Draws::new(5).stream("w"), 0.3);
        let whole = kept(keep, 0, 200_000);
        for (start, n) in [(0, 1), (1, 70_000), (65_535, 2), (65_536, 100_000), (131_071, 5), (199_999, 1)] {
            assert!(kept(keep, start, n) == whole[start..start + n], "{n} from {start}");
        }
        // The 33rd bit of a place counts too.
        assert!(kept(keep, 0, 1000) != kept(keep, 1 << 32, 1000));
    }

    #[test]
    fn coins_keep_their_share_and_do_not_know_each_other() {
        let n = 1_000_000;
        let bound = |p: f64| 5.0 * (n as f64 * p * (1.0 - p)).sqrt();
        for share in [0.01, 0.5, 0.93] {
            let a = kept(Keep::drawn(Draws::new(5).example(0), share), 0, n);
            let b = kept(Keep::drawn(Draws::new(5).example(1), share), 0, n);
            let count = |of: &dyn Fn(usize) -> bool| (0..n).filter(|i| of(*i)).count() as f64;
            let near = |what: &str, found: f64, p: f64| assert!((found - n as f64 * p).abs() < bound(p), "{what} at {share}: {found} of {n}");
            near("kept", count(&|i| a[i]), share);
            near("kept by both", count(&|i| a[i] && b[i]), share * share);
            for lag in [1, 2, 4, 16, 1 << 16] {
                near("kept with its neighbour", count(&|i| a[i] && a[(i + lag) % n]), share * share);
            }
        }
        assert_eq!(kept(Keep::drawn(Draws::new(1), 0.0), 0, 1000), [false; 1000]);
        assert_eq!(Keep::drawn(Draws::new(1), 1.0), Keep::All);
    }

    #[test]
    fn the_largest_are_counted_as_mergekit_counts_them() {
        let (base, model) = ([0.0; 5], [3.0f32, -4.0, 1.0, 4.0, -0.5]);
        let left = |share: f64| {
            let mut change = model;
            Keep::largest(Slice::of(&base), Slice::of(&model), share).apply(0, &mut change);
            change
        };
        assert_eq!(left(0.1), [0.0, -4.0, 0.0, 0.0, 0.0]);
        assert_eq!(left(0.59), [0.0, -4.0, 0.0, 4.0, 0.0]);
        assert_eq!(left(0.6), [3.0, -4.0, 0.0, 4.0, 0.0]);
        assert_eq!(left(0.0), [0.0; 5]);
        assert_eq!(left(1.0), model);
    }

    #[test]
    fn what_is_kept_gets_the_magnitude_of_all() {
        let (base, model) = ([1.0; 4], [2.0f32, -2.0, 1.5, 1.0]);
        let scale = |share: f64| {
            let (base, model) = (Slice::of(&base), Slice::of(&model));
            Keep::largest(base, model, share).rescale(base, model)
        };
        assert_eq!(scale(0.25), 4.5 / 3.0);
        assert_eq!(scale(0.5), 4.5 / 4.0);
        assert_eq!((scale(0.0), scale(1.0)), (1.0, 1.0));
    }
}
