//! # choice
//!
//! Multiple choice: the answer that a model finds likeliest behind the question.
//! Papers: Brown et al. 2020, "Language Models are Few-Shot Learners" (arXiv 2005.14165, §2.4); Biderman et al. 2024, "Lessons from the
//! Trenches on Reproducible Evaluation of Language Models" (arXiv 2405.14782: normalisations); Lin et al. 2022, "TruthfulQA" (arXiv
//! 2109.07958: several right answers); Naeini et al. 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning".
//!
//! ## What it does
//! Every choice is put into the record as the field `choice`, its letter (A, B, …) as `letter`, and the format writes question and answer;
//! choices are compared by the log-likelihood of what the format learns, without the token that ends a text or a turn. `accuracy` is the
//! share of records where the best choice is right. With the softmax over choices as probabilities, `probability_of_right` is what
//! falls on right choices (MC2 of TruthfulQA), `expected_calibration_error` how far confidence is from accuracy, and `brier` the
//! square error, where every record has exactly one right choice.
//!
//! ## When to use
//! Where the answers are given: XCOPA, Winogrande, MMLU, TruthfulQA, topics. `normalisation = "character"` where answers differ in length, `pmi`
//! where some are likely whatever is asked.
//!
//! ## Differences from the paper
//! The harness encodes question and answer as one text and cuts at the number of the question's tokens; here a token that crosses the
//! border counts to the answer, as in training. The harness moves spaces at the end of the question into the answer and puts its
//! `target_delimiter` before a choice; here the format says where spaces stand, so its target begins with one (`" {{ choice }}"`). Bytes
//! and characters are those of the choice alone, as there. A text always begins with a begin token (`add_bos_token` there).
//! Probabilities of choices follow the normalisation.
//!
//! ## Reproduces
//! `acc`, `acc_norm` (`character`), `acc_bytes` (`byte`), `acc_mutual_info` (`pmi`) and `brier_score` of lm-evaluation-harness 0.4.13 and its
//! log-likelihoods, question by question, without examples and with two (`tests/cross/choice.rs`).

mod gold;
mod scoring;

pub use gold::{Gold, right};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Better, Context, Corpus, Error, Evaluation, Evaluator, Finding, Item, Record, Result, refuse, register};
use tongues_metrics::calibration::{Bins, brier_multiclass, expected_calibration_error};
use tongues_metrics::choice::{Answer, ChoiceScore};

/// Multiple choice by likelihood.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The fields with the choices, in order: texts, or lists of texts.
    #[serde(default)]
    pub choices: Vec<String>,
    /// In place of them: choices that are the same for every record.
    #[serde(default)]
    pub options: Vec<String>,
    /// The right choice: its place, counted from 0 and the same for every record, or a field that tells it: the text of a choice, its
    /// letter, or its place; or a list of these, where several are right.
    #[serde(default)]
    pub gold: Gold,
    /// From where places in fields count.
    #[serde(default)]
    #[schemars(range(max = 1))]
    pub counts_from: usize,
    /// What choices are compared by.
    #[serde(default)]
    pub normalisation: Normalisation,
    /// Bins of the calibration error, of equal width.
    #[serde(default = "ten")]
    #[schemars(range(min = 1))]
    pub bins: usize,
    /// Padded tokens of a batch at most; more is faster and needs more memory. Scores do not depend on it.
    #[serde(default = "batch_tokens")]
    #[schemars(range(min = 1))]
    pub batch_tokens: usize,
}

fn ten() -> usize {
    10
}
fn batch_tokens() -> usize {
    4096
}

/// What choices are compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// The log-likelihood.
    #[default]
    Sum,
    /// Over the answer's tokens.
    Token,
    /// Over the bytes of the choice.
    Byte,
    /// Over the characters of the choice.
    Character,
    /// Less the log-likelihood of the answer without the question.
    Pmi,
}

impl Normalisation {
    fn score(self) -> ChoiceScore {
        match self {
            Self::Sum => ChoiceScore::Sum,
            Self::Token => ChoiceScore::PerToken,
            Self::Byte => ChoiceScore::PerByte,
            Self::Character => ChoiceScore::PerCharacter,
            Self::Pmi => ChoiceScore::MutualInformation,
        }
    }

