//! A new vocabulary in an old definition: normaliser, splitting, algorithm and special tokens stay, entries are learnt.

use std::collections::{BTreeMap, BTreeSet};

use super::{HfTokenizer, learn};
use serde_json::{Map, Value as Json, json};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tongues_kernel::{Error, Result, Tokenizer, refuse};

/// Words of the training texts with their counts, sorted, so that nothing depends on the order of a hash map.
pub(super) type Counts = BTreeMap<String, u64>;

/// What the definition asks of a new vocabulary.
pub(super) struct Wanted {
    /// Entries in all.
    pub(super) size: usize,
    /// Entries that come first: special tokens in their old order, then the entry for the unknown, then bytes.
    pub(super) first: Vec<String>,
    /// How many of these are special tokens.
    pub(super) specials: usize,
    /// Characters that become entries even if the texts lack them.
    pub(super) alphabet: BTreeSet<char>,
    /// Put before an entry that does not begin a word.
    pub(super) prefix: Option<String>,
    /// Put after an entry that ends a word.
    pub(super) suffix: Option<String>,
}

impl HfTokenizer {
    /// The body of [`Tokenizer::trained_like`]. Added tokens that are not special are not taken over.
    pub(super) fn train_like(&self, texts: &mut dyn Iterator<Item = String>, size: usize) -> Result<Self> {
        let wanted = self.wanted(size);
        let counts = self.count(texts, &wanted)?;
        let mut definition = self.definition.clone();
        let kind = definition.pointer("/model/type").and_then(Json::as_str).unwrap_or_default().to_string();
        let Some(model) = definition.get_mut("model").and_then(Json::as_object_mut) else {
            return refuse("tokenizer", "a definition with a `model`", "none", "");
        };
        let pieces = match kind.as_str() {
            "BPE" => learn::bpe(&counts, &wanted, Some("merges"), model)?,
            "WordPiece" => learn::bpe(&counts, &wanted, None, model)?,
            "Unigram" => learn::unigram(&counts, &wanted, model)?,
            other => return refuse("tokenizer", "BPE, WordPiece or Unigram to train", format!("`{other}`"), ""),
        };
        check_size(pieces, size)?;
        renumber(&mut definition)?;
        self.redefine(definition)
    }

    /// Words that hold the name of an entry such as `<0x41>` are left out: it would be learnt a second time.
    fn count(&self, texts: &mut dyn Iterator<Item = String>, wanted: &Wanted) -> Result<Counts> {
        let taken = |word: &str| wanted.first.iter().any(|name| word.contains(name.as_str()));
        let mut counts = Counts::new();
        for text in texts {
            self.words(&text)?.into_iter().for_each(|word| *counts.entry(word).or_default() += 1);
        }
        counts.retain(|word, _| !word.is_empty() && !taken(word));
        if counts.is_empty() {
            return refuse("tokenizer training", "texts", "no word in them", "check the data that it is trained on");
        }
        Ok(counts)
    }

    fn wanted(&self, size: usize) -> Wanted {
        let model = &self.definition["model"];
        let mut first = special_names(&self.definition);
        let specials = first.len();
        first.extend(unknown(model).filter(|name| !first.contains(name)));
        let fallback = model["byte_fallback"].as_bool() == Some(true);
        if fallback {
            first.extend((0..=255u8).map(|byte| format!("<0x{byte:02X}>")));
        }
        let affix = |key: &str| model[key].as_str().filter(|s| !s.is_empty()).map(String::from);
        let mut alphabet: BTreeSet<char> = BTreeSet::new();
        if self.definition["pre_tokenizer"].to_string().contains("\"ByteLevel\"") {
            alphabet.extend(ByteLevel::alphabet());
        }
        if fallback && model["type"] == "Unigram" {
            // With these, a text that spells the name of a byte entry can be written in characters instead.
            first[specials..].iter().for_each(|name| alphabet.extend(name.chars()));
        }
        let (prefix, suffix) = (affix("continuing_subword_prefix"), affix("end_of_word_suffix"));
        Wanted { size, first, specials, alphabet, prefix, suffix }
    }
}

/// The special tokens in the order of their ids.
fn special_names(definition: &Json) -> Vec<String> {
    let added = definition["added_tokens"].as_array().into_iter().flatten();
    let mut specials: Vec<(u64, String)> =
        added.filter(|token| token["special"] == true).filter_map(|token| Some((token["id"].as_u64()?, token["content"].as_str()?.to_string()))).collect();
    specials.sort();
    specials.into_iter().map(|(_, name)| name).collect()
}

/// The entry that stands for what cannot be written.
fn unknown(model: &Json) -> Option<String> {
    let by_name = model["unk_token"].as_str();
    let by_id = || model["vocab"].get(usize::try_from(model["unk_id"].as_u64()?).ok()?)?.get(0)?.as_str();
    by_name.or_else(by_id).map(String::from)
}

fn check_size(found: usize, size: usize) -> Result<()> {
    if found == size {
        return Ok(());
    }
    let remedy = format!("train on more text, or ask for {found} entries or fewer");
    refuse("tokenizer training", format!("{size} entries"), format!("{found} in these texts"), remedy)
}

/// Writes the new ids wherever the definition names a token.
fn renumber(definition: &mut Json) -> Result<()> {
    let ids = ids(&definition["model"]["vocab"]);
    let id = |name: &str| {
        let lost = || Error::input("tokenizer", format!("the special token {name}"), "none", "");
        ids.get(name).copied().ok_or_else(lost)
    };
    if let Some(tokens) = definition["added_tokens"].as_array_mut() {
        tokens.retain(|token| token["special"] == true);
        for token in tokens.iter_mut() {
            token["id"] = json!(id(token["content"].as_str().unwrap_or_default())?);
        }
        tokens.sort_by_key(|token| token["id"].as_u64());
    }
    renumber_template(&mut definition["post_processor"], &id)
}

fn ids(vocab: &Json) -> BTreeMap<String, usize> {
    match vocab {
        Json::Array(entries) => {
            let names = entries.iter().map(|entry| entry[0].as_str().unwrap_or_default().to_string());
            names.enumerate().map(|(id, name)| (name, id)).collect()
        }
        Json::Object(map) => map.iter().filter_map(|(name, id)| Some((name.clone(), id.as_u64()? as usize))).collect(),
        _ => BTreeMap::new(),
    }
}

/// Templates name tokens with their ids: `{"ids": […], "tokens": […]}` or `"sep": ["</s>", 2]`.
fn renumber_template(value: &mut Json, id: &dyn Fn(&str) -> Result<usize>) -> Result<()> {
    match value {
        Json::Object(map) => {
            renumber_entry(map, id)?;
            map.values_mut().try_for_each(|inner| renumber_template(inner, id))
        }
        Json::Array(items) => items.iter_mut().try_for_each(|inner| renumber_template(inner, id)),
        _ => Ok(()),
    }
}

fn renumber_entry(map: &mut Map<String, Json>, id: &dyn Fn(&str) -> Result<usize>) -> Result<()> {
    if let Some(Json::Array(tokens)) = map.get("tokens") {
        let ids: Vec<usize> = tokens.iter().filter_map(Json::as_str).map(id).collect::<Result<_>>()?;
        map.insert("ids".into(), json!(ids));
    }
    for key in ["sep", "cls"] {
        if let Some(Json::Array(pair)) = map.get_mut(key)
            && let [Json::String(name), number] = &mut pair[..]
        {
            *number = json!(id(name)?);
        }
    }
    Ok(())
}
