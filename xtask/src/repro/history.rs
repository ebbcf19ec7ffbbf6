//! `docs/repro/history.jsonl`: what was frozen, begun and judged. Lines are added and never changed; each holds the hash of the line
//! before it of the same slug, so that a changed line shows.

use super::hash;
use super::scale::Scale;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use tongues_judge::{Estimate, Verdict};

/// The file, by its path in the repository.
pub const FILE: &str = "docs/repro/history.jsonl";

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Which repro.
    pub slug: String,
    /// When, UTC.
    pub time: String,
    /// Hash of the line before of this slug; empty at the first.
    pub previous: String,
    /// What.
    pub event: Event,
}

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// Claims, recipes, code and choices are fixed.
    Freeze(Freeze),
    /// Seeds are used from now on.
    Begin(Begin),
    /// What came out.
    Verdict(Judged),
}

/// What is fixed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// Hash of everything below.
    pub id: String,
    /// The scale.
    pub scale: Scale,
    /// All claims, not the central ones alone.
    pub all_claims: bool,
    /// Hashes of paper file, recipes and code.
    pub parts: BTreeMap<String, String>,
    /// What the grid gave each arm.
    pub rates: BTreeMap<String, f64>,
    /// Which arm stands for the best of several.
    pub best: BTreeMap<String, String>,
    /// The paper's title.
    pub title: String,
    /// Where the paper is.
    pub paper: String,
    /// What is compared.
    pub summary: String,
    /// The claims.
    pub claims: Vec<FrozenClaim>,
    /// Why it was frozen again; empty at the first time.
    pub reason: String,
}

/// A claim as it is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrozenClaim {
    /// Its name.
    pub id: String,
    /// What the paper says.
    pub text: String,
    /// The number that was published.
    pub published: String,
    /// Where.
    pub source: String,
    /// The comparison in words.
    pub compared: String,
    /// The margin.
    pub margin: f64,
    /// Whether it is central.
    pub central: bool,
}

/// Seeds of a look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// The freeze.
    pub freeze: String,
    /// The look, from 1.
    pub look: usize,
    /// The seeds that this look adds.
    pub seeds: Vec<u64>,
}

/// The verdicts of a look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// The freeze.
    pub freeze: String,
    /// The look, from 1.
    pub look: usize,
    /// All seeds so far.
    pub seeds: Vec<u64>,
    /// The vector instructions.
    pub simd: String,
    /// Wall time of all runs, bases left out.
    pub seconds: f64,
    /// Every claim.
    pub claims: Vec<JudgedClaim>,
    /// Every run.
    pub runs: Vec<JudgedRun>,
}

/// A claim with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedClaim {
    /// Its name.
    pub id: String,
    /// The verdict.
    pub verdict: Verdict,
    /// At which look it was reached.
    pub look: usize,
    /// Why it is not judged.
    pub why: String,
    /// The figures of that look.
    pub estimate: Option<Estimate>,
    /// The effect of every seed, in their order; null where a run failed.
    pub effects: Vec<Option<f64>>,
    /// Its controls.
    pub controls: Vec<JudgedControl>,
}

/// A control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedControl {
    /// The arm.
    pub arm: String,
    /// The kind, in words.
    pub kind: String,
    /// `as expected`, `against`, `unclear` or `not judged`.
    pub outcome: String,
    /// Mean and 95 % interval of what the claim's arm has more than the control.
    pub mean: Option<f64>,
    /// Lower end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedRun {
    /// The arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// Wall time; 0 where it failed.
    pub seconds: f64,
    /// Its metrics; null where not defined.
    pub values: BTreeMap<String, Option<f64>>,
    /// Why it failed; empty otherwise.
    pub failed: String,
}

/// All lines.
///
/// # Errors
/// A line cannot be read, or one was changed or taken out.
pub fn read(root: &Path) -> Result<Vec<Line>> {
    Ok(with_hashes(root)?.into_iter().map(|(line, _)| line).collect())
}

/// All lines with the hashes of their bytes.
fn with_hashes(root: &Path) -> Result<Vec<(Line, String)>> {
    let path = root.join(FILE);
    let text = if path.exists() { std::fs::read_to_string(&path).context(FILE)? } else { String::new() };
    let mut lines: Vec<(Line, String)> = vec![];
    for (number, raw) in text.lines().enumerate() {
        let line: Line = serde_json::from_str(raw).with_context(|| format!("{FILE}:{}: a line of the history was expected", number + 1))?;
        let remedy = "lines are added and never changed; take the file from the version control";
        let holds = line.previous == last(&lines, &line.slug);
        ensure!(holds, "{FILE}:{}: the line before it of {} was changed or taken out; {remedy}", number + 1, line.slug);
        lines.push((line, hash::of(raw.as_bytes())));
    }
    Ok(lines)
}

fn last(lines: &[(Line, String)], slug: &str) -> String {
    lines.iter().rev().find(|(line, _)| line.slug == slug).map_or_else(String::new, |(_, hash)| hash.clone())
}

/// Adds a line at the end; what is there is not touched.
///
/// # Errors
/// The history does not hold together, or cannot be written.
pub fn append(root: &Path, slug: &str, event: Event) -> Result<()> {
    let line = Line { slug: slug.into(), time: super::time::now(), previous: last(&with_hashes(root)?, slug), event };
    std::fs::create_dir_all(root.join("docs/repro")).context("docs/repro")?;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(root.join(FILE)).context(FILE)?;
    file.write_all((serde_json::to_string(&line)? + "\n").as_bytes()).and_then(|()| file.sync_all()).context(FILE)
}

/// What the history says of one slug.
pub struct Past<'h> {
    lines: Vec<&'h Line>,
}

impl<'h> Past<'h> {
    /// Of one slug.
    pub fn of(history: &'h [Line], slug: &str) -> Self {
        Self { lines: history.iter().filter(|l| l.slug == slug).collect() }
    }

    /// The freeze that counts, with its time.
    pub fn freeze(&self) -> Option<(&'h Freeze, &'h str)> {
        self.freezes().last().copied()
    }

    /// All freezes with their times.
    pub fn freezes(&self) -> Vec<(&'h Freeze, &'h str)> {
        let of = |l: &&'h Line| if let Event::Freeze(f) = &l.event { Some((f, l.time.as_str())) } else { None };
        self.lines.iter().filter_map(of).collect()
    }

    /// Every seed that was ever begun.
    pub fn used(&self) -> Vec<u64> {
        self.begins().iter().flat_map(|b| b.seeds.iter().copied()).collect()
    }

    /// The seeds of a look that was begun under the freeze.
    pub fn begun(&self, freeze: &str, look: usize) -> Option<Vec<u64>> {
        self.begins().into_iter().find(|b| b.freeze == freeze && b.look == look).map(|b| b.seeds.clone())
    }

    fn begins(&self) -> Vec<&'h Begin> {
        self.lines.iter().filter_map(|l| if let Event::Begin(b) = &l.event { Some(b) } else { None }).collect()
    }

    /// The last verdicts under a freeze, with their time.
    pub fn judged(&self, freeze: &str) -> Option<(&'h Judged, &'h str)> {
        let of = |l: &&'h Line| match &l.event {
            Event::Verdict(j) if j.freeze == freeze => Some((j, l.time.as_str())),
            _ => None,
        };
        self.lines.iter().rev().find_map(of)
    }
}
