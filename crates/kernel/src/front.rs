//! What parts put before the tokens: rows in the place of embeddings, and positions that are taken.

use crate::{Hidden, Input, Pass, Result, Site, Stack, Stream};
use burn::prelude::*;
use burn::tensor::{Bool, Int};
use std::ops::Range;

/// The text that rows in front belong to in a packed row: every text sees it.
pub(crate) const EVERY_TEXT: i64 = -2;

/// What a part puts before the tokens.
#[derive(Clone, Debug, Default)]
pub struct Front {
    /// Rows in the place of embeddings `[places, hidden]`. The walk makes room for them when a row's first tokens are read, counts
    /// positions from them on, and `origin` is -1 there.
    pub rows: Option<Tensor<2>>,
    /// Positions that all tokens move up without a place of their own, for keys that stand before the others.
    pub positions: usize,
}

/// The fronts of all parts in view, the last attached first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fronts {
    rows: Option<Tensor<2>>,
    places: usize,
    /// Positions that every call adds.
    pub positions: usize,
}

impl Fronts {
    /// Rows are put in front once, when nothing was read before.
    pub fn of(pass: &Pass<'_>) -> Self {
        let first = pass.cache.as_ref().is_none_or(|cache| cache.length == 0);
        let shown = pass.parts().list().iter().filter(|a| pass.call.view.shows(&a.name));
        let fronts: Vec<Front> = shown.map(|a| a.part.front()).collect();
        let rows: Vec<Tensor<2>> = fronts.iter().rev().filter(|_| first).filter_map(|f| f.rows.clone()).collect();
        let rows = if rows.is_empty() { None } else { Some(Tensor::cat(rows, 0)) };
        Self { places: rows.as_ref().map_or(0, |r| r.dims()[0]), rows, positions: fronts.iter().map(|f| f.positions).sum() }
    }

    /// Positions taken before the first token of this call.
    pub fn taken(&self) -> usize {
        self.places + self.positions
    }

    /// The input with room before the tokens of a stack, and their positions moved up.
    pub fn make_room(&self, stack: Stack, input: &Input) -> Result<Input> {
        let mut input = input.clone();
        if self.taken() == 0 {
            return Ok(input);
        }
        let widened = self.widened(input.stream(stack)?);
        input.streams.insert(stack, widened);
        if let Some(present) = input.present.remove(&stack) {
            input.present.insert(stack, opened(present, self.places));
        }
        Ok(input)
    }

    fn widened(&self, stream: &Stream) -> Stream {
        let ([batch, _], device) = (stream.ids.dims(), stream.ids.device());
        let before = |value: i64, x: Tensor<2, Int>| if self.places == 0 { x } else { Tensor::cat(vec![full([batch, self.places], value, &device), x], 1) };
        let taken = |range: Range<usize>| Tensor::<1, Int>::arange(range.start as i64..range.end as i64, &device).reshape([1, range.len()]);
        let positions = stream.positions.clone() + self.taken() as i64;
        let positions = match self.places {
            0 => positions,
            n => Tensor::cat(vec![taken(self.positions..self.taken()).expand([batch, n]), positions], 1),
        };
        Stream {
            ids: before(0, stream.ids.clone()),
            rows: stream.rows.clone().map(|rows| match &self.rows {
                Some(front) => Tensor::cat(vec![spread(front.clone(), batch), rows], 1),
                None => rows,
            }),
            valid: stream.valid.clone().map(|valid| opened(valid, self.places)),
            positions,
            segments: stream.segments.clone().map(|segments| before(EVERY_TEXT, segments)),
        }
    }

    /// What the embeddings' place gives, with the rows in the room that was made for them.
    pub fn placed(&self, site: Site, x: Tensor<3>) -> Tensor<3> {
        let Some(rows) = self.rows.clone().filter(|_| site.role == crate::Role::Embeddings) else { return x };
        let [batch, time, width] = x.dims();
        if time <= self.places || rows.dims()[1] != width {
            return x;
        }
        Tensor::cat(vec![spread(rows, batch), x.narrow(1, self.places, time - self.places)], 1)
    }

    /// Says where the tokens went.
    pub fn mark(&self, hidden: &mut Hidden) {
        if self.places > 0 {
            let [batch, time, _] = hidden.x.dims();
            let device = hidden.positions.device();
            let tokens = Tensor::<1, Int>::arange(0..(time - self.places) as i64, &device).reshape([1, time - self.places]);
            hidden.origin = Some(Tensor::cat(vec![full([batch, self.places], -1, &device), tokens.expand([batch, time - self.places])], 1));
        }
    }
}

fn spread(rows: Tensor<2>, batch: usize) -> Tensor<3> {
    let [places, width] = rows.dims();
    rows.reshape([1, places, width]).expand([batch, places, width])
}

fn full(shape: [usize; 2], value: i64, device: &Device) -> Tensor<2, Int> {
    Tensor::<2, Int>::zeros(shape, device) + value
}

fn opened(valid: Tensor<2, Bool>, places: usize) -> Tensor<2, Bool> {
    if places == 0 {
        return valid;
    }
    let open = full([valid.dims()[0], places], 1, &valid.device()).equal_elem(1);
    Tensor::cat(vec![open, valid], 1)
}
