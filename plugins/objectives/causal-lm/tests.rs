//! Tests of causal-lm.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tongues_kernel::{Batch, Draws, Example, ExampleContext, Objective, Record, Step, Term, Tokenizer, Value, options, score, values};
use tongues_objective_causal_lm::CausalLm;
use tongues_testkit::{ObjectiveCase, SplitFormat, Surroundings, ToyTokenizer, toy_model};

const BOS: u32 = 256;
const EOS: u32 = 257;

fn objective(given: Json) -> CausalLm {
    CausalLm::new(options("causal-lm", given).unwrap(), &mut Surroundings::new(0)).unwrap()
}

fn examples(given: Json, text: &str, max_length: usize) -> Vec<Example> {
    let tokenizer = ToyTokenizer::default();
    let cx = ExampleContext { tokenizer: &tokenizer, max_length, draws: Draws::new(0), format: None };
    objective(given).examples(&Record::of_text("r", text), &cx).unwrap()
}

fn ids(example: &Example) -> Vec<u32> {
    example.sequences["text"].ids().collect()
}

#[test]
fn conforms() {
    ObjectiveCase::new("causal-lm", json!({ "field": "text", "add_eos": true })).check();
}

#[test]
fn a_text_stands_between_its_special_tokens_and_the_end_is_learned() {
    let made = examples(json!({}), "ab", 32);
    assert_eq!(made.len(), 1);
    assert_eq!(ids(&made[0]), [BOS, 97, 98, EOS]);
    assert_eq!(made[0].sequences["text"].weights(), [0.0, 1.0, 1.0, 1.0]);
    assert_eq!(ids(&examples(json!({ "add_bos": false }), "ab", 32)[0]), [97, 98, EOS]);
    assert_eq!(ids(&examples(json!({ "add_bos": false, "add_eos": false }), "a", 32)[0]), [97]);
}

#[test]
fn a_long_text_loses_no_token_and_repeats_none() {
    let text = "abcdefghij";
    let whole: Vec<u32> = std::iter::once(BOS).chain(text.bytes().map(u32::from)).chain([EOS]).collect();
    for max_length in 2..14 {
        let made = examples(json!({}), text, max_length);
        let learned: Vec<u32> = made.iter().flat_map(|e| ids(e)[1..].to_vec()).collect();
        assert_eq!(learned, whole[1..], "rows of {max_length}");
        assert!(made.iter().all(|e| (2..=max_length).contains(&ids(e).len())));
        let loss: f64 = made.iter().map(|e| e.sequences["text"].loss_tokens()).sum();
        assert_eq!(loss, 11.0);
    }
    let names: Vec<String> = examples(json!({}), text, 5).iter().map(|e| e.id.to_string()).collect();
    assert_eq!(names, ["r", "r#1", "r#2"]);
}

#[test]
fn the_loss_is_the_sum_of_the_log_probabilities_of_single_texts() {
    let model = toy_model(Draws::new(4));
    let texts = ["one", "another text", "x"];
    let batch = Batch { examples: texts.iter().flat_map(|t| examples(json!({}), t, 8)).collect() };
    let others = BTreeMap::new();
    let terms: Vec<Term> = objective(json!({})).loss(&mut Step::new(&model, &others, &batch, Draws::new(0))).unwrap();
    assert_eq!((terms.len(), &*terms[0].name, terms[0].weight), (1, "causal-lm", 1.0));
    assert_eq!(terms[0].over, batch.loss_tokens());
    let rows: Vec<Vec<u32>> = batch.examples.iter().map(ids).collect();
    let mut expected = 0.0;
    for row in rows {
        expected -= score::log_probabilities(&model, &[row], 1).unwrap()[0].iter().map(|s| f64::from(*s)).sum::<f64>();
    }
    let found = f64::from(values(terms[0].sum.clone())[0]);
    assert!((found - expected).abs() < 1e-5 * expected, "{found} {expected}");
}

#[test]
fn texts_in_one_row_do_not_see_each_other() {
    let model = toy_model(Draws::new(5));
    let (a, b) = (examples(json!({}), "one", 32).remove(0), examples(json!({}), "other", 32).remove(0));
    let mut joined = a.clone();
    let row = joined.sequences.get_mut("text").unwrap();
    row.starts = vec![row.len()];
    row.segments.extend(b.sequences["text"].segments.clone());
    let loss = |examples: Vec<Example>| {
        let (batch, others) = (Batch { examples }, BTreeMap::new());
        let terms = objective(json!({})).loss(&mut Step::new(&model, &others, &batch, Draws::new(0))).unwrap();
        (f64::from(values(terms[0].sum.clone())[0]), terms[0].over)
    };
    let ((apart, n), (together, m)) = (loss(vec![a, b]), loss(vec![joined]));
    assert_eq!((n, m), (10.0, 10.0));
    assert!((apart - together).abs() < 1e-5 * apart, "{apart} {together}");
    assert!(objective(json!({})).may_pack());
}

