//! One block: attention and feed-forward, each after a norm, or between two, and with a residual.

use super::attention::RotaryAttention;
use super::{DecoderPlan, Seen};
use crate::{Activation, Fill, RmsNorm, linear};
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Linear, Pass, Result, Role, Site, Stack, burn};

/// `x + attention(norm(x))`, then `x + mlp(norm(x))`; with norms behind, `x + norm(attention(norm(x)))` and the same for the mlp.
#[derive(Module, Debug)]
pub struct Block {
    input_layernorm: RmsNorm,
    self_attn: RotaryAttention,
    /// Behind the attention where there is a norm before the feed-forward layer of its own; else it is that norm.
    post_attention_layernorm: RmsNorm,
    pre_feedforward_layernorm: Option<RmsNorm>,
    post_feedforward_layernorm: Option<RmsNorm>,
    mlp: GatedMlp,
    layer: usize,
}

/// `down(act(gate(x)) · up(x))` (Shazeer 2020).
#[derive(Module, Debug)]
struct GatedMlp {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
    #[module(skip)]
    activation: Activation,
}

impl Block {
    /// Fresh parameters.
    pub(super) fn new(plan: &DecoderPlan, layer: usize, fill: &Fill<'_>) -> Self {
        let (hidden, inner) = (plan.hidden, plan.inner);
        let projection = |name: &str, shape| linear(fill, &format!("model.layers.{layer}.mlp.{name}"), shape, plan.inner_bias);
        let norm = || plan.norm(hidden, fill);
        Self {
            input_layernorm: norm(),
            self_attn: RotaryAttention::new(plan, layer, fill),
            post_attention_layernorm: norm(),
            pre_feedforward_layernorm: plan.norms_behind.then(norm),
            post_feedforward_layernorm: plan.norms_behind.then(norm),
            mlp: GatedMlp {
                gate_proj: projection("gate_proj", [hidden, inner]),
                up_proj: projection("up_proj", [hidden, inner]),
                down_proj: projection("down_proj", [inner, hidden]),
                activation: plan.activation,
            },
            layer,
        }
    }

    /// `[B, T, D]` → `[B, T, D]`.
    pub(super) fn forward(&self, x: Tensor<3>, seen: &Seen, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let y = pass.site(self.at(Role::AttentionNorm), x.clone(), |x, _| Ok(self.input_layernorm.forward(x)))?;
        let y = pass.site(self.at(Role::SelfAttention), y, |y, pass| self.self_attn.forward(y, seen, pass))?;
        let (y, before) = match &self.pre_feedforward_layernorm {
            Some(before) => (self.behind(Role::AttentionOutNorm, &self.post_attention_layernorm, y, pass)?, before),
            None => (y, &self.post_attention_layernorm),
        };
        let x = x + y;
        let y = pass.site(self.at(Role::FeedForwardNorm), x.clone(), |x, _| Ok(before.forward(x)))?;
        let y = pass.site(self.at(Role::FeedForward), y, |y, pass| self.feed_forward(y, pass))?;
        let y = match &self.post_feedforward_layernorm {
            Some(norm) => self.behind(Role::FeedForwardOutNorm, norm, y, pass)?,
            None => y,
        };
        Ok(x + y)
    }

    fn behind(&self, role: Role, norm: &RmsNorm, y: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        pass.site(self.at(role), y, |y, _| Ok(norm.forward(y)))
    }

    fn feed_forward(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let gate = pass.linear(self.at(Role::Gate), &self.mlp.gate_proj, x.clone())?; // [B, T, F]
        let up = pass.linear(self.at(Role::Up), &self.mlp.up_proj, x)?;
        let inner = pass.at(self.at(Role::Activation), self.mlp.activation.gated(gate, up))?;
        pass.linear(self.at(Role::Down), &self.mlp.down_proj, inner)
    }

    fn at(&self, role: Role) -> Site {
        Site::new(Stack::Decoder, self.layer, role)
    }
}
