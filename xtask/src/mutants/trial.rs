//! Runs of `cargo test` in the copy, and what they say.

use super::copy::Copy;
use super::list::{Mutant, Test};
use crate::tree;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its test failed, as it should.
    Killed,
    /// Its test passed: the fault is not noticed.
    Survived,
    /// It does not compile, or the test ended in another way; with the end of the output.
    Broken(String),
}

impl Outcome {
    /// One word for the table.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Killed => "found",
            Outcome::Survived => "SURVIVED",
            Outcome::Broken(_) => "BROKEN",
        }
    }
}

/// Where tests are built and run.
pub struct Trial<'c> {
    copy: &'c Copy,
    target: PathBuf,
}

/// What one run printed.
struct Printed {
    out: String,
    err: String,
}

impl<'c> Trial<'c> {
    /// Builds go to the repository's own target folder: packages of the registry are there already, and those of the copy
    /// lie beside them under names of their own.
    pub fn new(root: &Path, copy: &'c Copy) -> Self {
        Self { copy, target: tree::target(root) }
    }

    /// All tests of the chosen mutants pass without a fault, and each filter meets at least one.
    ///
    /// # Errors
    /// They do not.
    pub fn healthy(&self, mutants: &[Mutant]) -> Result<()> {
        let mut binaries: BTreeMap<(&str, Option<&str>), Vec<&str>> = BTreeMap::new();
        for Test { package, target, filter } in mutants.iter().map(|m| &m.test) {
            let filters = binaries.entry((package, target.as_deref())).or_default();
            if !filters.contains(&filter.as_str()) {
                filters.push(filter);
            }
        }
        for ((package, target), filters) in binaries {
            let printed = self.cargo_test(package, target, &filters)?;
            let passed = |filter: &&&str| printed.out.lines().any(|l| l.starts_with("test ") && l.contains(**filter) && l.ends_with("... ok"));
            ensure!(printed.failures() == Some(0), "{package}: the tests were expected to pass without a fault; first make them pass\n{}", printed.end());
            println!("healthy   {package} {}", target.unwrap_or("lib"));
            let lost: Vec<&str> = filters.iter().filter(|f| !passed(f)).copied().collect();
            ensure!(lost.is_empty(), "{package}: a test was expected for each filter, found none for {lost:?}; correct the list of mutants");
        }
        Ok(())
    }

    /// Runs the test of a mutant whose fault is in the copy.
    ///
    /// # Errors
    /// Cargo cannot be started.
    pub fn sick(&self, mutant: &Mutant) -> Result<Outcome> {
        let Test { package, target, filter } = &mutant.test;
        let printed = self.cargo_test(package, target.as_deref(), &[filter])?;
        Ok(match printed.failures() {
            Some(0) => Outcome::Survived,
            Some(_) => Outcome::Killed,
            None => Outcome::Broken(printed.end()),
        })
    }

    fn cargo_test(&self, package: &str, target: Option<&str>, filters: &[&str]) -> Result<Printed> {
        let mut command: Command = tree::cargo(&self.copy.root);
        command.env("CARGO_TARGET_DIR", &self.target).args(["test", "--release", "--no-fail-fast"]);
        let output = command.args(chosen(package, target)).arg("--").args(filters).output().context("cargo cannot be started")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Printed { out: text(&output.stdout), err: text(&output.stderr) })
    }
}

/// What of the workspace is built and run. Never a package by its name: another set of packages means other features of
/// shared dependencies, and a build of everything below them. This tool alone is no default member and has no library.
fn chosen<'t>(package: &'t str, target: Option<&'t str>) -> Vec<&'t str> {
    match target {
        Some(name) => vec!["--test", name],
        None if package == env!("CARGO_PKG_NAME") => vec!["--package", package, "--bins"],
        None => vec!["--lib"],
    }
}

impl Printed {
    /// Failed tests of all binaries; `None` where none ran: a build that failed, or a run that was killed.
    fn failures(&self) -> Option<usize> {
        let failed = |l: &str| l.split(';').find_map(|piece| piece.trim().strip_suffix(" failed"))?.parse::<usize>().ok();
        let results: Vec<&str> = self.out.lines().filter(|l| l.starts_with("test result: ")).collect();
        if results.is_empty() { None } else { results.into_iter().map(failed).sum() }
    }

    fn end(&self) -> String {
        let lines: Vec<&str> = self.err.lines().chain(self.out.lines()).collect();
        lines[lines.len().saturating_sub(40)..].iter().map(|l| format!("    {l}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_tool_is_tested_by_its_name_and_all_else_without() {
        assert_eq!(chosen("xtask", None), ["--package", "xtask", "--bins"]);
        assert_eq!(chosen("tongues-world", None), ["--lib"]);
        assert_eq!(chosen("tongues-tests", Some("cross")), ["--test", "cross"]);
    }

    #[test]
    fn a_build_that_fails_is_no_failed_test() {
        let failures = |out: &str| Printed { out: out.into(), err: String::new() }.failures();
        assert_eq!(failures("test a ... ok\ntest result: ok. 1 passed; 0 failed; 0 ignored"), Some(0));
        assert_eq!(failures("test result: FAILED. 1 passed; 2 failed; 0 ignored"), Some(2));
        assert_eq!(failures("test result: ok. 1 passed; 0 failed; 0\ntest result: FAILED. 1 passed; 1 failed; 0"), Some(1));
        assert_eq!(failures("error: could not compile"), None);
    }
}
