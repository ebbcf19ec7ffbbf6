//! Which scores a recipe makes, and whether those that a paper file reads are among them, at every scale.

use super::paper::{Arm, Metric, Paper, Settings};
use super::problems::recipe_path;
use super::sides::{Named, Side, needed, side};
use std::collections::BTreeMap;
use std::path::Path;
use toml_edit::{DocumentMut, Item, Table};

/// A score that a recipe makes, as far as it can be told before it runs.
struct Scored {
    stage: String,
    models: Vec<String>,
    evaluator: String,
    data: String,
}

impl Paper {
    /// The paper file as a scale reads it: metrics that are scored otherwise there.
    #[must_use]
    pub fn at(mut self, settings: &Settings) -> Self {
        for metric in &mut self.metrics {
            for other in ["*", metric.name.as_str()].into_iter().filter_map(|name| settings.metrics.get(name)).collect::<Vec<_>>() {
                metric.evaluator = other.evaluator.clone().unwrap_or_else(|| metric.evaluator.clone());
                metric.data = other.data.clone().unwrap_or_else(|| metric.data.clone());
                metric.metric = other.metric.clone().unwrap_or_else(|| metric.metric.clone());
            }
        }
        self
    }
}

/// What is read of an arm and not scored by its recipe, at each scale.
pub fn missing(root: &Path, paper: &Paper) -> Vec<String> {
    let scales = [("smoke", &paper.scales.smoke), ("mini", &paper.scales.mini), ("full", &paper.scales.full)];
    let mut problems = vec![];
    for (scale, settings) in scales.iter().filter_map(|(scale, settings)| Some((scale, settings.as_ref()?))) {
        for name in settings.metrics.keys().filter(|name| *name != "*" && paper.metrics.iter().all(|m| m.name != **name)) {
            problems.push(format!("[scales.{scale}] metrics.{name}: the name of a metric was expected, or \"*\""));
        }
        let paper = paper.clone().at(settings);
        let mut recipes: BTreeMap<String, Vec<Scored>> = BTreeMap::new();
        for read in sides(&paper) {
            let (Some(arm), Some(metric)) = (paper.arms.iter().find(|a| a.name == read.arm), paper.metrics.iter().find(|m| m.name == read.metric)) else {
                continue;
            };
            let path = recipe_path(&paper.slug, settings, &arm.recipe);
            // A recipe that is not there is told elsewhere.
            if !root.join(&path).is_file() {
                continue;
            }
            let scored = recipes.entry(path.clone()).or_insert_with(|| scored(&root.join(&path)));
            if !scored.iter().any(|s| s.is(metric)) {
                problems.push(format!("[[metric]] {}: {} was expected to score {}, at scale {scale}", metric.name, path, told(metric)));
            }
        }
    }
    problems.sort();
    problems.dedup();
    problems
}

/// Everything that claims, checks and the grid read.
fn sides(paper: &Paper) -> Vec<Side> {
    let mut sides = vec![];
    let best: Vec<Named> = match &paper.best[..] {
        [] => vec![Named::new()],
        // Any of its arms may be chosen.
        all => all.iter().flat_map(|best| best.of.iter().map(|arm| Named::from([(best.name.clone(), arm.clone())]))).collect(),
    };
    for named in &best {
        sides.extend(needed(&paper.claims.iter().collect::<Vec<_>>(), named));
    }
    let checks = paper.checks.iter().flat_map(|c| std::iter::once(&c.of).chain(&c.above).map(|text| side(text, &c.metric, &Named::new())));
    sides.extend(checks);
    let gridded = |arm: &&Arm| arm.grid;
    sides.extend(paper.grid.iter().flat_map(|grid| paper.arms.iter().filter(gridded).map(|arm| Side { arm: arm.name.clone(), metric: grid.metric.clone() })));
    sides
}

/// The scores of all `evaluate` stages.
fn scored(path: &Path) -> Vec<Scored> {
    let document = std::fs::read_to_string(path).ok().and_then(|text| text.parse::<DocumentMut>().ok());
    let stages = document.as_ref().and_then(|d| d.get("stage")?.as_array_of_tables());
    stages.into_iter().flatten().flat_map(of_stage).collect()
}

fn of_stage(stage: &Table) -> Vec<Scored> {
    let Some(evaluate) = stage.get("evaluate").and_then(Item::as_table_like) else { return vec![] };
    let text = |item: Option<&Item>| item.and_then(Item::as_str).unwrap_or_default().to_owned();
    let models: Vec<String> = evaluate.get("models").and_then(Item::as_array).into_iter().flatten().filter_map(|m| m.as_str().map(str::to_owned)).collect();
    let uses = evaluate.get("on").and_then(Item::as_array).into_iter().flatten().filter_map(|u| u.as_inline_table());
    let of = |key, table: &toml_edit::InlineTable| table.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    uses.map(|u| Scored { stage: text(stage.get("name")), models: models.clone(), evaluator: of("use", u), data: of("data", u) }).collect()
}

impl Scored {
    fn is(&self, metric: &Metric) -> bool {
        let fits = |wish: &Option<String>, found: &str| wish.as_deref().is_none_or(|w| w == found);
        let model = metric.model.as_ref().is_none_or(|model| self.models.contains(model));
        self.evaluator == metric.evaluator && self.data == metric.data && model && fits(&metric.stage, &self.stage)
    }
}

fn told(metric: &Metric) -> String {
    let part = |word: &str, value: &Option<String>| value.as_ref().map_or_else(String::new, |v| format!(", {word} {v}"));
    format!("evaluator {}, data {}{}{}", metric.evaluator, metric.data, part("model", &metric.model), part("stage", &metric.stage))
}
