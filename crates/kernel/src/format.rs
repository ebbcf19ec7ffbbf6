//! How a record becomes text to learn from and to continue. What writes the text (a template language) lies outside.

use crate::{Name, Record, Result, Sequence, Tokenizer};
use std::collections::BTreeMap;

/// A record as a row: its pieces with their loss weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Formatted {
    /// Marked segments: `prompt` is seen, `answer` is learned.
    pub sequence: Sequence,
    /// UTF-8 bytes of the text behind the tokens that carry loss.
    pub bytes: usize,
}

/// What a format did so far. Nothing is cut or left out without being counted here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records that were formatted.
    pub records: usize,
    /// How many records each rule touched, by the rule's name: `cut-left`, `drop`, …
    pub rules: BTreeMap<Name, usize>,
    /// Tokens that were cut away, those of dropped records included.
    pub tokens_cut: usize,
}

impl Tally {
    /// Counts a rule that touched a record.
    pub fn count(&mut self, rule: &str, tokens: usize) {
        *self.rules.entry(rule.into()).or_default() += 1;
        self.tokens_cut += tokens;
    }

    /// The same as words, for a report: `3 of 20 by cut-left; 118 tokens cut`.
    pub fn told(&self) -> String {
        if self.rules.is_empty() {
            return format!("all {} records whole", self.records);
        }
        let rules: Vec<String> = self.rules.iter().map(|(rule, n)| format!("{n} of {} by {rule}", self.records)).collect();
        format!("{}; {} tokens cut", rules.join(", "), self.tokens_cut)
    }
}

/// A format: one rendering for training, scoring and generating.
pub trait Format: Send + Sync {
    /// What the recipe calls it.
    fn name(&self) -> &str;
    /// A record as rows of at most `max_length` tokens, by name: `text`, or `chosen` and `rejected` of a preference. None
    /// where the rule for long records drops it.
    ///
    /// # Errors
    /// The record lacks a field, the template refuses it, or it is too long and the rule refuses that.
    fn rows(&self, record: &Record, tokenizer: &dyn Tokenizer, max_length: usize) -> Result<BTreeMap<Name, Formatted>>;
    /// What stands before the answer, up to where a model shall begin to write.
    ///
    /// # Errors
    /// The record lacks a field, or the template refuses it.
    fn prompt(&self, record: &Record, tokenizer: &dyn Tokenizer) -> Result<Vec<u32>>;
    /// The answer that the record holds, where it holds one: what a written answer is compared with.
    ///
    /// # Errors
    /// The record lacks a field, or the template refuses it.
    fn answer(&self, record: &Record) -> Result<Option<String>>;
    /// The tokens that end an answer, beside the end of the text.
    ///
    /// # Errors
    /// The template fails.
    fn stops(&self, tokenizer: &dyn Tokenizer) -> Result<Vec<u32>>;
    /// What was cut and left out so far.
    fn tally(&self) -> Tally;
}
