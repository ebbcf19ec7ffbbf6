//! How a family's files differ from its tensors in memory: matrices that lie the other way round, names without their prefix, blocks
//! with other numbers, tensors from another checkpoint.

use super::keep::{self, Keep};
use super::reading::{From, Reading};
use crate::Checkpoint;
use std::collections::{BTreeMap, BTreeSet};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Result, Role, Site, Spec, refuse};

/// Buffers that some writers store and no reader needs.
const BUFFERS: [&str; 5] = ["rotary_emb.inv_freq", ".attn.masked_bias", ".attn.bias", "position_ids", "embed_positions.weights"];

/// Where a tensor lies: which checkpoint, and its name there.
type Place<'c> = (&'c Checkpoint, String);

/// Checkpoints under the names and in the layout of memory.
pub(super) struct Stored<'c> {
    spec: &'c Spec,
    names: BTreeMap<String, Place<'c>>,
}

impl<'c> Stored<'c> {
    /// The tensors of a checkpoint, and of those that `how` names. Tensors whose names lack the family's prefix get it, where
    /// nothing else has the full name.
    ///
    /// # Errors
    /// A rule of `how` takes nothing.
    pub(super) fn of(base: &'c Checkpoint, others: &'c [Checkpoint], spec: &'c Spec, wanted: &BTreeSet<String>, how: &Reading) -> Result<Self> {
        let full = |name: &str, inside: &Checkpoint| {
            let long = format!("{}{name}", spec.stored.prefix);
            let known = |n: &str| wanted.contains(n) || spec.ties.iter().any(|(alias, _)| alias == n) || block(spec, n).is_some();
            if !known(name) && known(&long) && !inside.contains(&long) { long } else { name.to_owned() }
        };
        let mut names: BTreeMap<String, Place<'c>> = BTreeMap::new();
        for name in base.names() {
            for here in chosen(spec, &full(name, base), &how.layers) {
                names.insert(here, (base, name.to_owned()));
            }
        }
        for (checkpoint, from) in others.iter().zip(&how.from) {
            let found: Vec<(String, Place<'c>)> = checkpoint
                .names()
                .filter_map(|name| Some((from.renamed(&full(name, checkpoint)).or_else(|| from.renamed(name))?, (checkpoint, name.to_owned()))))
                .collect();
            check(&found, from, wanted)?;
            names.extend(found);
        }
        Ok(Self { spec, names })
    }

    fn place(&self, name: &str) -> Result<(&'c Checkpoint, &str)> {
        match self.names.get(name) {
            Some((checkpoint, own)) => Ok((checkpoint, own)),
            None => refuse(format!("tensor {name}"), "a tensor of the checkpoint", "none", "the checkpoint is incomplete"),
        }
    }

    /// The name in its own files.
    pub(super) fn name(&self, name: &str) -> Result<&str> {
        self.place(name).map(|(_, own)| own)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str).filter(|n| !BUFFERS.iter().any(|b| n.ends_with(b)))
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    pub(super) fn bytes(&self, name: &str) -> Result<&[u8]> {
        let (checkpoint, own) = self.place(name)?;
        checkpoint.bytes(own)
    }

    /// The shape that the tensor has in memory.
    pub(super) fn shape(&self, name: &str) -> Result<Vec<usize>> {
        let (checkpoint, own) = self.place(name)?;
        Ok(shape(self.spec, name, checkpoint.info(own)?.shape.clone()))
    }

    /// The tensor, in the order of memory.
    pub(super) fn tensor<const D: usize>(&self, name: &str, shape: [usize; D], keep: Keep, device: &Device) -> Result<Tensor<D>> {
        let (checkpoint, own) = self.place(name)?;
        if self.spec.is_transposed(name) { keep::turned(checkpoint, own, shape, keep, device) } else { keep::tensor(checkpoint, own, shape, keep, device) }
    }
}

/// Every tensor that a rule takes must have a place.
fn check(found: &[(String, Place<'_>)], from: &From, wanted: &BTreeSet<String>) -> Result<()> {
    let at = format!("load from {}", from.dir.display());
    if found.is_empty() {
        return refuse(at, format!("tensors {}", from.tensors), "none", "`tongues inspect` lists the tensors of a checkpoint");
    }
    match found.iter().find(|(here, _)| !wanted.contains(here)) {
        Some((here, (_, there))) => {
            refuse(at, "names of this model's tensors", format!("{there} as {here}"), "say with `into` what stands for the text before the `*`")
        }
        None => Ok(()),
    }
}

/// The number of the block that a tensor belongs to, with the text before and after it.
fn block<'n>(spec: &Spec, name: &'n str) -> Option<(&'n str, usize, &'n str)> {
    spec.stacks.iter().find_map(|(stack, _)| {
        let path = &spec.info(Site::new(*stack, 0, Role::Block))?.path;
        let head = path.strip_suffix('0')?;
        let (number, rest) = name.strip_prefix(head)?.split_once('.')?;
        Some((&name[..head.len()], number.parse().ok()?, rest))
    })
}

/// The names here of a tensor: those of the blocks that were chosen from its block, or its own.
fn chosen(spec: &Spec, name: &str, layers: &[usize]) -> Vec<String> {
    match block(spec, name) {
        Some((head, number, rest)) if !layers.is_empty() => {
            layers.iter().enumerate().filter(|(_, l)| **l == number).map(|(new, _)| format!("{head}{new}.{rest}")).collect()
        }
        _ => vec![name.to_owned()],
    }
}

/// The shape on the other side: of the files for one in memory, and the other way round.
pub(super) fn shape(spec: &Spec, name: &str, mut shape: Vec<usize>) -> Vec<usize> {
    if spec.is_transposed(name) {
        shape.reverse();
    }
    shape
}

/// The values on the other side; `shape` is the one on this side.
pub(super) fn written(spec: &Spec, name: &str, shape: &[usize], values: Vec<f32>) -> Vec<f32> {
    match shape {
        [rows, columns] if spec.is_transposed(name) => transposed(&values, *rows, *columns),
        _ => values,
    }
}

pub(super) fn transposed<E: Copy>(values: &[E], rows: usize, columns: usize) -> Vec<E> {
    (0..columns).flat_map(|c| (0..rows).map(move |r| values[r * columns + c])).collect()
}

#[cfg(test)]
mod tests {
    use super::transposed;

    #[test]
    fn a_matrix_and_back() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(transposed(&values, 2, 3), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert_eq!(transposed(&transposed(&values, 2, 3), 3, 2), values);
    }
}
