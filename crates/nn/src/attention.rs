//! Multi-head attention with grouped keys and values.

use tongues_kernel::Attention;
use tongues_kernel::burn::prelude::*;
use tongues_ops::Scores;

/// `[batch, time, heads · d]` → `[batch, heads, time, d]`.
pub fn heads_apart(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [batch, time, width] = x.dims();
    x.reshape([batch, time, heads, width / heads]).swap_dims(1, 2)
}

/// `[batch, heads, time, d]` → `[batch, time, heads · d]`.
pub fn heads_together(x: Tensor<4>) -> Tensor<3> {
    let [batch, heads, time, width] = x.dims();
    x.swap_dims(1, 2).reshape([batch, time, heads * width])
}

/// Grouped-query attention (Ainslie et al. 2023): each key head serves `heads / kv_heads` neighbouring query heads.
pub fn grouped(a: Attention) -> Tensor<4> {
    let (heads, kv_heads) = (a.q.dims()[1], a.k.dims()[1]);
    let (k, v) = (repeat(a.k, heads / kv_heads), repeat(a.v, heads / kv_heads));
    let scores = Scores { scale: a.scale, softcap: None, causal: a.mask.causal, window: None, allowed: a.mask.allowed, bias: a.bias };
    tongues_ops::attention(a.q, k, v, &scores)
}

/// Each head `times` times in place: h0 h0 h1 h1, not h0 h1 h0 h1.
fn repeat(x: Tensor<4>, times: usize) -> Tensor<4> {
    if times == 1 {
        return x;
    }
    let [batch, heads, time, width] = x.dims();
    let x = x.reshape([batch, heads, 1, time, width]).expand([batch, heads, times, time, width]);
    x.reshape([batch, heads * times, time, width])
}
