//! Tests of bits-per-byte, and of the reading in windows that it shares with perplexity.

use serde_json::{Value as Json, json};
use std::sync::Arc;
use tongues_backbone_llama::LlamaConfig;
use tongues_evaluator_bits_per_byte::BitsPerByte;
use tongues_io::{Algorithm, HfTokenizer};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{
    Aggregate, Better, Draws, Evaluation, Evaluator, Family, Finding, InMemory, Init, Kind, Model, Record, Result, Tokenizer, build, options, score,
};
use tongues_testkit::{SplitFormat, Surroundings, check_refusals, toy_model};

const BOS: u32 = 256;

fn data(texts: &[&str]) -> InMemory {
    InMemory { name: "dev".into(), records: texts.iter().enumerate().map(|(i, text)| Record::of_text(format!("r{i}"), *text)).collect() }
}

fn evaluated(given: Json, model: &Model, texts: &[&str]) -> Result<(Finding, Vec<String>)> {
    let mut cx = Surroundings::new(0);
    let evaluator: BitsPerByte = options("bits-per-byte", given)?;
    let mut found = evaluator.evaluate(&mut Evaluation { model, data: &data(texts), format: None, cx: &mut cx })?;
    assert_eq!(found.len(), 1);
    Ok((found.remove(0), cx.notes))
}

fn bits(given: Json, model: &Model, texts: &[&str]) -> Vec<f64> {
    evaluated(given, model, texts).unwrap().0.items.iter().map(|i| i.value).collect()
}

/// Bits of a row's tokens after the first, scored on their own.
fn alone(model: &Model, row: Vec<u32>) -> f64 {
    let scores = score::log_probabilities(model, &[row], 1).unwrap();
    -scores[0].iter().map(|s| f64::from(*s)).sum::<f64>() / std::f64::consts::LN_2
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-5 * b.abs(), "{a} {b}");
}

/// A small model over a learned vocabulary whose head is zero: all tokens are alike.
fn ignorant(tokenizer: Arc<dyn Tokenizer>) -> Model {
    let size = tokenizer.size();
    let config = json!({ "vocab_size": size, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 16 });
    let config: LlamaConfig = serde_json::from_value(config).unwrap();
    let device = tongues_testkit::device();
    let backbone = config.build(&Init { device: device.clone(), draws: Some(Draws::new(1)) }).unwrap();
    let mut model = Model::new(backbone, tokenizer);
    model.weights().set("lm_head.weight", Tensor::<2>::zeros([size, 8], &device)).unwrap();
    model
}

fn tokenizer(algorithm: Algorithm) -> Arc<dyn Tokenizer> {
    let stems = ["mendi", "etxe", "herri", "gizon", "lagun", "liburu", "itsaso", "бөл", "дорога", "zuria"];
    let endings = ["", "a", "ak", "an", "ko", "tik", "rekin", "aren"];
    let texts = (0..400).map(|i| format!("{}{} da {}{} eta", stems[i % 10], endings[i / 10 % 8], stems[i * 7 % 10], endings[i * 3 % 8]));
    Arc::new(HfTokenizer::train(algorithm, 320, &mut texts.into_iter()).unwrap())
}

#[test]
fn a_model_that_knows_nothing_needs_the_vocabulary_s_bits_for_every_token_of_any_tokenizer() {
    let texts = ["mendi zuria da eta etxe zuria da eta mendi etxe zuria da", "é", "бөл 10"];
    for algorithm in [Algorithm::Bpe, Algorithm::Unigram] {
        let tokenizer = tokenizer(algorithm);
        let tokens: Vec<usize> = texts.iter().map(|t| tokenizer.encode(t).unwrap().len()).collect();
        let each = (tokenizer.size() as f64).log2();
        let (found, notes) = evaluated(json!({}), &ignorant(tokenizer), &texts).unwrap();
        for ((item, tokens), text) in found.items.iter().zip(tokens).zip(texts) {
            near(item.value, tokens as f64 * each);
            assert_eq!(item.weight, text.len() as f64);
        }
        assert_eq!(notes, Vec::<String>::new());
        assert_eq!((found.metric.as_str(), found.better, found.aggregate), ("bits_per_byte", Better::Lower, Aggregate::Ratio));
        assert_eq!(found.reference, None);
        assert_eq!(&*found.items[2].id, "r2");
    }
}

#[test]
fn the_text_is_scored_behind_the_start_without_an_end() {
    let model = toy_model(Draws::new(2));
    near(bits(json!({}), &model, &["abé"])[0], alone(&model, vec![BOS, 97, 98, 0xc3, 0xa9]));
}

