//! How far a task carries: over the share of cognates and over typological distance, with several seeds.

use super::plot::{Line, svg};
use super::seeds::{reports, spread};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Words of the pivot that a language keeps, in percent; its grammar is the pivot's.
const COGNATES: [(&str, f64); 6] =
    [("cognates-000", 0.0), ("cognates-250", 25.0), ("cognates-500", 50.0), ("cognates-750", 75.0), ("cognates-900", 90.0), ("pivot", 100.0)];
/// Typological features of 14 that differ from the pivot's; nine words of ten are kept.
const GRAMMARS: [(&str, f64); 5] = [("cognates-900", 0.0), ("distance-1", 1.0), ("distance-2", 6.0), ("distance-3", 8.0), ("distance-4", 13.0)];

/// Accuracy by language, of every seed.
type Seeds = BTreeMap<String, Vec<f64>>;

/// Runs the recipe with seeds from 1 on and writes `docs/bench/transfer.md` with its picture. Finished seeds are taken as they are.
///
/// # Errors
/// Something cannot be built, run or read.
pub fn run(root: &Path, seeds: usize) -> Result<()> {
    let mut all = Seeds::new();
    for report in reports(root, "world-transfer", seeds)? {
        for (language, accuracy) in accuracies(&report)? {
            all.entry(language).or_default().push(accuracy);
        }
    }
    write(root, seeds, &all)
}

fn accuracies(report: &Value) -> Result<Vec<(String, f64)>> {
    let scores = report["scores"].as_array().context("`scores` were expected in the report")?;
    let of = |s: &Value| Some((s["language"].as_str()?.to_owned(), s["value"].as_f64()?));
    Ok(scores.iter().filter(|s| s["metric"] == "accuracy").filter_map(of).collect())
}

fn write(root: &Path, seeds: usize, all: &Seeds) -> Result<()> {
    let mut text = format!(
        "# How far a task carries\n\nWritten by `cargo xtask bench transfer`; do not edit by hand.\n\nModels of {seeds} seeds (each its own world, texts and first weights) read the pivot and nine languages like it, learn inference in the\npivot alone, and are asked in all: accuracy on 200 items of test, three labels, so chance is about 0.33. Languages and training are\nthose of `recipes/world-transfer.toml`.\n"
    );
    table(&mut text, "Words kept from the pivot, its grammar too", "words kept, %", &COGNATES, all)?;
    table(&mut text, "Nine words of ten kept, another grammar", "features that differ, of 14", &GRAMMARS, all)?;
    for (file, title, across, places) in [
        ("transfer-cognates.svg", "accuracy by cognates", "words kept from the pivot, %", &COGNATES[..]),
        ("transfer-grammar.svg", "accuracy by grammar", "features that differ, of 14", &GRAMMARS[..]),
    ] {
        std::fs::write(root.join("docs/bench").join(file), picture(title, across, places, all)?)?;
        write!(text, "\n![{title}]({file})\n")?;
    }
    std::fs::write(root.join("docs/bench/transfer.md"), text)?;
    eprintln!("written: docs/bench/transfer.md and its pictures");
    Ok(())
}

fn of<'s>(name: &str, all: &'s Seeds) -> Result<&'s [f64]> {
    all.get(name).map(Vec::as_slice).with_context(|| format!("no accuracy of {name} in the reports"))
}

fn table(text: &mut String, title: &str, what: &str, places: &[(&str, f64)], all: &Seeds) -> Result<()> {
    write!(text, "\n## {title}\n\n| language | {what} | mean | standard deviation | every seed |\n|---|---|---|---|---|\n")?;
    for (name, at) in places {
        let seeds = of(name, all)?;
        let ((mean, deviation), every) = (spread(seeds), seeds.iter().map(|x| format!("{x:.2}")).collect::<Vec<_>>().join(" "));
        writeln!(text, "| {name} | {at} | {mean:.3} | {deviation:.3} | {every} |")?;
    }
    Ok(())
}

