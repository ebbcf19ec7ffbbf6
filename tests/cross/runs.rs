//! A recipe run in a folder, from the beginning, where tests compute.

use std::path::Path;
use tongues_engine::{Begin, Outcome, Quiet, RunOptions, run};
use tongues_kernel::Result;
use tongues_recipe::{Linked, Loaded, parse};

/// Runs what was read.
pub fn run_loaded(loaded: &Loaded, out: &Path) -> Result<Outcome> {
    let device_name = std::env::var("TONGUES_TEST_DEVICE").unwrap_or_else(|_| "flex".into());
    let options = RunOptions { out: Some(out.into()), device: tongues_testkit::device(), device_name, begin: Begin::Fresh, stop: std::sync::Arc::default() };
    run(loaded, &options, &Quiet)
}

/// Runs a recipe's text.
pub fn run_text(text: &str, out: &Path) -> Result<Outcome> {
    run_loaded(&parse(text, "r.toml", &[], &Linked).unwrap_or_else(|e| panic!("{e}")), out)
}