#[test]
fn what_cannot_be_learned_is_refused() {
    let tokenizer = ToyTokenizer::default();
    let refused = |record: Record, max_length: usize| {
        let cx = ExampleContext { tokenizer: &tokenizer, max_length, draws: Draws::new(0), format: None };
        objective(json!({})).examples(&record, &cx).unwrap_err().to_string()
    };
    assert!(refused(Record::of_text("r7", ""), 8).starts_with("record r7, field `text`: expected some text, found an empty text"));
    assert!(refused(Record { id: "r8".into(), ..Record::default() }, 8).starts_with("record r8, field `text`"));
    assert!(refused(Record::of_text("r9", "abc"), 1).contains("max_length"));
}

/// Bytes without special tokens, or with an end only.
struct Plain {
    inner: ToyTokenizer,
    end: Option<u32>,
}

impl Tokenizer for Plain {
    fn encode(&self, text: &str) -> tongues_kernel::Result<Vec<u32>> {
        self.inner.encode(text)
    }
    fn decode(&self, ids: &[u32]) -> tongues_kernel::Result<String> {
        self.inner.decode(ids)
    }
    fn size(&self) -> usize {
        self.inner.size()
    }
    fn piece(&self, id: u32) -> Option<String> {
        self.inner.piece(id)
    }
    fn bos(&self) -> Option<u32> {
        None
    }
    fn eos(&self) -> Option<u32> {
        self.end
    }
    fn pad(&self) -> Option<u32> {
        None
    }
    fn words(&self, text: &str) -> tongues_kernel::Result<Vec<String>> {
        self.inner.words(text)
    }
    fn definition(&self) -> &Json {
        self.inner.definition()
    }
    fn redefined(&self, definition: Json) -> tongues_kernel::Result<std::sync::Arc<dyn Tokenizer>> {
        self.inner.redefined(definition)
    }
    fn trained_like(&self, texts: &mut dyn Iterator<Item = String>, size: usize) -> tongues_kernel::Result<std::sync::Arc<dyn Tokenizer>> {
        self.inner.trained_like(texts, size)
    }
}

#[test]
fn special_tokens_are_those_that_the_tokenizer_has() {
    let made = |given: Json, end: Option<u32>| {
        let tokenizer = Plain { inner: ToyTokenizer::default(), end };
        let cx = ExampleContext { tokenizer: &tokenizer, max_length: 9, draws: Draws::new(0), format: None };
        objective(given).examples(&Record::of_text("r", "a"), &cx).map(|made| ids(&made[0])).map_err(|e| e.to_string())
    };
    assert_eq!(made(json!({}), None).unwrap(), [97]);
    assert_eq!(made(json!({}), Some(EOS)).unwrap(), [EOS, 97, EOS]);
    assert!(made(json!({ "add_bos": true }), None).unwrap_err().starts_with("causal-lm: add_bos"));
    assert!(made(json!({ "add_eos": true }), None).unwrap_err().starts_with("causal-lm: add_eos"));
}

#[test]
fn a_format_says_what_is_learned() {
    let (tokenizer, format) = (ToyTokenizer::default(), SplitFormat);
    let cx = ExampleContext { tokenizer: &tokenizer, max_length: 32, draws: Draws::new(0), format: Some(&format) };
    let made = |record: Record| objective(json!({})).examples(&record, &cx).unwrap();
    let one = made(Record { language: Some("eus".into()), ..Record::of_text("r", "ab|cd") });
    assert_eq!((one.len(), &*one[0].id, one[0].language.as_deref()), (1, "r", Some("eus")));
    assert_eq!((ids(&one[0]), one[0].sequences["text"].weights()), (b"abcd".map(u32::from).to_vec(), vec![0.0, 0.0, 1.0, 1.0]));
    assert!(made(Record::of_text("r", "dropped")).is_empty());
    let mut preference = Record::of_text("r", "a|good");
    preference.fields.insert("rejected".into(), Value::Text("a|bad".into()));
    assert_eq!(ids(&made(preference)[0]), b"agood".map(u32::from));
    let turns = Record { id: "t".into(), fields: [("messages".into(), Value::Turns(vec![("user".into(), "a".into())]))].into(), ..Record::default() };
    let plain = ExampleContext { format: None, ..cx };
    let told = objective(json!({})).examples(&turns, &plain).unwrap_err().to_string();
    assert!(told.contains("found turns of a conversation\n  help: write `format = \"chat\"`"), "{told}");
}
