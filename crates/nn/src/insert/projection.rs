//! The projections of an inserted network: dense ones, and sums of Kronecker products.
#![allow(non_snake_case, reason = "field names are those of the files")]

use super::Settings;
use tongues_kernel::Draws;
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;

/// A dense projection (`weight`, `bias`), or a PHM one: `y = x · Σᵢ Aᵢ ⊗ Wᵢ + b` (Zhang et al. 2021, arXiv 2102.08597, eq. 4),
/// with Wᵢ the product of two thin matrices where they are factorised (Mahabadi et al. 2021, arXiv 2106.04647, eq. 5).
#[derive(Module, Debug, Default)]
pub struct Projection {
    /// `[out, in]`.
    pub weight: Option<Param<Tensor<2>>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// `[n, in/n, out/n]`.
    pub W: Option<Param<Tensor<3>>>,
    /// `[n, in/n, r]`.
    pub W_left: Option<Param<Tensor<3>>>,
    /// `[n, r, out/n]`.
    pub W_right: Option<Param<Tensor<3>>>,
    /// `[n, n, n]`: A, where it is this projection's own.
    pub phm_rule: Option<Param<Tensor<3>>>,
    /// `[n, n, 1]`.
    pub phm_rule_left: Option<Param<Tensor<3>>>,
    /// `[n, 1, n]`.
    pub phm_rule_right: Option<Param<Tensor<3>>>,
    /// `[out]`.
    pub b: Option<Param<Tensor<1>>>,
}

/// The small factors A of all PHM projections, where they are shared.
#[derive(Module, Debug, Default)]
pub struct Rule {
    /// `[n, n, n]`.
    pub phm_rule: Option<Param<Tensor<3>>>,
    /// `[n, n, 1]`.
    pub phm_rule_left: Option<Param<Tensor<3>>>,
    /// `[n, 1, n]`.
    pub phm_rule_right: Option<Param<Tensor<3>>>,
}

type Factors = [Option<Param<Tensor<3>>>; 3];

impl Rule {
    /// Fresh shared factors; none where they are not shared.
    pub fn fresh(settings: &Settings, draws: Draws, device: &Device) -> Self {
        let [phm_rule, phm_rule_left, phm_rule_right] =
            if settings.phm_layer && settings.shared_phm_rule { factors(settings, settings.phm_init_range, 1.0, draws, device) } else { [None, None, None] };
        Self { phm_rule, phm_rule_left, phm_rule_right }
    }
}

/// Small factors, drawn as `phm_c_init` says.
fn factors(settings: &Settings, std: f64, bound: f64, draws: Draws, device: &Device) -> Factors {
    let n = settings.phm_dim;
    let draw = |name: &str, shape: [usize; 3]| {
        let draws = draws.stream(name);
        let tensor = if settings.phm_c_init == "uniform" { draws.uniform_tensor(shape, bound, device) } else { draws.normal_tensor(shape, std, device) };
        Some(Param::from_tensor(tensor))
    };
    if settings.factorized_phm_rule { [None, draw("rule left", [n, n, 1]), draw("rule right", [n, 1, n])] } else { [draw("rule", [n, n, n]), None, None] }
}

/// How a projection's first values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// As `init_weights` says.
    Drawn,
    /// Zero, so that the network changes nothing.
    Zero,
}

impl Projection {
    /// A fresh projection of `[in, out]`.
    pub(super) fn fresh([width, out]: [usize; 2], settings: &Settings, first: First, draws: Draws, device: &Device) -> Self {
        if settings.phm_layer {
            return Self::kronecker([width, out], settings, first, draws, device);
        }
        let weight = match (first, settings.init_weights.as_str()) {
            (First::Zero, _) => Tensor::zeros([out, width], device),
            (_, "mam_adapter") => draws.uniform_tensor([out, width], 1.0 / (width as f64).sqrt(), device),
            (_, "houlsby") => draws.normal_tensor([out, width], 0.01, device).clamp(-0.02, 0.02),
            _ => draws.normal_tensor([out, width], 0.02, device),
        };
        Self { weight: Some(Param::from_tensor(weight)), bias: Some(Param::from_tensor(Tensor::zeros([out], device))), ..Self::default() }
    }

    fn kronecker([width, out]: [usize; 2], settings: &Settings, first: First, draws: Draws, device: &Device) -> Self {
        let (n, r) = (settings.phm_dim, settings.phm_rank);
        // Glorot and Bengio 2010, a matrix each.
        let draw =
            |name: &str, [a, b]: [usize; 2]| Some(Param::from_tensor(draws.stream(name).normal_tensor([n, a, b], (2.0 / (a + b) as f64).sqrt(), device)));
        let zero = |shape: [usize; 2]| Some(Param::from_tensor(Tensor::zeros([n, shape[0], shape[1]], device)));
        let (rows, columns) = (width / n, out / n);
        let large = |name: &str, shape| if first == First::Zero { zero(shape) } else { draw(name, shape) };
        let (whole, left, right) = if settings.factorized_phm_W {
            (None, large("left", [rows, r]), draw("right", [r, columns]))
        } else {
            (large("whole", [rows, columns]), None, None)
        };
        let [phm_rule, phm_rule_left, phm_rule_right] =
            if settings.shared_phm_rule { [None, None, None] } else { factors(settings, 0.01, 0.01, draws, device) };
        let b = settings.phm_bias.then(|| Param::from_tensor(Tensor::zeros([out], device)));
        Self { weight: None, bias: None, W: whole, W_left: left, W_right: right, phm_rule, phm_rule_left, phm_rule_right, b }
    }

    /// `[batch, time, in]` → `[batch, time, out]`.
    pub fn forward(&self, x: Tensor<3>, shared: &Rule) -> Tensor<3> {
        let [batch, time, width] = x.dims();
        let x = x.reshape([batch * time, width]);
        let (y, bias) = match &self.weight {
            Some(weight) => (tongues_ops::linear(x, weight.val()), &self.bias),
            None => match self.kroneckers(shared) {
                Some(matrix) => (x.matmul(matrix), &self.b),
                None => (x, &self.b),
            },
        };
        let y = match bias {
            Some(bias) => y + bias.val().unsqueeze::<2>(),
            None => y,
        };
        let out = y.dims()[1];
        y.reshape([batch, time, out])
    }

    /// `Σᵢ Aᵢ ⊗ Wᵢ`, `[in, out]`.
    fn kroneckers(&self, shared: &Rule) -> Option<Tensor<2>> {
        let small = product(&self.phm_rule, &self.phm_rule_left, &self.phm_rule_right)
            .or_else(|| product(&shared.phm_rule, &shared.phm_rule_left, &shared.phm_rule_right))?;
        let large = product(&self.W, &self.W_left, &self.W_right)?;
        let ([n, a, b], [_, rows, columns]) = (small.dims(), large.dims());
        // (A ⊗ W)[i·rows + k, j·columns + l] = A[i, j] · W[k, l]
        let small = small.reshape([n, a * b]).swap_dims(0, 1); // [a·b, n]
        let sum = small.matmul(large.reshape([n, rows * columns])); // [a·b, rows·columns]
        Some(sum.reshape([a, b, rows, columns]).swap_dims(1, 2).reshape([a * rows, b * columns]))
    }
}

fn product(whole: &Option<Param<Tensor<3>>>, left: &Option<Param<Tensor<3>>>, right: &Option<Param<Tensor<3>>>) -> Option<Tensor<3>> {
    match (whole, left, right) {
        (Some(whole), ..) => Some(whole.val()),
        (_, Some(left), Some(right)) => Some(left.val().matmul(right.val())),
        _ => None,
    }
}
