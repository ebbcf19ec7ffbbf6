//! First values of parameters.

use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Draws, Init, Linear};

/// Gives parameters their first values: N(0, std²) from draws of their own name, or zeros where a checkpoint follows.
pub struct Fill<'i> {
    init: &'i Init,
    std: f64,
}

impl<'i> Fill<'i> {
    /// With the family's `initializer_range` as standard deviation.
    pub fn new(init: &'i Init, std: f64) -> Self {
        Self { init, std }
    }

    /// A matrix by its Hugging Face name.
    pub fn matrix(&self, name: &str, shape: [usize; 2]) -> Tensor<2> {
        match self.init.draws {
            Some(draws) => self.drawn(draws, name, shape),
            // A checkpoint follows: one number that stands for all of them takes no memory until then.
            None => Tensor::<2>::zeros([1, 1], &self.init.device).expand(shape),
        }
    }

    fn drawn(&self, draws: Draws, name: &str, shape: [usize; 2]) -> Tensor<2> {
        draws.stream("init").stream(name).normal_tensor(shape, self.std, &self.init.device)
    }

    /// A vector of one value.
    pub fn constant(&self, value: f64, length: usize) -> Tensor<1> {
        Tensor::full([length], value, &self.init.device)
    }
}

/// A projection by its Hugging Face path; biases start at zero.
pub fn linear(fill: &Fill<'_>, path: &str, [width, out]: [usize; 2], bias: bool) -> Linear {
    Linear::new(fill.matrix(&format!("{path}.weight"), [out, width]), bias.then(|| fill.constant(0.0, out)))
}
