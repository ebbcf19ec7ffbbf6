//! Arrows between crates point down only.

use super::Finding;
use crate::plugins::Plugin;
use crate::tree;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item};

/// Crates by layer: each may depend on crates of lower layers, not on neighbours.
const LAYERS: [(&str, usize); 17] = [
    ("ops", 0),
    ("metrics", 0),
    ("judge", 0),
    ("kernel", 1),
    ("nn", 2),
    ("io", 2),
    ("formats", 2),
    ("loader", 2),
    ("merge", 3),
    ("train", 3),
    ("eval", 3),
    ("report", 3),
    ("world", 3),
    ("recipe", 4),
    ("engine", 5),
    ("cli", 6),
    ("testkit", 3),
];
/// What plugins may use, and the testkit beside `io`: it reads what other programs wrote.
const BASE: [&str; 4] = ["kernel", "nn", "ops", "metrics"];

/// One dependency between packages of the project.
#[derive(Clone, Debug)]
struct Arrow {
    to: String,
    line: usize,
    for_tests: bool,
}

/// Arrows that point up or across.
///
/// # Errors
/// A manifest cannot be read.
pub fn check(root: &Path, plugins: &[Plugin]) -> Result<Vec<Finding>> {
    let mut findings = vec![];
    for path in crates(root)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let manifest = path.join("Cargo.toml");
        if name != "cli" && name != "builtin" && !LAYERS.iter().any(|(layer, _)| *layer == name) {
            findings.push(Finding::new(&manifest, 1, format!("crates/{name} has no layer"), "give it one in xtask/src/lint/arrows.rs"));
            continue;
        }
        findings.extend(wrong(&manifest, &tree::text(root, &manifest)?, |arrow| from_crate(&name, arrow))?);
    }
    for plugin in plugins {
        let manifest = plugin.folder().join("Cargo.toml");
        findings.extend(wrong(&manifest, &tree::text(root, &manifest)?, from_plugin)?);
    }
    Ok(findings)
}

fn crates(root: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(root.join("crates")).context("crates/: cannot be listed")?;
    let mut names: Vec<PathBuf> =
        entries.flatten().filter(|e| e.path().join("Cargo.toml").is_file()).map(|e| Path::new("crates").join(e.file_name())).collect();
    names.sort();
    Ok(names)
}

/// What a crate of that name may not use, as a remedy.
fn from_crate(name: &str, arrow: &Arrow) -> Option<String> {
    let to = arrow.to.as_str();
    let layer = |of: &str| LAYERS.iter().find(|(crate_name, _)| *crate_name == of).map(|(_, layer)| *layer);
    match (name, layer(to)) {
        ("builtin", None) if to != "builtin" => None,
        ("builtin", _) => Some("crates/builtin lists plugins only".into()),
        ("cli", None) if to == "builtin" => None,
        (_, None) => Some("crates know no plugin; ask the registry for it by kind and name".into()),
        (_, Some(_)) if to == "testkit" => (!arrow.for_tests).then(|| "the testkit is for [dev-dependencies]".into()),
        ("testkit", Some(_)) => (!BASE.contains(&to) && to != "io").then(|| format!("the testkit uses {} and io only", BASE.join(", "))),
        (_, Some(below)) if layer(name).is_some_and(|own| own > below) => None,
        _ => Some(format!("crates/{name} may only use crates of lower layers; move the code down, or a trait into the kernel")),
    }
}

fn from_plugin(arrow: &Arrow) -> Option<String> {
    let allowed = BASE.contains(&arrow.to.as_str()) || (arrow.for_tests && arrow.to == "testkit");
    (!allowed).then(|| format!("plugins use {} only; ask the surroundings (`Context`) for what else is needed", BASE.join(", ")))
}

fn wrong(manifest: &Path, text: &str, rule: impl Fn(&Arrow) -> Option<String>) -> Result<Vec<Finding>> {
    let arrows = arrows(text).with_context(|| manifest.display().to_string())?;
    let finding = |a: &Arrow| Some(Finding::new(manifest, a.line, format!("depends on tongues-{}", a.to), rule(a)?));
    Ok(arrows.iter().filter_map(finding).collect())
}

/// The dependencies on packages of the project, by their names without `tongues-`.
fn arrows(text: &str) -> Result<Vec<Arrow>> {
    let document: DocumentMut = text.parse()?;
    let mut arrows = tables(document.as_item(), text);
    for (_, platform) in document.get("target").and_then(Item::as_table_like).into_iter().flat_map(|t| t.iter()) {
        arrows.extend(tables(platform, text));
    }
    Ok(arrows)
}

fn tables(item: &Item, text: &str) -> Vec<Arrow> {
    let mut arrows = vec![];
    for (table, for_tests) in [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)] {
        let Some(dependencies) = item.get(table).and_then(Item::as_table_like) else { continue };
        for (key, value) in dependencies.iter() {
            let package = value.get("package").and_then(Item::as_str).unwrap_or(key);
            if let Some(to) = package.strip_prefix("tongues-") {
                arrows.push(Arrow { to: to.into(), line: line_of(text, key), for_tests });
            }
        }
    }
    arrows
}

fn line_of(text: &str, key: &str) -> usize {
    text.lines().position(|l| l.starts_with(key)).map_or(1, |i| i + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(from: &str, table: &str, to: &str) -> bool {
        let text = format!("[{table}]\ntongues-{to}.workspace = true\n");
        let rule = |a: &Arrow| if from == "plugin" { from_plugin(a) } else { from_crate(from, a) };
        !wrong(Path::new("Cargo.toml"), &text, rule).expect("a manifest").is_empty()
    }

    #[test]
    fn arrows_point_down() {
        let allowed = [
            ("cli", "engine"),
            ("engine", "recipe"),
            ("recipe", "train"),
            ("eval", "nn"),
            ("io", "ops"),
            ("nn", "kernel"),
            ("cli", "builtin"),
            ("testkit", "io"),
            ("eval", "metrics"),
        ];
        assert!(allowed.iter().all(|(from, to)| !refused(from, "dependencies", to)));
        let refuse = [
            ("ops", "kernel"),
            ("ops", "metrics"),
            ("metrics", "kernel"),
            ("kernel", "nn"),
            ("train", "eval"),
            ("recipe", "engine"),
            ("io", "nn"),
            ("engine", "builtin"),
            ("train", "adapter-lora"),
            ("testkit", "formats"),
        ];
        assert!(refuse.iter().all(|(from, to)| refused(from, "dependencies", to)));
    }

    #[test]
    fn the_testkit_is_for_tests_and_plugins_know_the_base_only() {
        assert!(refused("train", "dependencies", "testkit") && !refused("train", "dev-dependencies", "testkit"));
        assert!(refused("plugin", "dependencies", "io") && !refused("plugin", "dependencies", "nn"));
        assert!(!refused("plugin", "dependencies", "metrics"));
        assert!(refused("plugin", "dependencies", "adapter-lora") && refused("plugin", "target.'cfg(unix)'.dependencies", "train"));
        assert!(refused("builtin", "dependencies", "kernel") && !refused("builtin", "dependencies", "adapter-lora"));
    }
}
