//! From findings to scores: one number per metric with an interval over its items.

use rand_core::RngCore;
use tongues_kernel::{Aggregate, Draws, Finding, Item};

/// One number with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The value over all items.
    pub value: f64,
    /// 2.5 % quantile of the bootstrap.
    pub low: f64,
    /// 97.5 % quantile of the bootstrap.
    pub high: f64,
    /// Items.
    pub n: usize,
}

/// Resamples of a bootstrap.
const RESAMPLES: usize = 1000;

/// The value over items: Σ value / Σ weight, or its exponential.
pub fn aggregate<'i>(how: Aggregate, items: impl IntoIterator<Item = &'i Item>) -> f64 {
    let (value, weight) = items.into_iter().fold((0.0, 0.0), |(v, w), i| (v + i.value, w + i.weight));
    match how {
        Aggregate::Ratio => value / weight,
        Aggregate::ExpRatio => (value / weight).exp(),
    }
}

/// The value of a finding with its percentile bootstrap interval (Efron 1979) over items.
/// The draws depend on the data only, so two models scored on the same data see the same resamples.
pub fn score(finding: &Finding, draws: Draws) -> Scored {
    let items = &finding.items;
    let value = aggregate(finding.aggregate, items);
    let mut means: Vec<f64> = (0..RESAMPLES as u64).map(|r| aggregate(finding.aggregate, resample(items, draws.step(r)))).collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((RESAMPLES - 1) as f64 * share).round() as usize];
    Scored { value, low: at(0.025), high: at(0.975), n: items.len() }
}

fn resample(items: &[Item], draws: Draws) -> impl Iterator<Item = &Item> {
    let mut rng = draws.rng();
    (0..items.len()).map(move |_| &items[((u128::from(rng.next_u64()) * items.len() as u128) >> 64) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tongues_kernel::Better;

    fn finding(values: &[(f64, f64)], aggregate: Aggregate) -> Finding {
        let items = values.iter().map(|(value, weight)| Item { id: "x".into(), value: *value, weight: *weight }).collect();
        Finding { metric: "m".into(), better: Better::Lower, aggregate, items, reference: None }
    }

    #[test]
    fn a_ratio_is_of_sums_not_a_mean_of_ratios() {
        let f = finding(&[(1.0, 1.0), (9.0, 3.0)], Aggregate::Ratio);
        assert_eq!(aggregate(f.aggregate, &f.items), 2.5);
        let f = finding(&[(1.0, 1.0), (9.0, 3.0)], Aggregate::ExpRatio);
        assert_eq!(aggregate(f.aggregate, &f.items), 2.5f64.exp());
    }

    #[test]
    fn the_interval_has_the_width_of_the_standard_error() {
        let values: Vec<(f64, f64)> = Draws::new(5).normal(400).into_iter().map(|x| (f64::from(x), 1.0)).collect();
        let s = score(&finding(&values, Aggregate::Ratio), Draws::new(1));
        let half = (s.high - s.low) / 2.0;
        assert!(s.low < s.value && s.value < s.high);
        assert!((half - 1.96 / 20.0).abs() < 0.015, "{half}");
        assert_eq!(s, score(&finding(&values, Aggregate::Ratio), Draws::new(1)));
    }
}
