//! Tests of question-answering.

use serde_json::{Value as Json, json};
use tongues_evaluator_question_answering::QuestionAnswering;
use tongues_kernel::{Draws, Evaluation, Evaluator, InMemory, Kind, Record, Result, Value, options};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

/// Exact match and F1 of one written answer.
fn scores(given: Json, language: Option<&str>, written: &str, answers: &[&str]) -> Result<[f64; 2]> {
    let list = Value::List(answers.iter().map(|a| Value::Text((*a).into())).collect());
    let fields = [("given".into(), Value::Text(written.into())), ("answers".into(), list)].into();
    let record = Record { id: "q".into(), fields, language: language.map(Into::into), ..Record::default() };
    let data = InMemory { name: "qa".into(), records: vec![record] };
    let mut options_given = json!({ "written": "given", "answers": "answers" });
    options_given.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    let evaluator: QuestionAnswering = options("question-answering", options_given)?;
    let found = evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data: &data, format: None, cx: &mut Surroundings::new(1) })?;
    assert_eq!(found.iter().map(|f| f.metric.as_str()).collect::<Vec<_>>(), ["exact_match", "f1"]);
    Ok([found[0].items[0].value, found[1].items[0].value])
}

#[test]
fn answers_worked_out_by_hand() {
    let squad = |written: &str, answers: &[&str]| scores(json!({}), None, written, answers).unwrap();
    assert_eq!(squad("The Cat!", &["a dog", "cat"]), [1.0, 1.0]);
    // Two words of three are right, and both right ones are there: 2 · 2/3 · 1 / (5/3).
    assert_eq!(squad("big black cat", &["black cat"]), [0.0, 0.8]);
    assert_eq!(squad("no idea", &["black cat"]), [0.0, 0.0]);
}

#[test]
fn the_first_line_counts_unless_all_shall() {
    let score = |first: bool| scores(json!({ "first_line": first }), None, "\nblack cat\nQuestion: what next?", &["black cat"]).unwrap();
    assert_eq!(score(true), [1.0, 1.0]);
    assert!(score(false)[0] == 0.0 && score(false)[1] > 0.5);
}

#[test]
fn no_answer_and_articles_of_languages() {
    assert_eq!(scores(json!({ "rules": "squad-v2" }), None, "", &[]).unwrap(), [1.0, 1.0]);
    assert_eq!(scores(json!({ "rules": "squad-v2" }), None, "a cat", &[]).unwrap(), [0.0, 0.0]);
    let german = |rules: &str| scores(json!({ "rules": rules }), Some("deu_Latn"), "die Katze", &["Katze"]).unwrap()[0];
    assert_eq!((german("mlqa"), german("squad")), (1.0, 0.0));
    let refused = |language| scores(json!({ "rules": "mlqa" }), language, "x", &["x"]).unwrap_err().to_string();
    assert!(refused(Some("eus_Latn")).starts_with("record q: language: expected one of ar, de, en, es, hi, vi, zh, found `eus`"));
    assert!(refused(None).starts_with("record q: expected a record with a language"));
    assert!(scores(json!({}), None, "x", &[]).unwrap_err().to_string().contains("at least one right answer"));
}

#[test]
fn wrong_options_are_named() {
    let all = json!({ "max_new_tokens": 4, "stop_strings": ["x"], "written": "g", "answers": "a", "rules": "mlqa", "first_line": true });
    check_refusals(Kind::Evaluator, "question-answering", &all);
}
