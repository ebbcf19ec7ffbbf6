//! # ties
//!
//! The largest changes of models, added up where their signs agree.
//! Paper: Yadav et al. 2023, "TIES-merging: resolving interference when merging models" (arXiv 2306.01708, algorithm 1).
//!
//! ## What it does
//! For every tensor, of the changes `τᵢ = θᵢ − θ_base`:
//! 1. trim: the share `density` of largest magnitude is kept, the rest becomes 0;
//! 2. elect: at every place the sign of `Σ wᵢ · τᵢ` is the sign of the merge (plus where the sum is 0);
//! 3. disjoint merge: changes of that sign are added up with their weights and, with `normalize`, divided by the sum of the weights
//!    of the models that have it. The result is `θ_base + λ ·` that.
//!
//! Among equal magnitudes the first in the tensor is kept, so that exactly ⌊density · n⌋ are (but at least one).
//!
//! ## When to use
//! For three and more models of one base whose changes collide. With two models that learned different things, `task-arithmetic` is as good
//! and simpler.
//!
//! ## Differences from the paper
//! The paper trims every model as a whole, here each tensor is trimmed by itself, and its density of 0.2 is the default of no one:
//! names, defaults and meaning of all settings are those of mergekit's `ties`, which keeps everything where no density is given and knows
//! weights. The order in which equal magnitudes are kept is fixed. Differences and sums are made in 32 bits and stored once.
//!
//! ## Reproduces
//! No published number. The tests compare with sums worked out by hand and with tensors that mergekit merged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::merging::{ChangeOptions, Consensus, Keep};
use tongues_kernel::{Context, MergeInputs, MergePlan, Merged, Merger, Planned, Result, Setting, Slice, register};

/// A sum of the largest changes, where signs agree.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ties {
    /// How much a model's change counts; a model may have its own. Required here or there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<Setting>,
    /// The share of a model's changes that is kept, from 0 to 1; 1 where absent. A model may have its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub density: Option<Setting>,
    /// Divide by the sum of the weights of the models that agree; true where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalize: Option<Setting>,
    /// Scale what is kept of a change to the sum of magnitudes of the whole; false where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rescale: Option<Setting>,
    /// λ, a factor of the sum; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambda: Option<Setting>,
    /// Accepted as mergekit accepts it: there it saves memory, here it changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub int8_mask: Option<Setting>,
}

impl Ties {
    fn options(&self) -> ChangeOptions<'_> {
        ChangeOptions {
            method: "ties",
            weight: self.weight.as_ref(),
            density: self.density.as_ref(),
            normalize: (self.normalize.as_ref(), true),
            rescale: (self.rescale.as_ref(), false),
            lambda: self.lambda.as_ref(),
            consensus: Some(Consensus::Sum),
        }
    }
}

impl Merger for Ties {
    fn own_settings(&self) -> &'static [&'static str] {
        &["weight", "density"]
    }

    fn plan(&self, inputs: &MergeInputs, cx: &mut dyn Context) -> Result<MergePlan> {
        self.options().plan(inputs, cx)
    }

    fn merge<'m>(&'m self, out: &'m Planned, slices: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        let base = slices[out.base_read("ties")?];
        let trim = |read: usize, density: f64| Keep::largest(base, slices[read], density);
        Ok(self.options().changes(out, slices, trim)?.merged())
    }
}

register!(Merger, "ties", "Adds up the largest changes of models where their signs agree", Ties);
