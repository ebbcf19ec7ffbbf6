//! What a run asked of its models already: the same request to the same checkpoint is computed once.
//!
//! The key is the content of both. A request is a whole call, not one of its rows: what stands beside a row may change the last
//! place of its scores, and a run that was resumed must find the bytes of one that was not.

use crate::shop::Shop;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};
use tongues_kernel::burn::module::{Module, ModuleVisitor, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Generation, Model};

/// A hash of content.
pub type Key = [u8; 32];

/// Bytes of answers that are kept; the oldest go first.
const MOST_BYTES: usize = 64 << 20;

/// Answers by their key, bounded in memory.
#[derive(Debug)]
pub struct Memo {
    answers: BTreeMap<Key, Answer>,
    order: VecDeque<Key>,
    bytes: usize,
    most: usize,
    /// Answers that were found here.
    pub found: usize,
}

/// What was computed.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Log-probabilities of rows.
    Scores(Vec<Vec<f32>>),
    /// Continued texts.
    Texts(Vec<Generation>),
}

impl Default for Memo {
    fn default() -> Self {
        Self::of_size(MOST_BYTES)
    }
}

impl Memo {
    fn of_size(most: usize) -> Self {
        Self { answers: BTreeMap::new(), order: VecDeque::new(), bytes: 0, most, found: 0 }
    }

    /// The answer to a request that was made before.
    pub fn get(&mut self, key: &Key) -> Option<Answer> {
        let answer = self.answers.get(key).cloned();
        self.found += usize::from(answer.is_some());
        answer
    }

    /// Keeps an answer, unless it alone is larger than all that may be kept.
    pub fn put(&mut self, key: Key, answer: Answer) {
        let size = answer.bytes();
        if size > self.most || self.answers.contains_key(&key) {
            return;
        }
        self.bytes += size;
        self.order.push_back(key);
        self.answers.insert(key, answer);
        while self.bytes > self.most {
            let Some(oldest) = self.order.pop_front() else { return };
            self.bytes -= self.answers.remove(&oldest).map_or(0, |answer| answer.bytes());
        }
    }
}

impl Answer {
    /// Memory, roughly.
    fn bytes(&self) -> usize {
        match self {
            Self::Scores(rows) => rows.iter().map(|row| 24 + 4 * row.len()).sum(),
            Self::Texts(texts) => texts.iter().map(text_bytes).sum(),
        }
    }
}

fn text_bytes(text: &Generation) -> usize {
    96 + 8 * text.ids.len() + text.others.iter().map(text_bytes).sum::<usize>()
}

/// The key of a request to a checkpoint, in a run that may ask twice; a recipe of one stage asks each thing once.
pub fn key_in(shop: &Shop<'_>, model: &Model, words: &str, rows: &[&[u32]]) -> Option<Key> {
    if shop.recipe.stage.len() > 1 { key(model, words, rows) } else { None }
}

/// The key of a request to a checkpoint: `words` say what is asked, `rows` of which tokens. `None` where the model has a part
/// that cannot say what it is.
pub fn key(model: &Model, words: &str, rows: &[&[u32]]) -> Option<Key> {
    let mut hash = Sha256::new();
    hash.update(checkpoint(model)?);
    hash.update((words.len() as u64).to_le_bytes());
    hash.update(words.as_bytes());
    for row in rows {
        hash.update((row.len() as u64).to_le_bytes());
        row.iter().for_each(|id| hash.update(id.to_le_bytes()));
    }
    Some(hash.finalize().into())
}

/// A hash of all that a model computes with: every tensor, and the configurations of backbone and parts.
fn checkpoint(model: &Model) -> Option<Key> {
    let mut hash = Sha256::new();
    hash.update(serde_json::to_vec(&model.spec().config).ok()?);
    for attached in model.net.parts.list() {
        let sites = format!("{} {:?} ", attached.name, attached.sites);
        hash.update(sites.as_bytes());
        hash.update(serde_json::to_vec(&attached.part.save().ok()?.config).ok()?);
    }
    let mut contents = Contents { hash };
    model.net.visit(&mut contents);
    Some(contents.hash.finalize().into())
}

/// Hashes tensors as they lie, so that weights in 16 bits are not widened for it.
struct Contents {
    hash: Sha256,
}

impl ModuleVisitor for Contents {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.hash.update(name.as_bytes());
        self.hash.update([0]);
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.hash.update([1]);
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data();
        self.hash.update(format!("{:?} {:?}", data.dtype(), param.val().dims()));
        self.hash.update(data.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_answers_go_where_memory_ends() {
        let mut memo = Memo::of_size(100);
        let scores = |n: usize| Answer::Scores(vec![vec![0.5; n]]);
        (0..3u8).for_each(|i| memo.put([i; 32], scores(5)));
        assert!(memo.get(&[0; 32]).is_none() && memo.get(&[1; 32]).is_some() && memo.get(&[2; 32]).is_some());
        assert_eq!((memo.bytes, memo.found, memo.order.len()), (88, 2, 2));
        memo.put([3; 32], scores(50));
        assert!(memo.get(&[3; 32]).is_none(), "larger than everything");
        memo.put([2; 32], scores(1));
        assert_eq!(memo.bytes, 88, "kept once");
    }
}
