//! Operations of the inner loop. Blocks call these and nothing below them.
//!
//! Each has two forms: plain tensor code, which runs on every device and dtype, and a fused one for 32-bit floats on the
//! CPU (flex), which passes over its data once, forwards and backwards. The fused loops are compiled for several vector
//! instruction sets and chosen when the program runs ([`simd`]).

mod fused;
mod loops;
#[cfg(feature = "allocator")]
pub mod memory;
pub mod plain;
pub mod simd;

use burn::prelude::*;
use burn::tensor::{Bool, DType, Int};

pub use fused::{AdamWStep, Moments, adamw, all_finite, square_sum};

/// What the scores of an attention go through before they are weights.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    /// Their factor, normally 1/√head_dim.
    pub scale: f64,
    /// `cap · tanh(score / cap)` after the factor, where given.
    pub softcap: Option<f64>,
    /// Query i sees keys up to its own place; queries are the last rows of the keys. Ignored where `allowed` is given.
    pub causal: bool,
    /// A query sees keys fewer than so many places from its own, at least 1; with `causal` the last so many keys up to itself, itself
    /// included. Queries are the last rows of the keys. Ignored where `allowed` is given.
    pub window: Option<usize>,
    /// True where a query may look `[batch or 1, 1, queries, keys]`; includes causality and window.
    pub allowed: Option<Tensor<4, Bool>>,
    /// Added to the scores after factor and cap `[batch or 1, heads, queries, keys]`.
    pub bias: Option<Tensor<4>>,
}

/// Whether the fused form computes this tensor.
fn fuses<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && tensor.device().without_autodiff() == Device::flex()
}

/// Root-mean-square norm (Zhang and Sennrich 2019): `x / √(mean(x²) + ε) · w`, over the last axis.
pub fn rms_norm(x: Tensor<3>, weight: Tensor<1>, epsilon: f64) -> Tensor<3> {
    if fuses(&x) && fuses(&weight) { fused::rms_norm(x, weight, epsilon as f32) } else { plain::rms_norm(x, weight, epsilon) }
}

/// Layer norm (Ba et al. 2016): `(x − mean) / √(variance + ε) · w + b`, over the last axis.
pub fn layer_norm(x: Tensor<3>, weight: Tensor<1>, bias: Tensor<1>, epsilon: f64) -> Tensor<3> {
    if fuses(&x) && fuses(&weight) { fused::layer_norm(x, weight, epsilon as f32) + bias.unsqueeze::<3>() } else { plain::layer_norm(x, weight, bias, epsilon) }
}

/// SwiGLU (Shazeer 2020): `silu(gate) · up`.
pub fn swiglu(gate: Tensor<3>, up: Tensor<3>) -> Tensor<3> {
    if fuses(&gate) && fuses(&up) { fused::gated(gate, up, fused::Gate::Silu) } else { plain::swiglu(gate, up) }
}

/// GeGLU with the tanh form of GELU, as in Gemma: `gelu_tanh(gate) · up`.
pub fn geglu(gate: Tensor<3>, up: Tensor<3>) -> Tensor<3> {
    if fuses(&gate) && fuses(&up) { fused::gated(gate, up, fused::Gate::GeluTanh) } else { plain::geglu(gate, up) }
}

/// Rotates pairs (i, i + d/2), the half-split layout of the Hugging Face files: `x·cos + rotate_half(x)·sin`.
/// `x` is `[batch, heads, time, d]`, `cos` and `sin` are `[batch, 1, time, d]` with equal halves, and get no gradient.
pub fn rotate_half_split(x: Tensor<4>, cos: Tensor<4>, sin: Tensor<4>) -> Tensor<4> {
    if fuses(&x) && fuses(&cos) { fused::rotate(x, cos, sin) } else { plain::rotate_half_split(x, cos, sin) }
}

/// `softmax(scores, where allowed) v`: `[batch, heads, queries, head_dim]`.
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, how: &Scores) -> Tensor<4> {
    let [batch, heads, _, width] = q.dims();
    let alike = k.dims()[..2] == [batch, heads] && k.dims()[3] == width && v.dims()[..3] == k.dims()[..3];
    if !(fuses(&q) && fuses(&k) && fuses(&v) && alike) {
        return plain::attention(q, k, v, how);
    }
    let mut scores = fused::product(q, k, true);
    let mut scale = how.scale as f32;
    // Cap and bias come after the factor, which then cannot be left to the softmax.
    if how.softcap.is_some() || how.bias.is_some() {
        scores = plain::capped(scores * how.scale, how.softcap);
        scale = 1.0;
    }
    if let Some(bias) = &how.bias {
        scores = scores + bias.clone();
    }
    let weights = match &how.allowed {
        Some(allowed) => fused::softmax_masked(scores, allowed.clone(), scale),
        None => fused::softmax_until(scores, fused::Reach { causal: how.causal, window: how.window }, scale),
    };
    fused::product(weights, v, false)
}

/// `x Wᵀ`: rows `[rows, in]` through a weight `[out, in]` as it lies in the files, whose gradient has the same layout.
pub fn linear(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    if fuses(&x) && fuses(&weight) { fused::product(x, weight, true) } else { x.matmul(weight.transpose()) }
}

/// Zero `[1]`, whose gradient at `x` is the given one: brings a gradient that was taken on the way there into a graph.
pub fn carry<const D: usize>(x: Tensor<D>, gradient: Tensor<D>) -> Tensor<1> {
    if fuses(&x) && fuses(&gradient) {
        return fused::carried(x, gradient);
    }
    let still = Tensor::from_inner(x.clone().without_autodiff());
    ((x - still) * Tensor::from_inner(gradient.without_autodiff())).sum()
}

/// `y + by · (x aᵀ) bᵀ`: a product of low rank beside a projection. `x` is `[batch, time, in]`, `y` `[batch, time, out]`, the
/// factors are `[r, in]` and `[out, r]`.
pub fn add_low_rank(y: Tensor<3>, x: Tensor<3>, a: Tensor<2>, b: Tensor<2>, by: f64) -> Tensor<3> {
    let ([batch, time, width], [_, _, out]) = (x.dims(), y.dims());
    let x = x.reshape([batch * time, width]);
    if fuses(&y) && fuses(&x) && fuses(&a) && fuses(&b) {
        return fused::low_rank(y.reshape([batch * time, out]), x, a, b, by as f32).reshape([batch, time, out]);
    }
    let change = linear(linear(x, a), b) * by;
    y + change.reshape([batch, time, out])
}

/// `x + y · by`.
pub fn add_scaled(x: Tensor<3>, y: Tensor<3>, by: f64) -> Tensor<3> {
    if fuses(&x) && fuses(&y) && x.dims() == y.dims() { fused::added(x, y, by as f32) } else { x + y * by }
}

/// Negative log-likelihood summed with weights: logits `[rows, vocabulary]`, labels and weights `[rows]` → `[1]`.
/// Labels and weights get no gradient.
pub fn cross_entropy_sum(logits: Tensor<2>, labels: Tensor<1, Int>, weights: Tensor<1>) -> Tensor<1> {
    if fuses(&logits) && fuses(&weights) { fused::cross_entropy(logits, labels, weights) } else { plain::cross_entropy_sum(logits, labels, weights) }
}
