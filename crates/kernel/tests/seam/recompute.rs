//! Recomputation with parts of several kinds, several runs in one loss, and draws.

use super::lora::Lora;
use super::tools::*;
use super::toy::toy;
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::*;

/// Dropout at a place.
#[derive(Module, Debug)]
struct Dropped {
    gain: Param<Tensor<1>>,
    p: f64,
}

impl Part for Dropped {
    fn around(&self, at: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let y = inner(x, pass)?;
        Ok(pass.dropout(y, self.p, at.site) * self.gain.val().reshape([1, 1, 1]))
    }
}

fn dropping() -> Model {
    let mut model = toy(1);
    for l in 0..2 {
        let gain = Param::from_tensor(Tensor::ones([1], &Device::flex().autodiff()));
        model.attach(format!("dropped.{l}"), vec![Site::new(Stack::Decoder, l, Role::SelfAttention)], Dropped { gain, p: 0.4 }).unwrap();
    }
    model
}

const ROWS: [&[u32]; 2] = [&[1, 2, 3, 4, 5], &[6, 7, 8]];

fn run(model: &Model, recompute: bool, training: bool, seed: u64) -> (f32, BTreeMap<String, Vec<f32>>) {
    let (others, batch) = (BTreeMap::new(), batch(&ROWS));
    let mut step = Step::new(model, &others, &batch, Draws::new(seed).step(3));
    (step.recompute, step.training) = (recompute, training);
    let out = step.run("text", &Run::default()).unwrap();
    let loss = cross_entropy(model, &out, false);
    (values(loss.clone())[0], gradients(model, &recompute::backward(loss, step.into_tapes(), &model.net).unwrap()))
}

#[test]
fn dropout_draws_the_same_again() {
    let model = dropping();
    let ((plain, expected), (again, found)) = (run(&model, false, true, 1), run(&model, true, true, 1));
    close(&[again], &[plain], 1e-6);
    for (name, gradient) in &expected {
        close(&found[name], gradient, 1e-5);
    }
    assert_ne!(run(&model, false, true, 2).0, plain, "another seed draws otherwise");
    let quiet = run(&model, false, false, 1).0;
    assert_ne!(quiet, plain);
    assert_eq!(quiet, run(&model, false, false, 2).0, "no draws outside training");
}

#[test]
fn two_runs_in_one_loss_walk_back_through_both_tapes() {
    let mut model = toy(1);
    Lora::on(&["q_proj", "up_proj"], 0.3).attach(&mut model, &mut Models::of(&[])).unwrap();
    train_only(&mut model, &["parts.*", "model.embed_tokens.*"]);
    let found = [false, true].map(|recompute| {
        let (others, batch) = (BTreeMap::new(), batch(&ROWS));
        let mut step = Step::new(&model, &others, &batch, Draws::new(0));
        step.recompute = recompute;
        let whole = step.run("text", &Run::default()).unwrap();
        let early = step.run("text", &Run { depth: Some(1), ..Run::default() }).unwrap();
        let base = step.run("text", &Run { view: View::None, ..Run::default() }).unwrap();
        let apart = (whole.hidden.x.clone() - base.hidden.x.clone().detach()).powf_scalar(2.0).sum();
        let loss = cross_entropy(&model, &whole, false) + cross_entropy(&model, &early, true) * 0.5 + apart;
        let tapes = step.into_tapes();
        gradients(&model, &recompute::backward(loss, tapes, &model.net).unwrap())
    });
    assert_eq!(found[0].len(), 9);
    for (name, gradient) in &found[0] {
        let norm = gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
        let apart = gradient.iter().zip(&found[1][name]).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
        assert!(norm > 1e-3 && apart <= 1e-5 * norm, "{name}: {apart} of {norm}");
    }
}

/// Gives a constant a name in every block, and a loss that depends on nothing.
#[derive(Module, Debug)]
struct Constant {
    value: f64,
}

impl Part for Constant {
    fn around(&self, _: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let constant = Tensor::<3>::full([1, 1, 1], self.value, &x.device().without_autodiff());
        pass.emit("constant", constant.clone());
        pass.loss(Term { name: "constant".into(), sum: constant.sum(), over: 1.0, weight: 1.0 });
        inner(x, pass)
    }
}

#[test]
fn notes_without_a_graph_do_not_disturb_the_way_back() {
    let mut model = toy(1);
    model.attach("constant", vec![Site::new(Stack::Decoder, 0, Role::Block)], Constant { value: 2.0 }).unwrap();
    train_only(&mut model, &["model.layers.1.*"]);
    let (others, batch) = (BTreeMap::new(), batch(&ROWS));
    let mut step = Step::new(&model, &others, &batch, Draws::new(0));
    step.recompute = true;
    let out = step.run("text", &Run::default()).unwrap();
    let loss = cross_entropy(&model, &out, false) + out.notes.losses[0].sum.clone() + out.notes.emitted["constant"].clone().sum();
    let found = gradients(&model, &recompute::backward(loss, step.into_tapes(), &model.net).unwrap());
    assert_eq!(found.len(), 6);
}
