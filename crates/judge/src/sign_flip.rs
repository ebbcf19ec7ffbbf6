//! The sign-flip test: exact over all 2^n signs.

use crate::{JudgeError, Result};

/// Beyond this the enumeration takes too long.
const MOST: usize = 20;

/// Two-sided p against "effects lie symmetrically around `margin`": the share of all sign patterns whose sum is at least as far
/// from zero as the one found.
///
/// # Errors
/// No effect, more than twenty, or one that is not finite.
pub fn sign_flip(effects: &[f64], margin: f64) -> Result<f64> {
    let n = effects.len();
    if n == 0 || n > MOST {
        return Err(JudgeError::new("effects", format!("1 to {MOST}"), n.to_string(), "give fewer seeds, or use the t interval alone"));
    }
    let shifted: Vec<f64> = effects.iter().map(|e| e - margin).collect();
    if let Some(bad) = shifted.iter().find(|e| !e.is_finite()) {
        return Err(JudgeError::new("effects", "finite numbers", bad.to_string(), "find out why the metric has no value there"));
    }
    let sum = |signs: u32| (0..n).map(|i| if signs >> i & 1 == 0 { shifted[i] } else { -shifted[i] }).sum::<f64>().abs();
    // Sums that are equal but for rounding count as equal.
    let found = sum(0) - 1e-12 * shifted.iter().map(|e| e.abs()).sum::<f64>();
    let patterns = 1_u32 << n;
    let as_far = (0..patterns).filter(|signs| sum(*signs) >= found).count();
    Ok(as_far as f64 / f64::from(patterns))
}
