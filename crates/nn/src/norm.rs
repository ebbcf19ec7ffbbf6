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
    plus_one: bool,
}

impl RmsNorm {
    /// From a weight.
    pub fn new(weight: Tensor<1>, epsilon: f64) -> Self {
        Self { weight: Param::from_tensor(weight), epsilon, plus_one: false }
    }

    /// From a weight that is stored less one: zeros do nothing.
    pub fn plus_one(weight: Tensor<1>, epsilon: f64) -> Self {
        Self { plus_one: true, ..Self::new(weight, epsilon) }
    }

    /// `[batch, time, hidden]` → the same shape.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let weight = self.weight.val();
        tongues_ops::rms_norm(x, if self.plus_one { weight + 1.0 } else { weight }, self.epsilon)
    }
}

/// Layer norm (Ba et al. 2016).
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[hidden]`.
    pub weight: Param<Tensor<1>>,
    /// `[hidden]`.
    pub bias: Param<Tensor<1>>,
    epsilon: f64,
}

impl LayerNorm {
    /// From weight and bias.
    pub fn new(weight: Tensor<1>, bias: Tensor<1>, epsilon: f64) -> Self {
        Self { weight: Param::from_tensor(weight), bias: Param::from_tensor(bias), epsilon }
    }

    /// `[batch, time, hidden]` → the same shape.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        tongues_ops::layer_norm(x, self.weight.val(), self.bias.val(), self.epsilon)
    }
}
