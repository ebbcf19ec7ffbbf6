//! `resume/run.json`: what an unfinished run has done, so that another process can go on.

use crate::folder::Folder;
use crate::identity::{Identity, InputFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tongues_io::write_atomic;
use tongues_kernel::{Error, Model, Result};
use tongues_report::{Comparison, Score};

/// The folder of everything that resuming needs; it is gone when the run has finished.
pub const RESUME: &str = "resume";

/// What a run has done so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// Version of this file.
    pub schema: u32,
    /// The program that wrote it.
    pub identity: Identity,
    /// Input files read so far.
    pub inputs: BTreeMap<String, InputFile>,
    /// Finished stages, in order.
    pub stages: Vec<StageRecord>,
}

/// A finished stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageRecord {
    /// Its name.
    pub name: String,
    /// What it found.
    pub scores: Vec<Score>,
    /// What its models differ by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Comparison>,
    /// All sentences for the report up to its end.
    pub notes: Vec<String>,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Anonymous memory at its end.
    pub memory: Option<u64>,
    /// It has a curve.
    pub trained: bool,
    /// Bytes of `metrics.jsonl` at its end.
    pub metrics_bytes: u64,
    /// The model it made.
    pub model: Option<ModelRecord>,
}

/// Where a stage's model lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRecord {
    /// The folder of its backbone.
    pub checkpoint: PathBuf,
    /// The folder is seen from the run folder, in which it lies.
    pub inside: bool,
    /// The recipe's model whose backbone it is, where it does not lie in the run folder.
    pub origin: Option<String>,
    /// Its parts in order: name and folder, seen from the run folder.
    pub parts: Vec<(String, PathBuf)>,
    /// Its history.
    pub steps: Vec<String>,
}

impl ModelRecord {
    /// Of a model that a stage has just written.
    pub fn of(model: &Model, stage: &str, folder: &Folder) -> Option<Self> {
        let base = PathBuf::from(model.lineage.base.as_ref()?);
        let inside = base.strip_prefix(folder.root()).map(PathBuf::from);
        let list = model.net.parts.list();
        let part = |name: &String| (name.clone(), PathBuf::from("stages").join(stage).join(adapter_folder(name, list.len())));
        Some(Self {
            inside: inside.is_ok(),
            origin: model.lineage.origin.clone(),
            checkpoint: inside.unwrap_or(base),
            parts: list.iter().map(|a| part(&a.name)).collect(),
            steps: model.lineage.steps.clone(),
        })
    }
}

impl ModelRecord {
    /// The folder of its backbone, seen from where the program runs.
    pub fn path(&self, root: &Path) -> PathBuf {
        if self.inside { root.join(&self.checkpoint) } else { self.checkpoint.clone() }
    }
}

/// The folder of a part among `of` parts of a model.
pub fn adapter_folder(part: &str, of: usize) -> String {
    if of > 1 { format!("adapter-{part}") } else { "adapter".into() }
}

impl Journal {
    /// Nothing done yet.
    pub fn new(identity: Identity) -> Self {
        Self { schema: 1, identity, inputs: BTreeMap::new(), stages: vec![] }
    }

    /// The journal of an unfinished run, where there is one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(folder: &Folder) -> Result<Option<Self>> {
        let path = folder.path(RESUME).join("run.json");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(tongues_io::failed(&path, &e)),
        };
        let wrong = |e| Error::input(path.display(), "the journal of a run by this version of tongues", e, "begin again with --overwrite");
        serde_json::from_str(&text).map(Some).map_err(wrong)
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn write(&self, folder: &Folder) -> Result<()> {
        let dir = folder.path(RESUME);
        std::fs::create_dir_all(&dir).map_err(|e| tongues_io::failed(&dir, &e))?;
        let text = serde_json::to_string_pretty(self).map_err(|e| Error::run("run.json", e))?;
        write_atomic(&dir.join("run.json"), (text + "\n").as_bytes())
    }

    /// A stage that is done.
    pub fn finished(&self, stage: &str) -> Option<&StageRecord> {
        self.stages.iter().find(|s| s.name == stage)
    }

    /// Bytes of `metrics.jsonl` that belong to finished stages.
    pub fn metrics_bytes(&self) -> u64 {
        self.stages.last().map_or(0, |s| s.metrics_bytes)
    }
}
