//! The two files: round trips, refusals, numbers that are not finite, lines cut by a kill.

mod common;

use std::collections::BTreeMap;

use common::{adapted, step};
use tongues_report::{Better, CurveRef, Report, Score, parse_metrics, read_metrics};

fn full() -> Report {
    let mut report = adapted();
    report.claims = vec![serde_json::json!({"text": "a", "verdict": "holds", "margin": 0.1})];
    report.notes = vec!["one \"note\"".into()];
    report.timing = BTreeMap::from([("adapt".into(), 0.1 + 0.2)]);
    report.memory = BTreeMap::from([("peak_rss_anon".into(), u64::MAX)]);
    report.curves = vec![CurveRef { stage: "adapt".into() }];
    report
}

#[test]
fn a_report_survives_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    full().write(&path).unwrap();
    assert_eq!(Report::read(&path).unwrap(), full());
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(names, ["report.json"]);
}

#[test]
fn field_names_are_the_published_ones() {
    let value: serde_json::Value = serde_json::from_str(&full().to_json().unwrap()).unwrap();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys(&value), "schema recipe seed language scores claims notes timing memory curves");
    let score = &value["scores"][2];
    let names = "stage model evaluator data language metric value low high n better reference";
    assert_eq!(keys(score), names);
    assert_eq!((score["better"].as_str(), score["reference"].as_bool()), (Some("lower"), Some(true)));
    let line = serde_json::to_value(step(1, 2.0)).unwrap();
    let names = "stage step tokens loss learning_rate grad_norm tokens_per_second rss_anon_bytes";
    assert_eq!(keys(&line), names);
}

#[test]
fn another_schema_is_refused_with_what_to_do() {
    let error = |text: &str| Report::from_json("runs/a/report.json", text).unwrap_err().to_string();
    let newer = error(r#"{"schema": 2, "shape": "unknown"}"#);
    let expected = "runs/a/report.json: expected \"schema\": 1, found 2; a newer tongues wrote this file: update tongues to read it";
    assert_eq!(newer, expected);
    let none = error(r#"{"scores": []}"#);
    assert!(none.contains("found no \"schema\" key; this is no report of tongues"), "{none}");
    assert!(error("[1]").contains("no \"schema\" key"));
    assert!(error(r#"{"schema": -1}"#).contains("found -1"));
}

#[test]
fn unknown_keys_and_wrong_types_are_named_with_their_line() {
    let error = |text: &str| Report::from_json("report.json", text).unwrap_err().to_string();
    let unknown = error("{\"schema\": 1, \"recipe\": \"r\", \"seed\": 7,\n\"scroes\": []}");
    assert!(unknown.contains("unknown field `scroes`") && unknown.contains("line 2"), "{unknown}");
    let mistyped = error(r#"{"schema": 1, "recipe": "r", "seed": "seven"}"#);
    assert!(mistyped.contains("expected u64"), "{mistyped}");
    assert!(error("{").contains("expected a report of schema 1"));
    let absent = Report::read(std::path::Path::new("no/such/report.json")).unwrap_err().to_string();
    assert!(absent.starts_with("no/such/report.json: expected a readable UTF-8 file"), "{absent}");
}

#[test]
fn a_diverged_score_is_null_in_the_file_and_nan_in_memory() {
    let mut report = adapted();
    let diverged = Score { value: f64::INFINITY, low: None, better: Better::Higher, ..report.scores[0].clone() };
    report.scores = vec![diverged];
    let text = report.to_json().unwrap();
    assert!(text.contains("\"value\": null") && text.contains("\"low\": null"), "{text}");
    let back = Report::from_json("report.json", &text).unwrap();
    assert!(back.scores[0].value.is_nan());
    assert_eq!((back.scores[0].low, back.scores[0].better), (None, Better::Higher));
}

#[test]
fn metrics_are_followed_line_by_line() {
    let mut file = Vec::new();
    let mut second = step(2, f64::NAN);
    second.validation = Some(BTreeMap::from([("dev".into(), 1.5)]));
    step(1, 5.25).append(&mut file).unwrap();
    second.append(&mut file).unwrap();
    let whole = String::from_utf8(file).unwrap();
    let (cut, _) = whole.split_at(whole.len() - 5);

    let (lines, read) = parse_metrics("metrics.jsonl", cut).unwrap();
    assert_eq!(lines, [step(1, 5.25)]);
    let (rest, more) = parse_metrics("metrics.jsonl", &whole[read..]).unwrap();
    assert_eq!((rest.len(), read + more), (1, whole.len()));
    assert!(rest[0].loss["causal-lm"].is_nan());
    assert_eq!(rest[0].validation, second.validation);
}

#[test]
fn a_broken_metrics_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let good = serde_json::to_string(&step(1, 5.0)).unwrap();
    std::fs::write(&path, format!("{good}\n\n{{\"stage\": \"adapt\"}}\n")).unwrap();
    let error = read_metrics(&path).unwrap_err().to_string();
    assert!(error.contains("metrics.jsonl:3: expected one JSON object a line"), "{error}");
    assert!(error.contains("missing field `step`"), "{error}");
    std::fs::write(&path, format!("{good}\n{{\"stage\"")).unwrap();
    assert_eq!(read_metrics(&path).unwrap(), [step(1, 5.0)]);
}
