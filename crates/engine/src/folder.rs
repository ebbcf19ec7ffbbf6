//! The run folder: what lies in it, and who may write to it.

use crate::journal::RESUME;
use crate::lock::Lock;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tongues_io::{disk, remove_partial, sha256_file, write_atomic};
use tongues_kernel::{Error, Result, refuse};

/// What a folder already holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupied {
    /// Nothing of a run.
    No,
    /// The same recipe, finished.
    Finished,
    /// The same recipe, not finished.
    Begun,
}

/// How a run begins where its folder already holds something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// In a new folder; a finished run of the same recipe is shown.
    #[default]
    Fresh,
    /// Anew, in the place of a run of the same recipe.
    Overwrite,
    /// Where an unfinished run of the same recipe stopped.
    Resume,
    /// The same with whatever has changed since.
    ResumeAnyway,
}

impl Begin {
    /// Goes on with an unfinished run.
    pub fn resumes(self) -> bool {
        matches!(self, Self::Resume | Self::ResumeAnyway)
    }
}

/// A run folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    /// Held as long as the run works here.
    _lock: Option<Rc<Lock>>,
}

impl Folder {
    /// The default place of a run: its name and a hash of what it does.
    pub fn default_path(name: &str, resolved: &str) -> PathBuf {
        let hash: String = Sha256::digest(resolved).iter().take(4).map(|b| format!("{b:02x}")).collect();
        PathBuf::from("runs").join(format!("{name}-{hash}"))
    }

    /// Takes a folder for a recipe; says what it holds of it.
    ///
    /// # Errors
    /// The folder holds something else, cannot be written, or is in use.
    pub fn take(root: &Path, resolved: &str, how: Begin) -> Result<(Self, Occupied)> {
        let folder = Self { root: root.into(), _lock: None };
        if folder.look(resolved, how)? == Occupied::Finished && how != Begin::Overwrite {
            return Ok((folder, Occupied::Finished));
        }
        fs::create_dir_all(root).map_err(|e| cannot(root, &e))?;
        let folder = Self { _lock: Some(Rc::new(Lock::take(root)?)), ..folder };
        // Another process may have worked here until now.
        let occupied = folder.look(resolved, how)?;
        match occupied {
            Occupied::Finished if how != Begin::Overwrite => return Ok((folder, occupied)),
            Occupied::Begun if how.resumes() => {}
            Occupied::No => {}
            _ => folder.clear()?,
        }
        write_atomic(&root.join("recipe.toml"), resolved.as_bytes())?;
        Ok((folder, occupied))
    }

    fn look(&self, resolved: &str, how: Begin) -> Result<Occupied> {
        let root = &self.root;
        if !root.exists() || (root.is_dir() && fs::read_dir(root).is_ok_and(|d| d.flatten().all(|e| is_stub(&e)))) {
            return Ok(Occupied::No);
        }
        let saved = self.path(RESUME).join("run.json").exists();
        let found = match fs::read_to_string(root.join("recipe.toml")) {
            Ok(text) if text == resolved && self.finished() => return Ok(Occupied::Finished),
            Ok(text) if text == resolved && saved && how == Begin::Fresh => {
                let remedy = "--resume goes on with it, --overwrite begins again";
                return refuse(format!("output folder {}", root.display()), "a new folder", "an unfinished run of this recipe", remedy);
            }
            Ok(text) if text == resolved || !self.has_work() => return Ok(Occupied::Begun),
            Ok(_) if saved && how == Begin::ResumeAnyway => return Ok(Occupied::Begun),
            Ok(text) if saved && how == Begin::Resume => {
                let found = format!("a changed one: {}", first_difference(&text, resolved));
                let remedy = "take the change back, or go on all the same with --resume-anyway";
                return refuse(root.join("recipe.toml").display(), "the recipe that this run began with", found, remedy);
            }
            Ok(_) => "a run of another recipe (or of other settings)",
            Err(_) => "files that are not of a run",
        };
        refuse(format!("output folder {}", root.display()), "a new folder, or a run of this recipe", found, "choose another folder with --out")
    }

    /// Something that took time lies here.
    fn has_work(&self) -> bool {
        ["stages", "metrics.jsonl", "manifest.json", RESUME].iter().any(|name| self.path(name).exists())
    }

