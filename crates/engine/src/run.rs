//! A recipe from its first stage to its report.

use crate::folder::{Folder, Occupied};
use crate::memory::anonymous_bytes;
use crate::progress::Progress;
use crate::shop::Shop;
use crate::stage::{self, Work};
use serde_json::{Map, Value as Json};
use std::path::PathBuf;
use std::time::Instant;
use tongues_io::write_atomic;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Error, Result};
use tongues_recipe::{Loaded, resolved};
use tongues_report::{CurveRef, Languages, Report, html, read_metrics};

/// How a recipe is run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The run folder; `runs/<name>-<hash>` where absent.
    pub out: Option<PathBuf>,
    /// Where tensors live, without gradients.
    pub device: Device,
    /// How the command line called it.
    pub device_name: String,
    /// Run again where the folder already holds the finished run.
    pub overwrite: bool,
}

/// What a run left.
#[derive(Debug)]
pub struct Outcome {
    /// The folder.
    pub folder: PathBuf,
    /// The report.
    pub report: Report,
    /// The folder already held it.
    pub was_there: bool,
}

/// Runs a recipe.
///
/// # Errors
/// Its data, checkpoints or folder are wrong, or something failed while running.
pub fn run(loaded: &Loaded, options: &RunOptions, progress: &dyn Progress) -> Result<Outcome> {
    let recipe = &loaded.recipe;
    let text = resolved(recipe)?;
    let root = options.out.clone().unwrap_or_else(|| Folder::default_path(&recipe.name, &text));
    let (folder, occupied) = Folder::take(&root, &text, options.overwrite)?;
    if occupied == Occupied::Finished && !options.overwrite {
        let report =
            Report::read(&folder.path("report.json")).map_err(|e| Error::input(root.display(), "a readable report", e, "run again with --overwrite"))?;
        return Ok(Outcome { folder: root, report, was_there: true });
    }
    if occupied == Occupied::Begun {
        progress.say("This folder holds an unfinished run of this recipe; it begins again from the first stage.");
    }
    let shop = Shop::new(recipe, options.device.clone().autodiff(), recipe.seed);
    let report = stages(&shop, &folder, progress).inspect_err(|_| folder.leave_if_empty())?;
    finish(&shop, &folder, options, &report)?;
    Ok(Outcome { folder: root, report, was_there: false })
}

fn stages(shop: &Shop<'_>, folder: &Folder, progress: &dyn Progress) -> Result<Report> {
    let recipe = shop.recipe;
    let mut report = Report::new(&recipe.name, recipe.seed);
    report.language =
        recipe.language.as_ref().map(|l| Languages { source: l.source.clone().unwrap_or_default(), target: l.target.clone().unwrap_or_default() });
    for (i, stage) in recipe.stage.iter().enumerate() {
        progress.stage(&stage.name, i, recipe.stage.len());
        let start = Instant::now();
        let work = Work { shop, folder, progress, stage };
        report.scores.extend(stage::run(&work).map_err(|e| e.within(format!("stage `{}`", stage.name)))?);
        if stage.train.is_some() {
            report.curves.push(CurveRef { stage: stage.name.clone() });
        }
        report.timing.insert(stage.name.clone(), start.elapsed().as_secs_f64());
        if let Some(bytes) = anonymous_bytes() {
            report.memory.insert(stage.name.clone(), bytes);
        }
    }
    if let Some(description) = &recipe.description {
        report.notes.push(description.clone());
    }
    report.notes.extend(shop.notes.borrow().iter().cloned());
    Ok(report)
}

fn finish(shop: &Shop<'_>, folder: &Folder, options: &RunOptions, report: &Report) -> Result<()> {
    let failed = |e: tongues_report::ReportError| Error::run("report", e);
    report.write(&folder.path("report.json")).map_err(failed)?;
    let metrics = folder.path("metrics.jsonl");
    let lines = if metrics.exists() { read_metrics(&metrics).map_err(failed)? } else { vec![] };
    write_atomic(&folder.path("report.html"), html(report, &lines).as_bytes())?;
    folder.write_manifest(facts(shop, options), &shop.inputs.borrow(), true)
}

fn facts(shop: &Shop<'_>, options: &RunOptions) -> Map<String, Json> {
    let mut facts = Map::new();
    facts.insert("schema".into(), 1.into());
    facts.insert("tongues".into(), env!("CARGO_PKG_VERSION").into());
    facts.insert("recipe".into(), shop.recipe.name.clone().into());
    facts.insert("seed".into(), shop.recipe.seed.into());
    facts.insert("device".into(), options.device_name.clone().into());
    facts.insert("simd".into(), simd().into());
    facts
}

/// The widest vector instructions of this processor that the kernels look for.
fn simd() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "avx512";
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            return "avx2";
        }
    }
    "portable"
}
