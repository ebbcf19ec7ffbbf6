//! The two thin matrices of one projection, with what may stand beside them.
#![allow(non_snake_case, reason = "field names are PEFT's tensor names")]

use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Linear, values};
use tongues_ops::{add_low_rank, linear, wide};

/// The matrices of one projection; field names are PEFT's.
#[derive(Module, Debug)]
pub struct Pair {
    /// `[r, in]`.
    pub lora_A: Linear,
    /// `[out, r]`, with a bias `[out]` under `lora_bias`.
    pub lora_B: Linear,
    /// DoRA's length of each row of the weight `[out]`.
    pub lora_magnitude_vector: Option<Param<Tensor<1>>>,
    /// Where the matrices started, when they started as a part of the weight: that part counts as taken out of it.
    pub(crate) start: Option<Start>,
}

/// Factors that are taken out of a weight. They never train.
#[derive(Module, Debug)]
pub struct Start {
    /// `[r, in]`.
    pub a: Tensor<2>,
    /// `[out, r]`.
    pub b: Tensor<2>,
}

impl Pair {
    /// From A `[r, in]` and B `[out, r]`.
    pub fn new(a: Tensor<2>, b: Tensor<2>) -> Self {
        Self { lora_A: Linear::new(a, None), lora_B: Linear::new(b, None), lora_magnitude_vector: None, start: None }
    }

    /// With a bias of B `[out]`.
    #[must_use]
    pub fn with_bias(self, bias: Option<Tensor<1>>) -> Self {
        Self { lora_B: Linear { bias: bias.map(Param::from_tensor), ..self.lora_B }, ..self }
    }

    /// With lengths of the weight's rows `[out]`.
    #[must_use]
    pub fn with_magnitude(self, magnitude: Option<Tensor<1>>) -> Self {
        Self { lora_magnitude_vector: magnitude.map(Param::from_tensor), ..self }
    }

    /// With a start that counts as taken out of the weight.
    #[must_use]
    pub fn with_start(self, start: Option<Start>) -> Self {
        Self { start, ..self }
    }

    /// The rank.
    pub fn rank(&self) -> usize {
        self.lora_A.weight.val().dims()[0]
    }

    /// What a projection gives with the pair beside it. `x` is `[batch, time, in]` without dropout, `dropped` with it, `y`
    /// `[batch, time, out]` what the projection gives alone.
    pub fn beside(&self, projection: Option<&Linear>, dropped: Tensor<3>, y: Tensor<3>, scale: f64, drops: bool) -> Tensor<3> {
        let (a, b) = (self.lora_A.weight.val(), self.lora_B.weight.val());
        if let (Some(magnitude), Some(projection)) = (&self.lora_magnitude_vector, projection) {
            return self.turned(projection, magnitude.val(), dropped, y, scale, drops);
        }
        if let Some(start) = &self.start {
            // The difference first: it is zero to the last bit while the pair is where it started.
            let low = |a: Tensor<2>, b: Tensor<2>| rows(dropped.clone(), |x| linear(linear(x, a.clone()), b.clone()));
            return y + (low(a, b) - low(start.a.clone(), start.b.clone())) * scale;
        }
        let y = add_low_rank(y, dropped, a, b, scale);
        match &self.lora_B.bias {
            Some(bias) => y + (bias.val() * scale).unsqueeze::<3>(),
            None => y,
        }
    }

    /// DoRA (Liu et al. 2024, eq. 5): `m / |W + s B A| · (W + s B A) x`, the norm of each row counting as a constant (§4.3).
    /// As in PEFT the projection's own bias keeps its length, and dropout acts on what is added to the plain projection.
    fn turned(&self, projection: &Linear, magnitude: Tensor<1>, dropped: Tensor<3>, y: Tensor<3>, scale: f64, drops: bool) -> Tensor<3> {
        let by = magnitude / constant(self.norm(&projection.weight.val(), scale), &y);
        let by = by.unsqueeze::<3>();
        let plain = match (drops, &projection.bias) {
            (true, _) => rows(dropped.clone(), |x| linear(x, projection.weight.val())),
            (false, Some(bias)) => y.clone() - bias.val().unsqueeze::<3>(),
            (false, None) => y.clone(),
        };
        let low = rows(dropped, |x| linear(linear(x, self.lora_A.weight.val()), self.lora_B.weight.val()));
        y + (by.clone() - 1.0) * plain + by * low * scale
    }

    /// `|W + s B A|` of each row `[out]`, without a graph.
    pub(crate) fn norm(&self, weight: &Tensor<2>, scale: f64) -> Tensor<1> {
        let whole = wide(weight.clone()).without_autodiff() + self.product() * scale;
        let out = whole.dims()[0];
        (whole.clone() * whole).sum_dim(1).sqrt().reshape([out])
    }

    /// `B A`, less the start, `[out, in]`, without a graph.
    pub(crate) fn product(&self) -> Tensor<2> {
        let product = self.lora_B.weight.val().without_autodiff().matmul(self.lora_A.weight.val().without_autodiff());
        match &self.start {
            Some(start) => product - start.b.clone().without_autodiff().matmul(start.a.clone().without_autodiff()),
            None => product,
        }
    }

    /// A and B as a file without a start holds them: with a start of rank r they have rank 2r, `[A; A₀]` and `[B, -B₀]`.
    pub(crate) fn written(&self) -> (Tensor<2>, Tensor<2>) {
        let (a, b) = (self.lora_A.weight.val().without_autodiff(), self.lora_B.weight.val().without_autodiff());
        match &self.start {
            Some(s) => (Tensor::cat(vec![a, s.a.clone().without_autodiff()], 0), Tensor::cat(vec![b, s.b.clone().without_autodiff().neg()], 1)),
            None => (a, b),
        }
    }

    /// It adds nothing.
    pub(crate) fn is_zero(&self) -> bool {
        let equal = |x: Tensor<2>, y: Tensor<2>| values(x) == values(y);
        let bias = self.lora_B.bias.as_ref().is_none_or(|b| values(b.val()).iter().all(|x| *x == 0.0));
        let zero = match &self.start {
            Some(start) => equal(self.lora_A.weight.val(), start.a.clone()) && equal(self.lora_B.weight.val(), start.b.clone()),
            None => values(self.lora_B.weight.val()).iter().all(|x| *x == 0.0),
        };
        zero && bias
    }
}

/// A function of rows for `[batch, time, width]`.
fn rows(x: Tensor<3>, f: impl Fn(Tensor<2>) -> Tensor<2>) -> Tensor<3> {
    let [batch, time, width] = x.dims();
    let y = f(x.reshape([batch * time, width]));
    let out = y.dims()[1];
    y.reshape([batch, time, out])
}

/// A tensor without a graph, on the device of another.
fn constant<const D: usize>(x: Tensor<D>, like: &Tensor<3>) -> Tensor<D> {
    if like.device().is_autodiff() { Tensor::from_inner(x) } else { x }
}
