//! An encoder bridged into the embeddings (as in MindMerger, Huang et al. 2024): its states, mapped, stand before the text;
//! pads are squeezed out, so rows change their lengths and `origin` says where the tokens went.

use super::tools::*;
use super::toy::{WIDTH, network, toy};
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::*;

#[derive(Module, Debug)]
struct Bridge {
    encoder: erased::Dyn<dyn Backbone>,
    map: Linear,
}

fn flags(valid: &Tensor<2, Bool>) -> Vec<bool> {
    valid.clone().int().into_data().convert::<i64>().try_to_vec::<i64>().unwrap().into_iter().map(|v| v == 1).collect()
}

fn ints(rows: &[Vec<i64>], device: &Device) -> Tensor<2, Int> {
    Tensor::from_data(TensorData::new(rows.concat(), [rows.len(), rows[0].len()]), device)
}

impl Bridge {
    /// The encoder's own stream where there is one, else the text itself.
    fn source(pass: &Pass<'_>) -> Result<Input> {
        if pass.input.streams.contains_key(&Stack::Encoder) {
            return Ok(pass.input.clone());
        }
        let text = pass.input.stream(Stack::Decoder)?.clone();
        Ok(Input::of(Stack::Encoder, Stream { valid: pass.present.clone(), segments: None, ..text }))
    }
}

impl Part for Bridge {
    fn embed(&self, hidden: Hidden, pass: &mut Pass<'_>) -> Result<Hidden> {
        if pass.cache.as_ref().is_some_and(|c| c.length > 0) {
            return Ok(hidden);
        }
        let source = Self::source(pass)?;
        let seen = encode(&*self.encoder, &source, pass)?;
        let ([batch, before, _], [_, after, width]) = (seen.x.dims(), hidden.x.dims());
        let both = Tensor::cat(vec![self.map.forward(seen.x.clone()), hidden.x.clone()], 1);
        let text = pass.present.clone().unwrap_or_else(|| hidden.valid_or_all());
        let (seen, text) = (flags(&seen.valid_or_all()), flags(&text));
        let kept: Vec<Vec<usize>> = (0..batch)
            .map(|r| (0..before).filter(|t| seen[r * before + t]).chain((0..after).filter(|t| text[r * after + t]).map(|t| before + t)).collect())
            .collect();
        let longest = kept.iter().map(Vec::len).max().unwrap();
        let device = both.device().without_autodiff();
        let fill = |pad: i64, of: &dyn Fn(usize, usize) -> i64| -> Vec<Vec<i64>> {
            kept.iter().enumerate().map(|(r, k)| (0..longest).map(|t| k.get(t).map_or(pad, |p| of(r, *p))).collect()).collect()
        };
        let places: Vec<i64> = hidden.positions.clone().into_data().convert::<i64>().try_to_vec().unwrap();
        let index = ints(&fill(0, &|_, p| p as i64), &device).reshape([batch, longest, 1]).expand([batch, longest, width]);
        Ok(Hidden {
            x: both.gather(1, index),
            valid: Some(ints(&fill(0, &|_, _| 1), &device).equal_elem(1)),
            positions: ints(&fill(0, &|r, p| if p < before { 0 } else { places[r * after + p - before] }), &device),
            segments: None,
            origin: Some(ints(&fill(-1, &|_, p| if p < before { -1 } else { (p - before) as i64 }), &device)),
        })
    }
    fn starts_as_identity(&self) -> bool {
        false
    }
}

fn bridged() -> Model {
    let mut model = toy(1);
    let map = Linear::new(Draws::new(3).normal_tensor([WIDTH, WIDTH], 0.4, &Device::flex().autodiff()), None);
    model.attach("bridge", vec![], Bridge { encoder: erased::Dyn(Box::new(network(7, Stack::Encoder, 2))), map }).unwrap();
    model
}

const SOURCES: [&[u32]; 2] = [&[8, 7], &[1, 9, 5, 2]];
const TEXTS: [&[u32]; 2] = [&[1, 2, 3, 4, 5], &[6, 7, 8]];

fn pair_batch(rows: &[usize]) -> Batch {
    let mut batch = batch(&rows.iter().map(|r| TEXTS[*r]).collect::<Vec<_>>());
    for (example, r) in batch.examples.iter_mut().zip(rows) {
        example.sequences.insert("source".into(), Sequence::of("source", SOURCES[*r].to_vec(), 0.0));
    }
    batch
}

fn run(model: &Model, batch: &Batch) -> Output {
    let others = BTreeMap::new();
    let mut step = Step::new(model, &others, batch, Draws::new(0));
    step.run_with(model, "text", &[(Stack::Encoder, "source")], &Run::default()).unwrap()
}