    /// The number that the choice is taken by.
    fn of(self, answer: &Answer) -> f64 {
        let over = |count: usize| answer.log_likelihood / count.max(1) as f64;
        match self {
            Self::Sum => answer.log_likelihood,
            Self::Token => over(answer.tokens),
            Self::Byte => over(answer.bytes),
            Self::Character => over(answer.characters),
            Self::Pmi => answer.log_likelihood - answer.unconditional.unwrap_or(0.0),
        }
    }

    /// Scores of several ways may stand beside each other.
    fn named(self, metric: &str) -> String {
        match self {
            Self::Sum => metric.into(),
            Self::Token => format!("{metric} per token"),
            Self::Byte => format!("{metric} per byte"),
            Self::Character => format!("{metric} per character"),
            Self::Pmi => format!("{metric} by pmi"),
        }
    }
}

/// A record with its choices, as they were scored.
struct Question {
    record: Record,
    right: Vec<usize>,
    answers: Vec<Answer>,
}

impl Choice {
    /// Refuses choices that come from nowhere, or from two places.
    fn checked(self, _: &mut dyn Context) -> Result<Self> {
        if self.choices.is_empty() == self.options.is_empty() {
            let found = if self.choices.is_empty() { "neither" } else { "both" };
            return refuse("evaluator choice", "exactly one of choices, options", found, "name the fields with the choices, or the choices");
        }
        Ok(self)
    }

    /// The choices of a record.
    fn of(&self, record: &Record) -> Result<Vec<String>> {
        let mut all = self.options.clone();
        for field in &self.choices {
            all.extend(record.texts(field)?.into_iter().map(str::to_owned));
        }
        if all.len() < 2 {
            let place = record.place(&self.choices.join(", "));
            return refuse(place, "at least two choices", all.len(), "leave this record out of the data");
        }
        Ok(all)
    }
}

/// The distribution over choices: the softmax of their scores.
fn softmax(scores: &[f64]) -> Vec<f64> {
    let most = scores.iter().copied().fold(f64::MIN, f64::max);
    let all: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
    let sum: f64 = all.iter().sum();
    all.into_iter().map(|mass| mass / sum).collect()
}

/// Calibration of rows of (confidence, whether it was right).
fn calibration(rows: &[&[f64]], bins: usize) -> f64 {
    let confidences: Vec<f64> = rows.iter().map(|row| row[0].clamp(0.0, 1.0)).collect();
    let correct: Vec<bool> = rows.iter().map(|row| row[1] > 0.5).collect();
    expected_calibration_error(&confidences, &correct, Bins::Width(bins)).unwrap_or(f64::NAN)
}

impl Evaluator for Choice {
    fn takes_format(&self) -> bool {
        true
    }
    fn example(&self, record: &Record) -> Result<Record> {
        let choices = self.of(record)?;
        let right = right(&self.gold, record, &choices, self.counts_from)?[0];
        Ok(scoring::with_choice(record, right, &choices[right]))
    }
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let (mut hits, mut mass, mut confidence, mut brier) = (vec![], vec![], vec![], vec![]);
        for question in self.questions(evaluation)? {
            let within = |e| Error::metric(e).within(format!("record {}", question.record.id));
            let best = tongues_metrics::choice::choose(&question.answers, self.normalisation.score()).map_err(within)?;
            let probabilities = softmax(&question.answers.iter().map(|a| self.normalisation.of(a)).collect::<Vec<f64>>());
            let (id, hit) = (question.record.id.clone(), f64::from(u8::from(question.right.contains(&best))));
            hits.push(Item::one(id.clone(), hit));
            mass.push(Item::one(id.clone(), question.right.iter().map(|r| probabilities[*r]).sum()));
            confidence.push(Item::statistics(id.clone(), vec![probabilities[best], hit]));
            if let [one] = question.right[..] {
                brier.push(Item::one(id, brier_multiclass(&[probabilities], &[one]).map_err(within)?));
            }
        }
        let (named, bins, all) = (|metric: &str| self.normalisation.named(metric), self.bins, hits.len());
        let error = Corpus::of(move |rows| calibration(rows, bins));
        let mut findings = vec![
            Finding::ratio(named("accuracy"), Better::Higher, hits),
            Finding::ratio(named("probability_of_right"), Better::Higher, mass),
            Finding::corpus(named("expected_calibration_error"), Better::Lower, error, confidence),
        ];
        if brier.len() == all {
            findings.push(Finding::ratio(named("brier"), Better::Lower, brier));
        }
        Ok(findings)
    }
}

register!(Evaluator, "choice", "Multiple choice by log-likelihood, with calibration", Choice => Choice::checked);
