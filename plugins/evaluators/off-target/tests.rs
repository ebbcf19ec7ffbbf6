//! Tests of off-target.

use serde_json::{Value as Json, json};
use tongues_evaluator_off_target::OffTarget;
use tongues_kernel::{Draws, Evaluation, Evaluator, InMemory, Kind, Record, Result, Value, options};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

fn in_language(id: &str, language: &str, text: &str) -> Record {
    Record { language: Some(language.into()), ..Record::of_text(id, text) }
}

fn training() -> Vec<Record> {
    vec![
        in_language("1", "eus_Latn", "mendi zuria eta etxe zaharra daude herrian"),
        in_language("2", "eng_Latn", "the white mountain and the old house are in the town"),
        in_language("3", "rus_Cyrl", "белая гора и старый дом в городе"),
    ]
}

/// Off target and off script, text by text.
fn scores(given: Json, train: Vec<Record>, language: &str, texts: &[&str]) -> Result<Vec<[f64; 2]>> {
    let record = |(i, text): (usize, &&str)| {
        let mut record = in_language(&format!("r{i}"), language, "prompt");
        record.fields.insert("given".into(), Value::Text((*text).into()));
        record
    };
    let data = InMemory { name: "texts".into(), records: texts.iter().enumerate().map(record).collect() };
    let mut all = json!({ "written": "given", "train": "languages" });
    all.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    let evaluator: OffTarget = options("off-target", all)?;
    let mut cx = Surroundings { records: train, ..Surroundings::new(1) };
    let found = evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data: &data, format: None, cx: &mut cx })?;
    assert_eq!(found.iter().map(|f| f.metric.as_str()).collect::<Vec<_>>(), ["off_target", "off_script"]);
    Ok(found[0].items.iter().zip(&found[1].items).map(|(a, b)| [a.value, b.value]).collect())
}

#[test]
fn languages_and_scripts_are_told_apart() {
    let found = scores(json!({}), training(), "eus_Latn", &["etxe zuria", "the old town", "старый дом", "", "12 34"]).unwrap();
    assert_eq!(found, [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]);
    let found = scores(json!({ "wanted": "eng_Latn" }), training(), "eus_Latn", &["the old town"]).unwrap();
    assert_eq!(found, [[0.0, 0.0]]);
}

#[test]
fn wrong_data_and_options_are_named() {
    let refused = |train: Vec<Record>, language: &str| scores(json!({}), train, language, &["x"]).unwrap_err().to_string();
    assert!(refused(training(), "swh_Latn").starts_with("record r0: expected a language of `train`: eus_Latn, eng_Latn, rus_Cyrl, found `swh_Latn`"));
    assert!(refused(training()[..1].to_vec(), "eus_Latn").starts_with("evaluator off-target: train `languages`: expected texts of at least two languages"));
    let none = vec![Record::of_text("1", "x")];
    assert!(refused(none, "eus_Latn").starts_with("evaluator off-target: train `languages`, record 1: expected a record with a language"));
    let all = json!({ "max_new_tokens": 4, "written": "g", "train": "t", "field": "text", "wanted": "x", "order": 2, "k": 1.0 });
    check_refusals(Kind::Evaluator, "off-target", &all);
}
