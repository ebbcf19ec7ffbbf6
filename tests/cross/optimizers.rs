//! Optimisers take the steps of their references (`tests/fixtures/optim`), through the real trainer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tongues_io::open_file;
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{
    Bare, Draws, Dyn, Error, Example, ExampleContext, Name, Objective, Policy, Record, Result, Sequence, Step, Tensors, Term, Update, for_each_value,
};
use tongues_testkit::toy_model;
use tongues_train::{Adafactor, AdamW, AdjustLr, Feed, Lion, Muon, Optimizer, Optimizers, Options, Shape, Trainer};

const NAMES: [&str; 4] = ["wide", "tall", "vector", "other"];
/// Steps of the fixture; the schedule is laid out for 22, so that the rate falls by a twentieth a step.
const STEPS: usize = 12;
const TOLERANCE: f64 = 1e-5;

type Seen = Arc<Mutex<Vec<Tensors>>>;

/// An objective whose gradients are given: the sum of its tensors times constants.
#[derive(Module, Debug)]
struct Given {
    wide: Param<Tensor<2>>,
    tall: Param<Tensor<2>>,
    vector: Param<Tensor<1>>,
    other: Param<Tensor<2>>,
    #[module(skip)]
    grads: Arc<Tensors>,
    #[module(skip)]
    seen: Seen,
}

impl Given {
    fn new(seen: Seen) -> Self {
        let device = tongues_testkit::device().autodiff();
        fn param<const D: usize>(name: &str, device: &Device) -> Param<Tensor<D>> {
            let (shape, values) = read(&format!("start.{name}"));
            Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
        }
        let grads = NAMES.iter().map(|n| ((*n).to_owned(), read(&format!("grad.{n}")))).collect();
        let (wide, tall) = (param("wide", &device), param("tall", &device));
        Self { wide, tall, vector: param("vector", &device), other: param("other", &device), grads: Arc::new(grads), seen }
    }

    fn term<const D: usize>(&self, name: &str, param: &Param<Tensor<D>>, step: usize) -> Tensor<1> {
        let (shape, values) = &self.grads[name];
        let size = shape[1..].iter().product::<usize>();
        let now = values[(step - 1) * size..step * size].to_vec();
        let gradient = Tensor::<D>::from_data(TensorData::new(now, shape[1..].to_vec()), &param.val().device());
        (param.val() * gradient).sum()
    }
}

impl Objective for Given {
    fn examples(&self, _: &Record, _: &ExampleContext<'_>) -> Result<Vec<Example>> {
        Err(Error::run("test", "examples are given"))
    }
    fn denominators(&self, _: &tongues_kernel::Batch) -> BTreeMap<Name, f64> {
        BTreeMap::from([("given".into(), 1.0)])
    }
    fn loss(&self, step: &mut Step<'_>) -> Result<Vec<Term>> {
        let t = step.step;
        let sum = self.term("wide", &self.wide, t) + self.term("tall", &self.tall, t) + self.term("vector", &self.vector, t);
        Ok(vec![Term { name: "given".into(), sum: sum + self.term("other", &self.other, t), over: 1.0, weight: 1.0 }])
    }
    fn after(&mut self, _: &mut Update<'_>) -> Result<()> {
        let mut now = Tensors::new();
        let keep = &mut |name: &str, shape: &[usize], values: Vec<f32>| {
            now.insert(name.into(), (shape.to_vec(), values));
            Ok(())
        };
        for_each_value(self, "", keep)?;
        self.seen.lock().expect("one thread").push(now);
        Ok(())
    }
}

fn read(name: &str) -> (Vec<usize>, Vec<f32>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/optim/reference.safetensors");
    let file = open_file(&path).expect("the fixture");
    (file.info(name).expect("a tensor").shape.clone(), file.f32(name).expect("f32"))
}

