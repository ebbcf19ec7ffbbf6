//! The settings that all merges of changes share, under the names of mergekit.

use super::{Change, Changes, Consensus, Keep, MergeInputs, MergePlan, Planned, Range, Setting, Slice};
use crate::{Context, Result};

/// Settings of a merge of changes, as the options of a plugin hold them.
#[derive(Clone, Copy, Debug)]
pub struct ChangeOptions<'o> {
    /// The plugin's name, for errors.
    pub method: &'static str,
    /// How much a model's change counts; required.
    pub weight: Option<&'o Setting>,
    /// The share of a model's changes that count; 1 where absent.
    pub density: Option<&'o Setting>,
    /// Whether the sum is divided by the weights, and what counts where nothing is said.
    pub normalize: (Option<&'o Setting>, bool),
    /// Whether what is kept of a change is scaled to the magnitude of the whole, and what counts where nothing is said.
    pub rescale: (Option<&'o Setting>, bool),
    /// The factor of the sum; 1 where absent.
    pub lambda: Option<&'o Setting>,
    /// How signs are elected.
    pub consensus: Option<Consensus>,
}

impl ChangeOptions<'_> {
    /// Every tensor of all inputs, after a look at the settings.
    ///
    /// # Errors
    /// The inputs do not fit together, a tensor has no base, or a setting is missing or out of its range.
    pub fn plan(&self, inputs: &MergeInputs, cx: &mut dyn Context) -> Result<MergePlan> {
        let all = [
            ("weight", self.weight, Range::Finite),
            ("density", self.density, Range::Share),
            ("normalize", self.normalize.0, Range::Flag),
            ("rescale", self.rescale.0, Range::Flag),
            ("lambda", self.lambda, Range::Finite),
        ];
        all.into_iter().try_for_each(|(key, option, range)| inputs.check(self.method, key, option, range))?;
        let plan = inputs.aligned(cx)?;
        plan.outputs.iter().try_for_each(|out| out.base_read(self.method).map(|_| ()))?;
        inputs.require(&plan, self.method, "weight", self.weight)?;
        Ok(plan)
    }

    /// The changes of one tensor; `keep` chooses what counts of a read at a density.
    ///
    /// # Errors
    /// The tensor has no base.
    pub fn changes(&self, out: &Planned, slices: &[Slice<'_>], keep: impl Fn(usize, f64) -> Keep) -> Result<Changes> {
        let base = out.base_read(self.method)?;
        let rescale = out.flag("rescale", self.rescale.0, self.rescale.1);
        let change = |read: usize| {
            let keep = keep(read, out.number(read, "density", self.density).unwrap_or(1.0));
            let scale = if rescale { keep.rescale(slices[base], slices[read]) } else { 1.0 };
            Change { read, weight: out.number(read, "weight", self.weight).unwrap_or_default(), keep, scale }
        };
        Ok(Changes {
            base,
            changes: out.others().map(change).collect(),
            consensus: self.consensus,
            normalize: out.flag("normalize", self.normalize.0, self.normalize.1),
            lambda: out.whole("lambda", self.lambda).unwrap_or(1.0),
        })
    }
}
