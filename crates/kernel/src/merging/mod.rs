//! Merging: what a merger is told, what it says, and what it may ask of tensors that lie on a disk.

mod align;
mod changes;
mod compare;
mod fold;
mod keep;
mod options;
mod range;
mod ranking;
mod select;
mod setting;
mod slice;

use crate::{Context, Result};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use changes::{Change, Changes, Consensus};
pub use compare::{Comparison, Moved, Pair, compare};
pub use fold::{Buffers, PIECE, fold, fold_many, for_pieces};
pub use keep::{Coins, Keep};
pub use options::ChangeOptions;
pub use range::Range;
pub use ranking::Ranking;
pub use select::{Threshold, largest};
pub use setting::{Filtered, Setting, Settings};
pub use slice::Slice;

/// What a merger is told of one input.
#[derive(Clone, Debug, Default)]
pub struct MergeInput {
    /// Its name in the recipe.
    pub name: String,
    /// `config.json`.
    pub config: Map<String, Json>,
    /// Tensor name to shape.
    pub tensors: BTreeMap<String, Vec<usize>>,
    /// What stands before the number of a block in names: `model.layers.`.
    pub blocks: String,
    /// Paths of what stands above all blocks: final norm and head.
    pub above: Vec<String>,
    /// Settings of this model alone.
    pub settings: Arc<Settings>,
}

/// Blocks of the inputs that become blocks of the result.
#[derive(Clone, Debug, Default)]
pub struct MergeSlice {
    /// Which inputs, and from which block on.
    pub sources: Vec<MergeSource>,
    /// How many blocks.
    pub count: usize,
    /// Settings of this slice.
    pub settings: Arc<Settings>,
}

/// Where a slice reads.
#[derive(Clone, Debug, Default)]
pub struct MergeSource {
    /// Number of the input.
    pub input: usize,
    /// Its first block.
    pub first: usize,
    /// Settings of the input in this slice.
    pub settings: Arc<Settings>,
}

/// All inputs of a merge.
#[derive(Clone, Debug, Default)]
pub struct MergeInputs {
    /// Their headers.
    pub models: Vec<MergeInput>,
    /// The model that changes are counted from; one of `models`.
    pub base: Option<usize>,
    /// Blocks of the result in order; those of all models, one on the other, where empty.
    pub slices: Vec<MergeSlice>,
}

/// A tensor of an input that an output is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Read {
    /// Number of the input.
    pub input: usize,
    /// The tensor's name there.
    pub name: String,
    /// Settings of the input here.
    pub settings: Arc<Settings>,
}

impl Read {
    /// A tensor of an input without settings of its own.
    pub fn of(input: usize, name: impl Into<String>) -> Self {
        Self { input, name: name.into(), settings: Arc::default() }
    }
}

/// One tensor of the result and what it is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Planned {
    /// Name in the result.
    pub name: String,
    /// Shape in the result.
    pub shape: Vec<usize>,
    /// In the order the slices are given.
    pub reads: Vec<Read>,
    /// Which of the reads is the base model's.
    pub base: Option<usize>,
    /// Number of its block in the result.
    pub block: Option<usize>,
    /// Place of its block in its slice, 0 at the bottom and 1 at the top (also of a single block); tensors outside the blocks are at 0, as in
    /// mergekit.
    pub depth: f64,
    /// Settings of the slice.
    pub settings: Arc<Settings>,
}

impl Planned {
    /// The number of a setting for one read: its own, else the slice's, else the merger's option. Filters that take no tensor of the read's
    /// name leave it to the next.
    pub fn number(&self, read: usize, key: &str, option: Option<&Setting>) -> Option<f64> {
        let read = self.reads.get(read)?;
        let all = [read.settings.get(key), self.settings.get(key), option];
        all.into_iter().flatten().find_map(|setting| setting.at(&read.name, self.depth))
    }

    /// The number of a setting of the tensor as a whole.
    pub fn whole(&self, key: &str, option: Option<&Setting>) -> Option<f64> {
        [self.settings.get(key), option].into_iter().flatten().find_map(|setting| setting.at(&self.name, self.depth))
    }

    /// The reads of all models but the base.
    pub fn others(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.reads.len()).filter(|i| self.base != Some(*i))
    }
}

/// The result of a merge, before any value is read.
#[derive(Clone, Debug, Default)]
pub struct MergePlan {
    /// Every tensor of the result.
    pub outputs: Vec<Planned>,
    /// `config.json` of the result.
    pub config: Map<String, Json>,
    /// The input whose tokenizer the result takes.
    pub tokenizer: usize,
    /// Passes over all tensors before the merging one.
    pub surveys: usize,
}

/// What becomes of one tensor.
pub enum Merged<'m> {
    /// The values of a read, as they are.
    Copy(usize),
    /// Every number from the numbers at its place: called for pieces of the tensor, side by side.
    Elements(Box<dyn Fn(Piece<'_>) + Send + Sync + 'm>),
    /// All numbers.
    Values(Vec<f32>),
}

impl<'m> Merged<'m> {
    /// A rule for numbers at one place.
    pub fn elements(rule: impl Fn(Piece<'_>) + Send + Sync + 'm) -> Self {
        Self::Elements(Box::new(rule))
    }

    /// The numbers themselves.
    pub fn values(&self, len: usize, slices: &[Slice<'_>]) -> Vec<f32> {
        match self {
            Self::Copy(read) => slices[*read].values(),
            Self::Values(values) => values.clone(),
            Self::Elements(rule) => {
                let mut out = vec![0.0; len];
                for_pieces(slices, &mut out, rule);
                out
            }
        }
    }
}

/// A piece of a tensor to be merged.
pub struct Piece<'p> {
    /// Its first number's place in the tensor.
    pub start: usize,
    /// The numbers of every read.
    pub inputs: &'p [&'p [f32]],
    /// The numbers of the result.
    pub out: &'p mut [f32],
}

/// Merges models tensor by tensor, streamed.
pub trait Merger: Send + Sync {
    /// Looks at headers only. By default every tensor of the result is made of the tensors of that name in all inputs.
    ///
    /// # Errors
    /// The inputs do not fit together.
    fn plan(&self, inputs: &MergeInputs, cx: &mut dyn Context) -> Result<MergePlan> {
        inputs.aligned(cx)
    }
    /// Settings that a model may have of its own.
    fn own_settings(&self) -> &'static [&'static str] {
        &[]
    }
    /// Sees every tensor once per survey pass.
    ///
    /// # Errors
    /// The values do not fit.
    fn survey(&mut self, pass: usize, out: &Planned, slices: &[Slice<'_>]) -> Result<()> {
        let _ = (pass, out, slices);
        Ok(())
    }
    /// What becomes of one tensor. It may look at whole tensors ([`fold`], [`largest`]) before it answers.
    ///
    /// # Errors
    /// The values do not fit.
    fn merge<'m>(&'m self, out: &'m Planned, slices: &[Slice<'m>], cx: &mut dyn Context) -> Result<Merged<'m>>;
}
