//! # graft
//!
//! The few numbers that fine-tuning moved most, put onto the model as it was before.
//! Paper: Panigrahi et al. 2023, "Task-specific skill localization in fine-tuned language models" (arXiv 2302.06600, §2).
//!
//! ## What it does
//! `θ_pre + γ ⊙ (θ_ft − θ_pre)`, where the mask γ marks the share `density` of all numbers of the model that moved most, by magnitude: one
//! threshold for all tensors, found in three passes over both models. Exactly ⌊density · n⌋ numbers are taken; of equal ones those of the
//! first tensors by name, and there the first ones. What is taken is bit for bit that of the fine-tuned model, the rest that of the base.
//!
//! ## When to use
//! To ask how local a skill is, and to carry it over with little harm to the rest: shares of 0.01 and less often keep most of what was
//! learned. AdamW moves nearly all numbers by similar amounts, which makes this harder than after SGD.
//!
//! ## Differences from the paper
//! This is the paper's mask before it is learned (its γ_base). Learning which numbers to add and drop needs gradients and is work for
//! an adapter, which is not there yet. The paper leaves embeddings and head untrained; here they count like all others.
//!
//! ## Reproduces
//! No published number. The tests compare with grafts found by sorting.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::merging::Ranking;
use tongues_kernel::{Context, Error, MergeInputs, MergePlan, Merged, Merger, Piece, Planned, Result, Slice, refuse, register};

/// The largest changes of a model on its base.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Graft {
    /// The share of all numbers of the model that is taken from the fine-tuned one.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub density: f64,
    #[serde(skip)]
    ranking: Ranking,
}

impl Graft {
    /// The reads of the base and of the fine-tuned model.
    fn pair(out: &Planned) -> Result<(usize, usize)> {
        let base = out.base_read("graft")?;
        let others: Vec<usize> = out.others().collect();
        match others.as_slice() {
            [tuned] => Ok((base, *tuned)),
            _ => refuse(format!("graft: tensor {}", out.name), "the base and one fine-tuned model", format!("{} models", others.len() + 1), ""),
        }
    }
}

impl Merger for Graft {
    fn plan(&self, inputs: &MergeInputs, cx: &mut dyn Context) -> Result<MergePlan> {
        if !(0.0..=1.0).contains(&self.density) {
            return refuse("graft: density", "a number from 0 to 1", self.density, "");
        }
        let plan = inputs.aligned(cx)?;
        plan.outputs.iter().try_for_each(|out| Self::pair(out).map(|_| ()))?;
        Ok(MergePlan { surveys: Ranking::PASSES, ..plan })
    }

    fn survey(&mut self, pass: usize, out: &Planned, slices: &[Slice<'_>]) -> Result<()> {
        let (base, tuned) = Self::pair(out)?;
        let movement = |x: &[&[f32]], out: &mut [f32]| out.iter_mut().zip(x[0]).zip(x[1]).for_each(|((out, pre), ft)| *out = ft - pre);
        self.ranking.see(pass, self.density, &out.name, &[slices[base], slices[tuned]], movement);
        Ok(())
    }

    fn merge<'m>(&'m self, out: &'m Planned, _: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        let (base, tuned) = Self::pair(out)?;
        let unseen = || Error::run(format!("tensor {}", out.name), "it was not surveyed before the merge");
        let gamma = self.ranking.threshold(&out.name).ok_or_else(unseen)?;
        let graft = move |piece: Piece<'_>| {
            let (pre, ft) = (piece.inputs[base], piece.inputs[tuned]);
            for (i, out) in piece.out.iter_mut().enumerate() {
                *out = if gamma.takes(piece.start + i, ft[i] - pre[i]) { ft[i] } else { pre[i] };
            }
        };
        Ok(Merged::elements(graft))
    }
}

register!(Merger, "graft", "Puts the largest changes of a fine-tuned model onto its base", Graft);
