//! Correlations of two lists of numbers, as scipy.stats computes them.

use crate::error::{MetricError, Result, all_finite, same_length};

fn check(x: &[f64], y: &[f64]) -> Result<()> {
    same_length("y", x.len(), y.len())?;
    all_finite("x", x)?;
    all_finite("y", y)?;
    if x.len() < 2 {
        return Err(MetricError::new("x", "at least two numbers", "one", "a correlation of one pair has no value"));
    }
    for (name, values) in [("x", x), ("y", y)] {
        if values.iter().all(|v| *v == values[0]) {
            return Err(MetricError::new(name, "numbers that differ", "all equal ones", "a correlation with a constant has no value"));
        }
    }
    Ok(())
}

/// Pearson's r.
///
/// # Errors
/// Lists of unequal length, of less than two numbers, constant, or not finite.
pub fn pearson(x: &[f64], y: &[f64]) -> Result<f64> {
    check(x, y)?;
    let centred = |v: &[f64]| {
        let mean = v.iter().sum::<f64>() / v.len() as f64;
        let centred: Vec<f64> = v.iter().map(|a| a - mean).collect();
        // Squares of very small and very large numbers would leave the range of a double.
        let scale = centred.iter().fold(0.0f64, |most, a| most.max(a.abs()));
        let centred: Vec<f64> = centred.into_iter().map(|a| a / scale).collect();
        let norm = centred.iter().map(|a| a * a).sum::<f64>().sqrt();
        centred.into_iter().map(move |a| a / norm).collect::<Vec<f64>>()
    };
    let r: f64 = centred(x).iter().zip(centred(y)).map(|(a, b)| a * b).sum();
    Ok(r.clamp(-1.0, 1.0))
}

/// Spearman's ρ: Pearson's r of the ranks, equal numbers sharing the mean of theirs.
///
/// # Errors
/// As [`pearson`].
pub fn spearman(x: &[f64], y: &[f64]) -> Result<f64> {
    check(x, y)?;
    pearson(&ranks(x), &ranks(y))
}

/// Kendall's τ-b: concordant minus discordant pairs, corrected for ties (Kendall 1945).
///
/// # Errors
/// As [`pearson`].
pub fn kendall(x: &[f64], y: &[f64]) -> Result<f64> {
    check(x, y)?;
    let (mut balance, mut untied_x, mut untied_y) = (0i64, 0u64, 0u64);
    for i in 0..x.len() {
        for j in 0..i {
            let (a, b) = (x[i].total_cmp(&x[j]), y[i].total_cmp(&y[j]));
            let (a, b) = (if x[i] == x[j] { 0 } else { a as i64 }, if y[i] == y[j] { 0 } else { b as i64 });
            balance += a * b;
            untied_x += a.unsigned_abs();
            untied_y += b.unsigned_abs();
        }
    }
    Ok((balance as f64 / (untied_x as f64).sqrt() / (untied_y as f64).sqrt()).clamp(-1.0, 1.0))
}

/// Ranks from 1; equal numbers have the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        // Whoever is smaller comes before, so that the number of smaller ones is the place of the group.
        let before = order.partition_point(|i| values[*i] < values[equal[0]]);
        equal.iter().for_each(|i| ranks[*i] = before as f64 + (equal.len() + 1) as f64 / 2.0);
    }
    ranks
}
