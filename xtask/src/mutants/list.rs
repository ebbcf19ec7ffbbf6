//! The kept list of faults: `xtask/mutants/*.toml`.

use crate::tree;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

const FOLDER: &str = "xtask/mutants";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    mutant: Vec<Mutant>,
}

/// One fault.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutant {
    /// Its name.
    pub name: String,
    /// The file that is changed.
    pub file: PathBuf,
    /// What is replaced; stands exactly once in the file.
    pub find: String,
    /// By what.
    pub replace: String,
    /// The test that must then fail.
    pub test: Test,
    /// What goes wrong for a user with this fault.
    pub why: String,
    /// The file it is listed in.
    #[serde(skip)]
    pub list: PathBuf,
}

/// A test.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Its package.
    pub package: String,
    /// Its test binary; the tests inside the library where absent.
    pub target: Option<String>,
    /// Part of its name, as `cargo test` takes it.
    pub filter: String,
}

impl Test {
    /// The part of the filter that is of the function's own name.
    pub fn function(&self) -> &str {
        self.filter.rsplit("::").next().unwrap_or_default()
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.package, self.target.as_deref().unwrap_or("lib"), self.filter)
    }
}

impl Mutant {
    /// The file with the fault in it.
    pub fn applied(&self, text: &str) -> String {
        text.replacen(&self.find, &self.replace, 1)
    }
}

/// All mutants, by name.
///
/// # Errors
/// A list cannot be read, two mutants have one name, or one changes nothing.
pub fn read(root: &Path) -> Result<Vec<Mutant>> {
    let folder = root.join(FOLDER);
    let entries = std::fs::read_dir(&folder).with_context(|| format!("{FOLDER}: cannot be listed"))?;
    let mut all = vec![];
    for entry in entries.flatten().filter(|e| e.path().extension().is_some_and(|x| x == "toml")) {
        let path = Path::new(FOLDER).join(entry.file_name());
        let page: Page = toml_edit::de::from_str(&tree::text(root, &path)?).with_context(|| path.display().to_string())?;
        all.extend(page.mutant.into_iter().map(|m| Mutant { list: path.clone(), ..m }));
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let mut names = BTreeSet::new();
    for mutant in &all {
        ensure!(names.insert(mutant.name.clone()), "{}: a name of its own was expected, found {} twice", mutant.list.display(), mutant.name);
        ensure!(mutant.find != mutant.replace, "{}: mutant {} changes nothing", mutant.list.display(), mutant.name);
    }
    Ok(all)
}

/// The named ones (all where none is named), then a sample of them.
///
/// # Errors
/// A name is not in the list.
pub fn choose(all: Vec<Mutant>, names: &[String], sample: Option<usize>, seed: &str) -> Result<Vec<Mutant>> {
    for name in names {
        ensure!(all.iter().any(|m| m.name == *name), "mutant {name}: a name of the list was expected; `cargo xtask mutants --list` prints it");
    }
    let mut chosen: Vec<Mutant> = all.into_iter().filter(|m| names.is_empty() || names.contains(&m.name)).collect();
    if let Some(count) = sample {
        chosen.sort_by_key(|m| hash(seed, &m.name));
        chosen.truncate(count);
        chosen.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(chosen)
}

/// FNV-1a (Fowler, Noll and Vo) with a last mixing step; the same on every machine and in every version.
fn hash(seed: &str, name: &str) -> u64 {
    let bytes = seed.bytes().chain([0]).chain(name.bytes());
    let sum = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (sum ^ (sum >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutants() -> Vec<Mutant> {
        let one = |i: usize| {
            format!("[[mutant]]\nname = \"m{i:02}\"\nfile = \"f\"\nfind = \"a\"\nreplace = \"b\"\nwhy = \"\"\ntest = {{ package = \"p\", filter = \"t\" }}\n")
        };
        toml_edit::de::from_str::<Page>(&(0..20).map(one).collect::<String>()).expect("a page").mutant
    }

    fn names(sample: Option<usize>, seed: &str) -> Vec<String> {
        choose(mutants(), &[], sample, seed).expect("a choice").into_iter().map(|m| m.name).collect()
    }

    #[test]
    fn a_sample_depends_on_the_seed_only() {
        assert_eq!(names(None, "a").len(), 20);
        assert_eq!(names(Some(3), "a").len(), 3);
        assert_eq!(names(Some(3), "a"), names(Some(3), "a"));
        let seen: BTreeSet<String> = (0..40).flat_map(|seed| names(Some(3), &seed.to_string())).collect();
        assert_eq!(seen.len(), 20, "every mutant has its turn");
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert!(choose(mutants(), &["m99".into()], None, "").is_err());
        assert_eq!(choose(mutants(), &["m07".into()], None, "").expect("known").len(), 1);
    }
}
