//! What an optimiser's step passes over: AdamW, and what guards it.
#![allow(unsafe_code)]

use super::{dotted, summed};
use crate::simd::vectorised;

/// The numbers of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Gradients are multiplied by this (clipping).
    pub gradient_scale: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// `rate / (1 − β₁ᵗ)`.
    pub rate: f32,
    /// `1 / (1 − β₂ᵗ)`.
    pub second_correction: f32,
    /// Added to the root.
    pub epsilon: f32,
    /// `1 − rate · decay`.
    pub keep: f32,
}

impl Step {
    /// In the order of the fields.
    pub fn numbers(self) -> [f32; 7] {
        [self.gradient_scale, self.beta1, self.beta2, self.rate, self.second_correction, self.epsilon, self.keep]
    }

    /// From what [`Step::numbers`] gave.
    pub fn of([gradient_scale, beta1, beta2, rate, second_correction, epsilon, keep]: [f32; 7]) -> Self {
        Self { gradient_scale, beta1, beta2, rate, second_correction, epsilon, keep }
    }
}

vectorised! {
    /// New weights; both moments in place.
    pub fn adamw_step(w: &[f32], g: &[f32], m: &mut [f32], v: &mut [f32], out: &mut [f32], s: Step) {
        for ((((out, w), g), m), v) in out.iter_mut().zip(w).zip(g).zip(m).zip(v) {
            let g = g * s.gradient_scale;
            *m = *m * s.beta1 + g * (1.0 - s.beta1);
            *v = *v * s.beta2 + g * g * (1.0 - s.beta2);
            *out = w * s.keep - *m / ((*v * s.second_correction).sqrt() + s.epsilon) * s.rate;
        }
    }
    /// Σ x² of a slice that is short enough for 32 bits to add up.
    pub fn squares(x: &[f32]) -> f32 {
        dotted::<FMA>(x, x)
    }
    /// Whether no entry is infinite or no number: zero times a finite number is zero.
    pub fn finite(x: &[f32]) -> bool {
        summed(x, x, |a, _| a * 0.0) == 0.0
    }
}
