//! Micro-batches add up to the large batch.

use std::collections::BTreeMap;
use tongues_builtin as _;
use tongues_kernel::burn::module::{Module, ModuleVisitor, Param};
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Bare, Batch, Built, Context, Draws, Dyn, Example, Init, Kind, Model, Objective, Sequence, Step, Tokenizer, build, recompute, values};
use tongues_testkit::ToyTokenizer;

fn model() -> Model {
    let mut cx = Bare { device: tongues_testkit::device().autodiff(), draws: Draws::new(5) };
    let options = serde_json::json!({"vocab_size": ToyTokenizer::default().size(), "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.2});
    let Ok(Built::Backbone(family)) = build(Kind::Backbone, "llama", options, &mut cx) else { panic!("llama builds") };
    let init = Init { device: cx.device(), draws: Some(cx.draws()) };
    Model::new(family.build(&init).expect("a network"), std::sync::Arc::new(ToyTokenizer::default()))
}

fn objective() -> Dyn<dyn Objective> {
    let mut cx = Bare { device: tongues_testkit::device().autodiff(), draws: Draws::new(5) };
    match build(Kind::Objective, "causal-lm", serde_json::json!({}), &mut cx) {
        Ok(Built::Objective(objective)) => Dyn(objective),
        _ => panic!("causal-lm builds"),
    }
}

/// Rows of very unequal length.
fn examples() -> Vec<Example> {
    let row = |i: usize, n: usize| (0..n).map(|t| ((7 * i + 3 * t * t) % 250) as u32).collect::<Vec<u32>>();
    [3, 17, 2, 9, 21, 4, 5, 12].iter().enumerate().map(|(i, n)| Example::of_text(i.to_string(), Sequence::of("text", row(i, *n), 1.0))).collect()
}

fn gradients(model: &Model, examples: &[Example], over: f64, recomputed: bool) -> GradientsParams {
    let (batch, others) = (Batch { examples: examples.to_vec() }, BTreeMap::new());
    let mut step = Step::new(model, &others, &batch, Draws::new(1));
    step.recompute = recomputed;
    let terms = objective().loss(&mut step).expect("a loss");
    let total = terms.iter().map(|t| t.sum.clone() / over).reduce(|a, b| a + b).expect("a term");
    recompute::backward(total, step.into_tapes(), &model.net).expect("gradients")
}

/// Largest relative difference of a tensor's gradient, by norm.
fn difference(model: &Model, a: &GradientsParams, b: &GradientsParams) -> f64 {
    struct Worst<'g>(&'g GradientsParams, &'g GradientsParams, f64, usize);
    impl ModuleVisitor for Worst<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let read = |g: &GradientsParams| values(g.get::<D>(param.id).expect("a gradient"));
            let (a, b) = (read(self.0), read(self.1));
            let norm = |x: &mut dyn Iterator<Item = f32>| x.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt();
            let apart = norm(&mut a.iter().zip(&b).map(|(x, y)| x - y));
            self.2 = self.2.max(apart / norm(&mut b.iter().copied()));
            self.3 += 1;
        }
    }
    let mut worst = Worst(a, b, 0.0, 0);
    model.net.visit(&mut worst);
    assert!(worst.3 > 15, "only {} tensors were compared", worst.3);
    worst.2
}

#[test]
fn four_micro_batches_of_unequal_tokens_equal_the_large_batch() {
    let (model, examples) = (model(), examples());
    let tokens = Batch { examples: examples.clone() }.loss_tokens();
    let whole = gradients(&model, &examples, tokens, false);
    for recomputed in [false, true] {
        let mut summed = GradientsParams::new();
        for micro in examples.chunks(2) {
            recompute::accumulate(gradients(&model, micro, tokens, recomputed), &model.net, &mut summed);
        }
        let apart = difference(&model, &summed, &whole);
        assert!(apart <= 1e-5, "recomputed {recomputed}: {apart}");
    }
}

#[test]
fn a_mean_of_means_would_be_seen() {
    let (model, examples) = (model(), examples());
    let whole = gradients(&model, &examples, Batch { examples: examples.clone() }.loss_tokens(), false);
    let mut summed = GradientsParams::new();
    for micro in examples.chunks(2) {
        let tokens = Batch { examples: micro.to_vec() }.loss_tokens();
        recompute::accumulate(gradients(&model, micro, 4.0 * tokens, false), &model.net, &mut summed);
    }
    assert!(difference(&model, &summed, &whole) > 1e-2);
}

#[test]
fn the_trainer_takes_the_same_step_for_any_accumulation() {
    let step = |accumulate: usize| {
        let mut model = model();
        model.policies = tongues_kernel::policy::tensor_names(&model).into_iter().map(|e| (e.name, tongues_kernel::Policy::free())).collect();
        let draws = Draws::new(2);
        let feed = tongues_train::Feed::new(examples(), draws, 1000, 32, false).expect("examples");
        let options = tongues_train::Options {
            steps: 1,
            accumulate,
            learning_rate: 1e-2,
            schedule: tongues_train::Shape::Constant,
            warmup_steps: 0,
            weight_decay: 0.0,
            betas: (0.9, 0.999),
            epsilon: 1.0,
            max_grad_norm: 0.0,
            recompute: false,
        };
        let mut trainer = tongues_train::Trainer::new(model, vec![objective()], vec![feed], options, draws).expect("a trainer");
        let report = trainer.step(&mut Bare { device: tongues_testkit::device().autodiff(), draws }).expect("a step");
        (report.loss["causal-lm"], report.grad_norm)
    };
    let (one, four) = (step(1), step(4));
    assert!((one.0 - four.0).abs() < 1e-5 * one.0 && (one.1 - four.1).abs() < 1e-5 * one.1, "{one:?} {four:?}");
}
