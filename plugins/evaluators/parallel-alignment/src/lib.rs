//! # parallel-alignment
//!
//! How close the states of a text and of its translation are, layer by layer, beside those of texts that say other things.
//! Paper: arXiv 2503.01275 (2025), "Deep Supervision Fine-Tuning" (its analysis of alignment: cosine of mean-pooled states of parallel
//! sentences by layer).
//!
//! ## What it does
//! A text's vector at a layer is the mean of the states behind that block over its tokens, the start token left out: its state is the
//! same for every text. Layers count from 1, the output of the first block. For every layer `k`:
//!
//! - `cosine@k`: the cosine of `field` and `other` of a record, its mean over records;
//! - `shuffled-cosine@k`: the same with the `other` of another record (a seeded permutation without a fixed place);
//! - `accuracy@k`: how often a record's own `other` is nearest among those of all records; where several are equally near, its share.
//!
//! ## When to use
//! On held-out parallel texts, before and after a method that is to bring languages together. Read a cosine only beside the shuffled
//! one: states of language models lie in a narrow cone, and everything is alike in it.
//!
//! ## Differences from the paper
//! The paper shows the cosine alone. Shuffled pairs and accuracy are added, since a cosine also rises where all states collapse.
//!
//! ## Reproduces
//! No published number. The tests compare with vectors pooled by hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;
use tongues_kernel::score::language_column;
use tongues_kernel::{
    Better, Call, Draws, Error, Evaluation, Evaluator, Finding, Hidden, Item, Laid, Model, Record, Result, Role, Sequence, Site, Tokenizer, refuse, register,
    values,
};

/// Cosine of parallel texts by layer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParallelAlignment {
    /// The field with the text.
    #[serde(default = "text")]
    pub field: String,
    /// The field with the text that says the same in the other language.
    pub other: String,
    /// The language of the other texts, for models with an adapter a language; that of the record where absent.
    #[serde(default)]
    pub other_language: Option<String>,
    /// Layers, counted from 1; all where empty.
    #[serde(default)]
    pub layers: Vec<usize>,
    /// Tokens of a batch at most; more is faster and needs more memory. Scores do not depend on it.
    #[serde(default = "batch_tokens")]
    #[schemars(range(min = 1))]
    pub batch_tokens: usize,
}

fn text() -> String {
    "text".into()
}
fn batch_tokens() -> usize {
    4096
}

/// The vectors of all texts at one layer, each of length 1.
type Vectors = Vec<Vec<f32>>;

impl ParallelAlignment {
    /// The layers that are read.
    fn chosen(&self, model: &Model) -> Result<Vec<usize>> {
        let last = model.spec().layers(model.spec().main());
        match self.layers.iter().find(|layer| !(1..=last).contains(*layer)) {
            Some(wrong) => {
                refuse("parallel-alignment: layers", format!("layers from 1 (the output of the first block) to {last}"), wrong, "leave the key out for all")
            }
            None if self.layers.is_empty() => Ok((1..=last).collect()),
            None => Ok(self.layers.clone()),
        }
    }

    /// The vectors of a field, layer by layer.
    fn vectors(&self, model: &Model, records: &[Record], field: &str, language: Option<&str>) -> Result<Vec<Vectors>> {
        let (tokenizer, layers) = (model.tokenizer()?, self.chosen(model)?);
        let rows = records.iter().map(|record| row(record, field, &**tokenizer, model.spec().max_positions)).collect::<Result<Vec<_>>>()?;
        let columns = language_column(records.iter().map(|record| language.or(record.language.as_deref())));
        // Rows of one length side by side need no padding.
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        rows.iter().enumerate().for_each(|(i, row)| by_length.entry(row.len()).or_default().push(i));
        let mut vectors: Vec<Vectors> = layers.iter().map(|_| vec![vec![]; rows.len()]).collect();
        for (length, places) in by_length {
            for chunk in places.chunks((self.batch_tokens / length).max(1)) {
                let batch: Vec<&Sequence> = chunk.iter().map(|i| &rows[*i]).collect();
                let device = model.plain_device();
                let number = |all: &Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(chunk.iter().map(|i| all[*i]).collect(), [chunk.len()]), &device);
                let columns = columns.iter().map(|(name, all)| (name.clone(), number(all))).collect();
                let found = pooled(model, &batch, &layers, Call { columns, ..Call::default() })?;
                for (layer, of_layer) in found.into_iter().enumerate() {
                    for (i, vector) in chunk.iter().zip(of_layer) {
                        let zero = || Error::run(records[*i].place(field), "the model's states are all zero, or not numbers");
                        vectors[layer][*i] = unit(vector).ok_or_else(zero)?;
                    }
                }
            }
        }
        Ok(vectors)
    }
}

/// A text behind its start token.
fn row(record: &Record, field: &str, tokenizer: &dyn Tokenizer, positions: usize) -> Result<Sequence> {
    let text = tokenizer.encode(record.text(field)?)?;
    if text.is_empty() {
        return refuse(record.place(field), "a text of at least one token", "none", "leave this record out of the data");
    }
    let start: Vec<u32> = tokenizer.bos().or(tokenizer.eos()).into_iter().collect();
    let length = start.len() + text.len();
    if positions > 0 && length > positions {
        let expected = format!("a text of at most {positions} tokens (the model's positions)");
        return refuse(record.place(field), expected, length, "leave this record out, or cut its text");
    }
    let mut row = Sequence::of("start", start, 0.0);
    row.segments.extend(Sequence::of("text", text, 0.0).segments);
    Ok(row)
}

