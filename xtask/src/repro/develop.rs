//! Development: the grid, the best of several, and controls. Claims are not looked at.

use super::campaign::{Campaign, Cell, Ran, value};
use super::freeze::Parts;
use super::paper::{Check, Grid, Paper};
use super::scale::Scale;
use super::sides::{Named, needed, side};
use super::{cache, seeds};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tongues_judge::Better;

/// Development seeds where no grid says how many.
const SEEDS: usize = 2;

/// What development found, in `docs/repro/<slug>.develop.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Developed {
    /// The scale.
    pub scale: Scale,
    /// Hashes of what it was found with.
    pub parts: BTreeMap<String, String>,
    /// Development seeds.
    pub seeds: Vec<u64>,
    /// By arm, the mean of the grid's metric at every value; null where a run failed.
    pub grid: BTreeMap<String, Vec<(f64, Option<f64>)>>,
    /// What was chosen for each arm.
    pub rates: BTreeMap<String, f64>,
    /// Which arm stands for the best of several.
    pub best: BTreeMap<String, String>,
    /// The controls.
    pub checks: Vec<Checked>,
}

/// A control.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// What it shows.
    pub name: String,
    /// What was found, and what was expected.
    pub told: String,
    /// Whether it is as expected.
    pub passed: bool,
}

/// Where it is written.
pub fn path(root: &Path, slug: &str) -> PathBuf {
    root.join(format!("docs/repro/{slug}.develop.json"))
}

/// What an earlier development found.
///
/// # Errors
/// The file cannot be read.
pub fn read(root: &Path, slug: &str) -> Result<Option<Developed>> {
    let path = path(root, slug);
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(Some(serde_json::from_str(&text).with_context(|| path.display().to_string())?))
}

/// Runs the grid and the controls on development seeds, prints the controls, and writes what was chosen.
///
/// # Errors
/// A run cannot be started or its report has no such score; an arm failed at every value.
pub fn run(campaign: &Campaign<'_>, scale: Scale, parts: &Parts, count: Option<usize>) -> Result<()> {
    let paper = campaign.paper;
    let seeds = seeds::development(count.or(paper.grid.as_ref().map(|g| g.seeds)).unwrap_or(SEEDS));
    let (arms, gridded) = arms(paper);
    let mut cells = vec![];
    for arm in &arms {
        let values = paper.grid.as_ref().filter(|_| gridded.contains(arm)).map_or(vec![None], |g| g.values.iter().map(|v| Some(*v)).collect());
        cells.extend(seeds.iter().flat_map(|seed| values.iter().map(|rate| Cell { arm: arm.clone(), seed: *seed, rate: *rate })));
    }
    let ran = campaign.run(&cells)?;
    let mut found =
        Developed { scale, parts: parts.hashes.clone(), seeds, grid: BTreeMap::new(), rates: BTreeMap::new(), best: BTreeMap::new(), checks: vec![] };
    if let Some(grid) = &paper.grid {
        choose(paper, grid, &ran, &gridded, &mut found)?;
    }
    let chosen: Vec<Ran> = ran.into_iter().filter(|r| r.cell.rate == found.rates.get(&r.cell.arm).copied()).collect();
    if let Some(grid) = &paper.grid {
        best(paper, grid, &chosen, &mut found)?;
    }
    for check in &paper.checks {
        found.checks.push(checked(paper, check, &chosen, &found.seeds)?);
    }
    cache::write_whole(&path(campaign.root, &paper.slug), (serde_json::to_string_pretty(&found)? + "\n").as_bytes())?;
    tell(&found);
    Ok(())
}

/// The arms that development runs, and those among them for which the grid is sought: with a grid all that a claim or a check needs,
/// without one those of the checks.
fn arms(paper: &Paper) -> (Vec<String>, Vec<String>) {
    let checks = paper.checks.iter().flat_map(|c| std::iter::once(&c.of).chain(&c.above).map(|text| side(text, &c.metric, &Named::new()).arm));
    let mut arms: Vec<String> = checks.collect();
    let mut gridded = vec![];
    if paper.grid.is_some() {
        let all: Vec<_> = paper.claims.iter().collect();
        arms.extend(needed(&all, &Named::new()).into_iter().map(|s| s.arm));
        arms.extend(paper.best.iter().flat_map(|b| b.of.iter().cloned()));
        gridded = paper.arms.iter().filter(|a| a.grid).map(|a| a.name.clone()).collect();
    }
    arms.retain(|name| paper.arms.iter().any(|a| a.name == *name));
    arms.sort();
    arms.dedup();
    gridded.retain(|name| arms.contains(name));
    (arms, gridded)
}

