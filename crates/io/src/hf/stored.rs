//! How a family's files differ from its tensors in memory: matrices that lie the other way round, names without their prefix.

use crate::Checkpoint;
use std::collections::{BTreeMap, BTreeSet};
use tongues_kernel::{Result, Spec};

/// A checkpoint under the names and in the layout of memory.
pub(super) struct Stored<'c> {
    checkpoint: &'c Checkpoint,
    spec: &'c Spec,
    /// Names of memory to names of the files.
    names: BTreeMap<String, String>,
}

impl<'c> Stored<'c> {
    /// Tensors whose names lack the family's prefix get it, where nothing else has the full name.
    pub(super) fn of(checkpoint: &'c Checkpoint, spec: &'c Spec, wanted: &BTreeSet<String>) -> Self {
        let full = |name: &str| {
            let long = format!("{}{name}", spec.stored.prefix);
            let known = |n: &str| wanted.contains(n) || spec.ties.iter().any(|(alias, _)| alias == n);
            if !known(name) && known(&long) && !checkpoint.contains(&long) { long } else { name.to_owned() }
        };
        let names = checkpoint.names().map(|name| (full(name), name.to_owned())).collect();
        Self { checkpoint, spec, names }
    }

    fn own<'n>(&'n self, name: &'n str) -> &'n str {
        self.names.get(name).map_or(name, String::as_str)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    pub(super) fn bytes(&self, name: &str) -> Result<&[u8]> {
        self.checkpoint.bytes(self.own(name))
    }

    /// The shape that the tensor has in memory.
    pub(super) fn shape(&self, name: &str) -> Result<Vec<usize>> {
        Ok(shape(self.spec, name, self.checkpoint.info(self.own(name))?.shape.clone()))
    }

    /// The values in the order of memory.
    pub(super) fn f32(&self, name: &str) -> Result<Vec<f32>> {
        let stored = self.checkpoint.info(self.own(name))?.shape.clone();
        Ok(written(self.spec, name, &stored, self.checkpoint.f32(self.own(name))?))
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

fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
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
