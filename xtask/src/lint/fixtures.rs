//! Files beside the code stay small: whoever clones the repository downloads them.

use super::Finding;
use anyhow::Result;
use std::path::{Path, PathBuf};

const BYTES: u64 = 200_000;

/// Files over 200 kB, generated lock files apart.
///
/// # Errors
/// A file cannot be read.
pub fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let mut findings = vec![];
    for path in files.iter().filter(|p| p.as_path() != Path::new("Cargo.lock")) {
        let bytes = std::fs::metadata(root.join(path))?.len();
        if bytes > BYTES {
            findings.push(Finding::new(path, 1, format!("{bytes} bytes, where {BYTES} are allowed"), "make the fixture smaller, or generate it in the test"));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("small"), vec![0; 200_000]).expect("written");
        std::fs::write(folder.path().join("large"), vec![0; 200_001]).expect("written");
        let found = check(folder.path(), &["large".into(), "small".into()]).expect("read");
        assert_eq!(found.iter().map(|f| f.file.clone()).collect::<Vec<_>>(), [PathBuf::from("large")]);
    }
}
