//! From findings to scores: one number per metric with an interval over its items, and what two models differ by.

mod paired;

pub use paired::{Difference, Pair, differ, holm};

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

/// The value over items: Σ value / Σ weight, its exponential, or what the metric makes of all their statistics.
pub fn aggregate<'i>(how: &Aggregate, items: impl IntoIterator<Item = &'i Item>) -> f64 {
    let sums = |items: &mut dyn Iterator<Item = &'i Item>| items.fold((0.0, 0.0), |(v, w), i| (v + i.value, w + i.weight));
    let ratio = |(value, weight): (f64, f64)| value / weight;
    match how {
        Aggregate::Ratio => ratio(sums(&mut items.into_iter())),
        Aggregate::ExpRatio => ratio(sums(&mut items.into_iter())).exp(),
        Aggregate::Corpus(corpus) => corpus.score(&items.into_iter().map(|i| i.statistics.as_slice()).collect::<Vec<&[f64]>>()),
    }
}

/// The value of a finding with its percentile bootstrap interval (Efron 1979) over items.
/// The draws depend on the data only, so two models scored on the same data see the same resamples.
pub fn score(finding: &Finding, draws: Draws) -> Scored {
    average(&[(finding, draws)])
}

/// The mean of the values of groups, each group counting once whatever its size, with an interval over resamples that draw the items
/// of every group anew.
pub fn average(groups: &[(&Finding, Draws)]) -> Scored {
    let mean = |value: &dyn Fn(&Finding, Draws) -> f64| groups.iter().map(|(f, d)| value(f, *d)).sum::<f64>() / groups.len() as f64;
    let value = mean(&|f, _| aggregate(&f.aggregate, &f.items));
    let drawn = |r: u64| mean(&|f, draws| aggregate(&f.aggregate, resample(&f.items, draws.step(r))));
    let (low, high) = interval((0..RESAMPLES as u64).map(drawn).collect());
    Scored { value, low, high, n: groups.iter().map(|(f, _)| f.items.len()).sum() }
}

/// The 2.5 % and the 97.5 % quantile of the values of all resamples.
fn interval(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((RESAMPLES - 1) as f64 * share).round() as usize];
    (at(0.025), at(0.975))
}

fn resample<T>(items: &[T], draws: Draws) -> impl Iterator<Item = &T> {
    let mut rng = draws.rng();
    (0..items.len()).map(move |_| &items[((u128::from(rng.next_u64()) * items.len() as u128) >> 64) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tongues_kernel::{Better, Corpus};

    fn finding(values: &[(f64, f64)], aggregate: Aggregate) -> Finding {
        let items = values.iter().map(|(value, weight)| Item { id: "x".into(), value: *value, weight: *weight, ..Item::default() }).collect();
        Finding { metric: "m".into(), better: Better::Lower, aggregate, items, reference: None }
    }

    #[test]
    fn a_ratio_is_of_sums_not_a_mean_of_ratios() {
        let f = finding(&[(1.0, 1.0), (9.0, 3.0)], Aggregate::Ratio);
        assert_eq!(aggregate(&f.aggregate, &f.items), 2.5);
        let f = finding(&[(1.0, 1.0), (9.0, 3.0)], Aggregate::ExpRatio);
        assert_eq!(aggregate(&f.aggregate, &f.items), 2.5f64.exp());
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
    #[test]
    fn a_score_of_the_corpus_is_computed_anew_from_every_resample() {
        // The largest number: no sum gives it, and no resample exceeds it.
        let largest = |rows: &[&[f64]]| rows.iter().map(|row| row[0]).fold(0.0, f64::max);
        let items: Vec<Item> = (1..=50).map(|i| Item::statistics(format!("{i}"), vec![f64::from(i)])).collect();
        let finding = Finding::corpus("largest", Better::Higher, Corpus::of(largest), items);
        let s = score(&finding, Draws::new(1));
        assert_eq!((s.value, s.high, s.n), (50.0, 50.0, 50));
        // The chance that none of the last four is drawn is 0.92^50 = 1.5 %, of none of the last three 4.5 %.
        assert_eq!(s.low, 47.0);
        let summed = Finding::corpus("sum", Better::Higher, Corpus::of_sums(|sums| sums[0]), finding.items.clone());
        assert_eq!(aggregate(&summed.aggregate, &summed.items), 1275.0);
    }

    #[test]
    fn groups_count_alike_whatever_their_size() {
        let of = |value: f64, n: usize| finding(&vec![(value, 1.0); n], Aggregate::Ratio);
        let (small, large) = (of(1.0, 2), of(0.0, 98));
        let s = average(&[(&small, Draws::new(1)), (&large, Draws::new(2))]);
        assert_eq!(s, Scored { value: 0.5, low: 0.5, high: 0.5, n: 100 });
    }
}
