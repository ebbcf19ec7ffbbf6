//! Tokenizers in model folders.

use std::path::Path;

use super::{HfTokenizer, specials::Specials};
use crate::{atomic::write_atomic, config};
use serde_json::{Map, Value as Json, json};
use tongues_kernel::{Error, Result, Tokenizer, refuse};

/// Keys of `tokenizer_config.json` that mean the same whichever class reads them.
const CARRIED: [&str; 9] =
    ["chat_template", "model_max_length", "padding_side", "truncation_side", "additional_special_tokens", "unk_token", "cls_token", "sep_token", "mask_token"];

/// What other readers take for "no limit".
const NO_LIMIT: f64 = 1e30;

impl HfTokenizer {
    /// Reads a `tokenizer.json`; special tokens are found by their usual names.
    ///
    /// # Errors
    /// The file is missing or not a tokenizer.
    pub fn from_file(path: &Path) -> Result<Self> {
        if !path.is_file() {
            return Err(missing(path));
        }
        Self::from_definition(config::read_json(path)?, &path.display().to_string())
    }

    /// Reads the tokenizer of a model folder; special tokens from `generation_config.json`, `config.json`,
    /// `tokenizer_config.json`, `special_tokens_map.json`, or their usual names, in this order.
    ///
    /// # Errors
    /// There is no `tokenizer.json`, a file is malformed, or a special token is no entry.
    pub fn from_dir(dir: &Path) -> Result<Self> {
        let mut it = Self::from_file(&dir.join("tokenizer.json"))?;
        it.specials = Specials::of_dir(dir, &it.inner)?;
        it.settings = settings(dir)?;
        it.spoken = spoken(dir)?;
        Ok(it)
    }

    /// Writes `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json` into a folder, so that
    /// transformers' `AutoTokenizer` reads it with equal ids.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save(&self, dir: &Path) -> Result<()> {
        self.written().into_iter().try_for_each(|(name, content)| write_atomic(&dir.join(name), content.as_bytes()))
    }

    /// The files of a model folder that belong to the tokenizer: name and content.
    pub(super) fn written(&self) -> Vec<(String, String)> {
        let named = self.named();
        let mut settings = json!({"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": NO_LIMIT});
        if let Some(map) = settings.as_object_mut() {
            map.extend(named.clone());
            map.extend(self.settings.clone());
            map.insert("clean_up_tokenization_spaces".into(), json!(false));
            // The reader overrules the definition by this key, so it must say the same.
            if let Some(space) = self.definition.pointer("/pre_tokenizer/add_prefix_space") {
                map.insert("add_prefix_space".into(), space.clone());
            }
        }
        let file = |name: &str, value: &Json| (name.to_owned(), format!("{value:#}\n"));
        vec![file("tokenizer.json", &self.definition), file("tokenizer_config.json", &settings), file("special_tokens_map.json", &Json::Object(named))]
    }

    pub(super) fn named(&self) -> Map<String, Json> {
        let roles = [("bos_token", self.bos()), ("eos_token", self.eos()), ("pad_token", self.pad())];
        let name = |(role, id): (&str, Option<u32>)| Some((role.to_string(), json!(self.piece(id?)?)));
        let mut named: Map<String, Json> = roles.into_iter().filter_map(name).collect();
        named.extend(super::specials::mask(&self.inner).map(|mask| ("mask_token".to_owned(), json!(mask))));
        // The ids come from generation_config.json first; the names that templates use stay those of the tokenizer's files.
        named.iter_mut().for_each(|(key, value)| value.clone_from(self.spoken.get(key).unwrap_or(&value.clone())));
        named
    }
}

/// The settings to carry along; a template may also lie in a file of its own.
fn settings(dir: &Path) -> Result<Map<String, Json>> {
    let path = dir.join("tokenizer_config.json");
    let mut map = if path.exists() { config::read_object(&path)? } else { Map::new() };
    map.retain(|key, value| CARRIED.contains(&key.as_str()) && !value.is_null());
    let template = dir.join("chat_template.jinja");
    if template.exists() {
        let text = std::fs::read_to_string(&template).map_err(|e| Error::input(template.display(), "a template in UTF-8", e, "save it as UTF-8"))?;
        map.insert("chat_template".into(), json!(text));
    }
    Ok(map)
}

/// The special tokens by name, as chat templates know them: written as text or as an object with a `content`.
fn spoken(dir: &Path) -> Result<Map<String, Json>> {
    let mut all = Map::new();
    for path in ["special_tokens_map.json", "tokenizer_config.json"].map(|name| dir.join(name)).into_iter().filter(|path| path.exists()) {
        let tokens = config::read_object(&path)?.into_iter().filter(|(key, _)| key.ends_with("_token"));
        all.extend(tokens.filter_map(|(key, token)| Some((key, json!(super::specials::content(&token)?)))));
    }
    Ok(all)
}

fn missing(path: &Path) -> Error {
    let dir = path.parent().unwrap_or(Path::new("."));
    let older = ["tokenizer.model", "sentencepiece.bpe.model", "spiece.model", "vocab.json", "vocab.txt"];
    match older.iter().find(|name| dir.join(name).exists()) {
        Some(name) => {
            let remedy = "convert it once: `python -c \"from transformers import AutoTokenizer as T; \
                          T.from_pretrained('OLD', use_fast=True).save_pretrained('NEW')\"`";
            Error::input(path.display(), "a tokenizer.json", format!("only {name}, an older form"), remedy)
        }
        None => {
            let remedy = "name the folder or file of a tokenizer, or train one";
            Error::input(path.display(), "a tokenizer.json", "no such file", remedy)
        }
    }
}

impl HfTokenizer {
    /// Reads `path`, a `tokenizer.json` or a folder with one.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file) and [`from_dir`](Self::from_dir).
    pub fn open(path: &Path) -> Result<Self> {
        if path.is_dir() {
            return Self::from_dir(path);
        }
        if path.extension().is_some_and(|e| e == "json") || !path.exists() {
            return Self::from_file(path);
        }
        refuse(path.display(), "a tokenizer.json or a folder with one", "another file", "check the path")
    }
}
