//! What the graph asks of a backend without graph.

use super::Reach;
use burn::backend::Backend;
use burn::backend::tensor::{FloatTensor, IntTensor};

/// Gradients of the fused operations, on a backend without graph.
pub trait Gradients: Backend {
    /// Of gate and up.
    fn gated_back(gate: FloatTensor<Self>, up: FloatTensor<Self>, d: FloatTensor<Self>, gelu: bool) -> (FloatTensor<Self>, FloatTensor<Self>);
    /// Of x and weight.
    fn normed_back(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        d: FloatTensor<Self>,
        epsilon: f32,
        centred: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
    /// Of the scores, from the weights that came out; the others have none.
    fn softmax_back(weights: FloatTensor<Self>, d: FloatTensor<Self>, reach: Reach, scale: f32) -> FloatTensor<Self>;
    /// The loss `[1]` and its gradient at the logits.
    fn entropy_with_gradient(logits: FloatTensor<Self>, labels: IntTensor<Self>, weights: FloatTensor<Self>) -> (FloatTensor<Self>, FloatTensor<Self>);
    /// Of both factors, as far as they are wanted.
    fn product_back(a: FloatTensor<Self>, b: FloatTensor<Self>, d: FloatTensor<Self>, transposed: bool, wanted: [bool; 2]) -> [Option<FloatTensor<Self>>; 2];
    /// The sum, and `x aᵀ`.
    fn low_rank_with_state(
        y: FloatTensor<Self>,
        x: &FloatTensor<Self>,
        a: &FloatTensor<Self>,
        b: &FloatTensor<Self>,
        by: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
    /// Of x and both factors, as far as they are wanted.
    fn low_rank_back(held: LowRank<Self>, d: FloatTensor<Self>, wanted: [bool; 3]) -> [Option<FloatTensor<Self>>; 3];
    /// x times a number.
    fn scaled(x: FloatTensor<Self>, by: f32) -> FloatTensor<Self>;
    /// x times a number `[1]`.
    fn times(x: FloatTensor<Self>, by: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// What the gradient of a low-rank sum needs.
#[derive(Clone, Debug)]
pub struct LowRank<B: Backend> {
    pub x: FloatTensor<B>,
    pub a: FloatTensor<B>,
    pub b: FloatTensor<B>,
    /// `x aᵀ`.
    pub inner: FloatTensor<B>,
    pub by: f32,
}
