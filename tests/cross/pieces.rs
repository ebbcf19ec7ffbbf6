//! A loss whose logits are read out in pieces is the loss of whole logits, with the same gradients.

use crate::packing::random_llama;
use std::collections::BTreeMap;
use tongues_kernel::burn::module::{Module, ModuleVisitor, Param};
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Batch, Draws, Example, Model, Run, Segment, Sequence, Step, recompute, values};

/// Texts whose prompts carry no loss, one packed behind the other.
fn batch() -> Batch {
    let text = |r: u32| {
        let ids = |from: u32, n: u32| (from..from + n).map(|i| (i * 7 + r) % 40).collect::<Vec<u32>>();
        let segment = |mark: &str, ids, weight| Segment { mark: mark.into(), ids, weight };
        let segments = vec![segment("prompt", ids(r, 5), 0.0), segment("target", ids(3 * r, 4 + r), 1.0)];
        Example::of_text(format!("{r}"), Sequence { segments, starts: vec![] })
    };
    Batch { examples: (0..3).map(text).collect() }
}

fn gradients(model: &Model, whole: usize, still: bool, recomputed: bool) -> (f64, BTreeMap<String, Vec<f32>>) {
    let (batch, others) = (batch(), BTreeMap::new());
    let mut step = Step::new(model, &others, &batch, Draws::new(0));
    step.recompute = recomputed;
    let out = step.run("text", &Run::default()).expect("a run");
    let loss = tongues_nn::cross_entropy_in_pieces(model, &out, still, whole).expect("a loss") * 0.37;
    let value = f64::from(values(loss.clone())[0]);
    let grads = recompute::backward(loss, step.into_tapes(), &model.net).expect("gradients");
    let mut all = Named { grads: &grads, path: vec![], found: BTreeMap::new() };
    model.net.visit(&mut all);
    (value, all.found)
}

struct Named<'g> {
    grads: &'g GradientsParams,
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Named<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.grads.get::<D>(param.id) {
            self.found.insert(self.path.join("."), values(gradient));
        }
    }
}

#[test]
fn pieces_of_any_size_give_the_loss_and_the_gradients_of_the_whole() {
    for tied in [false, true] {
        let model = random_llama(tied);
        for (still, recomputed) in [(false, false), (true, false), (false, true)] {
            let (loss, whole) = gradients(&model, usize::MAX, still, recomputed);
            for size in [1, 3, 7] {
                let (found, pieces) = gradients(&model, size * model.spec().vocabulary, still, recomputed);
                assert!((found - loss).abs() < 1e-5 * loss.abs(), "{found} {loss}");
                assert_eq!(pieces.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>(), "tied {tied} still {still}");
                for (name, expected) in &whole {
                    let norm = expected.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
                    let apart = expected.iter().zip(&pieces[name]).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
                    assert!(apart <= 1e-5 * norm.max(1e-6), "tied {tied} still {still} recomputed {recomputed} {size}: {name} {apart} of {norm}");
                }
            }
        }
    }
}
