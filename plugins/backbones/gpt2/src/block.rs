//! One block: attention and feed-forward, each after a norm and with a residual.

use crate::config::Gpt2Config;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Attention, Linear, Pass, Result, Role, Site, Stack, burn};
use tongues_nn::{Activation, Fill, LayerNorm, grouped, heads_apart, heads_together, linear};

/// `x + attn(ln_1(x))`, then `x + mlp(ln_2(x))`.
#[derive(Module, Debug)]
pub struct Block {
    ln_1: LayerNorm,
    attn: SelfAttention,
    ln_2: LayerNorm,
    mlp: Mlp,
    layer: usize,
}

#[derive(Module, Debug)]
struct SelfAttention {
    /// Queries, keys and values, one third of the outputs each.
    c_attn: Linear,
    c_proj: Linear,
    heads: usize,
    scale: f64,
}

#[derive(Module, Debug)]
struct Mlp {
    c_fc: Linear,
    c_proj: Linear,
    #[module(skip)]
    activation: Activation,
}

/// A norm that changes nothing but mean and length.
pub fn norm(config: &Gpt2Config, fill: &Fill<'_>) -> LayerNorm {
    LayerNorm::new(fill.constant(1.0, config.n_embd), fill.constant(0.0, config.n_embd), config.layer_norm_epsilon)
}

impl Block {
    /// Fresh parameters.
    pub fn new(config: &Gpt2Config, activation: Activation, layer: usize, fill: &Fill<'_>) -> Self {
        let (d, f) = (config.n_embd, config.inner());
        let projection = |name: &str, shape| linear(fill, &format!("transformer.h.{layer}.{name}"), shape, true);
        Self {
            ln_1: norm(config, fill),
            attn: SelfAttention {
                c_attn: projection("attn.c_attn", [d, 3 * d]),
                c_proj: projection("attn.c_proj", [d, d]),
                heads: config.n_head,
                scale: config.scale(layer),
            },
            ln_2: norm(config, fill),
            mlp: Mlp { c_fc: projection("mlp.c_fc", [d, f]), c_proj: projection("mlp.c_proj", [f, d]), activation },
            layer,
        }
    }

    /// `[B, T, D]` → `[B, T, D]`.
    pub fn forward(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let y = pass.site(self.at(Role::AttentionNorm), x.clone(), |x, _| Ok(self.ln_1.forward(x)))?;
        let x = x + pass.site(self.at(Role::SelfAttention), y, |y, pass| self.attention(y, pass))?;
        let y = pass.site(self.at(Role::FeedForwardNorm), x.clone(), |x, _| Ok(self.ln_2.forward(x)))?;
        Ok(x + pass.site(self.at(Role::FeedForward), y, |y, pass| self.feed_forward(y, pass))?)
    }

    fn attention(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let [_, time, d] = x.dims();
        let all = pass.linear(self.at(Role::QueryKeyValue), &self.attn.c_attn, x)?; // [B, T, 3 D]
        let mut third = |i: usize, role| Ok(heads_apart(pass.at(self.at(role), all.clone().narrow(2, i * d, d))?, self.attn.heads));
        let (q, k, v) = (third(0, Role::Query)?, third(1, Role::Key)?, third(2, Role::Value)?); // [B, H, T, d]
        let attention = Attention { q, k, v, mask: pass.mask.clone(), bias: None, scale: self.attn.scale, softcap: None, new_keys: 0..time };
        let heads = pass.attend(self.at(Role::Attention), attention, |a, _| Ok(grouped(a)))?;
        let heads = pass.at(self.at(Role::Heads), heads_together(heads))?;
        pass.linear(self.at(Role::AttentionOut), &self.attn.c_proj, heads)
    }

    fn feed_forward(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let up = pass.linear(self.at(Role::Up), &self.mlp.c_fc, x)?; // [B, T, F]
        let inner = pass.at(self.at(Role::Activation), self.mlp.activation.of(up))?;
        pass.linear(self.at(Role::Down), &self.mlp.c_proj, inner)
    }

    fn at(&self, role: Role) -> Site {
        Site::new(Stack::Decoder, self.layer, role)
    }
}
