//! What an objective makes of a record: sequences of marked segments, laid out once as rectangles.

use crate::{Hidden, Input, Name, Result, Stack, Stream, refuse};
use burn::prelude::*;
use burn::tensor::{Bool, Int};
use std::collections::BTreeMap;

/// A marked piece of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// What it is: `text`, `prompt`, `answer`, …
    pub mark: Name,
    /// Token ids.
    pub ids: Vec<u32>,
    /// Loss weight of its tokens: 0 means seen, not predicted.
    pub weight: f32,
}

/// One row before layout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    /// Its pieces, in order.
    pub segments: Vec<Segment>,
    /// Where a new text begins, for rows that hold several: indices of tokens, ascending, without 0.
    pub starts: Vec<usize>,
}

impl Sequence {
    /// One segment.
    pub fn of(mark: &str, ids: Vec<u32>, weight: f32) -> Self {
        Self { segments: vec![Segment { mark: mark.into(), ids, weight }], starts: vec![] }
    }

    /// Tokens.
    pub fn len(&self) -> usize {
        self.segments.iter().map(|s| s.ids.len()).sum()
    }

    /// No token.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All ids.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        self.segments.iter().flat_map(|s| s.ids.iter().copied())
    }

    /// The loss weight of each token: the first token of a text is never predicted.
    pub fn weights(&self) -> Vec<f32> {
        let mut weights: Vec<f32> = self.segments.iter().flat_map(|s| std::iter::repeat_n(s.weight, s.ids.len())).collect();
        for first in std::iter::once(0).chain(self.starts.iter().copied()) {
            if let Some(weight) = weights.get_mut(first) {
                *weight = 0.0;
            }
        }
        weights
    }

    /// Tokens that carry loss, as a sum of weights.
    pub fn loss_tokens(&self) -> f64 {
        self.weights().iter().map(|w| f64::from(*w)).sum()
    }

    /// For each token: its text's number in the row and its place in that text.
    fn places(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        (0..self.len()).map(|i| {
            let text = self.starts.partition_point(|s| *s <= i);
            let first = if text == 0 { 0 } else { self.starts[text - 1] };
            (text as i64, (i - first) as i64)
        })
    }
}

/// One example: named sequences and numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Example {
    /// Stable name.
    pub id: Name,
    /// Language tag, where known.
    pub language: Option<Name>,
    /// Sequences by name; most objectives have one, `text`.
    pub sequences: BTreeMap<Name, Sequence>,
    /// Numbers by name: labels, scores.
    pub numbers: BTreeMap<Name, Vec<f32>>,
}

impl Example {
    /// One sequence named `text`.
    pub fn of_text(id: impl Into<Name>, sequence: Sequence) -> Self {
        Self { id: id.into(), sequences: BTreeMap::from([("text".into(), sequence)]), ..Self::default() }
    }

    /// The sequence of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn sequence(&self, name: &str) -> Result<&Sequence> {
        match self.sequences.get(name) {
            Some(sequence) => Ok(sequence),
            None => refuse(
                format!("example {}", self.id),
                format!("a sequence `{name}`"),
                format!("{:?}", self.sequences.keys()),
                "the objective's `examples` makes it",
            ),
        }
    }
}

/// The number that stands for a language tag in the column `language`: below 2^31, never 0, which stands for no language.
pub fn language_number(tag: &str) -> i64 {
    (crate::draws::fnv(0, tag.as_bytes()) % ((1 << 31) - 1) + 1) as i64
}

/// Examples side by side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The examples.
    pub examples: Vec<Example>,
}

impl Batch {
    /// Tokens of all sequences.
    pub fn tokens(&self) -> usize {
        self.examples.iter().flat_map(|e| e.sequences.values()).map(Sequence::len).sum()
    }

    /// Tokens that carry loss, as a sum of weights.
    pub fn loss_tokens(&self) -> f64 {
        self.examples.iter().flat_map(|e| e.sequences.values()).map(Sequence::loss_tokens).sum()
    }
}

/// A rectangle with its labels, still on the host.
#[derive(Clone, Debug)]
pub struct Laid {
    rows: usize,
    time: usize,
    ids: Vec<i64>,
    valid: Vec<bool>,
    positions: Vec<i64>,
    segments: Vec<i64>,
    weights: Vec<f32>,
}

