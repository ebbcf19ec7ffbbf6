//! Sums of changes: base + λ · Σ wᵢ · keepᵢ(θᵢ − base), over all models or over those that agree in sign.

use super::keep::{Keep, difference};
use super::{Merged, Piece};

/// Numbers that are worked on at a time: what is held of every model stays in the nearest cache.
const BLOCK: usize = 1024;
/// Below it a sum of weights counts as zero, as in mergekit.
const SMALL: f64 = 1e-8;

/// What one model changes.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Which read is the model's.
    pub read: usize,
    /// How much it counts.
    pub weight: f64,
    /// Which of its numbers count.
    pub keep: Keep,
    /// What is kept is scaled by it.
    pub scale: f64,
}

/// How the sign of a number is elected; models of the other sign do not count there. Zero is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consensus {
    /// By the sum of the weighted changes.
    Sum,
    /// By the number of models.
    Count,
}

/// Changes of a tensor and how they are added to the base.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Which read is the base.
    pub base: usize,
    /// What the models change.
    pub changes: Vec<Change>,
    /// Whether signs must agree.
    pub consensus: Option<Consensus>,
    /// Divide by the sum of the weights; with a consensus, of the models that agree.
    pub normalize: bool,
    /// λ.
    pub lambda: f64,
}

impl Changes {
    /// The rule for numbers at one place; without a change, the base as it is.
    pub fn merged<'m>(self) -> Merged<'m> {
        if self.changes.is_empty() { Merged::Copy(self.base) } else { Merged::elements(move |piece| self.fill(piece)) }
    }

    fn fill(&self, piece: Piece<'_>) {
        let mut room = vec![0f32; self.changes.len() * BLOCK];
        for (block, out) in piece.out.chunks_mut(BLOCK).enumerate() {
            let from = block * BLOCK;
            let of = |read: usize| &piece.inputs[read][from..from + out.len()];
            let base = of(self.base);
            for (change, kept) in self.changes.iter().zip(room.chunks_mut(BLOCK)) {
                let kept = &mut kept[..out.len()];
                difference(of(change.read), base, kept);
                change.keep.apply(piece.start + from, kept);
                let factor = (change.weight * change.scale) as f32;
                kept.iter_mut().for_each(|x| *x *= factor);
            }
            match self.consensus {
                None => self.add_all(&room, base, out),
                Some(consensus) => self.add_agreeing(consensus, &room, base, out),
            }
        }
    }

    fn add_all(&self, room: &[f32], base: &[f32], out: &mut [f32]) {
        let sum: f64 = self.changes.iter().map(|c| c.weight).sum();
        let divisor = if self.normalize && sum.abs() >= SMALL { sum } else { 1.0 };
        let factor = (self.lambda / divisor) as f32;
        out.fill(0.0);
        for kept in room.chunks(BLOCK) {
            add(out, kept);
        }
        for (out, base) in out.iter_mut().zip(base) {
            *out = base + factor * *out;
        }
    }

    fn add_agreeing(&self, consensus: Consensus, room: &[f32], base: &[f32], out: &mut [f32]) {
        let (mut votes, mut divisor) = ([0f32; BLOCK], [0f32; BLOCK]);
        for kept in room.chunks(BLOCK) {
            match consensus {
                Consensus::Sum => add(&mut votes, kept),
                Consensus::Count => votes.iter_mut().zip(kept).for_each(|(v, x)| *v += f32::from(i8::from(*x > 0.0) - i8::from(*x < 0.0))),
            }
        }
        votes.iter_mut().for_each(|v| *v = if *v >= 0.0 { 1.0 } else { -1.0 });
        out.fill(0.0);
        for (change, kept) in self.changes.iter().zip(room.chunks(BLOCK)) {
            let weight = change.weight as f32;
            for (((out, divisor), sign), x) in out.iter_mut().zip(&mut divisor).zip(&votes).zip(kept) {
                let agrees = x * sign > 0.0;
                *out += if agrees { *x } else { 0.0 };
                *divisor += if agrees { weight } else { 0.0 };
            }
        }
        let lambda = self.lambda as f32;
        for ((out, base), divisor) in out.iter_mut().zip(base).zip(&divisor) {
            let by = if self.normalize && *divisor != 0.0 { *divisor } else { 1.0 };
            *out = base + lambda * (*out / by);
        }
    }
}

