//! Where the marked tokens of a row stand in its states.

use crate::Pool;
use crate::sides::{ANSWER, QUERY};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;
use tongues_kernel::{Batch, Hidden, Result, Sequence};

/// The tokens of a row that these marks name.
pub(crate) fn tokens(sequence: &Sequence, keep: impl Fn(&str) -> bool) -> Vec<(usize, u32)> {
    let marks = sequence.segments.iter().flat_map(|s| s.ids.iter().map(|id| (&*s.mark, *id)));
    marks.enumerate().filter(|(_, (mark, _))| keep(mark)).map(|(n, (_, id))| (n, id)).collect()
}

/// What says which English token, by position: token n of the query says English token n of it, and the token before
/// token n of the answer says English token n of it.
pub(crate) fn aligned(text: &Sequence, english: &Sequence, mark: &str) -> Vec<(usize, u32)> {
    let of = |sequence| tokens(sequence, |m| m.starts_with(mark));
    let back = usize::from(mark == ANSWER);
    of(text).into_iter().zip(of(english)).map(|((n, _), (_, id))| (n.saturating_sub(back), id)).collect()
}

/// The states of a run by the tokens they stand for.
pub(crate) struct Places {
    /// Which token a place stands for, row by row; `None` where place n is token n.
    origin: Option<Vec<i64>>,
    time: usize,
}

impl Places {
    pub(crate) fn of(hidden: &Hidden) -> Self {
        let read = |origin: &Tensor<2, Int>| origin.clone().into_data().convert::<i64>().try_to_vec().unwrap_or_default();
        Self { origin: hidden.origin.as_ref().map(read), time: hidden.x.dims()[1] }
    }

    /// The place of a token; none where a part took it away.
    fn place(&self, row: usize, token: usize) -> Option<usize> {
        match &self.origin {
            None => (token < self.time).then_some(token),
            Some(origin) => origin[row * self.time..(row + 1) * self.time].iter().position(|o| *o == token as i64),
        }
    }

    /// Labels and weights `[batch, time]` of tokens that say others.
    pub(crate) fn labels(&self, pairs: &[Vec<(usize, u32)>], device: &Device) -> (Tensor<2, Int>, Tensor<2>) {
        let n = pairs.len() * self.time;
        let (mut labels, mut weights) = (vec![0i64; n], vec![0f32; n]);
        for (row, pairs) in pairs.iter().enumerate() {
            for (token, label) in pairs {
                let Some(place) = self.place(row, *token) else { continue };
                labels[row * self.time + place] = i64::from(*label);
                weights[row * self.time + place] = 1.0;
            }
        }
        let shape = [pairs.len(), self.time];
        (Tensor::from_data(TensorData::new(labels, shape), device), Tensor::from_data(TensorData::new(weights, shape), device))
    }

    /// What each place weighs in its row's vector `[batch, time, 1]`.
    fn shares(&self, tokens: &[Vec<usize>], pool: Pool, device: &Device) -> Tensor<3> {
        let mut shares = vec![0f32; tokens.len() * self.time];
        for (row, tokens) in tokens.iter().enumerate() {
            let places: Vec<usize> = tokens.iter().filter_map(|token| self.place(row, *token)).collect();
            let chosen = if pool == Pool::Last { &places[places.len().saturating_sub(1)..] } else { &places[..] };
            chosen.iter().for_each(|place| shares[row * self.time + place] = 1.0 / chosen.len() as f32);
        }
        Tensor::from_data(TensorData::new(shares, [tokens.len(), self.time, 1]), device)
    }
}

/// One vector a row `[batch, width]` from the states `x` of the tokens with these marks.
pub(crate) fn pooled(x: Tensor<3>, hidden: &Hidden, batch: &Batch, (sequence, marks): (&str, &[&str]), pool: Pool) -> Result<Tensor<2>> {
    let own = |sequence: &Sequence| tokens(sequence, |mark| marks.contains(&mark)).into_iter().map(|(n, _)| n).collect();
    let kept = batch.examples.iter().map(|e| e.sequence(sequence).map(own)).collect::<Result<Vec<Vec<usize>>>>()?;
    let [rows, _, width] = x.dims();
    let shares = Places::of(hidden).shares(&kept, pool, &x.device().without_autodiff());
    Ok((x * shares).sum_dim(1).reshape([rows, width]))
}

/// The marks of a span.
pub(crate) fn marks(span: crate::Span) -> &'static [&'static str] {
    match span {
        crate::Span::Query => &[QUERY],
        crate::Span::Answer => &[ANSWER],
        crate::Span::All => &[QUERY, ANSWER],
    }
}
