//! From examples to the batches of one optimiser step.

mod mixture;
mod pool;
mod rows;

pub use mixture::{Mixture, Stop};
pub use pool::{Fixed, Pool, Source};

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use tongues_kernel::{Batch, Draws, Example, Result, refuse};

/// How examples become rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Joined into full rows; texts do not see each other.
    Packed,
    /// One example a row, neighbours of like length.
    Bucketed,
    /// One example a row, in the order of the draws.
    Single,
}

/// What the rows of a batch have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uniform {
    /// Nothing.
    Any,
    /// One value of the column.
    Pure,
    /// As many rows of every value of the column.
    Balanced,
}

/// How batches are made.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Cells of a batch: rows times the longest row.
    pub batch_tokens: usize,
    /// Tokens of a packed row.
    pub row_tokens: usize,
    /// How examples become rows.
    pub rows: Rows,
    /// What the rows of a batch have in common.
    pub uniform: Uniform,
    /// How the members of the data are mixed, where it is a mixture.
    pub mixture: Option<Mixture>,
}

/// A place in the stream of batches: enough to go on as if nothing had happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The pass over the data, from 0.
    pub epoch: u64,
    /// Batches handed out in this pass.
    pub given: usize,
    /// Examples that each member of a mixture gave before this pass.
    pub members: Vec<u64>,
}

/// The examples of one objective, handed out in an order that depends on the seed and the pass only.
#[derive(Clone)]
pub struct Feed<'s> {
    source: Rc<dyn Source + 's>,
    layout: Layout,
    draws: Draws,
    cursor: Cursor,
    ready: VecDeque<Batch>,
    /// The members' counts after this pass.
    after: Vec<u64>,
    first: Size,
}

/// What a pass amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// Optimiser steps.
    pub batches: usize,
    /// Tokens, padding not counted.
    pub tokens: usize,
    /// Cells of all rectangles, padding counted.
    pub cells: usize,
}

impl<'s> Feed<'s> {
    /// A feed of fixed examples; with `packing`, examples are joined into rows of up to `row_tokens`.
    ///
    /// # Errors
    /// No example.
    pub fn new(examples: Vec<Example>, draws: Draws, batch_tokens: usize, row_tokens: usize, packing: bool) -> Result<Self> {
        let rows = if packing { Rows::Packed } else { Rows::Single };
        let layout = Layout { batch_tokens, row_tokens, rows, uniform: Uniform::Any, mixture: None };
        Self::over(Rc::new(Fixed(Rc::new(Pool::of(examples)))), draws, layout)
    }

    /// A feed over a source.
    ///
    /// # Errors
    /// The first pass has no example, or the mixture makes no sense.
    pub fn over(source: Rc<dyn Source + 's>, draws: Draws, layout: Layout) -> Result<Self> {
        let mut feed =
            Self { source, layout, draws: draws.stream("feed"), cursor: Cursor::default(), ready: VecDeque::new(), after: vec![], first: Size::default() };
        feed.pass(Cursor::default())?;
        feed.first = feed.size();
        Ok(feed)
    }

    /// What the first pass over the data amounts to.
    pub fn first_pass(&self) -> Size {
        self.first
    }

    /// The next step's batch; a new pass begins when one is done.
    ///
    /// # Errors
    /// The data of the new pass cannot be made.
    pub fn next_batch(&mut self) -> Result<Batch> {
        if self.ready.is_empty() {
            self.pass(Cursor { epoch: self.cursor.epoch + 1, given: 0, members: self.after.clone() })?;
        }
        self.cursor.given += 1;
        Ok(self.ready.pop_front().unwrap_or_default())
    }

    /// Where the feed stands.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Goes to a place.
    ///
    /// # Errors
    /// The data has no such place: it is other data.
    pub fn seek(&mut self, cursor: &Cursor) -> Result<()> {
        self.pass(Cursor { given: 0, ..cursor.clone() })?;
        if cursor.given > self.ready.len() {
            let found = format!("only {}", self.ready.len());
            return refuse("training data", format!("a pass of at least {} batches, as when it was saved", cursor.given), found, "the data has changed");
        }
        self.ready.drain(..cursor.given);
        self.cursor = cursor.clone();
        Ok(())
    }

    /// Makes the batches of a pass.
    fn pass(&mut self, cursor: Cursor) -> Result<()> {
        let pool = self.source.pool(cursor.epoch)?.checked()?;
        let draws = self.draws.step(cursor.epoch);
        let order = match &self.layout.mixture {
            Some(mixture) => {
                let order = mixture.order(&pool.members, cursor.epoch, &cursor.members, self.draws.stream("mixture"))?;
                self.after = order.given;
                order.indices
            }
            None => draws.permutation(pool.examples.len()),
        };
        self.ready = rows::batches(&pool, &order, &self.layout, draws).into();
        self.cursor = cursor;
        Ok(())
    }

    fn size(&self) -> Size {
        Size { batches: self.ready.len(), tokens: self.ready.iter().map(Batch::tokens).sum(), cells: self.ready.iter().map(cells).sum() }
    }
}

/// Cells of a batch: sequences of one name are a rectangle.
fn cells(batch: &Batch) -> usize {
    let mut longest: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, sequence) in batch.examples.iter().flat_map(|e| &e.sequences) {
        let slot = longest.entry(name).or_default();
        *slot = sequence.len().max(*slot);
    }
    batch.examples.len() * longest.values().sum::<usize>()
}

/// Splits a batch into at most `parts` micro-batches of neighbouring examples.
pub(crate) fn split(batch: Batch, parts: usize) -> Vec<Batch> {
    let size = batch.examples.len().div_ceil(parts.max(1)).max(1);
    batch.examples.chunks(size).map(|examples| Batch { examples: examples.to_vec() }).collect()
}

#[cfg(test)]
mod tests;
