//! # masked-accuracy
//!
//! How many of the tokens that are hidden from an encoder it tells, and the loss at them.
//! Paper: Devlin et al. 2019, "BERT" (arXiv 1810.04805, §3.1); loss over hidden tokens as a score: Liu et al. 2019, "RoBERTa" (arXiv 1907.11692,
//! table 3, perplexity of held-out text).
//!
//! ## What it does
//! Of every text's tokens 15 of a hundred are hidden by the mask token. `masked-accuracy` is the share of hidden tokens that are the
//! likeliest of the vocabulary at their place; `masked-loss` is the mean `−ln p(token | the text with hidden tokens)` in nats. Its exponential
//! is the perplexity that the papers print. Which tokens are hidden depends on `seed` and the record alone, so that all models with one
//! tokenizer are asked the same. A text stands between its start and end tokens; longer ones are cut into rows that share no token.
//!
//! ## When to use
//! For encoders, on held-out text. **Never between tokenizers**: longer tokens are harder to tell.
//!
//! ## Differences from the paper
//! In training some chosen tokens stay or are replaced by others; here all are hidden by the mask token.
//!
//! ## Reproduces
//! No published number. The tests work both scores out from logits, and from the size of the vocabulary for a model that knows nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::{Int, activation::log_softmax};
use tongues_kernel::score::{Columns, language_column};
use tongues_kernel::{
    Better, Call, Draws, Evaluation, Evaluator, Example, Finding, Item, Laid, Model, Record, Result, Sequence, Stack, refuse, register, values,
};
use tongues_nn::masked::{ANSWERS, Hiding, HidingTokens, answers, hidden};

/// Accuracy and loss on hidden tokens of a text field.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-stack" = "encoder"))]
pub struct MaskedAccuracy {
    /// The field with the text.
    #[serde(default = "text")]
    pub field: String,
    /// The share of a text's tokens that are hidden.
    #[serde(default = "probability")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Which tokens are hidden.
    #[serde(default = "one")]
    pub seed: u64,
    /// The mask token; where absent, `<mask>` or `[MASK]`.
    pub mask_token: Option<String>,
    /// Tokens of a batch at most; more is faster and needs more memory. Scores do not depend on it.
    #[serde(default = "batch_tokens")]
    #[schemars(range(min = 1))]
    pub batch_tokens: usize,
}

fn text() -> String {
    "text".into()
}
fn probability() -> f64 {
    0.15
}
fn one() -> u64 {
    1
}
fn batch_tokens() -> usize {
    4096
}

/// What was told of one row.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    right: usize,
    nats: f64,
    hidden: usize,
}

/// A row of a record.
struct Row {
    record: usize,
    example: Example,
}

impl MaskedAccuracy {
    /// The rows of all records, with tokens hidden.
    fn rows(&self, records: &[Record], model: &Model) -> Result<Vec<Row>> {
        let tokenizer = model.tokenizer()?;
        let tokens = HidingTokens::of(&**tokenizer, self.mask_token.as_deref(), "masked-accuracy: mask_token")?;
        let how = Hiding { probability: self.probability, random: 0.0, kept: 0.0 };
        let positions = model.spec().max_positions;
        let length = if positions > 0 { positions } else { usize::MAX };
        let mut rows = vec![];
        for (i, record) in records.iter().enumerate() {
            let ids = tokenizer.encode(record.text(&self.field)?)?;
            if ids.is_empty() {
                return refuse(record.place(&self.field), "a text of at least one token", "none", "leave this record out of the data");
            }
            let draws = Draws::new(self.seed).stream("masked-accuracy").stream(&record.id);
            for (n, ids) in tokens.rows(&ids, length, "masked-accuracy")?.into_iter().enumerate() {
                let (text, told) = hidden(&Sequence::of("text", ids, 1.0), &how, &tokens, draws.example(n as u64));
                let sequences = BTreeMap::from([("text".into(), text), (ANSWERS.into(), told)]);
                rows.push(Row { record: i, example: Example { id: record.id.clone(), sequences, ..Example::default() } });
            }
        }
        Ok(rows)
    }

