//! Rotary attention with grouped keys and values.

use super::{DecoderPlan, Seen};
use crate::{Fill, RmsNorm, grouped, heads_apart, heads_together, linear};
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Attention, Linear, Pass, Result, Role, Site, Stack, burn};
use tongues_ops::rotate_half_split;

/// Grouped-query attention (Ainslie et al. 2023) over rotated queries and keys.
#[derive(Module, Debug)]
pub struct RotaryAttention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    q_norm: Option<RmsNorm>,
    k_norm: Option<RmsNorm>,
    heads: usize,
    kv_heads: usize,
    layer: usize,
    scale: f64,
    #[module(skip)]
    softcap: Option<f64>,
}

impl RotaryAttention {
    /// Fresh parameters.
    pub(super) fn new(plan: &DecoderPlan, layer: usize, fill: &Fill<'_>) -> Self {
        let (hidden, width, kv) = (plan.hidden, plan.heads * plan.width, plan.kv_heads * plan.width);
        let projection = |name: &str, shape, bias| linear(fill, &format!("model.layers.{layer}.self_attn.{name}"), shape, bias);
        let norm = || plan.head_norms.then(|| plan.norm(plan.width, fill));
        Self {
            q_proj: projection("q_proj", [hidden, width], plan.qkv_bias),
            k_proj: projection("k_proj", [hidden, kv], plan.qkv_bias),
            v_proj: projection("v_proj", [hidden, kv], plan.qkv_bias),
            o_proj: projection("o_proj", [width, hidden], plan.out_bias),
            q_norm: norm(),
            k_norm: norm(),
            heads: plan.heads,
            kv_heads: plan.kv_heads,
            layer,
            scale: plan.scale,
            softcap: plan.score_cap,
        }
    }

    /// `[B, T, D]` → `[B, T, D]`.
    pub(super) fn forward(&self, x: Tensor<3>, seen: &Seen, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let (q, k) = (pass.linear(self.at(Role::Query), &self.q_proj, x.clone())?, pass.linear(self.at(Role::Key), &self.k_proj, x.clone())?);
        let v = heads_apart(pass.linear(self.at(Role::Value), &self.v_proj, x)?, self.kv_heads); // [B, K, T, d]
        // Norms of heads come before the rotation, which mixes what they weigh.
        let q = heads_apart(self.normed(Role::QueryNorm, self.q_norm.as_ref(), q, self.heads, pass)?, self.heads); // [B, H, T, d]
        let k = heads_apart(self.normed(Role::KeyNorm, self.k_norm.as_ref(), k, self.kv_heads, pass)?, self.kv_heads); // [B, K, T, d]
        let time = q.dims()[2];
        let (cos, sin) = &seen.tables;
        let (q, k) = (rotate_half_split(q, cos.clone(), sin.clone()), rotate_half_split(k, cos.clone(), sin.clone()));
        let attention = Attention { q, k, v, mask: seen.mask.clone(), bias: None, scale: self.scale, softcap: self.softcap, new_keys: 0..time };
        let heads = pass.attend(self.at(Role::Attention), attention, |a, _| Ok(grouped(a)))?;
        let heads = pass.at(self.at(Role::Heads), heads_together(heads))?;
        pass.linear(self.at(Role::AttentionOut), &self.o_proj, heads)
    }

    /// Every head of `[B, T, H · d]` normed by itself.
    fn normed(&self, role: Role, norm: Option<&RmsNorm>, x: Tensor<3>, heads: usize, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let Some(norm) = norm else { return Ok(x) };
        let [batch, time, width] = x.dims();
        let rows = x.reshape([batch, time * heads, width / heads]);
        Ok(pass.site(self.at(role), rows, |x, _| Ok(norm.forward(x)))?.reshape([batch, time, width]))
    }

    fn at(&self, role: Role) -> Site {
        Site::new(Stack::Decoder, self.layer, role)
    }
}
