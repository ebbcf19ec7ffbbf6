//! Translation edit rate (Snover et al. 2006), as sacrebleu 2.6 computes it after Tercom.

mod distance;
mod shift;

use super::corpus::{CorpusMetric, Statistics, check};
use super::signature::{case, yes};
use super::tokenizers::tercom::Tercom;
use super::{Real, References, Score, Signature, Single};
use crate::error::Result;
use crate::text::ngrams::Vocabulary;
use crate::text::whitespace::{trim_end, words};
use rayon::prelude::*;

/// What TER is computed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TerOptions {
    /// Part punctuation from words and resolve XML's entities.
    pub normalized: bool,
    /// Leave punctuation out.
    pub no_punct: bool,
    /// Also for Asian scripts: with `normalized` ideographs are words, with `no_punct` their punctuation goes too.
    pub asian_support: bool,
    /// Compare upper and lower case as different.
    pub case_sensitive: bool,
}

/// TER with its options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ter(TerOptions);

impl Ter {
    /// TER with these options.
    pub fn new(options: TerOptions) -> Self {
        Self(options)
    }

    fn words(&self, text: &str) -> String {
        let TerOptions { normalized, no_punct, asian_support, case_sensitive } = self.0;
        Tercom { normalized, no_punct, asian_support, case_sensitive }.apply(trim_end(text))
    }

    /// Fewest edits over the references, and their mean length.
    fn segment(&self, hypothesis: &str, references: &[&str]) -> [f64; 2] {
        let hypothesis = self.words(hypothesis);
        let references: Vec<String> = references.iter().map(|r| self.words(r)).collect();
        let mut vocabulary = Vocabulary::default();
        let own: Vec<u32> = words(&hypothesis).map(|w| vocabulary.number(w)).collect();
        let (mut fewest, mut lengths) = (u64::MAX, 0);
        for reference in &references {
            let other: Vec<u32> = words(reference).map(|w| vocabulary.number(w)).collect();
            fewest = fewest.min(shift::edits(&own, &other));
            lengths += other.len();
        }
        [fewest as f64, lengths as f64 / references.len() as f64]
    }
}

fn rate<T: Real>(sums: &[T]) -> T {
    let (edits, length) = (sums[0], sums[1]);
    let rate = if length.wide() > 0.0 {
        edits / length
    } else {
        // Nothing to compare with: all wrong, unless there is nothing at all.
        T::literal(if edits.wide() > 0.0 { 1.0 } else { 0.0 })
    };
    T::literal(100.0) * rate
}

impl CorpusMetric for Ter {
    fn name(&self) -> String {
        "TER".into()
    }

    fn signature(&self, references: &References) -> Signature {
        let o = self.0;
        let own = vec![
            ("case", "c", case(!o.case_sensitive)),
            ("tok", "t", "tercom".to_owned()),
            ("norm", "nr", yes(o.normalized)),
            ("punct", "pn", yes(!o.no_punct)),
            ("asian", "as", yes(o.asian_support)),
        ];
        Signature::new(references, own)
    }

    fn statistics(&self, hypotheses: &[&str], references: &References) -> Result<Statistics> {
        check(hypotheses, references)?;
        let rows: Vec<[f64; 2]> = hypotheses.par_iter().zip(references.segments()).map(|(h, r)| self.segment(h, r)).collect();
        Ok(Statistics { width: 2, values: rows.into_iter().flatten().collect() })
    }

    fn score(&self, totals: &[f64]) -> Score {
        Score::new(self.name(), rate(totals))
    }

    fn resample(&self, totals: &[f32]) -> Single {
        rate(&[Single::Strong(totals[0]), Single::Strong(totals[1])])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ter(hypothesis: &str, reference: &str) -> f64 {
        Ter::default().sentence(hypothesis, &[reference]).expect("a score").value
    }

    #[test]
    fn by_hand() {
        assert_eq!(ter("a b c d", "a b c d"), 0.0);
        assert_eq!(ter("a b c", "a b c d"), 25.0);
        assert_eq!(ter("c d a b", "a b c d"), 25.0, "one shift");
        assert_eq!(ter("", "a b"), 100.0);
        assert_eq!(ter("a b", ""), 100.0);
        assert_eq!(ter("", ""), 0.0);
    }
}
