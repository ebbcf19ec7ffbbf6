//! The losses of 50 steps are those of PyTorch (`tests/fixtures/curve`).
//!
//! The checkpoint is read by the real loader and trained by the real trainer with the objective `causal-lm`. Batches are given,
//! not drawn: the objective's wrapper puts those of the fixture in the place of what the feed hands out.

use std::path::PathBuf;
use tongues_builtin as _;
use tongues_io::hf;
use tongues_kernel::burn;
use tongues_kernel::burn::module::Module;
use tongues_kernel::policy::tensor_names;
use tongues_kernel::{
    Bare, Batch, Built, Context, Draws, Dyn, Example, ExampleContext, Kind, Model, Objective, Policy, Record, Result, Sequence, Step, Term, build,
};
use tongues_train::{Feed, Options, Shape, Trainer};

const TOLERANCE: f64 = 1e-3;

/// An objective on given batches, one after another, in a circle.
#[derive(Module, Debug)]
struct Given {
    inner: Dyn<dyn Objective>,
    #[module(skip)]
    batches: Vec<Batch>,
    #[module(skip)]
    next: usize,
}

impl Objective for Given {
    fn examples(&self, record: &Record, cx: &ExampleContext<'_>) -> Result<Vec<Example>> {
        self.inner.examples(record, cx)
    }
    fn prepare(&mut self, _: Batch, _: &mut dyn Context) -> Result<Vec<Batch>> {
        self.next += 1;
        Ok(vec![self.batches[(self.next - 1) % self.batches.len()].clone()])
    }
    fn loss(&self, step: &mut Step<'_>) -> Result<Vec<Term>> {
        self.inner.loss(step)
    }
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/curve").join(name)
}

fn json(name: &str) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(fixture(name)).expect("the fixture")).expect("JSON")
}

fn cx() -> Bare {
    Bare { device: tongues_testkit::device().autodiff(), draws: Draws::new(0) }
}

/// A row of texts.
fn row(texts: &[Vec<u32>]) -> Example {
    let mut sequence = Sequence::of("text", texts.concat(), 1.0);
    sequence.starts = texts
        .iter()
        .scan(0, |at, text| {
            *at += text.len();
            Some(*at)
        })
        .take(texts.len() - 1)
        .collect();
    Example::of_text("row", sequence)
}

/// Five batches: a text a row, or joined as the fixture joined them.
fn batches(packed: bool) -> Vec<Batch> {
    let found = json("batches.json");
    let rows: Vec<Vec<Vec<Vec<u32>>>> = match packed {
        true => serde_json::from_value(found["packed"].clone()).expect("rows of texts"),
        false => {
            let texts: Vec<Vec<Vec<u32>>> = serde_json::from_value(found["texts"].clone()).expect("texts");
            texts.into_iter().map(|batch| batch.into_iter().map(|text| vec![text]).collect()).collect()
        }
    };
    rows.into_iter().map(|batch| Batch { examples: batch.iter().map(|texts| row(texts)).collect() }).collect()
}

fn losses(batches: Vec<Batch>, accumulate: usize) -> Vec<f64> {
    let mut model = Model::without_tokenizer(hf::load_backbone(&fixture("checkpoint"), &hf::Reading::default(), &mut cx()).expect("the checkpoint loads"));
    model.policies = tensor_names(&model).into_iter().map(|e| (e.name, Policy::free())).collect();
    let options = Options {
        steps: 50,
        accumulate,
        learning_rate: 4e-3,
        schedule: Shape::Cosine,
        warmup_steps: 8,
        weight_decay: 0.1,
        betas: (0.9, 0.999),
        epsilon: 1e-8,
        max_grad_norm: 1.0,
        recompute: false,
    };
    let Ok(Built::Objective(inner)) = build(Kind::Objective, "causal-lm", serde_json::json!({}), &mut cx()) else { panic!("causal-lm builds") };
    let feed = Feed::new(vec![row(&[vec![3, 4]])], Draws::new(2), 10, 8, false).expect("a row");
    let objective = Dyn(Box::new(Given { inner: Dyn(inner), batches, next: 0 }) as Box<dyn Objective>);
    let mut trainer = Trainer::new(model, vec![objective], vec![feed], options, Draws::new(4)).expect("something trains");
    (0..50).map(|_| trainer.step(&mut cx()).expect("a step").loss["causal-lm"]).collect()
}

fn apart(ours: &[f64], theirs: &serde_json::Value) -> f64 {
    let theirs: Vec<f64> = serde_json::from_value(theirs.clone()).expect("losses");
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs() / b).fold(0.0, f64::max)
}

/// Compares with the right curve, and makes sure that those of faulty loops are others.
fn compare(setting: &str, ours: &[f64]) {
    let reference = json("losses.json");
    let worst = apart(ours, &reference[setting]);
    eprintln!("{setting}: {worst:.2e}");
    assert!(worst <= TOLERANCE, "{setting}: {worst:.2e}");
    let wrong = reference["wrong"][setting].as_object().expect("faulty loops");
    assert!(!wrong.is_empty());
    for (fault, theirs) in wrong {
        assert!(apart(ours, theirs) > 5.0 * TOLERANCE, "{setting}, {fault}");
    }
}

#[test]
fn the_losses_of_one_batch_are_those_of_pytorch() {
    compare("one", &losses(batches(false)[..1].to_vec(), 1));
}

#[test]
fn the_losses_of_four_unequal_micro_batches_are_those_of_pytorch() {
    compare("accumulate", &losses(batches(false), 4));
}

#[test]
fn the_losses_of_packed_rows_are_those_of_pytorch() {
    compare("packed", &losses(batches(true), 1));
}
