//! Exceptions with reasons: `xtask/lint-exceptions.toml`.

use super::Finding;
use crate::tree;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};

const FILE: &str = "xtask/lint-exceptions.toml";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: PathBuf,
    /// The function or the quoted word.
    #[serde(default)]
    name: String,
    reason: String,
    #[serde(skip)]
    used: bool,
}

/// What may break a rule, and why. An entry that nothing needs is a finding itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exceptions {
    #[serde(default)]
    file_size: Vec<Entry>,
    #[serde(default)]
    function_size: Vec<Entry>,
    #[serde(default)]
    plugin_name: Vec<Entry>,
}

impl Exceptions {
    /// Reads the list.
    ///
    /// # Errors
    /// It is missing or has unknown keys.
    pub fn read(root: &Path) -> Result<Self> {
        toml_edit::de::from_str(&tree::text(root, FILE)?).context(FILE)
    }

    /// A long file is excepted.
    pub fn file(&mut self, path: &Path) -> bool {
        excepted(&mut self.file_size, path, "")
    }

    /// A long function is excepted.
    pub fn function(&mut self, path: &Path, name: &str) -> bool {
        excepted(&mut self.function_size, path, name)
    }

    /// A quoted word that is also a plugin's name is excepted.
    pub fn plugin_name(&mut self, path: &Path, name: &str) -> bool {
        excepted(&mut self.plugin_name, path, name)
    }

    /// Entries that nothing needed, and entries without a reason.
    pub fn unused(&self) -> Vec<Finding> {
        let all = self.file_size.iter().chain(&self.function_size).chain(&self.plugin_name);
        let finding = |e: &Entry| {
            let told = Finding::new(FILE, 1, format!("the exception for {} {}", e.path.display(), e.name), "remove it: nothing needs it");
            match (e.used, e.reason.trim().is_empty()) {
                (false, _) => Some(told),
                (true, true) => Some(Finding { remedy: "give it a reason".into(), ..told }),
                (true, false) => None,
            }
        };
        all.filter_map(finding).collect()
    }
}

fn excepted(entries: &mut [Entry], path: &Path, name: &str) -> bool {
    let found = entries.iter_mut().find(|e| e.path == path && e.name == name);
    found.map(|e| e.used = true).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unneeded_entries_and_missing_reasons_are_findings() {
        let text = "[[file-size]]\npath = \"a.rs\"\nreason = \"one table\"\n[[plugin-name]]\npath = \"b.rs\"\nname = \"linear\"\nreason = \" \"\n";
        let mut exceptions: Exceptions = toml_edit::de::from_str(text).expect("a list");
        assert_eq!(exceptions.unused().len(), 2);
        assert!(exceptions.file(Path::new("a.rs")) && !exceptions.file(Path::new("b.rs")));
        assert!(exceptions.plugin_name(Path::new("b.rs"), "linear") && !exceptions.plugin_name(Path::new("b.rs"), "lora"));
        assert_eq!(exceptions.unused().iter().map(|f| f.remedy.as_str()).collect::<Vec<_>>(), ["give it a reason"]);
    }
}
