//! Tokenizers from nothing: the two definitions that training starts from.

use super::HfTokenizer;
use serde_json::{Map, Value as Json, json};
use tongues_kernel::{Result, refuse};

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
        Self::train_with(algorithm, size, &[], texts)
    }

    /// The same with more special tokens behind the three.
    ///
    /// # Errors
    /// As [`Self::train`], or a special token has no name or one that is taken.
    pub fn train_with(algorithm: Algorithm, size: usize, special: &[String], texts: &mut dyn Iterator<Item = String>) -> Result<Self> {
        let names: Vec<&str> = FIRST.into_iter().chain(special.iter().map(String::as_str)).collect();
        let again = |(i, name): (usize, &&str)| name.is_empty() || *name == UNKNOWN || names[..i].contains(name);
        if let Some((_, name)) = names.iter().enumerate().find(|pair| again(*pair)) {
            return refuse("tokenizer training: special", "names that are not taken", format!("\"{name}\""), format!("{} are there already", FIRST.join(", ")));
        }
        let definition = match algorithm {
            Algorithm::Bpe => bpe(&names),
            Algorithm::Unigram => unigram(&names),
        };
        Self::from_definition(definition, "new tokenizer")?.train_like(texts, size)
    }
}

/// Special tokens of every new tokenizer.
const FIRST: [&str; 3] = ["<s>", "</s>", "<pad>"];
/// What a unigram model has for what it cannot write.
const UNKNOWN: &str = "<unk>";

fn bpe(special: &[&str]) -> Json {
    let vocab: Map<String, Json> = special.iter().enumerate().map(|(id, name)| ((*name).to_owned(), json!(id))).collect();
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(special),
        "normalizer": null,
        "pre_tokenizer": byte_level,
        "post_processor": null,
        "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": []
        }
    })
}

/// The space is never put before a text: the first word would else come back with it, or without its own.
fn unigram(special: &[&str]) -> Json {
    let vocab: Vec<Json> = special.iter().chain([&UNKNOWN]).map(|name| json!([name, 0.0])).collect();
    let metaspace = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": true});
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(special),
        "normalizer": null,
        "pre_tokenizer": metaspace,
        "post_processor": null,
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, metaspace, {"type": "Fuse"}]},
        "model": {
            "type": "Unigram", "unk_id": special.len(), "byte_fallback": true,
            "vocab": vocab
        }
    })
}

fn added(special: &[&str]) -> Json {
    let token = |(id, name): (usize, &&str)| {
        json!({
            "id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            "special": true
        })
    };
    special.iter().enumerate().map(token).collect()
}
