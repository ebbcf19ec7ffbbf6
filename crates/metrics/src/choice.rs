//! Multiple choice by likelihood: which answer a model picks, by the normalisations of lm-evaluation-harness.

use crate::error::{MetricError, Result, same_length};

/// An answer to choose from, as a model scored it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The sum over its tokens behind the question, in nats.
    pub log_likelihood: f64,
    /// Its tokens.
    pub tokens: usize,
    /// Its bytes in UTF-8.
    pub bytes: usize,
    /// Its characters (code points).
    pub characters: usize,
    /// The sum over its tokens without the question, in nats.
    pub unconditional: Option<f64>,
}

/// What answers are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChoiceScore {
    /// The sum: `acc`.
    Sum,
    /// The mean over tokens.
    PerToken,
    /// The sum over bytes: `acc_bytes`.
    PerByte,
    /// The sum over characters: `acc_norm`. The harness divides by Python's length of the answer, which is in characters; for
    /// ASCII that is the same as bytes.
    PerCharacter,
    /// The gain by the question (pointwise mutual information): `acc_mutual_info`.
    MutualInformation,
}

impl ChoiceScore {
    fn of(self, answer: &Answer, at: usize) -> Result<f64> {
        let refuse = |what: &str, found: &str| MetricError::new(format!("answers[{at}]"), what, found, "leave empty answers out, or compare by the sum");
        let per = |count: usize, what: &str| if count == 0 { Err(refuse(what, "0")) } else { Ok(answer.log_likelihood / count as f64) };
        let score = match self {
            Self::Sum => answer.log_likelihood,
            Self::PerToken => per(answer.tokens, "at least one token")?,
            Self::PerByte => per(answer.bytes, "at least one byte")?,
            Self::PerCharacter => per(answer.characters, "at least one character")?,
            Self::MutualInformation => answer.log_likelihood - answer.unconditional.ok_or_else(|| refuse("an unconditional log-likelihood", "none"))?,
        };
        if score.is_nan() { Err(refuse("a log-likelihood", "not a number")) } else { Ok(score) }
    }
}

/// The place of the best answer, the first of equal ones.
///
/// # Errors
/// There is no answer, a length to divide by is 0, the unconditional log-likelihood is missing, or a score is not a number.
pub fn choose(answers: &[Answer], by: ChoiceScore) -> Result<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (i, answer) in answers.iter().enumerate() {
        let score = by.of(answer, i)?;
        if best.is_none_or(|(_, b)| score > b) {
            best = Some((i, score));
        }
    }
    best.map(|(i, _)| i).ok_or_else(|| MetricError::new("answers", "at least one", "none", "pass the answers to choose from"))
}

/// The share of questions whose right answer is chosen.
///
/// # Errors
/// Lists of unequal length, no question, a right answer that is not there, or as [`choose`].
pub fn choice_accuracy(questions: &[Vec<Answer>], right: &[usize], by: ChoiceScore) -> Result<f64> {
    same_length("right", questions.len(), right.len())?;
    let mut hits = 0.0;
    for (i, (answers, right)) in questions.iter().zip(right).enumerate() {
        if *right >= answers.len() {
            let expected = format!("a place below {}", answers.len());
            return Err(MetricError::new(format!("right[{i}]"), expected, right.to_string(), "count answers from 0"));
        }
        hits += f64::from(u8::from(choose(answers, by)? == *right));
    }
    Ok(hits / right.len() as f64)
}
