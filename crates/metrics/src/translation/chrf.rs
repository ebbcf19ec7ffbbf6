//! chrF (Popović 2015) and chrF++ (Popović 2017), as sacrebleu 2.6 computes them.

use super::corpus::{CorpusMetric, Statistics, check};
use super::signature::{case, yes};
use super::{Real, References, Score, Signature, Single};
use crate::error::{MetricError, Result};
use crate::text::ngrams::{Alphabet, Matcher, Vocabulary};
use crate::text::whitespace::{is_space, words};
use rayon::prelude::*;

/// Longest n-grams that are counted at most.
const MOST: usize = 32;

/// What chrF is computed with.
#[derive(Clone, Debug, PartialEq)]
pub struct ChrfOptions {
    /// Longest n-grams of characters.
    pub char_order: usize,
    /// Longest n-grams of words; 2 is chrF++.
    pub word_order: usize,
    /// How much more recall counts than precision.
    pub beta: u32,
    /// Compare in lower case.
    pub lowercase: bool,
    /// Count white space as characters.
    pub whitespace: bool,
    /// Average F-scores over all orders, as chrF++.py, NLTK and Moses do, instead of precisions and recalls over those that occur.
    pub eps_smoothing: bool,
}

impl Default for ChrfOptions {
    fn default() -> Self {
        Self { char_order: 6, word_order: 0, beta: 2, lowercase: false, whitespace: false, eps_smoothing: false }
    }
}

/// chrF with its options.
#[derive(Clone, Debug, PartialEq)]
pub struct Chrf(ChrfOptions);

impl Chrf {
    /// chrF with these options.
    ///
    /// # Errors
    /// An order is above 32, or both are 0.
    pub fn new(options: ChrfOptions) -> Result<Self> {
        if options.char_order > MOST || options.word_order > MOST || options.char_order + options.word_order == 0 {
            let found = format!("char_order {} and word_order {}", options.char_order, options.word_order);
            return Err(MetricError::new("chrF", format!("orders of at most {MOST}, one of them at least 1"), found, "6 and 0 are chrF, 6 and 2 chrF++"));
        }
        Ok(Self(options))
    }

    /// chrF++: words up to 2 beside the characters.
    pub fn plus_plus() -> Self {
        Self(ChrfOptions { word_order: 2, ..ChrfOptions::default() })
    }

    fn orders(&self) -> usize {
        self.0.char_order + self.0.word_order
    }

    /// The F-score of n-grams of hypothesis, reference and both, three numbers an order.
    fn f_score<T: Real>(&self, sums: &[T]) -> T {
        let literal = T::literal;
        let eps = literal(1e-16);
        let factor = f64::from(self.0.beta).powi(2);
        let (mut smoothed, mut precision, mut recall, mut used) = (literal(0.0), literal(0.0), literal(0.0), 0);
        for order in sums.chunks_exact(3) {
            let (own, reference, matched) = (order[0], order[1], order[2]);
            let p = if own.wide() > 0.0 { matched / own } else { eps };
            let r = if reference.wide() > 0.0 { matched / reference } else { eps };
            let below = literal(factor) * p + r;
            smoothed = smoothed + if below.wide() > 0.0 { literal(1.0 + factor) * p * r / below } else { eps };
            if own.wide() > 0.0 && reference.wide() > 0.0 {
                precision = precision + p;
                recall = recall + r;
                used += 1;
            }
        }
        if self.0.eps_smoothing {
            return literal(100.0) * smoothed / literal(self.orders() as f64);
        }
        if used > 0 {
            precision = precision / literal(f64::from(used));
            recall = recall / literal(f64::from(used));
        }
        if (precision + recall).wide() == 0.0 {
            return literal(0.0);
        }
        literal(100.0) * (literal(1.0 + factor) * precision * recall / (literal(factor) * precision + recall))
    }
}

impl CorpusMetric for Chrf {
    fn name(&self) -> String {
        format!("chrF{}{}", self.0.beta, "+".repeat(self.0.word_order))
    }

    fn signature(&self, references: &References) -> Signature {
        let o = &self.0;
        let own = vec![
            ("case", "c", case(o.lowercase)),
            ("eff", "e", yes(!o.eps_smoothing)),
            ("nc", "nc", o.char_order.to_string()),
            ("nw", "nw", o.word_order.to_string()),
            ("space", "s", yes(o.whitespace)),
        ];
        Signature::new(references, own)
    }

