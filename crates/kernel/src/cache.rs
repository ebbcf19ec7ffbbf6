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
}
