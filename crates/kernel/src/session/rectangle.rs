//! Rows of unequal length as one rectangle, padded on one side.

use crate::{Input, Name, Stack, Stream};
use burn::prelude::*;
use burn::tensor::{Bool, Int};
use std::collections::BTreeMap;

/// Tokens side by side, still on the host; every list is `[rows, time]`, row by row.
pub(super) struct Rectangle {
    ids: Vec<i64>,
    valid: Vec<i64>,
    positions: Vec<i64>,
    pub(super) shape: [usize; 2],
}

impl Rectangle {
    /// Padded on the left: all rows end at the same place, where the next token comes from. `from` is each row's first position.
    pub(super) fn left(rows: &[&[u32]], from: &[i64]) -> Self {
        Self::laid(rows, from, |t, pad, _| t.checked_sub(pad))
    }

    /// Padded on the right: under causality no token sees a pad, so that no mask is needed.
    pub(super) fn right(rows: &[&[u32]], from: &[i64]) -> Self {
        Self::laid(rows, from, |t, _, length| (t < length).then_some(t))
    }

    /// `token(place, pads of the row, tokens of the row)` is the token at a place, `None` for a pad.
    fn laid(rows: &[&[u32]], from: &[i64], token: impl Fn(usize, usize, usize) -> Option<usize>) -> Self {
        let time = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        let mut it = Self { ids: vec![], valid: vec![], positions: vec![], shape: [rows.len(), time] };
        for (row, from) in rows.iter().zip(from) {
            for t in 0..time {
                let at = token(t, time - row.len(), row.len());
                it.ids.push(at.map_or(0, |i| i64::from(row[i])));
                it.valid.push(i64::from(at.is_some()));
                // A pad has a position that its row has too: a table of positions may have no others.
                it.positions.push(from + at.unwrap_or(0) as i64);
            }
        }
        it
    }

    fn ints(&self, values: &[i64], device: &Device) -> Tensor<2, Int> {
        Tensor::from_data(TensorData::new(values.to_vec(), self.shape), device)
    }

    /// Which places hold a token `[rows, time]`; `None` where all do.
    fn valid(&self, device: &Device) -> Option<Tensor<2, Bool>> {
        self.valid.contains(&0).then(|| self.ints(&self.valid, device).equal_elem(1))
    }

    /// The input of a stack; `masked` says whether pads must be hidden by a mask.
    pub(super) fn input(&self, stack: Stack, masked: bool, columns: &BTreeMap<Name, Vec<i64>>, device: &Device) -> Input {
        let (ids, positions) = (self.ints(&self.ids, device), self.ints(&self.positions, device));
        let stream = Stream { ids, rows: None, valid: self.valid(device).filter(|_| masked), positions, segments: None };
        let mut input = Input::of(stack, stream);
        input.present.extend(self.valid(device).map(|present| (stack, present)));
        let column = |values: &Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(values.clone(), [self.shape[0]]), device);
        input.columns = columns.iter().map(|(name, values)| (name.clone(), column(values))).collect();
        input
    }
}