    fn statistics(&self, hypotheses: &[&str], references: &References) -> Result<Statistics> {
        check(hypotheses, references)?;
        let width = 3 * self.orders();
        let mut values = vec![0.0; width * hypotheses.len()];
        let rows = values.par_chunks_exact_mut(width).zip(hypotheses).zip(references.segments());
        rows.for_each_init(Counter::default, |counter, ((row, hypothesis), references)| counter.best(self, hypothesis, references, row));
        Ok(Statistics { width, values })
    }

    fn score(&self, totals: &[f64]) -> Score {
        Score::new(self.name(), self.f_score(totals))
    }

    fn resample(&self, totals: &[f32]) -> Single {
        self.f_score(&totals.iter().map(|t| Single::Strong(*t)).collect::<Vec<_>>())
    }
}

/// Memory that is used again from segment to segment.
#[derive(Default)]
struct Counter {
    alphabet: Alphabet,
    matcher: Matcher,
    own: Vec<u32>,
    reference: Vec<u32>,
    row: Vec<f64>,
}

impl Counter {
    /// The numbers against the reference with the best F-score, the first of equal ones.
    fn best(&mut self, metric: &Chrf, hypothesis: &str, references: &[&str], out: &mut [f64]) {
        let lower = |text: &str| if metric.0.lowercase { text.to_lowercase() } else { text.to_owned() };
        let hypothesis = lower(hypothesis);
        let mut best = -1.0;
        for reference in references {
            self.row.clear();
            self.characters(&metric.0, &hypothesis, &lower(reference));
            if metric.0.word_order > 0 {
                self.words(&metric.0, &hypothesis, &lower(reference));
            }
            let score = metric.f_score(&self.row);
            if score > best {
                best = score;
                out.copy_from_slice(&self.row);
            }
        }
    }

    fn characters(&mut self, options: &ChrfOptions, hypothesis: &str, reference: &str) {
        let Self { alphabet, own, reference: other, .. } = self;
        alphabet.clear();
        for (text, ids) in [(hypothesis, own), (reference, other)] {
            ids.clear();
            ids.extend(text.chars().filter(|c| options.whitespace || !is_space(*c)).map(|c| alphabet.number(c)));
        }
        let largest = alphabet.count();
        self.push(largest, options.char_order);
    }

    fn words(&mut self, options: &ChrfOptions, hypothesis: &str, reference: &str) {
        let mut vocabulary = Vocabulary::default();
        self.own.clear();
        self.reference.clear();
        parted(hypothesis, |w| self.own.push(vocabulary.number(w)));
        parted(reference, |w| self.reference.push(vocabulary.number(w)));
        self.push(vocabulary.count(), options.word_order);
    }

    /// n-grams of both and those they share. Those of the hypothesis do not count where the reference has none of an order.
    fn push(&mut self, largest: u32, order: usize) {
        let mut matched = [0u64; MOST];
        if order > 0 {
            self.matcher.matches(&[&self.own, &self.reference], largest, order, &mut matched);
        }
        for (n, matched) in matched[..order].iter().enumerate() {
            let reference = self.reference.len().saturating_sub(n);
            let own = if reference > 0 { self.own.len().saturating_sub(n) } else { 0 };
            self.row.extend([own as f64, reference as f64, *matched as f64]);
        }
    }
}

/// Words, with a punctuation mark of ASCII at their end, or else at their start, as a word of its own.
fn parted<'a>(text: &'a str, mut found: impl FnMut(&'a str)) {
    for word in words(text) {
        let (first, last) = (word.chars().next(), word.chars().next_back());
        let alone = first.is_some_and(|c| c.len_utf8() == word.len());
        if !alone && last.is_some_and(|c| c.is_ascii_punctuation()) {
            found(&word[..word.len() - 1]);
            found(&word[word.len() - 1..]);
        } else if !alone && first.is_some_and(|c| c.is_ascii_punctuation()) {
            found(&word[..1]);
            found(&word[1..]);
        } else {
            found(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mark_parts_from_a_word_the_last_one_first() {
        let mut found = vec![];
        parted("(hi) «da» -x ... ! a-b", |w| found.push(w));
        assert_eq!(found, ["(hi", ")", "«da»", "-", "x", "..", ".", "!", "a-b"]);
    }

    #[test]
    fn by_hand() {
        // Characters up to 1 and beta 1: 2 of 3 and 2 of 4 match.
        let chrf = Chrf::new(ChrfOptions { char_order: 1, beta: 1, ..ChrfOptions::default() }).expect("orders");
        let score = chrf.sentence("a b x", &["abcd"]).expect("a score").value;
        assert!((score - 100.0 * 2.0 * (2.0 / 3.0) * 0.5 / (2.0 / 3.0 + 0.5)).abs() < 1e-12);
        assert!(Chrf::new(ChrfOptions { char_order: 0, ..ChrfOptions::default() }).is_err());
    }
}
