//! The operations as plain tensor code: what every device runs, and what the fused forms are held against.

use crate::Scores;
use burn::prelude::*;
use burn::tensor::activation::{gelu_approximate, log_softmax, silu, softmax};
use burn::tensor::{Bool, Int};

/// Score of a pair that may not look at each other; finite, so that a row without any partner stays finite.
const FORBIDDEN: f32 = -1e9;

/// See [`crate::rms_norm`].
pub fn rms_norm(x: Tensor<3>, weight: Tensor<1>, epsilon: f64) -> Tensor<3> {
    let mean = x.clone().square().mean_dim(2);
    let scale = (mean + epsilon).sqrt().recip();
    x * scale * weight.unsqueeze::<3>()
}

/// See [`crate::layer_norm`].
pub fn layer_norm(x: Tensor<3>, weight: Tensor<1>, bias: Tensor<1>, epsilon: f64) -> Tensor<3> {
    let centred = x.clone() - x.mean_dim(2);
    let variance = centred.clone().square().mean_dim(2);
    centred * (variance + epsilon).sqrt().recip() * weight.unsqueeze::<3>() + bias.unsqueeze::<3>()
}

/// See [`crate::swiglu`].
pub fn swiglu(gate: Tensor<3>, up: Tensor<3>) -> Tensor<3> {
    silu(gate) * up
}

/// See [`crate::geglu`].
pub fn geglu(gate: Tensor<3>, up: Tensor<3>) -> Tensor<3> {
    gelu_approximate(gate) * up
}

/// `cap · tanh(x / cap)`, or nothing.
pub fn capped(x: Tensor<4>, cap: Option<f64>) -> Tensor<4> {
    match cap {
        Some(cap) => (x / cap).tanh() * cap,
        None => x,
    }
}

/// See [`crate::attention`].
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, how: &Scores) -> Tensor<4> {
    let scores = capped((q * how.scale).matmul(k.swap_dims(2, 3)), how.softcap);
    let scores = match &how.bias {
        Some(bias) => scores + bias.clone(),
        None => scores,
    };
    weights(scores, how).matmul(v)
}

/// Softmax over the keys that a query may look at.
pub fn weights(scores: Tensor<4>, how: &Scores) -> Tensor<4> {
    let [batch, heads, queries, keys] = scores.dims();
    let allowed = match &how.allowed {
        Some(allowed) => Some(allowed.clone()),
        None if how.window.is_some() || (how.causal && queries > 1) => {
            Some(reachable(queries, keys, how.causal, how.window, &scores.device().without_autodiff()))
        }
        None => None,
    };
    let scores = match allowed {
        Some(allowed) => scores.mask_fill(allowed.bool_not().expand([batch, heads, queries, keys]), FORBIDDEN),
        None => scores,
    };
    softmax(scores, 3)
}

/// `[1, 1, queries, keys]`, true up to the diagonal that ends in the last corner.
pub fn causal(queries: usize, keys: usize, device: &Device) -> Tensor<4, Bool> {
    reachable(queries, keys, true, None, device)
}

/// `[1, 1, queries, keys]`, true where a key is at most the query's own place (`causal`) and fewer than `window` places away.
pub fn reachable(queries: usize, keys: usize, causal: bool, window: Option<usize>, device: &Device) -> Tensor<4, Bool> {
    let row = Tensor::<1, Int>::arange((keys - queries) as i64..keys as i64, device).reshape([queries, 1]).expand([queries, keys]);
    let column = Tensor::<1, Int>::arange(0..keys as i64, device).reshape([1, keys]).expand([queries, keys]);
    let behind = row - column; // [queries, keys], negative for keys that come later
    let nearest = if causal { 0 } else { window.map_or(-(keys as i64), |w| 1 - w.max(1) as i64) };
    let farthest = window.map_or(keys as i64, |w| w.max(1) as i64 - 1);
    let seen = behind.clone().greater_equal_elem(nearest).bool_and(behind.lower_equal_elem(farthest));
    seen.unsqueeze::<4>()
}

/// See [`crate::cross_entropy_sum`].
pub fn cross_entropy_sum(logits: Tensor<2>, labels: Tensor<1, Int>, weights: Tensor<1>) -> Tensor<1> {
    let rows = logits.dims()[0];
    let chosen = log_softmax(logits, 1).gather(1, labels.reshape([rows, 1])).reshape([rows]);
    (chosen * weights).sum().neg()
}

/// See [`crate::rotate_half_split`].
pub fn rotate_half_split(x: Tensor<4>, cos: Tensor<4>, sin: Tensor<4>) -> Tensor<4> {
    let half = x.dims()[3] / 2;
    let left = x.clone().narrow(3, 0, half);
    let right = x.clone().narrow(3, half, half);
    x * cos + Tensor::cat(vec![right.neg(), left], 3) * sin
}
