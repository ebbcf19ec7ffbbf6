//! Norms over rows.
#![allow(unsafe_code)]

use super::summed;
use crate::simd::vectorised;

/// Mean and 1 / √(variance + ε); the mean is 0 where the row is not centred.
#[inline(always)]
fn moments(x: &[f32], epsilon: f32, centred: bool) -> (f32, f32) {
    let n = x.len() as f32;
    let mean = if centred { summed(x, x, |a, _| a) / n } else { 0.0 };
    let variance = summed(x, x, |a, _| (a - mean) * (a - mean)) / n;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

vectorised! {
    /// One row: `(x − mean) · r · w`.
    pub fn norm_row(x: &[f32], w: &[f32], epsilon: f32, centred: bool, out: &mut [f32]) {
        let (mean, r) = moments(x, epsilon, centred);
        for ((o, x), w) in out.iter_mut().zip(x).zip(w) {
            *o = (x - mean) * r * w;
        }
    }
    /// Gradients of one row; `dw` is added to.
    pub fn norm_row_back(x: &[f32], w: &[f32], d: &[f32], epsilon: f32, centred: bool, dx: &mut [f32], dw: &mut [f32]) {
        let n = x.len() as f32;
        let (mean, r) = moments(x, epsilon, centred);
        for ((dx, d), w) in dx.iter_mut().zip(d).zip(w) {
            *dx = d * w;
        }
        let along = summed(dx, x, |g, x| g * (x - mean)) * r * r / n;
        let level = if centred { summed(dx, dx, |g, _| g) / n } else { 0.0 };
        for (((dx, dw), x), d) in dx.iter_mut().zip(dw).zip(x).zip(d) {
            let y = x - mean;
            *dw += d * y * r;
            *dx = (*dx - level - y * along) * r;
        }
    }
}
