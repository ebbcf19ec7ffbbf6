//! # passthrough
//!
//! Tensors as they are: layers of one or more models, stacked.
//! Paper: Kim et al. 2024, "SOLAR 10.7B: scaling large language models with simple yet effective depth up-scaling" (arXiv 2312.15166,
//! §3.1).
//!
//! ## What it does
//! Every tensor of the result is a tensor of one model, times `scale` where one is given. With `slices` the layers of the result are those
//! that the slices name, in order, also several times or of several models; the configuration tells the new depth. What stands below
//! all layers comes from the first slice, what stands above them from the last one.
//!
//! ## When to use
//! To deepen a model before it is trained on: the paper stacks the layers 0 to 24 and 8 to 32 of a model of 32 layers. Scales below 1 by
//! filter (`o_proj`, `down_proj`) soften the seam. Without training afterwards the result is hardly ever better than what it is made of.
//!
//! ## Differences from the paper
//! Any layers, and scales; the training that follows in the paper is a stage of its own. Names and meaning are those of mergekit's
//! `passthrough`.
//!
//! ## Reproduces
//! No published number. The tests compare with tensors that mergekit stacked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::merging::Range;
use tongues_kernel::{Context, MergeInputs, MergePlan, Merged, Merger, Piece, Planned, Result, Setting, Slice, refuse, register};

/// Tensors as they are.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Passthrough {
    /// A factor of the tensors; a model may have its own. As they are where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Setting>,
}

impl Merger for Passthrough {
    fn own_settings(&self) -> &'static [&'static str] {
        &["scale"]
    }

    fn plan(&self, inputs: &MergeInputs, cx: &mut dyn Context) -> Result<MergePlan> {
        inputs.check("passthrough", "scale", self.scale.as_ref(), Range::Finite)?;
        let plan = inputs.aligned(cx)?;
        match plan.outputs.iter().find(|out| out.reads.len() != 1) {
            Some(out) => {
                let found = out.reads.iter().map(|r| inputs.name(r.input)).collect::<Vec<_>>().join(", ");
                let remedy = "list one model, or slices with one source each; `linear` and others merge several";
                refuse(format!("passthrough: tensor {}", out.name), "one model", found, remedy)
            }
            None => Ok(plan),
        }
    }

    fn merge<'m>(&'m self, out: &'m Planned, _: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        let Some(scale) = out.number(0, "scale", self.scale.as_ref()) else { return Ok(Merged::Copy(0)) };
        let scaled = move |piece: Piece<'_>| piece.out.iter_mut().zip(piece.inputs[0]).for_each(|(out, x)| *out = (f64::from(*x) * scale) as f32);
        Ok(Merged::elements(scaled))
    }
}

register!(Merger, "passthrough", "Layers of models stacked as they are", Passthrough);
