//! Rules of the repository that the compiler does not know.

mod arrows;
mod exceptions;
mod fixtures;
mod licences;
mod plugin_pages;
mod sizes;
mod source;
mod words;

use crate::{mutants, plugins, tree};
use anyhow::{Result, bail};
use exceptions::Exceptions;
use source::Source;
use std::fmt;
use std::path::{Path, PathBuf};

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where, by its path in the repository.
    pub file: PathBuf,
    /// Line from 1.
    pub line: usize,
    /// What was found.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Finding {
    /// A finding.
    pub fn new(file: impl Into<PathBuf>, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { file: file.into(), line, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.file.display(), self.line, self.what, self.remedy)
    }
}

/// Prints every broken rule.
///
/// # Errors
/// There is one, or a file cannot be read.
pub fn run(root: &Path) -> Result<()> {
    let files = tree::files(root)?;
    let sources = sources(root, &files)?;
    let plugins = plugins::all(root)?;
    let mut exceptions = Exceptions::read(root)?;
    let mut findings = arrows::check(root, &plugins)?;
    findings.extend(sizes::check(&sources, &mut exceptions));
    findings.extend(source::check_forbidden(&sources));
    findings.extend(plugin_pages::check(&sources, &plugins));
    findings.extend(plugin_pages::check_names(&sources, &plugins, &mut exceptions));
    findings.extend(fixtures::check(root, &files)?);
    findings.extend(words::check(root, &files)?);
    findings.extend(licences::check(root)?);
    findings.extend(mutants::stale(root)?);
    findings.extend(exceptions.unused());
    findings.sort();
    findings.iter().for_each(|f| println!("{f}"));
    if findings.is_empty() {
        println!("lint: {} files, no finding", files.len());
        return Ok(());
    }
    bail!("lint: {} findings", findings.len())
}

fn sources(root: &Path, files: &[PathBuf]) -> Result<Vec<Source>> {
    let templates = Path::new("xtask/templates");
    let rust = files.iter().filter(|f| f.extension().is_some_and(|e| e == "rs") && !f.starts_with(templates));
    rust.map(|f| Source::read(f, &tree::text(root, f)?)).collect()
}
