//! How hard the tasks of the world are: for a model that learned them, for one that learned them in another language, for a lexicon and for
//! counted words.

use super::seeds::{reports, spread};
use anyhow::{Context, Result};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

/// A task, what it is scored by, what counted words are scored by, and the score of a guess.
struct Task {
    name: &'static str,
    metric: &'static str,
    counted: &'static str,
    chance: &'static str,
}

const TASKS: [Task; 10] = [
    Task { name: "qa", metric: "exact_match", counted: "exact_match", chance: "0.33 of the three places" },
    Task { name: "arithmetic", metric: "exact_match", counted: "exact_match", chance: "near 0" },
    Task { name: "nli", metric: "accuracy", counted: "exact_match", chance: "0.33" },
    Task { name: "slots", metric: "exact_match", counted: "exact_match", chance: "near 0" },
    Task { name: "intent", metric: "accuracy", counted: "exact_match", chance: "0.12; 0.33 of those named" },
    Task { name: "retrieval", metric: "accuracy", counted: "accuracy", chance: "0.25" },
    Task { name: "instruction", metric: "exact_match", counted: "exact_match", chance: "near 0" },
    Task { name: "preference", metric: "accuracy", counted: "accuracy", chance: "0.50" },
    Task { name: "translation", metric: "exact_match", counted: "exact_match", chance: "near 0" },
    // Once more by words in whatever order, which a lexicon has as well.
    Task { name: "translation", metric: "f1", counted: "f1", chance: "near 0" },
];

/// What stands in a column.
#[derive(Clone, Copy)]
enum Column {
    /// Learned and asked in the pivot.
    Pivot,
    /// Learned and asked in the derived language.
    Derived,
    /// Learned in the pivot, asked in the derived language.
    Carried,
    /// The same with every word looked up.
    LookedUp,
    /// Counted words of the derived language.
    Counted,
}

/// Runs the recipe with seeds from 1 on and writes `docs/bench/tasks.md`.
///
/// # Errors
/// Something cannot be built, run or read.
pub fn run(root: &Path, seeds: usize) -> Result<()> {
    let reports = reports(root, "world-difficulty", seeds)?;
    std::fs::write(root.join("docs/bench/tasks.md"), page(&reports)?)?;
    eprintln!("written: docs/bench/tasks.md");
    Ok(())
}

/// The score of a column in one report.
fn score(report: &Value, task: &Task, column: Column) -> Result<f64> {
    let Task { name, metric, counted, .. } = task;
    let (stage, learned, metric, language) = match column {
        Column::Pivot => ("scores", Some("pivot"), metric, "pivot"),
        Column::Derived => ("scores", Some("derived"), metric, "derived"),
        Column::Carried => ("scores", Some("pivot"), metric, "derived"),
        // Words are looked up in the pivot, and so only a translation into it has an answer.
        Column::LookedUp => ("looked-up", None, metric, if *name == "translation" { "pivot" } else { "derived" }),
        Column::Counted => ("counted", None, counted, "derived"),
    };
    let stage = if stage == "counted" { stage.to_owned() } else { format!("{stage}-{name}") };
    let (data, model) = (format!("{name}-{language}-test"), learned.map(|learned| format!("{name}-by-{learned}")));
    let wanted = |s: &&Value| s["stage"] == stage && s["data"] == data && s["metric"] == *metric && model.as_ref().is_none_or(|model| s["model"] == *model);
    let found = report["scores"].as_array().into_iter().flatten().find(wanted).and_then(|s| s["value"].as_f64());
    found.with_context(|| format!("no {metric} on {data} in stage {stage} of the report"))
}

