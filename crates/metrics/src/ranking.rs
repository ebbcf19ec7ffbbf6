//! Rankings of documents: reciprocal rank, nDCG, recall, precision and average precision as trec_eval computes them.
//!
//! Documents are ranked by their scores in single precision, and those of equal score by their names from the last to the first, as
//! trec_eval does; ranks in a file are not looked at. Documents without a judgement are not relevant.

use crate::error::{MetricError, Result};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// What a system found for a query: documents with scores, in any order.
pub type Found<'a> = [(&'a str, f64)];

/// What is relevant for a query: documents with how much, 0 and less for not at all.
pub type Judged<'a> = [(&'a str, i64)];

/// One query's ranking with its judgements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// Gains by rank: the judgement, 0 where there is none or it is negative.
    gains: Vec<i64>,
    /// All gains above 0, the largest first.
    ideal: Vec<i64>,
}

impl Ranking {
    /// Ranks what was found.
    ///
    /// # Errors
    /// A document is found or judged twice, or a score is no number.
    pub fn new(found: &Found, judged: &Judged) -> Result<Self> {
        twice("found", found.iter().map(|f| f.0))?;
        twice("judged", judged.iter().map(|j| j.0))?;
        if let Some((document, score)) = found.iter().find(|f| f.1.is_nan()) {
            return Err(MetricError::new(format!("found `{document}`"), "a score", score.to_string(), "repair what computed it"));
        }
        let judgements: FxHashMap<&str, i64> = judged.iter().copied().collect();
        let mut order: Vec<(f32, &str)> = found.iter().map(|(document, score)| (*score as f32, *document)).collect();
        // Adding zero makes one of both zeros.
        order.sort_by(|a, b| (b.0 + 0.0).total_cmp(&(a.0 + 0.0)).then_with(|| b.1.cmp(a.1)));
        let gains = order.iter().map(|(_, d)| judgements.get(d).copied().unwrap_or(0).max(0)).collect();
        let mut ideal: Vec<i64> = judged.iter().map(|j| j.1).filter(|j| *j > 0).collect();
        ideal.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Self { gains, ideal })
    }

    fn top(&self, k: Option<usize>) -> &[i64] {
        &self.gains[..k.unwrap_or(usize::MAX).min(self.gains.len())]
    }

    /// One over the rank of the first relevant document; 0 where none was found (among the first `k`).
    pub fn reciprocal_rank(&self, k: Option<usize>) -> f64 {
        self.top(k).iter().position(|g| *g > 0).map_or(0.0, |i| 1.0 / (i + 1) as f64)
    }

    /// Discounted gain (gain over log₂ of rank + 1; Järvelin and Kekäläinen 2002) over that of the best order; 0 where nothing is
    /// relevant.
    pub fn ndcg(&self, k: Option<usize>) -> f64 {
        let discounted = |gains: &[i64]| gains.iter().enumerate().map(|(i, g)| *g as f64 / ((i + 2) as f64).log2()).sum::<f64>();
        let ideal = discounted(&self.ideal[..k.unwrap_or(usize::MAX).min(self.ideal.len())]);
        if ideal == 0.0 { 0.0 } else { discounted(self.top(k)) / ideal }
    }

    fn hits(&self, k: usize) -> f64 {
        self.top(Some(k)).iter().filter(|g| **g > 0).count() as f64
    }

    /// The share of the relevant documents among the first `k`; 0 where nothing is relevant.
    pub fn recall(&self, k: usize) -> f64 {
        if self.ideal.is_empty() { 0.0 } else { self.hits(k) / self.ideal.len() as f64 }
    }

    /// The share of relevant documents among the first `k`, also where fewer were found; 0 for a `k` of 0.
    pub fn precision(&self, k: usize) -> f64 {
        if k == 0 { 0.0 } else { self.hits(k) / k as f64 }
    }

    /// The mean over all relevant documents of the precision at their ranks, 0 for those not found (among the first `k`).
    pub fn average_precision(&self, k: Option<usize>) -> f64 {
        let (mut hits, mut sum) = (0.0, 0.0);
        for (i, _) in self.top(k).iter().enumerate().filter(|(_, g)| **g > 0) {
            hits += 1.0;
            sum += hits / (i + 1) as f64;
        }
        if self.ideal.is_empty() { 0.0 } else { sum / self.ideal.len() as f64 }
    }
}

/// The mean of a score over queries.
///
/// # Errors
/// There is no query.
pub fn mean_over_queries(rankings: &[Ranking], score: impl Fn(&Ranking) -> f64) -> Result<f64> {
    if rankings.is_empty() {
        return Err(MetricError::new("rankings", "at least one query", "none", "pass the rankings of the queries"));
    }
    Ok(rankings.iter().map(score).sum::<f64>() / rankings.len() as f64)
}

fn twice<'a>(place: &str, documents: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for document in documents {
        if !seen.insert(document) {
            return Err(MetricError::new(place, "every document once", format!("`{document}` twice"), "keep one of them"));
        }
    }
    Ok(())
}