/// The mean state of the texts' tokens at every layer, for rows of one length.
fn pooled(model: &Model, rows: &[&Sequence], layers: &[usize], call: Call) -> Result<Vec<Vectors>> {
    let stack = model.spec().main();
    let mut input = Laid::new(rows.iter().copied())?.input(stack, &model.plain_device());
    input.columns.clone_from(&call.columns);
    let site = |layer: &usize| Site::new(stack, layer - 1, Role::Block);
    let mut pass = model.pass(call).reading(&layers.iter().map(site).collect::<Vec<Site>>());
    let hidden = model.walk(&input, layers.iter().max().copied(), &mut pass)?;
    let shares = shares(rows, &hidden); // [B, T, 1]
    let [batch, _, width] = hidden.x.dims();
    let mean = |layer: &usize| {
        let missing = || Error::run(format!("parallel-alignment: layer {layer}"), "the model's blocks do not say their states");
        let x = pass.notes.read.get(&site(layer)).cloned().ok_or_else(missing)?; // [B, T, D]
        Ok(values((x * shares.clone()).sum_dim(1).reshape([batch, width])).chunks(width).map(<[f32]>::to_vec).collect())
    };
    layers.iter().map(mean).collect()
}

/// What each place weighs in its text's vector: nothing where it stands for the start or for what a part put there.
fn shares(rows: &[&Sequence], hidden: &Hidden) -> Tensor<3> {
    let [batch, time, _] = hidden.x.dims();
    let origin = hidden.origin_or_identity().into_data().convert::<i64>().try_to_vec::<i64>().unwrap_or_default();
    let mut shares = vec![];
    for (row, places) in rows.iter().zip(origin.chunks(time.max(1))) {
        let start = row.segments.first().map_or(0, |s| s.ids.len()) as i64;
        let own = places.iter().filter(|o| **o >= start).count().max(1) as f32;
        shares.extend(places.iter().map(|o| if *o >= start { 1.0 / own } else { 0.0 }));
    }
    Tensor::from_data(TensorData::new(shares, [batch, time, 1]), &hidden.x.device())
}

/// The vector over its length.
fn unit(vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    (length > 0.0 && length.is_finite()).then(|| vector.iter().map(|x| (f64::from(*x) / length) as f32).collect())
}

/// Cosines `[n, n]` of each text with each other text, row by row.
fn cosines(texts: &Vectors, others: &Vectors, device: &Device) -> Vec<Vec<f32>> {
    let n = texts.len();
    let matrix = |vectors: &Vectors| Tensor::<2>::from_data(TensorData::new(vectors.concat(), [n, vectors.concat().len() / n]), device);
    values(matrix(texts).matmul(matrix(others).transpose())).chunks(n).map(<[f32]>::to_vec).collect()
}

/// One where the own text is nearest, its share where several are equally near.
pub fn nearest(cosines: &[f32], own: usize) -> f64 {
    let best = cosines.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let equals = cosines.iter().filter(|c| **c == best).count();
    if cosines[own] == best { 1.0 / equals as f64 } else { 0.0 }
}

/// A permutation without a fixed place: one circle through all.
fn circle(n: usize, draws: Draws) -> Vec<usize> {
    let order = draws.permutation(n);
    let mut to = vec![0; n];
    order.iter().enumerate().for_each(|(k, from)| to[*from] = order[(k + 1) % n]);
    to
}

impl Evaluator for ParallelAlignment {
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let records = evaluation.data.open()?.collect::<Result<Vec<Record>>>()?;
        if records.len() < 2 {
            let place = format!("data `{}`", evaluation.data.name());
            return refuse(place, "at least two records: what is parallel stands out against others", records.len(), "use more data");
        }
        let model = evaluation.model.inference();
        let texts = self.vectors(&model, &records, &self.field, None)?;
        let others = self.vectors(&model, &records, &self.other, self.other_language.as_deref())?;
        let strangers = circle(records.len(), evaluation.cx.draws().stream("shuffled pairs"));
        let mut findings = vec![];
        for (k, layer) in self.chosen(&model)?.into_iter().enumerate() {
            let cosines = cosines(&texts[k], &others[k], &model.plain_device());
            let finding = |metric: &str, better, score: &dyn Fn(usize) -> f64| {
                let items = records.iter().enumerate().map(|(i, record)| Item::one(record.id.clone(), score(i))).collect();
                Finding::ratio(format!("{metric}@{layer}"), better, items)
            };
            findings.push(finding("cosine", Better::Higher, &|i| f64::from(cosines[i][i])));
            findings.push(finding("shuffled-cosine", Better::Lower, &|i| f64::from(cosines[i][strangers[i]])));
            findings.push(finding("accuracy", Better::Higher, &|i| nearest(&cosines[i], i)));
        }
        Ok(findings)
    }
}

register!(Evaluator, "parallel-alignment", "Cosine of parallel texts at every layer, beside shuffled pairs", ParallelAlignment);
