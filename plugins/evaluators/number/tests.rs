//! Tests of number.

use serde_json::{Value as Json, json};
use tongues_evaluator_number::Number;
use tongues_kernel::{Draws, Evaluation, Evaluator, InMemory, Kind, Record, Result, Value, options};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

/// Accuracy and share answered, record by record.
fn scores(answer: Json, pairs: &[(&str, Value)]) -> Result<Vec<[f64; 2]>> {
    let record = |(i, (given, right)): (usize, &(&str, Value))| {
        let fields = [("given".into(), Value::Text((*given).into())), ("right".into(), right.clone())].into();
        Record { id: format!("r{i}").into(), fields, ..Record::default() }
    };
    let data = InMemory { name: "mgsm".into(), records: pairs.iter().enumerate().map(record).collect() };
    let evaluator: Number = options("number", json!({ "written": "given", "answer": answer }))?;
    let found = evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data: &data, format: None, cx: &mut Surroundings::new(1) })?;
    assert_eq!(found.iter().map(|f| f.metric.as_str()).collect::<Vec<_>>(), ["accuracy", "answered"]);
    Ok(found[0].items.iter().zip(&found[1].items).map(|(a, b)| [a.value, b.value]).collect())
}

#[test]
fn the_last_number_counts_in_any_digits_and_separators() {
    let text = |text: &str| Value::Text(text.into());
    let pairs = [
        ("First 5, then 13: she earns $18.00 a day.", text("18")),
        ("18 and not 19", text("18")),
        ("উত্তর হল ১৮।", Value::Number(18.0)),
        ("It is 1,234", text("#### 1234")),
        ("I do not know.", text("18")),
        ("-3", Value::Number(-3.0)),
    ];
    let found = scores(json!("right"), &pairs).unwrap();
    assert_eq!(found, [[1.0, 1.0], [0.0, 1.0], [1.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]);
}

#[test]
fn wrong_data_and_options_are_named() {
    let refused = scores(json!("right"), &[("18", Value::Text("eighteen".into()))]).unwrap_err().to_string();
    assert!(refused.starts_with("record r0, field `right`: expected a right answer with a number in it, found none"), "{refused}");
    assert!(scores(json!("other"), &[("18", Value::Number(1.0))]).unwrap_err().to_string().starts_with("record r0, field `other`"));
    check_refusals(Kind::Evaluator, "number", &json!({ "max_new_tokens": 4, "written": "g", "answer": "a" }));
}
