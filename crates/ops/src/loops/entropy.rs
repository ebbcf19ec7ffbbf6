//! Cross-entropy of one row.
#![allow(unsafe_code)]

use super::softmax::softmax_row;
use crate::simd::vectorised;

vectorised! {
    /// x plus a number times y.
    pub fn add(x: &mut [f32], y: &[f32], by: f32) {
        for (x, y) in x.iter_mut().zip(y) {
            *x += y * by;
        }
    }
    /// x times a number.
    pub fn times(x: &mut [f32], by: f32) {
        x.iter_mut().for_each(|x| *x *= by);
    }
}

/// Logits become `weight · (softmax − one-hot)`, the gradient of the weighted negative log-likelihood, which is returned.
pub fn entropy_row(x: &mut [f32], label: usize, weight: f32) -> f32 {
    if weight == 0.0 {
        x.fill(0.0);
        return 0.0;
    }
    let chosen = x[label];
    let nats = softmax_row(x, 1.0) - chosen;
    times(x, weight);
    x[label] -= weight;
    nats * weight
}
