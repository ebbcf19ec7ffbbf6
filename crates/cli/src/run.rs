//! `tongues run`.

use crate::args::RunArgs;
use crate::bar::Bar;
use crate::{device, say};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tongues_engine::{Begin, Outcome, RunOptions};
use tongues_recipe::Linked;

/// Runs a recipe and prints its scores.
pub fn run(args: RunArgs) -> anyhow::Result<()> {
    let device = device::parse(&args.device)?;
    let mut set = args.set;
    set.extend(args.seed.map(|seed| format!("seed={seed}")));
    let loaded = tongues_recipe::load(&args.recipe, &set, &Linked)?;
    let begin = match (args.overwrite, args.resume_anyway, args.resume) {
        (true, ..) => Begin::Overwrite,
        (_, true, _) => Begin::ResumeAnyway,
        (_, _, true) => Begin::Resume,
        _ => Begin::Fresh,
    };
    let options = RunOptions { out: args.out, device, device_name: args.device, begin, stop: stop()? };
    let outcome = tongues_engine::run(&loaded, &options, &Bar::new())?;
    show(&outcome)?;
    say(&format!("Report: {}", outcome.folder.join("report.html").display()))
}

/// A flag that Ctrl-C and a request to terminate set. Asked a second time, the process ends at once.
pub fn stop() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 130, stop.clone())?;
        flag::register(signal, stop.clone())?;
    }
    Ok(stop)
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
