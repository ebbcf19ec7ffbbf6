//! From sums to BLEU: precisions, smoothing, brevity penalty.

use super::BleuOptions;
use crate::translation::Real;
use std::fmt;

/// What a precision of zero becomes (Chen and Cherry 2014).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Smoothing {
    /// It stays zero, and with it the score.
    None,
    /// Method 1: that many matches instead of none; 0.1 where nothing is given.
    Floor(Option<f64>),
    /// Method 2: so many more matches and n-grams in all orders above 1; 1 where nothing is given.
    AddK(Option<f64>),
    /// Method 3: half a match, then a quarter, and so on, as mteval-v13a does.
    #[default]
    Exp,
}

impl Smoothing {
    fn value(self) -> f64 {
        match self {
            Self::Floor(value) => value.unwrap_or(0.1),
            Self::AddK(value) => value.unwrap_or(1.0),
            Self::None | Self::Exp => 0.0,
        }
    }
}

impl fmt::Display for Smoothing {
    /// As in signatures.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Floor(_) => write!(f, "floor[{:.2}]", self.value()),
            Self::AddK(_) => write!(f, "add-k[{:.2}]", self.value()),
            Self::Exp => f.write_str("exp"),
        }
    }
}

/// BLEU and what it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct BleuParts {
    /// Percent.
    pub score: f64,
    /// Percent by order, smoothed.
    pub precisions: Vec<f64>,
    /// Matches by order, with what smoothing added.
    pub counts: Vec<f64>,
    /// n-grams of the hypotheses by order, with what smoothing added.
    pub totals: Vec<f64>,
    /// At most 1.
    pub brevity_penalty: f64,
    /// Words.
    pub hypothesis_length: u64,
    /// Words of the closest references.
    pub reference_length: u64,
}

impl fmt::Display for BleuParts {
    /// What sacrebleu prints behind the score.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precisions: Vec<String> = self.precisions.iter().map(|p| format!("{p:.1}")).collect();
        let (own, reference) = (self.hypothesis_length, self.reference_length);
        let ratio = if reference == 0 { 0.0 } else { own as f64 / reference as f64 };
        write!(f, "{} (BP = {:.3} ratio = {ratio:.3} hyp_len = {own} ref_len = {reference})", precisions.join("/"), self.brevity_penalty)
    }
}

/// Length of the hypotheses, of the references, matches by order, n-grams by order: the score.
pub(super) fn compute<T: Real>(sums: &[T], options: &BleuOptions) -> BleuParts {
    let order = options.max_ngram_order;
    let (own, reference) = (sums[0].wide().trunc(), sums[1].wide().trunc());
    let (mut counts, mut totals) = (sums[2..2 + order].to_vec(), sums[2 + order..2 + 2 * order].to_vec());
    let mut precisions = vec![T::literal(0.0); order];
    let mut brevity_penalty = 1.0;
    if own < reference {
        brevity_penalty = if own > 0.0 { (1.0 - reference / own).exp() } else { 0.0 };
    }
    // Without a match smoothing would make a score of nothing (sacrebleu issue 141).
    let matched = counts.iter().any(|c| c.wide() != 0.0);
    let used = if matched { smoothed(&mut counts, &mut totals, &mut precisions, options) } else { order };
    let score = if matched { brevity_penalty * mean_of_logarithms(&precisions[..used]).exp() } else { 0.0 };
    let wide = |values: &[T]| values.iter().map(|v| v.wide()).collect();
    BleuParts {
        score,
        precisions: wide(&precisions),
        counts: wide(&counts),
        totals: wide(&totals),
        brevity_penalty,
        hypothesis_length: own as u64,
        reference_length: reference as u64,
    }
}

/// Fills in the precisions; over how many orders the mean goes.
fn smoothed<T: Real>(counts: &mut [T], totals: &mut [T], precisions: &mut [T], options: &BleuOptions) -> usize {
    let value = options.smoothing.value();
    let mut halving = 1.0;
    let mut used = precisions.len();
    for n in 0..precisions.len() {
        if n > 0 && matches!(options.smoothing, Smoothing::AddK(_)) {
            counts[n] = counts[n] + T::literal(value);
            totals[n] = totals[n] + T::literal(value);
        }
        if totals[n].wide() == 0.0 {
            break;
        }
        if options.effective_order {
            used = n + 1;
        }
        if counts[n].wide() != 0.0 {
            precisions[n] = T::literal(100.0) * counts[n] / totals[n];
        } else if options.smoothing == Smoothing::Exp {
            halving *= 2.0;
            precisions[n] = T::literal(100.0) / (T::literal(halving) * totals[n]);
        } else if matches!(options.smoothing, Smoothing::Floor(_)) {
            precisions[n] = T::literal(100.0 * value) / totals[n];
        }
    }
    used
}

fn mean_of_logarithms<T: Real>(precisions: &[T]) -> f64 {
    // What sacrebleu takes for the logarithm of zero; exp of its mean is zero.
    let logarithm = |p: f64| if p == 0.0 { -9_999_999_999.0 } else { p.ln() };
    precisions.iter().map(|p| logarithm(p.wide())).sum::<f64>() / precisions.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bleu(sums: &[f64], smoothing: Smoothing, effective_order: bool) -> BleuParts {
        compute(sums, &BleuOptions { smoothing, effective_order, ..BleuOptions::default() })
    }

    #[test]
    fn smoothing_fills_what_is_zero() {
        let sums = [5.0, 5.0, 4.0, 2.0, 0.0, 0.0, 5.0, 4.0, 3.0, 2.0];
        let precisions = |s| bleu(&sums, s, false).precisions;
        assert_eq!(precisions(Smoothing::None), [80.0, 50.0, 0.0, 0.0]);
        assert_eq!(bleu(&sums, Smoothing::None, false).score, 0.0);
        assert_eq!(precisions(Smoothing::Exp), [80.0, 50.0, 100.0 / 6.0, 100.0 / 8.0]);
        assert_eq!(precisions(Smoothing::Floor(None)), [80.0, 50.0, 10.0 / 3.0, 5.0]);
        assert_eq!(precisions(Smoothing::AddK(None)), [80.0, 60.0, 25.0, 100.0 / 3.0]);
    }

    #[test]
    fn short_texts_are_scored_over_the_orders_they_have() {
        let sums = [2.0, 2.0, 2.0, 1.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0];
        assert_eq!(bleu(&sums, Smoothing::Exp, false).score, 0.0);
        assert!((bleu(&sums, Smoothing::Exp, true).score - 100.0).abs() < 1e-12);
        assert!((bleu(&[2.0, 4.0, 2.0, 1.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0], Smoothing::Exp, true).brevity_penalty - (-1.0f64).exp()).abs() < 1e-15);
    }
}
