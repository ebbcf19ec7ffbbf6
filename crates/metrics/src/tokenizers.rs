//! What a tokenizer does to a language, from counts.

use crate::error::{MetricError, Result};

/// Counts of a text and of what a tokenizer made of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// Words, however they were counted.
    pub words: u64,
    /// Words of two tokens or more.
    pub continued_words: u64,
    /// Tokens.
    pub tokens: u64,
    /// Tokens that stand for anything unknown.
    pub unknown: u64,
    /// Tokens of single bytes that stand for characters the vocabulary lacks.
    pub byte_fallback: u64,
    /// Bytes of the text in UTF-8.
    pub bytes: u64,
}

fn share(at: &str, of: u64, all: u64) -> Result<f64> {
    if all == 0 {
        return Err(MetricError::new(at, "at least one to divide by", "none", "count a text that is not empty"));
    }
    Ok(of as f64 / all as f64)
}

impl TokenCounts {
    /// Tokens a word (Ács 2019).
    ///
    /// # Errors
    /// There are no words.
    pub fn fertility(&self) -> Result<f64> {
        share("words", self.tokens, self.words)
    }

    /// The share of words that are split (Rust et al. 2021).
    ///
    /// # Errors
    /// There are no words.
    pub fn continued_share(&self) -> Result<f64> {
        share("words", self.continued_words, self.words)
    }

    /// Tokens over those of the same text in another language (Petrov et al. 2023): 2 means twice as many.
    ///
    /// # Errors
    /// The other text has no tokens.
    pub fn parity(&self, reference: &Self) -> Result<f64> {
        share("reference.tokens", self.tokens, reference.tokens)
    }

    /// The share of tokens that are unknown.
    ///
    /// # Errors
    /// There are no tokens.
    pub fn unknown_share(&self) -> Result<f64> {
        share("tokens", self.unknown, self.tokens)
    }

    /// The share of tokens that are single bytes.
    ///
    /// # Errors
    /// There are no tokens.
    pub fn byte_fallback_share(&self) -> Result<f64> {
        share("tokens", self.byte_fallback, self.tokens)
    }

    /// The share of tokens that stand for what is in the vocabulary.
    ///
    /// # Errors
    /// There are no tokens.
    pub fn coverage(&self) -> Result<f64> {
        Ok(1.0 - self.unknown_share()? - self.byte_fallback_share()?)
    }

    /// Bytes a token.
    ///
    /// # Errors
    /// There are no tokens.
    pub fn bytes_per_token(&self) -> Result<f64> {
        share("tokens", self.bytes, self.tokens)
    }
}

/// Bits a byte, from a sum of negative log-likelihoods in nats.
///
/// # Errors
/// There are no bytes, or the sum is not a number.
pub fn bits_per_byte(nats: f64, bytes: u64) -> Result<f64> {
    if nats.is_nan() {
        return Err(MetricError::new("nats", "a number", "none", "repair what computed it"));
    }
    Ok(nats / std::f64::consts::LN_2 * share("bytes", 1, bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let own = TokenCounts { words: 4, continued_words: 1, tokens: 10, unknown: 1, byte_fallback: 2, bytes: 40 };
        let reference = TokenCounts { tokens: 5, ..own };
        assert_eq!([own.fertility(), own.continued_share(), own.parity(&reference)], [Ok(2.5), Ok(0.25), Ok(2.0)]);
        assert_eq!([own.unknown_share(), own.byte_fallback_share(), own.bytes_per_token()], [Ok(0.1), Ok(0.2), Ok(4.0)]);
        assert!((own.coverage().expect("tokens") - 0.7).abs() < 1e-15);
        assert!((bits_per_byte(std::f64::consts::LN_2 * 12.0, 4).expect("bytes") - 3.0).abs() < 1e-15);
    }

    #[test]
    fn nothing_to_divide_by_is_refused() {
        let none = TokenCounts::default();
        assert!(none.fertility().is_err() && none.coverage().is_err() && none.parity(&none).is_err() && none.bytes_per_token().is_err());
        assert!(bits_per_byte(1.0, 0).is_err() && bits_per_byte(f64::NAN, 1).is_err());
    }
}
