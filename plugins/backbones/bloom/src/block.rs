//! One block: attention with linear biases and feed-forward, each after a norm and with a residual.

use crate::config::{BloomConfig, Sizes};
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Attention, Linear, Pass, Result, Role, Site, Stack, burn};
use tongues_nn::{Activation, Fill, LayerNorm, grouped, heads_together, linear};

/// `x + attention(norm(x))`, then `x + mlp(norm(x))`; or with the normed state in place of `x`.
#[derive(Module, Debug)]
pub struct Block {
    input_layernorm: LayerNorm,
    self_attention: SelfAttention,
    post_attention_layernorm: LayerNorm,
    mlp: Mlp,
    layer: usize,
    normed_residual: bool,
}

#[derive(Module, Debug)]
struct SelfAttention {
    /// Head by head: query, key and value of the first head, then of the second.
    query_key_value: Linear,
    dense: Linear,
    heads: usize,
}

#[derive(Module, Debug)]
struct Mlp {
    dense_h_to_4h: Linear,
    dense_4h_to_h: Linear,
}

/// A norm that changes nothing but mean and length.
pub fn norm(config: &BloomConfig, width: usize, fill: &Fill<'_>) -> LayerNorm {
    LayerNorm::new(fill.constant(1.0, width), fill.constant(0.0, width), config.layer_norm_epsilon)
}

impl Block {
    /// Fresh parameters.
    pub fn new(config: &BloomConfig, sizes: Sizes, layer: usize, fill: &Fill<'_>) -> Self {
        let d = sizes.hidden;
        let projection = |name: &str, shape| linear(fill, &format!("transformer.h.{layer}.{name}"), shape, true);
        Self {
            input_layernorm: norm(config, d, fill),
            self_attention: SelfAttention {
                query_key_value: projection("self_attention.query_key_value", [d, 3 * d]),
                dense: projection("self_attention.dense", [d, d]),
                heads: sizes.heads,
            },
            post_attention_layernorm: norm(config, d, fill),
            mlp: Mlp { dense_h_to_4h: projection("mlp.dense_h_to_4h", [d, 4 * d]), dense_4h_to_h: projection("mlp.dense_4h_to_h", [4 * d, d]) },
            layer,
            normed_residual: config.apply_residual_connection_post_layernorm,
        }
    }

    /// `[B, T, D]` → `[B, T, D]`; `bias` is added to the scores `[batch or 1, heads, 1, keys]`.
    pub fn forward(&self, x: Tensor<3>, bias: &Tensor<4>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let y = pass.site(self.at(Role::AttentionNorm), x.clone(), |x, _| Ok(self.input_layernorm.forward(x)))?;
        let residual = if self.normed_residual { y.clone() } else { x };
        let x = residual + pass.site(self.at(Role::SelfAttention), y, |y, pass| self.attention(y, bias, pass))?;
        let y = pass.site(self.at(Role::FeedForwardNorm), x.clone(), |x, _| Ok(self.post_attention_layernorm.forward(x)))?;
        let residual = if self.normed_residual { y.clone() } else { x };
        Ok(residual + pass.site(self.at(Role::FeedForward), y, |y, pass| self.feed_forward(y, pass))?)
    }

    fn attention(&self, x: Tensor<3>, bias: &Tensor<4>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let [batch, time, d] = x.dims();
        let (heads, width) = (self.self_attention.heads, d / self.self_attention.heads);
        let all = pass.linear(self.at(Role::QueryKeyValue), &self.self_attention.query_key_value, x)?; // [B, T, 3 D]
        let all = all.reshape([batch, time, heads, 3, width]);
        let mut every_third = |i: usize, role| -> Result<Tensor<4>> {
            let own = all.clone().narrow(3, i, 1).reshape([batch, time, d]);
            Ok(pass.at(self.at(role), own)?.reshape([batch, time, heads, width]).swap_dims(1, 2))
        };
        let (q, k, v) = (every_third(0, Role::Query)?, every_third(1, Role::Key)?, every_third(2, Role::Value)?); // [B, H, T, d]
        let scale = (width as f64).powf(-0.5);
        let attention = Attention { q, k, v, mask: pass.mask.clone(), bias: Some(bias.clone()), scale, softcap: None, new_keys: 0..time };
        let heads = pass.attend(self.at(Role::Attention), attention, |a, _| Ok(grouped(a)))?;
        let heads = pass.at(self.at(Role::Heads), heads_together(heads))?;
        pass.linear(self.at(Role::AttentionOut), &self.self_attention.dense, heads)
    }

    fn feed_forward(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let up = pass.linear(self.at(Role::Up), &self.mlp.dense_h_to_4h, x)?; // [B, T, 4 D]
        let inner = pass.at(self.at(Role::Activation), Activation::GeluTanh.of(up))?;
        pass.linear(self.at(Role::Down), &self.mlp.dense_4h_to_h, inner)
    }

    fn at(&self, role: Role) -> Site {
        Site::new(Stack::Decoder, self.layer, role)
    }
}
