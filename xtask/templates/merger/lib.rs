//! # __name__
//!
//! The mean of models.
//! Paper: none; this is the skeleton that `cargo xtask new-plugin` writes. Name the paper, its number and its section here.
//!
//! ## What it does
//! Every tensor of the result is the mean of the inputs' tensors of that name, in f64.
//!
//! ## When to use
//! As a starting point for a merger that works tensor by tensor.
//!
//! ## Differences from the paper
//! There is no paper yet.
//!
//! ## Reproduces
//! No published number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Context, MergeInput, MergePlan, Merger, Planned, Result, refuse, register};

/// No options.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct __Type__ {}

impl Merger for __Type__ {
    fn plan(&self, inputs: &[MergeInput], _: &mut dyn Context) -> Result<MergePlan> {
        let Some(first) = inputs.first() else { return refuse("__name__: models", "at least one model", "none", "name the models to merge") };
        for input in inputs {
            let names = first.tensors.keys().chain(input.tensors.keys());
            if let Some(name) = names.into_iter().find(|n| input.tensors.get(*n) != first.tensors.get(*n)) {
                let shape = |i: &MergeInput| i.tensors.get(name).map_or("none".into(), |s| format!("{s:?}"));
                return refuse(format!("model {}, tensor {name}", input.name), shape(first), shape(input), "merge models of one shape");
            }
        }
        let reads = |name: &String| (0..inputs.len()).map(|i| (i, name.clone())).collect();
        let outputs = first.tensors.iter().map(|(name, shape)| Planned { name: name.clone(), shape: shape.clone(), reads: reads(name) }).collect();
        Ok(MergePlan { outputs, config: first.config.clone(), tokenizer: 0, surveys: 0 })
    }

    fn merge(&self, _: &Planned, slices: &[&[f32]], _: &mut dyn Context) -> Result<Vec<f32>> {
        let mean = |i: usize| (slices.iter().map(|s| f64::from(s[i])).sum::<f64>() / slices.len() as f64) as f32;
        Ok((0..slices.first().map_or(0, |s| s.len())).map(mean).collect())
    }
}

register!(Merger, "__name__", "The mean of models", __Type__);
