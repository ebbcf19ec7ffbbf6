//! The fused operations in a graph: what each keeps, and its gradient.

use super::gradients::{Gradients, LowRank};
use super::{Fused, Reach};
use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients as Arrived;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{BoolTensor, FloatTensor, IntTensor};
use burn_backend::AutodiffBackend;

/// A backend with both.
trait Both: Fused + Gradients {}
impl<B: Fused + Gradients> Both for B {}

#[derive(Debug)]
struct Gated;
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
struct Normed;
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
struct Rotated;
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
struct Softmax;
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
struct Product;
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
struct Added;
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
struct LowRankSum;
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
struct Entropy;
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

impl<B: Both, C: CheckpointStrategy> Fused for Autodiff<B, C> {
    fn gated(gate: FloatTensor<Self>, up: FloatTensor<Self>, gelu: bool) -> FloatTensor<Self> {
        match Gated.prepare::<C>([gate.node(), up.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (gate, up) = (gate.into_primitive(), up.into_primitive());
                let out = B::gated(gate.clone(), up.clone(), gelu);
                prepared.finish((gate, up, gelu), out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::gated(gate.into_primitive(), up.into_primitive(), gelu)),
        }
    }

    fn normed(x: FloatTensor<Self>, weight: FloatTensor<Self>, epsilon: f32, centred: bool) -> FloatTensor<Self> {
        match Normed.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (x, weight) = (x.into_primitive(), weight.into_primitive());
                let out = B::normed(x.clone(), weight.clone(), epsilon, centred);
                prepared.finish((x, weight, epsilon, centred), out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::normed(x.into_primitive(), weight.into_primitive(), epsilon, centred)),
        }
    }

    fn rotated(x: FloatTensor<Self>, cos: FloatTensor<Self>, sin: FloatTensor<Self>, turn: f32) -> FloatTensor<Self> {
        let (cos, sin) = (cos.into_primitive(), sin.into_primitive());
        match Rotated.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let out = B::rotated(x.into_primitive(), cos.clone(), sin.clone(), turn);
                prepared.finish((cos, sin, turn), out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::rotated(x.into_primitive(), cos, sin, turn)),
        }
    }

    fn softmax_masked(scores: FloatTensor<Self>, allowed: BoolTensor<Self>, scale: f32) -> FloatTensor<Self> {
        match Softmax.prepare::<C>([scores.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let out = B::softmax_masked(scores.into_primitive(), allowed, scale);
                prepared.finish((out.clone(), Reach::ALL, scale), out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::softmax_masked(scores.into_primitive(), allowed, scale)),
        }
    }

    fn softmax_until(scores: FloatTensor<Self>, reach: Reach, scale: f32) -> FloatTensor<Self> {
        match Softmax.prepare::<C>([scores.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let out = B::softmax_until(scores.into_primitive(), reach, scale);
                prepared.finish((out.clone(), reach, scale), out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::softmax_until(scores.into_primitive(), reach, scale)),
        }
    }

    /// Nothing differentiates through an optimiser's step.
    fn adamw(
        w: FloatTensor<Self>,
        g: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        step: [f32; 7],
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (w, m, v) = B::adamw(w.into_primitive(), g.into_primitive(), m.into_primitive(), v.into_primitive(), step);
        (Self::from_inner(w), Self::from_inner(m), Self::from_inner(v))
    }

    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>, transposed: bool) -> FloatTensor<Self> {
        let tracked = [&a, &b].map(|t| t.is_tracked());
        match Product.prepare::<C>([a.node(), b.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (a, b) = (a.into_primitive(), b.into_primitive());
                let kept = (tracked[1].then(|| a.clone()), tracked[0].then(|| b.clone()), transposed);
                let out = B::product(a, b, transposed);
                prepared.finish(kept, out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::product(a.into_primitive(), b.into_primitive(), transposed)),
        }
    }

    fn added(x: FloatTensor<Self>, y: FloatTensor<Self>, by: f32) -> FloatTensor<Self> {
        match Added.prepare::<C>([x.node(), y.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let out = B::added(x.into_primitive(), y.into_primitive(), by);
                prepared.finish(by, out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::added(x.into_primitive(), y.into_primitive(), by)),
        }
    }

    fn low_rank(y: FloatTensor<Self>, x: FloatTensor<Self>, a: FloatTensor<Self>, b: FloatTensor<Self>, by: f32) -> FloatTensor<Self> {
        match LowRankSum.prepare::<C>([y.node(), x.node(), a.node(), b.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (y, x, a, b) = (y.into_primitive(), x.into_primitive(), a.into_primitive(), b.into_primitive());
                let (out, inner) = B::low_rank_with_state(y, &x, &a, &b, by);
                prepared.finish(LowRank { x, a, b, inner, by }, out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::low_rank(y.into_primitive(), x.into_primitive(), a.into_primitive(), b.into_primitive(), by)),
        }
    }

    fn carried(x: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        let gradient = gradient.into_primitive();
        // Its gradient is that of a loss: times what arrives.
        match Entropy.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let zero = B::carried(x.into_primitive(), gradient.clone());
                prepared.finish(gradient, zero)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::carried(x.into_primitive(), gradient)),
        }
    }

    fn entropy(logits: FloatTensor<Self>, labels: IntTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self> {
        match Entropy.prepare::<C>([logits.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (loss, gradient) = B::entropy_with_gradient(logits.into_primitive(), labels, weights.into_primitive());
                prepared.finish(gradient, loss)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::entropy(logits.into_primitive(), labels, weights.into_primitive())),
        }
    }
}
