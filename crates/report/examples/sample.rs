//! Writes the page of a made-up run to the path given, to look at it:
//! `cargo run --release -p tongues-report --example sample -- sample.html`
//! A second argument, `text`, prints the terminal tables too.

use std::collections::BTreeMap;

use tongues_report::{Better, CurveRef, Languages, MetricLine, Report, Score, html, text};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "sample.html".to_owned());
    let report = report();
    if arguments.next().as_deref() == Some("text") {
        print!("{}", text(&report));
    }
    std::fs::write(path, html(&report, &metrics()))
}

fn report() -> Report {
    let mut report = Report::new("basque-from-english", 7);
    report.language = Some(Languages { source: "eng_Latn".into(), target: "eus_Latn".into() });
    report.scores = [
        bits("base", "dev-eus", "eus_Latn", 4.8),
        bits("lora", "dev-eus", "eus_Latn", 2.874),
        bits("vocab-lora", "dev-eus", "eus_Latn", 2.2131),
        bits("base", "dev-eng", "eng_Latn", 1.912),
        bits("lora", "dev-eng", "eng_Latn", 2.107),
        bits("vocab-lora", "dev-eng", "eng_Latn", 1.914),
    ]
    .into();
    for (language, base, adapted) in [("eus_Latn", 12.4, 31.8), ("fra_Latn", 28.0, 22.5), ("arb_Arab", 3.1, 3.1)] {
        report.scores.push(chrf("base", language, base));
        report.scores.push(chrf("vocab-lora", language, adapted));
    }
    report.claims = vec![serde_json::json!({"text": "New rows help more than rank", "verdict": "inconclusive"})];
    report.notes = vec!["12 of 4 812 documents were longer than 512 tokens and cut on the right.".into()];
    report.timing = BTreeMap::from([("adapt".into(), 734.2), ("score".into(), 48.81)]);
    report.memory = BTreeMap::from([("peak_rss_anon".into(), 1_932_735_283)]);
    report.curves = vec![CurveRef { stage: "adapt".into() }];
    report
}

fn bits(model: &str, data: &str, language: &str, value: f64) -> Score {
    Score {
        stage: "score".into(),
        model: model.into(),
        evaluator: "bits-per-byte".into(),
        data: data.into(),
        language: language.into(),
        metric: "bits_per_byte".into(),
        value,
        low: Some(value * 0.97),
        high: Some(value * 1.035),
        n: 1204,
        better: Better::Lower,
        reference: model == "base",
    }
}

fn chrf(model: &str, language: &str, value: f64) -> Score {
    let score = bits(model, "pairs", language, value);
    Score { evaluator: "chrf".into(), metric: "chrf".into(), better: Better::Higher, n: 512, ..score }
}

fn metrics() -> Vec<MetricLine> {
    (1..=800).map(line).collect()
}

/// A loss that falls, with a ripple so that the line is not smooth.
fn line(step: u64) -> MetricLine {
    let x = step as f64;
    let loss = 2.1 + 3.9 * (-x / 160.0).exp() + 0.15 * (x * 1.7).sin() * (x * 0.37).cos();
    let validation =
        step.is_multiple_of(100).then(|| BTreeMap::from([("causal-lm".into(), loss + 0.25), ("bits_per_byte".into(), 2.2 + 2.6 * (-x / 180.0).exp())]));
    MetricLine {
        stage: "adapt".into(),
        step,
        tokens: step * 4096,
        loss: BTreeMap::from([("causal-lm".into(), loss), ("anchor".into(), 0.4 - 0.2 * (-x / 300.0).exp())]),
        learning_rate: 3e-4,
        grad_norm: 1.2,
        grad_norms: None,
        tokens_per_second: 5200.0 + (x * 0.9).sin() * 100.0,
        rss_anon_bytes: Some(1_900_000_000),
        validation,
    }
}
