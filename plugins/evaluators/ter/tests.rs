//! Tests of ter.

use serde_json::{Value as Json, json};
use tongues_evaluator_ter::Ter;
use tongues_kernel::{Aggregate, Better, Draws, Evaluation, Evaluator, Finding, InMemory, Kind, Record, Result, Value, options};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

fn evaluated(given: Json, pairs: &[(&str, &str)]) -> Result<(Finding, Vec<String>)> {
    let text = |text: &str| Value::Text(text.into());
    let record = |(i, (given, right)): (usize, &(&str, &str))| {
        let fields = [("given".into(), text(given)), ("right".into(), text(right))].into();
        Record { id: format!("r{i}").into(), fields, ..Record::default() }
    };
    let data = InMemory { name: "mt".into(), records: pairs.iter().enumerate().map(record).collect() };
    let mut cx = Surroundings::new(1);
    let evaluator: Ter = options("ter", given)?;
    let mut found = evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data: &data, format: None, cx: &mut cx })?;
    Ok((found.remove(0), cx.notes))
}

fn value(finding: &Finding) -> f64 {
    let Aggregate::Corpus(corpus) = &finding.aggregate else { panic!("a score of the corpus") };
    corpus.score(&finding.items.iter().map(|item| item.statistics.as_slice()).collect::<Vec<&[f64]>>())
}

#[test]
fn edits_and_shifts_worked_out_by_hand() {
    let given = json!({ "written": "given", "references": "right" });
    // A shift of one word, and one substitution: two edits for nine words.
    let (found, notes) = evaluated(given.clone(), &[("b c d e a", "a b c d e"), ("v w x Z", "v w x y")]).unwrap();
    assert!((value(&found) - 100.0 * 2.0 / 9.0).abs() < 1e-9, "{}", value(&found));
    assert_eq!((found.metric.as_str(), found.better), ("TER", Better::Lower));
    assert!(notes[0].starts_with("TER on mt: nrefs:1|case:lc|tok:tercom|"), "{notes:?}");
    // Case counts only where it is asked for.
    let pairs = [("A b", "a b")];
    assert_eq!(value(&evaluated(given, &pairs).unwrap().0), 0.0);
    assert_eq!(value(&evaluated(json!({ "written": "given", "references": "right", "case_sensitive": true }), &pairs).unwrap().0), 50.0);
}

#[test]
fn wrong_options_are_named() {
    let all =
        json!({ "max_new_tokens": 4, "written": "g", "references": "r", "normalized": true, "no_punct": true, "asian_support": true, "case_sensitive": true });
    check_refusals(Kind::Evaluator, "ter", &all);
    assert!(evaluated(json!({ "written": "given", "references": "none" }), &[("a", "b")]).unwrap_err().to_string().starts_with("record r0, field `none`"));
}
