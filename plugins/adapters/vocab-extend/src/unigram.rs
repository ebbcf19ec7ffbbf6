//! Unigram language models: pieces with log probabilities, appended behind the old ones.

use crate::texts::Texts;
use crate::{Learned, Piece, VocabExtend};
use serde_json::{Value as Json, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use tongues_kernel::{Error, Result, Tokenizer, refuse};

/// How much less likely than the rarest piece an unknown character is, as in SentencePiece.
const UNKNOWN_PENALTY: f64 = 10.0;
/// Training is asked for more or for fewer pieces at most so often.
const ROUNDS: usize = 12;
/// Entries that training needs beside special ones, characters and the pieces asked for.
const ROOM: usize = 32;

/// A vocabulary with scores.
struct Vocabulary {
    entries: HashMap<String, (u32, f64)>,
    /// Longest entry in bytes.
    longest: usize,
    unknown: Option<u32>,
    /// Bytes stand for unknown characters.
    bytes: bool,
    lowest: f64,
    /// Entries that are no learned pieces: added tokens, bytes, the unknown.
    special: BTreeSet<String>,
}

/// Appends the pieces of a tokenizer of the same kind that is trained on the texts.
///
/// # Errors
/// Entries cannot be appended without shifting ids; the texts are too few to train on.
pub fn extend(options: &VocabExtend, old: &dyn Tokenizer, first: usize, texts: &Texts<'_>) -> Result<Learned> {
    let vocabulary = Vocabulary::read(old.definition())?;
    let length = entries(old.definition())?.len();
    if old.size() != length || first != length {
        let found = format!("{length} entries, ids up to {} and {first} rows in the model", old.size().saturating_sub(1));
        let remedy =
            "ids of a unigram vocabulary are places in its list, so entries behind it would change their ids; replace the tokenizer instead of extending it";
        return refuse("vocab-extend: tokenizer", "a unigram vocabulary without added tokens or padding rows behind it", found, remedy);
    }
    let trained = train(options.size, &vocabulary, old, texts)?;
    let scored = candidates(&vocabulary, &Vocabulary::read(trained.definition())?, &frequencies(&*trained, texts)?, options.min_frequency);
    let mut definition = old.definition().clone();
    let list = definition["model"]["vocab"].as_array_mut().ok_or_else(broken)?;
    let mut pieces = vec![];
    for (text, score, old) in scored.into_iter().take(options.size) {
        list.push(json!([text, score]));
        pieces.push(Piece { text, old });
    }
    Ok(Learned { pieces, definition })
}

fn broken() -> Error {
    Error::input("tokenizer.json: model", "a list of [piece, score]", "something else", "take the file from the source again")
}

fn entries(definition: &Json) -> Result<&Vec<Json>> {
    definition["model"]["vocab"].as_array().ok_or_else(broken)
}

/// Trains until there are enough pieces that the old vocabulary lacks, or the texts give no more.
fn train(size: usize, vocabulary: &Vocabulary, old: &dyn Tokenizer, texts: &Texts<'_>) -> Result<Arc<dyn Tokenizer>> {
    let characters: BTreeSet<char> = texts.words(old)?.iter().flat_map(|(word, _)| word.chars()).collect();
    let (mut want, mut most, mut best) = (size + vocabulary.special.len() + characters.len() + ROOM, usize::MAX, None);
    let mut failure = None;
    for _ in 0..ROUNDS {
        match texts.with(|texts| old.trained_like(texts, want)) {
            Ok(trained) => {
                let new = Vocabulary::read(trained.definition())?.entries.into_keys().filter(|p| !vocabulary.entries.contains_key(p)).count();
                let next = (want + size.saturating_sub(new)).min(most - 1);
                best = Some(trained);
                if next <= want {
                    break;
                }
                want = next;
            }
            // The trainer refuses a size that the texts do not fill.
            Err(error) => {
                failure = Some(error);
                most = want;
                want = want * 3 / 4;
            }
        }
    }
    best.ok_or_else(|| failure.unwrap_or_else(broken).within("vocab-extend"))
}

/// How often each piece stands in the texts.
fn frequencies(trained: &dyn Tokenizer, texts: &Texts<'_>) -> Result<HashMap<String, u64>> {
    let mut counts: HashMap<u32, u64> = HashMap::new();
    texts.each(|text| {
        trained.encode(text)?.into_iter().for_each(|id| *counts.entry(id).or_default() += 1);
        Ok(())
    })?;
    Ok(counts.into_iter().filter_map(|(id, n)| Some((trained.piece(id)?, n))).collect())
}

/// New pieces with their shifted scores and old tokens, likeliest first: those that stand often enough in the texts and win
/// against their own split.
fn candidates(old: &Vocabulary, trained: &Vocabulary, counts: &HashMap<String, u64>, least: u64) -> Vec<(String, f64, Vec<u32>)> {
    let shift = shift(old, trained);
    let learned = trained.entries.iter().filter(|(piece, _)| !trained.special.contains(*piece) && !old.entries.contains_key(*piece));
    let frequent = learned.filter(|(piece, _)| counts.get(*piece).is_some_and(|n| *n >= least));
    let scored = frequent.map(|(piece, (_, score))| (piece.clone(), score + shift, old.split(piece)));
    let mut found: Vec<_> = scored.filter(|(_, score, (_, split))| score > split).map(|(piece, score, (ids, _))| (piece, score, ids)).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    found
}

/// The median of old minus trained score over the pieces that both have; 0 where they share none.
fn shift(old: &Vocabulary, trained: &Vocabulary) -> f64 {
    let learned = trained.entries.iter().filter(|(piece, _)| !trained.special.contains(*piece) && !old.special.contains(*piece));
    let mut gaps: Vec<f64> = learned.filter_map(|(piece, (_, score))| Some(old.entries.get(piece)?.1 - score)).collect();
    gaps.sort_by(f64::total_cmp);
    gaps.get(gaps.len() / 2).copied().unwrap_or(0.0)
}

impl Vocabulary {
    fn read(definition: &Json) -> Result<Self> {
        let model = &definition["model"];
        let entry = |(id, e): (usize, &Json)| Some((e[0].as_str()?.to_owned(), (id as u32, e[1].as_f64()?)));
        let list = entries(definition)?;
        let entries: HashMap<String, (u32, f64)> = list.iter().enumerate().map(|e| entry(e).ok_or_else(broken)).collect::<Result<_>>()?;
        let unknown = model["unk_id"].as_u64().map(|id| id as u32);
        let added = definition["added_tokens"].as_array().into_iter().flatten();
        let mut special: BTreeSet<String> = added.filter_map(|t| t["content"].as_str()).map(String::from).collect();
        special.extend(unknown.and_then(|id| list.get(id as usize)?[0].as_str()).map(String::from));
        let bytes = model["byte_fallback"] == true;
        if bytes {
            special.extend((0..=255).map(byte_name));
        }
        let lowest = entries.values().map(|(_, score)| *score).fold(0.0, f64::min);
        let longest = entries.keys().map(String::len).max().unwrap_or(0);
        Ok(Self { entries, longest, unknown, bytes, lowest, special })
    }

    /// The likeliest split of a text and its log probability (Viterbi).
    fn split(&self, text: &str) -> (Vec<u32>, f64) {
        // For each place: the best score up to it, and the start and id of the last piece.
        let mut best = vec![(f64::NEG_INFINITY, 0, None); text.len() + 1];
        best[0].0 = 0.0;
        for (start, c) in text.char_indices() {
            let ends = text[start..].char_indices().map(|(i, c)| start + i + c.len_utf8());
            let (so_far, mut alone) = (best[start].0, false);
            for end in ends.take_while(|end| end - start <= self.longest.max(c.len_utf8())) {
                if let Some((id, score)) = self.entries.get(&text[start..end]).filter(|_| !self.special.contains(&text[start..end])) {
                    alone |= end == start + c.len_utf8();
                    improve(&mut best, end, (so_far + score, start, Some(*id)));
                }
            }
            if !alone {
                improve(&mut best, start + c.len_utf8(), (so_far + self.lowest - UNKNOWN_PENALTY, start, None));
            }
        }
        let (mut ids, mut end) = (vec![], text.len());
        while end > 0 {
            let (_, start, id) = best[end];
            match id {
                Some(id) => ids.push(id),
                None => ids.extend(self.without_entry(&text[start..end]).into_iter().rev()),
            }
            end = start;
        }
        ids.reverse();
        // Neighbouring unknown characters are one token.
        ids.dedup_by(|a, b| a == b && Some(*a) == self.unknown);
        (ids, best[text.len()].0)
    }

    /// The tokens of a character without an entry.
    fn without_entry(&self, c: &str) -> Vec<u32> {
        let byte = |b: u8| self.entries.get(&byte_name(b)).map(|(id, _)| *id);
        let bytes: Option<Vec<u32>> = if self.bytes { c.bytes().map(byte).collect() } else { None };
        bytes.unwrap_or_else(|| self.unknown.into_iter().collect())
    }
}

type Best = (f64, usize, Option<u32>);

fn improve(best: &mut [Best], end: usize, candidate: Best) {
    if candidate.0 > best[end].0 {
        best[end] = candidate;
    }
}

fn byte_name(byte: u8) -> String {
    format!("<0x{byte:02X}>")
}