    /// After a failure: a folder without any work is taken away again.
    pub fn leave_if_empty(&self) {
        if !self.has_work() && fs::remove_file(self.path("recipe.toml")).is_ok() {
            // Fails where the folder holds files of the user's, which is as it should be.
            let _ = fs::remove_dir(&self.root);
        }
    }

    fn finished(&self) -> bool {
        let manifest = fs::read_to_string(self.path("manifest.json")).ok().and_then(|t| serde_json::from_str::<Json>(&t).ok());
        manifest.is_some_and(|m| m.get("finished") == Some(&Json::Bool(true)))
    }

    /// Removes what an earlier run of the same recipe left.
    fn clear(&self) -> Result<()> {
        for name in ["manifest.json", "report.json", "report.html", "metrics.jsonl"] {
            let path = self.path(name);
            if path.exists() {
                fs::remove_file(&path).map_err(|e| cannot(&path, &e))?;
            }
        }
        for name in ["stages", RESUME] {
            let path = self.path(name);
            disk::remove(&path).map_err(|e| cannot(&path, &e))?;
        }
        Ok(())
    }

    /// Takes away what a killed process was writing.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn tidy(&self) -> Result<()> {
        remove_partial(&self.root)
    }

    /// Takes away what only resuming needs.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn settle(&self) -> Result<()> {
        let path = self.path(RESUME);
        disk::remove(&path).map_err(|e| cannot(&path, &e))
    }

    /// Cuts `metrics.jsonl` to the lines that belong to what is saved.
    ///
    /// # Errors
    /// It is shorter than that, or cannot be written.
    pub fn cut_metrics(&self, bytes: u64) -> Result<()> {
        let path = self.path("metrics.jsonl");
        let has = fs::metadata(&path).map_or(0, |m| m.len());
        if has < bytes {
            let remedy = "put the file back, or begin again with --overwrite";
            return refuse(path.display(), format!("at least the {bytes} bytes written when the run was saved"), has, remedy);
        }
        if has == bytes {
            return Ok(());
        }
        let cut = |file: fs::File| file.set_len(bytes).and_then(|()| disk::flush(&file, &path));
        fs::OpenOptions::new().write(true).open(&path).and_then(cut).map_err(|e| cannot(&path, &e))
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A stage's folder.
    pub fn stage(&self, name: &str) -> PathBuf {
        self.root.join("stages").join(name)
    }

    /// `manifest.json`: versions, seed, device, hashes of inputs and outputs.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn write_manifest(&self, facts: Map<String, Json>, inputs: &BTreeMap<String, String>, finished: bool) -> Result<()> {
        let mut manifest = facts;
        manifest.insert("inputs".into(), json!(inputs));
        manifest.insert("outputs".into(), json!(self.outputs()?));
        manifest.insert("finished".into(), finished.into());
        let text = serde_json::to_string_pretty(&manifest).map_err(|e| Error::run("manifest.json", e))?;
        write_atomic(&self.path("manifest.json"), (text + "\n").as_bytes())
    }

    fn outputs(&self) -> Result<BTreeMap<String, String>> {
        let mut all = BTreeMap::new();
        let mut open = vec![self.path("stages")];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    open.push(path);
                } else if let Ok(name) = path.strip_prefix(&self.root) {
                    all.insert(name.display().to_string(), sha256_file(&path)?);
                }
            }
        }
        Ok(all)
    }
}

/// What a process leaves that was killed while it wrote the very first file.
fn is_stub(entry: &fs::DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with("recipe.toml.partial-")
}

/// The first line that differs between two texts.
fn first_difference(old: &str, new: &str) -> String {
    let (mut old, mut new) = (old.lines(), new.lines());
    for line in 1.. {
        match (old.next(), new.next()) {
            (Some(a), Some(b)) if a == b => {}
            (None, None) => break,
            (a, b) => return format!("line {line} was `{}`, is `{}`", a.unwrap_or(""), b.unwrap_or("")),
        }
    }
    "its line ends".into()
}

/// The folder or file cannot be written.
pub fn cannot(path: &Path, error: &std::io::Error) -> Error {
    Error::input(path.display(), "a place that can be written", error, "choose another folder with --out")
}
