//! n-grams of one segment.

use super::BleuOptions;
use crate::text::ngrams::{Matcher, Vocabulary};
use crate::text::whitespace::{trim_end, words};

/// Memory that is used again from segment to segment.
#[derive(Default)]
pub(super) struct Counter {
    matcher: Matcher,
}

fn tokenized(options: &BleuOptions, text: &str) -> String {
    if options.lowercase { options.tokenizer.apply(trim_end(&text.to_lowercase())) } else { options.tokenizer.apply(trim_end(text)) }
}

impl Counter {
    /// Length of the hypothesis, of the closest reference, matches by order, n-grams of the hypothesis by order.
    pub(super) fn count(&mut self, options: &BleuOptions, hypothesis: &str, references: &[&str], out: &mut [f64]) {
        let order = options.max_ngram_order;
        let texts: Vec<String> = std::iter::once(&hypothesis).chain(references).map(|t| tokenized(options, t)).collect();
        let mut vocabulary = Vocabulary::default();
        let items: Vec<Vec<u32>> = texts.iter().map(|t| words(t).map(|w| vocabulary.number(w)).collect()).collect();
        let sources: Vec<&[u32]> = items.iter().map(Vec::as_slice).collect();
        let mut matched = [0u64; super::MOST];
        self.matcher.matches(&sources, vocabulary.count(), order, &mut matched);
        let length = items[0].len();
        out[0] = length as f64;
        out[1] = closest(length, items[1..].iter().map(Vec::len)) as f64;
        for n in 0..order {
            out[2 + n] = matched[n] as f64;
            out[2 + order + n] = length.saturating_sub(n) as f64;
        }
    }
}

/// The reference length closest to the hypothesis's; the shorter of two that are equally close.
fn closest(length: usize, references: impl Iterator<Item = usize>) -> usize {
    references.min_by_key(|r| (length.abs_diff(*r), *r)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_length_counts_and_the_shorter_one_of_two() {
        assert_eq!(closest(5, [9, 7, 3].into_iter()), 3);
        assert_eq!(closest(5, [9, 6].into_iter()), 6);
    }
}