fn choose(paper: &Paper, grid: &Grid, ran: &[Ran], gridded: &[String], found: &mut Developed) -> Result<()> {
    for arm in gridded {
        let mut row = vec![];
        for rate in &grid.values {
            let runs: Vec<&Ran> = ran.iter().filter(|r| r.cell.arm == *arm && r.cell.rate == Some(*rate)).collect();
            let values = runs.iter().map(|r| r.value(paper, &grid.metric)).collect::<Result<Option<Vec<f64>>>>()?;
            row.push((*rate, values.map(|v| mean(&v))));
        }
        let better = better(paper, &grid.metric);
        let tried = row.iter().filter_map(|(rate, mean)| Some((*rate, (*mean)?)));
        let chosen = tried.reduce(|a, b| if is_better(better, b.1, a.1) { b } else { a });
        let (rate, _) =
            chosen.with_context(|| format!("arm {arm}: a value of the grid at which it runs was expected, all failed; look into its logs in the cache"))?;
        found.rates.insert(arm.clone(), rate);
        found.grid.insert(arm.clone(), row);
    }
    Ok(())
}

fn best(paper: &Paper, grid: &Grid, ran: &[Ran], found: &mut Developed) -> Result<()> {
    for best in &paper.best {
        let mut scored = vec![];
        for arm in &best.of {
            let values = ran.iter().filter(|r| r.cell.arm == *arm).map(|r| r.value(paper, &grid.metric)).collect::<Result<Option<Vec<f64>>>>()?;
            scored.extend(values.map(|v| (arm.clone(), mean(&v))));
        }
        let better = better(paper, &grid.metric);
        let chosen = scored.into_iter().reduce(|a, b| if is_better(better, b.1, a.1) { b } else { a });
        let (arm, _) = chosen.with_context(|| format!("best {}: an arm that runs was expected, all failed", best.name))?;
        found.best.insert(best.name.clone(), arm);
    }
    Ok(())
}

fn checked(paper: &Paper, check: &Check, ran: &[Ran], seeds: &[u64]) -> Result<Checked> {
    let of = |text: &str| -> Result<Option<f64>> {
        let side = side(text, &check.metric, &Named::new());
        let values = seeds.iter().map(|seed| value(ran, paper, &side, *seed)).collect::<Result<Option<Vec<f64>>>>()?;
        Ok(values.map(|v| mean(&v)))
    };
    let found = of(&check.of)?;
    let (passed, expected) = match (&check.between, &check.above) {
        (Some([low, high]), _) => (found.is_some_and(|v| (*low..=*high).contains(&v)), format!("{low} to {high}")),
        (None, above) => {
            let above = above.as_deref().unwrap_or_default();
            let other = of(above)?;
            let better = better(paper, &side(&check.of, &check.metric, &Named::new()).metric);
            (found.zip(other).is_some_and(|(a, b)| is_better(better, a, b)), format!("better than {above} with {}", number(other)))
        }
    };
    Ok(Checked { name: check.name.clone(), told: format!("{} {}, expected {expected}", check.of, number(found)), passed })
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "no value".into(), |v| format!("{v:.4}"))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn better(paper: &Paper, metric: &str) -> Better {
    paper.metrics.iter().find(|m| m.name == metric).map_or(Better::Higher, |m| m.better)
}

fn is_better(better: Better, one: f64, other: f64) -> bool {
    if better == Better::Higher { one > other } else { one < other }
}

fn tell(found: &Developed) {
    for (arm, rate) in &found.rates {
        let row = &found.grid[arm];
        let edge = row.first().is_some_and(|f| f.0 == *rate) || row.last().is_some_and(|l| l.0 == *rate);
        println!("{arm}: {rate:?}{}", if edge { " (at the end of the grid: a wider one may be better)" } else { "" });
    }
    found.best.iter().for_each(|(name, arm)| println!("{name}: {arm}"));
    found.checks.iter().for_each(|c| println!("{} {}: {}", if c.passed { "ok    " } else { "FAILED" }, c.name, c.told));
}

/// What is frozen of development: nothing where the paper asks for none.
///
/// # Errors
/// It was not done, not with these files, or a control is not as expected.
pub fn chosen(root: &Path, paper: &Paper, scale: Scale, parts: &Parts) -> Result<(BTreeMap<String, f64>, BTreeMap<String, String>)> {
    if paper.grid.is_none() && paper.checks.is_empty() {
        return Ok(Default::default());
    }
    let remedy = format!("run `cargo xtask repro {} --develop --scale {}`; what did not change is taken from the cache", paper.slug, scale.name());
    let found = read(root, &paper.slug)?.with_context(|| format!("repro {}: development was expected before a freeze; {remedy}", paper.slug))?;
    ensure!(found.scale == scale, "repro {}: development at scale {} was expected, found {}; {remedy}", paper.slug, scale.name(), found.scale.name());
    let changed = parts.changed(&found.parts);
    ensure!(changed.is_empty(), "repro {}: changed since development: {}; {remedy}", paper.slug, changed.join(", "));
    let failed: Vec<&str> = found.checks.iter().filter(|c| !c.passed).map(|c| c.name.as_str()).collect();
    ensure!(failed.is_empty(), "repro {}: controls are not as expected: {}; change the arms until they are, then develop again", paper.slug, failed.join(", "));
    Ok((found.rates, found.best))
}
