//! Hand-made reports and metrics for the tests.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::collections::BTreeMap;

use tongues_report::{Better, Languages, MetricLine, Report, Score};

/// Bits per byte of `model`, with an interval of `value` plus and minus `half`.
pub fn bits(model: &str, language: &str, value: f64, half: f64) -> Score {
    Score {
        stage: "score".into(),
        model: model.into(),
        evaluator: "bits-per-byte".into(),
        data: format!("dev-{language}"),
        language: language.into(),
        metric: "bits_per_byte".into(),
        value,
        low: Some(value - half),
        high: Some(value + half),
        n: 1204,
        better: Better::Lower,
        reference: model == "base",
    }
}

/// English to Basque: two adapted models, one of which forgets. The unadapted model comes last,
/// so that a test sees it move to the front.
pub fn adapted() -> Report {
    let mut report = Report::new("basque", 7);
    report.language = Some(Languages { source: "eng_Latn".into(), target: "eus_Latn".into() });
    report.scores = vec![
        bits("lora", "eus_Latn", 2.88, 0.05),
        bits("vocab-lora", "eus_Latn", 2.21, 0.05),
        bits("base", "eus_Latn", 4.8, 0.05),
        bits("lora", "eng_Latn", 2.2, 0.05),
        bits("vocab-lora", "eng_Latn", 1.9, 0.05),
        bits("base", "eng_Latn", 2.0, 0.01),
    ];
    report
}

/// A step of stage `adapt`.
pub fn step(step: u64, loss: f64) -> MetricLine {
    MetricLine {
        stage: "adapt".into(),
        step,
        tokens: step * 512,
        loss: BTreeMap::from([("causal-lm".into(), loss)]),
        learning_rate: 3e-4,
        grad_norm: 0.5,
        grad_norms: None,
        tokens_per_second: 5000.0,
        rss_anon_bytes: Some(1 << 30),
        validation: None,
    }
}
