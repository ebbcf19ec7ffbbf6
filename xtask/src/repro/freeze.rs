//! The freeze: what may not change between development and the verdict.

use super::claims::Claim;
use super::develop;
use super::history::{self, Event, Freeze, FrozenClaim, Past};
use super::paper::{self, FOLDER, Paper};
use super::scale::Scale;
use super::{hash, sides};
use crate::tree;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::Path;

/// Where recipes of bases lie that several papers begin from; paper files name them as `../../bases/<name>.toml`.
const BASES: &str = "recipes/bases";

/// Hashes of what is frozen.
pub struct Parts {
    /// By their names for people.
    pub hashes: BTreeMap<String, String>,
}

impl Parts {
    /// As the files are now.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn now(root: &Path, slug: &str) -> Result<Self> {
        let paper = hash::of(tree::text(root, paper::path(slug))?.as_bytes());
        let mut recipes = vec![];
        // Bases that papers share lie in a folder of their own.
        for folder in [Path::new(FOLDER).join(slug), Path::new(BASES).to_owned()].into_iter().filter(|f| root.join(f).is_dir()) {
            for path in tree::files(&root.join(&folder))? {
                recipes.push(path.display().to_string());
                recipes.push(tree::text(root, folder.join(path))?);
            }
        }
        let recipes = hash::of_parts(&recipes.iter().map(String::as_str).collect::<Vec<_>>());
        let parts = [("paper file", paper), ("recipes", recipes), ("code", hash::all_code(root)?)];
        Ok(Self { hashes: parts.map(|(name, hash)| (name.to_owned(), hash)).into() })
    }

    /// The names of what differs.
    pub fn changed(&self, before: &BTreeMap<String, String>) -> Vec<String> {
        self.hashes.iter().filter(|(name, hash)| before.get(*name) != Some(hash)).map(|(name, _)| name.clone()).collect()
    }
}

/// The claims of a family.
pub fn family(paper: &Paper, all: bool) -> Vec<&Claim> {
    paper.claims.iter().filter(|c| all || c.central).collect()
}

/// Freezes a paper: adds a line to the history.
///
/// # Errors
/// Development is missing, there is no claim to judge, or it was frozen before and no reason is given.
pub fn run(root: &Path, paper: &Paper, scale: Scale, (all_claims, reason): (bool, Option<&str>)) -> Result<()> {
    let slug = &paper.slug;
    ensure!(scale != Scale::Smoke, "repro {slug}: scale mini or full was expected; smoke runs are never judged and need no freeze");
    scale.settings(paper)?;
    let claims = family(paper, all_claims);
    ensure!(!claims.is_empty(), "repro {slug}: a claim with `central = true` was expected; mark one, or freeze with --all-claims");
    let parts = Parts::now(root, slug)?;
    let (rates, best) = develop::chosen(root, paper, scale, &parts)?;
    let choices = serde_json::to_string(&(scale, all_claims, &parts.hashes, &rates, &best)).context("the freeze")?;
    let id = hash::of(choices.as_bytes());
    let lines = history::read(root)?;
    let earlier = Past::of(&lines, slug).freeze().map(|(f, time)| (f.id.clone(), time.to_owned()));
    let reason = reason.map(str::trim).unwrap_or_default();
    if let Some((before, time)) = earlier {
        ensure!(before != id || !reason.is_empty(), "repro {slug}: this was frozen at {time}, nothing has changed; run it without --freeze");
        ensure!(!reason.is_empty(), "repro {slug}: it was frozen at {time}; a reason was expected: --freeze --reason \"…\". It then takes new seeds");
    }
    let frozen = |c: &&Claim| FrozenClaim {
        id: c.id.clone(),
        text: c.text.clone(),
        published: c.published.clone(),
        source: c.source.clone(),
        compared: sides::words(c, paper),
        margin: c.margin,
        central: c.central,
    };
    // The same files frozen again are another freeze: its seeds are new.
    let id = hash::of_parts(&[&id, reason, &Past::of(&lines, slug).freezes().len().to_string()]);
    let freeze = Freeze {
        id: id.clone(),
        scale,
        all_claims,
        parts: parts.hashes,
        rates,
        best,
        title: paper.title.clone(),
        paper: paper.paper.clone(),
        summary: paper.summary.clone(),
        claims: claims.iter().map(frozen).collect(),
        reason: reason.to_owned(),
    };
    let judged = freeze.claims.len();
    history::append(root, slug, Event::Freeze(freeze))?;
    println!("repro {slug}: {judged} claims frozen as {}; commit {}, then run `cargo xtask repro {slug}`", &id[..12], history::FILE);
    Ok(())
}

/// The freeze that a confirming run is held to.
///
/// # Errors
/// There is none, or something differs from it.
pub fn held<'h>(root: &Path, paper: &Paper, past: &Past<'h>, (scale, all_claims): (Scale, bool)) -> Result<&'h Freeze> {
    let slug = &paper.slug;
    let first = format!("freeze it first: `cargo xtask repro {slug} --freeze`; `--scale smoke` runs without");
    let (freeze, time) = past.freeze().with_context(|| format!("repro {slug}: a freeze was expected before a confirming run, found none; {first}"))?;
    let changed = Parts::now(root, slug)?.changed(&freeze.parts);
    let again = "take the change back, look without confirming with --rerun, or freeze again with --freeze --reason \"…\", which takes new seeds";
    ensure!(changed.is_empty(), "repro {slug}: changed since the freeze of {time}: {}; {again}", changed.join(", "));
    ensure!(freeze.scale == scale, "repro {slug}: scale {} was expected, as frozen, found {}; {again}", freeze.scale.name(), scale.name());
    let names = |all: bool| if all { "all claims" } else { "central claims" };
    ensure!(freeze.all_claims == all_claims, "repro {slug}: {} were frozen, {} were asked for; {again}", names(freeze.all_claims), names(all_claims));
    Ok(freeze)
}
