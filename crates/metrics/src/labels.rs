//! Labels of items: accuracy, confusion matrix, precision, recall and F1 as scikit-learn computes them, and Cohen's kappa.

use crate::error::{MetricError, Result, same_length};
use std::collections::BTreeSet;

/// How often each label was given where another one was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion<L> {
    labels: Vec<L>,
    /// Row: the right label; column: the given one.
    counts: Vec<Vec<u64>>,
}

/// Precision, recall and F1 of one label, or a mean of them; 0 where nothing was to divide by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prf {
    /// Share of what was given that is right.
    pub precision: f64,
    /// Share of what is right that was given.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Items whose right label it is.
    pub support: u64,
}

impl Prf {
    /// From items that are right, given, and to be found.
    pub(crate) fn from_counts(hits: u64, given: u64, support: u64) -> Self {
        let share = |of: u64| if of == 0 { 0.0 } else { hits as f64 / of as f64 };
        let (precision, recall) = (share(given), share(support));
        let f1 = if precision + recall == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
        Self { precision, recall, f1, support }
    }

    /// The mean of several with weights; zeros where the weights are.
    pub(crate) fn mean(parts: &[Self], weight: impl Fn(&Self) -> f64) -> Self {
        let total: f64 = parts.iter().map(&weight).sum();
        let support = parts.iter().map(|p| p.support).sum();
        if total == 0.0 {
            return Self { support, ..Self::default() };
        }
        let mean = |of: fn(&Self) -> f64| parts.iter().map(|p| of(p) * weight(p)).sum::<f64>() / total;
        Self { precision: mean(|p| p.precision), recall: mean(|p| p.recall), f1: mean(|p| p.f1), support }
    }
}

/// How disagreements count in Cohen's kappa.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KappaWeights {
    /// All alike (Cohen 1960).
    #[default]
    None,
    /// By the distance of the labels in their order (Cohen 1968).
    Linear,
    /// By its square.
    Quadratic,
}

/// The share of items whose label is right.
///
/// # Errors
/// Lists of unequal length, or empty ones.
pub fn accuracy<L: PartialEq>(truth: &[L], given: &[L]) -> Result<f64> {
    same_length("given", truth.len(), given.len())?;
    Ok(truth.iter().zip(given).filter(|(a, b)| a == b).count() as f64 / truth.len() as f64)
}

impl<L: Ord + Clone> Confusion<L> {
    /// Counts right and given labels; the labels are all that occur in either list, in their order.
    ///
    /// # Errors
    /// Lists of unequal length, or empty ones.
    pub fn new(truth: &[L], given: &[L]) -> Result<Self> {
        same_length("given", truth.len(), given.len())?;
        let labels: Vec<L> = truth.iter().chain(given).collect::<BTreeSet<_>>().into_iter().cloned().collect();
        let mut counts = vec![vec![0; labels.len()]; labels.len()];
        for (a, b) in truth.iter().zip(given) {
            // Both are among the labels, which were collected from them.
            if let (Ok(a), Ok(b)) = (labels.binary_search(a), labels.binary_search(b)) {
                counts[a][b] += 1;
            }
        }
        Ok(Self { labels, counts })
    }

    /// The labels, in their order.
    pub fn labels(&self) -> &[L] {
        &self.labels
    }

    /// Rows of right labels, columns of given ones.
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }

    fn given(&self, label: usize) -> u64 {
        self.counts.iter().map(|row| row[label]).sum()
    }

    fn right(&self, label: usize) -> u64 {
        self.counts[label].iter().sum()
    }

    /// One for each label.
    pub fn by_label(&self) -> Vec<Prf> {
        (0..self.labels.len()).map(|i| Prf::from_counts(self.counts[i][i], self.given(i), self.right(i))).collect()
    }

    /// The plain mean over labels.
    pub fn macro_average(&self) -> Prf {
        Prf::mean(&self.by_label(), |_| 1.0)
    }

    /// The mean over labels by how often they are right.
    pub fn weighted_average(&self) -> Prf {
        Prf::mean(&self.by_label(), |p| p.support as f64)
    }

    /// Over all items; where each item has one label, all three are the accuracy.
    pub fn micro_average(&self) -> Prf {
        let hits = (0..self.labels.len()).map(|i| self.counts[i][i]).sum();
        let all = self.counts.iter().flatten().sum();
        Prf::from_counts(hits, all, all)
    }

    /// Agreement beyond chance: 1 is full agreement, 0 what chance gives.
    ///
    /// # Errors
    /// Chance alone agrees fully, because both lists hold one and the same label.
    pub fn kappa(&self, weights: KappaWeights) -> Result<f64> {
        let n = self.labels.len();
        let all = self.counts.iter().flatten().sum::<u64>() as f64;
        let (mut found, mut expected) = (0.0, 0.0);
        for i in 0..n {
            for j in 0..n {
                let distance = i.abs_diff(j) as f64;
                let weight = match weights {
                    KappaWeights::None => f64::from(u8::from(i != j)),
                    KappaWeights::Linear => distance,
                    KappaWeights::Quadratic => distance * distance,
                };
                found += weight * self.counts[i][j] as f64;
                expected += weight * (self.right(i) as f64 * self.given(j) as f64 / all);
            }
        }
        if expected == 0.0 {
            return Err(MetricError::new("kappa", "at least two labels", "one", "report the accuracy: chance cannot disagree here"));
        }
        Ok(1.0 - found / expected)
    }
}
