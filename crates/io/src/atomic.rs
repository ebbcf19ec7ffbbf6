//! Files and folders that appear at once: written under a partial name beside the target, flushed to the disk, renamed.
//!
//! A reader never sees half a file, and a crash leaves at most a `.partial-` entry that nothing reads.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use crate::disk;
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir};
use tongues_kernel::{Error, Result, refuse};

/// Writes a file that appears under its name only when it is whole and on the disk.
///
/// # Errors
/// The folder does not exist or cannot be written, or the disk is full.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = partial_file(path)?;
    disk::write(&mut file, bytes, path).map_err(|e| failed(path, &e))?;
    persist(file, path)
}

/// A temporary file in the folder of `path`, removed when dropped.
pub(crate) fn partial_file(path: &Path) -> Result<NamedTempFile> {
    let prefix = format!("{}.partial-", name_of(path)?);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(parent(path)).map_err(|e| failed(path, &e))
}

/// Flushes a temporary file and gives it its name.
pub(crate) fn persist(file: NamedTempFile, path: &Path) -> Result<()> {
    disk::flush(file.as_file(), path).map_err(|e| failed(path, &e))?;
    disk::rename(|| file.persist(path).map(drop).map_err(|e| e.error), path).map_err(|e| failed(path, &e))?;
    sync_folder(parent(path))
}

/// A folder that appears under its name when [`commit`](AtomicDir::commit) is called; dropped before, it vanishes.
#[derive(Debug)]
pub struct AtomicDir {
    partial: TempDir,
    target: PathBuf,
}

impl AtomicDir {
    /// Opens a partial folder beside `target`; missing parent folders are made.
    ///
    /// # Errors
    /// `target` exists and is not an empty folder, or its parent cannot be written.
    pub fn create(target: &Path) -> Result<Self> {
        let prefix = format!("{}.partial-", name_of(target)?);
        refuse_occupied(target)?;
        fs::create_dir_all(parent(target)).map_err(|e| failed(target, &e))?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let partial = builder.tempdir_in(parent(target)).map_err(|e| failed(target, &e))?;
        Ok(Self { partial, target: target.to_owned() })
    }

    /// Where to write for now.
    pub fn path(&self) -> &Path {
        self.partial.path()
    }

    /// Flushes everything written so far and gives the folder its name, which is returned.
    ///
    /// # Errors
    /// The disk fails, or something took the name meanwhile.
    pub fn commit(self) -> Result<PathBuf> {
        commit_folder(self.partial.path(), &self.target)?;
        // The partial name is gone; the guard must not look for it.
        let _ = self.partial.keep();
        Ok(self.target)
    }
}

/// Flushes everything in a folder and gives it another name beside it.
///
/// # Errors
/// The disk fails, or something has that name.
pub fn commit_folder(partial: &Path, target: &Path) -> Result<()> {
    sync_tree(partial)?;
    refuse_occupied(target)?;
    disk::rename(|| fs::rename(partial, target), target).map_err(|e| failed(target, &e))?;
    sync_folder(parent(target))
}

/// SHA-256 of a file's bytes in lower-case hexadecimal digits.
///
/// # Errors
/// The file cannot be read.
pub fn sha256_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(|e| failed(path, &e))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        let n = file.read(&mut buffer).map_err(|e| failed(path, &e))?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Takes away what a killed process left below a folder under partial names.
///
/// # Errors
/// Something cannot be removed.
pub fn remove_partial(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name().to_string_lossy().contains(".partial-") {
            disk::remove(&path).map_err(|e| failed(&path, &e))?;
        } else if path.is_dir() && !path.is_symlink() {
            remove_partial(&path)?;
        }
    }
    Ok(())
}

/// An error of the operating system at a path.
pub fn failed(path: &Path, error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return Error::run(path.display(), "the disk is full; make room and go on with --resume (what was saved before is whole)");
    }
    Error::run(path.display(), error)
}

fn refuse_occupied(target: &Path) -> Result<()> {
    let occupied = match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => target.symlink_metadata().is_ok(),
    };
    if !occupied {
        return Ok(());
    }
    refuse(target.display(), "a new folder", "something under that name", "choose another name, or remove it first")
}

fn name_of(path: &Path) -> Result<String> {
    match path.file_name() {
        Some(name) => Ok(name.to_string_lossy().into_owned()),
        None => refuse(path.display(), "a path that ends in a name", "none", "write the name of the file or folder"),
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_tree(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(|e| failed(folder, &e))? {
        let path = entry.map_err(|e| failed(folder, &e))?.path();
        if path.is_symlink() {
            continue;
        } else if path.is_dir() {
            sync_tree(&path)?;
        } else {
            File::open(&path).and_then(|f| disk::flush(&f, &path)).map_err(|e| failed(&path, &e))?;
        }
    }
    sync_folder(folder)
}

/// A rename is on the disk when its folder is; only Unix lets a folder be flushed.
fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(folder).and_then(|f| disk::flush(&f, folder)).map_err(|e| failed(folder, &e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomic(&path, b"old").unwrap();
        write_atomic(&path, b"new!").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new!");
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn a_folder_that_is_not_committed_vanishes() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep/stage");
        let dir = AtomicDir::create(&target).unwrap();
        fs::write(dir.path().join("x"), "1").unwrap();
        assert!(dir.path().file_name().unwrap().to_str().unwrap().starts_with("stage.partial-"));
        drop(dir);
        assert_eq!(names(&folder.path().join("deep")), Vec::<String>::new());
    }

    #[test]
    fn a_committed_folder_has_its_name_and_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("stage");
        let dir = AtomicDir::create(&target).unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("sub/x"), "1").unwrap();
        assert_eq!(dir.commit().unwrap(), target);
        assert_eq!(names(folder.path()), ["stage"]);
        assert_eq!(fs::read_to_string(target.join("sub/x")).unwrap(), "1");
        let again = AtomicDir::create(&target).unwrap_err().to_string();
        assert!(again.contains("expected a new folder, found something under that name"), "{again}");
    }

    #[test]
    fn a_name_taken_meanwhile_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("stage");
        let dir = AtomicDir::create(&target).unwrap();
        fs::write(&target, "mine").unwrap();
        assert!(dir.commit().is_err());
        assert_eq!(names(folder.path()), ["stage"]);
        assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
    }

    #[test]
    fn the_hash_is_sha256() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("abc"), "abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_file(&folder.path().join("abc")).unwrap(), expected);
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_what_the_umask_allows() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plain"), "").unwrap();
        write_atomic(&folder.path().join("ours"), b"").unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("ours"), mode("plain"));
    }
}
