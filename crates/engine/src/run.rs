//! A recipe from its first stage to its report.

use crate::card;
use crate::folder::{Begin, Folder, Occupied};
use crate::identity::{Identity, changed_files, simd};
use crate::journal::{Journal, ModelRecord, RESUME, StageRecord};
use crate::memory::anonymous_bytes;
use crate::progress::Progress;
use crate::shop::Shop;
use crate::stage::{self, Work, save};
use serde_json::{Map, Value as Json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use tongues_io::{hub, write_atomic};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Error, Result, refuse};
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
    /// What happens where the folder already holds something.
    pub begin: Begin,
    /// Set by whoever wants the run to stop: it finishes the step at work, saves, and ends.
    pub stop: Arc<AtomicBool>,
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
/// Its data, checkpoints or folder are wrong, something failed while running, or someone asked to stop.
pub fn run(loaded: &Loaded, options: &RunOptions, progress: &dyn Progress) -> Result<Outcome> {
    let recipe = &loaded.recipe;
    let text = resolved(recipe)?;
    let root = options.out.clone().unwrap_or_else(|| Folder::default_path(&recipe.name, &text));
    if options.begin.resumes() && options.out.is_none() {
        refuse_begun_elsewhere(&recipe.name, &root)?;
    }
    let (folder, occupied) = Folder::take(&root, &text, options.begin)?;
    if occupied == Occupied::Finished && options.begin != Begin::Overwrite {
        let report =
            Report::read(&folder.path("report.json")).map_err(|e| Error::input(root.display(), "a readable report", e, "run again with --overwrite"))?;
        folder.settle()?;
        return Ok(Outcome { folder: root, report, was_there: true });
    }
    let shop = Shop::new(recipe, options.device.clone().autodiff(), root.clone());
    stage::check_plugins(&shop).inspect_err(|_| folder.leave_if_empty())?;
    let mut journal = journal(&folder, options, &shop, progress)?;
    folder.tidy()?;
    let report = stages(&shop, &folder, &mut journal, options, progress).inspect_err(|_| folder.leave_if_empty())?;
    finish(&shop, &folder, options, &report)?;
    Ok(Outcome { folder: root, report, was_there: false })
}

/// A changed recipe has another default folder; beginning anew there would be a surprise.
fn refuse_begun_elsewhere(name: &str, root: &Path) -> Result<()> {
    if root.exists() {
        return Ok(());
    }
    let mine = |e: &std::fs::DirEntry| e.file_name().to_string_lossy().starts_with(&format!("{name}-")) && e.path().join(RESUME).join("run.json").exists();
    let begun: Vec<String> = std::fs::read_dir("runs").into_iter().flatten().flatten().filter(mine).map(|e| e.path().display().to_string()).collect();
    if begun.is_empty() {
        return Ok(());
    }
    let remedy = "name the folder with --out (a changed recipe then needs --resume-anyway), or leave --resume out to begin anew";
    refuse(root.display(), "an unfinished run of this very recipe", format!("unfinished runs of others of this name: {}", begun.join(", ")), remedy)
}

/// The journal to go on with: a saved one that still fits, or a new one.
fn journal(folder: &Folder, options: &RunOptions, shop: &Shop<'_>, progress: &dyn Progress) -> Result<Journal> {
    let identity = Identity::of(&options.device_name);
    let saved = if options.begin.resumes() { Journal::read(folder)? } else { None };
    let Some(saved) = saved else {
        if options.begin.resumes() {
            progress.say("Nothing was saved yet; the run begins with its first stage.");
        }
        folder.cut_metrics(0)?;
        return Ok(Journal::new(identity));
    };
    let changes: Vec<String> = identity.changes(&saved.identity).into_iter().chain(changed_files(&saved.inputs)).collect();
    if !changes.is_empty() && options.begin != Begin::ResumeAnyway {
        let remedy = "put it back, or go on all the same with --resume-anyway (the result is then not that of an undisturbed run)";
        return refuse(
            format!("output folder {}", folder.root().display()),
            "the program and the files of the saved run",
            format!("changes: {}", changes.join("; ")),
            remedy,
        );
    }
    shop.inputs.borrow_mut().extend(saved.inputs.clone());
    if let Some(last) = saved.stages.last() {
        shop.notes.borrow_mut().clone_from(&last.notes);
    }
    if !changes.is_empty() {
        shop.note(format!("The run was resumed although something had changed: {}.", changes.join("; ")));
    }
    Ok(Journal { identity, ..saved })
}

