//! An objective with a memory: a moving centre (as in DINO, Caron et al. 2021) that is part of its module, saved and resumed.

use super::tools::*;
use super::toy::{WIDTH, toy};
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::erased::Dyn;
use tongues_kernel::*;

#[derive(Module, Debug)]
struct Centred {
    /// `[width]`; moves in `prepare`, never by gradient.
    centre: Param<Tensor<1>>,
    /// `[1]`, trained.
    scale: Param<Tensor<1>>,
    momentum: f64,
}

fn fresh() -> Dyn<dyn Objective> {
    let device = Device::flex().autodiff();
    let centre = Param::from_tensor(Tensor::zeros([WIDTH], &device)).set_require_grad(false);
    Dyn(Box::new(Centred { centre, scale: Param::from_tensor(Tensor::full([1], 0.5, &device)), momentum: 0.9 }))
}

impl Objective for Centred {
    fn examples(&self, record: &Record, cx: &ExampleContext<'_>) -> Result<Vec<Example>> {
        Ok(vec![Example::of_text(record.id.clone(), Sequence::of("text", cx.tokenizer.encode(record.text("text")?)?, 1.0))])
    }
    fn prepare(&mut self, batch: Batch, cx: &mut dyn Context) -> Result<Vec<Batch>> {
        let model = cx.subject()?.inference();
        let others = BTreeMap::new();
        let out = Step::new(&model, &others, &batch, cx.draws()).run("text", &Run::default())?;
        let [rows, time, width] = out.hidden.x.dims();
        let mean = out.hidden.x.reshape([rows * time, width]).mean_dim(0).reshape([width]);
        let old = self.centre.val().without_autodiff();
        self.centre = put(self.centre.clone(), old * self.momentum + mean * (1.0 - self.momentum));
        Ok(vec![batch])
    }
    fn loss(&self, step: &mut Step<'_>) -> Result<Vec<Term>> {
        let out = step.run("text", &Run::default())?;
        let apart = out.hidden.x - self.centre.val().reshape([1, 1, WIDTH]);
        let sum = (apart * self.scale.val().reshape([1, 1, 1])).powf_scalar(2.0).sum();
        Ok(vec![Term { name: "spread".into(), sum, over: step.batch.tokens() as f64, weight: 1.0 }])
    }
    fn coupling(&self) -> Coupling {
        Coupling::Batch
    }
}

/// Runs steps; returns the bits of the losses.
fn steps(objective: &mut Dyn<dyn Objective>, model: &Model, batches: &[[&[u32]; 2]]) -> Vec<u32> {
    let mut cx = Models::of(&[("subject", model)]);
    let others = BTreeMap::new();
    let one = |rows: &[&[u32]; 2]| {
        let batch = objective.prepare(batch(rows), &mut cx).unwrap().remove(0);
        let terms = objective.loss(&mut Step::new(model, &others, &batch, Draws::new(0))).unwrap();
        values(terms[0].sum.clone())[0].to_bits()
    };
    batches.iter().map(one).collect()
}

const BATCHES: [[&[u32]; 2]; 4] = [[&[1, 2, 3], &[4, 5, 6]], [&[7, 8], &[9, 10]], [&[0, 1, 2], &[3, 4, 5]], [&[6, 6], &[7, 1]]];

#[test]
fn a_saved_buffer_goes_on_bit_by_bit() {
    let model = toy(1);
    let mut whole = fresh();
    let expected = steps(&mut whole, &model, &BATCHES);
    let mut first = fresh();
    let mut found = steps(&mut first, &model, &BATCHES[..2]);
    let saved = saved_values(&first);
    assert_eq!(saved.keys().collect::<Vec<_>>(), ["centre", "scale"]);
    assert!(saved["centre"].1.iter().any(|c| c.abs() > 1e-3), "the centre moved");
    let mut second = fresh();
    restore_values(&mut second, "", &saved).unwrap();
    found.extend(steps(&mut second, &model, &BATCHES[2..]));
    assert_eq!(found, expected);
    assert_ne!(steps(&mut fresh(), &model, &BATCHES[2..]), expected[2..], "the memory matters");
    assert_eq!(saved_values(&second), saved_values(&whole));
    let trains: Vec<bool> = entries(&second, "").iter().map(|e| e.trains).collect();
    assert_eq!(trains, [false, true]);
}

#[test]
fn a_state_of_another_configuration_is_refused() {
    let mut saved = saved_values(&fresh());
    saved.get_mut("centre").unwrap().0 = vec![WIDTH / 2, 2];
    assert!(restore_values(&mut fresh(), "", &saved).unwrap_err().to_string().starts_with("centre: expected values of shape [8]"));
    saved.remove("centre");
    assert!(restore_values(&mut fresh(), "", &saved).unwrap_err().to_string().contains("centre"));
    let mut more = saved_values(&fresh());
    more.insert("teacher".into(), (vec![1], vec![0.0]));
    assert!(restore_values(&mut fresh(), "", &more).unwrap_err().to_string().contains("teacher"));
}

#[test]
fn the_objectives_own_parameter_gets_a_gradient_and_its_buffer_none() {
    let (model, mut objective) = (toy(1), fresh());
    steps(&mut objective, &model, &BATCHES[..1]);
    let (others, batch) = (BTreeMap::new(), batch(&BATCHES[0]));
    let terms = objective.loss(&mut Step::new(&model, &others, &batch, Draws::new(0))).unwrap();
    let value = values(terms[0].sum.clone())[0];
    let grads = recompute::backward(terms[0].sum.clone(), vec![], &objective).unwrap();
    let here = entries(&objective, "");
    assert!(grads.get::<1>(here[0].id).is_none());
    // sum = scale² · Σ…, so d sum / d scale = 2 sum / scale.
    close(&values(grads.get::<1>(here[1].id).unwrap()), &[4.0 * value], 1e-5);
}
