//! What is told of a claim beside its verdict.

use crate::{Result, Sample, seeds_to_decide, sign_flip, smallest_effect};
use serde::{Deserialize, Serialize};

/// Below so many seeds a sign-flip test cannot reach small p, and is left out.
const SIGN_FLIP_FROM: usize = 8;

/// The one-sided levels of the two sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// Of *holds*.
    pub holds: f64,
    /// Of *fails*.
    pub fails: f64,
}

/// Mean effect, interval, p, and what could have been seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// Seeds.
    pub n: usize,
    /// Mean effect.
    pub mean: f64,
    /// Standard deviation of the effects.
    pub sd: f64,
    /// Lower end, at `level_holds`.
    pub low: f64,
    /// Upper end, at `level_fails`.
    pub high: f64,
    /// One-sided level of the step on the side of *holds*.
    pub level_holds: f64,
    /// The same on the side of *fails*.
    pub level_fails: f64,
    /// One-sided p against an effect of at most the margin.
    pub p_holds: f64,
    /// One-sided p against an effect of at least the margin.
    pub p_fails: f64,
    /// Two-sided sign-flip p, from eight seeds on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_flip: Option<f64>,
    /// Where neither side is decided: the smallest distance from the margin that would have been seen four times in five.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest_effect: Option<f64>,
    /// Where neither side is decided: seeds that would decide four times in five at the distance found; absent beyond a thousand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds_to_decide: Option<usize>,
}

/// The estimate at given levels.
///
/// # Errors
/// Those of [`Sample::of`].
pub fn interval(effects: &[f64], margin: f64, levels: Levels) -> Result<Estimate> {
    let sample = Sample::of(effects)?;
    let (low, high) = (sample.lower(levels.holds), sample.upper(levels.fails));
    let open = low <= margin && high >= margin;
    // The side that the mean points to is the one that more seeds could decide.
    let level = if sample.mean >= margin { levels.holds } else { levels.fails };
    Ok(Estimate {
        n: sample.n,
        mean: sample.mean,
        sd: sample.sd,
        low,
        high,
        level_holds: levels.holds,
        level_fails: levels.fails,
        p_holds: sample.p_above(margin),
        p_fails: sample.p_below(margin),
        sign_flip: if sample.n >= SIGN_FLIP_FROM { sign_flip(effects, margin).ok() } else { None },
        smallest_effect: open.then(|| smallest_effect(sample.n, sample.sd, level)),
        seeds_to_decide: open.then(|| seeds_to_decide(sample.mean - margin, sample.sd, level)).flatten(),
    })
}
