//! # perplexity
//!
//! The number of tokens among which a model is as undecided as among equally likely ones.
//! Paper: Jelinek et al. 1977, "Perplexity: a measure of the difficulty of speech recognition tasks" (JASA 62, S63).
//!
//! ## What it does
//! `exp(Σ −ln p(token | tokens before) / tokens)`, over all tokens of all texts. Texts are read as by `bits-per-byte`: behind
//! the begin-of-sequence token (the end-of-sequence token where there is no other), which is not scored, without an end, and
//! in windows that share one token where they are longer than the model's positions. With a `format`, the tokens that it
//! learns are scored behind those that it does not.
//!
//! ## When to use
//! Between models with the same tokenizer, and beside published numbers. **Never between tokenizers:** a vocabulary with more
//! and shorter tokens has the lower perplexity for the same text and the same knowledge. After a change of the vocabulary use
//! `bits-per-byte`.
//!
//! ## Differences from the paper
//! The paper's unit is the word of a recogniser; here it is the tokenizer's token.
//!
//! ## Reproduces
//! No published number. The tests compare with log-probabilities of hand-made windows, and with the size of the vocabulary for
//! a model that knows nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Aggregate, Better, Evaluation, Evaluator, Finding, Item, Result, Rolling, register};

/// Perplexity per token of a text field.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Perplexity(pub Rolling);

impl Evaluator for Perplexity {
    fn takes_format(&self) -> bool {
        true
    }
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let texts = self.0.likelihoods(evaluation)?;
        let items = texts.into_iter().map(|t| Item { id: t.id, value: t.nats, weight: t.tokens as f64, ..Item::default() }).collect();
        Ok(vec![Finding { metric: "perplexity".into(), better: Better::Lower, aggregate: Aggregate::ExpRatio, items, reference: None }])
    }
}

register!(Evaluator, "perplexity", "Perplexity per token; only between models with the same tokenizer", Perplexity);
