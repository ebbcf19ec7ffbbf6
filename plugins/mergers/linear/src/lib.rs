//! # linear
//!
//! The weighted mean of models, tensor by tensor.
//! Paper: Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
//! increasing inference time" (arXiv 2203.05482, §2).
//!
//! ## What it does
//! `Σ wᵢ · θᵢ` for every tensor, summed in 64 bits and rounded once to 32. With `normalize` the weights are first divided by
//! their sum. Configuration and tokenizer are those of the first model.
//!
//! ## When to use
//! Between models that came from the same base: runs with other seeds or settings, or the adapted model and its base, to win
//! back what was forgotten. Models that do not share a base have no common coordinates, and their mean is worth nothing.
//!
//! ## Differences from the paper
//! Weights are given; the paper's greedy choice of the models is not part of it. Keys are those of mergekit's `linear`, except
//! that all weights stand in one list, and that without weights all models count alike.
//!
//! ## Reproduces
//! No published number. The tests compare with sums worked out by hand.

mod fit;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Context, Error, MergeInput, MergePlan, Merger, Planned, Result, refuse, register};

/// A weighted mean.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// One number a model, in the order of `models`; all alike where absent.
    pub weights: Option<Vec<f64>>,
    /// Divide the weights by their sum.
    #[serde(default = "normalize")]
    pub normalize: bool,
}

fn normalize() -> bool {
    true
}

/// Below it a sum of weights counts as zero.
const SMALL: f64 = 1e-8;

impl Linear {
    /// The factor of each of `n` models.
    ///
    /// # Errors
    /// Another number of weights, one that is not finite, or weights that cancel out.
    pub fn factors(&self, n: usize) -> Result<Vec<f64>> {
        let Some(weights) = &self.weights else { return Ok(vec![1.0 / n as f64; n]) };
        let wrong = |expected: String, found: String| refuse("linear: weights", expected, found, "give one number a model, in the order of `models`");
        if weights.len() != n {
            return wrong(format!("{n} numbers, one a model"), weights.len().to_string());
        }
        if let Some(bad) = weights.iter().find(|w| !w.is_finite()) {
            return wrong("finite numbers".into(), bad.to_string());
        }
        let sum: f64 = weights.iter().sum();
        if sum.abs() < SMALL {
            return wrong("weights that do not add up to 0".into(), format!("{weights:?}"));
        }
        Ok(if self.normalize { weights.iter().map(|w| w / sum).collect() } else { weights.clone() })
    }
}

impl Merger for Linear {
    fn plan(&self, inputs: &[MergeInput], cx: &mut dyn Context) -> Result<MergePlan> {
        let Some((first, others)) = inputs.split_first() else {
            return refuse("linear: models", "at least one model", "none", "list the models to merge");
        };
        self.factors(inputs.len())?;
        for other in others {
            fit::check(first, other)?;
            if let Some(note) = fit::differing(first, other) {
                cx.note(note);
            }
        }
        let reads = |name: &String| (0..inputs.len()).map(|i| (i, name.clone())).collect();
        let planned = |(name, shape): (&String, &Vec<usize>)| Planned { name: name.clone(), shape: shape.clone(), reads: reads(name) };
        let outputs = first.tensors.iter().map(planned).collect();
        Ok(MergePlan { outputs, config: first.config.clone(), tokenizer: 0, surveys: 0 })
    }

    fn merge(&self, out: &Planned, slices: &[&[f32]], _: &mut dyn Context) -> Result<Vec<f32>> {
        let factors = self.factors(slices.len())?;
        let n = out.shape.iter().product();
        if let Some(other) = slices.iter().find(|s| s.len() != n) {
            return Err(Error::run(format!("tensor {}", out.name), format!("{} values arrived for a tensor of {n}", other.len())));
        }
        let sum = |i| factors.iter().zip(slices).map(|(w, values)| w * f64::from(values[i])).sum::<f64>() as f32;
        Ok((0..n).map(sum).collect())
    }
}

register!(Merger, "linear", "Weighted mean of models with the same tensors", Linear);
