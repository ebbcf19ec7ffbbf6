//! Keys and values of tokens already read.

use crate::Site;
use burn::prelude::*;
use burn::tensor::{Bool, Int};
use std::collections::BTreeMap;

/// Keys and values of every attention site, as they were before any part changed them.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    layers: BTreeMap<Site, (Tensor<4>, Tensor<4>)>,
    /// Which of the stored places hold a token `[batch, stored]`; `None` means all.
    pub valid: Option<Tensor<2, Bool>>,
    /// Positions of the stored places `[batch, stored]`.
    pub positions: Option<Tensor<2, Int>>,
    /// Stored places.
    pub length: usize,
}

impl Cache {
    /// Appends this call's keys and values; returns all of them.
    pub fn extend(&mut self, site: Site, k: Tensor<4>, v: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let pair = match self.layers.remove(&site) {
            Some((old_k, old_v)) => (Tensor::cat(vec![old_k, k], 2), Tensor::cat(vec![old_v, v], 2)),
            None => (k, v),
        };
        self.layers.insert(site, pair.clone());
        pair
    }

    /// Keeps the given rows, in the given order; a row may appear several times.
    pub fn reorder(&mut self, rows: &[usize], device: &Device) {
        let index: Vec<i64> = rows.iter().map(|r| *r as i64).collect();
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [rows.len()]), device);
        for (k, v) in self.layers.values_mut() {
            *k = k.clone().select(0, index.clone());
            *v = v.clone().select(0, index.clone());
        }
        self.positions = self.positions.take().map(|positions| positions.select(0, index.clone()));
        self.valid = self.valid.take().map(|valid| valid.int().select(0, index).equal_elem(1));
    }
    /// Notes the places that a call added: their positions, and which hold a token `[rows, walked]` (`None`: all do).
    pub fn remember(&mut self, positions: Tensor<2, Int>, valid: Option<Tensor<2, Bool>>) {
        let ([rows, walked], device) = (positions.dims(), &positions.device());
        let ones = |n| Tensor::<2, Int>::ones([rows, n], device).equal_elem(1);
        let stored = self.length;
        self.valid = match (self.valid.take(), valid) {
            (None, None) => None,
            (old, new) => {
                let new = new.unwrap_or_else(|| ones(walked));
                let pieces = if stored == 0 { vec![new] } else { vec![old.unwrap_or_else(|| ones(stored)), new] };
                Some(Tensor::cat(pieces, 1))
            }
        };
        self.length = stored + walked;
        self.positions = match self.positions.take() {
            Some(old) => Some(Tensor::cat(vec![old, positions], 1)),
            None => Some(positions),
        };
    }

    /// Forgets the last `tokens` tokens of every row. Their places go where all rows end together; elsewhere they stay as pads.
    pub fn forget(&mut self, tokens: usize) {
        let Some(valid) = self.valid.take() else { return self.cut(self.length.saturating_sub(tokens)) };
        let ([rows, stored], device) = (valid.dims(), valid.device());
        let mut bits = valid.int().into_data().convert::<i64>().try_to_vec::<i64>().unwrap_or_default();
        for row in bits.chunks_mut(stored) {
            row.iter_mut().rev().filter(|bit| **bit == 1).take(tokens).for_each(|bit| *bit = 0);
        }
        let kept = bits.chunks(stored).filter_map(|row| row.iter().rposition(|bit| *bit == 1)).max().map_or(0, |last| last + 1);
        let bits = Tensor::<2, Int>::from_data(TensorData::new(bits, [rows, stored]), &device);
        self.valid = Some(bits.narrow(1, 0, kept).equal_elem(1));
        self.cut(kept);
    }

    fn cut(&mut self, kept: usize) {
        for (k, v) in self.layers.values_mut() {
            *k = k.clone().narrow(2, 0, kept);
            *v = v.clone().narrow(2, 0, kept);
        }
        self.positions = self.positions.take().map(|positions| positions.narrow(1, 0, kept));
        self.length = kept;
    }
}
