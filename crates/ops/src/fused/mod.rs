//! Fused operations as an extension of burn's backends: a trait that flex implements on slices ([`flex`]) and the
//! differentiating backend by handwritten gradients ([`graph`]). Callers have checked that the tensors are f32 on flex.

mod flex;
mod gradients;
mod graph;
mod product;
mod step;

pub use step::{AdamWStep, Moments, adamw, all_finite, square_sum};

use burn::backend::tensor::{BoolTensor, FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::prelude::*;
use burn::tensor::{Bool, Int};
use std::ops::Range;

/// The activation of a gated unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// SwiGLU.
    Silu,
    /// GeGLU with the tanh form.
    GeluTanh,
}

/// Which keys a query sees where no mask says it; queries are the last rows of the keys.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// Keys up to its own place.
    pub causal: bool,
    /// Keys fewer than so many places away.
    pub window: Option<usize>,
}

impl Reach {
    /// Everything.
    pub const ALL: Self = Self { causal: false, window: None };

    /// The keys of query `i`.
    pub fn of(self, i: usize, queries: usize, keys: usize) -> Range<usize> {
        let own = i + keys - queries;
        let window = self.window.map_or(keys, |w| w.max(1));
        let start = (own + 1).saturating_sub(window);
        start..if self.causal { own + 1 } else { (own + window).min(keys) }
    }
}

/// The operations.
#[backend_extension(Flex, Autodiff)]
pub trait Fused: Backend {
    /// `act(gate) · up`; the activation is `gelu_tanh` where asked, else `silu`.
    fn gated(gate: FloatTensor<Self>, up: FloatTensor<Self>, gelu: bool) -> FloatTensor<Self>;
    /// Norm over the last axis, centred or not, times a weight.
    fn normed(x: FloatTensor<Self>, weight: FloatTensor<Self>, epsilon: f32, centred: bool) -> FloatTensor<Self>;
    /// Rotation by angles whose cosines and sines are given; `turn` is 1 or −1.
    fn rotated(x: FloatTensor<Self>, cos: FloatTensor<Self>, sin: FloatTensor<Self>, turn: f32) -> FloatTensor<Self>;
    /// Softmax of `scale · scores` where allowed.
    fn softmax_masked(scores: FloatTensor<Self>, allowed: BoolTensor<Self>, scale: f32) -> FloatTensor<Self>;
    /// Softmax of `scale · scores` over the keys within reach.
    fn softmax_until(scores: FloatTensor<Self>, reach: Reach, scale: f32) -> FloatTensor<Self>;
    /// One step of AdamW: weights, gradient, both moments, and the numbers of the step.
    fn adamw(
        w: FloatTensor<Self>,
        g: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        step: [f32; 7],
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
    /// `a b`, or `a bᵀ` where asked: matrices in the last two axes, equal axes before them.
    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>, transposed: bool) -> FloatTensor<Self>;
    /// `x + y · by`.
    fn added(x: FloatTensor<Self>, y: FloatTensor<Self>, by: f32) -> FloatTensor<Self>;
    /// `y + by · (x aᵀ) bᵀ`: rows `[n, in]` and `[n, out]`, factors `[r, in]` and `[out, r]`.
    fn low_rank(y: FloatTensor<Self>, x: FloatTensor<Self>, a: FloatTensor<Self>, b: FloatTensor<Self>, by: f32) -> FloatTensor<Self>;
    /// Zero `[1]`, whose gradient at `x` is the given one.
    fn carried(x: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self>;
    /// Weighted sum of negative log-likelihoods `[1]`.
    fn entropy(logits: FloatTensor<Self>, labels: IntTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// `act(gate) · up`.
pub fn gated(gate: Tensor<3>, up: Tensor<3>, act: Gate) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as Fused>::gated(gate.into_dispatch(), up.into_dispatch(), act == Gate::GeluTanh))
}

/// RMS norm.
pub fn rms_norm(x: Tensor<3>, weight: Tensor<1>, epsilon: f32) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as Fused>::normed(x.into_dispatch(), weight.into_dispatch(), epsilon, false))
}

/// Layer norm without its bias.
pub fn layer_norm(x: Tensor<3>, weight: Tensor<1>, epsilon: f32) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as Fused>::normed(x.into_dispatch(), weight.into_dispatch(), epsilon, true))
}

/// Rotation of half-split pairs.
pub fn rotate(x: Tensor<4>, cos: Tensor<4>, sin: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as Fused>::rotated(x.into_dispatch(), cos.into_dispatch(), sin.into_dispatch(), 1.0))
}

/// Softmax where allowed.
pub fn softmax_masked(scores: Tensor<4>, allowed: Tensor<4, Bool>, scale: f32) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as Fused>::softmax_masked(scores.into_dispatch(), allowed.into_dispatch(), scale))
}

/// Softmax over the keys within reach.
pub fn softmax_until(scores: Tensor<4>, reach: Reach, scale: f32) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as Fused>::softmax_until(scores.into_dispatch(), reach, scale))
}

/// `a b` or `a bᵀ`.
pub fn product<const D: usize>(a: Tensor<D>, b: Tensor<D>, transposed: bool) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as Fused>::product(a.into_dispatch(), b.into_dispatch(), transposed))
}

/// `x + y · by`.
pub fn added<const D: usize>(x: Tensor<D>, y: Tensor<D>, by: f32) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as Fused>::added(x.into_dispatch(), y.into_dispatch(), by))
}

/// `y + by · (x aᵀ) bᵀ`.
pub fn low_rank(y: Tensor<2>, x: Tensor<2>, a: Tensor<2>, b: Tensor<2>, by: f32) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as Fused>::low_rank(y.into_dispatch(), x.into_dispatch(), a.into_dispatch(), b.into_dispatch(), by))
}

/// Zero with a gradient.
pub fn carried<const D: usize>(x: Tensor<D>, gradient: Tensor<D>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as Fused>::carried(x.into_dispatch(), gradient.into_dispatch()))
}

/// Weighted sum of negative log-likelihoods.
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>, weights: Tensor<1>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as Fused>::entropy(logits.into_dispatch(), labels.into_dispatch(), weights.into_dispatch()))
}
