//! Log-probabilities of given texts, batched.

use crate::{Call, Laid, Model, Name, Result, Sequence, refuse};
use burn::prelude::*;
use burn::tensor::Int;
use burn::tensor::activation::log_softmax;
use std::collections::BTreeMap;

/// Rows of logits computed at once; bounds memory at this times the vocabulary.
const ROWS_AT_ONCE: usize = 1024;

/// Natural log-probability of every token after the first of each row, in order.
/// `batch_tokens` bounds the padded size of a batch; scores do not depend on it beyond rounding.
///
/// # Errors
/// A row is longer than the model's positions.
pub fn log_probabilities(model: &Model, rows: &[Vec<u32>], batch_tokens: usize) -> Result<Vec<Vec<f32>>> {
    log_probabilities_with(model, rows, &BTreeMap::new(), batch_tokens)
}

/// The same where parts read columns (language, task, expert): one number a row.
///
/// # Errors
/// A row is longer than the model's positions, or a column has not one number a row.
pub fn log_probabilities_with(model: &Model, rows: &[Vec<u32>], columns: &BTreeMap<Name, Vec<i64>>, batch_tokens: usize) -> Result<Vec<Vec<f32>>> {
    if let Some((name, column)) = columns.iter().find(|(_, c)| c.len() != rows.len()) {
        return refuse(format!("column `{name}`"), format!("{} numbers, one a row", rows.len()), column.len(), "");
    }
    let room = model.spec().max_positions;
    if let Some(long) = rows.iter().find(|r| room > 0 && r.len() > room) {
        return refuse("scoring", format!("rows of at most {room} tokens"), long.len(), "cut the texts into windows");
    }
    model.check_ids(rows.iter().flatten().copied())?;
    let model = model.inference();
    let mut order: Vec<usize> = (0..rows.len()).filter(|i| rows[*i].len() > 1).collect();
    order.sort_by_key(|i| (rows[*i].len(), *i));
    let mut scores = vec![vec![]; rows.len()];
    let mut start = 0;
    while start < order.len() {
        let mut end = start + 1;
        while end < order.len() && (end + 1 - start) * rows[order[end]].len() <= batch_tokens {
            end += 1;
        }
        let batch: Vec<&Vec<u32>> = order[start..end].iter().map(|i| &rows[*i]).collect();
        let columns = columns.iter().map(|(name, all)| (name.clone(), order[start..end].iter().map(|i| all[*i]).collect())).collect();
        for (i, row) in order[start..end].iter().zip(one_batch(&model, &batch, &columns)?) {
            scores[*i] = row;
        }
        start = end;
    }
    Ok(scores)
}

fn one_batch(model: &Model, rows: &[&Vec<u32>], columns: &BTreeMap<Name, Vec<i64>>) -> Result<Vec<Vec<f32>>> {
    let sequences: Vec<Sequence> = rows.iter().map(|r| Sequence::of("text", (*r).clone(), 1.0)).collect();
    let laid = Laid::new(&sequences)?;
    let device = model.plain_device();
    let mut input = laid.input(model.spec().main(), &device);
    let column = |values: &Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(values.clone(), [rows.len()]), &device);
    input.columns = columns.iter().map(|(name, values)| (name.clone(), column(values))).collect();
    let mut pass = model.pass(Call { columns: input.columns.clone(), ..Call::default() });
    let hidden = model.walk(&input, None, &mut pass)?;
    let (labels, _) = laid.labels(&hidden);
    let [batch, time, _] = hidden.x.dims();
    let mut all = vec![0.0; batch * time];
    // Pieces of time, never of rows: a part on the head may treat every row in its own way.
    let step = (ROWS_AT_ONCE / batch).max(1);
    for start in (0..time).step_by(step) {
        let n = step.min(time - start);
        let logits = model.read_out_with(hidden.x.clone().narrow(1, start, n), false, &mut pass)?;
        let chosen = log_softmax(logits, 2).gather(2, labels.clone().narrow(1, start, n).reshape([batch, n, 1]));
        for (i, score) in crate::values(chosen).into_iter().enumerate() {
            all[(i / n) * time + start + i % n] = score;
        }
    }
    Ok(collect(&all, &hidden, rows, time))
}

/// Picks, for each row, the scores of its tokens after the first; follows `origin` where a part moved them.
fn collect(all: &[f32], hidden: &crate::Hidden, rows: &[&Vec<u32>], time: usize) -> Vec<Vec<f32>> {
    let origin: Option<Vec<i64>> = hidden.origin.as_ref().map(|o| o.clone().into_data().convert::<i64>().try_to_vec().unwrap_or_default());
    let token = |r: usize, t: usize| origin.as_ref().map_or(t as i64, |o| o[r * time + t]);
    let wanted = |r: usize, n: usize, t: usize| (1..n as i64).contains(&token(r, t + 1));
    let row = |(r, ids): (usize, &&Vec<u32>)| (0..time - 1).filter(|t| wanted(r, ids.len(), *t)).map(|t| all[r * time + t]).collect();
    rows.iter().enumerate().map(row).collect()
}
