//! `tongues run`.

use crate::args::RunArgs;
use crate::bar::Bar;
use crate::{device, say};
use tongues_engine::{Outcome, RunOptions};
use tongues_recipe::Linked;

/// Runs a recipe and prints its scores.
pub fn run(args: RunArgs) -> anyhow::Result<()> {
    let device = device::parse(&args.device)?;
    let mut set = args.set;
    set.extend(args.seed.map(|seed| format!("seed={seed}")));
    let loaded = tongues_recipe::load(&args.recipe, &set, &Linked)?;
    let options = RunOptions { out: args.out, device, device_name: args.device, overwrite: args.overwrite };
    let outcome = tongues_engine::run(&loaded, &options, &Bar::new())?;
    show(&outcome)?;
    say(&format!("Report: {}", outcome.folder.join("report.html").display()))
}

/// Prints the scores of a run.
pub fn show(outcome: &Outcome) -> anyhow::Result<()> {
    if outcome.was_there {
        eprintln!("{} already holds this finished run; --overwrite runs it again.", outcome.folder.display());
    }
    if !outcome.report.scores.is_empty() {
        say(&tongues_report::text(&outcome.report))?;
    }
    Ok(())
}
