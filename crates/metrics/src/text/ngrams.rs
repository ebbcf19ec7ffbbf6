//! n-grams that texts share, counted for all orders at once.
//!
//! Every place of every text becomes a key: the items that follow, up to the largest order, and which text it is. Sorted keys
//! that agree in their first n items are one n-gram. One sort therefore serves all orders, and nothing is hashed.

use rustc_hash::FxHashMap;

/// A place in the sorted keys.
struct Suffix {
    /// Items that it shares with the place before it, at most the largest order.
    shared: usize,
    /// Items up to the end of its text, at most the largest order.
    len: usize,
    source: usize,
}

/// Memory that is used again from text to text.
#[derive(Default)]
pub(crate) struct Matcher {
    keys: Vec<u64>,
    places: Vec<(u32, u32)>,
    seen: Vec<u32>,
    begun: Vec<u32>,
}

impl Matcher {
    /// For every order from 1 to `order`: how many n-grams of `sources[0]` are in another source, each as often as it occurs in
    /// the source that has it most often. Items are numbers from 1 to `largest`.
    pub(crate) fn matches(&mut self, sources: &[&[u32]], largest: u32, order: usize, out: &mut [u64]) {
        out[..order].fill(0);
        let bits = (32 - largest.leading_zeros()).max(1);
        let low = (usize::BITS - (sources.len() - 1).leading_zeros()).max(1);
        self.seen.clear();
        self.seen.resize(sources.len(), 0);
        self.begun.clear();
        self.begun.resize(sources.len() * order, 0);
        if bits as usize * order + low as usize <= 64 {
            self.packed(sources, bits, low, order, out);
        } else {
            self.wide(sources, order, out);
        }
    }

    fn packed(&mut self, sources: &[&[u32]], bits: u32, low: u32, order: usize, out: &mut [u64]) {
        let mut keys = std::mem::take(&mut self.keys);
        keys.clear();
        let top = bits * (order as u32 - 1);
        for (source, items) in sources.iter().enumerate() {
            let mut fields = 0u64;
            for &item in items.iter().rev() {
                fields = (u64::from(item) << top) | (fields >> bits);
                keys.push((fields << low) | source as u64);
            }
        }
        keys.sort_unstable();
        let unused = 64 - bits * order as u32;
        let mut before = 0u64;
        let suffixes = keys.iter().map(|key| {
            let fields = key >> low;
            let differing = fields ^ before;
            let shared = if differing == 0 { order } else { ((differing.leading_zeros() - unused) / bits) as usize };
            before = fields;
            let source = (key & ((1 << low) - 1)) as usize;
            Suffix { shared, len: order - (fields.trailing_zeros() / bits) as usize, source }
        });
        self.scan(suffixes, sources.len(), order, out);
        self.keys = keys;
    }

    /// The same by comparing items, where a key does not fit a machine word.
    fn wide(&mut self, sources: &[&[u32]], order: usize, out: &mut [u64]) {
        let mut places = std::mem::take(&mut self.places);
        places.clear();
        places.extend(sources.iter().enumerate().flat_map(|(s, items)| (0..items.len()).map(move |i| (s as u32, i as u32))));
        let window = |&(s, i): &(u32, u32)| {
            let items = sources[s as usize];
            &items[i as usize..items.len().min(i as usize + order)]
        };
        places.sort_unstable_by(|a, b| window(a).cmp(window(b)));
        let mut before: &[u32] = &[];
        let suffixes = places.iter().map(|place| {
            let here = window(place);
            let shared = here.iter().zip(before).take_while(|(a, b)| a == b).count();
            before = here;
            Suffix { shared, len: here.len(), source: place.0 as usize }
        });
        self.scan(suffixes, sources.len(), order, out);
        self.places = places;
    }

    /// Closes the n-grams that end at each place, and adds what they share.
    fn scan(&mut self, suffixes: impl Iterator<Item = Suffix>, sources: usize, order: usize, out: &mut [u64]) {
        let mut len = 0;
        for suffix in suffixes {
            self.close(suffix.shared.min(order), len, order, sources, out);
            self.seen[suffix.source] += 1;
            len = suffix.len;
        }
        self.close(0, len, order, sources, out);
    }

    /// Ends the n-grams longer than `shared`; those longer than `len` reach beyond their text and do not count.
    fn close(&mut self, shared: usize, len: usize, order: usize, sources: usize, out: &mut [u64]) {
        for (n, out) in out.iter_mut().enumerate().take(order).skip(shared) {
            let begun = &mut self.begun[n * sources..(n + 1) * sources];
            if n < len {
                let own = self.seen[0] - begun[0];
                let most = self.seen[1..].iter().zip(&begun[1..]).map(|(s, b)| s - b).max().unwrap_or(0);
                *out += u64::from(own.min(most));
            }
            begun.copy_from_slice(&self.seen);
        }
    }
}

/// Numbers from 1 for characters, in the order they come.
#[derive(Default)]
pub(crate) struct Alphabet {
    /// By code point: when the character was seen last, and its number.
    table: Vec<(u32, u32)>,
    epoch: u32,
    count: u32,
}

impl Alphabet {
    /// Forgets all characters.
    pub(crate) fn clear(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.table.clear();
            self.epoch = 1;
        }
        self.count = 0;
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn number(&mut self, c: char) -> u32 {
        let at = c as usize;
        if at >= self.table.len() {
            self.table.resize(at + 1, (0, 0));
        }
        let entry = &mut self.table[at];
        if entry.0 != self.epoch {
            self.count += 1;
            *entry = (self.epoch, self.count);
        }
        entry.1
    }
}

/// Numbers from 1 for words, in the order they come.
pub(crate) struct Vocabulary<'a>(FxHashMap<&'a str, u32>);

impl Default for Vocabulary<'_> {
    fn default() -> Self {
        // Room for a sentence and its reference, so that most never grow it.
        Self(FxHashMap::with_capacity_and_hasher(96, rustc_hash::FxBuildHasher))
    }
}

impl<'a> Vocabulary<'a> {
    pub(crate) fn number(&mut self, word: &'a str) -> u32 {
        let next = self.0.len() as u32 + 1;
        *self.0.entry(word).or_insert(next)
    }

    pub(crate) fn count(&self) -> u32 {
        self.0.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn plainly(sources: &[&[u32]], order: usize) -> Vec<u64> {
        let counts = |items: &[u32], n: usize| {
            let mut counts: HashMap<Vec<u32>, u64> = HashMap::new();
            items.windows(n).for_each(|w| *counts.entry(w.to_vec()).or_default() += 1);
            counts
        };
        let most = |n: usize, gram: &[u32]| sources[1..].iter().map(|s| counts(s, n).get(gram).copied().unwrap_or(0)).max().unwrap_or(0);
        (1..=order).map(|n| counts(sources[0], n).iter().map(|(gram, c)| *c.min(&most(n, gram))).sum()).collect()
    }

    #[test]
    fn one_sort_counts_what_a_map_for_each_order_counts() {
        let mut state = 1u64;
        let mut draw = |n: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32 % n
        };
        let mut matcher = Matcher::default();
        for round in 0..300 {
            let largest = [1, 2, 3, 5, 2000][round % 5];
            let texts: Vec<Vec<u32>> = (0..2 + draw(3)).map(|_| (0..draw(30)).map(|_| draw(largest) + 1).collect()).collect();
            let sources: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
            for order in [1, 2, 4, 6, 9] {
                let mut out = vec![9; order];
                matcher.matches(&sources, largest, order, &mut out);
                assert_eq!(out, plainly(&sources, order), "{sources:?} {order}");
            }
        }
    }
}
