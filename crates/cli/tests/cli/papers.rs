//! Recipes of papers and of the bases they begin from, at every scale: recipes without problems.

use crate::support::Desk;
use std::path::{Path, PathBuf};

fn recipes(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of recipes").flatten().map(|e| e.path()) {
        if entry.is_dir() {
            recipes(&entry, found);
        } else if entry.extension().is_some_and(|e| e == "toml") {
            found.push(entry);
        }
    }
}

#[test]
fn every_recipe_of_a_paper_and_of_a_base_is_without_problems() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let mut all = vec![];
    for folder in ["papers", "bases"] {
        recipes(&root.join(folder), &mut all);
    }
    let full = all.iter().filter(|path| path.parent().is_some_and(|p| p.ends_with("full"))).count();
    assert!(full >= 3 && all.len() > full + 5, "{all:?}");
    let desk = Desk::new();
    for path in all {
        // What a full scale misses here is the user's: `--resolved` asks for no files.
        desk.good(&["check", &path.display().to_string(), "--resolved"]);
    }
}
