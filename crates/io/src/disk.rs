//! What a save does to a disk: write, flush, rename, remove; each by one door, so that a build with the feature
//! `failpoints` can stop at every one of them.
//!
//! `TONGUES_FAILPOINT=kill:N` ends the process at the N-th point without any clean-up, `full:N` lets the disk be full from
//! there on, `count` lists the points on standard error. Ordinary builds hold none of this.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Bytes handed to the system at once. The page cache takes larger writes in pages of megabytes, which a virtual machine may have given
/// back to its host and gets again slowly; `cargo xtask bench merge` shows a change of this number.
const WRITE: usize = 128 << 10;

/// Writes all bytes.
pub fn write(file: &mut impl Write, bytes: &[u8], path: &Path) -> io::Result<()> {
    point("before write", path)?;
    bytes.chunks(WRITE).try_for_each(|some| file.write_all(some))?;
    point("after write", path)
}

/// Everything written to the file is on the disk afterwards.
pub fn flush(file: &File, path: &Path) -> io::Result<()> {
    point("before flush", path)?;
    file.sync_all()?;
    point("after flush", path)
}

/// Gives a file or folder its name.
pub fn rename(rename: impl FnOnce() -> io::Result<()>, path: &Path) -> io::Result<()> {
    point("before rename", path)?;
    rename()?;
    point("after rename", path)
}

/// Takes a file or a whole folder away; one that is not there is taken away already.
pub fn remove(path: &Path) -> io::Result<()> {
    point("before remove", path)?;
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        other => other?,
    }
    point("after remove", path)
}

#[cfg(not(feature = "failpoints"))]
#[inline]
fn point(_: &str, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(feature = "failpoints")]
fn point(what: &str, path: &Path) -> io::Result<()> {
    use std::sync::atomic::{AtomicUsize, Ordering};
    // Global on purpose: the points of a process are counted, whoever passes them.
    static PASSED: AtomicUsize = AtomicUsize::new(0);
    let Ok(wish) = std::env::var("TONGUES_FAILPOINT") else { return Ok(()) };
    let n = PASSED.fetch_add(1, Ordering::Relaxed) + 1;
    match wish.split_once(':').map(|(what, at)| (what, at.parse::<usize>())) {
        Some(("kill", Ok(at))) if n == at => std::process::abort(),
        Some(("full", Ok(at))) if n >= at && what != "before remove" => Err(io::ErrorKind::StorageFull.into()),
        None if wish == "count" => {
            eprintln!("failpoint {n} {what} {}", path.display());
            Ok(())
        }
        _ => Ok(()),
    }
}
