//! One inserted network: norm, down, activation, up, factor, norm.

use super::projection::{First, Projection, Rule};
use super::{Scaling, Settings};
use crate::{Activation, LayerNorm};
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Draws, values};

/// `s · up(act(down(norm(x))))`; field names are those of the files.
#[derive(Module, Debug)]
pub struct Block {
    /// In front of down.
    pub adapter_norm_before: Option<LayerNorm>,
    /// `[D]` → `[D / reduction_factor]`.
    pub adapter_down: Projection,
    /// Back to `[D]`.
    pub adapter_up: Projection,
    /// Behind everything.
    pub adapter_norm_after: Option<LayerNorm>,
    /// `[1]` or `[D]`, where it trains.
    pub scaling: Option<Param<Tensor<1>>>,
    #[module(skip)]
    factor: f64,
    #[module(skip)]
    activation: Activation,
}

impl Block {
    /// With first values as the settings say; `init_weights = "mam_adapter"` and PHM projections start with an up that is zero.
    pub fn fresh([hidden, inner]: [usize; 2], settings: &Settings, activation: Activation, draws: Draws, device: &Device) -> Self {
        let norm = |there: bool| there.then(|| LayerNorm::new(Tensor::ones([hidden], device), Tensor::zeros([hidden], device), 1e-5));
        let up = if settings.phm_layer || settings.init_weights == "mam_adapter" { First::Zero } else { First::Drawn };
        let (factor, scaling) = match &settings.scaling {
            Scaling::Fixed(factor) => (*factor, None),
            Scaling::Word(word) => (1.0, Some(Param::from_tensor(Tensor::ones([if word == "channel" { hidden } else { 1 }], device)))),
        };
        Self {
            adapter_norm_before: norm(settings.ln_before),
            adapter_down: Projection::fresh([hidden, inner], settings, First::Drawn, draws.stream("down"), device),
            adapter_up: Projection::fresh([inner, hidden], settings, up, draws.stream("up"), device),
            adapter_norm_after: norm(settings.ln_after),
            scaling,
            factor,
            activation,
        }
    }

    /// `[batch, time, D]` → the same shape, without the norm behind.
    pub fn forward(&self, x: Tensor<3>, shared: &Rule) -> Tensor<3> {
        let x = match &self.adapter_norm_before {
            Some(norm) => norm.forward(x),
            None => x,
        };
        let inner = self.activation.of(self.adapter_down.forward(x, shared));
        let y = self.adapter_up.forward(inner, shared);
        match &self.scaling {
            Some(scaling) => y * scaling.val().unsqueeze::<3>(),
            None => y * self.factor,
        }
    }

    /// The norm behind, where there is one.
    pub fn normed(&self, x: Tensor<3>) -> Tensor<3> {
        match &self.adapter_norm_after {
            Some(norm) => norm.forward(x),
            None => x,
        }
    }

    /// It gives zero for every input.
    pub fn is_zero(&self) -> bool {
        let up = &self.adapter_up;
        let zero = |values: Vec<f32>| values.iter().all(|x| *x == 0.0);
        let matrix = match (&up.weight, &up.W, &up.W_left) {
            (Some(weight), ..) => values(weight.val()),
            (_, Some(large), _) | (_, _, Some(large)) => values(large.val()),
            _ => vec![],
        };
        let bias = [&up.bias, &up.b].into_iter().flatten().all(|b| zero(values(b.val())));
        zero(matrix) && bias && self.adapter_norm_after.is_none()
    }
}
