//! Optimisers and guards on the toy model.

mod guards;
mod optimizers;

use crate::{NextToken, examples};
use std::collections::BTreeMap;
use tongues_kernel::{Draws, Dyn, Objective, Policy};
use tongues_testkit::toy_model;
use tongues_train::{Feed, Options, Shape, Trainer};

/// Everything trains.
pub fn free() -> BTreeMap<String, Policy> {
    let names = tongues_kernel::policy::tensor_names(&toy_model(Draws::new(1)));
    names.into_iter().map(|e| (e.name, Policy::free())).collect()
}

/// A trainer that sees one text at every step, with a constant learning rate and weight decay.
pub fn begin(policies: BTreeMap<String, Policy>, learning_rate: f64) -> Trainer<'static> {
    begin_with(Dyn(Box::new(NextToken { name: 0 })), policies, learning_rate)
}

/// The same with an objective.
pub fn begin_with(objective: Dyn<dyn Objective>, policies: BTreeMap<String, Policy>, learning_rate: f64) -> Trainer<'static> {
    let options = Options {
        steps: 100,
        accumulate: 1,
        learning_rate,
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
    let feed = Feed::new(examples()[1..2].to_vec(), Draws::new(2), 1000, 32, false).expect("one example");
    Trainer::new(model, vec![objective], vec![feed], options, Draws::new(4)).expect("something trains")
}
