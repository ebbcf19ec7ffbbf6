//! Softmax over the keys that a query may look at.
#![allow(unsafe_code)]

use super::{LANES, dotted, exp, largest};
use crate::simd::vectorised;

/// x becomes `exp(x − largest)` and its sum is returned.
#[inline(always)]
fn exponentials<const FMA: bool>(x: &mut [f32], largest: f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let (chunks, rest) = x.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            chunk[i] = exp::<FMA>(chunk[i] - largest);
            lanes[i] += chunk[i];
        }
    }
    for (i, x) in rest.iter_mut().enumerate() {
        *x = exp::<FMA>(*x - largest);
        lanes[i] += *x;
    }
    lanes.iter().sum()
}

vectorised! {
    /// One row in place: factor, softmax. What lies outside the row's keys is the caller's. Returns ln Σ exp.
    pub fn softmax_row(x: &mut [f32], scale: f32) -> f32 {
        x.iter_mut().for_each(|x| *x *= scale);
        let most = largest(x);
        let sum = exponentials::<FMA>(x, most);
        let share = 1.0 / sum;
        x.iter_mut().for_each(|x| *x *= share);
        most + sum.ln()
    }
    /// Gradient of [`softmax_row`], in place of that of its result.
    pub fn softmax_row_back(weights: &[f32], d: &mut [f32], scale: f32) {
        let along = dotted::<FMA>(weights, d);
        for (d, w) in d.iter_mut().zip(weights) {
            *d = (*d - along) * w * scale;
        }
    }
}
