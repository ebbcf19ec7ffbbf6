//! A mixture of experts (Shazeer et al. 2017) in place of the feed-forward layers: it never calls what it wraps, weighs its
//! balance loss over the tokens that are there, and runs under recomputation with a side input, taps and named states.

use super::tools::*;
use super::toy::{WIDTH, toy};
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::activation::{softmax, tanh};
use tongues_kernel::*;

#[derive(Module, Debug)]
struct Expert {
    up: Linear,
    down: Linear,
}
#[derive(Module, Debug)]
struct Mixture {
    router: Linear,
    experts: Vec<Expert>,
}
/// Makes the side input that every mixture reads, and notes of its own on the way in.
#[derive(Module, Debug)]
struct Hint {
    hint: Param<Tensor<2>>,
}

impl Part for Hint {
    fn embed(&self, hidden: Hidden, pass: &mut Pass<'_>) -> Result<Hidden> {
        let hint = hidden.x.clone().matmul(self.hint.val().unsqueeze());
        pass.loss(Term { name: "small hint".into(), sum: hint.clone().powf_scalar(2.0).sum(), over: 1.0, weight: 1.0 });
        pass.emit("hint", hint.clone());
        pass.sides.insert("hint".into(), hint);
        Ok(hidden)
    }
    fn starts_as_identity(&self) -> bool {
        false
    }
}

impl Part for Mixture {
    fn around(&self, at: At<'_>, x: Tensor<3>, _: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let x = x + pass.side("hint")?;
        let gates = softmax(self.router.forward(x.clone()), 2);
        let [batch, time, count] = gates.dims();
        let there = pass.present.clone().map_or_else(|| Tensor::ones([batch, time], &gates.device().without_autodiff()), |p| p.float());
        let balance = (gates.clone().powf_scalar(2.0) * there.reshape([batch, time, 1])).sum() * count as f64;
        pass.loss(Term { name: "balance".into(), sum: balance, over: 1.0, weight: 1.0 });
        pass.emit(&format!("gates.{}", at.site.layer), gates.clone());
        let x = pass.dropout(x, 0.2, at.site);
        let one = |(i, e): (usize, &Expert)| e.down.forward(tanh(e.up.forward(x.clone()))) * gates.clone().narrow(2, i, 1);
        let mixed = self.experts.iter().enumerate().map(one).reduce(|a, b| a + b);
        mixed.map_or_else(|| refuse("experts", "at least one", "none", ""), Ok)
    }
    fn starts_as_identity(&self) -> bool {
        false
    }
}

pub fn with_experts() -> Model {
    let mut model = toy(1);
    let device = Device::flex().autodiff();
    let matrix = |name: String, out: usize, inn: usize| Draws::new(8).stream(&name).normal_tensor([out, inn], 0.5, &device);
    model.attach("hint", vec![], Hint { hint: Param::from_tensor(matrix("hint".into(), WIDTH, WIDTH)) }).unwrap();
    for l in 0..2 {
        let expert = |e: usize| Expert {
            up: Linear::new(matrix(format!("up {l} {e}"), 6, WIDTH), None),
            down: Linear::new(matrix(format!("down {l} {e}"), WIDTH, 6), None),
        };
        let part = Mixture { router: Linear::new(matrix(format!("router {l}"), 3, WIDTH), None), experts: (0..3).map(expert).collect() };
        model.attach(format!("mixture.{l}"), vec![Site::new(Stack::Decoder, l, Role::FeedForward)], part).unwrap();
    }
    model
}

const ROWS: [&[u32]; 3] = [&[1, 2, 3, 4, 5, 6], &[7, 8, 9], &[10, 0]];

/// A loss that uses everything a run can give: the last state, taps, states noted in blocks and before them, parts' losses.
pub fn loss(model: &Model, recompute: bool) -> (f32, BTreeMap<String, Vec<f32>>) {
    let (others, batch) = (BTreeMap::new(), batch(&ROWS));
    let mut step = Step::new(model, &others, &batch, Draws::new(11));
    step.recompute = recompute;
    let taps = [Site::new(Stack::Decoder, 0, Role::Embeddings), Site::new(Stack::Decoder, 0, Role::Block), Site::new(Stack::Decoder, 1, Role::Query)];
    let out = step.run("text", &Run { reading: taps.to_vec(), ..Run::default() }).unwrap();
    let square = |x: &Tensor<3>, weight: f64| x.clone().powf_scalar(2.0).sum() * weight;
    let mut sum = cross_entropy(model, &out, false);
    for (i, site) in taps.iter().enumerate() {
        sum = sum + square(&out.notes.read[site], 0.1 * (i + 1) as f64);
    }
    for (name, weight) in [("gates.0", 0.3), ("gates.1", -0.2), ("hint", 0.15)] {
        sum = sum + square(&out.notes.emitted[name], weight);
    }
    let names: Vec<&str> = out.notes.losses.iter().map(|t| &*t.name).collect();
    assert_eq!(names, ["small hint", "balance", "balance"]);
    for term in &out.notes.losses {
        sum = sum + term.sum.clone() * 0.05;
    }
    let tapes = step.into_tapes();
    assert_eq!(tapes.len(), usize::from(recompute));
    (values(sum.clone())[0], gradients(model, &recompute::backward(sum, tapes, &model.net).unwrap()))
}

pub fn assert_same_gradients(model: &Model) -> BTreeMap<String, Vec<f32>> {
    let ((whole, expected), (again, found)) = (loss(model, false), loss(model, true));
    close(&[again], &[whole], 1e-6);
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, expected) in &expected {
        let norm = expected.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        let apart = expected.iter().zip(&found[name]).map(|(e, f)| f64::from(e - f).powi(2)).sum::<f64>().sqrt();
        assert!(norm > 1e-4 && apart <= 1e-5 * norm, "{name}: norm {norm}, apart by {apart}");
    }
    expected
}

#[test]
fn gradients_under_recomputation_are_the_same() {
    let found = assert_same_gradients(&with_experts());
    assert!(found.contains_key("parts.mixture.0.router.weight") && found.contains_key("parts.hint.hint"));
    assert!(found.contains_key("model.embed_tokens.weight"));
    assert!(!found.keys().any(|n| n.contains(".mlp.")), "what it replaces gets no gradient");
}

#[test]
fn frozen_embeddings_do_not_disturb_the_way_back() {
    let mut model = with_experts();
    train_only(&mut model, &["parts.mixture.*"]);
    assert_eq!(assert_same_gradients(&model).len(), 2 * 7);
}

#[test]
fn the_balance_loss_does_not_see_pads() {
    let model = with_experts();
    let balance = |rows: &[&[u32]]| -> f32 {
        let (others, batch) = (BTreeMap::new(), batch(rows));
        let mut step = Step::new(&model, &others, &batch, Draws::new(0));
        step.training = false;
        let out = step.run("text", &Run::default()).unwrap();
        out.notes.losses.iter().filter(|t| &*t.name == "balance").map(|t| values(t.sum.clone())[0]).sum()
    };
    let apart: f32 = ROWS.iter().map(|r| balance(&[r])).sum();
    close(&[balance(&ROWS)], &[apart], 1e-5);
}
