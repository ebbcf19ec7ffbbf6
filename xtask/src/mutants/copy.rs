//! A copy of the tree under the target folder. Files that did not change keep their time, so that little is built anew.

use crate::tree;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The copy.
pub struct Copy {
    /// Its root.
    pub root: PathBuf,
}

impl Copy {
    /// Makes the copy equal to the tree; also mends what a mutant of a stopped run left.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn update(tree: &Path) -> Result<Self> {
        Self::at(tree, crate::tree::target(tree).join("mutants/tree"))
    }

    fn at(from: &Path, root: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&root).with_context(|| format!("{}: cannot be made", root.display()))?;
        let files: BTreeSet<PathBuf> = tree::files(from)?.into_iter().collect();
        for file in &files {
            tree::write_if_changed(&root.join(file), &renamed(file, std::fs::read(from.join(file))?))?;
        }
        for extra in tree::files(&root)?.iter().filter(|f| !files.contains(*f)) {
            std::fs::remove_file(root.join(extra))?;
        }
        Ok(Self { root })
    }
}

/// Cargo names build products by package and version, not by folder: without a version of its own, a fault in the copy
/// would be taken for the tree's own, fresh build.
fn renamed(file: &Path, bytes: Vec<u8>) -> Vec<u8> {
    if file != Path::new("Cargo.toml") {
        return bytes;
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(|line| match line.strip_prefix("version = \"").and_then(|rest| rest.strip_suffix('"')) {
        Some(version) => format!("version = \"{version}-mutants\"\n"),
        None => format!("{line}\n"),
    });
    lines.collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn packages_of_the_copy_have_a_version_of_their_own() {
        let manifest = b"[workspace.package]\nversion = \"0.1.0\"\nedition = \"2024\"\n".to_vec();
        assert_eq!(renamed(Path::new("Cargo.toml"), manifest.clone()), b"[workspace.package]\nversion = \"0.1.0-mutants\"\nedition = \"2024\"\n");
        assert_eq!(renamed(Path::new("crates/cli/Cargo.toml"), manifest.clone()), manifest);
    }

    #[test]
    fn the_copy_follows_the_tree() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("target")).expect("made");
        for (name, text) in [("a", "1"), ("b", "2"), ("target/c", "3")] {
            fs::write(from.join(name), text).expect("written");
        }
        Copy::at(&from, to.clone()).expect("copied");
        let time = || fs::metadata(to.join("a")).and_then(|m| m.modified()).expect("a time");
        let before = time();
        fs::write(to.join("b"), "fault").expect("written");
        fs::write(to.join("d"), "left over").expect("written");
        Copy::at(&from, to.clone()).expect("copied");
        assert_eq!(tree::files(&to).expect("listed"), [PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!(fs::read_to_string(to.join("b")).expect("read"), "2");
        assert_eq!(time(), before);
    }
}