    /// What is told of every record.
    fn told(&self, model: &Model, records: &[Record]) -> Result<Vec<Told>> {
        let rows = self.rows(records, model)?;
        let columns = language_column(records.iter().map(|record| record.language.as_deref()));
        let mut by_length: BTreeMap<usize, Vec<&Row>> = BTreeMap::new();
        for row in &rows {
            by_length.entry(row.example.sequence("text")?.len()).or_default().push(row);
        }
        let mut all = vec![Told::default(); records.len()];
        // Rows of one length side by side need no padding.
        for (length, rows) in by_length {
            for chunk in rows.chunks((self.batch_tokens / length.max(1)).max(1)) {
                let columns = columns.iter().map(|(name, all)| (name.clone(), chunk.iter().map(|row| all[row.record]).collect())).collect();
                for (row, told) in chunk.iter().zip(read(model, chunk, &columns)?) {
                    let sum = &mut all[row.record];
                    *sum = Told { right: sum.right + told.right, nats: sum.nats + told.nats, hidden: sum.hidden + told.hidden };
                }
            }
        }
        Ok(all)
    }
}

/// What a model tells of rows of one length.
fn read(model: &Model, rows: &[&Row], columns: &Columns) -> Result<Vec<Told>> {
    let device = model.plain_device();
    let examples: Vec<Example> = rows.iter().map(|row| row.example.clone()).collect();
    let sequences = examples.iter().map(|e| e.sequence("text")).collect::<Result<Vec<_>>>()?;
    let mut input = Laid::new(sequences)?.input(model.spec().main(), &device);
    let numbers = |all: &Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(all.clone(), [all.len()]), &device);
    input.columns = columns.iter().map(|(name, all)| (name.clone(), numbers(all))).collect();
    let call = Call { columns: input.columns.clone(), ..Call::default() };
    let state = model.walk(&input, None, &mut model.pass(call.clone()))?;
    let time = state.x.dims()[1];
    let answers = answers(&examples, &state)?;
    let row = |(i, answers): (usize, &[Option<u32>])| {
        let columns = call.columns.iter().map(|(name, all)| (name.clone(), all.clone().narrow(0, i, 1))).collect();
        at_places(model, state.x.clone().narrow(0, i, 1), answers, Call { columns, ..call.clone() })
    };
    answers.chunks(time.max(1)).enumerate().map(row).collect()
}

/// What a model tells at the hidden places of one row `[1, time, width]`.
fn at_places(model: &Model, x: Tensor<3>, answers: &[Option<u32>], call: Call) -> Result<Told> {
    let hidden: Vec<(i64, u32)> = answers.iter().enumerate().filter_map(|(t, id)| Some((t as i64, (*id)?))).collect();
    if hidden.is_empty() {
        return Ok(Told::default());
    }
    let places = Tensor::<1, Int>::from_data(TensorData::new(hidden.iter().map(|h| h.0).collect(), [hidden.len()]), &x.device());
    let logits = log_softmax(model.read_out_with(x.select(1, places), false, &mut model.pass(call))?, 2); // [1, n, V]
    let vocabulary = logits.dims()[2];
    let mut told = Told { hidden: hidden.len(), ..Told::default() };
    for (scores, (_, id)) in values(logits).chunks(vocabulary).zip(hidden) {
        let own = scores[id as usize];
        told.nats -= f64::from(own);
        // A token that is as likely as another is not told: a model that knows nothing is right nowhere.
        told.right += usize::from(scores.iter().enumerate().all(|(other, score)| other == id as usize || *score < own));
    }
    Ok(told)
}

impl Evaluator for MaskedAccuracy {
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let spec = evaluation.model.spec();
        if spec.main() == Stack::Decoder {
            let found = format!("{}, a decoder", spec.family);
            return refuse("masked-accuracy", "an encoder: its tokens see those on both sides", found, "use `perplexity` or `bits-per-byte` for a decoder");
        }
        if self.probability <= 0.0 {
            return refuse("masked-accuracy: probability", "more than 0", self.probability, "0.15 is usual");
        }
        let records = evaluation.data.open()?.collect::<Result<Vec<Record>>>()?;
        if records.is_empty() {
            return refuse(format!("data `{}`", evaluation.data.name()), "at least one record", "none", "use more data");
        }
        let told = self.told(&evaluation.model.inference(), &records)?;
        let item = |(record, told): (&Record, &Told), value: f64| Item { value, weight: told.hidden as f64, ..Item::one(record.id.clone(), 0.0) };
        let right = records.iter().zip(&told).map(|pair| item(pair, pair.1.right as f64)).collect();
        let nats = records.iter().zip(&told).map(|pair| item(pair, pair.1.nats)).collect();
        Ok(vec![Finding::ratio("masked-accuracy", Better::Higher, right), Finding::ratio("masked-loss", Better::Lower, nats)])
    }
}

register!(Evaluator, "masked-accuracy", "Share of hidden tokens that an encoder tells, and the loss at them", MaskedAccuracy);
