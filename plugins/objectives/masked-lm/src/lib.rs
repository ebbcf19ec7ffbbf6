//! # masked-lm
//!
//! Masked language modelling: tokens hidden from an encoder, from all others of their text.
//! Papers: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding" (arXiv 1810.04805,
//! §3.1, task 1); Liu et al. 2019, "RoBERTa" (arXiv 1907.11692, §4.1: hidden anew every time a text is seen).
//!
//! ## What it does
//! Of a text's tokens 15 of a hundred are chosen. In place of 80 of a hundred of them stands the mask token, in place of 10 a token
//! drawn from all that are not special, and 10 stay. Minimises `Σ −ln p(token | the text with hidden tokens)` over the chosen places,
//! divided by their number in the whole step. Special tokens are never chosen, and a text with other tokens has at least one chosen.
//! Every pass over the data chooses anew; draws depend on the seed, the pass and the record alone. A text stands between its start
//! and end tokens; longer ones are cut into rows that share no token. Losses that parts of the model add are minimised beside it.
//!
//! Where the stage has a `format`, rows are the format's, and tokens that it learns may be hidden. A format that puts a translation
//! behind a text gives translation language modelling (Conneau and Lample 2019, arXiv 1901.07291, §3.3).
//!
//! ## When to use
//! For encoders: pre-training, and going on with plain text of a new language. Decoders are refused.
//!
//! ## Differences from the paper
//! Tokens are hidden one by one, not by words. There is no prediction of the next sentence, as in RoBERTa. The number of chosen
//! tokens of a text is 15 of a hundred rounded up or down by chance, not drawn for each token. The chosen places and what they
//! held count as tokens of a batch.
//!
//! ## Reproduces
//! No published number. The tests compare the loss with log-probabilities read off logits, and its gradients with finite differences.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;
use tongues_kernel::{Context, Example, ExampleContext, Format, Objective, Output, Record, Result, Run, Sequence, Stack, Step, Term, burn, refuse, register};
use tongues_nn::masked::{ANSWERS, Hiding, HidingTokens, answers, hidden};

/// Masked language modelling over one field.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskedLmOptions {
    /// The field that holds the text.
    #[serde(default = "field")]
    pub field: String,
    /// The share of a text's tokens that are chosen.
    #[serde(default = "probability")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Of those, the share in whose place another token stands.
    #[serde(default = "tenth")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub random: f64,
    /// Of those, the share that stays as it is. All others are hidden by the mask token.
    #[serde(default = "tenth")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub kept: f64,
    /// The mask token; where absent, `<mask>` or `[MASK]`.
    pub mask_token: Option<String>,
}

fn field() -> String {
    "text".into()
}
fn probability() -> f64 {
    0.15
}
fn tenth() -> f64 {
    0.1
}

/// The objective.
#[derive(Module, Debug)]
pub struct MaskedLm {
    #[module(skip)]
    options: MaskedLmOptions,
}

impl MaskedLm {
    /// With these options.
    ///
    /// # Errors
    /// Nothing would be hidden, or the shares are more than the whole.
    pub fn new(options: MaskedLmOptions, _: &mut dyn Context) -> Result<Self> {
        if options.field.is_empty() {
            return refuse("masked-lm: field", "the name of a field", "an empty text", "leave the key out for `text`");
        }
        if options.probability <= 0.0 {
            return refuse("masked-lm: probability", "more than 0", options.probability, "0.15 is usual");
        }
        if options.random + options.kept > 1.0 {
            return refuse("masked-lm: random and kept", "at most 1 together", options.random + options.kept, "0.1 each is usual");
        }
        Ok(Self { options })
    }

    /// The rows of a record, before anything is hidden.
    fn rows(&self, record: &Record, tokens: &HidingTokens, cx: &ExampleContext<'_>) -> Result<Vec<Sequence>> {
        if let Some(format) = cx.format {
            return formatted(record, format, cx);
        }
        let text = record.text(&self.options.field)?;
        let ids = cx.tokenizer.encode(text)?;
        if ids.is_empty() {
            return refuse(record.place(&self.options.field), "a text of at least one token", "none", "leave this record out of the data");
        }
        let rows = tokens.rows(&ids, cx.max_length, "masked-lm")?;
        Ok(rows.into_iter().map(|ids| Sequence::of("text", ids, 1.0)).collect())
    }
}

/// The row of a format: the text of the record, or the better one of two answers.
fn formatted(record: &Record, format: &dyn Format, cx: &ExampleContext<'_>) -> Result<Vec<Sequence>> {
    let mut rows = format.rows(record, cx.tokenizer, cx.max_length)?;
    let row = rows.remove("text").or_else(|| rows.remove("chosen"));
    Ok(row.map(|row| row.sequence).into_iter().collect())
}

/// The output with what was hidden as its labels.
fn labelled(out: Output, step: &Step<'_>) -> Result<Output> {
    let told = answers(&step.batch.examples, &out.hidden)?;
    let (shape, device) = (out.labels.dims(), out.labels.device());
    let labels = told.iter().map(|id| id.map_or(0, i64::from)).collect::<Vec<_>>();
    let weights = told.iter().map(|id| f32::from(u8::from(id.is_some()))).collect::<Vec<_>>();
    let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, shape), &device);
    Ok(Output { labels, weights: Tensor::from_data(TensorData::new(weights, shape), &device), ..out })
}

impl Objective for MaskedLm {
    fn examples(&self, record: &Record, cx: &ExampleContext<'_>) -> Result<Vec<Example>> {
        let options = &self.options;
        let tokens = HidingTokens::of(cx.tokenizer, options.mask_token.as_deref(), "masked-lm: mask_token")?;
        let how = Hiding { probability: options.probability, random: options.random, kept: options.kept };
        let draws = cx.draws.stream("masked-lm").stream(&record.id);
        let example = |(i, row): (usize, Sequence)| {
            let id = if i == 0 { record.id.clone() } else { format!("{}#{i}", record.id).into() };
            let (text, answers) = hidden(&row, &how, &tokens, draws.example(i as u64));
            let mut example = Example { language: record.language.clone(), ..Example::of_text(id, text) };
            example.sequences.insert(ANSWERS.into(), answers);
            example
        };
        Ok(self.rows(record, &tokens, cx)?.into_iter().enumerate().map(example).collect())
    }

    fn redraws(&self) -> bool {
        true
    }

    fn loss(&self, step: &mut Step<'_>) -> Result<Vec<Term>> {
        if step.model.spec().main() == Stack::Decoder {
            let found = format!("{}, a decoder", step.model.spec().family);
            return refuse("masked-lm", "an encoder: its tokens see those on both sides", found, "use `causal-lm` for a decoder");
        }
        let out = step.run("text", &Run::default())?;
        let out = labelled(out, step)?;
        let sum = tongues_nn::cross_entropy(step.model, &out, false)?;
        let own = Term { name: "masked-lm".into(), sum, over: step.batch.loss_tokens(), weight: 1.0 };
        Ok(std::iter::once(own).chain(out.notes.losses).collect())
    }

    fn may_pack(&self) -> bool {
        true
    }
}

register!(Objective, "masked-lm", "Tokens hidden from an encoder, told from all others of their text", MaskedLmOptions => MaskedLm::new);
