//! Packed rows give the losses and gradients of one text a row, on a real backbone whose parameters are all random.

use std::collections::BTreeMap;
use tongues_builtin as _;
use tongues_kernel::burn::module::{Module, ModuleVisitor, Param};
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::activation::log_softmax;
use tongues_kernel::{Bare, Batch, Built, Context, Draws, Example, Init, Kind, Model, Run, Sequence, Step, build, recompute, values};
use tongues_testkit::randomise;

pub const LENGTHS: [usize; 6] = [3, 17, 2, 9, 12, 5];

fn model() -> Model {
    random_llama(false)
}

/// A small llama whose parameters are all random.
pub fn random_llama(tied: bool) -> Model {
    let mut cx = Bare { device: tongues_testkit::device().autodiff(), draws: Draws::new(5) };
    let options = serde_json::json!({"vocab_size": 90, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "attention_bias": true, "tie_word_embeddings": tied});
    let Ok(Built::Backbone(family)) = build(Kind::Backbone, "llama", options, &mut cx) else { panic!("llama builds") };
    let mut model = Model::without_tokenizer(family.build(&Init { device: cx.device(), draws: Some(cx.draws()) }).expect("a network"));
    randomise(&mut model, "", 0.4, Draws::new(9));
    model
}

fn text(i: usize) -> Vec<u32> {
    (0..LENGTHS[i]).map(|t| ((7 * i + 3 * t * t) % 90) as u32).collect()
}

/// Rows of these texts. With `leak`, nothing says where the texts begin; their first tokens still carry no loss.
fn rows(plan: &[&[usize]], leak: bool) -> Batch {
    let row = |texts: &&[usize]| {
        let mut sequence = Sequence::of("text", texts.iter().flat_map(|i| text(*i)).collect(), 1.0);
        let ends = texts.iter().scan(0, |at, i| {
            *at += LENGTHS[*i];
            Some(*at)
        });
        sequence.starts = if leak { vec![] } else { ends.take(texts.len() - 1).collect() };
        Example::of_text("row", sequence)
    };
    Batch { examples: plan.iter().map(row).collect() }
}

pub const ALONE: [&[usize]; 6] = [&[0], &[1], &[2], &[3], &[4], &[5]];
pub const PACKED: [&[usize]; 3] = [&[0, 1, 2], &[3], &[4, 5]];

/// The loss of each text, and the gradients of their sum.
pub fn losses(model: &Model, plan: &[&[usize]], leak: bool) -> (Vec<f64>, GradientsParams) {
    losses_with(model, plan, leak, false)
}

/// The same, where blocks may be recomputed on the way back.
pub fn losses_with(model: &Model, plan: &[&[usize]], leak: bool, recompute: bool) -> (Vec<f64>, GradientsParams) {
    let (batch, others) = (rows(plan, leak), BTreeMap::new());
    let mut step = Step::new(model, &others, &batch, Draws::new(1));
    step.recompute = recompute;
    let out = step.run("text", &Run::default()).expect("runs");
    let logits = out.logits(model, false).expect("logits");
    let [count, time, _] = logits.dims();
    let all = log_softmax(logits, 2).gather(2, out.labels.clone().reshape([count, time, 1])).reshape([count, time]).neg();
    let found = values(all.clone());
    // Places that a part put before the tokens.
    let front = time - plan.iter().map(|texts| texts.iter().map(|i| LENGTHS[*i]).sum::<usize>()).max().unwrap_or(0);
    let of_text = |(r, texts): (usize, &&[usize])| {
        let ends = texts.iter().scan(r * time + front, |at, i| {
            *at += LENGTHS[*i];
            Some((*i, *at))
        });
        // The last place of a text predicts nothing of it.
        ends.map(|(i, end)| found[end - LENGTHS[i]..end - 1].iter().map(|x| f64::from(*x)).sum()).collect::<Vec<f64>>()
    };
    let single = plan.iter().enumerate().flat_map(of_text).collect();
    (single, recompute::backward((all * out.weights).sum(), step.into_tapes(), &model.net).expect("gradients"))
}

/// The largest relative difference of a tensor's gradient, by norm.
pub fn apart(model: &Model, a: &GradientsParams, b: &GradientsParams) -> f64 {
    struct Worst<'g>(&'g GradientsParams, &'g GradientsParams, f64);
    impl ModuleVisitor for Worst<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let [a, b] = [self.0, self.1].map(|g| values(g.get::<D>(param.id).expect("a gradient")));
            let norm = |x: &mut dyn Iterator<Item = f32>| x.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt();
            self.2 = self.2.max(norm(&mut a.iter().zip(&b).map(|(x, y)| x - y)) / norm(&mut b.iter().copied()));
        }
    }
    let mut worst = Worst(a, b, 0.0);
    model.net.visit(&mut worst);
    worst.2
}

#[test]
fn packed_rows_give_the_losses_and_gradients_of_single_rows() {
    let model = model();
    let (alone, packed) = (losses(&model, &ALONE, false), losses(&model, &PACKED, false));
    assert_eq!(alone.0.len(), LENGTHS.len());
    for (i, (a, b)) in packed.0.iter().zip(&alone.0).enumerate() {
        assert!((a - b).abs() <= 1e-5 * b, "text {i}: {a} packed, {b} alone");
    }
    let gradients = apart(&model, &packed.1, &alone.1);
    assert!(gradients <= 1e-5, "{gradients:.2e}");
}

#[test]
fn texts_that_see_each_other_would_be_seen() {
    let model = model();
    let (alone, leaking) = (losses(&model, &ALONE, false), losses(&model, &PACKED, true));
    // Texts 0, 3 and 4 have nothing before them.
    for i in [1, 2, 5] {
        assert!((leaking.0[i] - alone.0[i]).abs() > 1e-3 * alone.0[i], "text {i}: {} {}", leaking.0[i], alone.0[i]);
    }
    assert!(apart(&model, &leaking.1, &alone.1) > 1e-2);
}
