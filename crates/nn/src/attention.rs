//! Multi-head attention with grouped keys and values.

use tongues_kernel::Attention;
use tongues_kernel::burn::prelude::*;
use tongues_ops::Scores;

/// `[batch, time, heads · d]` → `[batch, heads, time, d]`.
pub fn heads_apart(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [batch, time, width] = x.dims();
    x.reshape([batch, time, heads, width / heads]).swap_dims(1, 2)
}

/// `[batch, heads, time, d]` → `[batch, time, heads · d]`.
pub fn heads_together(x: Tensor<4>) -> Tensor<3> {
    let [batch, heads, time, width] = x.dims();
    x.swap_dims(1, 2).reshape([batch, time, heads * width])
}

/// Grouped-query attention (Ainslie et al. 2023): each key head serves `heads / kv_heads` neighbouring query heads.
pub fn grouped(a: Attention) -> Tensor<4> {
    let (heads, kv_heads) = (a.q.dims()[1], a.k.dims()[1]);
    let (k, v) = (repeat(a.k, heads / kv_heads), repeat(a.v, heads / kv_heads));
    // The fused window begins at the first key; keys in front of it need the mask itself.
    let behind = a.mask.window.is_some() && a.mask.in_front > 0;
    let allowed = if behind { a.mask.materialise(a.q.dims()[2], k.dims()[2], &a.q.device().without_autodiff()) } else { a.mask.allowed };
    let scores =
        Scores { scale: a.scale, softcap: a.softcap, causal: a.mask.causal, window: a.mask.window, allowed, bias: a.bias.map(|b| widened(b, k.dims()[2])) };
    tongues_ops::attention(a.q, k, v, &scores)
}

/// A bias for all keys: those in front that it says nothing of get none.
fn widened(bias: Tensor<4>, keys: usize) -> Tensor<4> {
    let [batch, heads, queries, own] = bias.dims();
    if own == keys {
        return bias;
    }
    Tensor::cat(vec![Tensor::zeros([batch, heads, queries, keys - own], &bias.device()), bias], 3)
}

/// Each head `times` times in place: h0 h0 h1 h1, not h0 h1 h0 h1.
fn repeat(x: Tensor<4>, times: usize) -> Tensor<4> {
    if times == 1 {
        return x;
    }
    let [batch, heads, time, width] = x.dims();
    let x = x.reshape([batch, heads, 1, time, width]).expand([batch, heads, times, time, width]);
    x.reshape([batch, heads * times, time, width])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tongues_kernel::{Draws, Mask, values};

    #[test]
    fn keys_in_front_of_a_window_are_seen_by_all() {
        let device = Device::flex();
        let draw = |name: &str, heads, rows| Draws::new(3).stream(name).normal_tensor([1, heads, rows, 4], 1.0, &device);
        let mask = Mask { causal: true, ..Mask::default() }.within(Some(2)).prepend_visible(3);
        let how =
            |mask: Mask| Attention { q: draw("q", 4, 5), k: draw("k", 2, 8), v: draw("v", 2, 8), mask, bias: None, scale: 0.5, softcap: None, new_keys: 3..8 };
        let explicit = Mask { causal: true, allowed: mask.materialise(5, 8, &device), ..Mask::default() };
        let (windowed, expected) = (values(grouped(how(mask.clone()))), values(grouped(how(explicit))));
        assert!(windowed.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
        let blind = values(grouped(how(Mask { in_front: 0, ..mask })));
        assert!(blind.iter().zip(&expected).any(|(a, b)| (a - b).abs() > 1e-3));
    }

    #[test]
    fn a_bias_says_nothing_of_keys_in_front() {
        let bias = Tensor::<4>::ones([1, 2, 1, 3], &Device::flex());
        assert_eq!(values(widened(bias.clone(), 4)), [0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]);
        assert_eq!(widened(bias, 3).dims(), [1, 2, 1, 3]);
    }
}
