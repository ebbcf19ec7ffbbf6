//! Tokens hidden from an encoder, which it is to tell (Devlin et al. 2019, §3.1; Liu et al. 2019, §4.1).

use serde_json::Value as Json;
use std::collections::BTreeSet;
use tongues_kernel::{Draws, Example, Hidden, Name, Result, Segment, Sequence, Tokenizer, refuse};

/// Usual names of the token that stands for a hidden one.
const USUAL: [&str; 2] = ["<mask>", "[MASK]"];
/// The mark of hidden tokens in a sequence.
const HIDDEN: &str = "hidden";
/// The sequence of an example that holds what was hidden, in order.
pub const ANSWERS: &str = "answers";

/// How tokens are hidden.
#[derive(Clone, Copy, Debug)]
pub struct Hiding {
    /// The share of a text's tokens.
    pub probability: f64,
    /// Of those, the share in whose place stands another token, drawn from all that are not special.
    pub random: f64,
    /// Of those, the share that stays as it is.
    pub kept: f64,
}

/// What hiding needs of a tokenizer.
#[derive(Clone, Debug)]
pub struct HidingTokens {
    /// Begins every row, where the tokenizer has one.
    pub start: Option<u32>,
    /// Ends every row, where the tokenizer has one.
    pub end: Option<u32>,
    /// Stands for a hidden token.
    mask: u32,
    special: BTreeSet<u32>,
    size: u32,
}

impl HidingTokens {
    /// Of a tokenizer; the token that hides others is found by its usual names where `name` does not say it.
    ///
    /// # Errors
    /// There is none.
    pub fn of(tokenizer: &dyn Tokenizer, name: Option<&str>, place: &str) -> Result<Self> {
        let added = tokenizer.definition().get("added_tokens").and_then(Json::as_array).into_iter().flatten();
        let added: Vec<(u32, &str, bool)> = added
            .filter_map(|t| Some((u32::try_from(t.get("id")?.as_u64()?).ok()?, t.get("content")?.as_str()?, t.get("special") == Some(&Json::Bool(true)))))
            .collect();
        let wanted: Vec<&str> = name.map_or(USUAL.to_vec(), |name| vec![name]);
        let Some(mask) = wanted.iter().find_map(|name| added.iter().find(|t| t.1 == *name)).map(|t| t.0) else {
            let remedy = "name the token with `mask_token`; a tokenizer that is trained gets one by `special = [\"<mask>\"]`";
            return refuse(place, format!("an added token {} of the tokenizer", wanted.join(" or ")), "none of that name", remedy);
        };
        let mut special: BTreeSet<u32> = added.iter().filter(|t| t.2).map(|t| t.0).collect();
        special.insert(mask);
        special.extend(tokenizer.bos().into_iter().chain(tokenizer.pad()).chain(tokenizer.ends()));
        Ok(Self { start: tokenizer.bos().or(tokenizer.eos()), end: tokenizer.eos(), mask, special, size: tokenizer.size() as u32 })
    }

    /// A text's tokens in rows of at most `length`, each between start and end.
    ///
    /// # Errors
    /// There is no room for a token.
    pub fn rows(&self, ids: &[u32], length: usize, place: &str) -> Result<Vec<Vec<u32>>> {
        let around = usize::from(self.start.is_some()) + usize::from(self.end.is_some());
        if length <= around {
            return refuse(place, format!("rows of at least {} tokens", around + 1), length, "raise sequence_length, or use a model with more positions");
        }
        let between = |some: &[u32]| self.start.into_iter().chain(some.iter().copied()).chain(self.end).collect();
        Ok(ids.chunks(length - around).map(between).collect())
    }

    /// A token that is not special.
    fn other(&self, draws: Draws) -> u32 {
        let plain = self.size.saturating_sub(self.special.len() as u32).max(1);
        // The n-th id that is not special: every special one up to it shifts it by one.
        self.special.iter().fold(draws.below(plain as usize) as u32, |id, special| if *special <= id { id + 1 } else { id })
    }
}

/// Hides tokens of a sequence that carry weight and are not special, at least one where there is any. The result carries weight
/// at hidden tokens only; the second sequence holds what they were. The first token of a text, which no row predicts, is never hidden.
pub fn hidden(row: &Sequence, how: &Hiding, tokens: &HidingTokens, draws: Draws) -> (Sequence, Sequence) {
    let mut ids: Vec<u32> = row.ids().collect();
    let candidates: Vec<usize> = row.weights().iter().enumerate().filter(|(i, w)| **w > 0.0 && !tokens.special.contains(&ids[*i])).map(|(i, _)| i).collect();
    let share = how.probability * candidates.len() as f64 + f64::from(draws.stream("share").uniform(1)[0]);
    let count = (share as usize).clamp(1, candidates.len().max(1));
    let mut places: Vec<usize> = draws.stream("places").permutation(candidates.len()).into_iter().take(count).map(|i| candidates[i]).collect();
    places.sort_unstable();
    let answers = places.iter().map(|i| ids[*i]).collect();
    let fates = draws.stream("fates").uniform(places.len());
    for (n, (place, fate)) in places.iter().zip(fates).enumerate() {
        match f64::from(fate) {
            f if f < how.kept => {}
            f if f < how.kept + how.random => ids[*place] = tokens.other(draws.stream("others").example(n as u64)),
            _ => ids[*place] = tokens.mask,
        }
    }
    let weighted = |(i, id): (usize, u32)| if places.binary_search(&i).is_ok() { piece(HIDDEN, id, 1.0) } else { piece("text", id, 0.0) };
    let segments = joined(ids.into_iter().enumerate().map(weighted));
    (Sequence { segments, starts: row.starts.clone() }, Sequence::of(ANSWERS, answers, 0.0))
}

fn piece(mark: &str, id: u32, weight: f32) -> Segment {
    Segment { mark: Name::from(mark), ids: vec![id], weight }
}

/// Neighbours of one mark in one segment.
fn joined(pieces: impl Iterator<Item = Segment>) -> Vec<Segment> {
    let mut all: Vec<Segment> = vec![];
    for piece in pieces {
        match all.last_mut().filter(|last| last.mark == piece.mark) {
            Some(last) => last.ids.extend(piece.ids),
            None => all.push(piece),
        }
    }
    all
}

/// What is to be told at every place of a state `[batch, time]`, row by row, `None` where nothing is; follows tokens that parts moved.
///
/// # Errors
/// An example lacks a sequence.
pub fn answers(examples: &[Example], state: &Hidden) -> Result<Vec<Option<u32>>> {
    let [_, time, _] = state.x.dims();
    let origin = state.origin_or_identity().into_data().convert::<i64>().try_to_vec::<i64>().unwrap_or_default();
    let mut all = vec![];
    for (example, origin) in examples.iter().zip(origin.chunks(time.max(1))) {
        let mut told = example.sequence(ANSWERS)?.ids();
        let weights = example.sequence("text")?.weights();
        let by_token: Vec<Option<u32>> = weights.iter().map(|w| if *w > 0.0 { told.next() } else { None }).collect();
        all.extend(origin.iter().map(|o| usize::try_from(*o).ok().and_then(|token| by_token.get(token).copied().flatten())));
    }
    Ok(all)
}
