//! Whether probabilities are what they say: expected calibration error and Brier's score.

use crate::error::{MetricError, Result, same_length};

/// How probabilities are put into bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bins {
    /// So many of equal width from 0 to 1.
    Width(usize),
    /// So many between quantiles of the probabilities, which hold about as many items each; items of equal probability stay together.
    Mass(usize),
}

fn probabilities(at: &str, values: &[f64]) -> Result<()> {
    match values.iter().position(|p| !(0.0..=1.0).contains(p)) {
        None => Ok(()),
        Some(i) => {
            Err(MetricError::new(format!("{at}[{i}]"), "a probability from 0 to 1", values[i].to_string(), "pass probabilities, not scores or logarithms"))
        }
    }
}

/// Expected calibration error (Naeini et al. 2015): how far the mean probability of a bin is from the share of its items that are
/// so, weighed by the items. The upper edge belongs to a bin, as in scikit-learn's `calibration_curve`.
///
/// # Errors
/// Lists of unequal length, empty ones, no bins, or numbers that are no probabilities.
pub fn expected_calibration_error(confidences: &[f64], correct: &[bool], bins: Bins) -> Result<f64> {
    same_length("correct", confidences.len(), correct.len())?;
    probabilities("confidences", confidences)?;
    let inner = match bins {
        Bins::Width(0) | Bins::Mass(0) => return Err(MetricError::new("bins", "at least one", "none", "10 or 15 are the usual ones")),
        Bins::Width(n) => (1..n).map(|i| i as f64 * (1.0 / n as f64)).collect(),
        Bins::Mass(n) => quantiles(confidences, n),
    };
    let mut sums = vec![(0.0, 0.0); inner.len() + 1];
    for (confidence, correct) in confidences.iter().zip(correct) {
        let bin = &mut sums[inner.partition_point(|edge| edge < confidence)];
        bin.0 += confidence;
        bin.1 += f64::from(u8::from(*correct));
    }
    Ok(sums.iter().map(|(confidence, correct)| (confidence - correct).abs()).sum::<f64>() / confidences.len() as f64)
}

/// The edges between `n` parts of equal mass, with straight lines between the numbers.
fn quantiles(values: &[f64], n: usize) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let edge = |i: usize| {
        let place = i as f64 * (1.0 / n as f64) * (sorted.len() - 1) as f64;
        let low = sorted[place as usize];
        let high = sorted[(place as usize + 1).min(sorted.len() - 1)];
        let part = place.fract();
        if part < 0.5 { low + (high - low) * part } else { high - (high - low) * (1.0 - part) }
    };
    (1..n).map(edge).collect()
}

/// Brier's score of yes and no (Brier 1950): the mean square of probability minus outcome.
///
/// # Errors
/// Lists of unequal length, empty ones, or numbers that are no probabilities.
pub fn brier(probabilities_of_yes: &[f64], outcomes: &[bool]) -> Result<f64> {
    same_length("outcomes", probabilities_of_yes.len(), outcomes.len())?;
    probabilities("probabilities", probabilities_of_yes)?;
    let squares = probabilities_of_yes.iter().zip(outcomes).map(|(p, o)| (p - f64::from(u8::from(*o))).powi(2));
    Ok(squares.sum::<f64>() / outcomes.len() as f64)
}

/// Brier's score of several classes: the mean over items of the sum over classes; from 0 to 2.
///
/// # Errors
/// As [`brier`]; an item has no such class, or its probabilities do not sum to 1.
pub fn brier_multiclass(distributions: &[Vec<f64>], classes: &[usize]) -> Result<f64> {
    same_length("classes", distributions.len(), classes.len())?;
    let mut sum = 0.0;
    for (i, (distribution, class)) in distributions.iter().zip(classes).enumerate() {
        probabilities(&format!("distributions[{i}]"), distribution)?;
        let total: f64 = distribution.iter().sum();
        if (total - 1.0).abs() > 1e-6 {
            return Err(MetricError::new(format!("distributions[{i}]"), "probabilities that sum to 1", total.to_string(), "divide by their sum"));
        }
        if *class >= distribution.len() {
            let expected = format!("a class below {}", distribution.len());
            return Err(MetricError::new(format!("classes[{i}]"), expected, class.to_string(), "count classes from 0"));
        }
        sum += distribution.iter().enumerate().map(|(c, p)| (p - f64::from(u8::from(c == *class))).powi(2)).sum::<f64>();
    }
    Ok(sum / classes.len() as f64)
}
