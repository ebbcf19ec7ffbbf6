//! The projection that backbones, parts and folds share: weight as on disk, `[out, in]`.

use burn::module::{Module, Param};
use burn::prelude::*;

/// `y = x Wᵀ + b`, with the weight in the layout of the Hugging Face files.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// From tensors.
    pub fn new(weight: Tensor<2>, bias: Option<Tensor<1>>) -> Self {
        Self { weight: Param::from_tensor(weight), bias: bias.map(Param::from_tensor) }
    }

    /// `x` of any leading shape, here `[batch, time, in]` → `[batch, time, out]`, as one product of flattened rows.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, time, width] = x.dims();
        let y = self.rows(x.reshape([batch * time, width]));
        let out = y.dims()[1];
        y.reshape([batch, time, out])
    }

    /// `[rows, in]` → `[rows, out]`.
    pub fn rows(&self, x: Tensor<2>) -> Tensor<2> {
        let y = tongues_ops::linear(x, self.weight.val());
        match &self.bias {
            Some(bias) => y + bias.val().unsqueeze::<2>(),
            None => y,
        }
    }
}
