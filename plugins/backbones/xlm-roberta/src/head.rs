//! The head for masked tokens.

use crate::block::norm;
use crate::config::RobertaConfig;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Linear, burn};
use tongues_nn::{Activation, Embedding, Fill, LayerNorm, linear};

/// `E · LN(gelu(dense(x))) + bias`, with the embedding matrix E.
#[derive(Module, Debug)]
pub struct Head {
    dense: Linear,
    layer_norm: LayerNorm,
    /// `[vocabulary]`.
    bias: Param<Tensor<1>>,
}

impl Head {
    /// Fresh parameters.
    pub fn new(config: &RobertaConfig, fill: &Fill<'_>) -> Self {
        let bias = Param::from_tensor(fill.constant(0.0, config.vocabulary()));
        Self { dense: linear(fill, "lm_head.dense", [config.hidden_size; 2], true), layer_norm: norm(config, fill), bias }
    }

    /// `[B, T, D]` → `[B, T, V]`.
    pub fn forward(&self, x: Tensor<3>, words: &Embedding) -> Tensor<3> {
        let x = self.layer_norm.forward(Activation::Gelu.of(self.dense.forward(x)));
        words.as_head(x) + self.bias.val().reshape([1, 1, -1])
    }
}
