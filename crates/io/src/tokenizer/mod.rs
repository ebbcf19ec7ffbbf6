//! Tokenizers in the `tokenizer.json` format: read, written, changed and trained.
//!
//! The definition (JSON) is kept beside the object that runs it, so that a vocabulary can be edited and read back.
//! Encoding never adds special tokens, never cuts and never pads; the name of a special token inside a text does become
//! that token, as everywhere in this format.

mod files;
mod learn;
mod like;
mod specials;
mod template;

use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use tokenizers::{OffsetReferential, OffsetType, PreTokenizer};
use tongues_kernel::{Error, Result, Tokenizer, refuse};

pub use specials::Specials;
pub use template::Algorithm;

/// A tokenizer with its definition and its special tokens.
pub struct HfTokenizer {
    inner: tokenizers::Tokenizer,
    definition: Json,
    specials: Specials,
    /// Keys of `tokenizer_config.json` that are carried along.
    settings: Map<String, Json>,
    /// Names of special tokens as `tokenizer_config.json` writes them: chat templates use these, also where
    /// `generation_config.json` names another token.
    spoken: Map<String, Json>,
    size: usize,
}

impl HfTokenizer {
    /// A tokenizer from a definition; special tokens are found by their usual names (`<s>`, `</s>`, `<pad>`, …).
    ///
    /// # Errors
    /// The definition is not a valid tokenizer, or draws at random (BPE dropout).
    pub fn from_definition(definition: Json, at: &str) -> Result<Self> {
        let mut it = Self::bare(definition, at)?;
        it.specials = Specials::usual(&it.inner);
        Ok(it)
    }

    fn bare(definition: Json, at: &str) -> Result<Self> {
        let inner = run(&definition, at)?;
        let size = inner.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1);
        Ok(Self { inner, definition, specials: Specials::default(), settings: Map::new(), spoken: Map::new(), size })
    }

    /// The chat template, where the tokenizer came with one.
    pub fn chat_template(&self) -> Option<&str> {
        self.settings.get("chat_template").and_then(Json::as_str)
    }

    /// The same tokenizer with other special tokens.
    ///
    /// # Errors
    /// An id lies outside the vocabulary.
    pub fn with_specials(mut self, specials: Specials) -> Result<Self> {
        specials.check(&self.inner, "special tokens")?;
        self.specials = specials;
        self.spoken = Map::new();
        Ok(self)
    }

    fn redefine(&self, definition: Json) -> Result<Self> {
        let mut new = Self::bare(definition, "changed tokenizer")?;
        new.specials = self.specials.moved(&self.inner, &new.inner)?;
        new.settings = self.settings.clone();
        new.spoken = self.spoken.clone();
        Ok(new)
    }
}

impl std::fmt::Debug for HfTokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HfTokenizer").field("size", &self.size).field("specials", &self.specials).finish()
    }
}

