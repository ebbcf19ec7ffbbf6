//! What a number of seeds can see: power of the one-sided t test, by the noncentral t distribution.

use crate::quantile;
use statrs::function::erf::erfc;
use statrs::function::gamma::ln_gamma;

/// The chance with which an effect should be seen.
const POWER: f64 = 0.8;
/// Beyond so many seeds a claim counts as undecidable by more of them.
const MOST: usize = 1000;
/// Intervals of Simpson's rule; even.
const INTERVALS: usize = 600;

/// The chance that an effect of `effect` standard deviations above the margin is seen with `n` seeds at a one-sided level.
pub fn power(effect: f64, n: usize, level: f64) -> f64 {
    exceeds(quantile(level, n - 1), n - 1, effect * (n as f64).sqrt())
}

/// The smallest distance from the margin that `n` seeds see four times in five, in units of `sd`.
pub fn smallest_effect(n: usize, sd: f64, level: f64) -> f64 {
    let critical = quantile(level, n - 1);
    let seen = |effect: f64| exceeds(critical, n - 1, effect * (n as f64).sqrt()) >= POWER;
    let (mut low, mut high) = (0.0, 1.0);
    while !seen(high) && high < 1e6 {
        high *= 2.0;
    }
    for _ in 0..30 {
        let middle = 0.5 * (low + high);
        if seen(middle) { high = middle } else { low = middle }
    }
    high * sd
}

/// How many seeds would decide four times in five, were the mean truly this far from the margin; `None` beyond a thousand.
pub fn seeds_to_decide(distance: f64, sd: f64, level: f64) -> Option<usize> {
    let enough = |n: usize| power(distance.abs() / sd, n, level) >= POWER;
    if !enough(MOST) {
        return None;
    }
    let (mut low, mut high) = (1, MOST);
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if enough(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// P(T > c) of the noncentral t: the mean of P(Z + noncentrality > c s) over the spread s, by Simpson's rule.
fn exceeds(c: f64, freedom: usize, noncentrality: f64) -> f64 {
    let v = freedom as f64;
    let end = 1.0 + 12.0 / (2.0 * v).sqrt();
    let width = end / INTERVALS as f64;
    let constant = std::f64::consts::LN_2 + 0.5 * v * (0.5 * v).ln() - ln_gamma(0.5 * v);
    // s is the root of chi squared over its freedom. At s = 0 the density is 0 but for one degree of freedom.
    let density = |s: f64| if s == 0.0 && freedom > 1 { 0.0 } else { (constant + (v - 1.0) * s.max(f64::MIN_POSITIVE).ln() - 0.5 * v * s * s).exp() };
    let normal = |x: f64| 0.5 * erfc(x / std::f64::consts::SQRT_2);
    let term = |i: usize| {
        let s = i as f64 * width;
        let weight = if i == 0 || i == INTERVALS { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 };
        weight * density(s) * normal(c * s - noncentrality)
    };
    (0..=INTERVALS).map(term).sum::<f64>() * width / 3.0
}
