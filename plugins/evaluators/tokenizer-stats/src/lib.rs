//! # tokenizer-stats
//!
//! What a tokenizer does to a language: how many tokens a word and a text need, and what is missing in its vocabulary.
//! Papers: Ács 2019, "Exploring BERT's Vocabulary" (fertility); Rust et al. 2021, "How Good is Your Tokenizer?" (arXiv 2012.15613:
//! fertility, continued words); Petrov et al. 2023, "Language Model Tokenizers Introduce Unfairness Between Languages" (arXiv 2305.15425,
//! parity).
//!
//! ## What it does
//! Words are what stands between white space. `fertility` is tokens over words; `continued_words` the share of words with two tokens
//! or more; `coverage` the share of tokens that are neither unknown nor single bytes of characters that the vocabulary lacks;
//! `bytes_per_token` bytes over tokens. With `parallel`, a field with the same text in another language, `parity` is tokens of the text
//! over tokens of that one. All are ratios of sums over records. Only the model's tokenizer is asked, not its weights.
//!
//! ## When to use
//! Before a language is learned, to see whether the vocabulary should grow, and after it grew. For languages without spaces between words
//! read `bytes_per_token` and `parity`, not fertility.
//!
//! ## Differences from the paper
//! Rust et al. count words of treebanks; white space needs none.
//!
//! ## Reproduces
//! No published number. The tests count by hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::ops::Range;
use tongues_kernel::{Better, Evaluation, Evaluator, Finding, Item, Record, Result, Tokenizer, refuse, register};
use tongues_metrics::tokenizers::TokenCounts;

/// Fertility and the like.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenizerStats {
    /// The field that holds the text.
    #[serde(default = "text")]
    pub field: String,
    /// A field that holds the same text in another language; gives `parity`.
    #[serde(default)]
    pub parallel: Option<String>,
}

fn text() -> String {
    "text".into()
}

/// Counts of a text.
pub fn counts(tokenizer: &dyn Tokenizer, text: &str) -> Result<TokenCounts> {
    let tokens = tokenizer.encode_with_offsets(text)?;
    let ranges: Vec<Range<usize>> = tokens.iter().map(|(_, range)| range.clone()).collect();
    let pieces = |word: &Range<usize>| ranges.iter().filter(|range| range.end > word.start && range.start < word.end).count();
    let words: Vec<usize> = words(text).iter().map(pieces).collect();
    let unknown = tokens.iter().filter(|(id, _)| is_unknown(tokenizer, *id)).count();
    let single = tokens.iter().enumerate().filter(|(i, (id, range))| {
        let neighbour = |j: usize| ranges.get(j).is_some_and(|other| other == range && !range.is_empty());
        is_byte(tokenizer, *id) || neighbour(i + 1) || i.checked_sub(1).is_some_and(neighbour)
    });
    Ok(TokenCounts {
        words: words.len() as u64,
        continued_words: words.iter().filter(|n| **n > 1).count() as u64,
        tokens: tokens.len() as u64,
        unknown: unknown as u64,
        byte_fallback: single.count() as u64,
        bytes: text.len() as u64,
    })
}

/// Where the words of a text are.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = vec![];
    let mut inside = false;
    for (at, c) in text.char_indices() {
        match (c.is_whitespace(), inside, words.last_mut()) {
            (false, true, Some(word)) => word.end = at + c.len_utf8(),
            (false, ..) => words.push(at..at + c.len_utf8()),
            _ => {}
        }
        inside = !c.is_whitespace();
    }
    words
}

/// The token for anything unknown, which definitions name by its piece or by its number.
fn is_unknown(tokenizer: &dyn Tokenizer, id: u32) -> bool {
    let definition = tokenizer.definition();
    let by_piece = definition.pointer("/model/unk_token").and_then(Json::as_str);
    let by_number = definition.pointer("/model/unk_id").and_then(Json::as_u64);
    by_number == Some(u64::from(id)) || by_piece.is_some_and(|piece| tokenizer.piece(id).as_deref() == Some(piece))
}

/// A token of byte fallback, such as `<0xC3>`.
fn is_byte(tokenizer: &dyn Tokenizer, id: u32) -> bool {
    tokenizer.piece(id).is_some_and(|piece| piece.len() == 6 && piece.starts_with("<0x") && piece.ends_with('>'))
}

impl TokenizerStats {
    fn record(&self, tokenizer: &dyn Tokenizer, record: &Record) -> Result<(TokenCounts, Option<TokenCounts>)> {
        let read = |field: &str| {
            let counts = counts(tokenizer, record.text(field)?)?;
            if counts.tokens == 0 || counts.words == 0 {
                return refuse(record.place(field), "a text with words", "none", "leave this record out of the data");
            }
            Ok(counts)
        };
        Ok((read(&self.field)?, self.parallel.as_deref().map(read).transpose()?))
    }
}

impl Evaluator for TokenizerStats {
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let tokenizer = evaluation.model.tokenizer()?.clone();
        let mut findings: Vec<Finding> = [
            ("fertility", Better::Lower),
            ("continued_words", Better::Lower),
            ("coverage", Better::Higher),
            ("bytes_per_token", Better::Higher),
            ("parity", Better::Lower),
        ]
        .map(|(metric, better)| Finding::ratio(metric, better, vec![]))
        .into();
        for record in evaluation.data.open()? {
            let record = record?;
            let (of, parallel) = self.record(&*tokenizer, &record)?;
            let mut add = |finding: usize, value: u64, weight: u64| {
                findings[finding].items.push(Item { value: value as f64, weight: weight as f64, ..Item::one(record.id.clone(), 0.0) });
            };
            add(0, of.tokens, of.words);
            add(1, of.continued_words, of.words);
            add(2, of.tokens.saturating_sub(of.unknown + of.byte_fallback), of.tokens);
            add(3, of.bytes, of.tokens);
            if let Some(other) = parallel {
                add(4, of.tokens, other.tokens);
            }
        }
        if findings[0].items.is_empty() {
            return refuse(format!("data `{}`", evaluation.data.name()), "at least one record", "none", "check the data and its curators");
        }
        findings.retain(|finding| !finding.items.is_empty());
        Ok(findings)
    }
}

register!(Evaluator, "tokenizer-stats", "Fertility, continued words, coverage and parity of a model's tokenizer", TokenizerStats);