impl Tokenizer for HfTokenizer {
    fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.inner.encode_fast(text, false).map_err(|e| failed("a text that can be encoded", &e))?;
        Ok(encoding.get_ids().to_vec())
    }

    fn encode_with_offsets(&self, text: &str) -> Result<Vec<(u32, Range<usize>)>> {
        let encoding = self.inner.encode(text, false).map_err(|e| failed("a text that can be encoded", &e))?;
        Ok(encoding.get_ids().iter().copied().zip(encoding.get_offsets().iter().map(|(start, end)| *start..*end)).collect())
    }

    fn decode(&self, ids: &[u32]) -> Result<String> {
        if let Some(id) = ids.iter().find(|id| self.inner.id_to_token(**id).is_none()) {
            let expected = format!("an id below {}", self.size);
            return refuse("tokenizer", expected, id, "the model may have more rows than the tokenizer has entries");
        }
        self.inner.decode(ids, true).map_err(|e| failed("ids that can be decoded", &e))
    }

    fn size(&self) -> usize {
        self.size
    }

    fn piece(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    fn bos(&self) -> Option<u32> {
        self.specials.bos
    }

    fn eos(&self) -> Option<u32> {
        self.specials.eos.first().copied()
    }

    fn ends(&self) -> Vec<u32> {
        self.specials.eos.clone()
    }

    fn pad(&self) -> Option<u32> {
        self.specials.pad
    }

    /// Added tokens inside the text are left out: they are whole entries already. Without a pre-tokenizer the rule of
    /// SentencePiece holds: a `▁` after another character begins a word.
    fn words(&self, text: &str) -> Result<Vec<String>> {
        let mut split = self.inner.get_added_vocabulary().extract_and_normalize(self.inner.get_normalizer(), text);
        if let Some(pre_tokenizer) = self.inner.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut split).map_err(|e| failed("a text that can be split", &e))?;
        }
        let splits = split.get_splits(OffsetReferential::Normalized, OffsetType::None);
        let pieces = splits.into_iter().filter(|(_, _, tokens)| tokens.is_none()).map(|(piece, _, _)| piece);
        Ok(match self.inner.get_pre_tokenizer() {
            Some(_) => pieces.map(String::from).collect(),
            None => pieces.flat_map(before_marks).map(String::from).collect(),
        })
    }

    fn definition(&self) -> &Json {
        &self.definition
    }

    fn redefined(&self, definition: Json) -> Result<Arc<dyn Tokenizer>> {
        Ok(Arc::new(self.redefine(definition)?))
    }

    fn trained_like(&self, texts: &mut dyn Iterator<Item = String>, size: usize) -> Result<Arc<dyn Tokenizer>> {
        Ok(Arc::new(self.train_like(texts, size)?))
    }

    fn with_chat_template(&self, template: &str) -> Result<Arc<dyn Tokenizer>> {
        let mut changed = self.redefine(self.definition.clone())?;
        changed.settings.insert("chat_template".into(), template.into());
        Ok(Arc::new(changed))
    }

    fn chat(&self) -> Map<String, Json> {
        let mut chat = self.named();
        chat.extend(self.spoken.clone());
        chat.extend(self.settings.get("chat_template").map(|template| ("chat_template".to_owned(), template.clone())));
        chat
    }

    fn files(&self) -> Vec<(String, String)> {
        self.written()
    }
}

/// Fails where a tokenizer has ids beyond the rows of an embedding; fewer ids than rows are fine.
///
/// # Errors
/// As said.
pub fn check_rows(tokenizer: &dyn Tokenizer, rows: usize) -> Result<()> {
    if tokenizer.size() <= rows {
        return Ok(());
    }
    let found = format!("ids up to {}", tokenizer.size() - 1);
    let remedy = "use the tokenizer that belongs to this checkpoint, or grow the vocabulary of the model first";
    refuse("tokenizer", format!("ids below {rows}, the rows of the model's embedding"), found, remedy)
}

/// The object that runs a definition.
fn run(definition: &Json, at: &str) -> Result<tokenizers::Tokenizer> {
    if definition.pointer("/model/dropout").and_then(Json::as_f64).is_some_and(|p| p > 0.0) {
        return refuse(at, "a tokenizer that always gives the same ids", "model.dropout", "set it to null");
    }
    let copy = "take the file from the source again, or save it again with the `tokenizers` library";
    let mut inner =
        tokenizers::Tokenizer::from_bytes(definition.to_string()).map_err(|e| Error::input(at, "a tokenizer.json of the `tokenizers` library", e, copy))?;
    inner.with_truncation(None).map_err(|e| failed("no truncation", &e))?;
    inner.with_padding(None);
    Ok(inner)
}

fn before_marks(text: &str) -> Vec<&str> {
    let (mut words, mut start, mut last) = (vec![], 0, '▁');
    for (i, c) in text.char_indices() {
        if c == '▁' && last != '▁' {
            words.push(&text[start..i]);
            start = i;
        }
        last = c;
    }
    words.push(&text[start..]);
    words.retain(|w| !w.is_empty());
    words
}

fn failed(expected: &str, error: &tokenizers::Error) -> Error {
    Error::input("tokenizer", expected, error, "")
}
