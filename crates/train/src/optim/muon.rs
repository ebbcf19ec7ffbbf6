//! Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"): momentum whose matrix is brought
//! near to an orthogonal one. Options, defaults and the order of operations are those of `torch.optim.Muon`, which iterates
//! in bfloat16; here everything is f32.

use super::{Method, Seen, State, decayed};
use tongues_kernel::burn::prelude::*;

/// The quintic's coefficients: steep at 0, so that five iterations bring all singular values to about 1.
const NEWTON_SCHULZ: [f64; 3] = [3.4445, -4.7750, 2.0315];

/// How the learning rate of a matrix follows its shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdjustLr {
    /// `√max(1, rows / columns)`, as the authors.
    #[default]
    Original,
    /// `0.2 · √max(rows, columns)`: steps as large as AdamW's, so that one rate suits both (Liu et al. 2025, arXiv 2502.16982).
    MatchRmsAdamW,
    /// `√(rows / columns)`, below 1 for wide matrices.
    SpectralUnclamped,
}

impl AdjustLr {
    fn factor(self, rows: usize, columns: usize) -> f64 {
        match self {
            Self::Original => (rows as f64 / columns as f64).max(1.0).sqrt(),
            Self::MatchRmsAdamW => 0.2 * (rows.max(columns) as f64).sqrt(),
            Self::SpectralUnclamped => (rows as f64 / columns as f64).sqrt(),
        }
    }
}

/// Muon's options. Matrices only: what is none is trained by AdamW.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Muon {
    /// Decay of the momentum.
    pub momentum: f64,
    /// Look one step ahead.
    pub nesterov: bool,
    /// Newton-Schulz iterations.
    pub ns_steps: usize,
    /// How the learning rate follows the shape.
    pub adjust_lr: AdjustLr,
    /// Smallest norm that is divided by.
    pub epsilon: f64,
}

impl Default for Muon {
    fn default() -> Self {
        Self { momentum: 0.95, nesterov: true, ns_steps: 5, adjust_lr: AdjustLr::default(), epsilon: 1e-7 }
    }
}

impl Method for Muon {
    fn name(&self) -> &'static str {
        "muon"
    }

    fn slots(&self, shape: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        vec![("momentum", shape.to_vec())]
    }

    fn update(&self, seen: Seen<'_>, state: &mut State) -> Tensor<1> {
        let Seen { shape, weights, gradient, rate, decay } = seen;
        let momentum = state.get(0) * self.momentum + gradient.clone() * (1.0 - self.momentum);
        state.set(0, momentum.clone());
        let ahead = if self.nesterov { gradient * (1.0 - self.momentum) + momentum * self.momentum } else { momentum };
        let [rows, columns] = [shape[0], shape[1..].iter().product()];
        let direction = self.orthogonal(ahead.reshape([rows, columns])).reshape([rows * columns]);
        decayed(weights, rate, decay) - direction * (rate * self.adjust_lr.factor(rows, columns))
    }
}

impl Muon {
    /// A matrix with the same singular vectors and singular values near 1.
    fn orthogonal(&self, x: Tensor<2>) -> Tensor<2> {
        let [rows, columns] = x.dims();
        // The smaller Gram matrix is the cheaper one.
        let tall = rows > columns;
        let x = if tall { x.transpose() } else { x };
        let norm = x.clone().square().sum().sqrt().clamp_min(self.epsilon);
        let mut x = x / norm.reshape([1, 1]);
        let [a, b, c] = NEWTON_SCHULZ;
        for _ in 0..self.ns_steps {
            let gram = x.clone().matmul(x.clone().transpose());
            let polynomial = gram.clone() * b + gram.clone().matmul(gram) * c;
            x = x.clone() * a + polynomial.matmul(x);
        }
        if tall { x.transpose() } else { x }
    }
}
