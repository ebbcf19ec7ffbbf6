//! Opens the checkpoints that `tongues` writes with transformers and PEFT.
//!
//! The only chore that needs Python and the network; everything lies under `target/`.

use crate::tree;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Texts whose token ids are compared: spaces, line ends, digits, and letters of one to four bytes.
const TEXTS: [&str; 5] = ["tongues", " two  spaces and a line\n\tend ", "in 1999 it cost 3.50", "Ünïcödé ß ſ ﬁ İ", "漢字 かな ไทย 🙂"];
const REQUIREMENTS: &str = "xtask/python/requirements.txt";

/// Makes the virtual environment where it is missing, runs the recipe, writes what `tongues` computes, and compares.
///
/// # Errors
/// One of these steps fails; the comparison's own table says what differs.
pub fn run(root: &Path) -> Result<()> {
    let target = tree::target(root);
    let python = environment(root, &target.join("interop-venv"))?;
    let (out, probe) = (target.join("interop/run"), target.join("interop/probe"));
    tongues(root, &["run".as_ref(), "xtask/interop.toml".as_ref(), "--out".as_ref(), out.as_ref(), "--overwrite".as_ref()])?;
    let stages = out.join("stages");
    let models = [("--base", stages.join("adapted/checkpoint")), ("--adapter", stages.join("adapted/adapter")), ("--folded", stages.join("folded/checkpoint"))];
    let folders: Vec<&Path> = models.iter().flat_map(|(flag, path)| [Path::new(*flag), path.as_path()]).collect();
    let texts: Vec<&Path> = TEXTS.iter().flat_map(|text| ["--text", *text]).map(Path::new).collect();
    tongues(root, &[&["probe".as_ref()], folders.as_slice(), &texts, &["--out".as_ref(), probe.as_ref()]].concat())?;
    let mut compare = Command::new(python);
    compare.arg(root.join("xtask/python/interop.py")).args(&folders).arg("--probe").arg(probe.join("probe.safetensors"));
    tree::call(&mut compare)
}

fn tongues(root: &Path, arguments: &[&Path]) -> Result<()> {
    tree::call(tree::cargo(root).args(["run", "--release", "--quiet", "--bin", "tongues", "--"]).args(arguments))
}

/// The environment's Python, with exactly the pinned packages in it.
pub fn environment(root: &Path, folder: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    if !python.is_file() {
        tree::call(Command::new("python3").args(["-m", "venv"]).arg(folder)).context("python3 with its venv module is needed")?;
    }
    let wanted = tree::text(root, REQUIREMENTS)?;
    if !has(&installed(&python)?, &wanted) {
        tree::call(
            Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(root.join(REQUIREMENTS)),
        )?;
    }
    Ok(python)
}

fn installed(python: &Path) -> Result<String> {
    let output = Command::new(python).args(["-m", "pip", "freeze", "--disable-pip-version-check"]).output().context("pip freeze")?;
    ensure!(output.status.success(), "pip freeze failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Every pinned line is installed; a suffix such as `+cpu` names a build of the same version.
fn has(installed: &str, wanted: &str) -> bool {
    let pins = wanted.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let versions: Vec<&str> = installed.lines().map(|l| l.split_once('+').map_or(l, |(version, _)| version).trim()).collect();
    pins.into_iter().all(|pin| versions.iter().any(|v| v.eq_ignore_ascii_case(pin)))
}

#[cfg(test)]
mod tests {
    use super::has;

    #[test]
    fn pinned_versions_are_compared_exactly() {
        let wanted = "torch==2.9.0\n# comment\nPEFT==0.18.0\n";
        assert!(has("torch==2.9.0+cpu\npeft==0.18.0\nother==1\n", wanted));
        assert!(!has("torch==2.9.1\npeft==0.18.0\n", wanted));
        assert!(!has("torch==2.9.0\n", wanted));
    }
}
