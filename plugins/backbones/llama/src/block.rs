//! One block: attention and feed-forward, each after a norm and with a residual.

use crate::config::LlamaConfig;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Attention, Linear, Pass, Result, Role, Site, Stack, burn};
use tongues_nn::{Fill, RmsNorm, grouped, heads_apart, heads_together, linear};
use tongues_ops::{rotate_half_split, swiglu};

/// cos and sin, each `[batch, 1, time, head_dim]`.
pub type Tables = (Tensor<4>, Tensor<4>);

/// `x + attention(norm(x))`, then `x + mlp(norm(x))`.
#[derive(Module, Debug)]
pub struct Block {
    input_layernorm: RmsNorm,
    self_attn: SelfAttention,
    post_attention_layernorm: RmsNorm,
    mlp: Mlp,
    layer: usize,
}

#[derive(Module, Debug)]
struct SelfAttention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    heads: usize,
    kv_heads: usize,
}

#[derive(Module, Debug)]
struct Mlp {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

impl Block {
    /// Fresh parameters.
    pub fn new(config: &LlamaConfig, layer: usize, fill: &Fill<'_>) -> Self {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let (width, kv) = (config.num_attention_heads * config.width(), config.kv_heads() * config.width());
        let projection = |name: &str, shape, bias| linear(fill, &format!("model.layers.{layer}.{name}"), shape, bias);
        let norm = || RmsNorm::new(fill.constant(1.0, hidden), config.rms_norm_eps);
        Self {
            input_layernorm: norm(),
            self_attn: SelfAttention {
                q_proj: projection("self_attn.q_proj", [hidden, width], config.attention_bias),
                k_proj: projection("self_attn.k_proj", [hidden, kv], config.attention_bias),
                v_proj: projection("self_attn.v_proj", [hidden, kv], config.attention_bias),
                o_proj: projection("self_attn.o_proj", [width, hidden], config.attention_bias),
                heads: config.num_attention_heads,
                kv_heads: config.kv_heads(),
            },
            post_attention_layernorm: norm(),
            mlp: Mlp {
                gate_proj: projection("mlp.gate_proj", [hidden, inner], config.mlp_bias),
                up_proj: projection("mlp.up_proj", [hidden, inner], config.mlp_bias),
                down_proj: projection("mlp.down_proj", [inner, hidden], config.mlp_bias),
            },
            layer,
        }
    }

    /// `[B, T, D]` → `[B, T, D]`.
    pub fn forward(&self, x: Tensor<3>, tables: &Tables, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let y = pass.site(self.at(Role::AttentionNorm), x.clone(), |x, _| Ok(self.input_layernorm.forward(x)))?;
        let x = x + pass.site(self.at(Role::SelfAttention), y, |y, pass| self.attention(y, tables, pass))?;
        let y = pass.site(self.at(Role::FeedForwardNorm), x.clone(), |x, _| Ok(self.post_attention_layernorm.forward(x)))?;
        Ok(x + pass.site(self.at(Role::FeedForward), y, |y, pass| self.feed_forward(y, pass))?)
    }

    fn attention(&self, x: Tensor<3>, (cos, sin): &Tables, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let a = &self.self_attn;
        let q = heads_apart(pass.linear(self.at(Role::Query), &a.q_proj, x.clone())?, a.heads); // [B, H, T, d]
        let k = heads_apart(pass.linear(self.at(Role::Key), &a.k_proj, x.clone())?, a.kv_heads); // [B, K, T, d]
        let v = heads_apart(pass.linear(self.at(Role::Value), &a.v_proj, x)?, a.kv_heads);
        let [_, _, time, width] = q.dims();
        let (q, k) = (rotate_half_split(q, cos.clone(), sin.clone()), rotate_half_split(k, cos.clone(), sin.clone()));
        let scale = 1.0 / (width as f64).sqrt();
        let attention = Attention { q, k, v, mask: pass.mask.clone(), bias: None, scale, new_keys: 0..time };
        let heads = pass.attend(self.at(Role::Attention), attention, |a, _| Ok(grouped(a)))?;
        let heads = pass.at(self.at(Role::Heads), heads_together(heads))?;
        pass.linear(self.at(Role::AttentionOut), &a.o_proj, heads)
    }

    fn feed_forward(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let gate = pass.linear(self.at(Role::Gate), &self.mlp.gate_proj, x.clone())?; // [B, T, F]
        let up = pass.linear(self.at(Role::Up), &self.mlp.up_proj, x)?;
        let inner = pass.at(self.at(Role::Activation), swiglu(gate, up))?;
        pass.linear(self.at(Role::Down), &self.mlp.down_proj, inner)
    }

    fn at(&self, role: Role) -> Site {
        Site::new(Stack::Decoder, self.layer, role)
    }
}