impl Laid {
    /// Lays sequences side by side, padded on the right.
    ///
    /// # Errors
    /// No sequence, or only empty ones.
    pub fn new<'s>(sequences: impl IntoIterator<Item = &'s Sequence>) -> Result<Self> {
        let sequences: Vec<&Sequence> = sequences.into_iter().collect();
        let (rows, time) = (sequences.len(), sequences.iter().map(|s| s.len()).max().unwrap_or(0));
        if rows * time == 0 {
            return refuse("batch", "at least one token", "none", "check that the data's texts are not empty");
        }
        let n = rows * time;
        let mut laid = Self { rows, time, ids: vec![0; n], valid: vec![false; n], positions: vec![0; n], segments: vec![-1; n], weights: vec![0.0; n] };
        for (r, sequence) in sequences.iter().enumerate() {
            laid.row(r * time, sequence);
        }
        Ok(laid)
    }

    fn row(&mut self, start: usize, sequence: &Sequence) {
        let weights = sequence.weights();
        for (i, (id, (text, place))) in sequence.ids().zip(sequence.places()).enumerate() {
            let at = start + i;
            self.ids[at] = i64::from(id);
            self.valid[at] = true;
            self.segments[at] = text;
            self.positions[at] = place;
            self.weights[at] = weights[i];
        }
    }

    fn ints(&self, values: &[i64], device: &Device) -> Tensor<2, Int> {
        Tensor::from_data(TensorData::new(values.to_vec(), [self.rows, self.time]), device)
    }

    /// The input for a stack; validity and segments are left out where they say nothing.
    pub fn input(&self, stack: Stack, device: &Device) -> Input {
        let several = self.segments.iter().any(|s| *s > 0);
        // Right padding needs no mask of its own under causality: no valid token can look at what comes after it.
        let padded = stack != Stack::Decoder && self.valid.contains(&false);
        let valid = self.present(device).filter(|_| padded);
        let segments = several.then(|| self.ints(&self.segments, device));
        let (ids, positions) = (self.ints(&self.ids, device), self.ints(&self.positions, device));
        let mut input = Input::of(stack, Stream { ids, rows: None, valid, positions, segments });
        if let Some(present) = self.present(device) {
            input.present.insert(stack, present);
        }
        input
    }

    /// Which places hold a token; `None` where all do.
    fn present(&self, device: &Device) -> Option<Tensor<2, Bool>> {
        let flags: Vec<i64> = self.valid.iter().map(|v| i64::from(*v)).collect();
        flags.contains(&0).then(|| self.ints(&flags, device).equal_elem(1))
    }

    /// What each place predicts and with which weight: the next place's token, where it belongs to the same text.
    /// Follows `origin` where a part moved tokens. Both `[batch, time of the hidden state]`.
    pub fn labels(&self, hidden: &Hidden) -> (Tensor<2, Int>, Tensor<2>) {
        let device = hidden.x.device().without_autodiff();
        let [rows, time, _] = hidden.x.dims();
        let origin: Option<Vec<i64>> = hidden.origin.as_ref().map(|o| o.clone().into_data().convert::<i64>().try_to_vec().unwrap_or_default());
        let token = |r: usize, t: usize| match &origin {
            Some(origin) => usize::try_from(origin[r * time + t]).ok(),
            None => Some(t),
        };
        let mut labels = vec![0i64; rows * time];
        let mut weights = vec![0f32; rows * time];
        for r in 0..rows {
            for t in 0..time.saturating_sub(1) {
                if let Some(next) = token(r, t + 1) {
                    labels[r * time + t] = self.ids[r * self.time + next];
                    weights[r * time + t] = self.weights[r * self.time + next];
                }
            }
        }
        let labels = Tensor::from_data(TensorData::new(labels, [rows, time]), &device);
        (labels, Tensor::from_data(TensorData::new(weights, [rows, time]), &device))
    }

    /// Rows and columns.
    pub fn dims(&self) -> [usize; 2] {
        [self.rows, self.time]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_token_of_every_text_carries_no_loss() {
        let mut s = Sequence::of("text", vec![1, 2, 3, 4], 1.0);
        s.starts = vec![2];
        assert_eq!(s.weights(), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(s.places().collect::<Vec<_>>(), [(0, 0), (0, 1), (1, 0), (1, 1)]);
    }
}
