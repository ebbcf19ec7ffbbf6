//! Several runs side by side: one report whose models carry their run's name.

use crate::metrics::MetricLine;
use crate::schema::{Comparison, CurveRef, Languages, Report, SCHEMA, Score};

/// Merges named runs into one report. Models, stages, times and memory are prefixed with their
/// run (`run/model`), so that scores of the same evaluator, data and metric meet in one table.
/// The language pair is kept where all runs share it. Every run's recipe and seed are noted, and
/// unadapted models that differ between runs, since changes are counted against the first.
pub fn compare(reports: &[(String, Report)]) -> Report {
    let names: Vec<&str> = reports.iter().map(|(run, _)| run.as_str()).collect();
    let title = format!("Comparison of {}", names.join(", "));
    let mut merged = Report::new(title, reports.first().map_or(0, |(_, report)| report.seed));
    merged.schema = SCHEMA;
    merged.language = shared_language(reports);
    for (run, report) in reports {
        add(&mut merged, run, report);
    }
    merged.notes.extend(differing_references(&merged.scores));
    merged
}

/// The metrics of a run with their stages prefixed as [`compare`] prefixes them.
pub fn of_run(run: &str, metrics: &[MetricLine]) -> Vec<MetricLine> {
    let renamed = |line: &MetricLine| MetricLine { stage: within(run, &line.stage), ..line.clone() };
    metrics.iter().map(renamed).collect()
}

fn within(run: &str, name: &str) -> String {
    format!("{run}/{name}")
}

fn shared_language(reports: &[(String, Report)]) -> Option<Languages> {
    let (_, first) = reports.first()?;
    let shared = reports.iter().all(|(_, report)| report.language == first.language);
    first.language.clone().filter(|_| shared)
}

fn add(merged: &mut Report, run: &str, report: &Report) {
    merged.notes.push(format!("Run {run}: recipe {}, seed {}.", report.recipe, report.seed));
    merged.notes.extend(report.notes.iter().map(|note| format!("Run {run}: {note}")));
    merged.scores.extend(report.scores.iter().map(|score| Score { stage: within(run, &score.stage), model: within(run, &score.model), ..score.clone() }));
    let renamed = |c: &Comparison| Comparison { stage: within(run, &c.stage), baseline: within(run, &c.baseline), model: within(run, &c.model), ..c.clone() };
    merged.comparisons.extend(report.comparisons.iter().map(renamed));
    merged.claims.extend(report.claims.iter().cloned());
    merged.timing.extend(report.timing.iter().map(|(stage, seconds)| (within(run, stage), *seconds)));
    merged.memory.extend(report.memory.iter().map(|(what, bytes)| (within(run, what), *bytes)));
    let curves = report.curves.iter().map(|curve| CurveRef { stage: within(run, &curve.stage) });
    merged.curves.extend(curves);
}

/// A note for each table whose unadapted models have different values.
fn differing_references(scores: &[Score]) -> Vec<String> {
    let groups = crate::groups::groups(scores);
    let mut notes = Vec::new();
    for group in &groups {
        for section in &group.sections {
            let mut unadapted = section.rows.iter().filter(|score| score.reference);
            let Some(first) = unadapted.next() else {
                continue;
            };
            if unadapted.any(|other| other.value != first.value) {
                notes.push(format!("The unadapted models differ on {} ({}): all changes there are against {}.", group.data, group.metric, first.model));
            }
        }
    }
    notes
}
