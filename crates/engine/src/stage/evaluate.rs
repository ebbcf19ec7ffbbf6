//! Scores of models on data.

use super::Work;
use super::paired::{Found, against, correct};
use crate::datasets::spread;
use crate::shop::Shop;
use crate::surroundings::Surroundings;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use tongues_eval::Scored;
use tongues_formats::TextFormat;
use tongues_formats::shots::{Choice, Order};
use tongues_kernel::policy::matches;
use tongues_kernel::{
    Better, Built, Context, Draws, Error, Evaluation, Evaluator, Finding, Format, InMemory, Kind, Model, Name, Record, Result, build, refuse,
};
use tongues_recipe::ast::{Evaluate, EvaluatorUse, GroupBy, ShotsOrder};
use tongues_report::{Comparison, Score};

/// What the row of the mean over languages is called.
pub const AVERAGE: &str = "average";

/// What a stage found.
#[derive(Default)]
pub struct Scores {
    /// A row a model, entry, language and metric.
    pub scores: Vec<Score>,
    /// Every model against the first one.
    pub comparisons: Vec<Comparison>,
}

/// Scores every model on every entry, and compares it with the first one.
pub fn run(work: &Work<'_, '_>, evaluate: &Evaluate) -> Result<Scores> {
    let models = named(work, &evaluate.models);
    let entries = &evaluate.on;
    let of = models.len() * entries.len();
    let by_language = evaluate.group.contains(&GroupBy::Language);
    let mut all: Vec<Score> = vec![];
    let mut references: BTreeSet<usize> = BTreeSet::new();
    let mut baselines: Vec<Found> = vec![];
    let mut comparisons: Vec<Vec<Comparison>> = entries.iter().map(|_| vec![]).collect();
    for (m, name) in models.iter().enumerate() {
        let model = work.shop.model(name)?;
        for (e, entry) in entries.iter().enumerate() {
            work.pause()?;
            work.progress.tick(m * entries.len() + e, of, &format!("{name} on {}", entry.subject()));
            if references.contains(&e) {
                continue;
            }
            let groups = grouped(work.shop, &model, entry, by_language)?;
            if groups.iter().any(|group| group.findings.iter().any(|f| f.reference.is_some())) {
                references.insert(e);
            }
            let scores = scores(work.shop, &work.stage.name, name, entry, &groups);
            // A model by itself is the beginning of nothing.
            let first = m == 0 && models.len() > 1 && !references.contains(&e);
            all.extend(scores.into_iter().map(|s| Score { reference: first, ..s }));
            let found = Found { model: name.clone(), groups };
            match baselines.get(e) {
                Some(baseline) => comparisons[e].extend(against(work.shop, &work.stage.name, entry, baseline, &found)),
                None => baselines.push(found),
            }
        }
    }
    comparisons.iter_mut().for_each(|of_entry| correct(of_entry));
    work.progress.tick(of, of, "done");
    Ok(Scores { scores: all, comparisons: comparisons.concat() })
}