fn stages(shop: &Shop<'_>, folder: &Folder, journal: &mut Journal, options: &RunOptions, progress: &dyn Progress) -> Result<Report> {
    let recipe = shop.recipe;
    let mut report = Report::new(&recipe.name, recipe.seed);
    report.language =
        recipe.language.as_ref().map(|l| Languages { source: l.source.clone().unwrap_or_default(), target: l.target.clone().unwrap_or_default() });
    for (i, stage) in recipe.stage.iter().enumerate() {
        progress.stage(&stage.name, i, recipe.stage.len());
        match journal.finished(&stage.name) {
            Some(_) => progress.say("done before"),
            None => {
                let record = one(&Work { shop, folder, progress, stage, stop: &options.stop, metrics_bytes: journal.metrics_bytes() }, journal)?;
                journal.stages.push(record);
                journal.inputs.clone_from(&shop.inputs.borrow());
                journal.write(folder)?;
                save::forget(folder, &stage.name)?;
            }
        }
        let Some(record) = journal.finished(&stage.name) else { continue };
        if let Some(model) = &record.model {
            shop.finished.borrow_mut().insert(stage.name.clone(), model.clone());
        }
        tell(&mut report, record);
    }
    report.notes.extend(recipe.description.clone());
    report.notes.extend(shop.notes.borrow().iter().cloned());
    Ok(report)
}

/// Runs one stage.
fn one(work: &Work<'_, '_>, journal: &Journal) -> Result<StageRecord> {
    let (start, stage) = (Instant::now(), work.stage);
    work.pause()?;
    work.clear()?;
    let found = stage::run(work, journal).map_err(|e| e.within(format!("stage `{}`", stage.name)))?;
    let model = work.shop.models.borrow().get(&stage.name).and_then(|model| ModelRecord::of(model, &stage.name, work.folder));
    Ok(StageRecord {
        name: stage.name.clone(),
        scores: found.scores,
        comparisons: found.comparisons,
        notes: work.shop.notes.borrow().clone(),
        seconds: start.elapsed().as_secs_f64(),
        memory: anonymous_bytes(),
        trained: stage.train.is_some(),
        metrics_bytes: std::fs::metadata(work.folder.path("metrics.jsonl")).map_or(0, |m| m.len()),
        model,
    })
}

fn tell(report: &mut Report, record: &StageRecord) {
    report.scores.extend(record.scores.iter().cloned());
    report.comparisons.extend(record.comparisons.iter().cloned());
    if record.trained {
        report.curves.push(CurveRef { stage: record.name.clone() });
    }
    report.timing.insert(record.name.clone(), record.seconds);
    if let Some(bytes) = record.memory {
        report.memory.insert(record.name.clone(), bytes);
    }
}

fn finish(shop: &Shop<'_>, folder: &Folder, options: &RunOptions, report: &Report) -> Result<()> {
    let failed = |e: tongues_report::ReportError| Error::run("report", e);
    report.write(&folder.path("report.json")).map_err(failed)?;
    let metrics = folder.path("metrics.jsonl");
    let lines = if metrics.exists() { read_metrics(&metrics).map_err(failed)? } else { vec![] };
    write_atomic(&folder.path("report.html"), html(report, &lines).as_bytes())?;
    let stages: Vec<&str> = shop.recipe.stage.iter().map(|s| s.name.as_str()).collect();
    card::add_scores(folder, &stages, &report.scores)?;
    let inputs = shop.inputs.borrow().iter().map(|(name, file)| (hub::shown(name), file.sha256.clone())).collect();
    folder.write_manifest(facts(shop, options), &inputs, true)?;
    folder.settle()
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
