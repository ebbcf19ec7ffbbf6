//! Norms.

use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;

/// Root-mean-square norm (Zhang and Sennrich 2019).
#[derive(Module, Debug)]
pub struct RmsNorm {
    /// `[hidden]`.
    pub weight: Param<Tensor<1>>,
    epsilon: f64,
}

impl RmsNorm {
    /// From a weight.
    pub fn new(weight: Tensor<1>, epsilon: f64) -> Self {
        Self { weight: Param::from_tensor(weight), epsilon }
    }

    /// `[batch, time, hidden]` → the same shape.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        tongues_ops::rms_norm(x, self.weight.val(), self.epsilon)
    }
}