/// What was found in the records of one language, or in all of them.
pub struct Group {
    /// Their language; of all records that of the first.
    pub language: String,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// What an evaluator finds in the records of an entry: of every language on its own, or of all.
///
/// # Errors
/// The data cannot be read, or the evaluator refuses it.
pub fn grouped(shop: &Shop<'_>, model: &Model, entry: &EvaluatorUse, by_language: bool) -> Result<Vec<Group>> {
    let Some(data) = entry.data.as_ref().filter(|_| by_language) else {
        let records = entry.data.as_ref().map(|data| shop.records(data)).transpose()?;
        let language = records.and_then(|r| r.records.first()?.language.clone()).unwrap_or_default();
        return Ok(vec![Group { language: language.to_string(), findings: findings(shop, model, entry)? }]);
    };
    let mut groups: Vec<(Name, Vec<Record>)> = vec![];
    for record in &shop.records(data)?.records {
        let language = record.language.clone().unwrap_or_default();
        match groups.iter_mut().find(|(known, _)| *known == language) {
            Some((_, records)) => records.push(record.clone()),
            None => groups.push((language, vec![record.clone()])),
        }
    }
    let one = |(language, records): (Name, Vec<Record>)| {
        let data = spread(&InMemory { name: data.clone(), records }, entry.limit);
        let found = found(shop, model, entry, Some(data)).map_err(|e| e.within(format!("language `{language}`")))?;
        Ok(Group { language: language.to_string(), findings: found })
    };
    groups.into_iter().map(one).collect()
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

/// What an evaluator finds in all records of an entry.
///
/// # Errors
/// The data cannot be read, or the evaluator refuses it.
pub fn findings(shop: &Shop<'_>, model: &Model, entry: &EvaluatorUse) -> Result<Vec<Finding>> {
    let data = entry.data.as_ref().map(|data| Ok(spread(&*shop.records(data)?, entry.limit))).transpose()?;
    found(shop, model, entry, data)
}

/// Builds an evaluator, to see that its options are right.
///
/// # Errors
/// They are not.
pub fn check(shop: &Shop<'_>, entry: &EvaluatorUse) -> Result<()> {
    built(entry, &mut Surroundings::new(shop, "evaluate")).map(|_| ())
}

fn built(entry: &EvaluatorUse, cx: &mut dyn Context) -> Result<Box<dyn Evaluator>> {
    match build(Kind::Evaluator, &entry.plugin, Json::Object(entry.options.clone()), cx)? {
        Built::Evaluator(evaluator) => Ok(evaluator),
        _ => Err(Error::run(&entry.plugin, "an evaluator plugin built something else")),
    }
}

fn found(shop: &Shop<'_>, model: &Model, entry: &EvaluatorUse, data: Option<InMemory>) -> Result<Vec<Finding>> {
    let mut cx = Surroundings::new(shop, "evaluate").about(model.clone());
    let evaluator = built(entry, &mut cx)?;
    if data.is_none() && evaluator.needs_data() {
        return refuse(format!("evaluator {}", entry.plugin), "`data`: what is scored", "none", "name a data set of [data]");
    }
    let data = data.unwrap_or_else(|| InMemory { name: entry.subject().into(), records: vec![] });
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
        Some(name) => shop.format(Some(name), model.tokenizer()?.as_ref())?.map(|format| with_shots(shop, format, entry, &*evaluator)).transpose()?,
        None => None,
    };
    let found = evaluator.evaluate(&mut Evaluation { model, data: &data, format: format.as_ref().map(|f| f as &dyn Format), cx: &mut cx })?;
    if let Some(format) = &format {
        shop.note_cut(&format!("Scoring {} on {}", entry.plugin, entry.subject()), format);
    }
    Ok(found)
}

/// The format with worked examples before every prompt, where the entry asks for them.
fn with_shots(shop: &Shop<'_>, format: TextFormat, entry: &EvaluatorUse, evaluator: &dyn Evaluator) -> Result<TextFormat> {
    let (Some(count), Some(data)) = (entry.shots, &entry.shots_from) else { return Ok(format) };
    let order = match entry.shots_order.unwrap_or_default() {
        ShotsOrder::First => Order::First,
        ShotsOrder::Drawn => Order::Drawn(shop.draws.stream("shots").stream(data)),
    };
    let between = entry.shots_between.clone().unwrap_or_else(|| "\n\n".into());
    let choice = Choice { count, order, between, data: data.clone(), own: entry.data.as_ref() == Some(data) };
    let examples = shop.records(data)?.records.iter().map(|record| evaluator.example(record)).collect::<Result<Vec<Record>>>();
    examples.and_then(|examples| format.with_shots(&examples, choice)).map_err(|e| e.within(format!("shots from data `{data}`")))
}

/// The resamples of a group of an entry's records: they depend on the data and the language only, so that models are compared on the
/// same ones.
pub fn draws(shop: &Shop<'_>, entry: &EvaluatorUse, group: &Group, several: bool) -> Draws {
    let data = shop.draws.stream("bootstrap").stream(entry.subject());
    if several { data.stream(&group.language) } else { data }
}

/// The report's word for a direction.
pub fn direction(better: Better) -> tongues_report::Better {
    if better == Better::Lower { tongues_report::Better::Lower } else { tongues_report::Better::Higher }
}

/// Rows of the report: those of every group, then the means over groups where there are several.
pub fn scores(shop: &Shop<'_>, stage: &str, model: &str, entry: &EvaluatorUse, groups: &[Group]) -> Vec<Score> {
    let draws = |group: &Group| draws(shop, entry, group, groups.len() > 1);
    let row = |finding: &Finding, language: &str, scored: Scored| Score {
        stage: stage.into(),
        model: finding.reference.clone().unwrap_or_else(|| model.into()),
        evaluator: entry.plugin.clone(),
        data: entry.subject().into(),
        language: language.into(),
        metric: finding.metric.clone(),
        value: scored.value,
        low: Some(scored.low),
        high: Some(scored.high),
        n: scored.n as u64,
        better: direction(finding.better),
        reference: false,
    };
    let of_group = |group: &Group| {
        let one = |finding: &Finding| row(finding, &group.language, tongues_eval::score(finding, draws(group)));
        group.findings.iter().map(one).collect::<Vec<Score>>()
    };
    let mut all: Vec<Score> = groups.iter().flat_map(of_group).collect();
    for finding in groups.first().filter(|_| groups.len() > 1).into_iter().flat_map(|group| &group.findings) {
        let same = |group: &Group| group.findings.iter().position(|f| f.metric == finding.metric && f.reference == finding.reference);
        let members: Vec<(&Finding, Draws)> = groups.iter().filter_map(|group| Some((&group.findings[same(group)?], draws(group)))).collect();
        // A metric that some language lacks has no mean over all of them.
        if members.len() == groups.len() {
            all.push(row(finding, AVERAGE, tongues_eval::average(&members)));
        }
    }
    all
}
