//! Scores of models on data.

use super::Work;
use crate::datasets::spread;
use crate::shop::Shop;
use crate::surroundings::Surroundings;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use tongues_kernel::policy::matches;
use tongues_kernel::{Better, Built, Draws, Error, Evaluation, Finding, Format, InMemory, Kind, Model, Result, build, refuse};
use tongues_recipe::ast::{Evaluate, EvaluatorUse};
use tongues_report::Score;

/// Scores every model on every entry.
pub fn run(work: &Work<'_, '_>, evaluate: &Evaluate) -> Result<Vec<Score>> {
    let models = named(work, &evaluate.models);
    let of = models.len() * evaluate.on.len();
    let mut all: Vec<Score> = vec![];
    let mut references: BTreeSet<usize> = BTreeSet::new();
    for (m, name) in models.iter().enumerate() {
        let model = work.shop.model(name)?;
        for (e, entry) in evaluate.on.iter().enumerate() {
            work.pause()?;
            work.progress.tick(m * evaluate.on.len() + e, of, &format!("{name} on {}", entry.subject()));
            if references.contains(&e) {
                continue;
            }
            let found = findings(work.shop, &model, entry)?;
            if found.iter().any(|f| f.reference.is_some()) {
                references.insert(e);
            }
            let scores = scores(work.shop, &work.stage.name, name, entry, &found)?;
            all.extend(scores.into_iter().map(|s| Score { reference: m == 0 && !references.contains(&e), ..s }));
        }
    }
    work.progress.tick(of, of, "done");
    Ok(all)
}

/// Names in the order of the patterns; each once.
fn named(work: &Work<'_, '_>, patterns: &[String]) -> Vec<String> {
    let recipe = work.shop.recipe;
    let stages = recipe.stage.iter().take_while(|s| s.name != work.stage.name);
    let makers = stages.filter(|s| s.train.is_some() || s.merge.is_some() || s.export.is_some()).map(|s| s.name.clone());
    let known: Vec<String> = recipe.models.keys().cloned().chain(makers).collect();
    let mut all: Vec<String> = vec![];
    for pattern in patterns {
        for name in known.iter().filter(|n| matches(pattern, n)) {
            if !all.contains(name) {
                all.push(name.clone());
            }
        }
    }
    all
}

/// What an evaluator finds.
pub fn findings(shop: &Shop<'_>, model: &Model, entry: &EvaluatorUse) -> Result<Vec<Finding>> {
    let mut cx = Surroundings::new(shop, "evaluate").about(model.clone());
    let Built::Evaluator(evaluator) = build(Kind::Evaluator, &entry.plugin, Json::Object(entry.options.clone()), &mut cx)? else {
        return Err(Error::run(&entry.plugin, "an evaluator plugin built something else"));
    };
    let data: InMemory = match &entry.data {
        Some(data) => spread(&*shop.records(data)?, entry.limit),
        None if evaluator.needs_data() => {
            return refuse(format!("evaluator {}", entry.plugin), "`data`: what is scored", "none", "name a data set of [data]");
        }
        None => InMemory { name: entry.subject().into(), records: vec![] },
    };
    let format = match &entry.format {
        Some(name) if !evaluator.takes_format() => {
            let found = format!("`format = \"{name}\"`");
            return refuse(
                format!("evaluator {}", entry.plugin),
                "an evaluator that reads formats",
                found,
                "take it out, or use an evaluator that scores answers",
            );
        }
        Some(name) => shop.format(Some(name), model.tokenizer()?.as_ref())?,
        None => None,
    };
    let found = evaluator.evaluate(&mut Evaluation { model, data: &data, format: format.as_ref().map(|f| f as &dyn Format), cx: &mut cx })?;
    if let Some(format) = &format {
        shop.note_cut(&format!("Scoring {} on {}", entry.plugin, entry.subject()), format);
    }
    Ok(found)
}

/// Rows of the report. Resamples depend on the data only, so that models are compared on the same ones.
///
/// # Errors
/// The data cannot be read.
pub fn scores(shop: &Shop<'_>, stage: &str, model: &str, entry: &EvaluatorUse, findings: &[Finding]) -> Result<Vec<Score>> {
    let records = entry.data.as_ref().map(|data| shop.records(data)).transpose()?;
    let language = records.and_then(|r| r.records.first()?.language.clone()).unwrap_or_default();
    let draws: Draws = shop.draws.stream("bootstrap").stream(entry.subject());
    let row = |finding: &Finding| {
        let scored = tongues_eval::score(finding, draws);
        Score {
            stage: stage.into(),
            model: finding.reference.clone().unwrap_or_else(|| model.into()),
            evaluator: entry.plugin.clone(),
            data: entry.subject().into(),
            language: language.to_string(),
            metric: finding.metric.clone(),
            value: scored.value,
            low: Some(scored.low),
            high: Some(scored.high),
            n: scored.n as u64,
            better: if finding.better == Better::Lower { tongues_report::Better::Lower } else { tongues_report::Better::Higher },
            reference: false,
        }
    };
    Ok(findings.iter().map(row).collect())
}
