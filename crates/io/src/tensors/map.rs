//! One mapped file: the only place of this crate that needs `unsafe`.
#![allow(unsafe_code)]

use std::{fs::File, path::Path, sync::Arc};

use super::header::{self, Header};
use crate::atomic::failed;
use memmap2::Mmap;
use tongues_kernel::{Result, refuse};

/// A safetensors file in memory, its header checked.
#[derive(Debug)]
pub(super) struct TensorFile {
    bytes: Arc<Mmap>,
    pub(super) header: Header,
    pub(super) name: String,
}

impl TensorFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| failed(path, &e))?;
        let meta = file.metadata().map_err(|e| failed(path, &e))?;
        if !meta.is_file() {
            return refuse(name, "a file", "a folder or a device", "name the .safetensors file");
        }
        // SAFETY: a map is sound as long as nobody changes the file below it. The map is read-only, and every writer of
        // this project replaces files by renaming, which leaves the mapped one as it is. Another program that cuts the
        // file short while it is read would stop this process with a bus error; it could not corrupt what was copied.
        let bytes = unsafe { Mmap::map(&file) }.map_err(|e| failed(path, &e))?;
        let header = header::parse(&bytes, &name)?;
        Ok(Self { bytes: Arc::new(bytes), header, name })
    }

    /// The bytes of a checked range.
    pub(super) fn slice(&self, info: &header::Info) -> &[u8] {
        &self.bytes[info.range.clone()]
    }

    /// The same, kept alive by whoever holds them: the pages stay those of the file until someone writes to them, who then gets a copy.
    pub(super) fn shared(&self, info: &header::Info) -> bytes::Bytes {
        struct Held(Arc<Mmap>);
        impl AsRef<[u8]> for Held {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        bytes::Bytes::from_owner(Held(self.bytes.clone())).slice(info.range.clone())
    }
}
