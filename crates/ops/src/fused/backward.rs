//! The way back through each fused operation.

use super::gradients::{Gradients, LowRank};
use super::{Fused, Reach};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients as Arrived;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::tensor::{FloatTensor, QuantizedTensor};

/// A backend with both.
pub trait Both: Fused + Gradients {}
impl<B: Fused + Gradients> Both for B {}

#[derive(Debug)]
pub struct Gated;
impl<B: Both> Backward<B, 2> for Gated {
    type State = (FloatTensor<B>, FloatTensor<B>, bool);
    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Arrived, _: &mut Checkpointer) {
        let d = grads.consume::<B>(&ops.node);
        let (gate, up, gelu) = ops.state;
        let (dg, du) = B::gated_back(gate, up, d, gelu);
        for (parent, gradient) in ops.parents.into_iter().zip([dg, du]) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
pub struct Normed;
impl<B: Both> Backward<B, 2> for Normed {
    type State = (FloatTensor<B>, FloatTensor<B>, f32, bool);
    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Arrived, _: &mut Checkpointer) {
        let d = grads.consume::<B>(&ops.node);
        let (x, weight, epsilon, centred) = ops.state;
        let (dx, dw) = B::normed_back(x, weight, d, epsilon, centred);
        for (parent, gradient) in ops.parents.into_iter().zip([dx, dw]) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
pub struct Rotated;
impl<B: Both> Backward<B, 1> for Rotated {
    type State = (FloatTensor<B>, FloatTensor<B>, f32);
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Arrived, _: &mut Checkpointer) {
        let d = grads.consume::<B>(&ops.node);
        let ([parent], (cos, sin, turn)) = (ops.parents, ops.state);
        if let Some(parent) = parent {
            // The inverse of a rotation turns the other way.
            grads.register::<B>(parent.id, B::rotated(d, cos, sin, -turn));
        }
    }
}

#[derive(Debug)]
pub struct Softmax;
impl<B: Both> Backward<B, 1> for Softmax {
    type State = (FloatTensor<B>, Reach, f32);
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Arrived, _: &mut Checkpointer) {
        let d = grads.consume::<B>(&ops.node);
        let ([parent], (weights, reach, scale)) = (ops.parents, ops.state);
        if let Some(parent) = parent {
            grads.register::<B>(parent.id, B::softmax_back(weights, d, reach, scale));
        }
    }
}

#[derive(Debug)]
pub struct Product;
impl<B: Both> Backward<B, 2> for Product {
    /// The factors that a gradient needs: each is only kept where the other one is tracked.
    type State = (Option<FloatTensor<B>>, Option<FloatTensor<B>>, bool);
    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Arrived, _: &mut Checkpointer) {
        let d = grads.consume::<B>(&ops.node);
        let (a, b, transposed) = ops.state;
        let wanted = [ops.parents[0].is_some() && b.is_some(), ops.parents[1].is_some() && a.is_some()];
        // What stands in for a factor that was not kept is not read.
        let (a, b) = (a.unwrap_or_else(|| d.clone()), b.unwrap_or_else(|| d.clone()));
        let gradients = B::product_back(a, b, d, transposed, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
pub struct ThroughHalf;
impl<B: Both> Backward<B, 1> for ThroughHalf {
    type State = FloatTensor<B>;
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Arrived, _: &mut Checkpointer) {
        let d = grads.consume::<B>(&ops.node);
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            grads.register::<B>(parent.id, B::half_back(ops.state, d));
        }
    }
}

#[derive(Debug)]
pub struct ThroughBlocks;
impl<B: Both> Backward<B, 1> for ThroughBlocks {
    type State = QuantizedTensor<B>;
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Arrived, _: &mut Checkpointer) {
        let d = grads.consume::<B>(&ops.node);
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            grads.register::<B>(parent.id, B::blocks_back(ops.state, d));
        }
    }
}

#[derive(Debug)]
pub struct Added;
impl<B: Both> Backward<B, 2> for Added {
    type State = f32;
    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Arrived, _: &mut Checkpointer) {
        let d = grads.consume::<B>(&ops.node);
        let [x, y] = ops.parents;
        if let Some(y) = y {
            grads.register::<B>(y.id, B::scaled(d.clone(), ops.state));
        }
        if let Some(x) = x {
            grads.register::<B>(x.id, d);
        }
    }
}

#[derive(Debug)]
pub struct LowRankSum;
impl<B: Both> Backward<B, 4> for LowRankSum {
    type State = LowRank<B>;
    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Arrived, _: &mut Checkpointer) {
        let d = grads.consume::<B>(&ops.node);
        let [y, x, a, b] = ops.parents;
        let gradients = B::low_rank_back(ops.state, d.clone(), [x.is_some(), a.is_some(), b.is_some()]);
        for (parent, gradient) in [x, a, b].into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
        if let Some(y) = y {
            grads.register::<B>(y.id, d);
        }
    }
}

#[derive(Debug)]
pub struct Entropy;
impl<B: Both> Backward<B, 1> for Entropy {
    type State = FloatTensor<B>;
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Arrived, _: &mut Checkpointer) {
        let d = grads.consume::<B>(&ops.node);
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            grads.register::<B>(parent.id, B::times(ops.state, d));
        }
    }
}
