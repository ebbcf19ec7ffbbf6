//! # soup
//!
//! The mean of all models, or of those that do not make it worse.
//! Paper: Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing
//! inference time" (arXiv 2203.05482, §2).
//!
//! ## What it does
//! Without `held_out`, the uniform soup: the mean of all models. With it, the greedy soup of recipe 1: the models are sorted by their loss
//! on the held-out texts, the best one begins, and each further one is kept if the mean with it has no higher loss than the mean
//! without it. The loss is nats per token, read as by `perplexity`. The report says what was taken, with the losses. A base model gives
//! configuration and tokenizer, and is no part of the mean.
//!
//! ## When to use
//! For runs of one fine-tuning with other seeds, rates or data orders. The greedy soup is never worse on the held-out texts than the best
//! of the models; they must not be those that are reported.
//!
//! ## Differences from the paper
//! The paper adds a model where held-out accuracy does not fall; here where the loss does not rise, since a language model has no
//! accuracy of its own. Two models and their mean lie in memory while the choice is made; the merge itself is streamed.
//!
//! ## Reproduces
//! No published number. The tests compare with means worked out by hand, and the choice with losses computed one by one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Context, DataRef, MergeInputs, MergePlan, Merged, Merger, Piece, Planned, Result, Rolling, Slice, refuse, register};

mod greedy;

/// A mean of all models, or of a greedy choice.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Soup {
    /// Held-out texts that models are chosen by; all models are taken where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out: Option<DataRef>,
    /// The field that holds the text.
    #[serde(default = "field")]
    pub field: String,
    /// Padded tokens of a batch at most; more is faster and needs more memory.
    #[serde(default = "batch_tokens")]
    #[schemars(range(min = 1))]
    pub batch_tokens: usize,
    /// Tokens of a window at most; the model's positions where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2))]
    pub max_length: Option<usize>,
}

fn field() -> String {
    Rolling::default().field
}
fn batch_tokens() -> usize {
    Rolling::default().batch_tokens
}

impl Merger for Soup {
    fn plan(&self, inputs: &MergeInputs, cx: &mut dyn Context) -> Result<MergePlan> {
        let mut plan = inputs.aligned(cx)?;
        let models: Vec<usize> = (0..inputs.models.len()).filter(|i| inputs.base != Some(*i)).collect();
        if models.is_empty() {
            return refuse("soup: models", "at least one model beside the base", "none", "list the models to average");
        }
        let taken = match &self.held_out {
            None => models,
            Some(_) if !inputs.slices.is_empty() => return refuse("soup: held_out", "whole models", "slices", "list `models`"),
            Some(data) => {
                let reading = Rolling { field: self.field.clone(), batch_tokens: self.batch_tokens, max_length: self.max_length };
                greedy::choose(inputs, &models, data, &reading, cx)?
            }
        };
        for out in &mut plan.outputs {
            out.reads.retain(|read| taken.contains(&read.input));
            out.base = None;
            if out.reads.is_empty() {
                return refuse(format!("soup: tensor {}", out.name), "at least one model beside the base", "none", "add one to this slice");
            }
        }
        Ok(plan)
    }

    fn merge<'m>(&'m self, out: &'m Planned, _: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        let n = out.reads.len() as f64;
        let mean = move |piece: Piece<'_>| {
            for (i, out) in piece.out.iter_mut().enumerate() {
                *out = (piece.inputs.iter().map(|x| f64::from(x[i])).sum::<f64>() / n) as f32;
            }
        };
        Ok(Merged::elements(mean))
    }
}

register!(Merger, "soup", "Averages all models, or those that lower a held-out loss", Soup);
