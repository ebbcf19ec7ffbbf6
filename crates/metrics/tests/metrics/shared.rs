//! BLEU, chrF and TER of real texts, where a corpus is at hand; only their scores are kept.

use crate::fixture::{close, read};
use crate::translation::{Options, metric};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::Path;
use tongues_metrics::translation::References;

#[derive(Deserialize)]
struct Set {
    kind: String,
    language: String,
    pairs: usize,
    hash: String,
    cases: Vec<Case>,
    /// BLEU over the orders that occur, chrF and TER of the first pairs.
    sentences: Vec<[f64; 3]>,
}

#[derive(Deserialize)]
struct Case {
    metric: String,
    options: Options,
    count: usize,
    score: f64,
    line: String,
}

/// As `make_shared.py` does it.
fn damaged(reference: &str) -> String {
    let mut pieces: Vec<String> = reference.split(' ').map(str::to_owned).collect();
    let space = if pieces.len() >= 5 { " " } else { "" };
    if space.is_empty() {
        pieces = reference.chars().map(String::from).collect();
    }
    let mut kept: Vec<String> = pieces.into_iter().enumerate().filter(|(i, _)| i % 7 != 3).map(|(_, p)| p).collect();
    let half = kept.len() / 2;
    kept.rotate_left(half);
    kept.join(space)
}

fn texts(folder: &Path, set: &Set) -> Vec<String> {
    let ending = if set.kind == "udhr" { "tsv" } else { "jsonl" };
    let text = std::fs::read_to_string(folder.join(&set.kind).join(format!("{}.{ending}", set.language))).expect("a text");
    let lines = text.split('\n').filter(|l| !l.is_empty());
    if set.kind == "udhr" {
        return lines.map(|l| l.rsplit('\t').next().unwrap_or_default().to_owned()).collect();
    }
    let question = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["question"].as_str().expect("a question").to_owned();
    lines.map(question).collect()
}

fn same_corpora(set: &Set, hypotheses: &[&str], references: &[String]) {
    for case in &set.cases {
        let metric = metric(&case.metric, &case.options);
        let references = References::single(&references[..case.count]);
        let score = metric.corpus(&hypotheses[..case.count], &references).expect("a score");
        assert!(close(score.value, case.score), "{} {}: {} {}", set.language, case.line, score.value, case.score);
        assert_eq!(score.line(2, Some(&metric.signature(&references).format(false))), case.line, "{}", set.language);
    }
}

fn same_sentences(set: &Set, hypotheses: &[&str], references: &[String]) {
    let effective: Options = serde_json::from_str(r#"{"effective_order": true}"#).expect("options");
    let metrics = ["bleu", "chrf", "ter"].map(|name| metric(name, &effective));
    for ((hypothesis, reference), expected) in hypotheses.iter().zip(references).zip(&set.sentences) {
        for (metric, expected) in metrics.iter().zip(expected) {
            let score = metric.sentence(hypothesis, &[reference]).expect("a score").value;
            assert!(close(score, *expected), "{} {}: {score} {expected}", set.language, metric.name());
        }
    }
}

#[test]
fn scores_of_real_texts_are_those_of_sacrebleu() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !folder.exists() {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    }
    let sets: Vec<Set> = read("shared.json");
    assert!(sets.len() >= 19 && sets.iter().map(|s| s.pairs).sum::<usize>() >= 1500);
    for set in &sets {
        let references = texts(&folder, set);
        let hypotheses: Vec<String> = references.iter().map(|r| damaged(r)).collect();
        let all: String = hypotheses.iter().chain(&references).flat_map(|t| [t.as_str(), "\n"]).collect();
        let hash: String = Sha256::digest(all.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hash, set.hash, "{} {}: other texts than those that were scored", set.kind, set.language);
        let hypotheses: Vec<&str> = hypotheses.iter().map(String::as_str).collect();
        same_corpora(set, &hypotheses, &references);
        same_sentences(set, &hypotheses, &references);
    }
}
