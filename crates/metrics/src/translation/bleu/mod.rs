//! BLEU (Papineni et al. 2002), as sacrebleu 2.6 computes it (Post 2018).

mod precision;
mod segment;

pub use precision::{BleuParts, Smoothing};

use super::corpus::{CorpusMetric, Statistics, check};
use super::signature::{case, yes};
use super::{References, Score, Signature, Single, Tokenizer};
use crate::error::{MetricError, Result};
use precision::compute;
use rayon::prelude::*;
use segment::Counter;

/// Longest n-grams that are counted at most.
const MOST: usize = 16;

/// What BLEU is computed with.
#[derive(Clone, Debug, PartialEq)]
pub struct BleuOptions {
    /// Compare in lower case.
    pub lowercase: bool,
    /// Also compare texts that look tokenized already, without counting them in [`Bleu::looks_tokenized`].
    pub force: bool,
    /// How texts are cut into words.
    pub tokenizer: Tokenizer,
    /// What precisions of zero become.
    pub smoothing: Smoothing,
    /// Longest n-grams.
    pub max_ngram_order: usize,
    /// Average over the orders that occur only; for single sentences.
    pub effective_order: bool,
}

impl Default for BleuOptions {
    fn default() -> Self {
        Self { lowercase: false, force: false, tokenizer: Tokenizer::V13a, smoothing: Smoothing::Exp, max_ngram_order: 4, effective_order: false }
    }
}

/// BLEU with its options.
#[derive(Clone, Debug, PartialEq)]
pub struct Bleu(BleuOptions);

impl Bleu {
    /// BLEU with these options.
    ///
    /// # Errors
    /// The order is not in 1 to 16, or the value of a smoothing is no number.
    pub fn new(options: BleuOptions) -> Result<Self> {
        if !(1..=MOST).contains(&options.max_ngram_order) {
            let found = options.max_ngram_order.to_string();
            return Err(MetricError::new("max_ngram_order", format!("1 to {MOST}"), found, "4 is the usual one"));
        }
        if let Smoothing::Floor(Some(value)) | Smoothing::AddK(Some(value)) = options.smoothing
            && !(value.is_finite() && value >= 0.0)
        {
            return Err(MetricError::new("smooth_value", "a number of at least 0", value.to_string(), "leave it out for the default"));
        }
        Ok(Self(options))
    }

    /// Score, precisions and lengths from sums, as [`CorpusMetric::statistics`] gives and [`Statistics::totals`] adds them up.
    ///
    /// # Panics
    /// There are other than `2 + 2 · max_ngram_order` sums.
    pub fn parts(&self, totals: &[f64]) -> BleuParts {
        compute(totals, &self.0)
    }

    /// Hypotheses that end in a full stop of its own. From about 100 on, the texts were probably tokenized before, which lowers
    /// the score; sacrebleu warns then unless `force` is set.
    pub fn looks_tokenized(&self, hypotheses: &[&str]) -> usize {
        if self.0.force { 0 } else { hypotheses.iter().filter(|h| h.ends_with(" .")).count() }
    }
}

impl CorpusMetric for Bleu {
    fn name(&self) -> String {
        "BLEU".into()
    }

    fn signature(&self, references: &References) -> Signature {
        let o = &self.0;
        let own = vec![
            ("case", "c", case(o.lowercase)),
            ("eff", "e", yes(o.effective_order)),
            ("tok", "tok", o.tokenizer.name().to_owned()),
            ("smooth", "s", o.smoothing.to_string()),
        ];
        Signature::new(references, own)
    }

    fn statistics(&self, hypotheses: &[&str], references: &References) -> Result<Statistics> {
        check(hypotheses, references)?;
        let width = 2 + 2 * self.0.max_ngram_order;
        let mut values = vec![0.0; width * hypotheses.len()];
        let rows = values.par_chunks_exact_mut(width).zip(hypotheses).zip(references.segments());
        rows.for_each_init(Counter::default, |counter, ((row, hypothesis), references)| counter.count(&self.0, hypothesis, references, row));
        Ok(Statistics { width, values })
    }

    fn score(&self, totals: &[f64]) -> Score {
        let parts = self.parts(totals);
        Score { details: parts.to_string(), ..Score::new(self.name(), parts.score) }
    }

    fn resample(&self, totals: &[f32]) -> Single {
        let totals: Vec<Single> = totals.iter().map(|t| Single::Strong(*t)).collect();
        Single::Weak(compute(&totals, &self.0).score)
    }
}
