//! Scores of texts, labels, rankings and probabilities: pure functions of strings and numbers.
//!
//! Each score equals that of the library in which it is usually computed, and the tests compare with that library's own output.
//! Functions refuse what has no score (nothing to average, lists of unequal length, numbers that are not finite) instead of
//! returning a number that looks like one.
//!
//! | module | scores | equal to |
//! |---|---|---|
//! | [`translation`] | BLEU, chrF, chrF++, TER, bootstrap and randomization tests | sacrebleu 2.6 |

mod error;
mod text;
pub mod translation;

pub use error::{MetricError, Result};
