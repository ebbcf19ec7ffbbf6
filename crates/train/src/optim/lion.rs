//! Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", arXiv 2302.06675, algorithm 2).
//!
//! Every entry moves by the learning rate, up or down: rates are three to ten times smaller than AdamW's, and weight decay
//! as much larger (§5 of the paper).

use super::{Method, Seen, State, decayed};
use tongues_kernel::burn::prelude::*;

/// Lion's options, with the paper's defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lion {
    /// How much of the momentum is in the direction of a step.
    pub beta1: f64,
    /// Decay of the momentum.
    pub beta2: f64,
}

impl Default for Lion {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.99 }
    }
}

impl Method for Lion {
    fn name(&self) -> &'static str {
        "lion"
    }

    fn slots(&self, shape: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        vec![("momentum", shape.to_vec())]
    }

    fn update(&self, seen: Seen<'_>, state: &mut State) -> Tensor<1> {
        let Seen { weights, gradient, rate, decay, .. } = seen;
        let momentum = state.get(0);
        let mixed = momentum.clone() * self.beta1 + gradient.clone() * (1.0 - self.beta1);
        state.set(0, momentum * self.beta2 + gradient * (1.0 - self.beta2));
        decayed(weights, rate, decay) - mixed.sign() * rate
    }
}
