//! # task-arithmetic
//!
//! What models changed of their common base, added up.
//! Paper: Ilharco et al. 2023, "Editing models with task arithmetic" (arXiv 2212.04089, §2 and §3).
//!
//! ## What it does
//! A task vector is `τᵢ = θᵢ − θ_base`. The result is `θ_base + λ · Σ wᵢ · τᵢ`; with `normalize` the sum is divided by `Σ wᵢ`. A negative
//! weight takes away what a model learned (the paper's forgetting by negation); several models give what each of them learned. A model
//! that only some tensors are taken from has weights by filter, with 0 for the rest.
//!
//! ## When to use
//! To put a language expert and a task expert of one base together, or to take an unwanted ability out. Where the changes of many models
//! collide, `ties` and `dare` lose less of each.
//!
//! ## Differences from the paper
//! The paper has one λ for all vectors, chosen on held-out data; here a model, a slice and a tensor may have a weight of its own, with the
//! names and the meaning that mergekit's `task_arithmetic` gives them. Differences and sums are made in 32 bits and stored once.
//!
//! ## Reproduces
//! No published number. The tests compare with sums worked out by hand and with tensors that mergekit merged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::merging::{ChangeOptions, Keep};
use tongues_kernel::{Context, MergeInputs, MergePlan, Merged, Merger, Planned, Result, Setting, Slice, register};

/// A sum of changes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskArithmetic {
    /// How much a model's change counts; a model may have its own. Required here or there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<Setting>,
    /// Divide the sum by the sum of the weights; false where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalize: Option<Setting>,
    /// λ, a factor of the sum; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambda: Option<Setting>,
    /// Accepted as mergekit accepts it: there it saves memory, here it changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub int8_mask: Option<Setting>,
}

impl TaskArithmetic {
    fn options(&self) -> ChangeOptions<'_> {
        ChangeOptions {
            method: "task-arithmetic",
            weight: self.weight.as_ref(),
            density: None,
            normalize: (self.normalize.as_ref(), false),
            rescale: (None, false),
            lambda: self.lambda.as_ref(),
            consensus: None,
        }
    }
}

impl Merger for TaskArithmetic {
    fn own_settings(&self) -> &'static [&'static str] {
        &["weight"]
    }

    fn plan(&self, inputs: &MergeInputs, cx: &mut dyn Context) -> Result<MergePlan> {
        self.options().plan(inputs, cx)
    }

    fn merge<'m>(&'m self, out: &'m Planned, slices: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        Ok(self.options().changes(out, slices, |_, _| Keep::All)?.merged())
    }
}

register!(Merger, "task-arithmetic", "Adds up what models changed of their base", TaskArithmetic);
