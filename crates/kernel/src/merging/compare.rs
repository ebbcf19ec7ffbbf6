//! How models moved away from their base, and whether they moved the same way.

use super::Slice;
use super::fold::fold_many;

/// One tensor of several models beside that of their base.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Numbers of the tensor.
    pub count: f64,
    /// Σ base².
    pub base: f64,
    /// A model each.
    pub models: Vec<Moved>,
    /// A pair of models each, in the order (0, 1), (0, 2), …, (1, 2), …
    pub pairs: Vec<Pair>,
}

/// What one model changed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moved {
    /// Σ θ².
    pub own: f64,
    /// Σ θ · base.
    pub along: f64,
    /// Σ (θ − base)².
    pub squares: f64,
    /// Σ |θ − base|.
    pub absolute: f64,
}

/// The changes of two models beside each other.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pair {
    /// Σ of products of the changes.
    pub dot: f64,
    /// Places where both changed.
    pub both: f64,
    /// Places where they changed in opposite directions.
    pub opposed: f64,
}

const CHANGE: usize = 4;
const PAIR: usize = 3;

/// Compares a tensor of every model with the base's, in one pass; sums are in 64 bits.
pub fn compare(base: Slice<'_>, models: &[Slice<'_>]) -> Comparison {
    let n = models.len();
    let all: Vec<Slice<'_>> = std::iter::once(base).chain(models.iter().copied()).collect();
    let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect();
    let sums = fold_many(&all, 1 + CHANGE * n + PAIR * pairs.len(), |inputs, sums| {
        let (base, models) = (inputs[0], &inputs[1..]);
        sums[0] += base.iter().map(|b| square(*b)).sum::<f64>();
        for (model, sums) in models.iter().zip(sums[1..].chunks_mut(CHANGE)) {
            for (x, b) in model.iter().zip(base) {
                let change = f64::from(*x) - f64::from(*b);
                sums[0] += square(*x);
                sums[1] += f64::from(*x) * f64::from(*b);
                sums[2] += change * change;
                sums[3] += change.abs();
            }
        }
        for ((i, j), sums) in pairs.iter().zip(sums[1 + CHANGE * n..].chunks_mut(PAIR)) {
            for ((x, y), b) in models[*i].iter().zip(models[*j]).zip(base) {
                let product = (f64::from(*x) - f64::from(*b)) * (f64::from(*y) - f64::from(*b));
                sums[0] += product;
                sums[1] += f64::from(u8::from(product != 0.0));
                sums[2] += f64::from(u8::from(product < 0.0));
            }
        }
    });
    let change = |s: &[f64]| Moved { own: s[0], along: s[1], squares: s[2], absolute: s[3] };
    let pair = |s: &[f64]| Pair { dot: s[0], both: s[1], opposed: s[2] };
    Comparison {
        count: base.len() as f64,
        base: sums[0],
        models: sums[1..=CHANGE * n].chunks(CHANGE).map(change).collect(),
        pairs: sums[1 + CHANGE * n..].chunks(PAIR).map(pair).collect(),
    }
}

fn square(x: f32) -> f64 {
    f64::from(x) * f64::from(x)
}

impl Comparison {
    /// Adds what was found in another tensor of the same models.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.base += other.base;
        self.models.resize(other.models.len(), Moved::default());
        self.pairs.resize(other.pairs.len(), Pair::default());
        for (a, b) in self.models.iter_mut().zip(&other.models) {
            *a = Moved { own: a.own + b.own, along: a.along + b.along, squares: a.squares + b.squares, absolute: a.absolute + b.absolute };
        }
        for (a, b) in self.pairs.iter_mut().zip(&other.pairs) {
            *a = Pair { dot: a.dot + b.dot, both: a.both + b.both, opposed: a.opposed + b.opposed };
        }
    }

    /// ‖θ − base‖ / ‖base‖ of a model.
    pub fn relative(&self, model: usize) -> f64 {
        (self.models[model].squares / self.base).sqrt()
    }

    /// ‖θ‖ / ‖base‖ of a model.
    pub fn norm(&self, model: usize) -> f64 {
        (self.models[model].own / self.base).sqrt()
    }

    /// Cosine between a model and the base: near 1 where they share coordinates, near 0 where they never had the same base.
    pub fn cosine_to_base(&self, model: usize) -> f64 {
        self.models[model].along / (self.models[model].own * self.base).sqrt()
    }

    /// Cosine between the changes of a pair of models; the index is that of [`pairs`](Self::pairs).
    pub fn cosine(&self, i: usize, j: usize, pair: usize) -> f64 {
        self.pairs[pair].dot / (self.models[i].squares * self.models[j].squares).sqrt()
    }

    /// The share of places where a pair of models changed in opposite directions, of those where both changed.
    pub fn conflicts(&self, pair: usize) -> f64 {
        self.pairs[pair].opposed / self.pairs[pair].both
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_cosines_and_conflicts_worked_out_by_hand() {
        let (base, a, b) = ([3.0f32, 4.0, 0.0, 0.0], [4.0f32, 4.0, 2.0, 0.0], [3.0f32, 4.0, -2.0, 1.0]);
        let mut found = compare(Slice::of(&base), &[Slice::of(&a), Slice::of(&b)]);
        let near = |x: f64, y: f64| assert!((x - y).abs() < 1e-12, "{x} and {y}");
        near(found.relative(0), (5f64 / 25.0).sqrt());
        near(found.norm(1), (30f64 / 25.0).sqrt());
        near(found.cosine_to_base(0), 28.0 / 30.0);
        near(found.cosine(0, 1, 0), -4.0 / 5.0);
        near(found.conflicts(0), 1.0);
        near(found.models[1].absolute, 3.0);
        let other = compare(Slice::of(&base), &[Slice::of(&a), Slice::of(&a)]);
        near(other.cosine(0, 1, 0), 1.0);
        found.add(&other);
        near(found.count, 8.0);
        near(found.conflicts(0), 1.0 / 3.0);
    }
}
