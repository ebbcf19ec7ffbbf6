//! Scores of texts, labels, rankings and probabilities: pure functions of strings and numbers.
//!
//! Each score equals that of the library in which it is usually computed, and the tests compare with that library's own output.
//! Functions refuse what has no score (nothing to average, lists of unequal length, numbers that are not finite) instead of
//! returning a number that looks like one.
//!
//! | module | scores | equal to |
//! |---|---|---|
//! | [`translation`] | BLEU, chrF, chrF++, TER, bootstrap and randomization tests | sacrebleu 2.6 |
//! | [`answers`] | exact match and F1; the last number of a text | the scripts of SQuAD and MLQA |
//! | [`rouge`] | ROUGE-N, ROUGE-L, ROUGE-Lsum | rouge-score 0.1.2 |
//! | [`labels`] | accuracy, precision, recall, F1, confusion, Cohen's kappa | scikit-learn |
//! | [`spans`] | F1 of spans | seqeval 1.2.2 |
//! | [`ranking`] | reciprocal rank, nDCG, recall, average precision | trec_eval |
//! | [`correlation`] | Pearson, Spearman, Kendall | scipy |
//! | [`calibration`] | expected calibration error, Brier | scikit-learn |
//! | [`choice`] | multiple choice by likelihood | lm-evaluation-harness |
//! | [`language`] | script, language, off-target share | scikit-learn |
//! | [`tokenizers`] | fertility, split words, parity, coverage, bits per byte | their formulas |
//!
//! ```
//! use tongues_metrics::translation::bleu::{Bleu, BleuOptions};
//! use tongues_metrics::translation::{CorpusMetric, References};
//!
//! let bleu = Bleu::new(BleuOptions::default())?;
//! let references = References::single(&["The cat sat on the mat."]);
//! let score = bleu.corpus(&["The cat sat on a mat."], &references)?;
//! let line = score.line(1, Some(&bleu.signature(&references).format(false)));
//! assert!(line.starts_with("BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0 = 48.9 85.7/66.7/40.0/25.0"));
//! # Ok::<(), tongues_metrics::MetricError>(())
//! ```

pub mod answers;
pub mod calibration;
pub mod choice;
pub mod correlation;
mod error;
pub mod labels;
pub mod language;
pub mod ranking;
pub mod rouge;
pub mod spans;
mod text;
pub mod tokenizers;
pub mod translation;

pub use error::{MetricError, Result};
