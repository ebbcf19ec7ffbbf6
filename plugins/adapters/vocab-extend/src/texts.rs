//! The texts to learn from, read as often as needed, one at a time.

use std::collections::HashMap;
use tongues_kernel::{Error, Records, Result, Tokenizer, refuse};

/// One field of all records.
pub struct Texts<'r> {
    /// The records.
    pub records: &'r dyn Records,
    /// The field.
    pub field: &'r str,
}

impl Texts<'_> {
    /// Calls `f` with every text.
    ///
    /// # Errors
    /// A record cannot be read or lacks the field; what `f` refuses.
    pub fn each(&self, mut f: impl FnMut(&str) -> Result<()>) -> Result<()> {
        self.records.open()?.try_for_each(|record| f(&record?.said(self.field)?))
    }

    /// Calls `f` with an iterator over all texts.
    ///
    /// # Errors
    /// A record cannot be read or lacks the field; what `f` refuses.
    pub fn with<T>(&self, f: impl FnOnce(&mut dyn Iterator<Item = String>) -> Result<T>) -> Result<T> {
        let mut failed: Option<Error> = None;
        let mut records = self.records.open()?;
        let mut texts = std::iter::from_fn(|| match records.next()?.and_then(|r| r.said(self.field).map(String::from)) {
            Ok(text) => Some(text),
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        let result = f(&mut texts);
        failed.map_or(result, Err)
    }

    /// Words in the vocabulary's alphabet with their counts, sorted.
    ///
    /// # Errors
    /// A record cannot be read; there is no word.
    pub fn words(&self, tokenizer: &dyn Tokenizer) -> Result<Vec<(String, u64)>> {
        let mut counts: HashMap<String, u64> = HashMap::new();
        self.each(|text| {
            tokenizer.words(text)?.into_iter().for_each(|word| *counts.entry(word).or_default() += 1);
            Ok(())
        })?;
        counts.remove("");
        if counts.is_empty() {
            return refuse(format!("vocab-extend: data `{}`", self.records.name()), "texts", "no word in them", "check the data");
        }
        // A hash map's order is chance.
        let mut words: Vec<_> = counts.into_iter().collect();
        words.sort_unstable();
        Ok(words)
    }

    /// Tokens per whitespace-separated word.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn fertility(&self, tokenizer: &dyn Tokenizer) -> Result<f64> {
        let (mut tokens, mut words) = (0usize, 0usize);
        self.each(|text| {
            tokens += tokenizer.encode(text)?.len();
            words += text.split_whitespace().count();
            Ok(())
        })?;
        Ok(tokens as f64 / words.max(1) as f64)
    }
}
