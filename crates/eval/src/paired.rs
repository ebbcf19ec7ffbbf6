//! Whether two models differ on the same records: by how much, with the interval of a paired bootstrap (Koehn 2004), and how often
//! chance alone makes such a difference, by approximate randomisation (Noreen 1989; Riezler and Maxwell 2005).
//!
//! The tests of `tongues_metrics::translation` are sacrebleu's to the last place: its draws, its single precision, its strict `>`, by
//! which a system differs from itself with p = 0.001. Those here are for any finding, draw from counters, and count a difference as
//! large as the observed one, so that equal models have p = 1.

use crate::{RESAMPLES, aggregate, interval, resample};
use rand_core::RngCore;
use std::collections::HashMap;
use tongues_kernel::{Draws, Finding, Item};

/// One finding about two models, item beside item.
pub struct Pair<'f> {
    baseline: (&'f Finding, Vec<&'f Item>),
    other: (&'f Finding, Vec<&'f Item>),
    draws: Draws,
}

/// By how much a model differs from the baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The model's score less the baseline's.
    pub value: f64,
    /// 2.5 % quantile of the paired bootstrap.
    pub low: f64,
    /// 97.5 % quantile of the paired bootstrap.
    pub high: f64,
    /// The share of random exchanges between the two models that make a difference of at least this size, in either direction.
    pub p: f64,
    /// Items.
    pub n: usize,
}

impl<'f> Pair<'f> {
    /// Items of both by record; none where one model has items that the other lacks, or other statistics: then a difference would be
    /// one of records, not of models. `draws` are those of the scores, so that a difference is of the same resamples.
    pub fn new(baseline: &'f Finding, other: &'f Finding, draws: Draws) -> Option<Self> {
        let (keys, of_other) = (keys(baseline), keys(other));
        let by_key: HashMap<_, &Item> = of_other.into_iter().zip(&other.items).collect();
        let beside: Vec<&Item> = keys.iter().map(|key| by_key.get(key).copied()).collect::<Option<_>>()?;
        let items: Vec<&Item> = baseline.items.iter().collect();
        let alike = items.iter().zip(&beside).all(|(a, b)| a.statistics.len() == b.statistics.len());
        let usable = alike && !items.is_empty() && items.len() == other.items.len();
        usable.then_some(Self { baseline: (baseline, items), other: (other, beside), draws })
    }

    fn difference(&self) -> f64 {
        value(self.other.0, &self.other.1) - value(self.baseline.0, &self.baseline.1)
    }

    /// The difference on a resample, the same for both.
    fn resampled(&self, sample: u64) -> f64 {
        let on = |(finding, items): &(&Finding, Vec<&Item>)| aggregate(&finding.aggregate, resample(items, self.draws.step(sample)).copied());
        on(&self.other) - on(&self.baseline)
    }

    /// The difference after the items of every second record, by chance, have changed sides.
    fn exchanged(&self, trial: u64) -> f64 {
        let mut rng = self.draws.stream("sides").step(trial).rng();
        let words: Vec<u64> = (0..self.other.1.len().div_ceil(64)).map(|_| rng.next_u64()).collect();
        let crosses = |i: usize| words[i / 64] >> (i % 64) & 1 == 1;
        let both = || self.other.1.iter().zip(&self.baseline.1).enumerate();
        let own: Vec<&Item> = both().map(|(i, (own, other))| if crosses(i) { *other } else { *own }).collect();
        let others: Vec<&Item> = both().map(|(i, (own, other))| if crosses(i) { *own } else { *other }).collect();
        value(self.other.0, &own) - value(self.baseline.0, &others)
    }
}

/// A record's name with how often it came before, since names may repeat.
fn keys(finding: &Finding) -> Vec<(&str, usize)> {
    let (mut seen, mut keys): (HashMap<&str, usize>, Vec<(&str, usize)>) = (HashMap::new(), vec![]);
    for item in &finding.items {
        let count = seen.entry(&item.id).or_default();
        *count += 1;
        keys.push((&item.id, *count));
    }
    keys
}

fn value(finding: &Finding, items: &[&Item]) -> f64 {
    aggregate(&finding.aggregate, items.iter().copied())
}

