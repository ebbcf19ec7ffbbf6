//! The terms of dft from their formulas: one text at a time, no padding, head and norm as constants.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use tongues_backbone_gemma2 as _;
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::activation::log_softmax;
use tongues_kernel::policy::tensor_names;
use tongues_kernel::{Built, Call, Draws, Init, Kind, Laid, Model, Record, Sequence, Value, build, values};
use tongues_testkit::{Surroundings, ToyTokenizer, randomise, snapshot};

type Pair = (&'static str, &'static str, &'static str, &'static str);

/// Query, answer, English query, English answer. No query and no answer begins or ends as its English form does.
pub const PAIRS: [Pair; 3] = [("non dago", "hor", "where is it", "there"), ("nor", "hura da", "who is he?", "it is him"), ("zer hau", "bost", "what", "fiv")];
const BOS: u32 = 256;
const EOS: u32 = 257;

/// A pair as a record.
pub fn record((prompt, response, prompt_en, response_en): Pair) -> Record {
    let fields = [("prompt", prompt), ("response", response), ("prompt_en", prompt_en), ("response_en", response_en)];
    let fields = fields.into_iter().map(|(name, text)| (name.into(), Value::Text(text.into()))).collect();
    Record { id: prompt.into(), language: Some("eus".into()), fields, ..Record::default() }
}

/// A term of the loss.
#[derive(Clone, Copy)]
pub enum Term {
    /// −ln P of the English query (or answer) behind the query.
    Forced { depth: usize, answers: bool, norm: bool },
    /// −ln P of English tokens at the places of the target's.
    Aligned { depth: usize, answers: bool },
    /// 1 − cos of what the spans (query, answer) are pooled to.
    Feature { here: usize, there: usize, span: [bool; 2], last: bool, still: bool, shared: bool },
}

/// The sum over all pairs, and its gradients.
pub fn by_hand(model: &Model, term: Term) -> (f64, BTreeMap<String, Vec<f32>>) {
    let sum = PAIRS.iter().map(|pair| of_pair(model, term, pair)).reduce(|a, b| a + b).unwrap();
    let value = f64::from(values(sum.clone())[0]);
    (value, gradients_of(model, &GradientsParams::from_module(&mut sum.backward(), &model.net)))
}

fn of_pair(model: &Model, term: Term, (x, y, x_en, y_en): &Pair) -> Tensor<1> {
    match term {
        Term::Forced { depth, answers, norm } => {
            let learned: Vec<u32> = if answers { bytes(y_en).chain([EOS]).collect() } else { bytes(x_en).collect() };
            let ids: Vec<u32> = std::iter::once(BOS).chain(bytes(x)).chain(learned.iter().copied()).collect();
            let pairs: Vec<(usize, u32)> = learned.iter().enumerate().map(|(n, id)| (x.len() + n, *id)).collect();
            surprise(model, state(model, ids, depth), &pairs, norm)
        }
        Term::Aligned { depth, answers } => {
            // The start is place 0, the query begins at 1, the answer behind it; what predicts a token stands before it.
            let pairs: Vec<(usize, u32)> = if answers {
                bytes(y_en).chain([EOS]).take(y.len() + 1).enumerate().map(|(n, id)| (x.len() + n, id)).collect()
            } else {
                bytes(x_en).take(x.len()).enumerate().map(|(n, id)| (1 + n, id)).collect()
            };
            surprise(model, state(model, whole(x, y), depth), &pairs, true)
        }
        Term::Feature { here, there, span, last, still, shared } => {
            let vector = |x: &str, y: &str, depth| {
                // The end is in both languages; it is in the span only where what is shared is.
                let all = [1..1 + x.len(), 1 + x.len()..1 + x.len() + y.len() + usize::from(shared)];
                let from = if span[0] { all[0].start } else { all[1].start };
                let to = if span[1] { all[1].end } else { all[0].end };
                pool(state(model, whole(x, y), depth), if last { to - 1..to } else { from..to })
            };
            let (a, b) = (vector(x, y, here), vector(x_en, y_en, there));
            let b = if still { Tensor::from_inner(b.without_autodiff()) } else { b };
            let dot = |a: &Tensor<1>, b: &Tensor<1>| (a.clone() * b.clone()).sum();
            (dot(&a, &b) / (dot(&a, &a).sqrt() * dot(&b, &b).sqrt())).neg() + 1.0
        }
    }
}

fn bytes(text: &str) -> impl Iterator<Item = u32> + '_ {
    text.bytes().map(u32::from)
}

fn whole(x: &str, y: &str) -> Vec<u32> {
    std::iter::once(BOS).chain(bytes(x)).chain(bytes(y)).chain([EOS]).collect()
}

