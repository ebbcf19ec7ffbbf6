//! A tokenizer without a vocabulary to learn: one token a byte.

use serde_json::{Value as Json, json};
use std::sync::Arc;
use tongues_kernel::{Result, Tokenizer, refuse};

/// Bytes are their own ids; 256 begins a text, 257 ends it, 258 pads; 259 hides a token, where there is one that does.
#[derive(Clone, Debug)]
pub struct ToyTokenizer {
    definition: Json,
    size: usize,
}

impl Default for ToyTokenizer {
    fn default() -> Self {
        Self { definition: json!({ "model": { "type": "Bytes" } }), size: Self::SIZE }
    }
}

impl ToyTokenizer {
    /// Bytes and three special tokens.
    pub const SIZE: usize = 259;
    /// The token that hides others, in [`Self::with_mask`].
    pub const MASK: u32 = 259;

    /// With a token that hides others.
    pub fn with_mask() -> Self {
        let definition = json!({ "model": { "type": "Bytes" }, "added_tokens": [{ "id": Self::MASK, "content": "<mask>", "special": true }] });
        Self { definition, size: Self::SIZE + 1 }
    }
}

impl Tokenizer for ToyTokenizer {
    fn encode(&self, text: &str) -> Result<Vec<u32>> {
        Ok(text.bytes().map(u32::from).collect())
    }
    fn encode_with_offsets(&self, text: &str) -> Result<Vec<(u32, std::ops::Range<usize>)>> {
        Ok(text.bytes().enumerate().map(|(i, byte)| (u32::from(byte), i..i + 1)).collect())
    }
    fn decode(&self, ids: &[u32]) -> Result<String> {
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.size) {
            return refuse("toy tokenizer", format!("an id below {}", self.size), id, "");
        }
        let bytes: Vec<u8> = ids.iter().filter_map(|id| u8::try_from(*id).ok()).collect();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
    fn size(&self) -> usize {
        self.size
    }
    fn piece(&self, id: u32) -> Option<String> {
        match id {
            0..=255 => Some(format!("<0x{id:02X}>")),
            256 => Some("<s>".into()),
            257 => Some("</s>".into()),
            258 => Some("<pad>".into()),
            Self::MASK if self.size > Self::SIZE => Some("<mask>".into()),
            _ => None,
        }
    }
    fn bos(&self) -> Option<u32> {
        Some(256)
    }
    fn eos(&self) -> Option<u32> {
        Some(257)
    }
    fn pad(&self) -> Option<u32> {
        Some(258)
    }
    fn words(&self, text: &str) -> Result<Vec<String>> {
        Ok(text.split_whitespace().map(String::from).collect())
    }
    fn definition(&self) -> &Json {
        &self.definition
    }
    fn redefined(&self, definition: Json) -> Result<Arc<dyn Tokenizer>> {
        if definition == self.definition {
            return Ok(Arc::new(self.clone()));
        }
        refuse("toy tokenizer", "its own definition", definition, "bytes cannot be redefined")
    }
    fn trained_like(&self, _: &mut dyn Iterator<Item = String>, _: usize) -> Result<Arc<dyn Tokenizer>> {
        refuse("toy tokenizer", "a tokenizer that learns", "bytes", "use a tokenizer from a file")
    }
}
