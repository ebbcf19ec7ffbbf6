//! Tests of the evaluator `parallel-alignment`.

use serde_json::{Value as Json, json};
use tongues_evaluator_parallel_alignment::{ParallelAlignment, nearest};
use tongues_kernel::{Call, Draws, Evaluation, Evaluator, Finding, InMemory, Kind, Laid, Model, Record, Result, Sequence, Value, options, values};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

const PAIRS: [(&str, &str); 5] = [("abc", "abd"), ("xyz q", "xyz r"), ("1", "12 3"), ("mendi", "etxe"), ("bat", "bi")];

fn data(pairs: &[(&str, &str)]) -> InMemory {
    let record = |(i, (text, other)): (usize, &(&str, &str))| {
        let mut record = Record::of_text(format!("r{i}"), *text);
        record.fields.insert("text_en".into(), Value::Text((*other).into()));
        record
    };
    InMemory { name: "pairs".into(), records: pairs.iter().enumerate().map(record).collect() }
}

fn evaluated(given: Json, pairs: &[(&str, &str)]) -> Result<Vec<Finding>> {
    let mut all = json!({ "other": "text_en" });
    all.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    let evaluator: ParallelAlignment = options("parallel-alignment", all)?;
    evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data: &data(pairs), format: None, cx: &mut Surroundings::new(1) })
}

fn scores(findings: &[Finding], metric: &str) -> Vec<f64> {
    let found = findings.iter().find(|f| f.metric == metric).unwrap_or_else(|| panic!("no {metric}"));
    found.items.iter().map(|i| i.value).collect()
}

/// The mean state of a text behind its start, which is left out.
fn by_hand(model: &Model, text: &str, depth: usize) -> Vec<f64> {
    let ids = std::iter::once(256).chain(text.bytes().map(u32::from)).collect();
    let input = Laid::new([&Sequence::of("text", ids, 0.0)]).unwrap().input(model.spec().main(), &model.plain_device());
    let x = model.walk(&input, Some(depth), &mut model.pass(Call::default())).unwrap().x;
    let width = x.dims()[2];
    let states: Vec<Vec<f32>> = values(x).chunks(width).skip(1).map(<[f32]>::to_vec).collect();
    (0..width).map(|d| states.iter().map(|s| f64::from(s[d])).sum::<f64>() / states.len() as f64).collect()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn every_layer_has_the_cosines_of_its_mean_states() {
    let (model, findings) = (toy_model(Draws::new(1)).inference(), evaluated(json!({}), &PAIRS).unwrap());
    assert_eq!(findings.len(), 2 * 3);
    for layer in 1..=2 {
        let vectors: Vec<_> = PAIRS.iter().map(|(a, b)| (by_hand(&model, a, layer), by_hand(&model, b, layer))).collect();
        let own = scores(&findings, &format!("cosine@{layer}"));
        let strangers = scores(&findings, &format!("shuffled-cosine@{layer}"));
        let accuracy = scores(&findings, &format!("accuracy@{layer}"));
        for (i, (a, b)) in vectors.iter().enumerate() {
            assert!((own[i] - cosine(a, b)).abs() < 1e-5, "layer {layer}, pair {i}");
            let all: Vec<f64> = vectors.iter().map(|(_, other)| cosine(a, other)).collect();
            let stranger = all.iter().enumerate().position(|(k, c)| k != i && (c - strangers[i]).abs() < 1e-5);
            assert!(stranger.is_some(), "layer {layer}: pair {i} is shuffled with none of the others");
            let first = all.iter().all(|c| *c <= all[i]);
            assert_eq!(accuracy[i], f64::from(u8::from(first)));
        }
    }
}

#[test]
fn equal_texts_are_parallel_and_shuffled_ones_are_not() {
    let same: Vec<(&str, &str)> = PAIRS.iter().map(|(text, _)| (*text, *text)).collect();
    let found = evaluated(json!({ "layers": [2] }), &same).unwrap();
    assert!(scores(&found, "cosine@2").iter().all(|c| (c - 1.0).abs() < 1e-5));
    assert_eq!(scores(&found, "accuracy@2"), [1.0; 5]);
    assert!(scores(&found, "shuffled-cosine@2").iter().all(|c| *c < 0.999), "{:?}", scores(&found, "shuffled-cosine@2"));
}

#[test]
fn equally_near_texts_share_the_accuracy() {
    assert_eq!(nearest(&[0.1, 0.9, 0.3], 1), 1.0);
    assert_eq!(nearest(&[0.1, 0.9, 0.3], 2), 0.0);
    assert_eq!(nearest(&[0.9, 0.9, 0.3], 1), 0.5);
    let collapsed = [("a", "same"), ("b", "same"), ("c", "same"), ("d", "same")];
    assert_eq!(scores(&evaluated(json!({ "layers": [1] }), &collapsed).unwrap(), "accuracy@1"), [0.25; 4]);
}

#[test]
fn scores_do_not_depend_on_the_batch() {
    let (one, many) = (evaluated(json!({ "batch_tokens": 1 }), &PAIRS).unwrap(), evaluated(json!({}), &PAIRS).unwrap());
    for (a, b) in one.iter().zip(&many) {
        assert!(a.items.iter().zip(&b.items).all(|(a, b)| (a.value - b.value).abs() < 1e-5), "{}", a.metric);
    }
}

#[test]
fn wrong_data_and_options_are_named() {
    let refused = |given: Json, pairs: &[(&str, &str)]| evaluated(given, pairs).unwrap_err().to_string();
    assert!(refused(json!({}), &PAIRS[..1]).starts_with("data `pairs`: expected at least two records"));
    assert!(refused(json!({}), &[("a", "b"), ("c", "")]).starts_with("record r1, field `text_en`: expected a text of at least one token"));
    assert!(refused(json!({ "field": "body" }), &PAIRS).starts_with("record r0, field `body`"));
    for layer in [0, 3] {
        assert!(refused(json!({ "layers": [layer] }), &PAIRS).starts_with("layers: expected layers from 1"), "layer {layer}");
    }
    let long = "x".repeat(64);
    assert!(refused(json!({}), &[("a", "b"), ("c", &long)]).starts_with("record r1, field `text_en`: expected a text of at most 64 tokens"));
    let all = json!({ "field": "f", "other": "o", "other_language": "l", "layers": [1], "batch_tokens": 64 });
    check_refusals(Kind::Evaluator, "parallel-alignment", &all);
}
