//! Faults that tests must find: each is put into a copy of the tree, and a named test must then fail.
//!
//! A line that is merely run proves nothing. A mutant proves that the test would notice this fault; what survives is a hole
//! in the tests.

mod copy;
mod list;
mod trial;

use crate::lint::Finding;
use crate::tree;
use anyhow::{Result, bail, ensure};
use copy::Copy;
use list::Mutant;
use std::path::Path;
use trial::{Outcome, Trial};

/// Which mutants, and what is done with them.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only list them.
    #[arg(long)]
    list: bool,
    /// Only so many, chosen by the seed.
    #[arg(long)]
    sample: Option<usize>,
    /// Chooses the sample: any text, a commit hash for one.
    #[arg(long, default_value = "0")]
    seed: String,
    /// Only these.
    names: Vec<String>,
}

/// Tries the chosen mutants.
///
/// # Errors
/// One survives, one is broken, or the tests fail without any fault.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let stale = stale(root)?;
    ensure!(stale.is_empty(), "{}", stale.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    let chosen = list::choose(list::read(root)?, &arguments.names, arguments.sample, &arguments.seed)?;
    if arguments.list {
        chosen.iter().for_each(|m| println!("{:36} {}\n{:36} found by {}", m.name, m.why, "", m.test));
        return Ok(());
    }
    let copy = Copy::update(root)?;
    let trial = Trial::new(root, &copy);
    println!("mutants: {} tests must pass without a fault", chosen.len());
    trial.healthy(&chosen)?;
    let outcomes = chosen.iter().map(|m| tried(&copy, &trial, m)).collect::<Result<Vec<_>>>()?;
    table(&chosen, &outcomes)
}

fn tried(copy: &Copy, trial: &Trial<'_>, mutant: &Mutant) -> Result<Outcome> {
    let path = copy.root.join(&mutant.file);
    let healthy = std::fs::read_to_string(&path)?;
    tree::write_if_changed(&path, mutant.applied(&healthy).as_bytes())?;
    let outcome = trial.sick(mutant);
    tree::write_if_changed(&path, healthy.as_bytes())?;
    let outcome = outcome?;
    println!("{:9} {}", outcome.word(), mutant.name);
    Ok(outcome)
}

fn table(mutants: &[Mutant], outcomes: &[Outcome]) -> Result<()> {
    println!("\n{:36} {:9} test", "mutant", "outcome");
    for (mutant, outcome) in mutants.iter().zip(outcomes) {
        println!("{:36} {:9} {}", mutant.name, outcome.word(), mutant.test);
        if let Outcome::Broken(why) = outcome {
            println!("{why}");
        }
    }
    let killed = outcomes.iter().filter(|o| **o == Outcome::Killed).count();
    println!("\n{killed} of {} faults found", mutants.len());
    if killed == mutants.len() {
        return Ok(());
    }
    bail!("a fault that survives needs a sharper test; a broken one needs a fault that compiles")
}

/// Mutants whose text no longer stands exactly once in their file, or whose test is nowhere.
///
/// # Errors
/// The list or a source cannot be read.
pub fn stale(root: &Path) -> Result<Vec<Finding>> {
    let functions = functions(root)?;
    let mut findings = vec![];
    for mutant in list::read(root)? {
        if !functions.iter().any(|name| name.contains(mutant.test.function())) {
            let what = format!("mutant {}: no function's name holds `{}`", mutant.name, mutant.test.function());
            findings.push(Finding::new(&mutant.list, 1, what, "name a test that stands"));
        }
        let times = std::fs::read_to_string(root.join(&mutant.file)).map_or(0, |text| text.matches(&mutant.find).count());
        if times != 1 {
            let what = format!("mutant {}: its `find` stands {times} times in {}, where once is needed", mutant.name, mutant.file.display());
            findings.push(Finding::new(&mutant.list, 1, what, "bring the mutant up to date with the code"));
        }
    }
    Ok(findings)
}

/// The names of all functions of the tree.
fn functions(root: &Path) -> Result<Vec<String>> {
    let mut names = vec![];
    for file in tree::files(root)?.iter().filter(|f| f.extension().is_some_and(|x| x == "rs")) {
        let text = tree::text(root, file)?;
        let behind = text.split("fn ").skip(1).filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next());
        names.extend(behind.map(str::to_string));
    }
    Ok(names)
}
