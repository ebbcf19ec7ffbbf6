//! Weights that lie in fewer bits than they are used with: widened as they are read.
#![allow(unsafe_code)]

use super::{LANES, madd};
use crate::simd::vectorised;
use burn::tensor::{bf16, f16};

/// Weights that share a scale in the int8 form; neighbours within a row.
pub const BLOCK: usize = 32;

/// The upper half of a 32-bit float.
#[inline(always)]
fn of_bf16(x: bf16) -> f32 {
    f32::from_bits(u32::from(x.to_bits()) << 16)
}

/// Without the conversion instruction, which not every level has: exponent and fraction moved to their places, and the exponent's
/// offset made good by a product, which also gives subnormal numbers their value.
#[inline(always)]
fn of_f16(x: f16) -> f32 {
    let bits = u32::from(x.to_bits());
    let magnitude = f32::from_bits((bits & 0x7fff) << 13) * f32::from_bits((127 + 112) << 23);
    // The largest exponent stands for infinity and NaN in both forms.
    let special = if bits & 0x7c00 == 0x7c00 { 0x7f80_0000 } else { 0 };
    f32::from_bits(magnitude.to_bits() | special | (bits & 0x8000) << 16)
}

vectorised! {
    /// As 32-bit floats.
    pub fn widen_bf16(from: &[bf16], to: &mut [f32]) {
        from.iter().zip(to).for_each(|(from, to)| *to = of_bf16(*from));
    }
    /// As 32-bit floats.
    pub fn widen_f16(from: &[f16], to: &mut [f32]) {
        from.iter().zip(to).for_each(|(from, to)| *to = of_f16(*from));
    }
    /// As 32-bit floats; `scales` has one number for each [`BLOCK`].
    pub fn widen_int8(from: &[i8], scales: &[f32], to: &mut [f32]) {
        for ((from, to), scale) in from.chunks_exact(BLOCK).zip(to.chunks_exact_mut(BLOCK)).zip(scales) {
            from.iter().zip(to).for_each(|(from, to)| *to = f32::from(*from) * scale);
        }
    }
    /// `w · x`.
    pub fn dot_bf16(w: &[bf16], x: &[f32]) -> f32 {
        narrow_dot::<FMA, bf16>(w, x, of_bf16)
    }
    /// `w · x`.
    pub fn dot_f16(w: &[f16], x: &[f32]) -> f32 {
        narrow_dot::<FMA, f16>(w, x, of_f16)
    }
    /// `w · x`, with the scales of the weight's blocks.
    pub fn dot_int8(w: &[i8], scales: &[f32], x: &[f32]) -> f32 {
        let (mut even, mut odd) = ([0f32; LANES], [0f32; LANES]);
        for ((w, x), scale) in w.chunks_exact(BLOCK).zip(x.chunks_exact(BLOCK)).zip(scales) {
            for l in 0..LANES {
                even[l] = madd::<FMA>(f32::from(w[l]) * scale, x[l], even[l]);
                odd[l] = madd::<FMA>(f32::from(w[LANES + l]) * scale, x[LANES + l], odd[l]);
            }
        }
        even.iter().zip(odd).map(|(a, b)| a + b).sum()
    }
}

/// Four sums side by side, so that they do not wait for each other.
#[inline(always)]
fn narrow_dot<const FMA: bool, E: Copy>(w: &[E], x: &[f32], wide: impl Fn(E) -> f32) -> f32 {
    const SUMS: usize = 4;
    let mut sums = [[0f32; LANES]; SUMS];
    let (w_long, w_rest) = w.as_chunks::<{ SUMS * LANES }>();
    let (x_long, x_rest) = x.as_chunks::<{ SUMS * LANES }>();
    for (w, x) in w_long.iter().zip(x_long) {
        for (s, sum) in sums.iter_mut().enumerate() {
            for l in 0..LANES {
                sum[l] = madd::<FMA>(wide(w[s * LANES + l]), x[s * LANES + l], sum[l]);
            }
        }
    }
    for (i, (w, x)) in w_rest.iter().zip(x_rest).enumerate() {
        let l = i % LANES;
        sums[0][l] = madd::<FMA>(wide(*w), *x, sums[0][l]);
    }
    (0..LANES).map(|l| (sums[0][l] + sums[1][l]) + (sums[2][l] + sums[3][l])).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_narrow_number_is_widened_exactly() {
        for bits in 0..=u16::MAX {
            let (b, h) = (bf16::from_bits(bits), f16::from_bits(bits));
            for (found, exact) in [(of_bf16(b), b.to_f32()), (of_f16(h), h.to_f32())] {
                let both_nan = found.is_nan() && exact.is_nan();
                assert!(both_nan || found.to_bits() == exact.to_bits(), "{bits:#x}: {found} {exact}");
            }
        }
    }

    #[test]
    fn dots_equal_those_of_widened_weights() {
        for n in [0, 1, 31, 64, 65, 130, 256] {
            let wide: Vec<f32> = (0..n).map(|i| ((i * 37 % 101) as f32 - 50.0) / 32.0).collect();
            let x: Vec<f32> = (0..n).map(|i| ((i * 53 % 97) as f32 - 40.0) / 16.0).collect();
            let exact: f32 = wide.iter().zip(&x).map(|(w, x)| w * x).sum();
            let (b, h): (Vec<bf16>, Vec<f16>) = wide.iter().map(|w| (bf16::from_f32(*w), f16::from_f32(*w))).unzip();
            assert_eq!(dot_bf16(&b, &x), exact, "{n}");
            assert_eq!(dot_f16(&h, &x), exact, "{n}");
            if n % BLOCK == 0 {
                let (int8, scales): (Vec<i8>, Vec<f32>) =
                    ((0..n).map(|i| (i * 29 % 255) as i8).collect(), (0..n / BLOCK).map(|b| (b + 1) as f32 / 64.0).collect());
                let mut widened = vec![0f32; n];
                widen_int8(&int8, &scales, &mut widened);
                assert!(widened.iter().enumerate().all(|(i, w)| *w == f32::from(int8[i]) * scales[i / BLOCK]));
                let exact: f64 = widened.iter().zip(&x).map(|(w, x)| f64::from(w * x)).sum();
                assert!((f64::from(dot_int8(&int8, &scales, &x)) - exact).abs() <= 1e-4 * exact.abs().max(1.0), "{n}");
            }
        }
    }
}
