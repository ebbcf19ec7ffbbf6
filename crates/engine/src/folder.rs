//! The run folder: what lies in it, and who may write to it.

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tongues_io::{sha256_file, write_atomic};
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

/// A run folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The default place of a run: its name and a hash of what it does.
    pub fn default_path(name: &str, resolved: &str) -> PathBuf {
        let hash: String = Sha256::digest(resolved).iter().take(4).map(|b| format!("{b:02x}")).collect();
        PathBuf::from("runs").join(format!("{name}-{hash}"))
    }

    /// Takes a folder for a recipe; says whether it holds a run of it.
    ///
    /// # Errors
    /// The folder holds something else, or cannot be written.
    pub fn take(root: &Path, resolved: &str, overwrite: bool) -> Result<(Self, Occupied)> {
        let folder = Self { root: root.into() };
        let occupied = folder.look(resolved)?;
        if occupied == Occupied::Finished && !overwrite {
            return Ok((folder, occupied));
        }
        if occupied != Occupied::No {
            folder.clear()?;
        }
        fs::create_dir_all(root).map_err(|e| cannot(root, &e))?;
        write_atomic(&root.join("recipe.toml"), resolved.as_bytes())?;
        Ok((folder, occupied))
    }

    fn look(&self, resolved: &str) -> Result<Occupied> {
        let root = &self.root;
        if !root.exists() || (root.is_dir() && fs::read_dir(root).is_ok_and(|mut d| d.next().is_none())) {
            return Ok(Occupied::No);
        }
        let found = match fs::read_to_string(root.join("recipe.toml")) {
            Ok(text) if text == resolved => return Ok(if self.finished() { Occupied::Finished } else { Occupied::Begun }),
            Ok(_) if !self.has_work() => return Ok(Occupied::Begun),
            Ok(_) => "a run of another recipe (or of other settings)",
            Err(_) => "files that are not of a run",
        };
        refuse(format!("output folder {}", root.display()), "a new folder, or a run of this recipe", found, "choose another folder with --out")
    }

    /// Something that took time lies here.
    fn has_work(&self) -> bool {
        ["stages", "metrics.jsonl", "manifest.json"].iter().any(|name| self.path(name).exists())
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
        let stages = self.path("stages");
        if stages.exists() { fs::remove_dir_all(&stages).map_err(|e| cannot(&stages, &e)) } else { Ok(()) }
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

/// The folder or file cannot be written.
pub fn cannot(path: &Path, error: &std::io::Error) -> Error {
    Error::input(path.display(), "a place that can be written", error, "choose another folder with --out")
}
