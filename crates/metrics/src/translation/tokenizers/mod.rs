//! Tokenizers of BLEU that need no model.

mod chinese;
mod international;
mod mteval;
pub(crate) mod tercom;

use crate::error::{MetricError, Result};
use std::str::FromStr;

/// How BLEU cuts a text into words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tokenizer {
    /// `13a`: that of mteval-v13a, the usual one.
    #[default]
    V13a,
    /// `intl`: at every punctuation mark and symbol of Unicode, as mteval-v14.
    International,
    /// `zh`: Chinese characters one by one, the rest as `13a`.
    Chinese,
    /// `char`: every character.
    Characters,
    /// `none`: at white space only.
    None,
}

impl Tokenizer {
    /// The name in signatures.
    pub fn name(self) -> &'static str {
        match self {
            Self::V13a => "13a",
            Self::International => "intl",
            Self::Chinese => "zh",
            Self::Characters => "char",
            Self::None => "none",
        }
    }

    /// The text with white space between its words.
    pub(crate) fn apply(self, text: &str) -> String {
        match self {
            Self::V13a => mteval::v13a(text),
            Self::International => international::tokenize(text),
            Self::Chinese => chinese::tokenize(text),
            Self::Characters => text.chars().flat_map(|c| [c, ' ']).collect(),
            Self::None => text.to_owned(),
        }
    }
}

const MODELS: [&str; 6] = ["spm", "flores101", "flores200", "spBLEU-1K", "ja-mecab", "ko-mecab"];

impl FromStr for Tokenizer {
    type Err = MetricError;

    /// By sacrebleu's name.
    ///
    /// # Errors
    /// No such tokenizer, or one that needs a model or a dictionary.
    fn from_str(name: &str) -> Result<Self> {
        let all = [Self::V13a, Self::International, Self::Chinese, Self::Characters, Self::None];
        if let Some(found) = all.into_iter().find(|t| t.name() == name) {
            return Ok(found);
        }
        let expected = "one of 13a, intl, zh, char, none";
        if MODELS.contains(&name) {
            let needs = if name.ends_with("mecab") { "a dictionary of MeCab" } else { "a SentencePiece model" };
            let remedy = format!(
                "it needs {needs}, which is not part of this library: tokenize both texts with it beforehand and use `none`, or use `char` (or chrF), which need no words"
            );
            return Err(MetricError::new("tokenize", expected, format!("`{name}`"), remedy));
        }
        Err(MetricError::new("tokenize", expected, format!("`{name}`"), "choose one of them"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_models_are_refused_with_a_remedy() {
        for t in [Tokenizer::V13a, Tokenizer::International, Tokenizer::Chinese, Tokenizer::Characters, Tokenizer::None] {
            assert_eq!(t.name().parse(), Ok(t));
        }
        for name in MODELS {
            let error = name.parse::<Tokenizer>().expect_err("needs a model").to_string();
            assert!(error.contains(name) && error.contains("beforehand"), "{error}");
        }
        assert_eq!(
            "13".parse::<Tokenizer>().expect_err("unknown").to_string(),
            "tokenize: expected one of 13a, intl, zh, char, none, found `13`; choose one of them"
        );
    }
}
