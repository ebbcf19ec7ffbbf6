//! Hashes of what a result depends on: recipes, code, vector instructions.

use crate::{plugins, tree};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Crates whose code a trained model depends on.
const TRAINING: [&str; 9] = ["kernel", "ops", "nn", "io", "formats", "train", "world", "engine", "recipe"];
/// Crates on which only scores and merges depend.
const SCORING: [&str; 3] = ["eval", "metrics", "merge"];

/// Lower-case hex.
pub fn of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Parts in their order; no two lists of parts have the same hash by being joined.
pub fn of_parts(parts: &[&str]) -> String {
    let mut sum = Sha256::new();
    for part in parts {
        sum.update((part.len() as u64).to_le_bytes());
        sum.update(part);
    }
    sum.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// All code of the repository's crates and plugins.
///
/// # Errors
/// A file cannot be read.
pub fn all_code(root: &Path) -> Result<String> {
    folders(root, &[PathBuf::from("crates"), PathBuf::from("plugins")])
}

/// The code that a run of this recipe depends on: the engine's crates, and the plugins that the text or the overrides name.
///
/// # Errors
/// A file cannot be read.
pub fn code_of(root: &Path, recipe: &str, set: &[String], scored: bool) -> Result<String> {
    let crates = TRAINING.iter().chain(SCORING.iter().filter(|_| scored)).map(|name| Path::new("crates").join(name));
    let words: Vec<&str> = std::iter::once(recipe).chain(set.iter().map(String::as_str)).flat_map(words).collect();
    let mut used = vec![];
    for plugin in plugins::all(root)? {
        let source = tree::text(root, plugin.folder().join("src/lib.rs")).unwrap_or_default();
        let registered = |word: &&str| source.contains(&format!(", \"{word}\",")) && source.contains("register!");
        if words.iter().any(|w| *w == plugin.name || registered(w)) {
            used.push(plugin.folder());
        }
    }
    folders(root, &crates.chain(used).collect::<Vec<_>>())
}

/// Everything that could be a plugin's name.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).filter(|w| !w.is_empty())
}

/// Names and contents of the files below `src` folders.
fn folders(root: &Path, folders: &[PathBuf]) -> Result<String> {
    let mut files = vec![];
    for folder in folders {
        below(root, folder, &mut files)?;
    }
    files.sort();
    let mut sum = Sha256::new();
    for path in files.iter().filter(|p| p.components().any(|c| c.as_os_str() == "src")) {
        let bytes = std::fs::read(root.join(path)).with_context(|| path.display().to_string())?;
        sum.update(path.to_string_lossy().as_bytes());
        sum.update((bytes.len() as u64).to_le_bytes());
        sum.update(&bytes);
    }
    Ok(sum.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

fn below(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else { return Ok(()) };
    for entry in entries {
        let entry = entry.with_context(|| folder.display().to_string())?;
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() { below(root, &path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// The vector instructions that `tongues` will choose, by the rule of `ops::simd`.
pub fn simd() -> &'static str {
    let levels = ["portable", "avx2", "avx512"];
    let wish = std::env::var("TONGUES_SIMD").ok().and_then(|w| levels.iter().position(|l| *l == w)).unwrap_or(2);
    levels[wish.min(widest())]
}

fn widest() -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        let fma = has!("avx2") && has!("fma");
        let wide = has!("avx512f") && has!("avx512vl") && has!("avx512dq") && has!("avx512bw");
        if fma {
            return 1 + usize::from(wide);
        }
    }
    0
}
