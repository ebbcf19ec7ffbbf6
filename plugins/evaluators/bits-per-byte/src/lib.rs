//! # bits-per-byte
//!
//! How many bits a model needs for a byte of text; models with different tokenizers can be compared.
//! Paper: Gao et al. 2020, "The Pile: An 800GB Dataset of Diverse Text for Language Modeling" (arXiv 2101.00027, §3.1).
//!
//! ## What it does
//! `Σ −log₂ p(token | tokens before) / UTF-8 bytes`, over all tokens of all texts. A text is read behind the begin-of-sequence
//! token (the end-of-sequence token where the tokenizer has no other), which is not scored; its end is not scored either, so
//! that the number is of the text's bytes alone. Texts longer than the model's positions are read in windows that share one
//! token with the window before: no token is left out or scored twice. One item per text gives intervals and paired tests.
//!
//! With a `format`, answers are scored behind their prompts: every token that the format learns, the one that ends a turn
//! included, over the bytes that these tokens stand for.
//!
//! ## When to use
//! As the first measure of an adapted model: on held-out text of the new language, and of the old one for what was forgotten.
//! Unlike perplexity it does not change its meaning with the vocabulary. Where a tokenizer does not give a text back
//! unchanged (unknown characters, normalisation), the report says so: the score is then of the changed text.
//!
//! ## Differences from the paper
//! The paper derives the number from the mean loss per token and the corpus-wide ratio of tokens to bytes; here both sums are
//! taken directly, which is the same without rounding. Windows hold one token less than those of the lm-evaluation-harness
//! (the first one counts the start token).
//!
//! ## Reproduces
//! No published number. The tests compare with log-probabilities of hand-made windows, and with log₂ of the vocabulary for a
//! model that knows nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Aggregate, Better, Evaluation, Evaluator, Finding, Item, Result, Rolling, register};

/// Bits per byte of a text field.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct BitsPerByte(pub Rolling);

impl Evaluator for BitsPerByte {
    fn takes_format(&self) -> bool {
        true
    }
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let texts = self.0.likelihoods(evaluation)?;
        let items = texts.into_iter().map(|t| Item { id: t.id, value: t.nats / std::f64::consts::LN_2, weight: t.bytes as f64, ..Item::default() }).collect();
        Ok(vec![Finding { metric: "bits_per_byte".into(), better: Better::Lower, aggregate: Aggregate::Ratio, items, reference: None }])
    }
}

register!(Evaluator, "bits-per-byte", "Bits per UTF-8 byte of text; comparable between tokenizers", BitsPerByte);
