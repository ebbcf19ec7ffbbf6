//! Which pair comes next: counts of neighbours, kept up to date word by word.

use crate::Piece;
use crate::bpe::{Pair, Table, UNKNOWN};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

/// A pair waiting for its turn: most frequent first, then the smallest by text.
type Waiting = (u64, Reverse<(Arc<str>, Arc<str>)>, Pair);

struct Word {
    text: String,
    symbols: Vec<u32>,
    count: u64,
}

/// Continued pair merging.
pub struct Learner {
    /// Entries and merges, the new ones included.
    pub table: Table,
    /// New entries.
    pub pieces: Vec<Piece>,
    /// New merges by text, in order.
    pub learned: Vec<(Arc<str>, Arc<str>)>,
    words: Vec<Word>,
    counts: HashMap<Pair, u64>,
    /// Words in which a pair stands or stood.
    places: HashMap<Pair, Vec<u32>>,
    waiting: BinaryHeap<Waiting>,
    /// Old tokens of new entries.
    old: HashMap<u32, Vec<u32>>,
}

impl Learner {
    /// Cuts the words by the old merges and counts their pairs. Words are sorted.
    pub fn new(table: Table, words: Vec<(String, u64)>) -> Self {
        let cut = |(text, count): (String, u64)| {
            let symbols = match table.ids.get(text.as_str()) {
                Some(id) if table.whole_words => vec![*id],
                _ => {
                    let mut symbols = table.characters(&text);
                    table.settle(&mut symbols);
                    symbols
                }
            };
            Word { text, symbols, count }
        };
        let words: Vec<Word> = words.into_iter().map(cut).collect();
        let (counts, places, waiting) = (HashMap::new(), HashMap::new(), BinaryHeap::new());
        let mut learner = Self { table, pieces: vec![], learned: vec![], words, counts, places, waiting, old: HashMap::new() };
        for i in 0..learner.words.len() {
            learner.enter(i, &HashMap::new());
        }
        let pairs: Vec<Pair> = learner.counts.keys().copied().collect();
        pairs.into_iter().for_each(|pair| learner.queue(pair));
        learner
    }

    /// Learns up to `size` entries with ids from `first`, each from a pair that stands at least `least` times.
    pub fn learn(&mut self, size: usize, least: u64, first: u32) {
        while self.pieces.len() < size {
            let Some((count, _, pair)) = self.waiting.pop() else { return };
            let now = self.counts.get(&pair).copied().unwrap_or(0);
            if now < count {
                self.queue(pair);
            } else if now < least.max(1) {
                return;
            } else if !self.is_barred(pair) {
                self.merge(pair, first);
            }
        }
    }

    fn names(&self, (left, right): Pair) -> (Arc<str>, Arc<str>) {
        (self.table.names[&left].clone(), self.table.names[&right].clone())
    }

    fn queue(&mut self, pair: Pair) {
        if let Some(count) = self.counts.get(&pair).filter(|n| **n > 0) {
            self.waiting.push((*count, Reverse(self.names(pair)), pair));
        }
    }

    /// Pairs that may not merge: the result is an added token, or the file's form cannot hold them.
    fn is_barred(&self, pair: Pair) -> bool {
        let (left, right) = self.names(pair);
        self.table.reserved.contains(&format!("{left}{right}")) || (self.table.spaced && (left.contains(' ') || right.contains(' ')))
    }

    /// One merge. A result that already is an entry gets no new one; older merges may then apply to it at once, as they will
    /// when the tokenizer runs.
    fn merge(&mut self, pair: Pair, first: u32) {
        let (left, right) = self.names(pair);
        let text: Arc<str> = format!("{left}{right}").into();
        let (result, is_new) = match self.table.ids.get(&text) {
            Some(id) => (*id, false),
            None => (first + self.pieces.len() as u32, true),
        };
        if is_new {
            let old = [self.old_tokens(pair.0), self.old_tokens(pair.1)].concat();
            self.pieces.push(Piece { text: text.to_string(), old: old.clone() });
            self.old.insert(result, old);
            self.table.names.insert(result, text.clone());
            self.table.ids.insert(text.clone(), result);
        }
        self.table.merges.insert(pair, (self.table.next_rank, result));
        self.table.next_rank += 1;
        self.learned.push((left, right));
        self.cut_again(pair, is_new.then_some((&*text, result)));
    }

    fn old_tokens(&self, id: u32) -> Vec<u32> {
        self.old.get(&id).cloned().unwrap_or_else(|| vec![id])
    }

    /// Merges in the words where the pair stands, and in the word that is the new entry where whole words count.
    fn cut_again(&mut self, pair: Pair, entry: Option<(&str, u32)>) {
        let mut places = self.places.remove(&pair).unwrap_or_default();
        places.sort_unstable();
        places.dedup();
        let mut touched = HashSet::new();
        for i in places {
            let mut symbols = self.words[i as usize].symbols.clone();
            self.table.settle(&mut symbols);
            self.change(i as usize, symbols, &mut touched);
        }
        if let Some((text, id)) = entry.filter(|_| self.table.whole_words)
            && let Ok(i) = self.words.binary_search_by(|w| w.text.as_str().cmp(text))
        {
            self.change(i, vec![id], &mut touched);
        }
        touched.into_iter().for_each(|pair| self.queue(pair));
    }

    /// Gives a word other symbols; pairs that may have grown are added to `touched`.
    fn change(&mut self, word: usize, symbols: Vec<u32>, touched: &mut HashSet<Pair>) {
        if self.words[word].symbols == symbols {
            return;
        }
        let before = self.leave(word);
        self.words[word].symbols = symbols;
        touched.extend(self.enter(word, &before));
    }

    /// Takes a word's pairs out of the counts; returns how often it had each.
    fn leave(&mut self, word: usize) -> HashMap<Pair, u32> {
        let Word { symbols, count, .. } = &self.words[word];
        let mut had = HashMap::new();
        for pair in pairs(symbols) {
            *had.entry(pair).or_default() += 1;
            if let Some(n) = self.counts.get_mut(&pair) {
                *n -= count;
            }
        }
        had
    }

    /// Puts a word's pairs into the counts; returns those it has more often than before.
    fn enter(&mut self, word: usize, before: &HashMap<Pair, u32>) -> Vec<Pair> {
        let Word { symbols, count, .. } = &self.words[word];
        let mut has: HashMap<Pair, u32> = HashMap::new();
        for pair in pairs(symbols) {
            *has.entry(pair).or_default() += 1;
            *self.counts.entry(pair).or_default() += count;
        }
        for pair in has.keys().filter(|p| !before.contains_key(p)) {
            self.places.entry(*pair).or_default().push(word as u32);
        }
        has.into_iter().filter(|(pair, n)| before.get(pair).is_none_or(|old| n > old)).map(|(pair, _)| pair).collect()
    }
}

/// Neighbours that could merge.
fn pairs(symbols: &[u32]) -> impl Iterator<Item = Pair> + '_ {
    symbols.windows(2).map(|p| (p[0], p[1])).filter(|(l, r)| *l != UNKNOWN && *r != UNKNOWN)
}
