//! The two thin matrices of one projection.
#![allow(non_snake_case, reason = "field names are PEFT's tensor names")]

use tongues_kernel::burn;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Draws, Linear, SiteInfo};

/// The two matrices of one projection; field names are PEFT's.
#[derive(Module, Debug)]
pub struct Pair {
    /// `[r, in]`.
    pub lora_A: Linear,
    /// `[out, r]`.
    pub lora_B: Linear,
}

impl Pair {
    /// A uniform within 1/√in (Kaiming uniform with a = √5), B zero.
    pub fn fresh(info: &SiteInfo, r: usize, draws: Draws, device: &Device) -> Self {
        let [width, out] = info.width;
        let a = draws.uniform_tensor([r, width], 1.0 / (width as f64).sqrt(), device);
        Self::new(a, Tensor::zeros([out, r], device))
    }

    /// From A `[r, in]` and B `[out, r]`.
    pub fn new(a: Tensor<2>, b: Tensor<2>) -> Self {
        Self { lora_A: Linear::new(a, None), lora_B: Linear::new(b, None) }
    }

    /// The rank.
    pub fn rank(&self) -> usize {
        self.lora_A.weight.val().dims()[0]
    }

    /// `B A`, `[out, in]`, without a graph.
    pub(crate) fn product(&self) -> Tensor<2> {
        self.lora_B.weight.val().without_autodiff().matmul(self.lora_A.weight.val().without_autodiff())
    }
}
