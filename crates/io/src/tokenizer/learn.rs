//! The algorithms that learn a vocabulary, run so that equal words and counts give equal entries.

use std::collections::BTreeSet;

use super::like::{Counts, Wanted};
use serde_json::{Map, Value as Json, json};
use tokenizers::{
    AddedToken,
    models::{
        bpe::{BPE, BpeTrainer},
        unigram::{Unigram, UnigramTrainer},
    },
};
use tongues_kernel::{Error, Result, refuse};

/// Learns by byte-pair encoding and puts the entries (and the merges, under `merges`) into the model; returns how many
/// entries there are. WordPiece is trained the same way, with `##` before entries inside a word and without merges.
pub(super) fn bpe(counts: &Counts, wanted: &Wanted, merges: Option<&str>, model: &mut Map<String, Json>) -> Result<usize> {
    let mut first = wanted.first.clone();
    first.extend(affixed(counts, wanted));
    let alphabet: BTreeSet<char> = counts.keys().flat_map(|w| w.chars()).chain(wanted.alphabet.clone()).collect();
    check_room(first.len() + alphabet.len(), wanted.size)?;
    let trainer = BpeTrainer::builder()
        .show_progress(false)
        .vocab_size(wanted.size)
        .special_tokens(first.iter().map(|name| AddedToken::from(name.as_str(), true)).collect())
        .initial_alphabet(wanted.alphabet.iter().copied().collect());
    let mut trainer = trainer.build();
    trainer.continuing_subword_prefix = wanted.prefix.clone();
    trainer.end_of_word_suffix = wanted.suffix.clone();
    let counts = counts.iter().map(|(word, n)| (word.as_str().into(), *n)).collect();
    let mut learnt = BPE::default();
    trainer.do_train(&counts, &mut learnt).map_err(|e| failed(&e))?;
    let mut learnt = serde_json::to_value(&learnt).map_err(|e| Error::run("tokenizer training", e))?;
    let entries = learnt["vocab"].as_object().map_or(0, Map::len);
    model.insert("vocab".into(), learnt["vocab"].take());
    if let Some(key) = merges {
        model.insert(key.into(), learnt["merges"].take());
    }
    Ok(entries)
}

/// Characters with the prefix or suffix they get inside or at the end of a word, sorted. The trainer would number them
/// in the order in which a hash map hands out the words.
fn affixed(counts: &Counts, wanted: &Wanted) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if wanted.prefix.is_none() && wanted.suffix.is_none() {
        return found;
    }
    for word in counts.keys() {
        let last = word.chars().count().saturating_sub(1);
        for (i, c) in word.chars().enumerate() {
            let prefix = wanted.prefix.as_deref().filter(|_| i > 0).unwrap_or_default();
            let suffix = wanted.suffix.as_deref().filter(|_| i == last).unwrap_or_default();
            if prefix.len() + suffix.len() > 0 {
                found.insert(format!("{prefix}{c}{suffix}"));
            }
        }
    }
    found
}

/// Learns a unigram language model and puts its entries into the model; returns how many there are.
pub(super) fn unigram(counts: &Counts, wanted: &Wanted, model: &mut Map<String, Json>) -> Result<usize> {
    let chars: BTreeSet<char> = counts.keys().flat_map(|w| w.chars()).chain(wanted.alphabet.clone()).collect();
    // The trainer needs room for one piece that is no character.
    check_room(wanted.first.len() + chars.len() + 1, wanted.size)?;
    let learnt = pieces(counts, wanted)?;
    let lowest = learnt.iter().map(|(_, score)| *score).fold(0.0, f64::min);
    // No text may prefer the name of a byte (at most 6 characters) to its characters.
    let avoided = 8.0 * lowest - 8.0;
    let score = |i: usize| if i < wanted.specials { 0.0 } else { avoided };
    let first = wanted.first.iter().enumerate().map(|(i, name)| json!([name, score(i)]));
    let vocab: Vec<Json> = first.chain(learnt.iter().map(|(piece, score)| json!([piece, score]))).collect();
    let entries = vocab.len();
    if let Some(id) = model.get("unk_id").and_then(Json::as_u64) {
        let name = model["vocab"][id as usize][0].as_str().unwrap_or_default();
        let new = wanted.first.iter().position(|first| first == name);
        model.insert("unk_id".into(), json!(new));
    }
    model.insert("vocab".into(), Json::Array(vocab));
    Ok(entries)
}

/// Learnt pieces with their log probabilities, likeliest first.
fn pieces(counts: &Counts, wanted: &Wanted) -> Result<Vec<(String, f64)>> {
    let too_many = |_| Error::input("tokenizer training", "each word fewer than 2^32 times", "more", "use less text");
    let words: Vec<(String, u32)> = counts.iter().map(|(word, n)| Ok((word.clone(), u32::try_from(*n).map_err(too_many)?))).collect::<Result<_>>()?;
    let trainer = UnigramTrainer::builder()
        .show_progress(false)
        .vocab_size((wanted.size - wanted.first.len()) as u32)
        .initial_alphabet(wanted.alphabet.iter().copied().collect())
        .build()
        .map_err(|e| Error::run("tokenizer training", e))?;
    // One thread: the trainer adds floats in an order that depends on how threads share the words.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.map_err(|e| Error::run("tokenizer training", e))?;
    let mut learnt = Unigram::default();
    pool.install(|| trainer.do_train(words, &mut learnt)).map_err(|e| failed(&e))?;
    Ok(settled(learnt.iter().cloned().collect()))
}

/// Removes what the trainer left to chance.
///
/// Characters that lost their entry in training come back at the end, in the order of a hash set, with the lowest score
/// plus a growing step; which character gets which step is chance. They all get the lowest score here, and pieces of
/// equal score are sorted.
fn settled(mut pieces: Vec<(String, f64)>) -> Vec<(String, f64)> {
    let lowest = pieces.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
    let mut step = 0.0;
    let steps: Vec<u64> = (0..pieces.len())
        .map(|_| {
            let score: f64 = lowest + step;
            step += 0.0001;
            score.to_bits()
        })
        .collect();
    let steps: BTreeSet<u64> = steps.into_iter().collect();
    for (piece, score) in &mut pieces {
        if piece.chars().count() == 1 && steps.contains(&score.to_bits()) {
            *score = lowest;
        }
    }
    pieces.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    pieces
}

fn check_room(needed: usize, size: usize) -> Result<()> {
    if needed <= size {
        return Ok(());
    }
    let expected = format!("a size of at least {needed} (special tokens, bytes and the characters of the texts)");
    refuse("tokenizer training", expected, size, "ask for more entries")
}

fn failed(error: &tokenizers::Error) -> Error {
    Error::run("tokenizer training", error)
}
