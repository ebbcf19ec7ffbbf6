//! What the kernel needs of a tokenizer; `tongues-io` implements it.

use crate::Result;
use serde_json::Value as Json;
use std::sync::Arc;

/// Text to ids and back, with an open definition so that a vocabulary can be changed.
pub trait Tokenizer: Send + Sync {
    /// Ids of `text`, without special tokens.
    ///
    /// # Errors
    /// The tokenizer cannot represent the text.
    fn encode(&self, text: &str) -> Result<Vec<u32>>;
    /// The text of `ids`; special tokens are left out.
    ///
    /// # Errors
    /// An id lies outside the vocabulary.
    fn decode(&self, ids: &[u32]) -> Result<String>;
    /// Highest id + 1, added tokens included.
    fn size(&self) -> usize;
    /// The entry of an id, in the vocabulary's own alphabet.
    fn piece(&self, id: u32) -> Option<String>;
    /// Begin-of-sequence token, where the tokenizer has one.
    fn bos(&self) -> Option<u32>;
    /// End-of-sequence token, where the tokenizer has one.
    fn eos(&self) -> Option<u32>;
    /// Padding token, where the tokenizer has one.
    fn pad(&self) -> Option<u32>;
    /// The pieces that no vocabulary entry crosses, in the vocabulary's own alphabet (normalised, pre-tokenised).
    ///
    /// # Errors
    /// The normaliser fails.
    fn words(&self, text: &str) -> Result<Vec<String>>;
    /// The definition, as in `tokenizer.json`.
    fn definition(&self) -> &Json;
    /// A tokenizer with another definition and the same special tokens.
    ///
    /// # Errors
    /// The definition is not a valid tokenizer.
    fn redefined(&self, definition: Json) -> Result<Arc<dyn Tokenizer>>;
    /// A tokenizer of the same kind (normaliser, algorithm, special tokens) with `size` entries, trained on `texts`.
    ///
    /// # Errors
    /// The algorithm cannot be trained, or the texts are empty.
    fn trained_like(&self, texts: &mut dyn Iterator<Item = String>, size: usize) -> Result<Arc<dyn Tokenizer>>;
    /// The files that a checkpoint folder holds for it: name and content.
    fn files(&self) -> Vec<(String, String)> {
        vec![("tokenizer.json".into(), self.definition().to_string())]
    }
}