fn picture(title: &str, across: &str, places: &[(&str, f64)], all: &Seeds) -> Result<String> {
    let line = |of_seeds: fn(&[f64]) -> f64| places.iter().map(|(name, at)| Ok((*at, of_seeds(of(name, all)?)))).collect::<Result<Vec<_>>>();
    let [mean, best, worst] = [line(|s| spread(s).0)?, line(|s| s.iter().copied().fold(0.0, f64::max))?, line(|s| s.iter().copied().fold(1.0, f64::min))?];
    let chance = vec![(0.0, 1.0 / 3.0), (places.iter().map(|p| p.1).fold(0.0, f64::max), 1.0 / 3.0)];
    let lines = [("mean of the seeds", &mean), ("best seed", &best), ("worst seed", &worst), ("chance", &chance)];
    Ok(svg(title, across, "accuracy", &lines.map(|(name, points)| Line { name, points })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tongues_world::{LanguageConfig, WordOrder};

    /// A variant of the pivot as the recipe's `data.<name>` says it; the pivot itself where there is none.
    fn language(recipe: &toml_edit::DocumentMut, name: &str) -> LanguageConfig {
        let mut made = LanguageConfig::pivot();
        let variant = recipe["data"][name]["world"].get("variant").and_then(|v| v.as_inline_table());
        for (key, value) in variant.into_iter().flatten() {
            match key {
                "name" => made.name = value.as_str().unwrap().into(),
                "cognate_permille" => made.cognate_permille = value.as_integer().unwrap() as u32,
                "adjective_after_noun" => made.adjective_after_noun = value.as_bool().unwrap(),
                "suffixing" => made.suffixing = value.as_bool().unwrap(),
                "agreeing" => made.agreeing = value.as_bool().unwrap(),
                "order" if value.as_str() == Some("sov") => made.order = WordOrder::Sov,
                other => panic!("{other} = {value}: teach this test what it means"),
            }
        }
        made
    }

    #[test]
    fn languages_stand_where_the_recipe_puts_them() {
        let recipe: toml_edit::DocumentMut = include_str!("../../../recipes/world-transfer.toml").parse().unwrap();
        let features = |l: &LanguageConfig| l.features().into_iter().filter(|f| f.name != "script").collect::<Vec<_>>();
        let pivot = features(&LanguageConfig::pivot());
        assert_eq!(pivot.len(), 14);
        for (name, differing) in GRAMMARS {
            let found = language(&recipe, name);
            let apart = features(&found).iter().zip(&pivot).filter(|(a, b)| a != b).count();
            assert_eq!((apart as f64, found.cognate_permille), (differing, 900), "{name}");
        }
        for (name, kept) in COGNATES {
            let found = language(&recipe, name);
            assert_eq!((f64::from(found.cognate_permille) / 10.0, features(&found)), (kept, pivot.clone()), "{name}");
        }
    }

    #[test]
    fn accuracies_of_a_report_become_means_and_pictures() {
        let report = |x: f64| {
            let score = |l: &str, v: f64| serde_json::json!({"metric": "accuracy", "language": l, "value": v});
            let names = COGNATES.iter().chain(&GRAMMARS).map(|p| score(p.0, x));
            serde_json::json!({"scores": names.chain([serde_json::json!({"metric": "brier", "language": "pivot", "value": 9.0})]).collect::<Vec<_>>()})
        };
        let mut all = Seeds::new();
        for x in [0.25, 0.75] {
            accuracies(&report(x)).unwrap().into_iter().for_each(|(l, v)| all.entry(l).or_default().push(v));
        }
        let mut text = String::new();
        table(&mut text, "t", "w", &GRAMMARS[1..], &all).unwrap();
        assert!(text.contains("| distance-4 | 13 | 0.500 | 0.354 | 0.25 0.75 |"), "{text}");
        assert!(picture("t", "a", &COGNATES, &all).unwrap().contains("best seed"));
        assert!(table(&mut text, "t", "w", &[("nowhere", 0.0)], &all).unwrap_err().to_string().contains("nowhere"));
    }
}