/// The mean over groups of the differences in each, every group counting once whatever its size; of one group its difference.
pub fn differ(groups: &[Pair<'_>]) -> Difference {
    let mean = |of: &dyn Fn(&Pair<'_>) -> f64| groups.iter().map(of).sum::<f64>() / groups.len() as f64;
    let value = mean(&|pair| pair.difference());
    let (low, high) = interval((0..RESAMPLES as u64).map(|sample| mean(&|pair| pair.resampled(sample))).collect());
    // Sums in another order differ in their last places; and a difference that is not a number counts against the model.
    let size = mean(&|pair| self::value(pair.other.0, &pair.other.1).abs());
    let least = value.abs() - 1e-10 * size.max(value.abs());
    let far = |difference: f64| difference.abs() >= least || difference.is_nan() || least.is_nan();
    let beyond = (0..RESAMPLES as u64).filter(|trial| far(mean(&|pair| pair.exchanged(*trial)))).count();
    let p = (beyond + 1) as f64 / (RESAMPLES + 1) as f64;
    Difference { value, low, high, p, n: groups.iter().map(|pair| pair.other.1.len()).sum() }
}

/// Every p of a family of comparisons, adjusted so that 5 % is the chance of any false one among all of them (Holm 1979).
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let (mut adjusted, mut largest) = (vec![1.0; p.len()], 0.0f64);
    for (place, index) in order.into_iter().enumerate() {
        largest = largest.max(p[index] * (p.len() - place) as f64);
        adjusted[index] = largest.min(1.0);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use tongues_kernel::{Aggregate, Better, Corpus};

    fn hits(ids: &[String], hit: impl Fn(usize) -> bool) -> Finding {
        let item = |(i, id): (usize, &String)| Item::one(id.as_str(), f64::from(u8::from(hit(i))));
        Finding::ratio("accuracy", Better::Higher, ids.iter().enumerate().map(item).collect())
    }

    fn ids(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("r{i}")).collect()
    }

    fn of(baseline: &Finding, other: &Finding) -> Difference {
        differ(&[Pair::new(baseline, other, Draws::new(4)).expect("the same records")])
    }

    #[test]
    fn a_difference_made_by_hand_is_found_and_chance_is_not() {
        let ids = ids(200);
        let base = hits(&ids, |i| i % 2 == 0);
        // Right on 20 more, wrong on none: only the 20 count, and 2 of 2^20 exchanges are as far.
        let better = of(&base, &hits(&ids, |i| i % 2 == 0 || i < 40));
        assert!((better.value - 0.1).abs() < 1e-12 && better.low > 0.0 && better.p == 1.0 / 1001.0, "{better:?}");
        // Right on 5 others, wrong on 5: nothing in it, and 1 of 1 exchanges are as far.
        let shifted = of(&base, &hits(&ids, |i| if i < 10 { i % 2 == 1 } else { i % 2 == 0 }));
        assert!(shifted.value == 0.0 && shifted.low < 0.0 && shifted.high > 0.0 && shifted.p == 1.0, "{shifted:?}");
        // 8 against 2: the two-sided sign test gives 112 of 1024.
        let some = of(
            &base,
            &hits(&ids, |i| {
                if i < 16 {
                    true
                } else if i < 20 {
                    false
                } else {
                    i % 2 == 0
                }
            }),
        );
        assert!((some.p - 112.0 / 1024.0).abs() < 0.03, "{some:?}");
    }

    #[test]
    fn equal_models_have_p_one_whatever_the_sums() {
        let numbers: Vec<Vec<f64>> = (0..300).map(|i| vec![f64::from(i).sin() * 7.3, 1.0 + f64::from(i) / 9.0]).collect();
        let rows = || numbers.iter().enumerate().map(|(i, row)| Item::statistics(format!("{i}"), row.clone())).collect();
        let finding = || Finding::corpus("ratio", Better::Higher, Corpus::of_sums(|s| s[0] / s[1]), rows());
        let same = of(&finding(), &finding());
        assert_eq!((same.value, same.low, same.high, same.p, same.n), (0.0, 0.0, 0.0, 1.0, 300));
    }

    #[test]
    fn scores_of_the_corpus_are_computed_anew_from_every_exchange() {
        // The largest number of 60: in one record alone, so that half of all exchanges turn the difference over and none makes it less.
        let largest = |rows: &[&[f64]]| rows.iter().map(|row| row[0]).fold(0.0, f64::max);
        let with = |top: f64| {
            let items = (0..60).map(|i| Item::statistics(format!("{i}"), vec![if i == 7 { top } else { 1.0 }])).collect();
            Finding { aggregate: Aggregate::Corpus(Corpus::of(largest)), ..Finding::ratio("m", Better::Higher, items) }
        };
        let found = of(&with(1.0), &with(5.0));
        assert_eq!((found.value, found.high, found.p), (4.0, 4.0, 1.0));
        assert_eq!(found.low, 0.0, "a third of the resamples lack the record");
    }

    #[test]
    fn items_are_aligned_by_record_and_other_records_refused() {
        let ids = ids(50);
        let base = hits(&ids, |i| i < 30);
        let mut turned = hits(&ids, |i| i < 40);
        turned.items.reverse();
        assert_eq!(of(&base, &turned), of(&base, &hits(&ids, |i| i < 40)));
        let lacking = hits(&ids[1..], |i| i < 40);
        assert!(Pair::new(&base, &lacking, Draws::new(1)).is_none() && Pair::new(&lacking, &base, Draws::new(1)).is_none());
        let twice = hits(&["a".into(), "a".into()], |i| i == 0);
        assert_eq!(of(&twice, &hits(&["a".into(), "a".into()], |i| i == 1)).value, 0.0);
    }

    #[test]
    fn groups_count_once_and_are_exchanged_on_their_own() {
        let (small, large) = (ids(4), ids(100));
        let (a, b) = (hits(&small, |_| false), hits(&large, |_| true));
        let (better, same) = (hits(&small, |_| true), hits(&large, |_| true));
        let pairs = [Pair::new(&a, &better, Draws::new(1)), Pair::new(&b, &same, Draws::new(2))].map(|pair| pair.expect("a pair"));
        let found = differ(&pairs);
        assert_eq!((found.value, found.low, found.high, found.n), (0.5, 0.5, 0.5, 104));
        // 2 of 16 exchanges are as far.
        assert!((found.p - 0.125).abs() < 0.03, "{found:?}");
    }

    #[test]
    fn holm_steps_down_and_never_falls() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.6]);
        for (found, expected) in adjusted.iter().zip([0.04, 0.09, 0.09, 0.6]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[0.7, 0.9]), [1.0, 1.0]);
    }
}
