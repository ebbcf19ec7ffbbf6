//! What the kernel needs of a tokenizer; `tongues-io` implements it.

use crate::{Result, refuse};
use serde_json::Value as Json;
use std::ops::Range;
use std::sync::Arc;

/// Text to ids and back, with an open definition so that a vocabulary can be changed.
pub trait Tokenizer: Send + Sync {
    /// Ids of `text`, without special tokens.
    ///
    /// # Errors
    /// The tokenizer cannot represent the text.
    fn encode(&self, text: &str) -> Result<Vec<u32>>;
    /// The same ids, each with the byte range of the text that it stands for. Names of special tokens in the text are one
    /// token each; several tokens of one character have the same range.
    ///
    /// # Errors
    /// The tokenizer cannot represent the text, or does not know where its tokens come from.
    fn encode_with_offsets(&self, text: &str) -> Result<Vec<(u32, Range<usize>)>> {
        let _ = text;
        refuse("tokenizer", "a tokenizer that tells where its tokens come from", "one that does not", "use a tokenizer.json")
    }
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
    /// All tokens that end a text, the end-of-sequence token first.
    fn ends(&self) -> Vec<u32> {
        self.eos().into_iter().collect()
    }
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
    /// `chat_template` and the names of the special tokens, as `tokenizer_config.json` writes them; empty where there is none.
    fn chat(&self) -> serde_json::Map<String, Json> {
        serde_json::Map::new()
    }
    /// The same tokenizer with another chat template.
    ///
    /// # Errors
    /// It carries none.
    fn with_chat_template(&self, template: &str) -> Result<Arc<dyn Tokenizer>> {
        refuse("chat_template", "a tokenizer that carries a chat template", "one that does not", template.chars().take(20).collect::<String>())
    }
    /// The files that a checkpoint folder holds for it: name and content.
    fn files(&self) -> Vec<(String, String)> {
        vec![("tokenizer.json".into(), self.definition().to_string())]
    }
}
