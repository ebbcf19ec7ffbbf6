//! AdamW (Loshchilov and Hutter 2019, algorithm 2) with PyTorch's defaults.

use super::{Method, Seen, State};
use tongues_kernel::burn::prelude::*;
use tongues_ops::{AdamWStep, Moments};

/// AdamW's options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl Method for AdamW {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn slots(&self, shape: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        vec![("first", shape.to_vec()), ("second", shape.to_vec())]
    }

    fn update(&self, seen: Seen<'_>, state: &mut State) -> Tensor<1> {
        let Seen { weights, gradient, rate, decay, .. } = seen;
        let t = state.steps();
        let step = AdamWStep {
            gradient_scale: 1.0,
            beta1: self.beta1 as f32,
            beta2: self.beta2 as f32,
            rate: (rate / (1.0 - self.beta1.powi(t))) as f32,
            second_correction: (1.0 / (1.0 - self.beta2.powi(t))) as f32,
            epsilon: self.epsilon as f32,
            keep: (1.0 - rate * decay) as f32,
        };
        let moments = Moments { first: state.take(0), second: state.take(1) };
        let (weights, Moments { first, second }) = tongues_ops::adamw(weights, gradient, moments, step);
        state.set(0, first);
        state.set(1, second);
        weights
    }
}
