//! Tests of the evaluator `layer-entropy`.

use serde_json::{Value as Json, json};
use tongues_evaluator_layer_entropy::{LayerEntropy, proposal};
use tongues_kernel::{Call, Draws, Evaluation, Evaluator, Finding, InMemory, Kind, Laid, Model, Record, Result, Sequence, options, values};
use tongues_testkit::{Surroundings, ToyShape, check_refusals, randomise, toy_model};

const TEXTS: [&str; 4] = ["abc", "xyz q", "12345", "mendi"];

fn data(texts: &[&str]) -> InMemory {
    InMemory { name: "texts".into(), records: texts.iter().enumerate().map(|(i, t)| Record::of_text(format!("r{i}"), *t)).collect() }
}

fn evaluated(given: Json, model: &Model, texts: &[&str]) -> Result<(Vec<Finding>, Vec<String>)> {
    let evaluator: LayerEntropy = options("layer-entropy", given)?;
    let mut cx = Surroundings::new(1);
    let findings = evaluator.evaluate(&mut Evaluation { model, data: &data(texts), format: None, cx: &mut cx })?;
    Ok((findings, cx.notes))
}

/// Σ −p ln p at the places of a text behind its start, worked out from the logits of a model cut to `depth` blocks.
fn by_hand(model: &Model, text: &str, depth: usize) -> f64 {
    let ids = std::iter::once(256).chain(text.bytes().map(u32::from)).collect();
    let model = model.inference();
    let input = Laid::new([&Sequence::of("text", ids, 0.0)]).unwrap().input(model.spec().main(), &model.plain_device());
    let x = model.walk(&input, Some(depth), &mut model.pass(Call::default())).unwrap().x;
    let logits = model.read_out(x, true).unwrap();
    let vocabulary = logits.dims()[2];
    let entropy = |row: &[f32]| {
        let top = row.iter().copied().fold(f32::MIN, f32::max);
        let parts: Vec<f64> = row.iter().map(|l| f64::from(l - top).exp()).collect();
        let sum: f64 = parts.iter().sum();
        -parts.iter().map(|p| p / sum * (p / sum).ln()).sum::<f64>()
    };
    values(logits).chunks(vocabulary).skip(1).map(entropy).sum()
}

#[test]
fn every_layer_has_the_entropy_of_its_head() {
    let model = ToyShape { layers: 3, ..ToyShape::default() }.model(Draws::new(3));
    let (findings, _) = evaluated(json!({}), &model, &TEXTS).unwrap();
    assert_eq!(findings.iter().map(|f| f.metric.as_str()).collect::<Vec<_>>(), ["entropy@0", "entropy@1", "entropy@2", "entropy@3"]);
    for (depth, finding) in findings.iter().enumerate() {
        for (item, text) in finding.items.iter().zip(TEXTS) {
            let expected = by_hand(&model, text, depth);
            assert!((item.value - expected).abs() < 1e-4 * expected, "layer {depth}, {text}: {} instead of {expected}", item.value);
            assert_eq!(item.weight, text.len() as f64);
        }
    }
}

#[test]
fn a_head_that_knows_nothing_has_the_entropy_of_the_vocabulary() {
    let mut model = toy_model(Draws::new(3));
    randomise(&mut model, "lm_head", 0.0, Draws::new(0));
    let (findings, notes) = evaluated(json!({ "batch_tokens": 1 }), &model, &TEXTS).unwrap();
    for item in findings.iter().flat_map(|f| &f.items) {
        assert!((item.value / item.weight - 259f64.ln()).abs() < 1e-4);
    }
    assert_eq!(notes, ["Layer entropy on texts: no two marked drops (marked = 0.1), so no layers are proposed."]);
}

#[test]
fn scores_do_not_depend_on_batch_and_order() {
    let model = toy_model(Draws::new(4));
    let turned: Vec<&str> = TEXTS.iter().rev().copied().collect();
    let of = |given: Json, texts: &[&str]| evaluated(given, &model, texts).unwrap().0.into_iter().map(|f| f.items).collect::<Vec<_>>();
    let (one, many, back) = (of(json!({ "batch_tokens": 1 }), &TEXTS), of(json!({}), &TEXTS), of(json!({}), &turned));
    for ((one, many), back) in one.iter().zip(&many).zip(&back) {
        for (i, item) in one.iter().enumerate() {
            assert!((item.value - many[i].value).abs() < 1e-4 && (item.value - back[TEXTS.len() - 1 - i].value).abs() < 1e-4);
        }
    }
}

#[test]
fn the_rule_finds_the_end_of_the_first_drop_and_the_start_of_the_second() {
    // The shape of the paper's figure: a drop up to layer 2, a plain, a second drop behind layer 5.
    let curve = [10.0, 9.8, 7.0, 6.9, 7.0, 6.8, 5.0, 3.0, 2.9];
    assert_eq!(proposal(&curve, 0.1), Some((2, 5)));
    assert_eq!(proposal(&[10.0, 9.0, 7.0, 7.0, 5.0, 5.0], 0.1), Some((2, 3)));
    // A drop to the end, no drop, one that is not marked, and two without a layer between them.
    for flat in [&[5.0, 4.0, 3.0, 2.0][..], &[3.0; 5], &[], &[9.0], &[10.0, 5.0, 4.95, 4.9, 4.85]] {
        assert_eq!(proposal(flat, 0.1), None, "{flat:?}");
    }
    assert_eq!(proposal(&[10.0, 5.0, 4.9, 5.0, 4.0, 4.0], 0.5), None);
    assert_eq!(proposal(&[10.0, 5.0, 4.9, 5.0, 4.0, 4.0], 0.1), Some((1, 3)));
}

#[test]
fn wrong_data_and_options_are_named() {
    let model = toy_model(Draws::new(1));
    let refused = |texts: &[&str]| evaluated(json!({}), &model, texts).unwrap_err().to_string();
    assert!(refused(&[]).starts_with("data `texts`: expected at least one record"));
    assert!(refused(&["a", ""]).starts_with("record r1, field `text`: expected a text of at least one token"));
    let long = evaluated(json!({}), &model, &[&"x".repeat(100)]).unwrap().0;
    assert_eq!(long[0].items[0].weight, 63.0, "cut to the model's 64 positions, start included");
    check_refusals(Kind::Evaluator, "layer-entropy", &json!({ "field": "text", "marked": 0.2, "batch_tokens": 64 }));
}
