//! Models reading rows token by token, with their keys and values kept.

use crate::{Cache, Call, Draws, Error, Hidden, Input, Model, Name, Result, Stream, refuse};
use burn::prelude::*;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, Int};
use std::collections::BTreeMap;

/// Some rows being read by one model. Cloning forks it.
#[derive(Clone)]
pub struct Session {
    model: Model,
    cache: Cache,
    /// Next position of each row.
    next: Vec<i64>,
    /// One number a row, for parts that read columns.
    columns: BTreeMap<Name, Vec<i64>>,
}

impl Session {
    /// Reads the prompts; returns log-probabilities of the next token `[rows, vocabulary]`.
    ///
    /// # Errors
    /// A prompt is empty, or longer than the model's positions.
    pub fn open(model: &Model, prompts: &[&[u32]]) -> Result<(Self, Tensor<2>)> {
        Self::open_with(model, prompts, BTreeMap::new())
    }

    /// The same where parts read columns (language, task, expert): one number a row.
    ///
    /// # Errors
    /// A prompt is empty, or longer than the model's positions, or a column has not one number a row.
    pub fn open_with(model: &Model, prompts: &[&[u32]], columns: BTreeMap<Name, Vec<i64>>) -> Result<(Self, Tensor<2>)> {
        if let Some((name, column)) = columns.iter().find(|(_, c)| c.len() != prompts.len()) {
            return refuse(format!("column `{name}`"), format!("{} numbers, one a row", prompts.len()), column.len(), "");
        }
        if prompts.is_empty() || prompts.iter().any(|p| p.is_empty()) {
            return refuse("prompt", "at least one token", "none", "begin with the begin-of-sequence token");
        }
        model.check_ids(prompts.iter().flat_map(|p| p.iter().copied()))?;
        let model = model.inference();
        let time = prompts.iter().map(|p| p.len()).max().unwrap_or(0);
        let mut session = Self { model, cache: Cache::default(), next: prompts.iter().map(|p| p.len() as i64).collect(), columns };
        let (mut ids, mut valid, mut positions) = (vec![], vec![], vec![]);
        for prompt in prompts {
            let pad = time - prompt.len();
            ids.extend(std::iter::repeat_n(0i64, pad).chain(prompt.iter().map(|i| i64::from(*i))));
            valid.extend((0..time).map(|t| i64::from(t >= pad)));
            positions.extend((0..time).map(|t| t.saturating_sub(pad) as i64));
        }
        let padded = valid.contains(&0);
        let shape = [prompts.len(), time];
        let logits = session.read(ids, padded.then_some(valid), positions, shape)?;
        Ok((session, logits))
    }

    /// Reads one more token of every row; returns log-probabilities of the next `[rows, vocabulary]`.
    ///
    /// # Errors
    /// The number of tokens differs from the number of rows, or the positions are used up.
    pub fn push(&mut self, tokens: &[u32]) -> Result<Tensor<2>> {
        if tokens.len() != self.next.len() {
            return refuse("session", format!("{} tokens", self.next.len()), tokens.len(), "one token a row");
        }
        self.model.check_ids(tokens.iter().copied())?;
        let ids = tokens.iter().map(|t| i64::from(*t)).collect();
        let positions = self.next.clone();
        self.next.iter_mut().for_each(|n| *n += 1);
        self.read(ids, None, positions, [tokens.len(), 1])
    }

    /// Keeps the given rows in the given order; a row may appear several times (beams).
    pub fn reorder(&mut self, rows: &[usize]) {
        self.cache.reorder(rows, &self.model.plain_device());
        self.next = rows.iter().map(|r| self.next[*r]).collect();
        for column in self.columns.values_mut() {
            *column = rows.iter().map(|r| column[*r]).collect();
        }
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.next.len()
    }

    /// Tokens of the longest row so far.
    pub fn length(&self) -> usize {
        self.cache.length
    }

    fn read(&mut self, ids: Vec<i64>, valid: Option<Vec<i64>>, positions: Vec<i64>, shape: [usize; 2]) -> Result<Tensor<2>> {
        let device = self.model.plain_device();
        let ints = |values: Vec<i64>| Tensor::<2, Int>::from_data(TensorData::new(values, shape), &device);
        let valid: Option<Tensor<2, Bool>> = valid.map(|v| ints(v).equal_elem(1));
        let stream = Stream { ids: ints(ids), rows: None, valid: valid.clone(), positions: ints(positions), segments: None };
        let mut input = Input::of(self.model.spec().main(), stream);
        let column = |values: &Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(values.clone(), [shape[0]]), &device);
        input.columns = self.columns.iter().map(|(name, values)| (name.clone(), column(values))).collect();
        let mut pass = self.model.pass(Call { draws: Draws::new(0), columns: input.columns.clone(), ..Call::default() });
        pass.cache = Some(std::mem::take(&mut self.cache));
        let hidden = self.model.walk(&input, None, &mut pass)?;
        let walked = hidden.x.dims()[1];
        let last = match &hidden.origin {
            None => hidden.x.clone().narrow(1, walked - 1, 1),
            Some(_) => {
                let (last, next) = moved(&hidden, &device);
                self.next = next;
                last
            }
        };
        let logits = self.model.read_out_with(last, false, &mut pass)?;
        self.cache = pass.cache.take().ok_or_else(|| Error::run("session", "the pass lost its cache"))?;
        self.place(hidden.positions);
        self.remember(hidden.valid, shape[0], walked, &device);
        let [rows, _, vocabulary] = logits.dims();
        Ok(log_softmax(logits.reshape([rows, vocabulary]), 1))
    }

    fn place(&mut self, new: Tensor<2, Int>) {
        self.cache.positions = match self.cache.positions.take() {
            Some(old) => Some(Tensor::cat(vec![old, new], 1)),
            None => Some(new),
        };
    }

    fn remember(&mut self, valid: Option<Tensor<2, Bool>>, rows: usize, walked: usize, device: &Device) {
        let ones = |n| Tensor::<2, Int>::ones([rows, n], device).equal_elem(1);
        let stored = self.cache.length;
        self.cache.valid = match (self.cache.valid.take(), valid) {
            (None, None) => None,
            (old, new) => {
                let new = new.unwrap_or_else(|| ones(walked));
                let pieces = if stored == 0 { vec![new] } else { vec![old.unwrap_or_else(|| ones(stored)), new] };
                Some(Tensor::cat(pieces, 1))
            }
        };
        self.cache.length = stored + walked;
    }
}

/// Where a part moved tokens: the state at each row's last valid place `[rows, 1, hidden]`, and the position that comes next.
fn moved(hidden: &Hidden, device: &Device) -> (Tensor<3>, Vec<i64>) {
    let [rows, walked, width] = hidden.x.dims();
    let numbers = |tensor: Tensor<2, Int>| tensor.into_data().convert::<i64>().try_to_vec::<i64>().unwrap_or_default();
    let (valid, positions) = (numbers(hidden.valid_or_all().int()), numbers(hidden.positions.clone()));
    let last: Vec<i64> = (0..rows).map(|r| (0..walked).rev().find(|t| valid[r * walked + t] == 1).unwrap_or(walked - 1) as i64).collect();
    let next = last.iter().enumerate().map(|(r, t)| positions[r * walked + *t as usize] + 1).collect();
    let index = Tensor::<1, Int>::from_data(TensorData::new(last, [rows]), device);
    (hidden.x.clone().gather(1, index.reshape([rows, 1, 1]).expand([rows, 1, width])), next)
}
