//! One block: attention and feed-forward, each with a residual and a norm behind it.

use crate::config::RobertaConfig;
use crate::sites::at;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Attention, Linear, Pass, Result, Role, burn};
use tongues_nn::{Activation, Fill, LayerNorm, Pair, grouped, heads_apart, heads_together, linear};

/// `LN(x + attention(x))`, then `LN(x + output(intermediate(x)))`.
#[derive(Module, Debug)]
pub struct Block {
    /// `attention.self` and `attention.output`.
    attention: Pair<Projections, Output>,
    intermediate: Intermediate,
    output: Output,
    heads: usize,
    layer: usize,
}

#[derive(Module, Debug)]
struct Projections {
    query: Linear,
    key: Linear,
    value: Linear,
}

#[derive(Module, Debug)]
struct Intermediate {
    dense: Linear,
    #[module(skip)]
    activation: Activation,
}

/// What ends both halves of a block.
#[derive(Module, Debug)]
struct Output {
    dense: Linear,
    LayerNorm: LayerNorm,
}

/// A norm that changes nothing but mean and length.
pub fn norm(config: &RobertaConfig, fill: &Fill<'_>) -> LayerNorm {
    LayerNorm::new(fill.constant(1.0, config.hidden_size), fill.constant(0.0, config.hidden_size), config.layer_norm_eps)
}

impl Block {
    /// Fresh parameters.
    pub fn new(config: &RobertaConfig, activation: Activation, layer: usize, fill: &Fill<'_>) -> Self {
        let (d, f) = (config.hidden_size, config.intermediate_size);
        let projection = |name: &str, shape| linear(fill, &format!("roberta.encoder.layer.{layer}.{name}"), shape, true);
        let output = |name: &str, width| Output { dense: projection(&format!("{name}.dense"), [width, d]), LayerNorm: norm(config, fill) };
        let inner = |name: &str| projection(&format!("attention.self.{name}"), [d, d]);
        Self {
            attention: Pair::new(
                ["self", "output"],
                Projections { query: inner("query"), key: inner("key"), value: inner("value") },
                output("attention.output", d),
            ),
            intermediate: Intermediate { dense: projection("intermediate.dense", [d, f]), activation },
            output: output("output", f),
            heads: config.num_attention_heads,
            layer,
        }
    }

    /// `[B, T, D]` → `[B, T, D]`.
    pub fn forward(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let y = pass.site(at(self.layer, Role::SelfAttention), x.clone(), |x, pass| self.attention(x, pass))?;
        let x = pass.site(at(self.layer, Role::AttentionOutNorm), x + y, |x, _| Ok(self.attention.second.LayerNorm.forward(x)))?;
        let y = pass.site(at(self.layer, Role::FeedForward), x.clone(), |x, pass| self.feed_forward(x, pass))?;
        pass.site(at(self.layer, Role::FeedForwardOutNorm), x + y, |x, _| Ok(self.output.LayerNorm.forward(x)))
    }

    fn attention(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let [_, time, d] = x.dims();
        let of = &self.attention.first;
        let mut heads = |role, linear| Ok(heads_apart(pass.linear(at(self.layer, role), linear, x.clone())?, self.heads));
        let (q, k, v) = (heads(Role::Query, &of.query)?, heads(Role::Key, &of.key)?, heads(Role::Value, &of.value)?); // [B, H, T, d]
        let scale = ((d / self.heads) as f64).powf(-0.5);
        let attention = Attention { q, k, v, mask: pass.mask.clone(), bias: None, scale, softcap: None, new_keys: 0..time };
        let heads = pass.attend(at(self.layer, Role::Attention), attention, |a, _| Ok(grouped(a)))?;
        let heads = pass.at(at(self.layer, Role::Heads), heads_together(heads))?;
        pass.linear(at(self.layer, Role::AttentionOut), &self.attention.second.dense, heads)
    }

    fn feed_forward(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let up = pass.linear(at(self.layer, Role::Up), &self.intermediate.dense, x)?; // [B, T, F]
        let inner = pass.at(at(self.layer, Role::Activation), self.intermediate.activation.of(up))?;
        pass.linear(at(self.layer, Role::Down), &self.output.dense, inner)
    }
}
