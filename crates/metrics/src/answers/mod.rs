//! Answers to questions: exact match and F1 of words, and the last number of a text.

mod normal;
mod number;

pub use normal::MlqaLanguage;
pub use number::last_number;

use crate::error::{MetricError, Result, same_length};
use crate::text::whitespace::words;
use rustc_hash::FxHashMap;

/// By which rules two answers are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerRules {
    /// SQuAD 1.1 (Rajpurkar et al. 2016): no case, no punctuation of ASCII, no English articles.
    Squad,
    /// SQuAD 2.0 (Rajpurkar et al. 2018): the same, and no answer agrees with no answer.
    SquadV2,
    /// MLQA (Lewis et al. 2020): no case, no punctuation of Unicode, no articles of the language; Chinese characters are words.
    Mlqa(MlqaLanguage),
}

/// How far answers agree: shares of one answer, percent over many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Whether the normal forms are equal.
    pub exact: f64,
    /// Harmonic mean of precision and recall of words.
    pub f1: f64,
}

impl AnswerRules {
    /// The text in the form in which it is compared.
    pub fn normal_form(self, text: &str) -> String {
        match self {
            Self::Squad | Self::SquadV2 => normal::squad(text),
            Self::Mlqa(language) => normal::mlqa(text, language),
        }
    }

    /// An answer beside one right answer.
    pub fn agreement(self, prediction: &str, answer: &str) -> Agreement {
        let (prediction, answer) = (self.normal_form(prediction), self.normal_form(answer));
        let exact = f64::from(u8::from(prediction == answer));
        Agreement { exact, f1: self.f1(&prediction, &answer) }
    }

    fn f1(self, prediction: &str, answer: &str) -> f64 {
        let mut counts: FxHashMap<&str, usize> = FxHashMap::default();
        words(answer).for_each(|w| *counts.entry(w).or_default() += 1);
        let (mut own, mut common) = (0, 0);
        for word in words(prediction) {
            own += 1;
            if let Some(left) = counts.get_mut(word).filter(|left| **left > 0) {
                *left -= 1;
                common += 1;
            }
        }
        let other = words(answer).count();
        if self == Self::SquadV2 && (own == 0 || other == 0) {
            return f64::from(u8::from(own == other));
        }
        if common == 0 {
            return 0.0;
        }
        let (precision, recall) = (common as f64 / own as f64, common as f64 / other as f64);
        2.0 * precision * recall / (precision + recall)
    }

    /// An answer beside the right ones: the best of each score. In SQuAD 2.0 right answers that normalise to nothing do not
    /// count, and where none is left the right answer is none.
    ///
    /// # Errors
    /// There is no right answer (but in SQuAD 2.0).
    pub fn best(self, prediction: &str, answers: &[&str]) -> Result<Agreement> {
        let kept = |a: &&&str| self != Self::SquadV2 || !self.normal_form(a).is_empty();
        let mut answers: Vec<&str> = answers.iter().filter(kept).copied().collect();
        if answers.is_empty() && self == Self::SquadV2 {
            answers.push("");
        }
        let all = answers.iter().map(|a| self.agreement(prediction, a));
        let best = all.reduce(|a, b| Agreement { exact: a.exact.max(b.exact), f1: a.f1.max(b.f1) });
        best.ok_or_else(|| MetricError::new("answers", "at least one right answer", "none", "leave the question out, or use the rules of SQuAD 2.0"))
    }

    /// Means over questions, in percent.
    ///
    /// # Errors
    /// Lists of unequal length, no question, or as [`AnswerRules::best`].
    pub fn corpus(self, predictions: &[&str], answers: &[Vec<&str>]) -> Result<Agreement> {
        same_length("answers", predictions.len(), answers.len())?;
        let mut sum = Agreement { exact: 0.0, f1: 0.0 };
        for (prediction, answers) in predictions.iter().zip(answers) {
            let one = self.best(prediction, answers)?;
            sum = Agreement { exact: sum.exact + one.exact, f1: sum.f1 + one.f1 };
        }
        let count = predictions.len() as f64;
        Ok(Agreement { exact: 100.0 * sum.exact / count, f1: 100.0 * sum.f1 / count })
    }
}
