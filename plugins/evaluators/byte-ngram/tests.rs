//! Tests of byte-ngram.

use serde_json::{Value as Json, json};
use tongues_evaluator_byte_ngram::{ByteModel, ByteNgram};
use tongues_kernel::{Aggregate, Better, Draws, Evaluation, Evaluator, Finding, InMemory, Kind, Record, Result, build, options};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

fn model(order: usize, texts: &[&str]) -> ByteModel {
    let mut model = ByteModel::new(order).unwrap();
    texts.iter().for_each(|text| model.learn(text.as_bytes()));
    model
}

fn evaluated(given: Json, train: &[&str], texts: &[&str]) -> Result<Finding> {
    let records = texts.iter().enumerate().map(|(i, text)| Record::of_text(format!("r{i}"), *text)).collect();
    let data = InMemory { name: "dev".into(), records };
    let mut cx = Surroundings::new(0).with_texts(train.iter().copied());
    let evaluator: ByteNgram = options("byte-ngram", given)?;
    assert!(evaluator.ignores_model());
    let found = evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data: &data, format: None, cx: &mut cx })?;
    Ok(found[0].clone())
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-12 * b.abs(), "{a} {b}");
}

#[test]
fn probabilities_of_all_bytes_sum_to_one() {
    for order in 0..=8 {
        let model = model(order, &["mendi eta mendi", "etxe zuria da", "бөл бөл", "m"]);
        for before in ["", "m", "me", "mendi eta men", "бө", "never seen", "en", "zuria d"] {
            let sum: f64 = (0..=255).map(|byte| model.probability(before.as_bytes(), byte)).sum();
            assert!((sum - 1.0).abs() < 1e-9, "order {order} behind {before:?}: {sum}");
        }
    }
}

#[test]
fn a_small_case_worked_out_by_hand() {
    // Of "aab" and "b": a twice, b twice at the empty context, two kinds.
    let u = 1.0 / 256.0;
    let model = model(1, &["aab", "b"]);
    let empty = |count: f64| (count + 2.0 * u) / (4.0 + 2.0);
    // At the beginning of a text: a once, b once, two kinds.
    near(model.probability(b"", b'a'), (1.0 + 2.0 * empty(2.0)) / (2.0 + 2.0));
    near(model.probability(b"", b'c'), 2.0 * empty(0.0) / (2.0 + 2.0));
    // Behind a: a once, b once.
    near(model.probability(b"xa", b'b'), (1.0 + 2.0 * empty(2.0)) / (2.0 + 2.0));
    // Nothing ever stood behind b.
    near(model.probability(b"ab", b'a'), empty(2.0));
    near(model.bits(b"ac"), -model.probability(b"", b'a').log2() - model.probability(b"a", b'c').log2());
}

#[test]
fn longer_contexts_extend_shorter_ones() {
    // Order 2 of "abac": behind "a" come b and c, behind "ba" only c, and behind the beginning only a, then b behind that.
    let u = 1.0 / 256.0;
    let model = model(2, &["abac"]);
    let empty = |count: f64| (count + 3.0 * u) / (4.0 + 3.0);
    let a = |count: f64, p: f64| (count + 2.0 * p) / (2.0 + 2.0);
    let once = |count: f64, p: f64| (count + p) / (1.0 + 1.0);
    near(model.probability(b"ba", b'c'), once(1.0, a(1.0, empty(1.0))));
    near(model.probability(b"xa", b'c'), a(1.0, empty(1.0)));
    near(model.probability(b"a", b'b'), once(1.0, a(1.0, empty(1.0))));
    near(model.probability(b"a", b'c'), once(0.0, a(1.0, empty(1.0))));
    near(model.probability(b"", b'a'), once(1.0, empty(2.0)));
}

#[test]
fn without_counts_every_byte_is_alike_and_order_0_has_no_context() {
    near(model(3, &[]).bits("é!".as_bytes()), 24.0);
    let zero = model(0, &["aab"]);
    near(zero.probability(b"", b'a'), zero.probability(b"zzz", b'a'));
    near(zero.probability(b"", b'a'), (2.0 + 2.0 / 256.0) / 5.0);
}

#[test]
fn zero_bytes_are_bytes_and_the_longest_contexts_are_told_apart() {
    let model = model(8, &["\0\0a", "\0b"]);
    assert!(model.probability(b"\0\0", b'a') > 0.5);
    assert!(model.probability(b"\0", b'b') > model.probability(b"\0", b'a'));
    let mut eight = ByteModel::new(8).unwrap();
    eight.learn(b"x12345678a");
    assert!(eight.probability(b"y12345678", b'a') > eight.probability(b"yz2345678", b'a'));
    // Neighbouring bytes do not run into each other.
    let mut two = ByteModel::new(2).unwrap();
    two.learn(b"x\x01\x00a");
    near(two.probability(b"x\x00\x80", b'a'), two.probability(b"xyz", b'a'));
    assert!(ByteModel::new(9).is_err());
}

#[test]
fn a_higher_order_helps_on_text_that_repeats() {
    let train = "the cat sat on the mat and the dog sat on the cat. ".repeat(20);
    let bits: Vec<f64> = (0..=4).map(|order| model(order, &[&train]).bits(b"the mat and the dog sat on the cat. the cat sat on")).collect();
    assert!(bits.windows(2).all(|pair| pair[1] < pair[0]), "{bits:?}");
    assert!(bits[4] < bits[0] / 2.0);
}

#[test]
fn the_finding_has_the_form_of_bits_per_byte_and_a_row_of_its_own() {
    let found = evaluated(json!({ "order": 2, "train": "train" }), &["aab", "é"], &["ab", "éa"]).unwrap();
    assert_eq!((found.metric.as_str(), found.better, found.aggregate), ("bits_per_byte", Better::Lower, Aggregate::Ratio));
    assert_eq!(found.reference.as_deref(), Some("byte-ngram order 2"));
    let counted = model(2, &["aab", "é"]);
    assert_eq!(found.items.iter().map(|i| (i.value, i.weight)).collect::<Vec<_>>(), [(counted.bits(b"ab"), 2.0), (counted.bits("éa".as_bytes()), 3.0)]);
    let again = evaluated(json!({ "order": 2, "train": "train" }), &["aab", "é"], &["ab", "éa"]).unwrap();
    assert_eq!(found.items, again.items);
}

#[test]
fn what_cannot_be_counted_or_scored_is_named() {
    let refused = |train: &[&str], texts: &[&str]| evaluated(json!({ "train": "train" }), train, texts).unwrap_err().to_string();
    assert!(refused(&["a"], &["a", ""]).starts_with("record r1, field `text`"));
    assert!(refused(&[""], &["a"]).starts_with("byte-ngram: train `train`"));
    assert!(refused(&["a"], &[]).starts_with("data `dev`"));
    check_refusals(Kind::Evaluator, "byte-ngram", &json!({ "order": 3, "train": "train", "field": "text" }));
    let problem = |given: Json| build(Kind::Evaluator, "byte-ngram", given, &mut Surroundings::new(0)).err().unwrap().to_string();
    assert!(problem(json!({ "order": 9, "train": "train" })).contains("at most 8"));
    assert!(problem(json!({ "order": 3 })).contains("train"));
}
