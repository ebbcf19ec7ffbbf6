//! Tests of spans.

use serde_json::{Value as Json, json};
use tongues_evaluator_spans::{Spans, tagged};
use tongues_kernel::{Aggregate, Draws, Evaluation, Evaluator, Finding, InMemory, Kind, Record, Result, Value, options};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

fn list(texts: &str) -> Value {
    Value::List(texts.split(' ').map(|text| Value::Text(text.into())).collect())
}

fn evaluated(given: Json, records: &[(&str, &str, &str)]) -> Result<Vec<Finding>> {
    let record = |(i, (tokens, tags, written)): (usize, &(&str, &str, &str))| {
        let fields =
            [("tokens".into(), list(tokens)), ("tags".into(), list(tags)), ("written".into(), Value::Text((*written).into())), ("other".into(), list(written))];
        Record { id: format!("r{i}").into(), fields: fields.into(), ..Record::default() }
    };
    let data = InMemory { name: "ner".into(), records: records.iter().enumerate().map(record).collect() };
    let evaluator: Spans = options("spans", given)?;
    evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data: &data, format: None, cx: &mut Surroundings::new(1) })
}

fn value(found: &[Finding], metric: &str) -> f64 {
    let finding = found.iter().find(|f| f.metric == metric).unwrap_or_else(|| panic!("{metric}"));
    let Aggregate::Corpus(corpus) = &finding.aggregate else { panic!("a score of the corpus") };
    corpus.score(&finding.items.iter().map(|item| item.statistics.as_slice()).collect::<Vec<&[f64]>>())
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} {b}");
}

#[test]
fn lines_take_the_first_free_place_of_their_words() {
    let tokens = ["Amina", "met", "Amina", "Bello", "in", "Kano"];
    let right = ["B-PER", "O", "B-PER", "I-PER", "O", "B-LOC"];
    let (truth, given) = tagged(&tokens, &right, "PER: Amina\nPER: Amina Bello\nnothing here\nLOC: Kano");
    assert_eq!((truth.as_slice(), given.as_slice()), (&right.map(String::from)[..], &right.map(String::from)[..]));
    // A second Kano stands nowhere; a longer span that would cover a taken token does not either.
    let (truth, given) = tagged(&tokens, &right, "LOC: Kano\nLOC: Kano\nPER: Bello\nPER: Amina Bello");
    assert_eq!(given, ["O", "O", "O", "B-PER", "O", "B-LOC", "O", "B-LOC", "O", "B-PER"]);
    assert_eq!(truth[6..], ["O"; 4]);
}

#[test]
fn written_spans_worked_out_by_hand() {
    let records = [("Amina lives in Kano", "B-PER O O B-LOC", "PER: Amina\nORG: Kano\nLOC: Lagos"), ("Musa and Ada", "B-PER O B-PER", "PER: Ada")];
    let found = evaluated(json!({ "written": "written" }), &records).unwrap();
    // Right: Amina, Kano, Musa, Ada. Given: Amina, Kano (wrong label), Lagos (nowhere), Ada. Two are both.
    near(value(&found, "precision"), 0.5);
    near(value(&found, "recall"), 0.5);
    near(value(&found, "f1"), 0.5);
    // PER: 2 of 2 given, 3 to find, 0.8; LOC and ORG: 0.
    near(value(&found, "macro_f1"), 0.8 / 3.0);
    assert!(found.iter().all(|f| f.items.len() == 2 && f.reference.as_deref() == Some("written")));
}

#[test]
fn tags_are_scored_as_they_are() {
    let records = [("a b c", "B-PER I-PER O", "I-PER I-PER B-LOC")];
    let found = evaluated(json!({ "given": "other" }), &records).unwrap();
    near(value(&found, "precision"), 0.5);
    near(value(&found, "recall"), 1.0);
    // By IOB2 a span that does not begin with B is none.
    near(value(&evaluated(json!({ "given": "other", "mode": "iob2" }), &records).unwrap(), "recall"), 0.0);
    assert_eq!(found[0].reference.as_deref(), Some("other"));
}

#[test]
fn wrong_data_and_options_are_named() {
    let refused = evaluated(json!({ "given": "other" }), &[("a b", "O O", "O")]).unwrap_err().to_string();
    assert!(refused.starts_with("record r0, field `other`: expected 2 tags, one a token, found 1"), "{refused}");
    let refused = evaluated(json!({ "given": "other", "mode": "iob2" }), &[("a", "O", "X")]).unwrap_err().to_string();
    assert!(refused.starts_with("record r0: "), "{refused}");
    assert!(evaluated(json!({ "written": "written" }), &[]).unwrap_err().to_string().starts_with("data `ner`: expected at least one record"));
    check_refusals(Kind::Evaluator, "spans", &json!({ "max_new_tokens": 4, "written": "w", "tokens": "t", "tags": "g", "given": "o", "mode": "iob2" }));
}
