//! What the sketches share: comparisons, values and gradients by name, surroundings with models.

use super::reference::Values;
use std::collections::BTreeMap;
use tongues_kernel::burn::module::{Module, ModuleVisitor, Param, ParamId};
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::activation::log_softmax;
use tongues_kernel::policy::{self, Policy, Selection};
use tongues_kernel::{Batch, Call, Context, Draws, Example, Laid, Model, ModelRef, Output, Result, Sequence, for_each_value, refuse, values};

/// Every pair within `tolerance` of the larger of 1 and the expected value.
pub fn close<A: Copy + Into<f64>, B: Copy + Into<f64>>(found: &[A], expected: &[B], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "lengths");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let (f, e): (f64, f64) = ((*f).into(), (*e).into());
        assert!((f - e).abs() <= tolerance * e.abs().max(1.0), "at {i}: found {f}, expected {e}");
    }
}

/// Values of a module in f64, for the reference.
pub fn reference_values(module: &impl Module) -> Values {
    let mut all = Values::new();
    for_each_value(module, "", &mut |name, shape, values| {
        all.insert(name.into(), (shape.to_vec(), values.into_iter().map(f64::from).collect()));
        Ok(())
    })
    .unwrap();
    all
}

/// Values of a module as they are saved.
pub fn saved_values(module: &impl Module) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let mut all = BTreeMap::new();
    for_each_value(module, "", &mut |name, shape, values| {
        all.insert(name.to_owned(), (shape.to_vec(), values));
        Ok(())
    })
    .unwrap();
    all
}

/// Rows of ids, laid out.
pub fn laid(rows: &[&[u32]]) -> Laid {
    let sequences: Vec<Sequence> = rows.iter().map(|r| Sequence::of("text", r.to_vec(), 1.0)).collect();
    Laid::new(&sequences).unwrap()
}

/// Logits of one row `[time · vocabulary]`.
pub fn logits(model: &Model, ids: &[u32]) -> Vec<f32> {
    let input = laid(&[ids]).input(model.spec().main(), &model.plain_device());
    values(model.logits(&input, Call::default()).unwrap())
}

/// A batch of texts.
pub fn batch(rows: &[&[u32]]) -> Batch {
    let example = |(i, r): (usize, &&[u32])| Example::of_text(format!("e{i}"), Sequence::of("text", r.to_vec(), 1.0));
    Batch { examples: rows.iter().enumerate().map(example).collect() }
}

/// Summed negative log-likelihood of a run.
pub fn cross_entropy(model: &Model, out: &Output, still: bool) -> Tensor<1> {
    let logits = out.logits(model, still).unwrap();
    let [batch, time, _] = logits.dims();
    let chosen = log_softmax(logits, 2).gather(2, out.labels.clone().reshape([batch, time, 1]));
    (chosen.reshape([batch, time]) * out.weights.clone()).sum().neg()
}

/// Trains what matches one of the patterns, freezes the rest.
pub fn train_only(model: &mut Model, patterns: &[&str]) {
    for pattern in patterns {
        let selection = Selection { pattern: Some((*pattern).into()), ..Selection::default() };
        for name in policy::select(model, &selection).unwrap() {
            model.policies.insert(name, Policy::free());
        }
    }
    let policies = model.policies.clone();
    policy::apply(model, &policies);
}

/// Gradients by tensor name; only tensors that have one.
pub fn gradients(model: &Model, grads: &GradientsParams) -> BTreeMap<String, Vec<f32>> {
    struct Collect<'a>(&'a GradientsParams, BTreeMap<ParamId, Vec<f32>>);
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.0.get::<D>(param.id) {
                self.1.insert(param.id, values(gradient));
            }
        }
    }
    let mut collect = Collect(grads, BTreeMap::new());
    model.net.visit(&mut collect);
    policy::tensor_names(model).into_iter().filter_map(|e| Some((e.name, collect.1.remove(&e.id)?))).collect()
}

/// Gradients of a loss without tapes, by name.
pub fn gradients_of(model: &Model, loss: Tensor<1>) -> BTreeMap<String, Vec<f32>> {
    gradients(model, &tongues_kernel::recompute::backward(loss, vec![], &model.net).unwrap())
}

/// Surroundings with models by name.
pub struct Models(pub BTreeMap<String, Model>);

impl Models {
    pub fn of(models: &[(&str, &Model)]) -> Self {
        Self(models.iter().map(|(n, m)| ((*n).to_owned(), (*m).clone())).collect())
    }
}

impl Context for Models {
    fn device(&self) -> Device {
        Device::flex().autodiff()
    }
    fn draws(&self) -> Draws {
        Draws::new(5)
    }
    fn model(&mut self, model: &ModelRef) -> Result<Model> {
        self.0.get(&model.0).cloned().map_or_else(|| refuse(&model.0, "a model", "none of that name", ""), Ok)
    }
    fn subject(&mut self) -> Result<Model> {
        self.model(&ModelRef("subject".into()))
    }
}
