//! The repository as a tree of files, and commands run in it.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders that hold nothing of the project itself, by their path in the repository or by their name.
const SKIPPED: [&str; 5] = ["target", "runs", ".git", "node_modules", "__pycache__"];

/// The repository's root: the nearest folder upwards with a workspace manifest and this tool in it.
pub fn root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("the current folder cannot be read")?;
    let found = here.ancestors().find(|dir| dir.join("Cargo.toml").is_file() && dir.join("xtask/Cargo.toml").is_file());
    found.map(Path::to_path_buf).with_context(|| format!("{}: a folder inside the repository was expected; change to the repository first", here.display()))
}

/// All files of the project as sorted paths relative to `root`.
pub fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![];
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(root.join(&folder)).with_context(|| format!("{}: cannot be listed", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if SKIPPED.iter().any(|s| entry.file_name() == *s) {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A text file, by its path in the repository.
pub fn text(root: &Path, path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    fs::read_to_string(root.join(path)).with_context(|| format!("{}: a readable text file was expected", path.display()))
}

/// Writes where the content differs; unchanged files keep their time, so that cargo does not build them again.
pub fn write_if_changed(path: &Path, content: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("{}: cannot be made", parent.display()))?;
    }
    fs::write(path, content).with_context(|| format!("{}: cannot be written", path.display()))?;
    Ok(true)
}

/// Runs a command whose output is shown; anything but success is an error that names it.
pub fn call(command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let status = command.status().with_context(|| format!("{name}: cannot be started; is it installed?"))?;
    if status.success() { Ok(()) } else { bail!("{name} failed: {status}") }
}

/// The cargo that started this program.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Where cargo builds: `CARGO_TARGET_DIR`, or `target` in the repository.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}
