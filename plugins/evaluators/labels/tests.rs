//! Tests of labels.

use serde_json::{Value as Json, json};
use tongues_evaluator_labels::Labels;
use tongues_kernel::{Aggregate, Draws, Evaluation, Evaluator, Finding, InMemory, Kind, Record, Result, Value, build, options};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

fn given() -> Json {
    json!({ "written": "given", "label": "label", "labels": ["positive", "neutral", "negative"] })
}

fn evaluated(pairs: &[(&str, &str)]) -> Result<(Vec<Finding>, Vec<String>)> {
    let text = |text: &str| Value::Text(text.into());
    let record = |(i, (given, label)): (usize, &(&str, &str))| {
        let fields = [("given".into(), text(given)), ("label".into(), text(label))].into();
        Record { id: format!("r{i}").into(), fields, ..Record::default() }
    };
    let data = InMemory { name: "nusax".into(), records: pairs.iter().enumerate().map(record).collect() };
    let mut cx = Surroundings::new(1);
    let evaluator: Labels = options("labels", given())?;
    let found = evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data: &data, format: None, cx: &mut cx })?;
    Ok((found, cx.notes))
}

fn macro_f1(found: &[Finding]) -> f64 {
    let Aggregate::Corpus(corpus) = &found[1].aggregate else { panic!("a score of the corpus") };
    corpus.score(&found[1].items.iter().map(|item| item.statistics.as_slice()).collect::<Vec<&[f64]>>())
}

#[test]
fn a_table_worked_out_by_hand() {
    let pairs =
        [("It is Positive.", "positive"), ("positive", "negative"), ("negative, not positive", "negative"), ("who knows", "neutral"), ("positive", "positive")];
    let (found, notes) = evaluated(&pairs).unwrap();
    assert_eq!(found[0].items.iter().map(|i| i.value).collect::<Vec<_>>(), [1.0, 0.0, 1.0, 0.0, 1.0]);
    // positive: 2 right of 3 given and 2 to find, 0.8; negative: 1 of 1 and 2, 2/3; neutral: never given, 0.
    assert!((macro_f1(&found) - (0.8 + 2.0 / 3.0) / 3.0).abs() < 1e-12, "{}", macro_f1(&found));
    assert_eq!(notes, ["Labels of nusax on (right → written): positive → positive 2, neutral → none 1, negative → positive 1, negative → negative 1."]);
    // Labels that no record has or gets do not count.
    let (found, _) = evaluated(&pairs[..1]).unwrap();
    assert_eq!(macro_f1(&found), 1.0);
}

#[test]
fn of_two_labels_at_one_place_the_longer_is_meant() {
    let evaluator: Labels = options("labels", json!({ "labels": ["sport", "sports", "art"] })).unwrap();
    assert_eq!(["a Sports day", "sport", "the art of sports", "none"].map(|text| evaluator.named(text)), [Some(1), Some(0), Some(2), None]);
}

#[test]
fn wrong_data_and_options_are_named() {
    let refused = evaluated(&[("positive", "mixed")]).unwrap_err().to_string();
    assert!(refused.starts_with("record r0, field `label`: expected one of positive, neutral, negative, found `mixed`"), "{refused}");
    check_refusals(Kind::Evaluator, "labels", &json!({ "max_new_tokens": 4, "written": "g", "labels": ["a", "b"], "label": "l" }));
    let twice = build(Kind::Evaluator, "labels", json!({ "labels": ["a", "A"], "written": "g" }), &mut Surroundings::new(0)).err().unwrap().to_string();
    assert!(twice.starts_with("evaluator labels: labels: expected labels that differ in more than case, found `A`"), "{twice}");
}
