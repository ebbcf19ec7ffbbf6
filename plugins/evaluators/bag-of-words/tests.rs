//! Tests of bag-of-words.

use serde_json::{Value as Json, json};
use tongues_evaluator_bag_of_words::{Bag, Bayes, bag, nearest, shared};
use tongues_kernel::{Built, Draws, Evaluation, Finding, InMemory, Kind, Record, Result, Value, build};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

fn items(all: &[(&str, &str)]) -> Vec<(Bag, String)> {
    all.iter().map(|(text, answer)| (bag("text", text), (*answer).to_owned())).collect()
}

fn record(fields: &[(&str, &str)]) -> Record {
    let mut record = Record { id: fields[0].1.into(), ..Record::default() };
    fields.iter().for_each(|(name, text)| drop(record.fields.insert((*name).into(), Value::Text((*text).into()))));
    record
}

fn evaluated(options: Json, train: &[Record], test: &[Record]) -> Result<Vec<Finding>> {
    let mut cx = Surroundings { records: train.to_vec(), ..Surroundings::new(1) };
    let Built::Evaluator(evaluator) = build(Kind::Evaluator, "bag-of-words", options, &mut cx)? else { panic!("no evaluator") };
    assert!(evaluator.ignores_model());
    let data = InMemory { name: "test".into(), records: test.to_vec() };
    evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data: &data, format: None, cx: &mut cx })
}

fn values(finding: &Finding) -> Vec<f64> {
    finding.items.iter().map(|item| item.value).collect()
}

#[test]
fn naive_bayes_worked_out_by_hand() {
    let bayes = Bayes::of(&items(&[("red apple", "fruit"), ("red car", "thing"), ("blue car", "thing")]));
    // 1/3 · 2/6 = 0.111 beside 2/3 · 2/8 = 0.167: twice as many things.
    assert_eq!(bayes.likeliest(&bag("text", "red")), "thing");
    // 1/3 · 2/6 · 2/6 = 0.037 beside 2/3 · 2/8 · 1/8 = 0.021.
    assert_eq!(bayes.likeliest(&bag("text", "red apple")), "fruit");
    // A word that stood beside fruit once more than the other beside things: 1/3 · (2/6)³ beside 2/3 · (3/8)² · 1/8.
    assert_eq!(bayes.likeliest(&bag("text", "apple apple car")), "fruit");
    assert_eq!(bayes.likeliest(&bag("text", "apple car car")), "thing");
    // The same word in another field is another word: 1/3 · 2/6 beside 2/3 · 1/8, and 1/3 · 1/6 beside 2/3 · 1/8.
    assert_eq!(bayes.likeliest(&bag("text", "apple")), "fruit");
    assert_eq!(bayes.likeliest(&bag("other", "apple")), "thing");
}

#[test]
fn the_nearest_record_has_the_largest_share_of_words_in_common() {
    let train = items(&[("a b c d e f", "long"), ("a b x", "short"), ("x y", "other")]);
    // Two of six, two of three.
    assert_eq!(nearest(&train, &bag("text", "a b")), "short");
    assert_eq!(nearest(&train, &bag("text", "A, B, c, d!")), "long");
    assert_eq!(nearest(&train, &bag("text", "y y y")), "other");
    assert_eq!(shared(&bag("", "a a b"), &bag("", "a b b c")), 2);
}

#[test]
fn answers_are_scored_by_their_words() {
    let train = [record(&[("text", "one cat"), ("answer", "a small cat")]), record(&[("text", "two dogs"), ("answer", "big dogs")])];
    let test = [record(&[("text", "the cat"), ("answer", "small cat")]), record(&[("text", "dogs"), ("answer", "big cats")])];
    for method in ["nearest", "bayes"] {
        let found = evaluated(json!({ "method": method, "inputs": ["text"], "train": "train", "gold": "answer" }), &train, &test).unwrap();
        assert_eq!(found[0].reference.as_deref(), Some(&*format!("bag-of-words {method}")));
        assert_eq!((found[0].metric.as_str(), values(&found[0])), ("exact_match", vec![1.0, 0.0]));
        assert_eq!((found[1].metric.as_str(), values(&found[1])), ("f1", vec![1.0, 0.5]));
    }
}

#[test]
fn of_choices_that_are_alike_each_counts_its_share() {
    let list = |texts: &[&str]| Value::List(texts.iter().map(|text| Value::Text((*text).into())).collect());
    let with = |query: &str, wrong: &[&str]| {
        let mut record = record(&[("query", query), ("positive", "the dog sees the cat")]);
        record.fields.insert("negatives".into(), list(wrong));
        record
    };
    let options = json!({ "method": "overlap", "inputs": ["query"], "choices": ["positive", "negatives"] });
    let test = [with("dog cat", &["the cat sees the dog", "birds"]), with("dog", &["no", "not"]), with("birds", &["birds", "cats"])];
    let found = evaluated(options.clone(), &[], &test).unwrap();
    assert_eq!((found[0].metric.as_str(), values(&found[0])), ("accuracy", vec![0.5, 1.0, 0.0]));
    let error = evaluated(options, &[], &[with("a", &[])]).unwrap_err().to_string();
    assert!(error.contains("at least two choices"), "{error}");
}

#[test]
fn wrong_options_and_data_are_refused() {
    let good = json!({ "inputs": ["text"], "train": "train", "gold": "answer" });
    check_refusals(Kind::Evaluator, "bag-of-words", &good);
    let one = record(&[("text", "a"), ("answer", "b")]);
    for (options, said) in [
        (json!({ "inputs": ["text"] }), "`train` and `gold`"),
        (json!({ "inputs": ["text"], "method": "nearest", "train": "train" }), "`train` and `gold`"),
        (json!({ "inputs": ["text"], "method": "overlap" }), "`choices` alone"),
        (json!({ "inputs": ["text"], "method": "overlap", "choices": ["answer"], "train": "train" }), "`choices` alone"),
        (json!({ "inputs": ["no"], "train": "train", "gold": "answer" }), "no"),
    ] {
        let error = evaluated(options.clone(), std::slice::from_ref(&one), std::slice::from_ref(&one)).unwrap_err().to_string();
        assert!(error.contains(said), "{options}: {error}");
    }
    for (train, test) in [(vec![], vec![one.clone()]), (vec![one.clone()], vec![])] {
        let error = evaluated(good.clone(), &train, &test).unwrap_err().to_string();
        assert!(error.contains("at least one record"), "{error}");
    }
}
