//! What a run folder says.

use super::paper::Metric;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::path::Path;

/// The part of `report.json` that is read here.
#[derive(Deserialize)]
struct Report {
    scores: Vec<Score>,
}

#[derive(Deserialize)]
struct Score {
    stage: String,
    model: String,
    evaluator: String,
    data: String,
    #[serde(default)]
    language: String,
    metric: String,
    value: Option<f64>,
    better: String,
}

/// The part of `manifest.json` that is read here.
#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    simd: String,
    #[serde(default)]
    finished: bool,
}

/// The vector instructions of a finished run; `None` where it is not finished.
pub fn finished(run: &Path) -> Option<String> {
    let text = std::fs::read_to_string(run.join("manifest.json")).ok()?;
    let manifest: Manifest = serde_json::from_str(&text).ok()?;
    manifest.finished.then_some(manifest.simd)
}

/// One value of a report; `None` where it is not defined.
///
/// # Errors
/// No score, or several, fit; the direction differs.
pub fn value(run: &Path, metric: &Metric) -> Result<Option<f64>> {
    let path = run.join("report.json");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let report: Report = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    let is = |wish: &Option<String>, found: &str| wish.as_deref().is_none_or(|w| w == found);
    let fits = |s: &&Score| {
        let named = s.evaluator == metric.evaluator && s.data == metric.data && s.metric == metric.metric;
        named && is(&metric.model, &s.model) && is(&metric.stage, &s.stage) && is(&metric.language, &s.language)
    };
    let found: Vec<&Score> = report.scores.iter().filter(fits).collect();
    let [score] = found[..] else {
        let told: Vec<String> = report.scores.iter().map(told).collect();
        let place = format!("metric {}: one score of {} was expected, found {}", metric.name, path.display(), found.len());
        bail!("{place}; name model, stage or language so that one fits of\n  {}", told.join("\n  "));
    };
    let wish = if metric.better == tongues_judge::Better::Higher { "higher" } else { "lower" };
    if score.better != wish && score.better != "neither" {
        bail!("metric {}: better = \"{}\" was expected, as the report says, found \"{wish}\"; correct the paper file", metric.name, score.better);
    }
    Ok(score.value.filter(|v| v.is_finite()))
}

fn told(s: &Score) -> String {
    format!("model {}, evaluator {}, data {}, metric {}, language {}, stage {}", s.model, s.evaluator, s.data, s.metric, s.language, s.stage)
}