#[test]
fn long_texts_are_read_in_windows_that_share_one_token() {
    let model = toy_model(Draws::new(3));
    let text: String = ('a'..='z').cycle().take(150).collect();
    let row: Vec<u32> = std::iter::once(BOS).chain(text.bytes().map(u32::from)).collect();
    // The toy has 64 positions: tokens 0..64, 63..127, 126..151.
    let expected = alone(&model, row[..64].to_vec()) + alone(&model, row[63..127].to_vec()) + alone(&model, row[126..].to_vec());
    near(bits(json!({}), &model, &[&text])[0], expected);
    let expected = alone(&model, row[..3].to_vec()) + alone(&model, row[2..5].to_vec());
    near(bits(json!({ "max_length": 3 }), &model, &[&text[..4]])[0], expected);
    let at_the_border = alone(&model, row[..64].to_vec());
    near(bits(json!({}), &model, &[&text[..63]])[0], at_the_border);
}

#[test]
fn scores_do_not_depend_on_the_batch() {
    let model = toy_model(Draws::new(6));
    let long = "a long text ".repeat(9);
    let texts = ["one", "another text", &long, "x"];
    let (a, b) = (bits(json!({ "batch_tokens": 1 }), &model, &texts), bits(json!({ "batch_tokens": 4096 }), &model, &texts));
    for (a, b) in a.iter().zip(&b) {
        assert!((a - b).abs() <= 1e-6 * b, "{a} {b}");
    }
    let reversed: Vec<&str> = texts.iter().rev().copied().collect();
    let mut c = bits(json!({}), &model, &reversed);
    c.reverse();
    b.iter().zip(&c).for_each(|(b, c)| near(*b, *c));
}

#[test]
fn what_cannot_be_scored_is_named() {
    let model = toy_model(Draws::new(2));
    let refused = |texts: &[&str]| evaluated(json!({}), &model, texts).unwrap_err().to_string();
    assert!(refused(&["a", ""]).starts_with("record r1, field `text`: expected a text that can be scored, found an empty text"));
    assert!(refused(&[]).starts_with("data `dev`: expected at least one record"));
    let other = evaluated(json!({ "field": "body" }), &model, &["a"]).unwrap_err().to_string();
    assert!(other.starts_with("record r0, field `body`"));
    check_refusals(Kind::Evaluator, "bits-per-byte", &json!({ "field": "text", "batch_tokens": 64, "max_length": 8 }));
    let error = build(Kind::Evaluator, "bits-per-byte", json!({ "max_length": 1 }), &mut Surroundings::new(0)).err().unwrap();
    assert!(error.to_string().contains("at least 2"), "{error}");
}

#[test]
fn texts_that_the_tokenizer_changes_are_counted_in_the_report() {
    let exact = tokenizer(Algorithm::Bpe);
    let mut definition = exact.definition().clone();
    definition["normalizer"] = json!({ "type": "Lowercase" });
    let lossy = exact.redefined(definition).unwrap();
    let (_, notes) = evaluated(json!({}), &ignorant(lossy), &["Mendi", "etxe"]).unwrap();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].starts_with("1 of 2 texts of dev"), "{notes:?}");
}

#[test]
fn with_a_format_answers_are_scored_behind_their_prompts() {
    let model = toy_model(Draws::new(8));
    let data = data(&["ab|cde", "no answer", "x|y"]);
    let evaluator: BitsPerByte = options("bits-per-byte", json!({})).unwrap();
    assert!(evaluator.takes_format());
    let score = |data: &InMemory| {
        let format = SplitFormat;
        evaluator.evaluate(&mut Evaluation { model: &model, data, format: Some(&format), cx: &mut Surroundings::new(0) })
    };
    let items = score(&data).unwrap()[0].items.clone();
    let rows: Vec<Vec<u32>> = ["abcde", "xy"].iter().map(|text| text.bytes().map(u32::from).collect()).collect();
    let all = score::log_probabilities(&model, &rows, 64).unwrap();
    // The first token of a row is not predicted; of five tokens the last three are the answer.
    for (item, (id, scores, bytes)) in items.iter().zip([("r0", &all[0][1..], 3.0), ("r2", &all[1][..], 1.0)]) {
        let bits = -scores.iter().map(|s| f64::from(*s)).sum::<f64>() / std::f64::consts::LN_2;
        assert_eq!((&*item.id, item.weight), (id, bytes));
        assert!((item.value - bits).abs() < 1e-5 * bits, "{} {bits}", item.value);
    }
    assert_eq!(items.len(), 2);
    let none = InMemory { name: "dev".into(), records: vec![Record::of_text("r", "no answer")] };
    assert!(score(&none).unwrap_err().to_string().starts_with("data `dev`, format `split`: expected at least one record with an answer"));
}
