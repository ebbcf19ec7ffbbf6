//! Adafactor (Shazeer and Stern 2018, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", arXiv 1804.04235,
//! algorithms 4 and 5): of a matrix's second moment only the means of rows and columns are kept.
//!
//! Options and defaults are those of transformers' `Adafactor`, but for two things: the learning rate comes from the stage
//! (with `relative_step` it is the largest one, the paper's 1e-2), and weight decay is decoupled as in
//! `torch.optim.Adafactor`: by the stage's rate, not by the one scaled to the tensor.

use super::{Method, Seen, State, decayed};
use tongues_kernel::burn::prelude::*;

/// Adafactor's options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adafactor {
    /// Added to squared gradients (ε₁).
    pub epsilon1: f64,
    /// Smallest size of a tensor that the rate is scaled by (ε₂).
    pub epsilon2: f64,
    /// Root mean square of an update above which it is scaled down (d).
    pub clip_threshold: f64,
    /// The second moment's decay at step t is `1 - t^decay_rate`.
    pub decay_rate: f64,
    /// Decay of a first moment; none is kept where absent.
    pub beta1: Option<f64>,
    /// Scale the rate by the tensor's root mean square.
    pub scale_parameter: bool,
    /// The rate is at most `1 / √t`.
    pub relative_step: bool,
}

impl Default for Adafactor {
    fn default() -> Self {
        Self { epsilon1: 1e-30, epsilon2: 1e-3, clip_threshold: 1.0, decay_rate: -0.8, beta1: None, scale_parameter: true, relative_step: true }
    }
}

impl Method for Adafactor {
    fn name(&self) -> &'static str {
        "adafactor"
    }

    fn slots(&self, shape: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        let mut slots = match shape {
            [leading @ .., rows, columns] => vec![("rows", [leading, &[*rows]].concat()), ("columns", [leading, &[*columns]].concat())],
            _ => vec![("second", shape.to_vec())],
        };
        if self.beta1.is_some() {
            slots.push(("first", shape.to_vec()));
        }
        slots
    }

    fn update(&self, seen: Seen<'_>, state: &mut State) -> Tensor<1> {
        let Seen { shape, weights, gradient, rate, decay } = seen;
        let keep = 1.0 - f64::from(state.steps()).powf(self.decay_rate);
        let update = match shape {
            [leading @ .., rows, columns] => factored(gradient, [leading.iter().product(), *rows, *columns], keep, self.epsilon1, state),
            _ => {
                let second = state.get(0) * keep + (gradient.clone().square() + self.epsilon1) * (1.0 - keep);
                state.set(0, second.clone());
                gradient / second.sqrt()
            }
        };
        let excess = (rms(&update) / self.clip_threshold).clamp_min(1.0);
        let mut change = update / excess * self.rate(rate, state.steps());
        if self.scale_parameter {
            change = change * rms(&weights).clamp_min(self.epsilon2);
        }
        if let Some(beta1) = self.beta1 {
            let last = state.slots.len() - 1;
            change = state.get(last) * beta1 + change * (1.0 - beta1);
            state.set(last, change.clone());
        }
        decayed(weights, rate, decay) - change
    }
}

impl Adafactor {
    fn rate(&self, rate: f64, steps: i32) -> f64 {
        if self.relative_step { rate.min(1.0 / f64::from(steps).sqrt()) } else { rate }
    }
}

/// The gradient over the root of its factored second moment; `sizes` are leading axes, rows and columns.
fn factored(gradient: Tensor<1>, sizes: [usize; 3], keep: f64, epsilon: f64, state: &mut State) -> Tensor<1> {
    let [leading, rows, columns] = sizes;
    let gradient = gradient.reshape(sizes);
    let squares = gradient.clone().square() + epsilon;
    let by_row = state.get(0).reshape([leading, rows, 1]) * keep + squares.clone().mean_dim(2) * (1.0 - keep);
    let by_column = state.get(1).reshape([leading, 1, columns]) * keep + squares.mean_dim(1) * (1.0 - keep);
    state.set(0, by_row.clone().reshape([leading * rows]));
    state.set(1, by_column.clone().reshape([leading * columns]));
    // Roots before products: the squares of small gradients have no room for a product in f32.
    let of_rows = (by_row.clone() / by_row.mean_dim(1)).sqrt();
    (gradient / of_rows / by_column.sqrt()).reshape([leading * rows * columns])
}

/// Root mean square, `[1]`.
fn rms(x: &Tensor<1>) -> Tensor<1> {
    x.clone().square().mean().sqrt()
}
