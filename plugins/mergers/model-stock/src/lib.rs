//! # model-stock
//!
//! The average of models, drawn towards their base by the angles between them.
//! Paper: Jang et al. 2024, "Model Stock: all we need is just a few fine-tuned models" (arXiv 2403.19522, §4).
//!
//! ## What it does
//! With `w₀` the base, `wᵢ` of N models and `cos θ` the mean cosine of the angles between all pairs of changes `wᵢ − w₀`,
//! `t = N cos θ / (1 + (N − 1) cos θ)` (equation 2 with N = 2, equation 8) and the result is `t · w_avg + (1 − t) · w₀`: models that
//! changed the same way are trusted, models that changed across each other are noise around the base. Every tensor has a ratio of its
//! own; with `filter_wise`, every row of a matrix.
//!
//! ## When to use
//! For two or three runs of the same fine-tuning from one base. It needs no weights and no held-out data. Experts for different things
//! change across each other, so that little of them is left: take `task-arithmetic` or `ties` for those.
//!
//! ## Differences from the paper
//! The paper merges while it trains, once an epoch; here models are merged after training. The mean over all pairs for N > 2, the bounds
//! and the base where the denominator vanishes are those of mergekit's `model_stock`. Angles are computed in 64 bits.
//!
//! ## Reproduces
//! No published number. The tests compare with ratios worked out by hand and with tensors that mergekit merged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::merging::Range;
use tongues_kernel::{Context, MergeInputs, MergePlan, Merged, Merger, Piece, Planned, Result, Setting, Slice, refuse, register};

mod ratio;

/// An average drawn towards the base.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelStock {
    /// A ratio for every row of a matrix instead of one for the tensor; false where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_wise: Option<Setting>,
}

impl Merger for ModelStock {
    fn plan(&self, inputs: &MergeInputs, cx: &mut dyn Context) -> Result<MergePlan> {
        inputs.check("model-stock", "filter_wise", self.filter_wise.as_ref(), Range::Flag)?;
        let plan = inputs.aligned(cx)?;
        for out in &plan.outputs {
            out.base_read("model-stock")?;
            let others = out.others().count();
            if others < 2 {
                return refuse(format!("model-stock: tensor {}", out.name), "at least two models beside the base", others, "add models of the same base");
            }
        }
        Ok(plan)
    }

    fn merge<'m>(&'m self, out: &'m Planned, slices: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        let base = out.base_read("model-stock")?;
        let others: Vec<usize> = out.others().collect();
        let rows = match out.shape.as_slice() {
            [.., columns] if out.shape.len() > 1 && out.flag("filter_wise", self.filter_wise.as_ref(), false) => *columns,
            _ => slices[base].len(),
        };
        let ratios = ratio::ratios(slices[base], &others.iter().map(|i| slices[*i]).collect::<Vec<_>>(), rows.max(1));
        let share = 1.0 / others.len() as f64;
        let rule = move |piece: Piece<'_>| {
            for (i, out) in piece.out.iter_mut().enumerate() {
                let t = ratios[(piece.start + i) / rows];
                let average = others.iter().map(|other| f64::from(piece.inputs[*other][i])).sum::<f64>() * share;
                *out = (t * average + (1.0 - t) * f64::from(piece.inputs[base][i])) as f32;
            }
        };
        Ok(Merged::elements(rule))
    }
}

register!(Merger, "model-stock", "Averages models, drawn towards their base by the angles between them", ModelStock);
