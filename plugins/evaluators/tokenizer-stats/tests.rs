//! Tests of tokenizer-stats.

use serde_json::{Value as Json, json};
use std::sync::Arc;
use tongues_evaluator_tokenizer_stats::{TokenizerStats, counts};
use tongues_io::{Algorithm, HfTokenizer};
use tongues_kernel::{Draws, Evaluation, Evaluator, Finding, InMemory, Kind, Record, Result, Tokenizer, Value, options};
use tongues_testkit::{Surroundings, ToyTokenizer, check_refusals, toy_model};

fn evaluated(given: Json, records: Vec<Record>) -> Result<Vec<Finding>> {
    let data = InMemory { name: "texts".into(), records };
    let evaluator: TokenizerStats = options("tokenizer-stats", given)?;
    evaluator.evaluate(&mut Evaluation { model: &toy_model(Draws::new(1)), data: &data, format: None, cx: &mut Surroundings::new(1) })
}

fn value(found: &[Finding], metric: &str) -> f64 {
    let finding = found.iter().find(|f| f.metric == metric).unwrap_or_else(|| panic!("{metric}"));
    finding.items.iter().map(|i| i.value).sum::<f64>() / finding.items.iter().map(|i| i.weight).sum::<f64>()
}

#[test]
fn bytes_are_counted_by_hand() {
    let other = |id: &str, text: &str, parallel: &str| {
        let mut record = Record::of_text(id, text);
        record.fields.insert("english".into(), Value::Text(parallel.into()));
        record
    };
    let found = evaluated(json!({ "parallel": "english" }), vec![other("a", "é ab", "x y"), other("b", "c", "z")]).unwrap();
    // Tokens are bytes: five and one, for words é, ab and c.
    assert_eq!(value(&found, "fertility"), 2.0);
    assert_eq!(value(&found, "continued_words"), 2.0 / 3.0);
    assert_eq!((value(&found, "bytes_per_token"), value(&found, "coverage")), (1.0, 0.0));
    assert_eq!(value(&found, "parity"), 6.0 / 4.0);
    assert_eq!(evaluated(json!({}), vec![Record::of_text("a", "b")]).unwrap().len(), 4);
}

#[test]
fn pieces_of_characters_that_the_vocabulary_lacks_are_no_coverage() {
    let texts = (0..200).map(|i| ["mendi etxe", "etxe zuria", "mendi zuria"][i % 3].to_owned());
    let tokenizer: Arc<dyn Tokenizer> = Arc::new(HfTokenizer::train(Algorithm::Bpe, 272, &mut texts.into_iter()).unwrap());
    let known = counts(&*tokenizer, "mendi etxe").unwrap();
    assert_eq!((known.words, known.continued_words, known.byte_fallback, known.bytes), (2, 0, 0, 10));
    // A Cyrillic letter has two bytes and no entry.
    let lacking = counts(&*tokenizer, "mendi ж").unwrap();
    assert_eq!((lacking.words, lacking.continued_words, lacking.byte_fallback, lacking.unknown), (2, 1, 2, 0));
    let toy = counts(&ToyTokenizer::default(), "  a\tb\n").unwrap();
    assert_eq!((toy.words, toy.continued_words, toy.tokens, toy.unknown, toy.byte_fallback, toy.bytes), (2, 0, 6, 0, 6, 6));
}

#[test]
fn wrong_data_and_options_are_named() {
    let refused = |records| evaluated(json!({}), records).unwrap_err().to_string();
    assert!(refused(vec![Record::of_text("a", " ")]).starts_with("record a, field `text`: expected a text with words, found none"));
    assert!(refused(vec![]).starts_with("data `texts`: expected at least one record"));
    check_refusals(Kind::Evaluator, "tokenizer-stats", &json!({ "field": "text", "parallel": "english" }));
}
