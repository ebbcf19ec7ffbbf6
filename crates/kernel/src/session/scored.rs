//! Log-probabilities of tokens as a session reads them.

use super::{Rectangle, Session, host, moved, walk};
use crate::{Hidden, Model, Pass, Result, Stack, values};
use burn::prelude::*;
use burn::tensor::Int;
use burn::tensor::activation::log_softmax;

/// Rows of logits computed at once; bounds memory at this times the vocabulary.
const ROWS_AT_ONCE: usize = 1024;

impl Session {
    /// Reads more tokens of every row and returns the natural log-probability of each, in order, given all that the row held
    /// before. In a session that has read nothing, the first token of a row has no score.
    ///
    /// # Errors
    /// A row is empty, an id lies outside the vocabulary, or the positions are used up.
    pub fn score(&mut self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        self.check(texts)?;
        let fresh = self.is_fresh();
        let firsts = if fresh || self.cache.is_none() { None } else { Some(self.firsts(texts)?) };
        let (device, stack) = (self.model.plain_device(), self.model.spec().main());
        let whole = self.whole(texts);
        let rows: Vec<&[u32]> = whole.iter().map(Vec::as_slice).collect();
        let rectangle = Rectangle::right(&rows, &self.from());
        // What goes on behind these rows must not see their pads; rows that are read once have nothing behind them.
        let goes_on = !fresh || self.cache.is_some();
        let input = rectangle.input(stack, goes_on || stack != Stack::Decoder, &self.columns, &device);
        let (hidden, mut pass) = walk(&self.model, &input, self.cache.take())?;
        let mut scores = every(&self.model, &rows, &hidden, &mut pass)?;
        if goes_on {
            let (last, next) = moved(&hidden, &pass, &device);
            let logits = self.model.read_out_with(last, false, &mut pass)?;
            self.keep(pass.cache.take(), &hidden, logits);
            self.next = next;
        }
        for (scores, first) in scores.iter_mut().zip(firsts.into_iter().flatten()) {
            scores.insert(0, first);
        }
        if !fresh && self.cache.is_none() {
            scores.iter_mut().zip(texts).for_each(|(scores, text)| *scores = scores.split_off(scores.len().saturating_sub(text.len())));
        }
        self.texts.iter_mut().zip(texts).for_each(|(row, text)| row.extend_from_slice(text));
        Ok(scores)
    }

    /// Log-probability of the first new token of each row.
    fn firsts(&self, texts: &[&[u32]]) -> Result<Vec<f32>> {
        let next = log_softmax(self.logits()?, 1);
        let ids: Vec<i64> = texts.iter().map(|text| i64::from(text[0])).collect();
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [texts.len(), 1]), &next.device());
        Ok(values(next.gather(1, ids)))
    }
}

/// The score of every token of the rows but the first of each.
fn every(model: &Model, rows: &[&[u32]], hidden: &Hidden, pass: &mut Pass<'_>) -> Result<Vec<Vec<f32>>> {
    let [batch, time, _] = hidden.x.dims();
    let origin: Option<Vec<i64>> = hidden.origin.as_ref().map(|o| host(o.clone()));
    // The token that a place stands for: parts may have moved them.
    let token = |r: usize, t: usize| {
        let at = origin.as_ref().map_or(Some(t), |o| usize::try_from(o[r * time + t]).ok())?;
        (at > 0).then(|| rows[r].get(at).copied()).flatten()
    };
    let wanted: Vec<Option<u32>> = (0..batch * time).map(|i| if i % time + 1 < time { token(i / time, i % time + 1) } else { None }).collect();
    let labels: Vec<i64> = wanted.iter().map(|id| id.map_or(0, i64::from)).collect();
    let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [batch, time]), &hidden.x.device().without_autodiff());
    let mut all = vec![0.0; batch * time];
    // Pieces of time, never of rows: a part on the head may treat every row in its own way.
    let step = (ROWS_AT_ONCE / batch).max(1);
    for start in (0..time).step_by(step) {
        let n = step.min(time - start);
        let logits = model.read_out_with(hidden.x.clone().narrow(1, start, n), false, pass)?;
        let chosen = log_softmax(logits, 2).gather(2, labels.clone().narrow(1, start, n).reshape([batch, n, 1]));
        for (i, score) in values(chosen).into_iter().enumerate() {
            all[(i / n) * time + start + i % n] = score;
        }
    }
    let row = |r: usize| (r * time..(r + 1) * time).filter(|i| wanted[*i].is_some()).map(|i| all[i]).collect();
    Ok((0..batch).map(row).collect())
}
