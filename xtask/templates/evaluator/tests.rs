//! Tests of the evaluator `__name__`.

use serde_json::json;
use __library__ as _;
use tongues_kernel::{Built, Draws, Evaluation, InMemory, Kind, Record, build};
use tongues_testkit::{Surroundings, toy_model};

#[test]
fn characters_are_counted_per_record() {
    let mut cx = Surroundings::new(1);
    let Ok(Built::Evaluator(evaluator)) = build(Kind::Evaluator, "__name__", json!({}), &mut cx) else { panic!("no evaluator") };
    let records = ["äb", "abcd"].iter().enumerate().map(|(i, text)| Record::of_text(i.to_string(), *text)).collect();
    let data = InMemory { name: "data".into(), records };
    let findings = evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data: &data, format: None, cx: &mut cx }).expect("texts");
    assert_eq!(findings[0].items.iter().map(|i| i.value).collect::<Vec<_>>(), [2.0, 4.0]);
}
