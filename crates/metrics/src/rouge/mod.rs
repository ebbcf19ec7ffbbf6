//! ROUGE (Lin 2004), as the package rouge-score 0.1.2 computes it.
//!
//! Its tokenizer keeps ASCII letters and digits only: texts in other scripts have no words for it, and their scores are 0. Use chrF
//! for them.

mod porter;
mod subsequence;

use crate::error::{MetricError, Result};
use crate::text::ngrams::{Matcher, Vocabulary};
pub use porter::stem;
use subsequence::{length, union_hits};

/// A ROUGE score.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RougeScore {
    /// Share of the prediction's units that are in the target.
    pub precision: f64,
    /// Share of the target's units that are in the prediction.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f_measure: f64,
}

impl RougeScore {
    fn new(hits: usize, prediction: usize, target: usize) -> Self {
        let (precision, recall) = (hits as f64 / prediction.max(1) as f64, hits as f64 / target.max(1) as f64);
        let f_measure = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
        Self { precision, recall, f_measure }
    }
}

/// Which ROUGE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RougeKind {
    /// ROUGE-N: n-grams of words.
    Ngram(usize),
    /// ROUGE-L: the longest common subsequence of the whole texts.
    Longest,
    /// ROUGE-Lsum: common subsequences line by line, united over the lines of the prediction.
    LongestBySentence,
}

/// ROUGE with its options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rouge {
    /// Compare words of more than three letters by their stems (Porter's algorithm with NLTK's changes; English only).
    pub use_stemmer: bool,
}

impl Rouge {
    fn words(self, text: &str) -> Vec<String> {
        let text = text.to_lowercase();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
        words.map(|w| if self.use_stemmer && w.len() > 3 { porter::stem(w) } else { w.to_owned() }).collect()
    }

    /// The score of a prediction against a target.
    ///
    /// # Errors
    /// n-grams of length 0 or above 9, as in the reference.
    pub fn score(self, kind: RougeKind, target: &str, prediction: &str) -> Result<RougeScore> {
        match kind {
            RougeKind::Ngram(n) if !(1..=9).contains(&n) => Err(MetricError::new("ROUGE-N", "n from 1 to 9", n.to_string(), "1 and 2 are the usual ones")),
            RougeKind::Ngram(n) => Ok(ngrams(n, &self.words(target), &self.words(prediction))),
            RougeKind::Longest => {
                let (target, prediction) = (self.words(target), self.words(prediction));
                Ok(RougeScore::new(length(&target, &prediction), prediction.len(), target.len()))
            }
            RougeKind::LongestBySentence => {
                let lines = |text: &str| text.split('\n').filter(|l| !l.is_empty()).map(|l| self.words(l)).collect::<Vec<_>>();
                let (target, prediction) = (lines(target), lines(prediction));
                let count = |lines: &[Vec<String>]| lines.iter().map(Vec::len).sum();
                Ok(RougeScore::new(union_hits(&target, &prediction), count(&prediction), count(&target)))
            }
        }
    }

    /// Against several targets: the score with the highest F-measure, the first of equal ones.
    ///
    /// # Errors
    /// No target, or as [`Rouge::score`].
    pub fn best(self, kind: RougeKind, targets: &[&str], prediction: &str) -> Result<RougeScore> {
        let mut best: Option<RougeScore> = None;
        for target in targets {
            let score = self.score(kind, target, prediction)?;
            if best.is_none_or(|b| score.f_measure > b.f_measure) {
                best = Some(score);
            }
        }
        best.ok_or_else(|| MetricError::new("targets", "at least one", "none", "pass the texts to compare with"))
    }
}

fn ngrams(n: usize, target: &[String], prediction: &[String]) -> RougeScore {
    let mut vocabulary = Vocabulary::default();
    let target: Vec<u32> = target.iter().map(|w| vocabulary.number(w)).collect();
    let prediction: Vec<u32> = prediction.iter().map(|w| vocabulary.number(w)).collect();
    let mut hits = vec![0; n];
    Matcher::default().matches(&[&prediction, &target], vocabulary.count(), n, &mut hits);
    let count = |words: &[u32]| (words.len() + 1).saturating_sub(n);
    RougeScore::new(hits[n - 1] as usize, count(&prediction), count(&target))
}
