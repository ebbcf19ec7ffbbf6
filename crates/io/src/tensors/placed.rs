//! Writing a checkpoint from pieces at their places: the files are as large as they will be from the start, so that writing can go on
//! where a killed process stopped.

use super::{INDEX, TensorSpec, pt_metadata, sharded, writer};
use crate::atomic::{self, failed};
use crate::disk;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use tongues_kernel::{Error, Result, refuse};

/// A checkpoint in the making, inside a folder that has no final name yet.
#[derive(Debug)]
pub struct PlacedWriter {
    dir: PathBuf,
    files: Vec<(PathBuf, File)>,
    places: BTreeMap<String, (usize, u64, TensorSpec)>,
    order: Vec<String>,
}

impl PlacedWriter {
    /// Lays out the tensors of `plan` in `dir`. With `go_on`, files that are there already keep their bytes.
    ///
    /// # Errors
    /// The plan is empty or names a tensor twice, or the folder cannot be written.
    pub fn create(dir: &Path, plan: &[TensorSpec], max_shard_bytes: usize, go_on: bool) -> Result<Self> {
        if plan.is_empty() {
            return refuse(dir.display(), "at least one tensor to save", "none", "");
        }
        let groups = sharded::partition(plan, max_shard_bytes)?;
        let (mut files, mut places, mut order) = (vec![], BTreeMap::new(), vec![]);
        for (i, group) in groups.iter().enumerate() {
            let path = dir.join(sharded::shard_name(i, groups.len()));
            let (header, open) = writer::lay_out(group, &pt_metadata()).map_err(|e| e.within(path.display()))?;
            let mut inside: Vec<_> = open.into_iter().collect();
            inside.sort_by_key(|(_, (_, offset))| *offset);
            let end = inside.last().map_or(0, |(_, (spec, offset))| offset + spec.bytes().unwrap_or(0) as u64);
            files.push((path.clone(), opened(&path, &header, end, go_on)?));
            for (name, (spec, offset)) in inside {
                order.push(name.clone());
                if places.insert(name.clone(), (i, offset, spec)).is_some() {
                    return refuse(dir.display(), "every tensor once", format!("`{name}` twice"), "");
                }
            }
        }
        Ok(Self { dir: dir.to_owned(), files, places, order })
    }

    /// All tensors in the order of the files, in which writing is fastest.
    pub fn order(&self) -> &[String] {
        &self.order
    }

    /// Writes bytes of a tensor from its `offset`-th byte on.
    ///
    /// # Errors
    /// The tensor is not planned, the bytes do not fit into it, or the disk fails.
    pub fn write(&mut self, name: &str, offset: usize, bytes: &[u8]) -> Result<()> {
        let Some((file, start, spec)) = self.places.get(name) else { return refuse(self.dir.display(), "a planned tensor", format!("`{name}`"), "") };
        if offset + bytes.len() > spec.bytes()? {
            return Err(Error::run(format!("tensor {name}"), format!("{} bytes at {offset} do not fit into {:?} of {}", bytes.len(), spec.shape, spec.dtype)));
        }
        let (path, file) = &mut self.files[*file];
        let write = file.seek(SeekFrom::Start(start + offset as u64)).and_then(|_| disk::write(file, bytes, path));
        write.map_err(|e| failed(path, &e))
    }

    /// Everything written so far is on the disk afterwards.
    ///
    /// # Errors
    /// The disk fails.
    pub fn flush(&self) -> Result<()> {
        self.files.iter().try_for_each(|(path, file)| disk::flush(file, path).map_err(|e| failed(path, &e)))
    }

    /// The files, to be flushed beside the writing.
    ///
    /// # Errors
    /// The system gives no more handles.
    pub fn flusher(&self) -> Result<Flusher> {
        let twin = |(path, file): &(PathBuf, File)| Ok((path.clone(), file.try_clone().map_err(|e| failed(path, &e))?));
        self.files.iter().map(twin).collect::<Result<_>>().map(Flusher)
    }

    /// Flushes, and writes the index where there are several files.
    ///
    /// # Errors
    /// The disk fails.
    pub fn finish(self) -> Result<()> {
        self.flush()?;
        if self.files.len() == 1 {
            return Ok(());
        }
        let name = |i: usize| self.files[i].0.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let weight_map: BTreeMap<&String, String> = self.places.iter().map(|(t, (i, _, _))| (t, name(*i))).collect();
        let total = self.places.values().map(|(_, _, spec)| spec.bytes()).sum::<Result<usize>>()?;
        let index = json!({"metadata": {"total_size": total}, "weight_map": weight_map});
        atomic::write_atomic(&self.dir.join(INDEX), format!("{index:#}\n").as_bytes())
    }
}

/// Flushes what was written so far, while more is being written.
#[derive(Debug)]
pub struct Flusher(Vec<(PathBuf, File)>);

impl Flusher {
    /// Everything that was written before is on the disk afterwards.
    ///
    /// # Errors
    /// The disk fails.
    pub fn flush(&self) -> Result<()> {
        self.0.iter().try_for_each(|(path, file)| disk::flush(file, path).map_err(|e| failed(path, &e)))
    }
}

fn opened(path: &Path, header: &[u8], end: u64, go_on: bool) -> Result<File> {
    let mut file = OpenOptions::new().create(true).truncate(!go_on).write(true).open(path).map_err(|e| failed(path, &e))?;
    disk::write(&mut file, header, path).map_err(|e| failed(path, &e))?;
    file.set_len(end.max(header.len() as u64)).map_err(|e| failed(path, &e))?;
    Ok(file)
}
