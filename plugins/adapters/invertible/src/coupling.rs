//! The invertible network: two coupled halves.

use crate::Form;
use tongues_kernel::burn;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Draws, Linear, values};
use tongues_nn::Activation;

/// Factors of GLOW lie within e^±CLAMP, and 0.636 ≈ 2/π makes the arc tangent end at 1.
const CLAMP: f64 = 5.0;
const OVER_HALF_PI: f64 = 0.636;

/// What one half is changed by, seen from the other.
#[derive(Module, Debug)]
struct Subnet {
    down: Linear,
    up: Linear,
}

/// Both halves of NICE or GLOW.
#[derive(Module, Debug)]
pub struct Coupling {
    /// Changes the first half, sees the second (F; s2 in GLOW).
    first: Subnet,
    /// Changes the second half, sees the changed first (G; s1 in GLOW).
    second: Subnet,
    #[module(skip)]
    form: Form,
    #[module(skip)]
    activation: Activation,
    /// Width of the first half.
    split: usize,
}

/// The two halves' widths.
pub fn halves(hidden: usize) -> [usize; 2] {
    [hidden / 2, hidden - hidden / 2]
}

impl Coupling {
    /// `inner` are the inner widths of the subnets that see the second and the first half. Last projections are zero.
    pub fn fresh(form: Form, activation: Activation, hidden: usize, inner: [usize; 2], draws: Draws, device: &Device) -> Self {
        let [a, b] = halves(hidden);
        let given = if form == Form::Glow { 2 } else { 1 };
        let subnet = |name: &str, width: usize, inner: usize, out: usize| Subnet {
            down: Linear::new(draws.stream(name).normal_tensor([inner, width], 0.02, device), Some(Tensor::zeros([inner], device))),
            up: Linear::new(Tensor::zeros([out, inner], device), Some(Tensor::zeros([out], device))),
        };
        Self { first: subnet("first", b, inner[0], given * a), second: subnet("second", a, inner[1], given * b), form, activation, split: a }
    }

    /// `[batch, time, hidden]` → the same shape.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [x1, x2] = self.apart(x);
        let y1 = self.changed(x1, &self.first, x2.clone());
        let y2 = self.changed(x2, &self.second, y1.clone());
        Tensor::cat(vec![y1, y2], 2)
    }

    /// The inverse of [`Self::forward`].
    pub fn inverse(&self, y: Tensor<3>) -> Tensor<3> {
        let [y1, y2] = self.apart(y);
        let x2 = self.restored(y2, &self.second, y1.clone());
        let x1 = self.restored(y1, &self.first, x2.clone());
        Tensor::cat(vec![x1, x2], 2)
    }

    fn apart(&self, x: Tensor<3>) -> [Tensor<3>; 2] {
        let width = x.dims()[2];
        [x.clone().narrow(2, 0, self.split), x.narrow(2, self.split, width - self.split)]
    }

    fn changed(&self, x: Tensor<3>, subnet: &Subnet, other: Tensor<3>) -> Tensor<3> {
        let (factor, shift) = self.change(subnet, other, x.dims()[2]);
        match factor {
            Some(factor) => x * factor + shift,
            None => x + shift,
        }
    }

    fn restored(&self, y: Tensor<3>, subnet: &Subnet, other: Tensor<3>) -> Tensor<3> {
        let (factor, shift) = self.change(subnet, other, y.dims()[2]);
        match factor {
            Some(factor) => (y - shift) / factor,
            None => y - shift,
        }
    }

    /// Factor (in GLOW) and shift that a subnet gives.
    fn change(&self, subnet: &Subnet, other: Tensor<3>, width: usize) -> (Option<Tensor<3>>, Tensor<3>) {
        let given = subnet.up.forward(self.activation.of(subnet.down.forward(other)));
        match self.form {
            Form::Nice => (None, given),
            Form::Glow => {
                let bent = (given.clone().narrow(2, 0, width) / CLAMP).atan() * (CLAMP * OVER_HALF_PI);
                (Some(bent.exp()), given.narrow(2, width, width))
            }
        }
    }

    /// The name that a parameter has in the files: `first.down.weight` is `F.0.weight`.
    pub fn on_disk(&self, own: &str) -> String {
        let [first, second] = if self.form == Form::Nice { ["F", "G"] } else { ["s2", "s1"] };
        let mut pieces = own.split('.');
        let subnet = if pieces.next() == Some("first") { first } else { second };
        let place = if pieces.next() == Some("down") { "0" } else { "2" };
        format!("{subnet}.{place}.{}", pieces.collect::<Vec<_>>().join("."))
    }

    /// Both subnets give zero for every input.
    pub fn is_identity(&self) -> bool {
        let zero = |v: Vec<f32>| v.iter().all(|x| *x == 0.0);
        let silent = |s: &Subnet| zero(values(s.up.weight.val())) && s.up.bias.as_ref().is_none_or(|b| zero(values(b.val())));
        silent(&self.first) && silent(&self.second)
    }
}
