//! Randomness from counters: every draw is a function of (seed, stream, step, example), never of what was drawn before.

use burn::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;

/// Normal numbers that one thread draws at a time; even.
const NUMBERS: usize = 1 << 14;

/// A place in the space of counters. Copy it, move it, draw from it: equal places give equal draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    seed: u64,
    stream: u64,
    step: u64,
    example: u64,
}

impl Draws {
    /// The root of a run.
    pub fn new(seed: u64) -> Self {
        Self { seed, stream: 0, step: 0, example: 0 }
    }

    /// A named stream beside this one; names nest.
    #[must_use]
    pub fn stream(self, name: &str) -> Self {
        Self { stream: fnv(self.stream, name.as_bytes()), ..self }
    }

    /// The same stream at a step (or an epoch).
    #[must_use]
    pub fn step(self, step: u64) -> Self {
        Self { step, ..self }
    }

    /// The same stream and step at one example (or one layer).
    #[must_use]
    pub fn example(self, example: u64) -> Self {
        Self { example, ..self }
    }

    /// The generator of this place.
    pub fn rng(self) -> ChaCha8Rng {
        let mut key = [0u8; 32];
        for (slot, word) in key.chunks_mut(8).zip([self.seed, self.stream, self.step, self.example]) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }

    /// `n` numbers uniform in [0, 1).
    pub fn uniform(self, n: usize) -> Vec<f32> {
        let mut rng = self.rng();
        (0..n).map(|_| unit(&mut rng)).collect()
    }

    /// `n` standard normal numbers (Box and Muller 1958). Pair i comes from words 2i and 2i + 1 of the stream, so that pieces
    /// can be drawn side by side.
    pub fn normal(self, n: usize) -> Vec<f32> {
        let mut out = vec![0f32; n.next_multiple_of(2)];
        out.par_chunks_mut(NUMBERS).enumerate().for_each(|(i, piece)| {
            let mut rng = self.rng();
            rng.set_word_pos((i * NUMBERS) as u128);
            for pair in piece.chunks_mut(2) {
                let radius = (-2.0 * (1.0 - f64::from(unit(&mut rng))).ln()).sqrt();
                let (sin, cos) = (std::f64::consts::TAU * f64::from(unit(&mut rng))).sin_cos();
                pair.copy_from_slice(&[(radius * cos) as f32, (radius * sin) as f32]);
            }
        });
        out.truncate(n);
        out
    }

    /// A whole number in `0..below`.
    pub fn below(self, below: usize) -> usize {
        pick(&mut self.rng(), below)
    }

    /// A permutation of `0..n` (Fisher and Yates).
    pub fn permutation(self, n: usize) -> Vec<usize> {
        let mut rng = self.rng();
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, pick(&mut rng, i + 1));
        }
        order
    }

    /// A permutation of `0..n` that leaves nothing in its place (for n > 1): one circle through all.
    pub fn circle(self, n: usize) -> Vec<usize> {
        let order = self.permutation(n);
        let mut to = vec![0; n];
        order.iter().enumerate().for_each(|(k, from)| to[*from] = order[(k + 1) % n]);
        to
    }

    /// A tensor of N(0, std²).
    pub fn normal_tensor<const D: usize>(self, shape: [usize; D], std: f64, device: &Device) -> Tensor<D> {
        let n = shape.iter().product();
        let values: Vec<f32> = self.normal(n).into_iter().map(|x| (f64::from(x) * std) as f32).collect();
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    /// A tensor uniform in [-bound, bound).
    pub fn uniform_tensor<const D: usize>(self, shape: [usize; D], bound: f64, device: &Device) -> Tensor<D> {
        let n = shape.iter().product();
        let values: Vec<f32> = self.uniform(n).into_iter().map(|x| ((f64::from(x) * 2.0 - 1.0) * bound) as f32).collect();
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}

/// Uniform in [0, 1) with 24 random bits, so that 1.0 never appears.
fn unit(rng: &mut impl RngCore) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1u32 << 24) as f32
}

/// Uniform in `0..below` by Lemire's multiplication; the bias is below 2^-32 for the sizes used here.
fn pick(rng: &mut impl RngCore, below: usize) -> usize {
    ((u128::from(rng.next_u64()) * below as u128) >> 64) as usize
}

pub(crate) fn fnv(start: u64, bytes: &[u8]) -> u64 {
    let basis = 0xcbf2_9ce4_8422_2325 ^ start.rotate_left(17);
    bytes.iter().chain(&[0xff]).fold(basis, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_share_draws() {
        let d = Draws::new(7).stream("a");
        assert_eq!(d.uniform(4), Draws::new(7).stream("a").uniform(4));
        for other in [d.step(1), d.example(1), d.stream("b"), Draws::new(8).stream("a"), Draws::new(7).stream("b")] {
            assert_ne!(d.uniform(4), other.uniform(4));
        }
    }

    #[test]
    fn normal_has_its_moments() {
        let x = Draws::new(1).normal(20_000);
        let mean = x.iter().sum::<f32>() / 20_000.0;
        let var = x.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (var - 1.0).abs() < 0.05, "{mean} {var}");
    }

    #[test]
    fn normal_numbers_drawn_in_pieces_are_those_of_one_stream() {
        let n = 2 * NUMBERS + 5;
        let mut rng = Draws::new(4).rng();
        let pair = |_| {
            let radius = (-2.0 * (1.0 - f64::from(unit(&mut rng))).ln()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * f64::from(unit(&mut rng))).sin_cos();
            [(radius * cos) as f32, (radius * sin) as f32]
        };
        let expected: Vec<f32> = (0..n.div_ceil(2)).flat_map(pair).take(n).collect();
        assert_eq!(Draws::new(4).normal(n), expected);
    }

    #[test]
    fn a_permutation_has_everything_once() {
        let mut p = Draws::new(3).permutation(100);
        assert_ne!(p, (0..100).collect::<Vec<_>>());
        p.sort_unstable();
        assert_eq!(p, (0..100).collect::<Vec<_>>());
    }
}
