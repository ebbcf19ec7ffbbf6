//! Rotation of pairs (i, i + d/2).
#![allow(unsafe_code)]

use crate::simd::vectorised;

vectorised! {
    /// One row of width d; `cos` and `sin` of width d with equal halves. `turn` is 1 forwards and −1 backwards.
    pub fn rotate_row(x: &[f32], cos: &[f32], sin: &[f32], turn: f32, out: &mut [f32]) {
        let half = x.len() / 2;
        let (left, right) = x.split_at(half);
        let (out_left, out_right) = out.split_at_mut(half);
        for (((((ol, or), l), r), c), s) in out_left.iter_mut().zip(out_right).zip(left).zip(right).zip(cos).zip(sin) {
            *ol = l * c - r * s * turn;
            *or = r * c + l * s * turn;
        }
    }
}
