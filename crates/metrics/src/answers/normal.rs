//! The forms in which answers are compared.

use crate::error::{MetricError, Result};
use crate::text::classes::{PUNCTUATION, is, is_word};
use crate::text::whitespace::{joined, words};
use std::str::FromStr;

/// A language of MLQA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MlqaLanguage {
    /// Arabic.
    Arabic,
    /// German.
    German,
    /// English.
    English,
    /// Spanish.
    Spanish,
    /// Hindi.
    Hindi,
    /// Vietnamese.
    Vietnamese,
    /// Chinese in simplified script.
    Chinese,
}

impl FromStr for MlqaLanguage {
    type Err = MetricError;

    /// By ISO 639-1.
    ///
    /// # Errors
    /// MLQA has no rules for the language.
    fn from_str(code: &str) -> Result<Self> {
        Ok(match code {
            "ar" => Self::Arabic,
            "de" => Self::German,
            "en" => Self::English,
            "es" => Self::Spanish,
            "hi" => Self::Hindi,
            "vi" => Self::Vietnamese,
            "zh" => Self::Chinese,
            _ => {
                let remedy = "MLQA has rules for these languages only; use the rules of SQuAD, or chrF, for others";
                return Err(MetricError::new("language", "one of ar, de, en, es, hi, vi, zh", format!("`{code}`"), remedy));
            }
        })
    }
}

const ENGLISH: &[&str] = &["a", "an", "the"];

impl MlqaLanguage {
    fn articles(self) -> &'static [&'static str] {
        match self {
            Self::English => ENGLISH,
            Self::Spanish => &["un", "una", "unos", "unas", "el", "la", "los", "las"],
            Self::Vietnamese => &["của", "là", "cái", "chiếc", "những"],
            Self::German => &["ein", "eine", "einen", "einem", "eines", "einer", "der", "die", "das", "den", "dem", "des"],
            Self::Arabic | Self::Hindi | Self::Chinese => &[],
        }
    }
}

pub(super) fn squad(text: &str) -> String {
    let mut text = text.to_lowercase();
    text.retain(|c| !c.is_ascii_punctuation());
    joined(words(&without(&text, ENGLISH)))
}

pub(super) fn mlqa(text: &str, language: MlqaLanguage) -> String {
    let mut text = text.to_lowercase();
    text.retain(|c| !c.is_ascii_punctuation() && !is(c, PUNCTUATION));
    text = match language {
        // The article is written with its word; MLQA takes the two letters out wherever they stand.
        MlqaLanguage::Arabic => text.replace("ال", " "),
        MlqaLanguage::Chinese => text.chars().flat_map(|c| if ('\u{4e00}'..='\u{9fa5}').contains(&c) { vec![' ', c, ' '] } else { vec![c] }).collect(),
        _ => without(&text, language.articles()),
    };
    joined(words(&text))
}

/// Spaces in the place of whole words; a word is a run of letters, numbers and underscores.
fn without(text: &str, articles: &[&str]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inside = is_word(first);
        let end = rest.find(|c| is_word(c) != inside).unwrap_or(rest.len());
        let run = &rest[..end];
        out.push_str(if inside && articles.contains(&run) { " " } else { run });
        rest = &rest[end..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_go_as_whole_words_only() {
        assert_eq!(squad("The cat, an Other--theatre  a_b"), "cat othertheatre ab");
        assert_eq!(mlqa("Die „Dieb“ der", MlqaLanguage::German), "dieb");
        assert_eq!(mlqa("我们 ok。", MlqaLanguage::Chinese), "我 们 ok");
        assert_eq!(mlqa("القط", MlqaLanguage::Arabic), "قط");
        assert!("fr".parse::<MlqaLanguage>().expect_err("no rules").to_string().contains("`fr`"));
    }
}
