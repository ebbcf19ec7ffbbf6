//! Tests of bleu, and of how evaluators have texts written.

use serde_json::{Value as Json, json};
use tongues_evaluator_bleu::Bleu;
use tongues_kernel::{
    Aggregate, Better, Built, Context, DecoderUse, Draws, Evaluation, Evaluator, Finding, InMemory, Item, Kind, Limits, Record, Request, Result, Value,
};
use tongues_kernel::{build, options};
use tongues_testkit::{SplitFormat, Surroundings, check_refusals, toy_model};
// The decoder that writes by default registers itself.
use tongues_decoder_sampling as _;

fn record(id: &str, fields: &[(&str, &str)]) -> Record {
    let fields = fields.iter().map(|(name, text)| ((*name).into(), Value::Text((*text).into()))).collect();
    Record { id: id.into(), fields, ..Record::default() }
}

fn corpus() -> InMemory {
    let records = vec![
        record("a", &[("given", "the cat sat on a mat"), ("right", "the cat sat on the mat")]),
        record("b", &[("given", "dogs bark loudly at night"), ("right", "dogs bark loudly at night")]),
    ];
    InMemory { name: "mt".into(), records }
}

fn evaluated(given: Json, data: &InMemory) -> Result<(Finding, Vec<String>)> {
    let evaluator: Bleu = options("bleu", given)?;
    let mut cx = Surroundings::new(1);
    let mut found = evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data, format: None, cx: &mut cx })?;
    assert_eq!(found.len(), 1);
    Ok((found.remove(0), cx.notes))
}

fn value(finding: &Finding, items: &[&Item]) -> f64 {
    let Aggregate::Corpus(corpus) = &finding.aggregate else { panic!("a score of the corpus") };
    corpus.score(&items.iter().map(|item| item.statistics.as_slice()).collect::<Vec<&[f64]>>())
}

#[test]
fn a_corpus_worked_out_by_hand() {
    let (found, notes) = evaluated(json!({ "written": "given", "references": "right" }), &corpus()).unwrap();
    // Matches of 11, 9, 7, 5 n-grams: 10, 7, 5, 3; lengths are equal.
    let expected = 100.0 * (10.0 / 11.0 * 7.0 / 9.0 * 5.0 / 7.0 * 3.0 / 5.0f64).powf(0.25);
    let all: Vec<&Item> = found.items.iter().collect();
    assert!((value(&found, &all) - expected).abs() < 1e-9, "{} {expected}", value(&found, &all));
    assert_eq!((found.metric.as_str(), found.better, found.reference.as_deref()), ("BLEU", Better::Higher, Some("given")));
    // A resample of the second record alone is a perfect corpus, which no mean of sentences would tell.
    assert!((value(&found, &[&found.items[1], &found.items[1]]) - 100.0).abs() < 1e-9);
    assert_eq!(notes, ["BLEU on mt: nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0."]);
}

#[test]
fn several_references_and_options_change_score_and_signature() {
    let mut data = corpus();
    let list = Value::List(["THE CAT SAT ON A MAT", "nothing"].map(|text| Value::Text(text.into())).into());
    data.records[0].fields.insert("right".into(), list);
    let (found, notes) = evaluated(json!({ "written": "given", "references": "right", "lowercase": true }), &data).unwrap();
    assert!((value(&found, &found.items.iter().collect::<Vec<_>>()) - 100.0).abs() < 1e-9);
    assert!(notes[0].contains("nrefs:var|case:lc|"), "{notes:?}");
}

#[test]
fn texts_are_written_behind_the_prompts_of_records() {
    let data =
        InMemory { name: "mt".into(), records: ["ab|cd", "x|yz", "abc|d"].iter().enumerate().map(|(i, t)| Record::of_text(format!("{i}"), *t)).collect() };
    let model = toy_model(Draws::new(4));
    let write = |given: Json| {
        let evaluator: Bleu = options("bleu", given).unwrap();
        let format = SplitFormat;
        evaluator.writes.texts(&mut Evaluation { model: &model, data: &data, format: Some(&format), cx: &mut Surroundings::new(1) }).unwrap()
    };
    let texts = write(json!({ "max_new_tokens": 5, "decode": { "use": "sampling", "temperature": 0.0 } }));
    let mut cx = Surroundings::new(1);
    let requests: Vec<Request> = ["ab", "x", "abc"]
        .iter()
        .enumerate()
        .map(|(i, p)| Request { id: i as u64, prompt: p.bytes().map(u32::from).collect(), ..Request::default() })
        .collect();
    let decode = DecoderUse { plugin: "sampling".into(), options: json!({ "temperature": 0.0 }).as_object().unwrap().clone() };
    let expected = cx.write(&model, &decode, &requests, &Limits { max_new_tokens: 5, stop: vec![257], ..Limits::default() }).unwrap();
    for (text, expected) in texts.iter().zip(&expected) {
        assert_eq!(text.text, model.tokenizer().unwrap().decode(&expected.ids).unwrap());
    }
    assert_eq!(texts.iter().map(|t| t.answer.clone().unwrap()).collect::<Vec<_>>(), ["cd", "yz", "d"]);
    // One by one or side by side, and in any order.
    let alone = write(json!({ "max_new_tokens": 5, "decode": { "use": "sampling", "temperature": 0.0, "batch": 1 } }));
    assert_eq!(alone, texts);
    assert!(texts.iter().any(|t| !t.text.is_empty()));
}

#[test]
fn what_cannot_be_scored_is_named() {
    let refused = |given: Json, data: &InMemory| evaluated(given, data).unwrap_err().to_string();
    assert!(refused(json!({ "written": "given" }), &corpus()).starts_with("record a: expected a right answer, found neither a field nor a format"));
    assert!(refused(json!({ "written": "other" }), &corpus()).starts_with("record a, field `other`"));
    assert!(refused(json!({ "written": "given" }), &InMemory { name: "mt".into(), records: vec![] }).starts_with("data `mt`: expected at least one record"));
    assert!(refused(json!({ "written": "given", "stop_strings": [""] }), &corpus()).starts_with("stop_strings: expected strings of at least one character"));
    let built = |given: Json| build(Kind::Evaluator, "bleu", given, &mut Surroundings::new(0)).err().unwrap().to_string();
    assert!(built(json!({})).starts_with("evaluator bleu: options: expected exactly one of decode, written, found neither"));
    assert!(built(json!({ "written": "g", "decode": { "use": "sampling" } })).contains("found both"));
    assert!(built(json!({ "decode": { "use": "sampling", "top_p": 2.0 } })).starts_with("evaluator bleu: decode: "));
    let all = json!({ "decode": { "use": "sampling" }, "max_new_tokens": 4, "stop_strings": ["x"], "written": "g", "references": "r", "lowercase": true,
        "tokenize": "intl", "smooth_method": "add-k", "smooth_value": 1.0, "max_ngram_order": 2 });
    check_refusals(Kind::Evaluator, "bleu", &all);
    let built = build(Kind::Evaluator, "bleu", json!({ "tokenize": "char", "written": "g" }), &mut Surroundings::new(0)).unwrap();
    assert!(matches!(built, Built::Evaluator(evaluator) if evaluator.takes_format()));
}
