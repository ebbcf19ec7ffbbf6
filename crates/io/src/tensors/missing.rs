//! What to say when a folder has no safetensors checkpoint.

use std::{fs, path::Path};

use super::{INDEX, SINGLE};
use tongues_kernel::Error;

/// How to leave pickles behind.
pub(crate) const CONVERT: &str = "convert it once where you trust its source: \
    `python -c \"from transformers import AutoModel as M; M.from_pretrained('OLD').save_pretrained('NEW', safe_serialization=True)\"` \
    (use the AutoModelFor… class of your task to keep its head)";

const PICKLES: [&str; 5] = ["bin", "pt", "pth", "ckpt", "pkl"];

/// Whether the name is that of a pickle, which is never opened.
pub(super) fn is_pickle(path: &Path) -> bool {
    path.extension().and_then(|e| e.to_str()).is_some_and(|e| PICKLES.contains(&e.to_ascii_lowercase().as_str()))
}

/// The error for a pickle.
pub(super) fn pickle(path: &Path) -> Error {
    Error::input(path.display(), "a safetensors file", "a pickle, which can run code when opened", CONVERT)
}

/// The error for a folder without a checkpoint.
pub(super) fn checkpoint(dir: &Path) -> Error {
    let looked_for = format!("{SINGLE} or {INDEX}");
    if !dir.is_dir() {
        let found = if dir.exists() { "a file" } else { "no such folder" };
        return Error::input(dir.display(), format!("a folder with {looked_for}"), found, "check the path");
    }
    let names = names(dir);
    if let Some(name) = names.iter().find(|n| is_pickle(Path::new(n)) && !n.starts_with("training_args")) {
        return pickle(&dir.join(name));
    }
    if names.iter().any(|n| n == "adapter_model.safetensors") {
        let remedy = "this folder holds an adapter; name the folder of its base model as the checkpoint";
        return Error::input(dir.display(), looked_for, "adapter_model.safetensors", remedy);
    }
    if let Some(name) = names.iter().find(|n| n.ends_with(".safetensors")) {
        let remedy = format!("rename it to {SINGLE}; shards need their {INDEX}");
        return Error::input(dir.display(), looked_for, format!("only {name}"), remedy);
    }
    let found = if names.is_empty() { "an empty folder".into() } else { format!("only {}", names.join(", ")) };
    Error::input(dir.display(), looked_for, found, "name the folder that holds the weights")
}

/// The names in a folder, sorted; at most ten.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    // Weights first, so that the cut below never hides them.
    names.sort_by_key(|n| !(n.ends_with(".safetensors") || is_pickle(Path::new(n))));
    names.truncate(10);
    names
}
