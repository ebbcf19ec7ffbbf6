//! # linear
//!
//! The weighted mean of models, tensor by tensor.
//! Paper: Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
//! increasing inference time" (arXiv 2203.05482, §2).
//!
//! ## What it does
//! `Σ wᵢ · θᵢ` for every tensor, summed in 64 bits and rounded once. With `normalize` the sum is divided by the sum of the weights.
//! Configuration and tokenizer are those of the base model, or of the first.
//!
//! ## When to use
//! Between models that came from the same base: runs with other seeds or settings, or the adapted model and its base, to win
//! back what was forgotten. Models that do not share a base have no common coordinates, and their mean is worth nothing.
//!
//! ## Differences from the paper
//! Weights are given; the paper's greedy choice of the models is not part of it. Keys and meaning are those of mergekit's `linear`
//! (weights by model, layer and tensor), except that without weights all models count alike, and that sums are made in 64 bits.
//!
//! ## Reproduces
//! No published number. The tests compare with sums worked out by hand and with tensors that mergekit merged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Context, Merged, Merger, Piece, Planned, Result, Setting, Slice, refuse, register};

/// A weighted mean.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// How much a model counts; a model may have its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<Setting>,
    /// Divide by the sum of the weights.
    #[serde(default = "normalize")]
    pub normalize: bool,
}

fn normalize() -> bool {
    true
}

/// Numbers summed at a time: they stay in the nearest cache.
const BLOCK: usize = 512;
/// Below it a sum of weights counts as zero.
const SMALL: f64 = 1e-8;

impl Linear {
    /// The factor of every read.
    fn factors(&self, out: &Planned) -> Result<Vec<f64>> {
        let n = out.reads.len();
        let weights: Vec<f64> = (0..n).map(|i| out.number(i, "weight", self.weight.as_ref()).unwrap_or(1.0)).collect();
        let wrong = |expected: &str| refuse(format!("linear: weight, tensor {}", out.name), expected, format!("{weights:?}"), "one number a model");
        if weights.iter().any(|w| !w.is_finite()) {
            return wrong("finite numbers");
        }
        let sum: f64 = weights.iter().sum();
        match self.normalize {
            true if sum.abs() < SMALL => wrong("weights that do not add up to 0"),
            true => Ok(weights.iter().map(|w| w / sum).collect()),
            false => Ok(weights),
        }
    }
}

impl Merger for Linear {
    fn own_settings(&self) -> &'static [&'static str] {
        &["weight"]
    }

    fn merge<'m>(&'m self, out: &'m Planned, _: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        let factors = self.factors(out)?;
        let sum = move |piece: Piece<'_>| {
            for (block, out) in piece.out.chunks_mut(BLOCK).enumerate() {
                let mut sums = [0f64; BLOCK];
                for (w, x) in factors.iter().zip(piece.inputs) {
                    let x = &x[block * BLOCK..][..out.len()];
                    sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += w * f64::from(*x));
                }
                out.iter_mut().zip(&sums).for_each(|(out, sum)| *out = *sum as f32);
            }
        };
        Ok(Merged::elements(sum))
    }
}

register!(Merger, "linear", "Weighted mean of models with the same tensors", Linear);
