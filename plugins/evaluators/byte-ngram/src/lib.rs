//! # byte-ngram
//!
//! A reference for bits per byte: an n-gram model over bytes, counted on the training texts.
//! Paper: Witten and Bell 1991, "The zero-frequency problem: estimating the probabilities of novel events in adaptive text
//! compression" (IEEE Transactions on Information Theory 37(4), method C), interpolated as in Chen and Goodman 1998, "An
//! Empirical Study of Smoothing Techniques for Language Modeling" (TR-10-98, §2.5).
//!
//! ## What it does
//! Counts which bytes follow every context of up to `order` bytes in the training texts, and mixes the contexts of all lengths:
//! `p(b | c) = (count(c b) + kinds(c) · p(b | shorter c)) / (count(c) + kinds(c))`, where `kinds(c)` is how many different bytes
//! followed c; below the empty context all 256 bytes are alike. The beginning of a text is a context of its own. The score has
//! the form of `bits-per-byte` (same items, so paired tests work) and gets a row of its own, since it is of no model.
//!
//! ## When to use
//! Beside `bits-per-byte` on the same data: a network that does not beat it has learned nothing that counting would not. Train
//! it on the texts that the model is adapted on.
//!
//! ## Differences from the paper
//! The paper estimates while it compresses; here counting ends before scoring begins. The end of a text is neither counted nor
//! scored, as in `bits-per-byte`.
//!
//! ## Reproduces
//! No published number. The tests compare with probabilities worked out by hand.

mod model;

pub use model::ByteModel;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Aggregate, Better, DataRef, Evaluation, Evaluator, Finding, Item, Records, Result, refuse, register};

/// A byte n-gram model as a reference.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByteNgram {
    /// Bytes of the longest context.
    #[serde(default = "order")]
    #[schemars(range(min = 0, max = 8))]
    pub order: usize,
    /// The data it is counted on.
    pub train: DataRef,
    /// The field that holds the text, in both data sets.
    #[serde(default = "field")]
    pub field: String,
}

fn order() -> usize {
    5
}
fn field() -> String {
    "text".into()
}

impl ByteNgram {
    fn trained(&self, data: &dyn Records) -> Result<ByteModel> {
        let mut model = ByteModel::new(self.order)?;
        for record in data.open()? {
            model.learn(record?.text(&self.field)?.as_bytes());
        }
        if model.bytes() == 0 {
            return refuse(format!("byte-ngram: train `{}`", data.name()), "at least one byte of text", "none", "name the texts that the model is adapted on");
        }
        Ok(model)
    }
}

impl Evaluator for ByteNgram {
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let model = self.trained(&*evaluation.cx.data(&self.train)?)?;
        let mut items = vec![];
        for record in evaluation.data.open()? {
            let record = record?;
            let text = record.text(&self.field)?;
            if text.is_empty() {
                return refuse(
                    format!("record {}, field `{}`", record.id, self.field),
                    "a text that can be scored",
                    "an empty text",
                    "leave this record out of the data",
                );
            }
            items.push(Item { id: record.id.clone(), value: model.bits(text.as_bytes()), weight: text.len() as f64, ..Item::default() });
        }
        if items.is_empty() {
            return refuse(format!("data `{}`", evaluation.data.name()), "at least one record", "none", "check the data and its curators");
        }
        let reference = Some(format!("byte-ngram order {}", self.order));
        Ok(vec![Finding { metric: "bits_per_byte".into(), better: Better::Lower, aggregate: Aggregate::Ratio, items, reference }])
    }

    fn ignores_model(&self) -> bool {
        true
    }
}

register!(Evaluator, "byte-ngram", "Reference for bits per byte: a smoothed byte n-gram model of the training texts", ByteNgram);
