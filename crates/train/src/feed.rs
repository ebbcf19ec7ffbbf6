//! From examples to the batches of one optimiser step.

use tongues_kernel::{Batch, Draws, Example, Result, Sequence, refuse};

/// The examples of one objective, handed out in an order that depends on the seed and the epoch only.
#[derive(Clone, Debug)]
pub struct Feed {
    examples: Vec<Example>,
    draws: Draws,
    batch_tokens: usize,
    row_tokens: usize,
    packing: bool,
    epoch: u64,
    ready: Vec<Batch>,
}

impl Feed {
    /// A feed; with `packing`, examples are joined into rows of up to `row_tokens`.
    ///
    /// # Errors
    /// No example.
    pub fn new(examples: Vec<Example>, draws: Draws, batch_tokens: usize, row_tokens: usize, packing: bool) -> Result<Self> {
        if examples.is_empty() {
            return refuse("training data", "at least one example", "none", "check the data and its curators");
        }
        let mut feed = Self { examples, draws: draws.stream("feed"), batch_tokens, row_tokens, packing, epoch: 0, ready: vec![] };
        feed.ready = feed.batches(0);
        Ok(feed)
    }

    /// Batches of the first pass over the data.
    pub fn batches_per_epoch(&self) -> usize {
        self.batches(0).len()
    }

    /// Tokens of one pass over the data.
    pub fn tokens_per_epoch(&self) -> usize {
        self.examples.iter().flat_map(|e| e.sequences.values()).map(Sequence::len).sum()
    }

    /// The next step's batch; a new pass begins when one is done.
    pub fn next_batch(&mut self) -> Batch {
        if self.ready.is_empty() {
            self.epoch += 1;
            self.ready = self.batches(self.epoch);
        }
        self.ready.remove(0)
    }

    fn batches(&self, epoch: u64) -> Vec<Batch> {
        let order = self.draws.step(epoch).permutation(self.examples.len());
        let rows: Vec<Example> = if self.packing { self.packed(&order) } else { order.iter().map(|i| self.examples[*i].clone()).collect() };
        let mut batches = vec![];
        let (mut batch, mut longest) = (Batch::default(), 0);
        for row in rows {
            let length = row.sequences.values().map(Sequence::len).max().unwrap_or(0);
            longest = longest.max(length);
            if !batch.examples.is_empty() && (batch.examples.len() + 1) * longest > self.batch_tokens {
                batches.push(std::mem::take(&mut batch));
                longest = length;
            }
            batch.examples.push(row);
        }
        batches.push(batch);
        batches
    }

    /// Joins texts in order until a row is full. Texts never see each other: `starts` says where each begins.
    fn packed(&self, order: &[usize]) -> Vec<Example> {
        let mut rows: Vec<Example> = vec![];
        let mut room = 0;
        for i in order {
            let example = &self.examples[*i];
            let length = example.sequences.values().map(Sequence::len).sum::<usize>();
            match rows.last_mut().filter(|_| length <= room) {
                Some(row) => join(row, example),
                None => {
                    rows.push(example.clone());
                    room = self.row_tokens;
                }
            }
            room = room.saturating_sub(length);
        }
        rows
    }
}

fn join(row: &mut Example, more: &Example) {
    for (name, sequence) in &more.sequences {
        let joined = row.sequences.entry(name.clone()).or_default();
        let start = joined.len();
        joined.starts.extend(std::iter::once(start).chain(sequence.starts.iter().map(|s| s + start)));
        joined.segments.extend(sequence.segments.iter().cloned());
    }
}

/// Splits a batch into at most `parts` micro-batches of neighbouring examples.
pub fn split(batch: Batch, parts: usize) -> Vec<Batch> {
    let size = batch.examples.len().div_ceil(parts.max(1)).max(1);
    batch.examples.chunks(size).map(|examples| Batch { examples: examples.to_vec() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_example(id: &str, ids: Vec<u32>) -> Example {
        Example::of_text(id, Sequence::of("text", ids, 1.0))
    }

    fn examples() -> Vec<Example> {
        (0..20).map(|i| text_example(&i.to_string(), vec![i; 1 + (i as usize % 7)])).collect()
    }

    #[test]
    fn an_epoch_has_every_token_once_and_rows_fit() {
        for packing in [false, true] {
            let mut feed = Feed::new(examples(), Draws::new(1), 16, 8, packing).expect("examples");
            let batches: Vec<Batch> = (0..feed.batches_per_epoch()).map(|_| feed.next_batch()).collect();
            let mut ids: Vec<u32> = batches.iter().flat_map(|b| &b.examples).flat_map(|e| e.sequences.values()).flat_map(Sequence::ids).collect();
            ids.sort_unstable();
            let mut all: Vec<u32> = examples().iter().flat_map(|e| e.sequences["text"].ids().collect::<Vec<_>>()).collect();
            all.sort_unstable();
            assert_eq!(ids, all);
            assert!(batches.iter().flat_map(|b| &b.examples).all(|e| e.sequences["text"].len() <= 8));
        }
    }

    #[test]
    fn the_order_depends_on_seed_and_epoch() {
        let ids = |feed: &mut Feed| (0..feed.batches_per_epoch()).flat_map(|_| feed.next_batch().examples).map(|e| e.id).collect::<Vec<_>>();
        let mut feed = Feed::new(examples(), Draws::new(1), 16, 8, false).expect("examples");
        let first = ids(&mut feed);
        assert_ne!(first, ids(&mut feed));
        assert_eq!(first, ids(&mut Feed::new(examples(), Draws::new(1), 16, 8, false).expect("examples")));
        assert_ne!(first, ids(&mut Feed::new(examples(), Draws::new(2), 16, 8, false).expect("examples")));
    }

    #[test]
    fn packing_marks_where_texts_begin() {
        let mut feed = Feed::new(examples(), Draws::new(1), 64, 8, true).expect("examples");
        let batch = feed.next_batch();
        let row = batch.examples.iter().map(|e| &e.sequences["text"]).find(|s| !s.starts.is_empty()).expect("a packed row");
        let ids: Vec<u32> = row.ids().collect();
        assert!(row.starts.iter().all(|s| ids[*s] != ids[s - 1]));
    }
}
