//! What a run depends on beside its recipe: the program, the machine's arithmetic, the input files.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::UNIX_EPOCH;
use tongues_io::sha256_file;
use tongues_kernel::{Error, Result, refuse};

/// The program and its arithmetic. Runs go on bit for bit only where all of it is equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Version of the program.
    pub tongues: String,
    /// SHA-256 of the program's file.
    pub binary: String,
    /// Where it computes.
    pub device: String,
    /// The widest vector instructions.
    pub simd: String,
}

impl Identity {
    /// Of this process.
    pub fn of(device: &str) -> Self {
        let binary = std::env::current_exe().ok().and_then(|path| sha256_file(&path).ok()).unwrap_or_default();
        Self { tongues: env!("CARGO_PKG_VERSION").into(), binary, device: device.into(), simd: simd().into() }
    }

    /// What differs from a saved one, in words.
    pub fn changes(&self, saved: &Self) -> Vec<String> {
        let pairs = [
            ("the program's version", &saved.tongues, &self.tongues),
            ("the program's file", &saved.binary, &self.binary),
            ("the device", &saved.device, &self.device),
            ("the vector instructions", &saved.simd, &self.simd),
        ];
        pairs.iter().filter(|(_, old, new)| old != new).map(|(what, old, new)| format!("{what} (was {}, is {})", short(old), short(new))).collect()
    }
}

/// Hashes are told by their first digits.
fn short(text: &str) -> &str {
    if text.len() == 64 { &text[..12] } else { text }
}

/// The vector instructions that the loops use.
pub fn simd() -> &'static str {
    tongues_ops::simd::level().name()
}

/// An input file as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: u64,
}

/// Size and time of a file.
fn stamp(path: &Path) -> std::io::Result<(u64, u64)> {
    let meta = path.metadata()?;
    let since = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((meta.len(), u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
}

/// Reads a file by `read` and says what it was; a file that changes meanwhile is refused.
///
/// # Errors
/// Those of `read`, and as said.
pub fn reading<T>(path: &Path, read: impl FnOnce() -> Result<T>) -> Result<(T, InputFile)> {
    let before = stamp(path).ok();
    let value = read()?;
    let sha256 = sha256_file(path)?;
    let after = stamp(path).map_err(|e| gone(path, &e))?;
    if before != Some(after) {
        return refuse(path.display(), "a file that stays as it is while it is read", "one that changed", "run again when nothing writes to it");
    }
    Ok((value, InputFile { sha256, bytes: after.0, modified: after.1 }))
}

fn gone(path: &Path, error: &std::io::Error) -> Error {
    Error::input(path.display(), "the file that was read before", error, "put it back")
}

/// Which of the files are not what they were, in words. A file of equal bytes may have another time.
pub fn changed_files(saved: &BTreeMap<String, InputFile>) -> Vec<String> {
    saved.iter().filter_map(|(name, file)| changed(name, file)).collect()
}

fn changed(name: &str, saved: &InputFile) -> Option<String> {
    let path = Path::new(name);
    match stamp(path) {
        Err(e) => Some(format!("{name} (cannot be read: {e})")),
        Ok(now) if now == (saved.bytes, saved.modified) => None,
        Ok((bytes, _)) if bytes != saved.bytes => Some(format!("{name} (had {} bytes, has {bytes})", saved.bytes)),
        Ok(_) => match sha256_file(path) {
            Ok(hash) if hash == saved.sha256 => None,
            Ok(_) => Some(format!("{name} (same size, other content)")),
            Err(e) => Some(format!("{name} ({e})")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_named() {
        let saved = Identity { tongues: "0.1.0".into(), binary: "a".repeat(64), device: "flex".into(), simd: "avx2".into() };
        let now = Identity { binary: "b".repeat(64), simd: "avx512".into(), ..saved.clone() };
        assert_eq!(now.changes(&saved), ["the program's file (was aaaaaaaaaaaa, is bbbbbbbbbbbb)", "the vector instructions (was avx2, is avx512)"]);
        assert!(saved.changes(&saved).is_empty());
    }
}
