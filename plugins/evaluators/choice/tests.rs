//! Tests of choice.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tongues_evaluator_choice::{Choice, Gold, right};
use tongues_kernel::{
    Aggregate, Draws, Evaluation, Evaluator, Finding, Format, Formatted, InMemory, Kind, Model, Name, Record, Result, Segment, Sequence, Tally, Tokenizer,
    Value, build, options, score,
};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

/// `question`, then ` choice` and an end token, both learned.
struct Asked;

impl Format for Asked {
    fn name(&self) -> &str {
        "asked"
    }
    fn rows(&self, record: &Record, tokenizer: &dyn Tokenizer, _: usize) -> Result<BTreeMap<Name, Formatted>> {
        let segment = |mark: &str, ids: Vec<u32>, weight| Segment { mark: mark.into(), ids, weight };
        let answer = [tokenizer.encode(&self.answer(record)?.unwrap_or_default())?, vec![257]].concat();
        let segments = vec![segment("prompt", self.prompt(record, tokenizer)?, 0.0), segment("answer", answer, 1.0)];
        Ok([("text".into(), Formatted { sequence: Sequence { segments, starts: vec![] }, bytes: 0 })].into())
    }
    fn prompt(&self, record: &Record, tokenizer: &dyn Tokenizer) -> Result<Vec<u32>> {
        Ok([vec![256], tokenizer.encode(record.text("question")?)?].concat())
    }
    fn answer(&self, record: &Record) -> Result<Option<String>> {
        Ok(Some(format!(" {}", record.text("choice")?)))
    }
    fn stops(&self, _: &dyn Tokenizer) -> Result<Vec<u32>> {
        Ok(vec![])
    }
    fn tally(&self) -> Tally {
        Tally::default()
    }
}

const QUESTIONS: [(&str, [&str; 3]); 4] =
    [("ab", ["x", "yy", "zzz"]), ("q", ["long answer", "b", "é"]), ("abc", ["1", "2", "33"]), ("d", ["no", "yes", "maybe"])];

fn data(gold: impl Fn(usize) -> Value) -> InMemory {
    let record = |(i, (question, choices)): (usize, &(&str, [&str; 3]))| {
        let list = Value::List(choices.iter().map(|c| Value::Text((*c).into())).collect());
        let fields = [("question".into(), Value::Text((*question).into())), ("choices".into(), list), ("label".into(), gold(i))];
        Record { id: format!("r{i}").into(), fields: fields.into(), ..Record::default() }
    };
    InMemory { name: "mc".into(), records: QUESTIONS.iter().enumerate().map(record).collect() }
}

fn evaluated(given: Json, model: &Model, data: &InMemory) -> Result<Vec<Finding>> {
    let mut all = json!({ "choices": ["choices"] });
    all.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    let evaluator: Choice = options("choice", all)?;
    evaluator.evaluate(&mut Evaluation { model, data, format: Some(&Asked), cx: &mut Surroundings::new(1) })
}

/// Log-likelihood of a choice behind its question, from a row of its own; without the end token.
fn alone(model: &Model, question: &str, choice: &str) -> f64 {
    let row: Vec<u32> = std::iter::once(256).chain(format!("{question} {choice}").bytes().map(u32::from)).collect();
    let scores = score::log_probabilities(model, &[row], 1).unwrap();
    scores[0][question.len()..].iter().map(|s| f64::from(*s)).sum()
}

fn by_hand(of: impl Fn(&str, &str) -> f64) -> Vec<Vec<f64>> {
    QUESTIONS.iter().map(|(question, choices)| choices.iter().map(|choice| of(question, choice)).collect()).collect()
}

