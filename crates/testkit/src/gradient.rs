//! Gradients against finite differences.

use crate::params::{disturb, named};
use std::collections::BTreeMap;
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::recompute::backward;
use tongues_kernel::{Batch, Draws, Entry, Model, Run, Step, values};
use tongues_nn::cross_entropy;

/// Step of the central difference: its error (third derivative · step² / 6) and that of rounding in f32 are then alike.
const STEP: f32 = 5e-3;
/// Allowed difference, relative to the largest entry of the tensor's gradient.
const RELATIVE: f64 = 0.02;
/// Allowed difference that rounding alone makes: 1e-7 of a loss of some hundreds, divided by the step.
const ABSOLUTE: f64 = 1e-2;
/// Entries of each tensor that are compared, beside the one with the largest gradient.
const SAMPLED: u64 = 3;

/// The causal loss of a batch, summed over its tokens, as in training.
///
/// # Panics
/// The model refuses the batch.
pub fn causal_loss(model: &Model, batch: &Batch, draws: Draws) -> f64 {
    let others = BTreeMap::new();
    let mut step = Step::new(model, &others, batch, draws);
    let out = step.run("text", &Run::default()).unwrap_or_else(|e| panic!("the model refuses a batch of texts: {e}"));
    let loss = cross_entropy(model, &out, false).unwrap_or_else(|e| panic!("the model gives no logits: {e}"));
    f64::from(values(loss)[0])
}

/// Gradients of the causal loss by tensor name, for every tensor that gets one.
///
/// # Panics
/// The model refuses the batch.
pub fn gradients(model: &Model, batch: &Batch, draws: Draws, recompute: bool) -> BTreeMap<String, Vec<f32>> {
    let others = BTreeMap::new();
    let mut step = Step::new(model, &others, batch, draws);
    step.recompute = recompute;
    let out = step.run("text", &Run::default()).unwrap_or_else(|e| panic!("the model refuses a batch of texts: {e}"));
    let loss = cross_entropy(model, &out, false).unwrap_or_else(|e| panic!("the model gives no logits: {e}"));
    let grads = backward(loss, step.into_tapes(), &model.net).unwrap_or_else(|e| panic!("no way back: {e}"));
    let found = named(model, "").into_iter().filter_map(|e| Some((e.name.clone(), values_of(&grads, &e)?)));
    found.collect()
}

/// The gradient of one tensor, flattened.
pub(crate) fn values_of(grads: &GradientsParams, entry: &Entry) -> Option<Vec<f32>> {
    fn at<const D: usize>(grads: &GradientsParams, entry: &Entry) -> Option<Vec<f32>> {
        grads.get::<D>(entry.id).map(values)
    }
    match entry.shape.len() {
        1 => at::<1>(grads, entry),
        2 => at::<2>(grads, entry),
        3 => at::<3>(grads, entry),
        4 => at::<4>(grads, entry),
        rank => panic!("tensor {}: rank {rank} is not checked", entry.name),
    }
}

/// Compares gradients with central differences of `loss`, for every tensor whose name begins with `prefix`: the entry with
/// the largest gradient, and a few drawn ones.
///
/// # Panics
/// A tensor that trains gets no gradient, or a wrong one.
pub fn check_gradients(model: &Model, prefix: &str, found: &BTreeMap<String, Vec<f32>>, loss: &dyn Fn(&Model) -> f64) {
    let entries: Vec<Entry> = named(model, prefix).into_iter().filter(|e| e.trains).collect();
    assert!(!entries.is_empty(), "no tensor under `{prefix}` trains");
    for entry in entries {
        let gradient = found.get(&entry.name).unwrap_or_else(|| panic!("tensor {} trains and gets no gradient", entry.name));
        let largest = gradient.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).map_or(0, |(i, _)| i);
        let draws = Draws::new(17).stream(&entry.name);
        let sampled = (0..SAMPLED).map(|i| draws.example(i).below(gradient.len()));
        for index in std::iter::once(largest).chain(sampled) {
            let expected = difference(model, &entry, index, loss);
            let (got, allowed) = (f64::from(gradient[index]), ABSOLUTE + RELATIVE * f64::from(gradient[largest]).abs());
            let gap = (got - expected).abs();
            assert!(gap <= allowed, "tensor {}, entry {index}: gradient {got:e}, finite difference {expected:e}, allowed gap {allowed:e}", entry.name);
        }
    }
}

fn difference(model: &Model, entry: &Entry, index: usize, loss: &dyn Fn(&Model) -> f64) -> f64 {
    let at = |by: f32| {
        let mut model = model.clone();
        disturb(&mut model, entry.id, index, by);
        loss(&model)
    };
    (at(STEP) - at(-STEP)) / (2.0 * f64::from(STEP))
}
