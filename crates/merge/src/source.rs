//! Where a merge reads: a folder, or a model in memory.

use std::collections::BTreeMap;
use tongues_io::hf::{self, Opened};
use tongues_kernel::{Error, MergeInput, Model, Result, Slice, Spec, entries, refuse, values};

/// One input of a merge.
pub enum Source {
    /// A folder, whose tensors are read from the disk when they are needed.
    Files(Box<Opened>),
    /// A model in memory: one that a stage changed, or whose adapters were folded in.
    Live(Box<Model>),
}

/// The numbers of a tensor, on the disk or in memory.
pub enum Held<'s> {
    /// Pages of a file.
    Mapped(Slice<'s>),
    /// Numbers in memory.
    Owned(Vec<f32>),
}

impl Held<'_> {
    /// A view of the numbers.
    pub fn slice(&self) -> Slice<'_> {
        match self {
            Self::Mapped(slice) => *slice,
            Self::Owned(values) => Slice::of(values),
        }
    }
}

impl Source {
    /// What the family says of it.
    pub fn spec(&self) -> &Spec {
        match self {
            Self::Files(opened) => &opened.spec,
            Self::Live(model) => model.spec(),
        }
    }

    /// Names and shapes, in the layout of files.
    ///
    /// # Errors
    /// A header cannot be read.
    pub fn tensors(&self) -> Result<BTreeMap<String, Vec<usize>>> {
        match self {
            Self::Files(opened) => opened.tensors(),
            Self::Live(model) => {
                let shape = |name: &str, shape| hf::shape_in_files(model.spec(), name, shape);
                Ok(entries(&model.net.backbone, "").into_iter().map(|e| (e.name.clone(), shape(&e.name, e.shape))).collect())
            }
        }
    }

    /// What a merger is told of it.
    ///
    /// # Errors
    /// As [`tensors`](Self::tensors).
    pub fn header(&self, name: &str) -> Result<MergeInput> {
        Ok(hf::merge_input(name, self.spec(), self.tensors()?))
    }

    /// The numbers of a tensor.
    ///
    /// # Errors
    /// There is no such tensor, or it holds no floats.
    pub fn read(&self, name: &str) -> Result<Held<'_>> {
        match self {
            Self::Files(opened) => opened.slice(name).map(Held::Mapped),
            Self::Live(model) => live(model, name).map(Held::Owned),
        }
    }
}

fn live(model: &Model, name: &str) -> Result<Vec<f32>> {
    let mut model = model.clone();
    let weights = model.weights();
    let Some(shape) = weights.entries().into_iter().find(|e| e.name == name).map(|e| e.shape) else {
        return refuse(format!("tensor {name}"), "a tensor of the input", "none", "the merger's plan names a tensor that is not there");
    };
    let numbers = match shape.len() {
        1 => values(weights.get::<1>(name)?),
        2 => values(weights.get::<2>(name)?),
        3 => values(weights.get::<3>(name)?),
        4 => values(weights.get::<4>(name)?),
        rank => return Err(Error::run(name, format!("a tensor of rank {rank}"))),
    };
    Ok(hf::order_of_files(model.spec(), name, &shape, numbers))
}
