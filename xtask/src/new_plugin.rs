//! The skeleton of a plugin: it compiles, does the smallest useful thing of its kind, and passes its test.

use crate::plugins::{Plugin, WINGS};
use crate::{sync, tree};
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// Library and tests of one kind.
struct Template {
    kind: &'static str,
    library: &'static str,
    tests: &'static str,
}

macro_rules! template {
    ($kind:literal) => {
        Template {
            kind: $kind,
            library: include_str!(concat!("../templates/", $kind, "/lib.rs")),
            tests: include_str!(concat!("../templates/", $kind, "/tests.rs")),
        }
    };
}

const TEMPLATES: [Template; 7] = [
    template!("adapter"),
    template!("backbone"),
    template!("curator"),
    template!("decoder"),
    template!("evaluator"),
    template!("merger"),
    template!("objective"),
];
const MANIFEST: &str = include_str!("../templates/Cargo.toml");

/// Writes the skeleton and brings the generated files up to date.
///
/// # Errors
/// The kind is unknown, the name is not a plugin's name, or the folder exists.
pub fn run(root: &Path, kind: &str, name: &str) -> Result<()> {
    let kinds = WINGS.map(|w| w.kind).join(", ");
    let wing = WINGS.into_iter().find(|w| w.kind == kind).with_context(|| format!("kind: one of {kinds} was expected, found {kind}"))?;
    let template = TEMPLATES.iter().find(|t| t.kind == kind).with_context(|| format!("kind {kind}: no template"))?;
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with('-') && name.chars().all(letters);
    ensure!(good, "name: lower-case letters, digits and `-` were expected, a letter first, found {name:?}");
    let plugin = Plugin { wing, name: name.into(), tested: true };
    let folder = root.join(plugin.folder());
    ensure!(!folder.exists(), "{}: a new folder was expected, found one; choose another name", plugin.folder().display());
    for (file, text) in [("Cargo.toml", MANIFEST), ("src/lib.rs", template.library), ("tests.rs", template.tests)] {
        tree::write_if_changed(&folder.join(file), filled(text, &plugin).as_bytes())?;
    }
    sync::write(root)?;
    println!(
        "{}: edit src/lib.rs, then `cargo test --release -p tongues-tests --test {} {}`",
        plugin.folder().display(),
        wing.folder,
        plugin.name.replace('-', "_")
    );
    Ok(())
}

fn filled(template: &str, plugin: &Plugin) -> String {
    let type_name: String = plugin.name.split('-').map(capitalised).collect();
    let pairs = [("__PACKAGE__", plugin.package()), ("__library__", plugin.library()), ("__name__", plugin.name.clone()), ("__Type__", type_name)];
    pairs.iter().fold(template.to_owned(), |text, (mark, value)| text.replace(mark, value))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_filled_in() {
        let plugin = Plugin { wing: WINGS[0], name: "two-words2".into(), tested: true };
        for template in &TEMPLATES {
            for text in [MANIFEST, template.library, template.tests].map(|t| filled(t, &plugin)) {
                assert!(!text.contains("__"), "{}: a mark is left in\n{text}", template.kind);
            }
        }
        assert_eq!(filled("__PACKAGE__ __library__ __Type__", &plugin), "tongues-adapter-two-words2 tongues_adapter_two_words2 TwoWords2");
    }

    #[test]
    fn every_kind_has_a_template() {
        assert_eq!(WINGS.map(|w| w.kind), TEMPLATES.each_ref().map(|t| t.kind));
    }
}
