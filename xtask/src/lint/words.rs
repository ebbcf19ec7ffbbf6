//! Words that do not belong in the project: machine paths, open ends, addresses of registries.

use super::Finding;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Where a package comes from in the lock file.
const INDEX: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

/// What is looked for and what to do about it. Cut in two, so that this file does not find itself.
fn words() -> Vec<(String, &'static str)> {
    let path = "use a path relative to the repository, or an argument";
    let open = "finish it, or write an issue";
    let host = "leave the choice of the registry to the user's configuration";
    let pairs = [
        (["/ho", "me/"], path),
        (["/ro", "ot/"], path),
        (["/wo", "rk/"], path),
        (["/Us", "ers/"], path),
        (["TO", "DO"], open),
        (["FIX", "ME"], open),
        (["index.crates", ".io"], host),
        (["static.crates", ".io"], host),
        (["pypi", ".org"], host),
        (["pythonhosted", ".org"], host),
        (["arti", "factory"], host),
    ];
    pairs.map(|(halves, remedy)| (halves.concat(), remedy)).into()
}

/// Every line of every text file.
///
/// # Errors
/// A file cannot be read.
pub fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let words = words();
    let mut findings = vec![];
    for path in files {
        let Ok(text) = String::from_utf8(std::fs::read(root.join(path))?) else { continue };
        if path == Path::new("Cargo.lock") {
            findings.extend(foreign(path, &text));
            continue;
        }
        for (line, content) in text.lines().enumerate() {
            let found = words.iter().filter(|(word, _)| stands_in(word, content));
            findings.extend(found.map(|(word, remedy)| Finding::new(path, line + 1, format!("`{word}`"), *remedy)));
        }
    }
    Ok(findings)
}

/// The word begins there: no letter, digit, dot or brace stands before it.
fn stands_in(word: &str, line: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let joined = before.is_some_and(|c| ".}_-".contains(c)) && word.starts_with('/');
        !inside(before) && !joined && (word.ends_with('/') || !inside(after))
    })
}

fn foreign(path: &Path, lock: &str) -> Vec<Finding> {
    let sources = lock.lines().enumerate().filter(|(_, l)| l.starts_with("source = ") && *l != INDEX);
    sources.map(|(line, l)| Finding::new(path, line + 1, format!("a package from elsewhere: {l}"), "only crates of the public registry are used")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_alone_and_paths_are_absolute() {
        let home = ["/ho", "me/"].concat();
        assert!(stands_in(&home, &format!("let x = \"{home}me\";")));
        assert!(!stands_in(&home, &format!("see docs{home}index.md and ..{home}")));
        let open = ["TO", "DO"].concat();
        assert!(stands_in(&open, &format!("// {open}: later")) && !stands_in(&open, &format!("MA{open}R")));
    }

    #[test]
    fn packages_come_from_the_public_registry() {
        let lock = format!("name = \"a\"\n{INDEX}\nname = \"b\"\nsource = \"git+https://example.org/b\"\n");
        assert_eq!(foreign(Path::new("Cargo.lock"), &lock).iter().map(|f| f.line).collect::<Vec<_>>(), [4]);
    }
}
