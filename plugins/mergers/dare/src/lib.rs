//! # dare
//!
//! A drawn share of what models changed of their base, scaled up and added.
//! Paper: Yu et al. 2024, "Language models are super Mario: absorbing abilities from homologous models as a free lunch"
//! (arXiv 2311.03099, §3).
//!
//! ## What it does
//! Of every change `δᵢ = θᵢ − θ_base` each number is kept with probability `density` and dropped otherwise (the paper's drop rate is
//! `p = 1 − density`); what is kept is scaled so that the sum of magnitudes is that of the whole change. The result is
//! `θ_base + λ · Σ wᵢ · δ̃ᵢ`. With `consensus = "sum"` a sign is elected at every place, as in `ties`, and changes of the other sign do
//! not count.
//!
//! Whether a number is kept depends on the seed, the tensor's name, the model and the place alone: pieces of a tensor may be made in any
//! order, and the same recipe gives the same model.
//!
//! ## When to use
//! For several models of one base whose changes are small: most of each can be dropped, so that they meet at fewer places. It fails after
//! long training, where changes are large; `ties` chooses by size instead.
//!
//! ## Differences from the paper
//! The paper scales by `1 / (1 − p)`; as in mergekit the scale is the ratio of the sums of magnitudes, which is near it for large
//! tensors and exact for small ones. Settings have mergekit's names and meaning, with `none` for its `dare_linear` and `sum` for its
//! `dare_ties`. The draws are not mergekit's.
//!
//! ## Reproduces
//! No published number. The tests look at shares, magnitudes and means over many merges, and compare with mergekit where nothing is drawn.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::merging::{ChangeOptions, Consensus, Keep};
use tongues_kernel::{Context, MergeInputs, MergePlan, Merged, Merger, Planned, Result, Setting, Slice, register, register_alias};

/// A sum of drawn changes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dare {
    /// How much a model's change counts; a model may have its own. Required here or there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<Setting>,
    /// The share of a model's changes that is kept, from 0 to 1; 1 where absent. A model may have its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub density: Option<Setting>,
    /// Whether signs must agree.
    #[serde(default)]
    pub consensus: Signs,
    /// Divide by the sum of the weights, with a consensus of the models that agree; false where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalize: Option<Setting>,
    /// Scale what is kept of a change to the sum of magnitudes of the whole; true where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rescale: Option<Setting>,
    /// λ, a factor of the sum; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambda: Option<Setting>,
    /// Accepted as mergekit accepts it: there it saves memory, here it changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub int8_mask: Option<Setting>,
}

/// Whether signs must agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signs {
    /// All changes count.
    #[default]
    None,
    /// Those with the sign of the weighted sum count.
    Sum,
}

impl Dare {
    fn options(&self) -> ChangeOptions<'_> {
        ChangeOptions {
            method: "dare",
            weight: self.weight.as_ref(),
            density: self.density.as_ref(),
            normalize: (self.normalize.as_ref(), false),
            rescale: (self.rescale.as_ref(), true),
            lambda: self.lambda.as_ref(),
            consensus: (self.consensus == Signs::Sum).then_some(Consensus::Sum),
        }
    }
}

impl Merger for Dare {
    fn own_settings(&self) -> &'static [&'static str] {
        &["weight", "density"]
    }

    fn plan(&self, inputs: &MergeInputs, cx: &mut dyn Context) -> Result<MergePlan> {
        self.options().plan(inputs, cx)
    }

    fn merge<'m>(&'m self, out: &'m Planned, slices: &[Slice<'m>], cx: &mut dyn Context) -> Result<Merged<'m>> {
        let coins = cx.draws().stream("dare").stream(&out.name);
        let drop = |read: usize, density: f64| Keep::drawn(coins.example(out.reads[read].input as u64), density);
        Ok(self.options().changes(out, slices, drop)?.merged())
    }
}

register_alias!(Merger, "dare_linear", "dare", r#"{"consensus": "none"}"#);
register_alias!(Merger, "dare_ties", "dare", r#"{"consensus": "sum"}"#);
register!(Merger, "dare", "Adds up drawn shares of what models changed of their base", Dare);
