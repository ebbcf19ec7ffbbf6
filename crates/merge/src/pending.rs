//! The folder of a merge that is not finished: under its final name with `.merging` behind it, and beside it a journal of what is on the
//! disk.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use tongues_io::{disk, failed};
use tongues_kernel::{Error, Result, refuse};

/// What stands behind the name of an unfinished folder.
const SUFFIX: &str = ".merging";
/// What stands behind the name of the journal.
const JOURNAL: &str = ".merging-journal";

/// An unfinished merge.
#[derive(Debug)]
pub struct Pending {
    dir: PathBuf,
    target: PathBuf,
    /// Where the journal lies.
    lines: PathBuf,
    journal: File,
    /// Tensors whose bytes are on the disk, with their checksums.
    pub done: BTreeMap<String, u32>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    tensor: String,
    crc32: u32,
}

/// Whether a path is the folder or the journal of an unfinished merge.
pub fn is_pending(path: &Path) -> bool {
    path.file_name().is_some_and(|n| [SUFFIX, JOURNAL].iter().any(|end| n.to_string_lossy().ends_with(end)))
}

impl Pending {
    /// The unfinished folder of `target`: the one that a killed merge of the same identity left, or a new one.
    ///
    /// # Errors
    /// Something has the final name, or the folder cannot be written.
    pub fn open(target: &Path, identity: &str) -> Result<Self> {
        if fs::read_dir(target).map_or_else(|_| target.symlink_metadata().is_ok(), |mut entries| entries.next().is_some()) {
            return refuse(target.display(), "a new folder", "something under that name", "choose another name, or remove it first");
        }
        let name = target.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let dir = target.with_file_name(format!("{name}{SUFFIX}"));
        let path = target.with_file_name(format!("{name}{JOURNAL}"));
        let left = fs::read_to_string(&path).ok().filter(|text| dir.is_dir() && text.lines().next() == Some(identity));
        if left.is_none() {
            for old in [&path, &dir] {
                disk::remove(old).map_err(|e| failed(old, &e))?;
            }
        }
        fs::create_dir_all(&dir).map_err(|e| failed(&dir, &e))?;
        // Files beside the weights that were being written are written again.
        tongues_io::remove_partial(&dir)?;
        let mut journal = OpenOptions::new().create(true).append(true).open(&path).map_err(|e| failed(&path, &e))?;
        if left.is_none() {
            disk::write(&mut journal, format!("{identity}\n").as_bytes(), &path).map_err(|e| failed(&path, &e))?;
        }
        // The last line may be cut off; what it stood for is written again.
        let done = left.iter().flat_map(|text| text.lines().skip(1)).filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let done = done.map(|line| (line.tensor, line.crc32)).collect();
        Ok(Self { dir, target: target.to_owned(), lines: path, journal, done })
    }

    /// Where to write for now.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Notes tensors whose bytes are on the disk.
    ///
    /// # Errors
    /// The disk fails.
    pub fn note(&mut self, tensors: &[(String, u32)]) -> Result<()> {
        let path = &self.lines;
        for (tensor, crc32) in tensors {
            let line = serde_json::to_string(&Line { tensor: tensor.clone(), crc32: *crc32 }).map_err(|e| Error::run(path.display(), e))?;
            disk::write(&mut self.journal, format!("\n{line}").as_bytes(), path).map_err(|e| failed(path, &e))?;
            self.done.insert(tensor.clone(), *crc32);
        }
        disk::flush(&self.journal, path).map_err(|e| failed(path, &e))
    }

    /// Takes the folder away: its inputs turned out to be wrong.
    ///
    /// # Errors
    /// The disk fails.
    pub fn discard(self) -> Result<()> {
        [&self.lines, &self.dir].iter().try_for_each(|path| disk::remove(path).map_err(|e| failed(path, &e)))
    }

    /// Gives the folder its name.
    ///
    /// # Errors
    /// The disk fails.
    pub fn commit(self) -> Result<PathBuf> {
        disk::remove(&self.lines).map_err(|e| failed(&self.lines, &e))?;
        tongues_io::atomic::commit_folder(&self.dir, &self.target)?;
        Ok(self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_of_the_same_identity_goes_on_and_another_begins_anew() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("merged");
        let mut first = Pending::open(&target, "one").unwrap();
        first.note(&[("a".into(), 7)]).unwrap();
        fs::write(first.path().join("model.safetensors"), "bytes").unwrap();
        drop(first);
        let journal = root.path().join("merged.merging-journal");
        let cut = fs::read_to_string(&journal).unwrap() + "\n{\"tensor\":\"b";
        fs::write(&journal, cut).unwrap();
        let mut again = Pending::open(&target, "one").unwrap();
        assert_eq!(again.done, BTreeMap::from([("a".into(), 7)]));
        again.note(&[("c".into(), 9)]).unwrap();
        drop(again);
        assert_eq!(Pending::open(&target, "one").unwrap().done.len(), 2);
        let other = Pending::open(&target, "two").unwrap();
        assert!(other.done.is_empty() && !other.path().join("model.safetensors").exists());
        let named = other.commit().unwrap();
        assert!(named.is_dir() && !journal.exists());
        fs::write(named.join("x"), "").unwrap();
        assert!(Pending::open(&target, "two").unwrap_err().to_string().contains("something under that name"));
    }
}
