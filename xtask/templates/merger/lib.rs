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
use tongues_kernel::{Context, Merged, Merger, Piece, Planned, Result, Slice, register};

/// No options.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct __Type__ {}

impl Merger for __Type__ {
    fn merge<'m>(&'m self, _: &'m Planned, slices: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        let n = slices.len() as f64;
        let mean = move |piece: Piece<'_>| {
            for (i, out) in piece.out.iter_mut().enumerate() {
                *out = (piece.inputs.iter().map(|x| f64::from(x[i])).sum::<f64>() / n) as f32;
            }
        };
        Ok(Merged::elements(mean))
    }
}

register!(Merger, "__name__", "The mean of models", __Type__);