fn add(sum: &mut [f32], x: &[f32]) {
    for (sum, x) in sum.iter_mut().zip(x) {
        *sum += x;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Draws, Slice};

    fn change(read: usize, weight: f64) -> Change {
        Change { read, weight, keep: Keep::All, scale: 1.0 }
    }

    fn merged(changes: &Changes, inputs: &[&[f32]]) -> Vec<f32> {
        let slices: Vec<Slice<'_>> = inputs.iter().map(|x| Slice::of(x)).collect();
        changes.clone().merged().values(inputs[0].len(), &slices)
    }

    #[test]
    fn sums_worked_out_by_hand() {
        let inputs: [&[f32]; 3] = [&[1.0, 1.0, 1.0, 1.0], &[3.0, 0.0, 2.0, 1.0], &[2.0, 3.0, 0.0, 1.0]];
        let all = Changes { base: 0, changes: vec![change(1, 1.0), change(2, 0.5)], consensus: None, normalize: false, lambda: 1.0 };
        assert_eq!(merged(&all, &inputs), [3.5, 1.0, 1.5, 1.0]);
        let normal = Changes { normalize: true, lambda: 3.0, ..all.clone() };
        assert_eq!(merged(&normal, &inputs), [6.0, 1.0, 2.0, 1.0]);
        // Place 1: -1 and +1 add up to 0, which is positive, so that the second model counts alone.
        let sum = Changes { consensus: Some(Consensus::Sum), normalize: true, ..all.clone() };
        assert_eq!(merged(&sum, &inputs), [1.0 + 2.5 / 1.5, 3.0, 2.0, 1.0]);
        let whole = Changes { normalize: false, lambda: 2.0, ..sum.clone() };
        assert_eq!(merged(&whole, &inputs), [6.0, 3.0, 3.0, 1.0]);
        let none = Changes { changes: vec![], ..all };
        assert_eq!(merged(&none, &inputs), inputs[0]);
    }

    #[test]
    fn votes_are_counted_or_weighed() {
        let inputs: [&[f32]; 4] = [&[0.0], &[1.0], &[1.0], &[-5.0]];
        let changes = (1..4).map(|i| change(i, 1.0)).collect();
        let sum = Changes { base: 0, changes, consensus: Some(Consensus::Sum), normalize: true, lambda: 1.0 };
        assert_eq!(merged(&sum, &inputs), [-5.0]);
        assert_eq!(merged(&Changes { consensus: Some(Consensus::Count), ..sum }, &inputs), [1.0]);
    }

    #[test]
    fn places_beyond_a_block_are_their_own() {
        let n = 3 * BLOCK + 7;
        let (base, model) = (Draws::new(1).normal(n), Draws::new(2).normal(n));
        let keep = Keep::largest(Slice::of(&base), Slice::of(&model), 0.4);
        let one = Change { keep, scale: 2.0, ..change(1, 0.5) };
        let out = merged(&Changes { base: 0, changes: vec![one], consensus: Some(Consensus::Sum), normalize: false, lambda: 1.0 }, &[&base, &model]);
        let mut change: Vec<f32> = model.iter().zip(&base).map(|(m, b)| m - b).collect();
        keep.apply(0, &mut change);
        assert!(out.iter().zip(&base).zip(&change).all(|((out, base), change)| *out == base + change));
        assert_eq!(change.iter().filter(|x| **x != 0.0).count(), n * 2 / 5);
    }
}