/// Log-probabilities of one text after one source, by hand: encoder, map, concatenation, backbone without parts.
fn by_hand(model: &Model, source: &[u32], text: &[u32]) -> Vec<f32> {
    let device = model.plain_device();
    let bridge = model.net.parts.list()[0].part.downcast_ref::<Bridge>().unwrap();
    let none = Parts::default();
    let seen = encode(&*bridge.encoder, &laid(&[source]).input(Stack::Encoder, &device), &mut Pass::new(&none, Call::default())).unwrap();
    let embedded = model.net.backbone.embed(&laid(&[text]).input(Stack::Decoder, &device), &mut Pass::new(&none, Call::default())).unwrap();
    let rows = Tensor::cat(vec![bridge.map.forward(seen.x), embedded.x], 1);
    let length = rows.dims()[1];
    let zeros = Tensor::<2, Int>::zeros([1, length], &device);
    let stream = Stream { ids: zeros.clone(), rows: Some(rows), valid: None, positions: zeros, segments: None };
    let logits = model.logits(&Input::of(Stack::Decoder, stream), Call { view: View::None, ..Call::default() }).unwrap();
    let all = values(burn::tensor::activation::log_softmax(logits, 2));
    (1..text.len()).map(|t| all[(source.len() + t - 1) * 11 + text[t] as usize]).collect()
}

#[test]
fn lengths_change_and_origin_and_labels_follow() {
    let model = bridged();
    let out = run(&model, &pair_batch(&[0, 1]));
    assert_eq!(out.hidden.x.dims(), [2, 7, WIDTH]);
    let read = |t: Tensor<2, Int>| t.into_data().convert::<i64>().try_to_vec::<i64>().unwrap();
    assert_eq!(read(out.hidden.origin.clone().unwrap()), [-1, -1, 0, 1, 2, 3, 4, -1, -1, -1, -1, 0, 1, 2]);
    let weights: Vec<f32> = values(out.weights.clone());
    assert_eq!(weights, [0., 0., 1., 1., 1., 1., 0., 0., 0., 0., 0., 1., 1., 0.]);
    assert_eq!(read(out.labels.clone())[2..6], [2, 3, 4, 5]);
    assert_eq!(read(out.labels.clone())[11..13], [7, 8]);
    let expected: f32 = (0..2).map(|r| by_hand(&model, SOURCES[r], TEXTS[r]).iter().sum::<f32>()).sum();
    close(&values(cross_entropy(&model, &out, false)), &[-expected], 1e-5);
}

#[test]
fn scores_and_sessions_follow_the_moved_tokens() {
    let model = bridged();
    let scores = score::log_probabilities(&model, &TEXTS.map(<[u32]>::to_vec), 1000).unwrap();
    for (text, found) in TEXTS.iter().zip(&scores) {
        close(found, &by_hand(&model, text, text), 1e-5);
    }
    // A session bridges its prompt once; what is pushed afterwards is text only.
    let (mut session, _) = Session::open(&model, &TEXTS).unwrap();
    let found = [session.push(&[9, 9]).unwrap(), session.push(&[3, 4]).unwrap()];
    for (r, text) in TEXTS.iter().enumerate() {
        let mut whole = text.to_vec();
        whole.extend([9, [3, 4][r], 10]);
        let expected = by_hand(&model, text, &whole);
        let n = expected.len();
        assert!((values(found[0].clone())[r * 11 + [3, 4][r]] - expected[n - 2]).abs() < 1e-5);
        assert!((values(found[1].clone())[r * 11 + 10] - expected[n - 1]).abs() < 1e-5);
    }
}

#[test]
fn the_gradient_reaches_the_bridge_and_its_encoder() {
    let mut model = bridged();
    train_only(&mut model, &["parts.*"]);
    let batch = pair_batch(&[0, 1]);
    let found = gradients_of(&model, cross_entropy(&model, &run(&model, &batch), false));
    assert_eq!(found.len(), 2 + 12 + 1 + 1, "{:?}", found.keys());
    assert!(found.keys().all(|n| n.starts_with("parts.bridge.")));
    let name = "parts.bridge.encoder.model.layers.0.mlp.up_proj.weight";
    let at = 5;
    let loss = |step: f32| {
        let mut moved = model.clone();
        let part = &mut moved.net.parts.list_mut()[0].part;
        let mut saved = saved_values(part);
        saved.get_mut("encoder.model.layers.0.mlp.up_proj.weight").unwrap().1[at] += step;
        restore_values(part, "", &saved).unwrap();
        f64::from(values(cross_entropy(&moved, &run(&moved, &batch), false))[0])
    };
    let slope = (loss(1e-2) - loss(-1e-2)) / 2e-2;
    assert!(slope.abs() > 1e-3 && (f64::from(found[name][at]) - slope).abs() < 1e-2 * slope.abs().max(0.1), "{} {slope}", found[name][at]);
}
