//! Licences and bans of `deny.toml`, checked from cargo's own metadata, so that no other tool must be installed.

use super::Finding;
use crate::tree;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

const FILE: &str = "deny.toml";

/// The part of `deny.toml` that is read here.
#[derive(Deserialize)]
struct Deny {
    #[serde(default)]
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
}

/// The platforms that are built for; `cargo deny` looks at these alone.
#[derive(Default, Deserialize)]
struct Graph {
    #[serde(default)]
    targets: Vec<String>,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
}

/// Packages under other licences, and packages that are banned: what is linked or runs while building, on the platforms that
/// `deny.toml` names (on any where it names none).
///
/// # Errors
/// `deny.toml` cannot be read, or cargo does not answer.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let deny: Deny = toml_edit::de::from_str(&tree::text(root, FILE)?).context(FILE)?;
    let arguments = ["tree", "--workspace", "--quiet", "--edges", "normal,build", "--prefix", "none", "--format", "{p}|{l}|"];
    let targets = deny.graph.platforms().flat_map(|target| ["--target", target]);
    let output = tree::cargo(root).args(arguments).args(targets).output().context("cargo tree cannot be started")?;
    ensure!(output.status.success(), "cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).context("cargo tree")?;
    let packages: BTreeSet<(&str, &str)> = text.lines().filter_map(package).collect();
    Ok(packages.into_iter().flat_map(|(name, licence)| wrong(&deny, name, licence)).collect())
}

impl Graph {
    fn platforms(&self) -> impl Iterator<Item = &str> {
        let any = self.targets.is_empty().then_some("all");
        self.targets.iter().map(String::as_str).chain(any)
    }
}

/// `name v1.2.3 (more)|licence|`, as name with version, and licence.
fn package(line: &str) -> Option<(&str, &str)> {
    let mut pieces = line.split('|');
    let (package, licence) = (pieces.next()?, pieces.next()?);
    Some((package.split(" (").next()?.trim(), licence.trim()))
}

fn wrong(deny: &Deny, package: &str, licence: &str) -> Vec<Finding> {
    let finding = |what: String, remedy: &str| Finding::new(FILE, 1, format!("package {package}: {what}"), remedy);
    let mut findings = vec![];
    if !allowed(licence, &deny.licenses.allow) {
        findings.push(finding(format!("licence `{licence}` is not allowed"), "allow it here if it may be linked into the binary, else do without the package"));
    }
    let name = package.split_whitespace().next().unwrap_or_default();
    if deny.bans.deny.iter().any(|b| b.name == name) {
        findings.push(finding("banned".into(), "find out who needs it (`cargo tree -i`) and do without"));
    }
    findings
}

/// An SPDX expression: one side of an OR and both sides of an AND must be allowed; AND binds closer.
fn allowed(expression: &str, list: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let result = either(&words, &mut at, list);
    result && at == words.len()
}

fn either(words: &[&str], at: &mut usize, list: &[String]) -> bool {
    let mut result = both(words, at, list);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        result |= both(words, at, list);
    }
    result
}

fn both(words: &[&str], at: &mut usize, list: &[String]) -> bool {
    let mut result = one(words, at, list);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        result &= one(words, at, list);
    }
    result
}

fn one(words: &[&str], at: &mut usize, list: &[String]) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let result = either(words, at, list);
        *at += 1;
        return result;
    }
    let mut name = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        name = format!("{name} WITH {}", words.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    list.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_judged_by_name_and_licence() {
        assert_eq!(package("a-b v1.2.3 (proc-macro)|MIT OR X| (*)"), Some(("a-b v1.2.3", "MIT OR X")));
        let deny: Deny = toml_edit::de::from_str("[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [{ crate = \"bad\" }]\n").expect("a table");
        assert_eq!(deny.graph.platforms().collect::<Vec<_>>(), ["all"]);
        let count = |name, licence| wrong(&deny, name, licence).len();
        assert_eq!([count("good v1", "MIT"), count("bad v1", "MIT"), count("bad v1", "X"), count("badly v1", "MIT")], [0, 1, 2, 0]);
    }

    #[test]
    fn expressions_are_read_with_their_precedence() {
        let list = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(String::from);
        for good in ["MIT", "GPL-3.0 OR MIT", "MIT/Apache-2.0", "MIT AND (GPL-3.0 OR Apache-2.0)", "Apache-2.0 WITH LLVM-exception", "MIT OR GPL-3.0 AND X"] {
            assert!(allowed(good, &list), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "MIT WITH X", "(GPL-3.0 OR X) AND MIT", "MIT MIT"] {
            assert!(!allowed(bad, &list), "{bad}");
        }
    }
}
