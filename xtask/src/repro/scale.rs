//! How large a repro is run.

use super::paper::{Need, Paper, Settings};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Runs through in seconds; never judged, not in the history.
    Smoke,
    /// What is judged on a small machine.
    Mini,
    /// The paper's own models and data.
    Full,
}

impl Scale {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Scale::Smoke => "smoke",
            Scale::Mini => "mini",
            Scale::Full => "full",
        }
    }

    /// The paper's settings for it.
    ///
    /// # Errors
    /// It has none.
    pub fn settings(self, paper: &Paper) -> Result<&Settings> {
        let found = match self {
            Scale::Smoke => &paper.scales.smoke,
            Scale::Mini => &paper.scales.mini,
            Scale::Full => &paper.scales.full,
        };
        found.as_ref().with_context(|| format!("repro {}: a table [scales.{1}] was expected; write it, or choose another --scale", paper.slug, self.name()))
    }
}

/// The paths of what a scale needs, from `NAME=PATH` arguments.
///
/// # Errors
/// One is missing or not there, all together; a name that is not asked for.
pub fn needs(slug: &str, settings: &Settings, given: &[String]) -> Result<BTreeMap<String, String>> {
    let mut paths = BTreeMap::new();
    for pair in given {
        let (name, path) = pair.split_once('=').with_context(|| format!("--path {pair}: NAME=PATH was expected"))?;
        let known = settings.needs.iter().map(|n| n.name.as_str()).collect::<Vec<_>>();
        anyhow::ensure!(known.contains(&name), "--path {pair}: one of the names {known:?} was expected");
        paths.insert(name.to_owned(), std::path::absolute(path)?.display().to_string());
    }
    let missing = |n: &&Need| paths.get(&n.name).is_none_or(|path| !std::path::Path::new(path).exists());
    let told: Vec<String> = settings.needs.iter().filter(missing).map(|n| format!("  {}: {}", n.name, n.what)).collect();
    if !told.is_empty() {
        bail!("repro {slug}: missing on this machine; give each with --path NAME=PATH:\n{}", told.join("\n"));
    }
    Ok(paths)
}