/// The states behind `depth` blocks `[time, width]`.
fn state(model: &Model, ids: Vec<u32>, depth: usize) -> Tensor<2> {
    let input = Laid::new([&Sequence::of("text", ids, 0.0)]).unwrap().input(model.spec().main(), &model.plain_device());
    let x = model.walk(&input, Some(depth), &mut model.pass(Call::default())).unwrap().x;
    let [_, time, width] = x.dims();
    x.reshape([time, width])
}

fn pool(x: Tensor<2>, range: Range<usize>) -> Tensor<1> {
    let width = x.dims()[1];
    x.slice([range, 0..width]).mean_dim(0).reshape([width])
}

/// Σ −ln p(token) at places, through norm and head as they are now.
fn surprise(model: &Model, x: Tensor<2>, pairs: &[(usize, u32)], norm: bool) -> Tensor<1> {
    let (weights, width) = (snapshot(model, ""), x.dims()[1]);
    let constant = |values: &[f32], shape: [usize; 2]| Tensor::<2>::from_data(TensorData::new(values.to_vec(), shape), &model.plain_device());
    let head = weights.get("lm_head.weight").unwrap_or_else(|| &weights["model.embed_tokens.weight"]);
    let head = constant(head, [head.len() / width, width]);
    let normed = x.clone() / (x.clone().powi_scalar(2).mean_dim(1) + 1e-6).sqrt() * Tensor::from_inner(constant(&weights["model.norm.weight"], [1, width]));
    let logits = if norm { normed } else { x }.matmul(Tensor::from_inner(head.transpose()));
    picked(log_softmax(logits, 1), pairs)
}

fn picked(logs: Tensor<2>, pairs: &[(usize, u32)]) -> Tensor<1> {
    let at = |(place, id): &(usize, u32)| logs.clone().slice([*place..place + 1, *id as usize..*id as usize + 1]).sum();
    pairs.iter().map(at).reduce(|a, b| a + b).unwrap().neg()
}

/// Gradients by tensor name.
pub fn gradients_of(model: &Model, grads: &GradientsParams) -> BTreeMap<String, Vec<f32>> {
    let of = |e: &tongues_kernel::Entry| if e.shape.len() == 1 { grads.get::<1>(e.id).map(values) } else { grads.get::<2>(e.id).map(values) };
    tensor_names(model).iter().filter_map(|e| Some((e.name.clone(), of(e)?))).collect()
}

/// The same tensors have gradients, and the same ones.
pub fn near(what: &str, found: &BTreeMap<String, Vec<f32>>, expected: &BTreeMap<String, Vec<f32>>) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{what}: what has a gradient");
    for (name, expected) in expected {
        let largest = expected.iter().fold(0f32, |m, g| m.max(g.abs()));
        let gap = found[name].iter().zip(expected).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
        assert!(gap <= 1e-3 * largest + 1e-6, "{what}: gradient of {name} is {gap:e} away, its largest entry is {largest:e}");
    }
}

/// A small gemma2 of three layers with this cap of its logits.
pub fn capped(cap: Json) -> Model {
    let config = json!({
        "vocab_size": ToyTokenizer::SIZE, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2,
        "num_key_value_heads": 1, "head_dim": 8, "query_pre_attn_scalar": 8, "max_position_embeddings": 64, "final_logit_softcapping": cap,
    });
    let mut surroundings = Surroundings::new(0);
    let Ok(Built::Backbone(family)) = build(Kind::Backbone, "gemma2", config, &mut surroundings) else { panic!("gemma2 cannot be built") };
    let init = Init { device: surroundings.device.clone(), draws: Some(Draws::new(1)) };
    let mut model = Model::new(family.build(&init).unwrap(), Arc::new(ToyTokenizer::default()));
    randomise(&mut model, "", 0.3, Draws::new(2));
    model
}

/// The conversion term at layer 1 with logits capped here.
pub fn capped_by_hand(model: &Model, cap: f64) -> f64 {
    let one = |(x, _, x_en, _): &Pair| {
        let ids: Vec<u32> = std::iter::once(BOS).chain(bytes(x)).chain(bytes(x_en)).collect();
        let x_state = state(model, ids, 1);
        let [time, width] = x_state.dims();
        let logits = model.read_out(x_state.reshape([1, time, width]), true).unwrap();
        let logits = (logits / cap).tanh() * cap;
        let pairs: Vec<(usize, u32)> = bytes(x_en).enumerate().map(|(n, id)| (x.len() + n, id)).collect();
        f64::from(values(picked(log_softmax(logits.reshape([time, ToyTokenizer::SIZE]), 1), &pairs))[0])
    };
    PAIRS.iter().map(one).sum()
}
