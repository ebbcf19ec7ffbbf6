//! Scores of translations, equal to sacrebleu's: BLEU, chrF, TER, and whether two systems differ.

pub mod bleu;
pub mod chrf;
mod corpus;
mod number;
mod references;
mod score;
mod signature;
pub mod significance;
pub mod ter;
pub(crate) mod tokenizers;

pub use corpus::{CorpusMetric, Statistics};
pub use number::{Real, Single};
pub use references::References;
pub use score::{Interval, Score};
pub use signature::Signature;
pub use tokenizers::Tokenizer;

/// The version of sacrebleu whose scores and signatures these are.
pub const SACREBLEU_VERSION: &str = "2.6.0";
