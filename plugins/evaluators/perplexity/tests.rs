//! Tests of perplexity.

use serde_json::{Value as Json, json};
use tongues_evaluator_perplexity::Perplexity;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Aggregate, Better, Draws, Evaluation, Evaluator, Finding, InMemory, Kind, Model, Record, Result, options, score};
use tongues_testkit::{Surroundings, ToyTokenizer, check_refusals, toy_model};

fn evaluated(given: Json, model: &Model, texts: &[&str]) -> Result<Finding> {
    let records = texts.iter().enumerate().map(|(i, text)| Record::of_text(format!("r{i}"), *text)).collect();
    let data = InMemory { name: "dev".into(), records };
    let evaluator: Perplexity = options("perplexity", given)?;
    let found = evaluator.evaluate(&mut Evaluation { model, data: &data, format: None, cx: &mut Surroundings::new(0) })?;
    Ok(found[0].clone())
}

fn value(finding: &Finding) -> f64 {
    let sum = |f: &dyn Fn(&tongues_kernel::Item) -> f64| finding.items.iter().map(f).sum::<f64>();
    (sum(&|i| i.value) / sum(&|i| i.weight)).exp()
}

#[test]
fn a_model_that_knows_nothing_hesitates_among_all_tokens() {
    let mut model = toy_model(Draws::new(1)).inference();
    let device = model.device();
    model.weights().set("lm_head.weight", Tensor::<2>::zeros([ToyTokenizer::SIZE, 16], &device)).unwrap();
    let found = evaluated(json!({}), &model, &["one", "two texts"]).unwrap();
    assert!((value(&found) - 259.0).abs() < 1e-2, "{}", value(&found));
    assert_eq!((found.metric.as_str(), found.better, found.aggregate, found.reference.as_deref()), ("perplexity", Better::Lower, Aggregate::ExpRatio, None));
}

#[test]
fn every_token_of_the_text_counts_once() {
    let model = toy_model(Draws::new(2));
    let text: String = ('a'..='z').cycle().take(100).collect();
    let row: Vec<u32> = std::iter::once(256).chain(text.bytes().map(u32::from)).collect();
    let windows = [row[..64].to_vec(), row[63..].to_vec()];
    let expected = -score::log_probabilities(&model, &windows, 1).unwrap().iter().flatten().map(|s| f64::from(*s)).sum::<f64>();
    let found = evaluated(json!({}), &model, &["é", &text]).unwrap();
    assert_eq!(found.items.iter().map(|i| i.weight).collect::<Vec<_>>(), [2.0, 100.0]);
    assert!((found.items[1].value - expected).abs() < 1e-5 * expected, "{} {expected}", found.items[1].value);
    assert_eq!(&*found.items[1].id, "r1");
}

#[test]
fn what_cannot_be_scored_is_named() {
    let refused = evaluated(json!({}), &toy_model(Draws::new(2)), &["a", ""]).unwrap_err().to_string();
    assert!(refused.starts_with("record r1, field `text`"), "{refused}");
    check_refusals(Kind::Evaluator, "perplexity", &json!({ "field": "text", "batch_tokens": 64 }));
}
