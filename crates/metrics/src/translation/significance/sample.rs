//! Scores of resamples, in single or double precision as numpy would keep them, with numpy's mean.

use crate::translation::{Interval, Real, Single};

/// A list of numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sample {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Sample {
    /// In single precision if all numbers are.
    pub(super) fn new(scores: &[Single]) -> Self {
        let narrow = |s: &Single| if let Single::Strong(v) = s { Some(*v) } else { None };
        match scores.iter().map(narrow).collect::<Option<Vec<f32>>>() {
            Some(narrow) => Self::Single(narrow),
            None => Self::Double(scores.iter().map(|s| s.wide()).collect()),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Single(v) => v.len(),
            Self::Double(v) => v.len(),
        }
    }

    fn wide(&self) -> Vec<f64> {
        match self {
            Self::Single(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Self::Double(v) => v.clone(),
        }
    }

    /// Distances between the numbers of two lists, from which their mean is taken.
    pub(super) fn centred_distances(&self, other: &Self) -> Self {
        if let (Self::Single(a), Self::Single(b)) = (self, other) {
            let distances: Vec<f32> = a.iter().zip(b).map(|(a, b)| (a - b).abs()).collect();
            let mean = (f64::from(pairwise(&distances)) / distances.len() as f64) as f32;
            return Self::Single(distances.into_iter().map(|d| d - mean).collect());
        }
        let distances: Vec<f64> = self.wide().iter().zip(other.wide()).map(|(a, b)| (a - b).abs()).collect();
        let mean = pairwise(&distances) / distances.len() as f64;
        Self::Double(distances.into_iter().map(|d| d - mean).collect())
    }

    /// How many numbers are larger.
    pub(super) fn beyond(&self, value: f64) -> usize {
        match self {
            Self::Single(v) => v.iter().filter(|x| **x > value as f32).count(),
            Self::Double(v) => v.iter().filter(|x| **x > value).count(),
        }
    }

    /// The mean and half the distance between the 2.5th and 97.5th percentile.
    pub(super) fn interval(&self) -> Interval {
        match self {
            Self::Single(v) => {
                let mut sorted = v.clone();
                sorted.sort_by(f32::total_cmp);
                let cut = sorted.len() / 40;
                let half_width = 0.5 * (sorted[sorted.len() - cut - 1] - sorted[cut]);
                let mean = (f64::from(pairwise(&sorted)) / sorted.len() as f64) as f32;
                Interval { mean: mean.into(), half_width: half_width.into() }
            }
            Self::Double(v) => {
                let mut sorted = v.clone();
                sorted.sort_by(f64::total_cmp);
                let cut = sorted.len() / 40;
                let half_width = 0.5 * (sorted[sorted.len() - cut - 1] - sorted[cut]);
                Interval { mean: pairwise(&sorted) / sorted.len() as f64, half_width }
            }
        }
    }
}

/// A sum in the order in which numpy adds: eight sums side by side, halves of long lists each on its own.
fn pairwise<T: Copy + Default + std::ops::Add<Output = T>>(values: &[T]) -> T {
    let n = values.len();
    if n < 8 {
        return values.iter().fold(T::default(), |sum, v| sum + *v);
    }
    if n > 128 {
        let half = n / 2 - (n / 2) % 8;
        return pairwise(&values[..half]) + pairwise(&values[half..]);
    }
    let mut r: [T; 8] = std::array::from_fn(|i| values[i]);
    let whole = n - n % 8;
    for eight in values[8..whole].chunks_exact(8) {
        r.iter_mut().zip(eight).for_each(|(r, v)| *r = *r + *v);
    }
    let sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    values[whole..].iter().fold(sum, |sum, v| sum + *v)
}
