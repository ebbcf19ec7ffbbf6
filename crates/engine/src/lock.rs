//! One process a run folder.

use std::fs::File;
use std::path::Path;
use tongues_kernel::{Error, Result};

/// Holds a run folder for this process. The system gives it up when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the folder, which must exist.
    ///
    /// # Errors
    /// Another process holds it, or the file system knows no locks.
    pub fn take(root: &Path) -> Result<Self> {
        let file = open(root).map_err(|e| crate::folder::cannot(root, &e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(Error::input(
                format!("output folder {}", root.display()),
                "a folder that no other process uses",
                "one that another run of tongues works in",
                "wait for it to end, or choose another folder with --out",
            )),
            Err(std::fs::TryLockError::Error(e)) => Err(crate::folder::cannot(root, &e)),
        }
    }
}

/// The folder itself carries the lock where the system allows it: nothing is left behind.
#[cfg(unix)]
fn open(root: &Path) -> std::io::Result<File> {
    File::open(root)
}

#[cfg(not(unix))]
fn open(root: &Path) -> std::io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(root.join("run.lock"))
}
