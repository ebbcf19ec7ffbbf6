//! Tokenizers from nothing: the two definitions that training starts from.

use super::HfTokenizer;
use serde_json::{Value as Json, json};
use tongues_kernel::Result;

/// How a vocabulary is learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Byte-pair encoding over bytes (Sennrich et al. 2016; Radford et al. 2019): every text can be written, and
    /// decoding gives every text back exactly.
    Bpe,
    /// A unigram language model over pieces (Kudo 2018), with bytes for characters that training did not see. Decoding
    /// gives every text back exactly, except that `▁` (U+2581), which stands for the space, comes back as a space.
    Unigram,
}

impl HfTokenizer {
    /// Trains a tokenizer with `size` entries on `texts`: `<s>` 0, `</s>` 1 and `<pad>` 2 first. Equal texts in equal
    /// order give equal bytes, whatever the number of threads.
    ///
    /// A text that holds the name of one of these tokens is encoded as that token, which decoding leaves out.
    ///
    /// # Errors
    /// The texts are empty, `size` cannot hold the alphabet, or the texts do not have so many pieces.
    pub fn train(algorithm: Algorithm, size: usize, texts: &mut dyn Iterator<Item = String>) -> Result<Self> {
        let definition = match algorithm {
            Algorithm::Bpe => bpe(),
            Algorithm::Unigram => unigram(),
        };
        Self::from_definition(definition, "new tokenizer")?.train_like(texts, size)
    }
}

fn bpe() -> Json {
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(),
        "normalizer": null,
        "pre_tokenizer": byte_level,
        "post_processor": null,
        "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": {"<s>": 0, "</s>": 1, "<pad>": 2}, "merges": []
        }
    })
}

/// The space is never put before a text: the first word would else come back with it, or without its own.
fn unigram() -> Json {
    let metaspace = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": true});
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(),
        "normalizer": null,
        "pre_tokenizer": metaspace,
        "post_processor": null,
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, metaspace, {"type": "Fuse"}]},
        "model": {
            "type": "Unigram", "unk_id": 3, "byte_fallback": true,
            "vocab": [["<s>", 0.0], ["</s>", 0.0], ["<pad>", 0.0], ["<unk>", 0.0]]
        }
    })
}

fn added() -> Json {
    let token = |(id, name): (usize, &str)| {
        json!({
            "id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            "special": true
        })
    };
    ["<s>", "</s>", "<pad>"].into_iter().enumerate().map(token).collect()
}