fn best(scores: &[f64]) -> usize {
    (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap()
}

/// The score of a choice behind its question.
type Way<'w> = Box<dyn Fn(&str, &str) -> f64 + 'w>;

#[test]
fn choices_are_taken_by_their_normalised_likelihood() {
    let model = toy_model(Draws::new(3));
    let ways: [(&str, Way<'_>); 5] = [
        ("sum", Box::new(|q, c| alone(&model, q, c))),
        ("token", Box::new(|q, c| alone(&model, q, c) / (c.len() + 1) as f64)),
        ("byte", Box::new(|q, c| alone(&model, q, c) / c.len() as f64)),
        ("character", Box::new(|q, c| alone(&model, q, c) / c.chars().count() as f64)),
        ("pmi", Box::new(|q, c| alone(&model, q, c) - alone(&model, "", c))),
    ];
    let mut chosen = vec![];
    for (way, of) in &ways {
        let expected: Vec<usize> = by_hand(of).iter().map(|scores| best(scores)).collect();
        let all_right = data(|i| Value::Number(expected[i] as f64));
        let found = evaluated(json!({ "normalisation": way }), &model, &all_right).unwrap();
        assert_eq!(found[0].items.iter().map(|i| i.value).collect::<Vec<_>>(), [1.0; 4], "{way}");
        assert!(found[0].metric.starts_with("accuracy"));
        chosen.push(expected);
    }
    assert!(chosen.iter().any(|c| *c != chosen[0]), "the ways must differ somewhere, or nothing was tested: {chosen:?}");
}

#[test]
fn probabilities_and_calibration_worked_out_from_the_likelihoods() {
    let model = toy_model(Draws::new(3));
    let found = evaluated(json!({ "bins": 1 }), &model, &data(|_| Value::Number(1.0))).unwrap();
    let (mut mass, mut square, mut confidence, mut hits) = (vec![], vec![], 0.0, 0.0);
    for scores in by_hand(|q, c| alone(&model, q, c)) {
        let sum: f64 = scores.iter().map(|s| s.exp()).sum();
        let p: Vec<f64> = scores.iter().map(|s| s.exp() / sum).collect();
        mass.push(p[1]);
        square.push(p[0] * p[0] + (1.0 - p[1]).powi(2) + p[2] * p[2]);
        confidence += p[best(&p)];
        hits += f64::from(u8::from(best(&p) == 1));
    }
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-5, "{a} {b}");
    found[1].items.iter().zip(&mass).for_each(|(item, p)| near(item.value, *p));
    found[3].items.iter().zip(&square).for_each(|(item, s)| near(item.value, *s));
    let Aggregate::Corpus(error) = &found[2].aggregate else { panic!("a score of the corpus") };
    let rows: Vec<&[f64]> = found[2].items.iter().map(|item| item.statistics.as_slice()).collect();
    // One bin: mean confidence against accuracy.
    near(error.score(&rows), (confidence - hits).abs() / 4.0);
    let metrics: Vec<&str> = found.iter().map(|f| f.metric.as_str()).collect();
    assert_eq!(metrics, ["accuracy", "probability_of_right", "expected_calibration_error", "brier"]);
}

#[test]
fn scores_do_not_depend_on_batch_and_order() {
    let model = toy_model(Draws::new(5));
    let data = data(|_| Value::Number(0.0));
    let mass = |batch: usize, data: &InMemory| -> Vec<f64> {
        evaluated(json!({ "batch_tokens": batch, "normalisation": "pmi" }), &model, data).unwrap()[1].items.iter().map(|i| i.value).collect()
    };
    let turned = InMemory { records: data.records.iter().rev().cloned().collect(), ..data.clone() };
    let (one, many, mut back) = (mass(1, &data), mass(4096, &data), mass(64, &turned));
    back.reverse();
    for (a, b) in one.iter().zip(&many).chain(one.iter().zip(&back)) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn right_choices_are_told_by_text_letter_or_place() {
    let choices: Vec<String> = ["red", "B", "2"].map(String::from).into();
    let told = |value: Value, from: usize| {
        let record = Record { id: "r".into(), fields: [("label".into(), value)].into(), ..Record::default() };
        right(&Gold::default(), &record, &choices, from).map_err(|e| e.to_string())
    };
    let text = |text: &str| Value::Text(text.into());
    assert_eq!(told(text("red"), 0), Ok(vec![0]));
    // A text that is a choice is that choice, whatever letter or number it looks like.
    assert_eq!((told(text("B"), 0), told(text("2"), 0), told(text("C"), 0)), (Ok(vec![1]), Ok(vec![2]), Ok(vec![2])));
    assert_eq!((told(text("1"), 0), told(text("1"), 1), told(Value::Number(1.0), 1)), (Ok(vec![1]), Ok(vec![0]), Ok(vec![0])));
    assert_eq!(told(Value::List(vec![text("2"), text("red")]), 0), Ok(vec![0, 2]));
    for (wrong, from) in
        [(Value::Number(3.0), 0), (Value::Number(0.0), 1), (Value::Number(0.5), 0), (text("blue"), 0), (Value::Flag(true), 0), (Value::List(vec![]), 0)]
    {
        assert!(told(wrong.clone(), from).unwrap_err().starts_with("record r, field `label`: expected"), "{wrong:?}");
    }
}

#[test]
fn several_right_choices_share_the_mass_and_have_no_brier() {
    let model = toy_model(Draws::new(3));
    let both = data(|i| Value::List(QUESTIONS[i].1[..2].iter().map(|c| Value::Text((*c).into())).collect()));
    let found = evaluated(json!({}), &model, &both).unwrap();
    let one = |label: f64| evaluated(json!({}), &model, &data(|_| Value::Number(label))).unwrap().remove(1);
    for ((item, a), b) in found[1].items.iter().zip(one(0.0).items).zip(one(1.0).items) {
        assert!((item.value - a.value - b.value).abs() < 1e-9);
    }
    assert_eq!(found.len(), 3);
    let fixed = evaluated(json!({ "gold": 0 }), &model, &both).unwrap();
    assert_eq!(fixed[1].items.iter().map(|i| i.value).collect::<Vec<_>>(), one(0.0).items.iter().map(|i| i.value).collect::<Vec<_>>());
}

#[test]
fn wrong_data_and_options_are_named() {
    let model = toy_model(Draws::new(3));
    let data = data(|_| Value::Number(0.0));
    let refused = |given: Json| evaluated(given, &model, &data).unwrap_err().to_string();
    assert!(refused(json!({ "choices": ["question"] })).starts_with("record r0, field `question`: expected at least two choices, found 1"));
    assert!(refused(json!({ "gold": 3 })).starts_with("record r0, `gold`: expected a place below 3, found 3"));
    assert!(refused(json!({ "gold": "none" })).starts_with("record r0, field `none`"));
    let evaluator: Choice = options("choice", json!({ "choices": ["choices"] })).unwrap();
    let without = evaluator.evaluate(&mut Evaluation { model: &model, data: &data, format: None, cx: &mut Surroundings::new(1) });
    assert!(without.unwrap_err().to_string().starts_with("evaluator choice on `mc`: expected a format"));
    let neither = build(Kind::Evaluator, "choice", json!({}), &mut Surroundings::new(0)).err().unwrap().to_string();
    assert!(neither.starts_with("evaluator choice: expected exactly one of choices, options, found neither"), "{neither}");
    check_refusals(
        Kind::Evaluator,
        "choice",
        &json!({ "choices": ["c"], "gold": "g", "counts_from": 1, "normalisation": "pmi", "bins": 5, "batch_tokens": 64 }),
    );
    check_refusals(Kind::Evaluator, "choice", &json!({ "options": ["a", "b"] }));
}

#[test]
fn an_example_shows_the_right_choice() {
    let evaluator: Choice = options("choice", json!({ "choices": ["choices"] })).unwrap();
    let shown = evaluator.example(&data(|_| Value::Number(1.0)).records[1]).unwrap();
    assert_eq!((shown.text("choice").unwrap(), shown.text("letter").unwrap(), shown.text("question").unwrap()), ("b", "B", "q"));
    let untold = evaluator.example(&data(|_| Value::Number(7.0)).records[1]).unwrap_err().to_string();
    assert!(untold.contains("record r1, field `label`"), "{untold}");
}
