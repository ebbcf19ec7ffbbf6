//! Rotary position embeddings (Su et al. 2021), half-split layout, with the scalings of the Hugging Face files.

mod keys;
mod scaling;

pub use keys::{LayerRope, read_layer_rope, read_rope, write_layer_ropes, write_rope};
pub use scaling::RopeScaling;

use crate::config::require;
use tongues_kernel::Result;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;

/// Frequencies of one head width.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    theta: f64,
    width: usize,
    scaling: RopeScaling,
}

impl Rope {
    /// Base frequency `theta`, for heads of `width`.
    pub fn new(theta: f64, width: usize, scaling: &RopeScaling) -> Self {
        Self { theta, width, scaling: scaling.clone() }
    }

    /// Angle per position of each pair, `head_dim / 2` of them, where the longest text of a batch has `length` tokens.
    pub fn frequencies(&self, length: usize) -> Vec<f64> {
        self.scaling.frequencies(self.theta, self.width, length)
    }

    /// Refuses an odd width, and lists of another length than the pairs of a head.
    ///
    /// # Errors
    /// As said.
    pub fn check(&self, family: &str) -> Result<()> {
        require(self.width.is_multiple_of(2), (family, "head_dim"), "an even number", self.width)?;
        let RopeScaling::Longrope { short, long, .. } = &self.scaling else { return Ok(()) };
        for (key, list) in [("short_factor", short), ("long_factor", long)] {
            require(list.len() == self.width / 2, (family, key), format!("{} numbers, one a pair", self.width / 2), list.len())?;
        }
        Ok(())
    }

    /// The longest text that the scaling is made for, at least `positions`.
    pub fn reach(&self, positions: usize) -> usize {
        self.scaling.reach(positions)
    }

    /// cos and sin of positions `[batch, time]` → two of `[batch, 1, time, head_dim]`.
    ///
    /// Some scalings depend on the length of a text. As in the reference, it is the largest position of this call: keys that a
    /// cache holds stay turned as they were.
    pub fn tables(&self, positions: Tensor<2, Int>) -> (Tensor<4>, Tensor<4>) {
        let [batch, time] = positions.dims();
        let device = positions.device();
        let places = positions.clone().max().into_scalar::<i64>().max(0) as usize + 1;
        let frequencies = self.frequencies(places);
        let width = frequencies.len() * 2;
        // The reference rounds frequencies and angles to f32, so equality needs the same.
        let angles: Vec<f32> = (0..places).flat_map(|p| frequencies.iter().map(move |f| (p as f32) * (*f as f32))).collect();
        let index = positions.reshape([batch * time]);
        let factor = self.scaling.attention_factor() as f32;
        let table = |of: fn(f32) -> f32| {
            let half: Vec<f32> = angles.iter().map(|a| of(*a) * factor).collect();
            let half = Tensor::<2>::from_data(TensorData::new(half, [places, width / 2]), &device);
            Tensor::cat(vec![half.clone(), half], 1).select(0, index.clone()).reshape([batch, 1, time, width])
        };
        (table(f32::cos), table(f32::sin))
    }
}