fn page(reports: &[Value]) -> Result<String> {
    let mut text = format!(
        "# How hard the tasks of the world are\n\nWritten by `cargo xtask bench tasks`; do not edit by hand.\n\nModels of {} seeds (each its own world, texts and first weights) read two languages, then for each task one copy learns it in the pivot and\none in the derived language; 200 items of test a task. Languages, sizes and training are those of `recipes/world-difficulty.toml`. Means over\nseeds, standard deviations in brackets. *Looked up*: the pivot's model asked with every word of the derived language replaced by the\npivot's; of a translation, the looked-up words themselves as one into the pivot, beside the pivot's model. *Counted*: naive Bayes for labels,\nthe answer of the nearest training item for written answers, most words in common for choices, from the training items of the derived\nlanguage. *Least lead*: the smallest difference, over seeds, between who learned the task in the language and the better of the two.\n\n| task | score | chance | learned: pivot | learned: derived | carried over | looked up | counted | least lead |\n|---|---|---|---|---|---|---|---|---|\n",
        reports.len()
    );
    let mut levels = [vec![], vec![], vec![]];
    for task in &TASKS {
        let of = |column| reports.iter().map(|report| score(report, task, column)).collect::<Result<Vec<f64>>>();
        let [pivot, derived, carried, looked_up, counted] =
            [of(Column::Pivot)?, of(Column::Derived)?, of(Column::Carried)?, of(Column::LookedUp)?, of(Column::Counted)?];
        // F1 is there for the lexicon's sake; one score says how hard a task is.
        if task.metric != "f1" {
            for (language, values) in [("pivot", &pivot), ("derived", &derived)] {
                let mean = spread(values).0;
                levels[usize::from(mean >= 0.6) + usize::from(mean > 0.95)].push(format!("{} {} ({language})", task.name, task.metric.replace('_', " ")));
            }
        }
        let trained = if task.name == "translation" { &pivot } else { &derived };
        let lead = trained.iter().zip(looked_up.iter().zip(&counted)).map(|(t, (l, c))| t - l.max(*c)).fold(f64::INFINITY, f64::min);
        let cells = [&pivot, &derived, &carried, &looked_up, &counted].map(|values| cell(values)).join(" | ");
        writeln!(text, "| {} | {} | {} | {cells} | {lead:+.2} |", task.name, task.metric.replace('_', " "), task.chance)?;
    }
    let [below, within, above] = levels.map(|names| if names.is_empty() { "none".into() } else { names.join(", ") });
    text.push_str(
        "\nA translation is as hard as its exact match says; F1, of words in whatever order, is beside it since looked-up words keep the order they\nwere found in.\n",
    );
    write!(text, "\nLearned to between 0.60 and 0.95: {within}. Below, harder than models of this size should have it: {below}. Above, easier: {above}.\n")?;
    Ok(text)
}

fn cell(values: &[f64]) -> String {
    let (mean, deviation) = spread(values);
    format!("{mean:.2} ({deviation:.2})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn score_of(stage: &str, model: &str, data: &str, metric: &str, value: f64) -> Value {
        json!({ "stage": stage, "model": model, "data": data, "metric": metric, "value": value })
    }

    fn report(derived: f64) -> Value {
        let mut scores = vec![];
        for task in &TASKS {
            let of = |what: &str| format!("{what}-{}", task.name);
            let by = |language: &str| format!("{}-by-{language}", task.name);
            for (stage, model, language, metric, value) in [
                (of("scores"), by("derived"), "pivot", task.metric, 0.01),
                (of("scores"), by("pivot"), "pivot", task.metric, 0.9),
                (of("scores"), by("pivot"), "derived", task.metric, 0.3),
                (of("scores"), by("derived"), "derived", task.metric, derived),
                (of("looked-up"), by("pivot"), "derived", task.metric, 0.4),
                (of("looked-up"), "source_gloss".into(), "pivot", task.metric, 0.5),
                ("counted".into(), "bag-of-words".into(), "pivot", task.counted, 0.02),
                ("counted".into(), "bag-of-words".into(), "derived", task.counted, 0.2),
            ] {
                scores.push(score_of(&stage, &model, &format!("{}-{language}-test", task.name), metric, value));
            }
        }
        json!({ "scores": scores })
    }

    #[test]
    fn every_column_is_read_from_its_place() {
        let page = page(&[report(0.7), report(0.8)]).unwrap();
        let row = |task: &str| page.lines().find(|l| l.starts_with(&format!("| {task} "))).unwrap().to_owned();
        assert!(row("nli").ends_with("| 0.90 (0.00) | 0.75 (0.07) | 0.30 (0.00) | 0.40 (0.00) | 0.20 (0.00) | +0.30 |"), "{page}");
        assert!(page.contains("Below, harder than models of this size should have it: none. Above, easier: none."), "{page}");
        assert_eq!(page.matches("translation exact match (").count(), 2);
        assert!(!page.contains("translation f1 ("), "held to the range by one score: {page}");
        // A translation is looked up into the pivot.
        assert!(row("translation").ends_with("| 0.90 (0.00) | 0.75 (0.07) | 0.30 (0.00) | 0.50 (0.00) | 0.20 (0.00) | +0.40 |"), "{page}");
        let error = score(&json!({ "scores": [] }), &TASKS[0], Column::Pivot).unwrap_err().to_string();
        assert!(error.contains("qa-pivot-test"), "{error}");
    }
}
