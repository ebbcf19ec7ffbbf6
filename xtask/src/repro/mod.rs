//! `cargo xtask repro`: reruns a paper's comparison and judges its claims.
//!
//! The protocol stands in `docs/repro/README.md`, the statistics in `crates/judge`. Here: the paper file ([`paper`], [`problems`]), runs
//! in the cache ([`cache`], [`campaign`]), development ([`develop`]), the freeze ([`freeze`]), the confirming run ([`confirm`]), a run without
//! consequences ([`rerun`]), the history ([`history`]), and what is written from it ([`pages`]).

mod cache;
mod campaign;
mod claims;
mod confirm;
mod develop;
mod freeze;
pub mod hash;
mod history;
mod pages;
mod paper;
mod places;
mod problems;
mod rerun;
mod scale;
mod scored;
mod scores;
mod seeds;
mod sides;
mod time;
mod verdicts;

#[cfg(test)]
mod tests;

use crate::tree;
use anyhow::{Result, bail, ensure};
use cache::Cache;
use campaign::Campaign;
use history::Past;
use paper::Paper;
use scale::Scale;
use std::path::{Path, PathBuf};
use tongues_judge::LOOKS;

/// What to rerun, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The paper: `recipes/papers/<SLUG>.toml`.
    slug: Option<String>,
    /// Lists the papers and what is known of them.
    #[arg(long, conflicts_with_all = ["slug", "all"])]
    list: bool,
    /// All papers, one after the other.
    #[arg(long, conflicts_with = "slug")]
    all: bool,
    /// How large.
    #[arg(long, value_enum, default_value_t = Scale::Mini)]
    scale: Scale,
    /// Seeds: 5 or 10; fewer than 5 are run on development seeds and not judged. The next look that is due where absent.
    #[arg(long)]
    seeds: Option<usize>,
    /// All claims, not the central ones alone.
    #[arg(long)]
    all_claims: bool,
    /// Runs grid and controls on development seeds; claims are not looked at.
    #[arg(long, conflicts_with = "freeze")]
    develop: bool,
    /// Fixes recipes, claims, margins and code; a confirming run is held to it.
    #[arg(long)]
    freeze: bool,
    /// Why it is frozen again.
    #[arg(long, requires = "freeze")]
    reason: Option<String>,
    /// Runs what was judged again, on its seeds, with program and recipes as they are now; confirms nothing and writes no history.
    #[arg(long, conflicts_with_all = ["develop", "freeze", "list", "seeds"])]
    rerun: bool,
    /// Writes the pages again from the history; runs nothing.
    #[arg(long, conflicts_with_all = ["develop", "freeze", "list"])]
    pages: bool,
    /// Where something lies that the scale needs: NAME=PATH.
    #[arg(long = "path", value_name = "NAME=PATH")]
    paths: Vec<String>,
    /// The folder of finished and half-done runs; tongues/repro in the user's cache where absent.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// The program to run; built from this repository where absent.
    #[arg(long)]
    tongues: Option<PathBuf>,
}

/// Does what was asked.
///
/// # Errors
/// The paper file or the protocol refuses, or a run cannot be started.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    if arguments.list {
        return list(root);
    }
    if arguments.pages {
        return pages::write(root);
    }
    let slugs = match (&arguments.slug, arguments.all) {
        (Some(slug), _) => vec![slug.clone()],
        (None, true) => paper::slugs(root)?,
        (None, false) => bail!("a SLUG, --all or --list was expected; `cargo xtask repro --list` tells the papers"),
    };
    let mut failed = vec![];
    for slug in &slugs {
        match one(root, slug, arguments) {
            Err(error) if slugs.len() > 1 => failed.push(format!("{error:#}")),
            result => result?,
        }
    }
    ensure!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), slugs.len(), failed.join("\n"));
    Ok(())
}

fn one(root: &Path, slug: &str, arguments: &Arguments) -> Result<()> {
    let scale = arguments.scale;
    let paper = paper::read(root, slug)?;
    let paper = paper.clone().at(scale.settings(&paper)?);
    if arguments.freeze {
        return freeze::run(root, &paper, scale, (arguments.all_claims, arguments.reason.as_deref()));
    }
    let smoke = !arguments.develop && (scale == Scale::Smoke || arguments.seeds.is_some_and(|n| n < LOOKS[0].seeds));
    let family = (scale, arguments.all_claims);
    let mut again = arguments.rerun;
    if !arguments.develop && !smoke && !again {
        // Refused before anything is built; what is not on the disk is told whatever is frozen.
        scale::needs(slug, scale.settings(&paper)?, &arguments.paths)?;
        let lines = history::read(root)?;
        let past = Past::of(&lines, slug);
        let why = if arguments.seeds.is_none() { rerun::instead(root, slug, &past, family)? } else { None };
        match &why {
            Some(why) => println!("repro {slug}: {why}; what was judged is run again, as with --rerun"),
            None => drop(freeze::held(root, &paper, &past, family)?),
        }
        again = why.is_some();
    }
    let campaign = campaign(root, &paper, arguments)?;
    if again {
        return rerun::run(&campaign, family);
    }
    match (arguments.develop, smoke) {
        (true, _) => {
            ensure!(scale != Scale::Smoke, "--develop: scale mini or full was expected; a smoke run needs no choices");
            develop::run(&campaign, scale, &freeze::Parts::now(root, slug)?, arguments.seeds)
        }
        (_, true) => confirm::smoke(&campaign, arguments.seeds, arguments.all_claims),
        _ => confirm::run(&campaign, arguments.seeds, family),
    }
}

fn campaign<'c>(root: &'c Path, paper: &'c Paper, arguments: &Arguments) -> Result<Campaign<'c>> {
    ensure!(arguments.seeds != Some(0), "--seeds 0: at least 1 was expected");
    let settings = arguments.scale.settings(paper)?;
    let needs = scale::needs(&paper.slug, settings, &arguments.paths)?;
    let program = match &arguments.tongues {
        Some(path) => std::path::absolute(path)?,
        None => built(root)?,
    };
    let cache = Cache { folder: Cache::place(arguments.cache.as_deref())?, program };
    Ok(Campaign { root, paper, settings, needs, cache })
}

/// Builds `tongues` once, so that arms do not wait for cargo.
fn built(root: &Path) -> Result<PathBuf> {
    tree::call(tree::cargo(root).args(["build", "--release", "--quiet", "--bin", "tongues"]))?;
    Ok(tree::target(root).join("release").join(format!("tongues{}", std::env::consts::EXE_SUFFIX)))
}

fn list(root: &Path) -> Result<()> {
    let lines = history::read(root)?;
    for slug in paper::slugs(root)? {
        let paper = paper::read(root, &slug)?;
        let past = Past::of(&lines, &slug);
        let known = match past.freeze() {
            None => "not frozen".into(),
            Some((freeze, _)) => past.judged(&freeze.id).map_or_else(|| "frozen, not judged".into(), |(j, _)| pages::counts(&j.claims)),
        };
        println!("{slug:24} {} ({}); {} claims; {known}", paper.title, paper.paper, paper.claims.len());
    }
    Ok(())
}
