//! Languages by their character n-grams: naive Bayes over counts with add-k smoothing (McNamee 2005; Jauhiainen et al. 2019), the
//! model that scikit-learn's `CountVectorizer(analyzer="char")` and `MultinomialNB` make.

use crate::error::{MetricError, Result};
use crate::text::whitespace::is_space;
use rustc_hash::FxHashMap;

/// Longest n-grams at most.
const MOST: usize = 8;

/// What languages look like. Trained from texts; the same texts give the same model.
#[derive(Clone, Debug, PartialEq)]
pub struct LanguageModel {
    languages: Vec<String>,
    order: usize,
    /// For each n-gram that was seen its log-probabilities, one a language.
    log_probabilities: FxHashMap<String, Vec<f64>>,
}

impl LanguageModel {
    /// Counts n-grams of 1 to `order` characters in the texts of each language, adding `k` to every count. All languages are taken
    /// to be equally frequent.
    ///
    /// # Errors
    /// No language, one without characters or named twice, an order outside 1 to 8, or a `k` that is not above 0.
    pub fn train(texts: &[(&str, Vec<&str>)], order: usize, k: f64) -> Result<Self> {
        if !(1..=MOST).contains(&order) {
            return Err(MetricError::new("order", format!("1 to {MOST}"), order.to_string(), "3 is a good one"));
        }
        if !(k > 0.0 && k.is_finite()) {
            return Err(MetricError::new("k", "a number above 0", k.to_string(), "without smoothing one new n-gram rules a language out"));
        }
        if texts.is_empty() {
            return Err(MetricError::new("texts", "at least one language", "none", "pass texts to learn from"));
        }
        let mut counts: FxHashMap<String, Vec<f64>> = FxHashMap::default();
        let mut totals = vec![0.0; texts.len()];
        for (language, (name, own)) in texts.iter().enumerate() {
            if texts[..language].iter().any(|(other, _)| other == name) {
                return Err(MetricError::new("texts", "every language once", format!("`{name}` twice"), "put its texts together"));
            }
            own.iter().for_each(|text| {
                ngrams(text, order, |gram| {
                    counts.entry(gram.to_owned()).or_insert_with(|| vec![0.0; texts.len()])[language] += 1.0;
                    totals[language] += 1.0;
                });
            });
            if totals[language] == 0.0 {
                return Err(MetricError::new(format!("texts of `{name}`"), "at least one character", "none", "pass texts to learn from"));
            }
        }
        let below: Vec<f64> = totals.iter().map(|t| (t + k * counts.len() as f64).ln()).collect();
        counts.values_mut().for_each(|row| row.iter_mut().zip(&below).for_each(|(c, b)| *c = (*c + k).ln() - b));
        Ok(Self { languages: texts.iter().map(|(name, _)| (*name).to_owned()).collect(), order, log_probabilities: counts })
    }

    /// The languages, in the order of training.
    pub fn languages(&self) -> &[String] {
        &self.languages
    }

    /// The log-probability of each language given the text, in nats. n-grams that no language has do not count; a text without any other
    /// leaves all languages equally likely.
    pub fn log_posteriors(&self, text: &str) -> Vec<f64> {
        let mut sums = vec![0.0; self.languages.len()];
        ngrams(text, self.order, |gram| {
            if let Some(row) = self.log_probabilities.get(gram) {
                sums.iter_mut().zip(row).for_each(|(s, p)| *s += p);
            }
        });
        let most = sums.iter().copied().fold(f64::MIN, f64::max);
        let all = most + sums.iter().map(|s| (s - most).exp()).sum::<f64>().ln();
        sums.into_iter().map(|s| s - all).collect()
    }

    /// The most likely language, the first of equal ones; `None` where the text has no n-gram that any language has.
    pub fn identify(&self, text: &str) -> Option<&str> {
        let mut known = false;
        ngrams(text, self.order, |gram| known |= self.log_probabilities.contains_key(gram));
        let posteriors = self.log_posteriors(text);
        let best = (0..posteriors.len()).reduce(|best, i| if posteriors[i] > posteriors[best] { i } else { best })?;
        known.then(|| self.languages[best].as_str())
    }
}

/// All n-grams of 1 to `order` characters; runs of white space are one space.
fn ngrams(text: &str, order: usize, mut each: impl FnMut(&str)) {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let run = is_space(c) && chars.peek().is_some_and(|next| is_space(*next));
        if !run {
            plain.push(c);
            continue;
        }
        plain.push(' ');
        while chars.next_if(|c| is_space(*c)).is_some() {}
    }
    let ends: Vec<usize> = plain.char_indices().map(|(i, _)| i).chain([plain.len()]).collect();
    for n in 1..=order {
        ends.windows(n + 1).for_each(|w| each(&plain[w[0]..w[n]]));
    }
}
