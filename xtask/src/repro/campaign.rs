//! Arms times seeds: which runs there are, in which order, and what they gave.

use super::cache::{Cache, Job, Outcome, Run};
use super::paper::{Paper, Settings};
use super::problems::recipe_path;
use super::sides::Side;
use super::{hash, places, scores};
use crate::tree;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

/// What all runs of one command share.
pub struct Campaign<'c> {
    /// The repository.
    pub root: &'c Path,
    /// The paper file.
    pub paper: &'c Paper,
    /// Its settings at the scale.
    pub settings: &'c Settings,
    /// Paths of what the scale needs.
    pub needs: BTreeMap<String, String>,
    /// Where runs lie.
    pub cache: Cache,
}

/// One run of an arm.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// The number from the grid.
    pub rate: Option<f64>,
}

/// A cell with what became of it.
pub struct Ran {
    /// The cell.
    pub cell: Cell,
    /// Its run.
    pub outcome: Outcome,
}

impl Ran {
    /// One metric; `None` where the run failed or the value is not defined.
    ///
    /// # Errors
    /// The report has no such score.
    pub fn value(&self, paper: &Paper, metric: &str) -> Result<Option<f64>> {
        let Outcome::Done(run) = &self.outcome else { return Ok(None) };
        let metric = paper.metrics.iter().find(|m| m.name == metric).with_context(|| format!("metric {metric}: it is not in the paper file"))?;
        scores::value(&run.folder, metric).with_context(|| format!("arm {}, seed {}", self.cell.arm, self.cell.seed))
    }
}

/// The value of a side in a seed; `None` where its run failed.
///
/// # Errors
/// The report has no such score.
pub fn value(ran: &[Ran], paper: &Paper, side: &Side, seed: u64) -> Result<Option<f64>> {
    let found = ran.iter().find(|r| r.cell.arm == side.arm && r.cell.seed == seed);
    found.map_or(Ok(None), |r| r.value(paper, &side.metric))
}

impl Campaign<'_> {
    /// Runs all cells, one at a time, with their bases; tells each with the time that is left.
    ///
    /// # Errors
    /// The program cannot be started or was interrupted.
    pub fn run(&self, cells: &[Cell]) -> Result<Vec<Ran>> {
        let begun = Instant::now();
        let mut ran = vec![];
        for (done, cell) in cells.iter().enumerate() {
            let outcome = self.cell(cell)?;
            println!("[{}/{}] {}: {}{}", done + 1, cells.len(), label(cell), told(&outcome), left(begun, done + 1, cells.len()));
            ran.push(Ran { cell: cell.clone(), outcome });
        }
        Ok(ran)
    }

    fn cell(&self, cell: &Cell) -> Result<Outcome> {
        let arm = self.paper.arms.iter().find(|a| a.name == cell.arm).with_context(|| format!("arm {}: it is not in the paper file", cell.arm))?;
        let rate = cell.rate.and_then(|rate| Some(format!("{}={rate:?}", self.paper.grid.as_ref()?.key)));
        let set: Vec<String> = arm.set.iter().chain(&self.settings.arm).cloned().chain(rate).collect();
        self.job(&label(cell), &arm.recipe, &set, (cell.seed, true))
    }

    /// A run with the bases that its overrides name.
    fn job(&self, label: &str, recipe: &str, set: &[String], (seed, scored): (u64, bool)) -> Result<Outcome> {
        let path = recipe_path(&self.paper.slug, self.settings, recipe);
        let text = tree::text(self.root, &path)?;
        let code = hash::code_of(self.root, &text, set, scored)?;
        let mut parts = vec![text, set.join("\n"), seed.to_string(), code, hash::simd().into()];
        let mut values: BTreeMap<String, String> = self.needs.clone();
        for base in self.paper.bases.keys().filter(|name| !self.needs.contains_key(*name) && set.iter().any(|s| places::named(s, name))) {
            match self.base(base, seed)? {
                (Outcome::Done(run), fingerprint) => {
                    let checkpoint = run.folder.join("stages").join(&self.paper.bases[base].stage).join("checkpoint");
                    values.insert(base.clone(), checkpoint.display().to_string());
                    parts.push(fingerprint);
                }
                (Outcome::Failed(why), _) => return Ok(Outcome::Failed(format!("base {base}: {why}"))),
            }
        }
        parts.extend(self.needs.values().cloned());
        values.extend([("seed".into(), seed.to_string()), ("slug".into(), self.paper.slug.clone())]);
        let set = set.iter().map(|s| places::filled(s, &values)).collect();
        let fingerprint = hash::of_parts(&parts.iter().map(String::as_str).collect::<Vec<_>>());
        let job = Job { label: label.into(), recipe: self.root.join(path), set, seed, fingerprint };
        match self.cache.run(&job)? {
            Outcome::Done(run) if run.simd != hash::simd() => {
                bail!("{label}: vector instructions {} were expected, {} were used; set TONGUES_SIMD to one that this machine has", hash::simd(), run.simd)
            }
            outcome => Ok(outcome),
        }
    }

    /// A base of a seed, with the fingerprint that stands for it: a hash of its run's name in the cache.
    fn base(&self, name: &str, seed: u64) -> Result<(Outcome, String)> {
        let base = &self.paper.bases[name];
        let set: Vec<String> = base.set.iter().chain(&self.settings.base).cloned().collect();
        let begun = Instant::now();
        let outcome = self.job(&format!("base {name}, seed {seed}"), &base.recipe, &set, (seed, false))?;
        if let Outcome::Done(Run { reused: false, .. }) = &outcome {
            println!("        base {name}, seed {seed}: {}", seconds(begun.elapsed().as_secs_f64()));
        }
        let fingerprint = match &outcome {
            Outcome::Done(run) => run.folder.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned(),
            Outcome::Failed(_) => String::new(),
        };
        Ok((outcome, fingerprint))
    }
}

fn label(cell: &Cell) -> String {
    let rate = cell.rate.map(|r| format!(", {r:?}")).unwrap_or_default();
    format!("arm {}, seed {}{rate}", cell.arm, cell.seed)
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(run) if run.reused => format!("there ({})", seconds(run.seconds)),
        Outcome::Done(run) => seconds(run.seconds),
        Outcome::Failed(why) => format!("FAILED: {why}"),
    }
}

/// By the mean of what is done; finished runs that were only looked up make it short at first.
fn left(begun: Instant, done: usize, all: usize) -> String {
    let rest = begun.elapsed().as_secs_f64() / done as f64 * (all - done) as f64;
    if rest < 1.0 { String::new() } else { format!(", about {} left", seconds(rest)) }
}

/// Seconds for people.
pub fn seconds(s: f64) -> String {
    match s {
        s if s < 90.0 => format!("{s:.1} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
