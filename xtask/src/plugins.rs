//! The plugins as the folders under `plugins/` tell them.

use crate::tree;
use anyhow::{Result, ensure};
use std::path::{Path, PathBuf};
use toml_edit::DocumentMut;

/// A folder under `plugins/` and the kind of plugin it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wing {
    /// `adapters`.
    pub folder: &'static str,
    /// `adapter`.
    pub kind: &'static str,
}

/// All wings, by folder.
pub const WINGS: [Wing; 7] = [
    Wing { folder: "adapters", kind: "adapter" },
    Wing { folder: "backbones", kind: "backbone" },
    Wing { folder: "curators", kind: "curator" },
    Wing { folder: "decoders", kind: "decoder" },
    Wing { folder: "evaluators", kind: "evaluator" },
    Wing { folder: "mergers", kind: "merger" },
    Wing { folder: "objectives", kind: "objective" },
];

/// One plugin crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// Where it lies.
    pub wing: Wing,
    /// Its folder's name.
    pub name: String,
    /// It has a `tests.rs`.
    pub tested: bool,
}

impl Plugin {
    /// `tongues-adapter-lora`.
    pub fn package(&self) -> String {
        format!("tongues-{}-{}", self.wing.kind, self.name)
    }

    /// `tongues_adapter_lora`.
    pub fn library(&self) -> String {
        self.package().replace('-', "_")
    }

    /// `plugins/adapters/lora`.
    pub fn folder(&self) -> PathBuf {
        Path::new("plugins").join(self.wing.folder).join(&self.name)
    }
}

/// Every plugin, by wing and name.
///
/// # Errors
/// A folder under `plugins/` is no wing, or a package is not named after its folder.
pub fn all(root: &Path) -> Result<Vec<Plugin>> {
    let mut plugins = vec![];
    for folder in subfolders(&root.join("plugins")) {
        let known = WINGS.map(|w| w.folder).join(", ");
        ensure!(WINGS.iter().any(|w| w.folder == folder), "plugins/{folder}: one of {known} was expected; move or rename the folder");
    }
    for wing in WINGS {
        for name in subfolders(&root.join("plugins").join(wing.folder)) {
            let plugin = Plugin { wing, tested: false, name };
            let folder = root.join(plugin.folder());
            if folder.join("Cargo.toml").is_file() {
                check_name(root, &plugin)?;
                plugins.push(Plugin { tested: folder.join("tests.rs").is_file(), ..plugin });
            }
        }
    }
    Ok(plugins)
}

fn subfolders(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter(|e| e.path().is_dir()).map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn check_name(root: &Path, plugin: &Plugin) -> Result<()> {
    let manifest = plugin.folder().join("Cargo.toml");
    let document: DocumentMut = tree::text(root, &manifest)?.parse()?;
    let found = document["package"]["name"].as_str().unwrap_or("none");
    ensure!(
        found == plugin.package(),
        "{}: the package name {} was expected, found {found}; rename the package or its folder",
        manifest.display(),
        plugin.package()
    );
    Ok(())
}
