//! Answers and summaries are scored as their reference scripts score them.

use crate::fixture::{close, read};
use serde::Deserialize;
use std::collections::BTreeMap;
use tongues_metrics::answers::{AnswerRules, last_number};
use tongues_metrics::rouge::{Rouge, RougeKind};

#[derive(Deserialize)]
struct Answers {
    rules: BTreeMap<String, Questions>,
    digits: Vec<u32>,
    numbers: Vec<(String, Option<String>)>,
}

#[derive(Deserialize)]
struct Questions {
    items: Vec<(String, Vec<String>, f64, f64)>,
    exact: Option<f64>,
    f1: Option<f64>,
}

fn rules(name: &str) -> AnswerRules {
    match name {
        "squad" => AnswerRules::Squad,
        "squad-v2" => AnswerRules::SquadV2,
        other => AnswerRules::Mlqa(other.strip_prefix("mlqa-").expect("MLQA").parse().expect("a language")),
    }
}

#[test]
fn exact_match_and_f1_are_those_of_squad_and_mlqa() {
    let fixture: Answers = read("answers.json");
    assert_eq!(fixture.rules.len(), 9);
    for (name, questions) in &fixture.rules {
        let rules = rules(name);
        for (prediction, answers, exact, f1) in &questions.items {
            let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
            let found = rules.best(prediction, &answers).expect("a score");
            assert!(found.exact == *exact && close(found.f1, *f1), "{name} {prediction:?} {answers:?}: {found:?} {exact} {f1}");
        }
        let predictions: Vec<&str> = questions.items.iter().map(|i| i.0.as_str()).collect();
        let answers: Vec<Vec<&str>> = questions.items.iter().map(|i| i.1.iter().map(String::as_str).collect()).collect();
        let found = rules.corpus(&predictions, &answers).expect("a score");
        assert!(questions.exact.is_none_or(|e| close(found.exact, e)) && questions.f1.is_none_or(|f| close(found.f1, f)), "{name} {found:?}");
    }
}

#[test]
fn questions_without_answers_are_refused() {
    let error = AnswerRules::Squad.best("x", &[]).expect_err("refused").to_string();
    assert!(error.starts_with("answers: expected at least one right answer"), "{error}");
    assert_eq!(AnswerRules::SquadV2.best("", &[]).map(|a| a.exact), Ok(1.0));
    assert!(AnswerRules::Squad.corpus(&[], &[]).is_err() && AnswerRules::Squad.corpus(&["a"], &[]).is_err());
}

#[test]
fn last_numbers_are_those_of_mgsm() {
    let fixture: Answers = read("answers.json");
    assert!(fixture.digits.len() > 60);
    for zero in fixture.digits {
        let digits: String = (zero..zero + 10).filter_map(char::from_u32).collect();
        assert_eq!(last_number(&format!("a {digits}")).as_deref(), Some("123456789"), "U+{zero:04X}");
    }
    for (text, expected) in fixture.numbers {
        let found = last_number(&text);
        let value = |s: &str| s.trim_end_matches('.').parse::<f64>().expect("a number");
        assert_eq!(found.as_deref().map(value), expected.as_deref().map(value), "{text}");
    }
}

#[derive(Deserialize)]
struct Summaries {
    pairs: Vec<(String, String)>,
    scores: BTreeMap<String, Vec<[f64; 3]>>,
    stems: BTreeMap<String, String>,
}

#[test]
fn rouge_is_that_of_rouge_score() {
    let fixture: Summaries = read("rouge.json");
    assert_eq!(fixture.scores.len(), 10);
    for (name, scores) in &fixture.scores {
        let (kind, stemmer) = name.split_once(' ').expect("two words");
        let rouge = Rouge { use_stemmer: stemmer == "True" };
        let kind = match kind {
            "rougeL" => RougeKind::Longest,
            "rougeLsum" => RougeKind::LongestBySentence,
            n => RougeKind::Ngram(n["rouge".len()..].parse().expect("a number")),
        };
        for ((target, prediction), expected) in fixture.pairs.iter().zip(scores) {
            let found = rouge.score(kind, target, prediction).expect("a score");
            let found = [found.precision, found.recall, found.f_measure];
            assert!(found.iter().zip(expected).all(|(a, b)| close(*a, *b)), "{name} {target:?} {prediction:?}: {found:?} {expected:?}");
        }
    }
    let first = |targets: &[&str]| Rouge::default().best(RougeKind::Ngram(1), targets, "a b").map(|s| s.precision);
    assert_eq!(first(&["c", "a b", "a b c"]), Ok(1.0));
    assert!(first(&[]).is_err() && Rouge::default().score(RougeKind::Ngram(0), "a", "a").is_err());
}

/// A word alone is stemmed as NLTK does: it matches its stem, which stems to itself or is compared as it is.
#[test]
fn stems_are_those_of_nltk() {
    let fixture: Summaries = read("rouge.json");
    assert!(fixture.stems.len() > 1000);
    for (word, stem) in &fixture.stems {
        assert_eq!(tongues_metrics::rouge::stem(word), *stem, "{word}");
    }
}
