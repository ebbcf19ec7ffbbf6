//! Tests of retrieval.

use serde_json::{Value as Json, json};
use tongues_evaluator_retrieval::{Retrieval, rankings};
use tongues_kernel::{Draws, Evaluation, Evaluator, Finding, InMemory, Kind, Record, Result, Value, options};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

fn data(pairs: &[(&str, &str)]) -> InMemory {
    let record = |(i, (text, other)): (usize, &(&str, &str))| {
        let mut record = Record::of_text(format!("r{i}"), *text);
        record.fields.insert("other".into(), Value::Text((*other).into()));
        record
    };
    InMemory { name: "pairs".into(), records: pairs.iter().enumerate().map(record).collect() }
}

fn evaluated(given: Json, data: &InMemory) -> Result<Vec<Finding>> {
    let mut all = json!({ "document": "other" });
    all.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    let evaluator: Retrieval = options("retrieval", all)?;
    evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data, format: None, cx: &mut Surroundings::new(1) })
}

const PAIRS: [(&str, &str); 4] = [("abc", "abd"), ("xyz q", "xyz r"), ("1", "12 3"), ("mendi", "etxe")];

#[test]
fn rankings_worked_out_from_known_vectors() {
    let unit = |angle: f32| vec![angle.cos(), angle.sin()];
    let (queries, documents) = ([0.0, 0.5, 1.0].map(unit), [0.1, 0.95, 0.6].map(unit));
    let found = rankings(&queries, &documents).unwrap();
    // 0.0: nearest is the first. 0.5: the third (0.1), the first (0.4), its own (0.45). 1.0: the second, its own (0.4).
    assert_eq!(found.iter().map(|r| r.reciprocal_rank(None)).collect::<Vec<_>>(), [1.0, 1.0 / 3.0, 0.5]);
    assert_eq!(found.iter().map(|r| r.recall(2)).collect::<Vec<_>>(), [1.0, 0.0, 1.0]);
    assert!((found[2].ndcg(Some(2)) - 1.0 / 3f64.log2()).abs() < 1e-12);
}

#[test]
fn a_text_finds_itself_first() {
    let same: Vec<(&str, &str)> = PAIRS.iter().map(|(text, _)| (*text, *text)).collect();
    let found = evaluated(json!({ "k": [1] }), &data(&same)).unwrap();
    assert_eq!(found.iter().map(|f| f.metric.as_str()).collect::<Vec<_>>(), ["mrr", "ndcg@1", "recall@1"]);
    assert!(found.iter().all(|f| f.items.iter().all(|i| i.value == 1.0)));
}

#[test]
fn states_depend_on_the_layer_and_not_on_batch_and_order() {
    let ranks = |given: Json, data: &InMemory| evaluated(given, data).unwrap()[0].items.iter().map(|i| i.value).collect::<Vec<f64>>();
    let all = data(&PAIRS);
    let turned = InMemory { records: all.records.iter().rev().cloned().collect(), ..all.clone() };
    let (one, many, mut back) = (ranks(json!({ "batch_tokens": 1 }), &all), ranks(json!({}), &all), ranks(json!({}), &turned));
    back.reverse();
    assert_eq!((&one, &one), (&many, &back));
    assert!(evaluated(json!({ "layer": 3 }), &all).is_err(), "the toy has two blocks");
    assert_eq!(ranks(json!({ "layer": 2 }), &all), one);
}

#[test]
fn wrong_data_and_options_are_named() {
    let refused = |data: &InMemory| evaluated(json!({}), data).unwrap_err().to_string();
    assert!(refused(&data(&PAIRS[..1])).starts_with("data `pairs`: expected at least two records"));
    assert!(refused(&data(&[("a", "b"), ("", "c")])).starts_with("record r1, field `text`: expected a text of at least one token"));
    let long = "x".repeat(64);
    assert!(refused(&data(&[("a", "b"), ("c", &long)])).starts_with("record r1, field `other`: expected a text of at most 64 tokens"));
    check_refusals(Kind::Evaluator, "retrieval", &json!({ "query": "q", "document": "d", "document_language": "l", "layer": 1, "k": [1], "batch_tokens": 64 }));
}
