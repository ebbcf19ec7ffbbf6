//! The optimiser's step on flat tensors.

use super::Fused;
use super::flex::packed;
use super::product::fresh;
use crate::loops::adamw::{Step, adamw_step, finite, squares};
use burn::backend::{Dispatch, Flex};
use burn::prelude::*;
use burn_flex::FlexTensor;
use rayon::prelude::*;

pub use crate::loops::adamw::Step as AdamWStep;

/// Both moments of a tensor, flat.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Mean of the gradients.
    pub first: Tensor<1>,
    /// Mean of their squares.
    pub second: Tensor<1>,
}

/// Numbers that one thread takes at a time.
const CHUNK: usize = 1 << 14;

/// One step of AdamW on a flat tensor, without a graph: new weights and moments. Moments that nobody else holds change in place.
pub fn adamw(w: Tensor<1>, g: Tensor<1>, moments: Moments, step: Step) -> (Tensor<1>, Moments) {
    let Moments { first, second } = moments;
    if [&w, &g, &first, &second].into_iter().all(crate::fuses) && !w.device().is_autodiff() {
        let (w, m, v) = <Dispatch as Fused>::adamw(w.into_dispatch(), g.into_dispatch(), first.into_dispatch(), second.into_dispatch(), step.numbers());
        return (Tensor::from_dispatch(w), Moments { first: Tensor::from_dispatch(m), second: Tensor::from_dispatch(v) });
    }
    plain(w, g, Moments { first, second }, step)
}

fn plain(w: Tensor<1>, g: Tensor<1>, moments: Moments, s: Step) -> (Tensor<1>, Moments) {
    let g = g * s.gradient_scale;
    let first = moments.first * s.beta1 + g.clone() * (1.0 - s.beta1);
    let second = moments.second * s.beta2 + g.square() * (1.0 - s.beta2);
    let change = first.clone() / ((second.clone() * s.second_correction).sqrt() + s.epsilon) * s.rate;
    (w * s.keep - change, Moments { first, second })
}

/// The step on the slices of flex tensors.
pub(super) fn on_slices(w: FlexTensor, g: FlexTensor, m: FlexTensor, v: FlexTensor, step: Step) -> (FlexTensor, FlexTensor, FlexTensor) {
    let (w, g, mut m, mut v) = (packed(w), packed(g), packed(m), packed(v));
    // The old weights are still the model's, so the new ones get memory of their own.
    let mut out = fresh(w.layout().shape().clone());
    let ins = w.storage::<f32>().par_chunks(CHUNK).zip(g.storage::<f32>().par_chunks(CHUNK));
    let moments = m.storage_mut::<f32>().par_chunks_mut(CHUNK).zip(v.storage_mut::<f32>().par_chunks_mut(CHUNK));
    let parts = out.storage_mut::<f32>().par_chunks_mut(CHUNK).zip(ins).zip(moments);
    parts.for_each(|((out, (w, g)), (m, v))| adamw_step(w, g, m, v, out, step));
    (out, m, v)
}

/// Σ x², summed in an order that depends on the shape only.
pub fn square_sum<const D: usize>(x: Tensor<D>) -> f64 {
    match slices(&x) {
        Some(x) => x.storage::<f32>().par_chunks(CHUNK).map(squares).collect::<Vec<f32>>().into_iter().map(f64::from).sum(),
        None => f64::from(x.square().sum().into_scalar::<f32>()),
    }
}

/// Whether no entry is infinite or no number.
pub fn all_finite<const D: usize>(x: Tensor<D>) -> bool {
    match slices(&x) {
        Some(x) => x.storage::<f32>().par_chunks(CHUNK).all(finite),
        None => (x * 0.0).sum().into_scalar::<f32>() == 0.0,
    }
}

fn slices<const D: usize>(x: &Tensor<D>) -> Option<FlexTensor> {
    let fits = crate::fuses(x) && !x.device().is_autodiff();
    fits.then(|| x.clone().try_into_primitive::<Flex>().ok().map(packed)).flatten()
}
