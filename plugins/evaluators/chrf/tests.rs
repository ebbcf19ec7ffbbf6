//! Tests of chrf.

use serde_json::{Value as Json, json};
use tongues_evaluator_chrf::Chrf;
use tongues_kernel::{Aggregate, Draws, Evaluation, Evaluator, Finding, InMemory, Kind, Record, Result, Value, build, options};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

fn evaluated(given: Json, pairs: &[(&str, &str)]) -> Result<(Finding, Vec<String>)> {
    let text = |text: &str| Value::Text(text.into());
    let record = |(i, (given, right)): (usize, &(&str, &str))| {
        let fields = [("given".into(), text(given)), ("right".into(), text(right))].into();
        Record { id: format!("r{i}").into(), fields, ..Record::default() }
    };
    let data = InMemory { name: "mt".into(), records: pairs.iter().enumerate().map(record).collect() };
    let mut cx = Surroundings::new(1);
    let evaluator: Chrf = options("chrf", given)?;
    let mut found = evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data: &data, format: None, cx: &mut cx })?;
    Ok((found.remove(0), cx.notes))
}

fn value(finding: &Finding) -> f64 {
    let Aggregate::Corpus(corpus) = &finding.aggregate else { panic!("a score of the corpus") };
    corpus.score(&finding.items.iter().map(|item| item.statistics.as_slice()).collect::<Vec<&[f64]>>())
}

#[test]
fn characters_worked_out_by_hand() {
    let given = json!({ "written": "given", "references": "right", "char_order": 1 });
    // Of "abc" three characters are in "abdd": precision 2/3, recall 2/4, recall counts four times.
    let (found, notes) = evaluated(given, &[("abc", "abdd")]).unwrap();
    let (p, r) = (2.0 / 3.0, 0.5);
    assert!((value(&found) - 100.0 * 5.0 * p * r / (4.0 * p + r)).abs() < 1e-9, "{}", value(&found));
    assert_eq!((found.metric.as_str(), found.reference.as_deref()), ("chrF2", Some("given")));
    assert_eq!(notes, ["chrF2 on mt: nrefs:1|case:mixed|eff:yes|nc:1|nw:0|space:no|version:2.6.0."]);
}

#[test]
fn the_corpus_is_one_text_and_words_make_it_plus_plus() {
    let given = |words: usize| json!({ "written": "given", "references": "right", "char_order": 1, "word_order": words });
    let pairs = [("aa", "aa"), ("bcde", "xyzw")];
    // Of six characters two are right, which is no mean of 100 and 0.
    assert!((value(&evaluated(given(0), &pairs).unwrap().0) - 100.0 / 3.0).abs() < 1e-9);
    let (plus, _) = evaluated(given(1), &pairs).unwrap();
    assert_eq!(plus.metric, "chrF2+");
    // Half of the words are right: the mean of both precisions, and of both recalls.
    assert!((value(&plus) - 100.0 * (1.0 / 3.0 + 0.5) / 2.0).abs() < 1e-9, "{}", value(&plus));
}

#[test]
fn wrong_options_are_named() {
    let all = json!({ "max_new_tokens": 4, "written": "g", "references": "r", "char_order": 6, "word_order": 2, "beta": 2, "lowercase": false, "whitespace": false, "eps_smoothing": false });
    check_refusals(Kind::Evaluator, "chrf", &all);
    let none = build(Kind::Evaluator, "chrf", json!({ "char_order": 0, "written": "g" }), &mut Surroundings::new(0)).err().unwrap().to_string();
    assert!(none.starts_with("evaluator chrf: chrF: expected orders of at most 32, one of them at least 1"), "{none}");
}
