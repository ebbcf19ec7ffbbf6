//! Attention with linear biases (Press et al. 2022, arXiv 2108.12409).

use tongues_kernel::Mask;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;

/// The slope of each head, as in the paper's code: a geometric series for a power of two, with every other one of the next
/// series put behind it for other numbers of heads.
pub fn alibi_slopes(heads: usize) -> Vec<f32> {
    let series = |n: usize| (1..=n).map(move |i| 2f64.powf(-8.0 * i as f64 / n as f64) as f32);
    let below = if heads.is_power_of_two() { heads } else { heads.next_power_of_two() / 2 };
    series(below).chain(series(2 * below).step_by(2)).take(heads).collect()
}

/// slope · position of the key, `[batch or 1, heads, 1, keys]`: the softmax of a row is the same as with distances.
/// Keys in front of all others get nothing.
pub fn alibi(slopes: &[f32], mask: &Mask, keys: usize, device: &Device) -> Tensor<4> {
    let heads = slopes.len();
    let slopes = Tensor::<1>::from_floats(slopes, device).reshape([1, heads, 1, 1]);
    let positions = match &mask.positions {
        Some(positions) => positions.clone().float(),
        None => Tensor::<1, Int>::arange(0..keys as i64, device).float().reshape([1, keys]),
    };
    let [batch, own] = positions.dims();
    let rows = positions.reshape([batch, 1, 1, own]).expand([batch, heads, 1, own]);
    let bias = rows * slopes.expand([batch, heads, 1, own]);
    if own == keys { bias } else { Tensor::cat(vec![Tensor::zeros([batch, heads, 1, keys - own], device), bias], 3) }
}

#[cfg(test)]
mod tests {
    use super::alibi_slopes;

    #[test]
    fn slopes_are_those_of_the_paper() {
        assert_eq!(alibi_slopes(4), [0.25, 0.0625, 0.015_625, 0.003_906_25]);
        let six = [0.25, 0.0625, 0.015_625, 0.003_906_25, 0.5, 0.125];
        assert_eq!(alibi_slopes(6), six);
    }
}
