//! Operations of the inner loop, as plain tensor code that runs on every device and dtype.
//!
//! Blocks call these and nothing below them, so that a faster form of one operation has one place to stand.

use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::activation::{log_softmax, silu, softmax};
use tongues_kernel::burn::tensor::{Bool, Int};

/// Score of a pair that may not look at each other; finite, so that a row without any partner stays finite.
const FORBIDDEN: f32 = -1e9;

/// Root-mean-square norm (Zhang and Sennrich 2019): `x / √(mean(x²) + ε) · w`, over the last axis.
pub fn rms_norm(x: Tensor<3>, weight: Tensor<1>, epsilon: f64) -> Tensor<3> {
    let mean = x.clone().square().mean_dim(2);
    let scale = (mean + epsilon).sqrt().recip();
    x * scale * weight.unsqueeze::<3>()
}

/// SwiGLU (Shazeer 2020): `silu(gate) · up`.
pub fn swiglu(gate: Tensor<3>, up: Tensor<3>) -> Tensor<3> {
    silu(gate) * up
}

/// `softmax(scale · q kᵀ + bias, where allowed) v`: `[batch, heads, queries, head_dim]`.
/// `allowed` is `[batch or 1, 1, queries, keys]`, true where a query may look.
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, allowed: Option<Tensor<4, Bool>>, bias: Option<Tensor<4>>, scale: f64) -> Tensor<4> {
    let [batch, heads, queries, _] = q.dims();
    let keys = k.dims()[2];
    let mut scores = (q * scale).matmul(k.swap_dims(2, 3));
    if let Some(bias) = bias {
        scores = scores + bias;
    }
    if let Some(allowed) = allowed {
        scores = scores.mask_fill(allowed.bool_not().expand([batch, heads, queries, keys]), FORBIDDEN);
    }
    softmax(scores, 3).matmul(v)
}

/// Negative log-likelihood summed with weights: logits `[rows, vocabulary]`, labels and weights `[rows]` → `[1]`.
pub fn cross_entropy_sum(logits: Tensor<2>, labels: Tensor<1, Int>, weights: Tensor<1>) -> Tensor<1> {
    let rows = logits.dims()[0];
    let chosen = log_softmax(logits, 1).gather(1, labels.reshape([rows, 1])).reshape([rows]);
    (chosen * weights).sum().neg()
}

/// Rotates pairs (i, i + d/2), the half-split layout of the Hugging Face files: `x·cos + rotate_half(x)·sin`.
/// `x` is `[batch, heads, time, d]`, `cos` and `sin` are `[batch, 1, time, d]`.
pub fn rotate_half_split(x: Tensor<4>, cos: Tensor<4>, sin: Tensor<4>) -> Tensor<4> {
    let half = x.dims()[3] / 2;
    let left = x.clone().narrow(3, 0, half);
    let right = x.clone().narrow(3, half, half);
    x * cos + Tensor::cat(vec![right.neg(), left], 3) * sin
}
