//! Which tokens begin, end and pad a text, and where that is written.

use std::path::{Path, PathBuf};

use crate::config;
use serde_json::{Map, Value as Json};
use tokenizers::Tokenizer;
use tongues_kernel::{Result, refuse};

const BOS: [&str; 4] = ["<s>", "<|begin_of_text|>", "<bos>", "[CLS]"];
const EOS: [&str; 5] = ["</s>", "<|end_of_text|>", "<eos>", "<|endoftext|>", "[SEP]"];
const PAD: [&str; 4] = ["<pad>", "[PAD]", "<|pad|>", "<|finetune_right_pad_id|>"];

const MASK: [&str; 2] = ["<mask>", "[MASK]"];

/// The token that stands for a hidden one, by its usual names among the added tokens.
pub(super) fn mask(tokenizer: &Tokenizer) -> Option<&'static str> {
    let added = tokenizer.get_added_vocabulary().get_vocab();
    MASK.into_iter().find(|name| added.contains_key(*name))
}

/// Ids of the special tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Specials {
    /// Begins a text.
    pub bos: Option<u32>,
    /// Ends a text; a model may have several, the first is written.
    pub eos: Vec<u32>,
    /// Fills a batch.
    pub pad: Option<u32>,
}

impl Specials {
    /// Found by their usual names among the added tokens.
    pub(super) fn usual(tokenizer: &Tokenizer) -> Self {
        let added = tokenizer.get_added_vocabulary().get_vocab();
        let find = |names: &[&str]| names.iter().find_map(|name| added.get(*name).copied());
        Self { bos: find(&BOS), eos: find(&EOS).into_iter().collect(), pad: find(&PAD) }
    }

    /// Read from a model folder: `generation_config.json` before `config.json` before the tokenizer's own files before
    /// the usual names.
    pub(super) fn of_dir(dir: &Path, tokenizer: &Tokenizer) -> Result<Self> {
        let files = Files::read(dir)?;
        let usual = Self::usual(tokenizer);
        let one = |role: &str| files.ids(role, tokenizer).map(|ids| ids.first().copied());
        let eos = files.ids("eos", tokenizer)?;
        Ok(Self { bos: one("bos")?.or(usual.bos), eos: if eos.is_empty() { usual.eos } else { eos }, pad: one("pad")?.or(usual.pad) })
    }

    /// The same tokens, by name, in another vocabulary.
    pub(super) fn moved(&self, from: &Tokenizer, to: &Tokenizer) -> Result<Self> {
        let find = |id: u32| {
            let name = from.id_to_token(id).unwrap_or_default();
            match to.token_to_id(&name) {
                Some(id) => Ok(id),
                None => refuse("changed tokenizer", format!("the special token {name}"), "none", "keep it"),
            }
        };
        Ok(Self {
            bos: self.bos.map(find).transpose()?,
            eos: self.eos.iter().map(|id| find(*id)).collect::<Result<_>>()?,
            pad: self.pad.map(find).transpose()?,
        })
    }

    /// Every id must be an entry.
    pub(super) fn check(&self, tokenizer: &Tokenizer, at: &str) -> Result<()> {
        let all = self.bos.iter().chain(&self.eos).chain(&self.pad);
        all.copied().try_for_each(|id| known(tokenizer, i64::from(id), at).map(|_| ()))
    }
}

type File = (PathBuf, Map<String, Json>);

/// What a model folder says, in order of precedence.
struct Files {
    by_id: Vec<File>,
    by_name: Vec<File>,
}

impl Files {
    fn read(dir: &Path) -> Result<Self> {
        let read = |names: &[&str]| -> Result<Vec<File>> {
            let paths = names.iter().map(|name| dir.join(name)).filter(|path| path.exists());
            paths.map(|path| config::read_object(&path).map(|map| (path, map))).collect()
        };
        Ok(Self { by_id: read(&["generation_config.json", "config.json"])?, by_name: read(&["tokenizer_config.json", "special_tokens_map.json"])? })
    }

    /// The ids of a role in the first file that has it; -1 is an old way to write none.
    fn ids(&self, role: &str, tokenizer: &Tokenizer) -> Result<Vec<u32>> {
        let key = format!("{role}_token_id");
        for (path, map) in &self.by_id {
            let at = format!("{}, key `{key}`", path.display());
            let ids = match map.get(&key) {
                None | Some(Json::Null) => continue,
                Some(Json::Array(ids)) => ids.iter().map(|id| number(id, &at)).collect::<Result<Vec<_>>>()?,
                Some(id) => vec![number(id, &at)?],
            };
            let ids: Vec<i64> = ids.into_iter().filter(|id| *id != -1).collect();
            if !ids.is_empty() {
                return ids.into_iter().map(|id| known(tokenizer, id, &at)).collect();
            }
        }
        let key = format!("{role}_token");
        for (path, map) in &self.by_name {
            if let Some(name) = map.get(&key).and_then(content) {
                let at = format!("{}, key `{key}`", path.display());
                return named(tokenizer, name, &at).map(|id| vec![id]);
            }
        }
        Ok(vec![])
    }
}

/// The text of a token, written as text or as an object.
pub(super) fn content(token: &Json) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str())
}

fn number(id: &Json, at: &str) -> Result<i64> {
    match id.as_i64() {
        Some(id) => Ok(id),
        None => refuse(at, "a token id", config::kind(id), ""),
    }
}

fn known(tokenizer: &Tokenizer, id: i64, at: &str) -> Result<u32> {
    match u32::try_from(id).ok().filter(|id| tokenizer.id_to_token(*id).is_some()) {
        Some(id) => Ok(id),
        None => {
            let remedy = "use the tokenizer that belongs to this model, or correct the id";
            refuse(at, "the id of an entry of the tokenizer", id, remedy)
        }
    }
}

fn named(tokenizer: &Tokenizer, name: &str, at: &str) -> Result<u32> {
    match tokenizer.token_to_id(name) {
        Some(id) => Ok(id),
        None => {
            let remedy = "add it to `added_tokens` of tokenizer.json, or name another";
            refuse(at, "a token of tokenizer.json", format!("`{name}`"), remedy)
        }
    }
}
