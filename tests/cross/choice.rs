//! Multiple choice as lm-evaluation-harness finds it, on a checkpoint stored with its answers (`tests/fixtures/choice`).

use serde_json::{Value as Json, json};
use std::path::PathBuf;
use tongues_formats::shots::{self, Order};
use tongues_formats::{Body, Loss, Options, Strings, TextFormat, Truncate};
use tongues_io::hf;
use tongues_kernel::{Bare, Built, Draws, Evaluation, Evaluator, Finding, InMemory, Kind, Model, Record, Value, build};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/choice")
}

fn bare() -> Bare {
    Bare { device: tongues_testkit::device(), draws: Draws::new(0) }
}

fn model() -> Model {
    hf::load(&folder().join("checkpoint"), &hf::Reading::default(), &mut bare()).expect("the checkpoint")
}

fn stored() -> Json {
    serde_json::from_slice(&std::fs::read(folder().join("runs.json")).expect("runs")).expect("JSON")
}

fn list(value: &Json) -> &[Json] {
    value.as_array().expect("a list")
}

fn numbers(value: &Json) -> Vec<f64> {
    list(value).iter().map(|n| n.as_f64().expect("a number")).collect()
}

fn texts(question: &Json) -> Vec<&str> {
    list(&question["choices"]).iter().map(|c| c.as_str().expect("a text")).collect()
}

fn records(questions: &Json) -> Vec<Record> {
    let record = |(i, q): (usize, &Json)| {
        let choices = Value::List(texts(q).into_iter().map(|c| Value::Text(c.into())).collect());
        let question = Value::Text(q["question"].as_str().expect("a question").into());
        let label = Value::Number(q["label"].as_f64().expect("a place"));
        Record {
            id: format!("q{i}").into(),
            fields: [("question".into(), question), ("choices".into(), choices), ("label".into(), label)].into(),
            ..Record::default()
        }
    };
    list(questions).iter().enumerate().map(record).collect()
}

fn evaluator(normalisation: &str) -> Box<dyn Evaluator> {
    match build(Kind::Evaluator, "choice", json!({ "choices": ["choices"], "normalisation": normalisation }), &mut bare()) {
        Ok(Built::Evaluator(evaluator)) => evaluator,
        _ => panic!("no choice"),
    }
}

/// The task's texts: `doc_to_text`, and the choice behind a space.
fn format(stored: &Json, run: &Json, evaluator: &dyn Evaluator) -> TextFormat {
    let strings = Strings::new("Question: {{ question }}\nAnswer:", Some(" {{ choice }}"), "formats.asked").expect("templates");
    let format = TextFormat::new(Body::Strings(strings), Options { name: "asked".into(), loss: Loss::Target, truncate: Truncate::Refuse, system: None });
    let count = run["shots"].as_u64().expect("a number") as usize;
    if count == 0 {
        return format;
    }
    let examples: Vec<Record> = records(&stored["train"]).iter().map(|record| evaluator.example(record).expect("an example")).collect();
    let choice = shots::Choice { count, order: Order::First, between: "\n\n".into(), data: "train".into(), own: false };
    format.with_shots(&examples, choice).expect("examples")
}

fn softmax(scores: &[f64]) -> Vec<f64> {
    let sum: f64 = scores.iter().map(|s| s.exp()).sum();
    scores.iter().map(|s| s.exp() / sum).collect()
}

fn near(found: f64, expected: f64, place: &str) {
    assert!((found - expected).abs() < 1e-4, "{place}: {found}, the harness {expected}");
}

/// What choices are compared by, from the harness's log-likelihoods.
fn compared(normalisation: &str, row: &Json, question: &Json) -> Vec<f64> {
    let (sums, alone) = (numbers(&row["conditional"]), numbers(&row["unconditional"]));
    let of = |i: usize, choice: &str| match normalisation {
        "character" => sums[i] / choice.chars().count() as f64,
        "byte" => sums[i] / choice.len() as f64,
        "pmi" => sums[i] - alone[i],
        _ => sums[i],
    };
    texts(question).iter().enumerate().map(|(i, choice)| of(i, choice)).collect()
}

#[test]
fn answers_and_likelihoods_are_those_of_the_harness() {
    let (model, stored) = (model(), stored());
    let data = InMemory { name: "asked".into(), records: records(&stored["questions"]) };
    for run in list(&stored["runs"]) {
        for (normalisation, metric) in [("sum", "acc"), ("character", "acc_norm"), ("byte", "acc_bytes"), ("pmi", "acc_mutual_info")] {
            let evaluator = evaluator(normalisation);
            let format = format(&stored, run, &*evaluator);
            let found = evaluator.evaluate(&mut Evaluation { model: &model, data: &data, format: Some(&format), cx: &mut bare() }).expect("scores");
            for (i, (row, question)) in list(&run["questions"]).iter().zip(list(&stored["questions"])).enumerate() {
                let place = format!("{} shots, {metric}, question {i}", run["shots"]);
                let label = question["label"].as_u64().expect("a place") as usize;
                assert_eq!(Some(found[0].items[i].value), row[metric].as_f64(), "{place}");
                near(found[1].items[i].value, softmax(&compared(normalisation, row, question))[label], &place);
            }
            let mean = |finding: &Finding| finding.items.iter().map(|item| item.value).sum::<f64>() / finding.items.len() as f64;
            near(mean(&found[0]), run["scores"][metric].as_f64().expect("a score"), metric);
            if normalisation == "sum" {
                assert_eq!(found[3].metric, "brier");
                near(mean(&found[3]), run["scores"]["brier_score"].as_f64().expect("a score"), "brier_score");
            }
        }
    }
}

#[test]
fn what_stands_before_an_answer_is_the_harness_s_text() {
    let stored = stored();
    let evaluator = evaluator("sum");
    for run in list(&stored["runs"]) {
        let format = format(&stored, run, &*evaluator);
        for (record, row) in records(&stored["questions"]).iter().zip(list(&run["questions"])) {
            let rendered = format.rendered(&evaluator.example(record).expect("an example")).expect("a text").remove(0).1;
            assert_eq!(rendered.text[..rendered.answer], *row["context"].as_str().expect("a context"));
        }
    }
}
