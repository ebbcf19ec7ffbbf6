//! The paper file of a repro, `recipes/papers/<slug>.toml`: arms, metrics and claims. Its recipes lie in the folder beside it, each
//! an ordinary recipe.

use super::claims::Claim;
use crate::tree;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tongues_judge::Better;

/// Where paper files lie.
pub const FOLDER: &str = "recipes/papers";

/// A paper file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// The version of this layout, 1; also what tells the file from a recipe.
    pub repro: u32,
    /// The file's name.
    pub slug: String,
    /// The paper's title.
    pub title: String,
    /// Where it is, such as `arXiv 2503.01275`.
    pub paper: String,
    /// What is compared, in a sentence or two.
    pub summary: String,
    /// Models that are trained once a seed; `{name}` in a `set` is the folder of the checkpoint.
    #[serde(default)]
    pub bases: BTreeMap<String, Base>,
    /// How large.
    pub scales: Scales,
    /// What is compared.
    #[serde(rename = "arm")]
    pub arms: Vec<Arm>,
    /// Learning rates (or another number) to choose from, arm by arm, on development seeds.
    pub grid: Option<Grid>,
    /// Arms that stand for the best of several, as development seeds name it.
    #[serde(default)]
    pub best: Vec<Best>,
    /// What is measured.
    #[serde(rename = "metric")]
    pub metrics: Vec<Metric>,
    /// What development may look at.
    #[serde(default, rename = "check")]
    pub checks: Vec<Check>,
    /// What is claimed.
    #[serde(rename = "claim")]
    pub claims: Vec<Claim>,
}

/// A model that arms begin from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Its recipe.
    pub recipe: String,
    /// The stage whose checkpoint arms load.
    pub stage: String,
    /// `--set` overrides; may name other bases.
    #[serde(default)]
    pub set: Vec<String>,
}

/// Settings by scale.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scales {
    /// Runs through in seconds; never judged.
    pub smoke: Option<Settings>,
    /// What is judged on a small machine.
    pub mini: Option<Settings>,
    /// The paper's own models and data.
    pub full: Option<Settings>,
}

/// What one scale changes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Seeds of a smoke run.
    pub seeds: Option<usize>,
    /// `--set` overrides of every base.
    #[serde(default)]
    pub base: Vec<String>,
    /// `--set` overrides of every arm.
    #[serde(default)]
    pub arm: Vec<String>,
    /// The folder of this scale's recipes, inside that of the paper.
    pub folder: Option<String>,
    /// What must be on the disk. One with the name of a base stands for it.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Metrics that are scored otherwise at this scale: by name, `*` for all.
    #[serde(default)]
    pub metrics: BTreeMap<String, Other>,
}

/// How a metric is scored at one scale, where it is not as its table says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Other {
    /// As in `report.json`.
    pub evaluator: Option<String>,
    /// As in `report.json`.
    pub data: Option<String>,
    /// As in `report.json`.
    pub metric: Option<String>,
}

/// Something on the user's disk.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Its name; `{name}` in a `set` is its path.
    pub name: String,
    /// What it is and where it comes from.
    pub what: String,
}

/// One arm.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Its name.
    pub name: String,
    /// Its recipe.
    pub recipe: String,
    /// `--set` overrides; `{seed}`, `{slug}` and the names of bases and needs in braces are replaced.
    #[serde(default)]
    pub set: Vec<String>,
    /// Whether the grid is sought for it.
    #[serde(default = "yes")]
    pub grid: bool,
}

fn yes() -> bool {
    true
}

/// Numbers to choose from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// The key of the recipes that is set.
    pub key: String,
    /// Its values, the same for all arms.
    pub values: Vec<f64>,
    /// The metric on development data that chooses.
    pub metric: String,
    /// Development seeds.
    #[serde(default = "two")]
    pub seeds: usize,
}

fn two() -> usize {
    2
}

/// The best of several arms by the grid's metric.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// Its name; claims use it as an arm.
    pub name: String,
    /// The arms.
    pub of: Vec<String>,
}

/// One score of a report.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name here.
    pub name: String,
    /// As in `report.json`.
    pub evaluator: String,
    /// As in `report.json`.
    pub data: String,
    /// As in `report.json`, such as `accuracy`.
    pub metric: String,
    /// As in `report.json`; needed where several models are scored.
    pub model: Option<String>,
    /// As in `report.json`; needed where several stages score.
    pub stage: Option<String>,
    /// As in `report.json`; needed where several languages are scored.
    pub language: Option<String>,
    /// Which direction is an improvement.
    pub better: Better,
}

/// A control that development looks at.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What it shows.
    pub name: String,
    /// `arm`, or `arm:metric`.
    pub of: String,
    /// The metric.
    pub metric: String,
    /// The mean lies between these.
    pub between: Option<[f64; 2]>,
    /// The mean is better than that of this arm.
    pub above: Option<String>,
}

/// All slugs: the paper files, ordinary recipes left out.
pub fn slugs(root: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(root.join(FOLDER)).with_context(|| format!("{FOLDER}: cannot be listed"))?;
    let mut slugs = vec![];
    for path in entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "toml")) {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let slug = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if is_paper(&text) {
            slugs.push(slug);
        }
    }
    slugs.sort();
    Ok(slugs)
}

/// A top-level key `repro` makes the file a paper file.
fn is_paper(text: &str) -> bool {
    text.lines().take_while(|l| !l.starts_with('[')).any(|l| l.split_once('=').is_some_and(|(key, _)| key.trim() == "repro"))
}

/// The path of a paper file in the repository.
pub fn path(slug: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("{slug}.toml"))
}

/// Reads and checks a paper file.
///
/// # Errors
/// It is not there, has unknown keys, or contradicts itself; all contradictions together.
pub fn read(root: &Path, slug: &str) -> Result<Paper> {
    let path = path(slug);
    let known = slugs(root)?;
    let told = if known.is_empty() { "none is there yet".into() } else { format!("there are {}", known.join(", ")) };
    anyhow::ensure!(known.iter().any(|k| k == slug), "{}: a paper file (`repro = 1`) was expected, found none; {told}", path.display());
    let paper: Paper = toml_edit::de::from_str(&tree::text(root, &path)?).with_context(|| path.display().to_string())?;
    let problems = super::problems::of(root, slug, &paper);
    anyhow::ensure!(problems.is_empty(), "{}:\n  {}", path.display(), problems.join("\n  "));
    Ok(paper)
}
