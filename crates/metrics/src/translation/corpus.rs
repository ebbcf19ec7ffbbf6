//! What BLEU, chrF and TER have in common: numbers for every segment, which add up, and a score of their sums.

use super::significance::bootstrap::resampled;
use super::{References, Score, Signature, Single};
use crate::error::{MetricError, Result, same_length};

/// Numbers of every segment: `width` a segment, one segment after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// Numbers a segment.
    pub width: usize,
    /// All of them.
    pub values: Vec<f64>,
}

impl Statistics {
    /// Segments.
    pub fn len(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    /// Whether there is no segment.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The numbers of segment `i`.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.width..(i + 1) * self.width]
    }

    /// Sums over all segments, one after the other.
    pub fn totals(&self) -> Vec<f64> {
        let mut totals = vec![0.0; self.width];
        for row in self.values.chunks_exact(self.width) {
            totals.iter_mut().zip(row).for_each(|(t, v)| *t += v);
        }
        totals
    }
}

/// A score of a corpus.
pub trait CorpusMetric: Sync {
    /// Its name in score lines.
    fn name(&self) -> String;

    /// What it was computed with.
    fn signature(&self, references: &References) -> Signature;

    /// The numbers of every segment. Segments are shared out over rayon's threads; the result does not depend on how many.
    ///
    /// # Errors
    /// There are no hypotheses, or not as many as segments with references.
    fn statistics(&self, hypotheses: &[&str], references: &References) -> Result<Statistics>;

    /// The score of the sums of its own [`Statistics`].
    ///
    /// # Panics
    /// There are other than [`Statistics::width`] sums.
    fn score(&self, totals: &[f64]) -> Score;

    /// The score of sums in single precision, as sacrebleu computes it for a resample.
    ///
    /// # Panics
    /// As [`CorpusMetric::score`].
    fn resample(&self, totals: &[f32]) -> Single;

    /// The score of a corpus.
    ///
    /// # Errors
    /// As [`CorpusMetric::statistics`].
    fn corpus(&self, hypotheses: &[&str], references: &References) -> Result<Score> {
        Ok(self.score(&self.statistics(hypotheses, references)?.totals()))
    }

    /// The score of a corpus with its mean and 95 % interval over `samples` bootstrap resamples, drawn with `seed`; sacrebleu's
    /// seed is 12345.
    ///
    /// # Errors
    /// As [`CorpusMetric::statistics`], or `samples` is 0.
    fn corpus_with_interval(&self, hypotheses: &[&str], references: &References, samples: usize, seed: u64) -> Result<Score> {
        let statistics = self.statistics(hypotheses, references)?;
        let mut score = self.score(&statistics.totals());
        score.interval = Some(resampled(self, &statistics, samples, seed)?);
        Ok(score)
    }

    /// The score of one sentence against its references.
    ///
    /// # Errors
    /// There is no reference.
    fn sentence(&self, hypothesis: &str, references: &[&str]) -> Result<Score> {
        let streams: Vec<Vec<Option<&str>>> = references.iter().map(|r| vec![Some(*r)]).collect();
        self.corpus(&[hypothesis], &References::streams(&streams)?)
    }
}

/// Refuses empty corpora and unequal lengths.
pub(crate) fn check(hypotheses: &[&str], references: &References) -> Result<()> {
    if hypotheses.is_empty() && references.segments().is_empty() {
        return Err(MetricError::new("hypotheses", "at least one segment", "none", "a corpus without segments has no score"));
    }
    same_length("references", hypotheses.len(), references.segments().len())
}
