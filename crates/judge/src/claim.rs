//! What a claim says of a seed.

use crate::{JudgeError, Result};
use serde::{Deserialize, Serialize};

/// Which direction of a metric is an improvement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// As for accuracy.
    Higher,
    /// As for a loss.
    Lower,
}

impl Better {
    /// 1 where more is better, else -1: effects then count in the claim's direction.
    fn sign(self) -> f64 {
        match self {
            Better::Higher => 1.0,
            Better::Lower => -1.0,
        }
    }
}

/// The effect of one seed, over whatever names a measured value. "No worse than" is a [`Shape::Difference`] with a negative margin.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape<T> {
    /// How much better `left` is than `right`, in the same seed.
    Difference {
        /// The arm that is said to be better.
        left: T,
        /// What it is compared with.
        right: T,
    },
    /// How much better `left` is than a number, such as chance.
    Number {
        /// The arm.
        left: T,
        /// The number.
        value: f64,
    },
    /// How much of the gain of `left` over `right` is gone between two others: `(left - right) - (other_left - other_right)`.
    Vanishing {
        /// The arm with the gain.
        left: T,
        /// What it is compared with.
        right: T,
        /// The same arm without what is said to cause the gain.
        other_left: T,
        /// What that is compared with.
        other_right: T,
    },
}

impl<T> Shape<T> {
    /// The effect in units of the metric, positive in the direction of the claim; `None` where a value is missing.
    pub fn effect(&self, better: Better, value: impl Fn(&T) -> Option<f64>) -> Option<f64> {
        let effect = match self {
            Shape::Difference { left, right } => value(left)? - value(right)?,
            Shape::Number { left, value: number } => value(left)? - number,
            Shape::Vanishing { left, right, other_left, other_right } => (value(left)? - value(right)?) - (value(other_left)? - value(other_right)?),
        };
        Some(better.sign() * effect)
    }

    /// The values that are needed.
    pub fn sources(&self) -> Vec<&T> {
        match self {
            Shape::Difference { left, right } => vec![left, right],
            Shape::Number { left, .. } => vec![left],
            Shape::Vanishing { left, right, other_left, other_right } => vec![left, right, other_left, other_right],
        }
    }
}

/// One seed of a claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seed {
    /// The seed.
    pub seed: u64,
    /// Its effect; `None` where a run failed.
    pub effect: Option<f64>,
}

/// A claim with what the seeds say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Its name.
    pub id: String,
    /// What the mean effect must be above.
    pub margin: f64,
    /// All seeds, in the order in which they are looked at.
    pub seeds: Vec<Seed>,
}

impl Claim {
    /// The effects of the first `n` seeds.
    ///
    /// # Errors
    /// The seeds whose runs failed.
    pub(crate) fn effects(&self, n: usize) -> std::result::Result<Vec<f64>, Vec<u64>> {
        let seeds = &self.seeds[..n.min(self.seeds.len())];
        let failed: Vec<u64> = seeds.iter().filter(|s| s.effect.is_none()).map(|s| s.seed).collect();
        if failed.is_empty() { Ok(seeds.iter().filter_map(|s| s.effect).collect()) } else { Err(failed) }
    }

    /// Refuses numbers that are not finite and seeds that come twice.
    pub(crate) fn check(&self) -> Result<()> {
        let at = format!("claim {}", self.id);
        if !self.margin.is_finite() {
            return Err(JudgeError::new(at, "a finite margin", self.margin.to_string(), "correct the claim"));
        }
        for (i, seed) in self.seeds.iter().enumerate() {
            let at = format!("{at}, seed {}", seed.seed);
            if let Some(effect) = seed.effect.filter(|e| !e.is_finite()) {
                return Err(JudgeError::new(at, "a finite effect", effect.to_string(), "find out why the metric has no value there"));
            }
            if self.seeds[..i].iter().any(|s| s.seed == seed.seed) {
                return Err(JudgeError::new(at, "every seed once", "it twice", "leave one out: a seed that counts twice is no further evidence"));
            }
        }
        Ok(())
    }
}
