//! What one optimiser step changes, on the toy model.
#![allow(missing_docs)]

mod cases;

use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::Module;
use tongues_kernel::{Draws, Dyn, Error, Example, ExampleContext, Model, Objective, Policy, Record, Result, Run, Sequence, Step, Term, Trains};
use tongues_testkit::{Surroundings, ids, snapshot, toy_model};
use tongues_train::{Feed, Options, Shape, StepReport, Trainer};

const MATRIX: &str = "model.layers.0.mlp.up_proj.weight";

/// Next-token prediction.
#[derive(Module, Debug)]
struct NextToken {
    name: usize,
}

impl Objective for NextToken {
    fn examples(&self, _: &Record, _: &ExampleContext<'_>) -> Result<Vec<Example>> {
        Err(Error::run("test", "examples are given"))
    }
    fn loss(&self, step: &mut Step<'_>) -> Result<Vec<Term>> {
        let out = step.run("text", &Run::default())?;
        let sum = tongues_nn::cross_entropy(step.model, &out, false)?;
        Ok(vec![Term { name: "next".into(), sum, over: step.batch.loss_tokens(), weight: 1.0 }])
    }
}

/// Four texts of very different lengths.
fn examples() -> Vec<Example> {
    let text = |(i, length): (usize, usize)| Example::of_text(format!("{i}"), Sequence::of("text", ids(Draws::new(3).example(i as u64), length, 200), 1.0));
    [3, 20, 5, 11].into_iter().enumerate().map(text).collect()
}

fn stepped(accumulate: usize, policies: BTreeMap<String, Policy>, steps: usize) -> (StepReport, Model) {
    let options = Options {
        steps,
        accumulate,
        learning_rate: 0.01,
        schedule: Shape::Constant,
        warmup_steps: 0,
        weight_decay: 0.5,
        betas: (0.9, 0.999),
        epsilon: 1e-8,
        max_grad_norm: 0.0,
        recompute: false,
    };
    let mut model = toy_model(Draws::new(1));
    model.policies = policies;
    let feed = Feed::new(examples(), Draws::new(2), 1000, 32, false).expect("examples");
    let objective = Dyn(Box::new(NextToken { name: 0 }) as Box<dyn Objective>);
    let mut trainer = Trainer::new(model, vec![objective], vec![feed], options, Draws::new(4)).expect("something trains");
    let mut cx = Surroundings::new(5);
    let reports: Vec<StepReport> = (0..steps).map(|_| trainer.step(&mut cx).expect("a step")).collect();
    (reports.into_iter().next_back().expect("a step"), trainer.model)
}

fn policy(trains: Trains) -> BTreeMap<String, Policy> {
    BTreeMap::from([(MATRIX.to_owned(), Policy { trains, ..Policy::free() })])
}

#[test]
fn accumulated_micro_batches_of_unequal_length_give_the_gradient_of_the_whole_batch() {
    let (whole, _) = stepped(1, policy(Trains::Everything), 1);
    for accumulate in [2, 4] {
        let (parts, _) = stepped(accumulate, policy(Trains::Everything), 1);
        assert_eq!(parts.tokens, whole.tokens);
        assert!((parts.loss["next"] - whole.loss["next"]).abs() < 1e-6 * whole.loss["next"], "{parts:?} {whole:?}");
        assert!((parts.grad_norm - whole.grad_norm).abs() < 1e-5 * whole.grad_norm, "{parts:?} {whole:?}");
    }
}

#[test]
fn masked_entries_alone_change_and_decay() {
    let before = snapshot(&toy_model(Draws::new(1)), "");
    let mask: Vec<f32> = (0..before[MATRIX].len()).map(|i| f32::from(i % 3 == 1)).collect();
    let (_, model) = stepped(1, policy(Trains::Masked(mask.clone())), 2);
    for (name, after) in snapshot(&model, "") {
        for (i, (new, old)) in after.iter().zip(&before[&name]).enumerate() {
            let trains = name == MATRIX && mask[i] == 1.0;
            assert_eq!(new.to_bits() != old.to_bits(), trains, "{name}, entry {i}: {old} became {new}");
        }
    }
}

#[test]
fn rows_alone_change() {
    let before = snapshot(&toy_model(Draws::new(1)), "");
    let (_, model) = stepped(1, policy(Trains::Rows(2..5)), 2);
    let after = snapshot(&model, "");
    let width = before[MATRIX].len() / 24;
    let changed: Vec<usize> = (0..24).filter(|r| after[MATRIX][r * width..(r + 1) * width] != before[MATRIX][r * width..(r + 1) * width]).collect();
    assert_eq!(changed, [2, 3, 4]);
}
