//! Writing a checkpoint: one file, or shards with their index when it is large.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{INDEX, SINGLE, TensorSpec, Writer, pt_metadata};
use crate::atomic;
use serde_json::json;
use tongues_kernel::{Result, refuse};

/// Bytes of tensors in a shard, unless told otherwise.
pub const MAX_SHARD_BYTES: usize = 5_000_000_000;

/// A checkpoint in the making.
///
/// Tensors fill shards in the order of the plan; one tensor larger than a shard gets its own. Every file appears under
/// its name when it is whole, the index last. Write into an [`AtomicDir`](crate::AtomicDir) to have them appear together.
#[derive(Debug)]
pub struct CheckpointWriter {
    dir: PathBuf,
    shards: Vec<(String, Writer)>,
    place: BTreeMap<String, usize>,
    bytes: usize,
}

impl CheckpointWriter {
    /// Starts a checkpoint in `dir` with the tensors of `plan`.
    ///
    /// # Errors
    /// The plan is empty or names a tensor twice, or the folder cannot be written.
    pub fn create(dir: &Path, plan: &[TensorSpec], max_shard_bytes: usize) -> Result<Self> {
        if plan.is_empty() {
            return refuse(dir.display(), "at least one tensor to save", "none", "");
        }
        let groups = partition(plan, max_shard_bytes)?;
        let (mut shards, mut place) = (vec![], BTreeMap::new());
        for (i, group) in groups.iter().enumerate() {
            let name = shard_name(i, groups.len());
            let writer = Writer::create(&dir.join(&name), group, &pt_metadata())?;
            for spec in *group {
                if place.insert(spec.name.clone(), i).is_some() {
                    return refuse(dir.display(), "every tensor once", format!("`{}` twice", spec.name), "");
                }
            }
            shards.push((name, writer));
        }
        let bytes = plan.iter().map(TensorSpec::bytes).sum::<Result<usize>>()?;
        Ok(Self { dir: dir.to_owned(), shards, place, bytes })
    }

    /// Writes a tensor from floats, converted to the type of the plan.
    ///
    /// # Errors
    /// As [`Writer::push`].
    pub fn push(&mut self, name: &str, values: &[f32]) -> Result<()> {
        self.writer(name)?.push(name, values)
    }

    /// Writes a tensor from bytes in the type of the plan, little endian.
    ///
    /// # Errors
    /// As [`Writer::push`].
    pub fn push_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.writer(name)?.push_bytes(name, bytes)
    }

    /// Completes the files and writes the index where there are several.
    ///
    /// # Errors
    /// A planned tensor was not written, or the disk fails.
    pub fn finish(self) -> Result<()> {
        let names: Vec<String> = self.shards.iter().map(|(name, _)| name.clone()).collect();
        for (_, writer) in self.shards {
            writer.finish()?;
        }
        if names.len() == 1 {
            return Ok(());
        }
        let weight_map: BTreeMap<&String, &String> = self.place.iter().map(|(t, i)| (t, &names[*i])).collect();
        let index = json!({"metadata": {"total_size": self.bytes}, "weight_map": weight_map});
        atomic::write_atomic(&self.dir.join(INDEX), format!("{index:#}\n").as_bytes())
    }

    fn writer(&mut self, name: &str) -> Result<&mut Writer> {
        match self.place.get(name) {
            Some(i) => Ok(&mut self.shards[*i].1),
            None => refuse(self.dir.display(), "a planned tensor", format!("`{name}`"), ""),
        }
    }
}

pub(super) fn shard_name(i: usize, n: usize) -> String {
    if n == 1 { SINGLE.into() } else { format!("model-{:05}-of-{n:05}.safetensors", i + 1) }
}

/// Cuts the plan where the next tensor would make a shard too large.
pub(super) fn partition(plan: &[TensorSpec], max: usize) -> Result<Vec<&[TensorSpec]>> {
    let (mut groups, mut start, mut size) = (vec![], 0, 0usize);
    for (i, spec) in plan.iter().enumerate() {
        let bytes = spec.bytes()?;
        if i > start && size.saturating_add(bytes) > max {
            groups.push(&plan[start..i]);
            (start, size) = (i, 0);
        }
        size = size.saturating_add(bytes);
    }
    groups.push(&plan[start..]);
    Ok(groups)
}
