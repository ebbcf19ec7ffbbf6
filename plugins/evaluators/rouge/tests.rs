//! Tests of rouge.

use serde_json::{Value as Json, json};
use tongues_evaluator_rouge::Rouge;
use tongues_kernel::{Draws, Evaluation, Evaluator, Finding, InMemory, Kind, Record, Result, Value, options};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

fn evaluated(given: Json, text: &str, references: &[&str]) -> Result<Vec<Finding>> {
    let list = Value::List(references.iter().map(|r| Value::Text((*r).into())).collect());
    let fields = [("given".into(), Value::Text(text.into())), ("right".into(), list)].into();
    let data = InMemory { name: "sums".into(), records: vec![Record { id: "r".into(), fields, ..Record::default() }] };
    let evaluator: Rouge = options("rouge", given)?;
    evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data: &data, format: None, cx: &mut Surroundings::new(1) })
}

fn values(found: &[Finding]) -> Vec<(&str, f64)> {
    found.iter().map(|f| (f.metric.as_str(), (f.items[0].value * 1e6).round() / 1e6)).collect()
}

#[test]
fn a_text_worked_out_by_hand() {
    // Five words of six are shared (F = 5/6), of five pairs three, and in order "the cat on the mat".
    let found = evaluated(json!({ "written": "given", "references": "right" }), "the cat sat on the mat", &["the cat lay on the mat"]).unwrap();
    assert_eq!(values(&found), [("rouge1", 0.833_333), ("rouge2", 0.6), ("rougeL", 0.833_333), ("rougeLsum", 0.833_333)]);
    assert!(found.iter().all(|f| f.items[0].weight == 1.0 && f.reference.as_deref() == Some("given")));
}

#[test]
fn the_best_reference_counts_and_stems_may_stand_for_words() {
    let one = |stem: bool, references: &[&str]| {
        let found =
            evaluated(json!({ "written": "given", "references": "right", "types": ["rouge1"], "use_stemmer": stem }), "running fast", references).unwrap();
        values(&found)[0].1
    };
    assert_eq!(one(false, &["something else", "running slowly"]), 0.5);
    assert_eq!((one(false, &["runs fast"]), one(true, &["runs fast"])), (0.5, 1.0));
}

#[test]
fn wrong_options_are_named() {
    let all = json!({ "max_new_tokens": 4, "written": "g", "references": "r", "types": ["rougeL"], "use_stemmer": true });
    check_refusals(Kind::Evaluator, "rouge", &all);
    let none = evaluated(json!({ "written": "given", "references": "right" }), "x", &[]).unwrap_err().to_string();
    assert!(none.starts_with("record r: targets: expected at least one"), "{none}");
}
