//! Every plugin says what it is, and nobody but the registry knows it by name.

use super::Finding;
use super::exceptions::Exceptions;
use super::source::{Source, is_test};
use crate::plugins::Plugin;
use std::path::Path;

const HEADINGS: [&str; 4] = ["## What it does", "## When to use", "## Differences from the paper", "## Reproduces"];

/// The head of a plugin's `lib.rs` has the four headings, each with text; the plugin registers itself and has tests.
pub fn check(sources: &[Source], plugins: &[Plugin]) -> Vec<Finding> {
    let mut findings = vec![];
    for plugin in plugins {
        let path = plugin.folder().join("src/lib.rs");
        let header = sources.iter().find(|s| s.path == path).map_or("", |s| s.header.as_str());
        for heading in HEADINGS.iter().filter(|h| !has_text(header, h)) {
            findings.push(Finding::new(&path, 1, format!("no text under `{heading}` in the head of the file"), "write it: the plugin's page is made of it"));
        }
        if sources.iter().filter(|s| s.path.starts_with(plugin.folder())).all(|s| s.registered.is_empty()) {
            findings.push(Finding::new(&path, 1, "no `register!`", "register the plugin, else no recipe finds it"));
        }
        if !plugin.tested {
            findings.push(Finding::new(&path, 1, "no tests.rs beside src", "call the testkit's conformance tests there"));
        }
    }
    findings
}

fn has_text(header: &str, heading: &str) -> bool {
    let mut lines = header.lines().map(|l| l.trim_start_matches("//!").trim()).skip_while(|l| !l.starts_with(heading)).skip(1);
    lines.find(|l| !l.is_empty()).is_some_and(|l| !l.starts_with('#'))
}

/// Plugins' names as quoted words in crates/, outside tests.
pub fn check_names(sources: &[Source], plugins: &[Plugin], exceptions: &mut Exceptions) -> Vec<Finding> {
    let in_plugins = sources.iter().filter(|s| s.path.starts_with("plugins"));
    let mut names: Vec<String> = in_plugins.flat_map(|s| s.registered.iter().cloned()).chain(plugins.iter().map(|p| p.name.clone())).collect();
    names.sort();
    names.dedup();
    let mut findings = vec![];
    for source in sources.iter().filter(|s| in_crate(&s.path)) {
        for (line, literal) in &source.literals {
            let Some(name) = names.iter().find(|n| *literal == format!("\"{n}\"")) else { continue };
            if !exceptions.plugin_name(&source.path, name) {
                findings.push(named(&source.path, *line, name));
            }
        }
    }
    findings
}

/// `crates/<name>/src/…`, but not the list of plugins itself.
fn in_crate(path: &Path) -> bool {
    path.starts_with("crates") && !path.starts_with("crates/builtin") && path.components().nth(2).is_some_and(|c| c.as_os_str() == "src") && !is_test(path)
}

fn named(path: &Path, line: usize, name: &str) -> Finding {
    let remedy = "ask the registry or the plugin's traits; where the word means something else, add it to xtask/lint-exceptions.toml";
    Finding::new(path, line, format!("the plugin name \"{name}\" outside plugins/"), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::WINGS;

    const PAGE: &str = "//! # p\n//!\n//! ## What it does\n//! a\n//!\n//! ## When to use\n//! b\n//! ## Differences from the paper\n//! c\n//! ## Reproduces\n//! d\nregister!(Adapter, \"p\", \"x\", O);\n";

    fn findings(page: &str) -> usize {
        let plugin = Plugin { wing: WINGS[0], name: "p".into(), tested: true };
        let source = Source::read(Path::new("plugins/adapters/p/src/lib.rs"), page).expect("tokens");
        check(&[source], &[plugin]).len()
    }

    #[test]
    fn headings_text_and_registration_are_asked_for() {
        assert_eq!(findings(PAGE), 0);
        assert_eq!(findings(&PAGE.replace("//! b\n", "")), 1);
        assert_eq!(findings(&PAGE.replace("## Reproduces", "## Numbers")), 1);
        assert_eq!(findings(&PAGE.replace("register!", "registered!")), 1);
    }

    #[test]
    fn names_are_found_in_macros_and_attributes_but_not_in_tests() {
        let text = "fn f() { json!({ \"use\": \"p\" }); }\n#[serde(default = \"p\")]\nstruct S;\n#[cfg(test)]\nmod tests { const N: &str = \"p\"; }\n";
        let plugin = Plugin { wing: WINGS[0], name: "p".into(), tested: true };
        let source = Source::read(Path::new("crates/x/src/lib.rs"), text).expect("tokens");
        let lines: Vec<usize> = check_names(&[source], &[plugin], &mut Exceptions::default()).iter().map(|f| f.line).collect();
        assert_eq!(lines, [1, 2]);
    }
}
