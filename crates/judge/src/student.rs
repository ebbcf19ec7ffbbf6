//! Student's t on a sample of effects.

use crate::{JudgeError, Result};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Mean and spread of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// How many.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, over n - 1; above zero.
    pub sd: f64,
}

impl Sample {
    /// Of at least two effects that are not all the same.
    ///
    /// # Errors
    /// Fewer, a number that is not finite, or no spread: a t interval of no width would decide everything.
    pub fn of(effects: &[f64]) -> Result<Self> {
        let refused = |expected: &str, found: String, remedy: &str| Err(JudgeError::new("effects", expected, found, remedy));
        let n = effects.len();
        if n < 2 {
            return refused("at least two", n.to_string(), "run more seeds");
        }
        if let Some(bad) = effects.iter().find(|e| !e.is_finite()) {
            return refused("finite numbers", bad.to_string(), "find out why the metric has no value there");
        }
        let mean = effects.iter().sum::<f64>() / n as f64;
        let sd = (effects.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (n - 1) as f64).sqrt();
        // What rounding alone leaves between equal numbers.
        let largest = effects.iter().fold(0.0, |m: f64, e| m.max(e.abs()));
        if sd <= 1e-12 * largest || sd == 0.0 {
            let remedy = "find out whether the seed reaches the arms, or whether the metric is at its end in both";
            return refused("seeds that differ", format!("{n} times {mean}"), remedy);
        }
        Ok(Self { n, mean, sd })
    }

    /// The standard error of the mean.
    pub fn error(&self) -> f64 {
        self.sd / (self.n as f64).sqrt()
    }

    /// One-sided p against "the mean is at most `margin`".
    pub fn p_above(&self, margin: f64) -> f64 {
        tail((self.mean - margin) / self.error(), self.n - 1)
    }

    /// One-sided p against "the mean is at least `margin`".
    pub fn p_below(&self, margin: f64) -> f64 {
        tail((margin - self.mean) / self.error(), self.n - 1)
    }

    /// What the mean is above with confidence 1 - `level`.
    pub fn lower(&self, level: f64) -> f64 {
        self.mean - quantile(level, self.n - 1) * self.error()
    }

    /// What the mean is below with confidence 1 - `level`.
    pub fn upper(&self, level: f64) -> f64 {
        self.mean + quantile(level, self.n - 1) * self.error()
    }
}

/// The chance of more than `t`.
fn tail(t: f64, freedom: usize) -> f64 {
    StudentsT::new(0.0, 1.0, freedom as f64).map_or(f64::NAN, |d| d.sf(t))
}

/// The value that t exceeds with chance `level`, by halving an interval around it: exact also far out.
pub fn quantile(level: f64, freedom: usize) -> f64 {
    let (mut low, mut high) = (-1.0, 1.0);
    while tail(high, freedom) > level && high < 1e12 {
        (low, high) = (high, 2.0 * high);
    }
    while tail(low, freedom) < level && low > -1e12 {
        (low, high) = (2.0 * low, low);
    }
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if tail(middle, freedom) > level { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}
