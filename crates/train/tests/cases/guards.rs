//! What is not finite stops a step by name and leaves everything as it was.

use super::{begin, begin_with, free};
use crate::{MATRIX, NextToken, policy};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Dyn, Example, ExampleContext, Objective, Record, Result, Step, Term};
use tongues_testkit::{Surroundings, snapshot};
use tongues_train::Trainer;

/// What is wrong with a loss.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Value(f32),
    /// The root of a parameter that is 0: a finite value whose gradient is infinite.
    Root,
}

/// Next-token prediction with a second term, which is wrong at one call.
#[derive(Module, Debug)]
struct Faulty {
    inner: NextToken,
    roots: Param<Tensor<1>>,
    #[module(skip)]
    fault: Fault,
    #[module(skip)]
    at: usize,
    #[module(skip)]
    calls: Arc<AtomicUsize>,
}

impl Objective for Faulty {
    fn examples(&self, record: &Record, cx: &ExampleContext<'_>) -> Result<Vec<Example>> {
        self.inner.examples(record, cx)
    }
    fn loss(&self, step: &mut Step<'_>) -> Result<Vec<Term>> {
        let mut terms = self.inner.loss(step)?;
        let now = self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.at;
        let roots = self.roots.val();
        let sum = match self.fault {
            Fault::Value(value) if now => (roots * value).sum(),
            Fault::Root if now => roots.sqrt().sum(),
            _ => (roots * 0.1).sum(),
        };
        terms.push(Term { name: "second".into(), sum, over: step.batch.loss_tokens(), weight: 1.0 });
        Ok(terms)
    }
}

fn faulty(fault: Fault, at: usize) -> Trainer<'static> {
    let device = Device::flex().autodiff();
    let roots = Param::from_tensor(Tensor::from_data([1.0f32, 0.0, 4.0, 0.0], &device));
    let objective = Faulty { inner: NextToken { name: 0 }, roots, fault, at, calls: Arc::default() };
    begin_with(Dyn(Box::new(objective)), free(), 0.01)
}

/// The message of the second step; before and after it everything is the same, and the next step is again the second.
fn second_step_fails(mut trainer: Trainer) -> String {
    let mut cx = Surroundings::new(5);
    assert_eq!(trainer.step(&mut cx).expect("the first step").step, 1);
    let (tensors, state) = (snapshot(&trainer.model, ""), trainer.optimizer_state());
    let message = trainer.step(&mut cx).expect_err("the second step").to_string();
    assert_eq!(snapshot(&trainer.model, ""), tensors);
    assert_eq!(trainer.optimizer_state(), state);
    let report = trainer.step(&mut cx).expect("the second step, tried again");
    assert_eq!(report.step, 2);
    assert_ne!(snapshot(&trainer.model, ""), tensors);
    message
}

#[test]
fn a_loss_that_is_not_finite_is_named_by_its_term() {
    for (value, word) in [(f32::NAN, "NaN"), (f32::INFINITY, "NaN"), (f32::MAX, "inf")] {
        let message = second_step_fails(faulty(Fault::Value(value), 2));
        assert!(message.starts_with("step 2, loss term `second`: the loss is ") && message.contains(word), "{message}");
        assert!(message.contains("lower the learning rate"), "{message}");
    }
}

/// Faults at the first step here: later the roots are no longer 0.
#[test]
fn a_gradient_that_is_not_finite_is_named_by_its_tensor_with_the_number_of_entries() {
    let mut trainer = faulty(Fault::Root, 1);
    let before = snapshot(&trainer.model, "");
    let mut cx = Surroundings::new(5);
    let message = trainer.step(&mut cx).expect_err("an infinite gradient").to_string();
    assert!(message.starts_with("step 1, gradient of objectives.0.roots: the loss is finite, but 2 of 4 entries"), "{message}");
    assert!(message.contains("inf at 1") && message.contains("lower the learning rate"), "{message}");
    assert_eq!(snapshot(&trainer.model, ""), before);
    assert!(trainer.optimizer_state().is_empty());
    assert_eq!(trainer.step(&mut cx).expect("the first step, tried again").step, 1);
}

#[test]
fn an_update_that_overflows_is_named_by_its_tensor_and_not_applied() {
    let mut trainer = begin(policy(tongues_kernel::Trains::Everything), 1e39);
    let before = snapshot(&trainer.model, "");
    let message = trainer.step(&mut Surroundings::new(5)).expect_err("an update that overflows").to_string();
    assert!(message.starts_with(&format!("step 1, {MATRIX}: the update makes ")) && message.contains("of 384 entries"), "{message}");
    assert!(message.contains("lower the learning rate"), "{message}");
    assert_eq!(snapshot(&trainer.model, ""), before);
    assert!(trainer.optimizer_state().is_empty());
}

#[test]
fn norms_of_groups_add_up_to_the_norm_of_all() {
    let report = faulty(Fault::Root, 9).step(&mut Surroundings::new(5)).expect("a step");
    let squares: f64 = report.grad_norms.values().map(|n| n * n).sum();
    assert!((squares.sqrt() - report.grad_norm).abs() < 1e-9 * report.grad_norm, "{report:?}");
    for group in ["embed", "query", "final", "up", "objective"] {
        assert!(report.grad_norms.get(group).is_some_and(|n| *n > 0.0), "{group}: {report:?}");
    }
}
