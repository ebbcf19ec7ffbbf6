//! A batch that a reference was given, and how far two outputs of it are apart.

use crate::backbone::TOLERANCE;
use crate::spread;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;
use tongues_kernel::{Input, Model, Stream};

/// A batch as the reference got it.
pub(crate) struct Given {
    pub(crate) ids: Vec<i64>,
    pub(crate) mask: Vec<i64>,
    pub(crate) shape: [usize; 2],
}

impl Given {
    pub(crate) fn input(&self, model: &Model) -> Input {
        let ints = |v: Vec<i64>| Tensor::<2, Int>::from_data(TensorData::new(v, self.shape), &model.plain_device());
        let positions = self.mask.chunks(self.shape[1]).flat_map(counted).collect();
        let valid = Some(ints(self.mask.clone()).equal_elem(1));
        Input::of(model.spec().main(), Stream { ids: ints(self.ids.clone()), rows: None, valid, positions: ints(positions), segments: None })
    }

    /// The rows without their pads.
    pub(crate) fn rows(&self) -> Vec<Vec<u32>> {
        let pairs = self.ids.chunks(self.shape[1]).zip(self.mask.chunks(self.shape[1]));
        pairs.map(|(ids, mask)| ids.iter().zip(mask).filter(|(_, m)| **m == 1).map(|(i, _)| *i as u32).collect()).collect()
    }

    /// The next token of every place, and 1 where both are no pads.
    pub(crate) fn next(&self) -> (Vec<i64>, Vec<f32>) {
        let time = self.shape[1];
        let last = |i: usize| i % time == time - 1;
        let labels = (0..self.ids.len()).map(|i| if last(i) { 0 } else { self.ids[i + 1] }).collect();
        let weights = (0..self.ids.len()).map(|i| if last(i) { 0.0 } else { (self.mask[i] * self.mask[i + 1]) as f32 }).collect();
        (labels, weights)
    }

    /// The largest difference at places that are no pads, in tolerances.
    pub(crate) fn apart(&self, ours: &[f32], theirs: &[f32]) -> f64 {
        assert_eq!(ours.len(), theirs.len());
        let width = ours.len() / self.mask.len();
        let real = || self.mask.iter().enumerate().filter(|(_, m)| **m == 1).flat_map(|(i, _)| i * width..(i + 1) * width);
        let shown: Vec<f32> = real().map(|j| theirs[j]).collect();
        // A NaN must count as the worst gap, not be skipped.
        let worst = real().map(|j| f64::from((ours[j] - theirs[j]).abs())).max_by(f64::total_cmp).unwrap_or(0.0);
        worst / (TOLERANCE * spread(&shown))
    }
}

/// Positions of a row: real places count, pads before them are 0.
fn counted(mask: &[i64]) -> Vec<i64> {
    let mut seen = -1;
    let mut next = |m: &i64| {
        seen += m;
        seen.max(0)
    };
    mask.iter().map(&mut next).collect()
}
