//! The state of an unfinished training stage on disk: one file, replaced at once.

use crate::folder::Folder;
use crate::journal::{Journal, RESUME};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tongues_io::{Dtype, TensorSpec, Writer, disk, failed, open_file};
use tongues_kernel::{Error, Result, Tensors, refuse};
use tongues_train::Position;

/// Everything beside the tensors.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// Version of the file.
    pub schema: u32,
    /// Steps and data.
    pub position: Position,
    /// Tokens seen.
    pub tokens: u64,
    /// The best validation score so far, as the bits of an `f64`.
    pub best: Option<u64>,
    /// Validations since then.
    pub waited: usize,
    /// Bytes of `metrics.jsonl` up to the last step.
    pub metrics_bytes: u64,
    /// Sentences for the report.
    pub notes: Vec<String>,
}

/// A saved state.
#[derive(Clone, Debug)]
pub struct Saved {
    /// Everything beside the tensors.
    pub counters: Counters,
    /// The trainer's tensors.
    pub tensors: Tensors,
    /// Those of the best state, where it is kept.
    pub best: Tensors,
}

/// Before the names of the best state's tensors.
const BEST: &str = "best.";
const TRAINER: &str = "trainer.";
const KEY: &str = "tongues";

fn path(folder: &Folder, stage: &str) -> PathBuf {
    folder.path(RESUME).join(format!("{stage}.safetensors"))
}

/// Writes the state, and the journal that goes with it where there is none yet.
///
/// # Errors
/// The disk is full or fails; the state before stays as it was.
pub fn save(folder: &Folder, stage: &str, journal: &Journal, saved: &Saved) -> Result<()> {
    journal.write(folder)?;
    let all = || saved.tensors.iter().map(|t| (TRAINER, t)).chain(saved.best.iter().map(|t| (BEST, t)));
    let plan: Vec<TensorSpec> = all().map(|(prefix, (name, (shape, _)))| TensorSpec::new(format!("{prefix}{name}"), Dtype::F32, shape.clone())).collect();
    let text = serde_json::to_string(&saved.counters).map_err(|e| Error::run("resume", e))?;
    let mut writer = Writer::create(&path(folder, stage), &plan, &BTreeMap::from([(KEY.to_owned(), text)]))?;
    for (prefix, (name, (_, values))) in all() {
        writer.push(&format!("{prefix}{name}"), values)?;
    }
    writer.finish()
}

/// The saved state of a stage, where there is one.
///
/// # Errors
/// It cannot be read.
pub fn read(folder: &Folder, stage: &str) -> Result<Option<Saved>> {
    let path = path(folder, stage);
    if !path.exists() {
        return Ok(None);
    }
    let file = open_file(&path)?;
    let remedy = "begin again with --overwrite";
    let Some(text) = file.metadata().and_then(|m| m.get(KEY)) else {
        return refuse(path.display(), "the state of a training stage", "another file", remedy);
    };
    let counters = serde_json::from_str(text).map_err(|e| Error::input(path.display(), "the state of a stage by this version of tongues", e, remedy))?;
    let mut saved = Saved { counters, tensors: Tensors::new(), best: Tensors::new() };
    for name in file.names() {
        let tensor = (file.info(name)?.shape.clone(), file.f32(name)?);
        if let Some(short) = name.strip_prefix(TRAINER) {
            saved.tensors.insert(short.into(), tensor);
        } else if let Some(short) = name.strip_prefix(BEST) {
            saved.best.insert(short.into(), tensor);
        }
    }
    Ok(Some(saved))
}

/// A finished stage needs no state.
///
/// # Errors
/// It cannot be removed.
pub fn forget(folder: &Folder, stage: &str) -> Result<()> {
    let path = path(folder, stage);
    disk::remove(&path).map_err(|e| failed(&path, &e))
}
