//! Looking ahead: what a merge would bring together, before it is made.

use crate::source::{Held, Source};
use crate::stream::{Merging, Watch};
use std::collections::BTreeMap;
use tongues_kernel::merging::{Comparison, compare};
use tongues_kernel::{MergeInput, Planned, Result};

/// Below it, weights of a model and of the base have no common coordinates: models of one base stay above 0.9.
const STRANGERS: f64 = 0.5;

/// Models beside each other, tensor by tensor.
#[derive(Debug)]
pub struct Look {
    /// The model that changes are counted from.
    pub base: String,
    /// The others.
    pub models: Vec<String>,
    /// One entry a tensor that all of them have.
    pub tensors: Vec<Looked>,
}

/// One tensor.
#[derive(Debug)]
pub struct Looked {
    /// Its name in the result.
    pub name: String,
    /// Its block in the result; `None` outside the blocks.
    pub block: Option<usize>,
    /// Its name inside the block, or the whole name.
    pub kind: String,
    /// What was found.
    pub found: Comparison,
}

/// Goes through all tensors once. Without a base, changes are counted from the first model.
///
/// # Errors
/// A tensor cannot be read, or someone asked to stop.
pub fn look(outputs: &[Planned], inputs: &[MergeInput], sources: &[Source], base: usize, watch: &dyn Watch) -> Result<Look> {
    let others: Vec<usize> = (0..sources.len()).filter(|i| *i != base).collect();
    let mut tensors = vec![];
    for (i, out) in outputs.iter().enumerate() {
        watch.tick(Merging { tensors: (i, outputs.len()), bytes: 0, name: &out.name })?;
        let read = |input: usize| out.reads.iter().find(|r| r.input == input);
        let Some(all) = std::iter::once(base).chain(others.iter().copied()).map(read).collect::<Option<Vec<_>>>() else { continue };
        let held = all.iter().map(|read| sources[read.input].read(&read.name)).collect::<Result<Vec<_>>>()?;
        let slices: Vec<_> = held.iter().map(Held::slice).collect();
        if slices.iter().any(|s| s.len() != slices[0].len()) {
            continue;
        }
        let kind = inputs[base].place(&all[0].name).map_or_else(|| out.name.clone(), |(_, rest)| rest.to_owned());
        tensors.push(Looked { name: out.name.clone(), block: out.block, kind, found: compare(slices[0], &slices[1..]) });
    }
    let name = |i: &usize| inputs[*i].name.clone();
    Ok(Look { base: name(&base), models: others.iter().map(name).collect(), tensors })
}

impl Look {
    /// Everything together.
    pub fn whole(&self) -> Comparison {
        let mut whole = Comparison::default();
        self.tensors.iter().for_each(|t| whole.add(&t.found));
        whole
    }

    /// Sums by block; tensors outside the blocks are left out.
    pub fn by_block(&self) -> BTreeMap<usize, Comparison> {
        let mut all: BTreeMap<usize, Comparison> = BTreeMap::new();
        for tensor in &self.tensors {
            if let Some(block) = tensor.block {
                all.entry(block).or_default().add(&tensor.found);
            }
        }
        all
    }

    /// Pairs of models, in the order of the pairs of a comparison.
    pub fn pairs(&self) -> Vec<(usize, usize)> {
        let n = self.models.len();
        (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect()
    }

    /// What should be thought about before merging.
    pub fn warnings(&self) -> Vec<String> {
        let whole = self.whole();
        let strangers = strangers(&whole).into_iter().map(|(i, cosine)| told(&self.models[i], &self.base, cosine));
        let same = (0..whole.models.len()).filter(|i| whole.models[*i].squares == 0.0);
        let same = same.map(|i| format!("`{}` is `{}`: it changed nothing, and adds nothing.", self.models[i], self.base));
        strangers.chain(same).collect()
    }
}

fn strangers(found: &Comparison) -> Vec<(usize, f64)> {
    (0..found.models.len()).map(|i| (i, found.cosine_to_base(i))).filter(|(_, cosine)| *cosine < STRANGERS).collect()
}

fn told(model: &str, base: &str, cosine: f64) -> String {
    format!(
        "`{model}` and `{base}` do not come from the same base (cosine of their weights {cosine:.2}, where models of one base have above 0.9): \
         they have no common coordinates, and a mixture of their weights is worth nothing."
    )
}

/// The warning of different bases from one matrix in the middle of the models, which is quickly looked at.
///
/// # Errors
/// It cannot be read.
pub fn quick_warnings(outputs: &[Planned], inputs: &[MergeInput], sources: &[Source], base: usize) -> Result<Vec<String>> {
    let middle = inputs.get(base).map_or(0, MergeInput::depth) / 2;
    let fits = |out: &&Planned| out.block == Some(middle) && out.shape.len() == 2 && out.reads.iter().any(|r| r.input == base);
    let Some(out) = outputs.iter().find(fits) else { return Ok(vec![]) };
    let mut reads: Vec<_> = out.reads.iter().filter(|r| r.input != base).collect();
    reads.extend(out.reads.iter().find(|r| r.input == base));
    let held = reads.iter().map(|r| sources[r.input].read(&r.name)).collect::<Result<Vec<_>>>()?;
    let slices: Vec<_> = held.iter().map(Held::slice).collect();
    let Some((last, others)) = slices.split_last() else { return Ok(vec![]) };
    if others.iter().any(|s| s.len() != last.len()) {
        return Ok(vec![]);
    }
    Ok(strangers(&compare(*last, others)).into_iter().map(|(i, cosine)| told(&inputs[reads[i].input].name, &inputs[base].name, cosine)).collect())
}
