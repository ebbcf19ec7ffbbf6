//! Byte-pair encoding: the definition read, and written with more entries.

use crate::learner::Learner;
use crate::texts::Texts;
use crate::{Learned, VocabExtend};
use serde_json::{Value as Json, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use tongues_kernel::{Error, Result, Tokenizer, refuse};

/// Two neighbouring symbols.
pub type Pair = (u32, u32);

/// Stands where a character has no entry: nothing merges with it.
pub const UNKNOWN: u32 = u32::MAX;

/// Entries and merges.
pub struct Table {
    /// Id to entry.
    pub names: HashMap<u32, Arc<str>>,
    /// Entry to id.
    pub ids: HashMap<Arc<str>, u32>,
    /// Pair to (rank, result).
    pub merges: HashMap<Pair, (u32, u32)>,
    /// Rank of the next merge.
    pub next_rank: u32,
    /// Entries that text never becomes: special and other added tokens.
    pub reserved: BTreeSet<String>,
    /// A word that is an entry is one token, whatever the merges say.
    pub whole_words: bool,
    /// Merges are written `"a b"`, so no part may hold a space.
    pub spaced: bool,
}

/// Goes on with the training of a BPE tokenizer.
///
/// # Errors
/// A variant that is not built, or a definition that contradicts itself.
pub fn extend(options: &VocabExtend, old: &dyn Tokenizer, first: usize, texts: &Texts<'_>) -> Result<Learned> {
    let table = Table::read(old.definition())?;
    let mut learner = Learner::new(table, texts.words(old)?);
    learner.learn(options.size, options.min_frequency, first as u32);
    let mut definition = old.definition().clone();
    write(&mut definition, &learner, first)?;
    Ok(Learned { pieces: learner.pieces, definition })
}

fn broken(what: &str) -> Error {
    Error::input("tokenizer.json: model", format!("{what} of a BPE model"), "something else", "take the file from the source again")
}

impl Table {
    /// Reads a definition.
    ///
    /// # Errors
    /// Entries with affixes, or a definition that contradicts itself.
    pub fn read(definition: &Json) -> Result<Self> {
        let model = &definition["model"];
        for affix in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let Some(found) = model[affix].as_str().filter(|a| !a.is_empty()) {
                return refuse(format!("vocab-extend: tokenizer.json: model.{affix}"), "none", found, "tokenizers with affixed entries cannot be extended");
            }
        }
        let vocab = model["vocab"].as_object().ok_or_else(|| broken("the entries"))?;
        let ids = vocab.iter().map(|(name, id)| Ok((Arc::from(name.as_str()), id.as_u64().ok_or_else(|| broken("whole ids"))? as u32)));
        let ids: HashMap<Arc<str>, u32> = ids.collect::<Result<_>>()?;
        let names = ids.iter().map(|(name, id)| (*id, name.clone())).collect();
        let merges = model["merges"].as_array().ok_or_else(|| broken("the merges"))?;
        let spaced = merges.first().is_some_and(Json::is_string);
        let added = definition["added_tokens"].as_array().into_iter().flatten();
        let reserved = added.filter_map(|t| t["content"].as_str()).map(String::from).collect();
        let whole_words = model["ignore_merges"] == true;
        let mut table = Self { names, ids, merges: HashMap::new(), next_rank: merges.len() as u32, reserved, whole_words, spaced };
        for (rank, merge) in merges.iter().enumerate() {
            table.add_merge(rank as u32, merge)?;
        }
        Ok(table)
    }

    fn add_merge(&mut self, rank: u32, merge: &Json) -> Result<()> {
        let parts = match merge {
            Json::String(text) => text.split_once(' '),
            pair => pair[0].as_str().zip(pair[1].as_str()),
        };
        let (left, right) = parts.ok_or_else(|| broken("pairs as merges"))?;
        let id = |name: &str| self.ids.get(name).copied().ok_or_else(|| broken(&format!("an entry {name:?}, which a merge names,")));
        let (pair, result) = ((id(left)?, id(right)?), id(&format!("{left}{right}"))?);
        self.merges.insert(pair, (rank, result));
        Ok(())
    }

    /// A word as single characters.
    pub fn characters(&self, word: &str) -> Vec<u32> {
        let mut buffer = [0; 4];
        word.chars().map(|c| self.ids.get(&*c.encode_utf8(&mut buffer)).copied().unwrap_or(UNKNOWN)).collect()
    }

    /// Merges while any merge applies: always the one of lowest rank, leftmost first.
    pub fn settle(&self, symbols: &mut Vec<u32>) {
        loop {
            let pairs = symbols.windows(2).enumerate();
            let best = pairs.filter_map(|(i, p)| self.merges.get(&(p[0], p[1])).map(|(rank, result)| (*rank, i, *result))).min();
            let Some((_, i, result)) = best else { return };
            symbols[i] = result;
            symbols.remove(i + 1);
        }
    }
}

/// Appends what was learned, in the form of the file.
fn write(definition: &mut Json, learner: &Learner, first: usize) -> Result<()> {
    let outside: Vec<(String, Json)> = added(definition);
    let vocab = definition["model"]["vocab"].as_object_mut().ok_or_else(|| broken("the entries"))?;
    for (name, id) in outside {
        vocab.entry(name).or_insert(id);
    }
    for (i, piece) in learner.pieces.iter().enumerate() {
        vocab.insert(piece.text.clone(), json!(first + i));
    }
    let merges = definition["model"]["merges"].as_array_mut().ok_or_else(|| broken("the merges"))?;
    for (left, right) in &learner.learned {
        merges.push(if learner.table.spaced { json!(format!("{left} {right}")) } else { json!([left, right]) });
    }
    Ok(())
}

/// Added tokens with their ids. Loaders number those that are not in the vocabulary from its size on, which grows.
fn added(definition: &Json) -> Vec<(String, Json)> {
    let tokens = definition["added_tokens"].as_array().into_iter().flatten();
    tokens.filter_map(|t| Some((t["content"].as_str()?.to_owned(), t["id"].clone()))).collect()
}
