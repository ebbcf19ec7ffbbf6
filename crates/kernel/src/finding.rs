//! What an evaluator finds: a value a record, and how values become one number.

use crate::Name;
use std::fmt;
use std::sync::Arc;

/// Which direction of a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
}

/// How items become one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Σ value / Σ weight.
    Ratio,
    /// exp(Σ value / Σ weight).
    ExpRatio,
    /// A function of the statistics of all items together.
    Corpus(Corpus),
}

/// A function of the statistics of items, a row an item.
type Score = dyn Fn(&[&[f64]]) -> f64 + Send + Sync;

/// A score of a corpus that is no ratio of sums: BLEU, macro-F1, a rank correlation. It is computed from the statistics of any items, so
/// that intervals and tests draw items again and compute it anew.
#[derive(Clone)]
pub struct Corpus(Arc<Score>);

impl Corpus {
    /// From the statistics of items, a row an item. Where they have no score the function gives NaN.
    pub fn of(score: impl Fn(&[&[f64]]) -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(score))
    }

    /// The same for scores that need no more than the sum over items of every number.
    pub fn of_sums(score: impl Fn(&[f64]) -> f64 + Send + Sync + 'static) -> Self {
        Self::of(move |rows| {
            let mut sums = vec![0.0; rows.first().map_or(0, |row| row.len())];
            rows.iter().for_each(|row| sums.iter_mut().zip(*row).for_each(|(sum, number)| *sum += number));
            score(&sums)
        })
    }

    /// The score of some items.
    pub fn score(&self, rows: &[&[f64]]) -> f64 {
        (self.0)(rows)
    }
}

impl fmt::Debug for Corpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Corpus(…)")
    }
}

impl PartialEq for Corpus {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
impl Eq for Corpus {}

/// One value per scored record: intervals and paired tests need them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// The record.
    pub id: Name,
    /// Numerator.
    pub value: f64,
    /// Denominator.
    pub weight: f64,
    /// What a score of the corpus is computed from; empty where it is a ratio.
    pub statistics: Vec<f64>,
}

impl Item {
    /// A value of weight 1.
    pub fn one(id: impl Into<Name>, value: f64) -> Self {
        Self { id: id.into(), value, weight: 1.0, statistics: vec![] }
    }

    /// What a score of the corpus is computed from.
    pub fn statistics(id: impl Into<Name>, statistics: Vec<f64>) -> Self {
        Self { id: id.into(), value: 0.0, weight: 1.0, statistics }
    }
}

/// One metric over one data set.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its name, as the field writes it.
    pub metric: String,
    /// Which direction is better.
    pub better: Better,
    /// How items become one number.
    pub aggregate: Aggregate,
    /// One entry per record.
    pub items: Vec<Item>,
    /// The score is of a reference that does not depend on the model; it gets a row of its own under this name.
    pub reference: Option<String>,
}

impl Finding {
    /// Σ value / Σ weight; a mean where all weights are 1.
    pub fn ratio(metric: impl Into<String>, better: Better, items: Vec<Item>) -> Self {
        Self { metric: metric.into(), better, aggregate: Aggregate::Ratio, items, reference: None }
    }

    /// A function of the statistics of all items together.
    pub fn corpus(metric: impl Into<String>, better: Better, corpus: Corpus, items: Vec<Item>) -> Self {
        Self { metric: metric.into(), better, aggregate: Aggregate::Corpus(corpus), items, reference: None }
    }
}
