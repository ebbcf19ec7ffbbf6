//! AdamW (Loshchilov and Hutter 2019, algorithm 2) with PyTorch's defaults.

use super::{Method, Seen, State, decayed};
use tongues_kernel::burn::prelude::*;

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
        let first = state.get(0) * self.beta1 + gradient.clone() * (1.0 - self.beta1);
        let second = state.get(1) * self.beta2 + gradient.square() * (1.0 - self.beta2);
        let root = (second.clone() / (1.0 - self.beta2.powi(t))).sqrt() + self.epsilon;
        let change = first.clone() / root * (rate / (1.0 - self.beta1.powi(t)));
        state.set(0, first);
        state.set(1, second);
        decayed(weights, rate, decay) - change
    }
}
