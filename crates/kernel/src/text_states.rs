//! Texts as vectors: the mean of a layer's states over their tokens.

use crate::score::language_column;
use crate::{Call, Error, Hidden, Laid, Model, Record, Result, Role, Sequence, Site, Tokenizer, refuse, values};
use burn::prelude::*;
use burn::tensor::Int;
use std::collections::BTreeMap;

/// The vectors of all texts at one layer, each of length 1.
pub type Vectors = Vec<Vec<f32>>;

/// Texts as vectors. A text's vector at a layer is the mean of the states behind that block over its tokens, brought to length 1. The start
/// token in front is left out, since its state is the same for every text, and so is what a part puts there.
#[derive(Clone, Copy, Debug)]
pub struct TextStates<'a> {
    /// The field with the text.
    pub field: &'a str,
    /// The language of the texts, for models with an adapter a language; that of each record where absent.
    pub language: Option<&'a str>,
    /// Layers, counted from 1 (the output of the first block).
    pub layers: &'a [usize],
    /// Tokens of a batch at most. Vectors do not depend on it.
    pub batch_tokens: usize,
}

impl TextStates<'_> {
    /// The vectors of all records, layer by layer.
    ///
    /// # Errors
    /// A layer that the model does not have, a record without the field, an empty text or one that is longer than the model's positions,
    /// states that are all zero or not numbers.
    pub fn of(&self, model: &Model, records: &[Record]) -> Result<Vec<Vectors>> {
        let last = model.spec().layers(model.spec().main());
        if let Some(wrong) = self.layers.iter().find(|layer| !(1..=last).contains(*layer)) {
            return refuse("layers", format!("layers from 1 (the output of the first block) to {last}"), wrong, "name layers that the model has");
        }
        let tokenizer = model.tokenizer()?;
        let rows = records.iter().map(|record| row(record, self.field, &**tokenizer, model.spec().max_positions)).collect::<Result<Vec<_>>>()?;
        let columns = language_column(records.iter().map(|record| self.language.or(record.language.as_deref())));
        // Rows of one length side by side need no padding.
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        rows.iter().enumerate().for_each(|(i, row)| by_length.entry(row.len()).or_default().push(i));
        let mut vectors: Vec<Vectors> = self.layers.iter().map(|_| vec![vec![]; rows.len()]).collect();
        for (length, places) in by_length {
            for chunk in places.chunks((self.batch_tokens / length).max(1)) {
                let batch: Vec<&Sequence> = chunk.iter().map(|i| &rows[*i]).collect();
                let device = model.plain_device();
                let number = |all: &Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(chunk.iter().map(|i| all[*i]).collect(), [chunk.len()]), &device);
                let columns = columns.iter().map(|(name, all)| (name.clone(), number(all))).collect();
                let found = pooled(model, &batch, self.layers, Call { columns, ..Call::default() })?;
                for (layer, of_layer) in found.into_iter().enumerate() {
                    for (i, vector) in chunk.iter().zip(of_layer) {
                        let zero = || Error::run(records[*i].place(self.field), "the model's states are all zero, or not numbers");
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
        let missing = || Error::run(format!("layer {layer}"), "the model's blocks do not say their states");
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
