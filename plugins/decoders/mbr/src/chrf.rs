//! Sentence chrF as sacrebleu computes it by default: characters up to 6, no words, β = 2, effective order.

use std::collections::HashMap;

const ORDERS: usize = 6;
const BETA: f64 = 2.0;

/// chrF of a sentence against a reference, 0 to 100.
pub fn chrf(hypothesis: &str, reference: &str) -> f64 {
    Grams::of(hypothesis).score(&Grams::of(reference))
}

/// The n-grams of a text, by order, with their counts.
pub struct Grams([HashMap<String, usize>; ORDERS]);

impl Grams {
    /// Counts; white space does not.
    pub fn of(text: &str) -> Self {
        // Python's white space has four separators that Unicode's has not.
        let is_space = |c: &char| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}');
        let characters: Vec<char> = text.chars().filter(|c| !is_space(c)).collect();
        Self(std::array::from_fn(|order| {
            let mut counts = HashMap::new();
            for gram in characters.windows(order + 1) {
                *counts.entry(gram.iter().collect()).or_default() += 1;
            }
            counts
        }))
    }

    /// chrF of this text against a reference, 0 to 100. Orders that one of them is too short for are left out of the means.
    pub fn score(&self, reference: &Self) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for (ours, theirs) in self.0.iter().zip(&reference.0) {
            let (n, of): (usize, usize) = (ours.values().sum(), theirs.values().sum());
            if n == 0 || of == 0 {
                continue;
            }
            let common: usize = ours.iter().map(|(gram, count)| (*count).min(theirs.get(gram).copied().unwrap_or(0))).sum();
            precision += common as f64 / n as f64;
            recall += common as f64 / of as f64;
            orders += 1.0;
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        let (precision, recall, factor) = (precision / orders, recall / orders, BETA * BETA);
        100.0 * (1.0 + factor) * precision * recall / (factor * precision + recall)
    }
}