/// Values after every step, by tensor.
fn ours(optimizer: Optimizer, rate: f64) -> Vec<Tensors> {
    let seen = Seen::default();
    let mut model = toy_model(Draws::new(1));
    // The trainer wants a tensor of the model that trains; this one gets no gradient.
    model.policies.insert("model.norm.weight".into(), Policy::free());
    model.policies.insert("objectives.0.other".into(), Policy { learning_rate: Some(rate * 0.25), weight_decay: Some(0.05), ..Policy::free() });
    let options = Options {
        steps: 22,
        accumulate: 1,
        learning_rate: rate,
        schedule: Shape::Linear,
        warmup_steps: 2,
        weight_decay: 0.3,
        betas: (0.9, 0.999),
        epsilon: 1e-8,
        max_grad_norm: 0.0,
        recompute: false,
    };
    let example = Example::of_text("0", Sequence::of("text", vec![1, 2], 1.0));
    let feed = Feed::new(vec![example], Draws::new(2), 10, 8, false).expect("an example");
    let objective = Dyn(Box::new(Given::new(seen.clone())) as Box<dyn Objective>);
    let mut trainer = Trainer::new(model, vec![objective], vec![feed], options, Draws::new(4)).expect("something trains");
    trainer.set_optimizers(Optimizers { stage: optimizer, ..Optimizers::adamw(AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }) }).expect("no groups");
    let mut cx = Bare { device: tongues_testkit::device().autodiff(), draws: Draws::new(5) };
    (0..STEPS).for_each(|_| drop(trainer.step(&mut cx).expect("a step")));
    seen.lock().expect("one thread").clone()
}

/// The largest difference of an entry over the root mean square of its tensor, over all steps.
fn apart(case: &str, ours: &[Tensors]) -> f64 {
    assert_eq!(ours.len(), STEPS);
    let mut worst = 0f64;
    for name in NAMES {
        let (shape, theirs) = read(&format!("{case}.{name}"));
        let size = shape[1..].iter().product::<usize>();
        for (step, theirs) in theirs.chunks(size).enumerate() {
            let rms = (theirs.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / size as f64).sqrt();
            let differences = ours[step][name].1.iter().zip(theirs).map(|(a, b)| f64::from((a - b).abs()) / rms);
            worst = differences.fold(worst, f64::max);
        }
    }
    worst
}

fn cases() -> Vec<(&'static str, Optimizer, f64)> {
    let momentum = Adafactor { beta1: Some(0.9), clip_threshold: 0.7, decay_rate: -0.6, relative_step: false, scale_parameter: false, ..Adafactor::default() };
    let plain = Muon { adjust_lr: AdjustLr::MatchRmsAdamW, nesterov: false, momentum: 0.8, ..Muon::default() };
    let spectral = Muon { adjust_lr: AdjustLr::SpectralUnclamped, ns_steps: 3, ..Muon::default() };
    vec![
        ("adamw", Optimizer::AdamW(AdamW { beta1: 0.8, beta2: 0.95, epsilon: 1e-6 }), 0.05),
        ("lion", Optimizer::Lion(Lion::default()), 0.05),
        ("adafactor", Optimizer::Adafactor(Adafactor::default()), 0.5),
        ("adafactor_momentum", Optimizer::Adafactor(momentum), 0.05),
        ("muon", Optimizer::Muon(Muon::default()), 0.05),
        ("muon_plain", Optimizer::Muon(plain), 0.05),
        ("muon_spectral", Optimizer::Muon(spectral), 0.05),
    ]
}

#[test]
fn every_optimiser_takes_the_steps_of_its_reference() {
    for (case, optimizer, rate) in cases() {
        let worst = apart(case, &ours(optimizer, rate));
        eprintln!("{case}: {worst:.2e}");
        assert!(worst <= TOLERANCE, "{case}: {worst:.2e}");
    }
}

#[test]
fn another_option_would_be_seen() {
    let all = cases();
    let (_, _, rate) = all[0];
    let wrong = [
        ("adamw", Optimizer::AdamW(AdamW { beta1: 0.8, beta2: 0.95, epsilon: 1e-4 }), rate),
        ("lion", Optimizer::Lion(Lion { beta2: 0.98, ..Lion::default() }), rate),
        ("adafactor", Optimizer::Adafactor(Adafactor { relative_step: false, ..Adafactor::default() }), 0.5),
        ("adafactor", Optimizer::Adafactor(Adafactor { decay_rate: -0.79, ..Adafactor::default() }), 0.5),
        ("muon", Optimizer::Muon(Muon { nesterov: false, ..Muon::default() }), rate),
        ("muon", Optimizer::Muon(Muon { ns_steps: 6, ..Muon::default() }), rate),
        ("muon_spectral", Optimizer::Muon(Muon { ns_steps: 3, ..Muon::default() }), rate),
    ];
    for (case, optimizer, rate) in wrong {
        let worst = apart(case, &ours(optimizer, rate));
        assert!(worst > 10.0 * TOLERANCE, "{case} with {optimizer:?}: {worst:.2e}");
    }
}
