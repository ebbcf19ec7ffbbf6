//! Models reading rows token by token, with their keys and values kept.
//!
//! Writing and scoring go through here, so that both see one model: prompts of unequal length are padded on the left, parts
//! that move tokens are followed, and what was read can be forked, reordered and cut back.

mod rectangle;
mod scored;

use crate::{Cache, Call, Draws, Error, Hidden, Input, Model, Name, Pass, Result, refuse};
use burn::prelude::*;
use burn::tensor::Int;
use burn::tensor::activation::log_softmax;
use rectangle::Rectangle;
use std::collections::BTreeMap;

/// Some rows being read by one model. Cloning forks it; tensors are shared. After an error of the model it is of no more use.
#[derive(Clone)]
pub struct Session {
    model: Model,
    /// Without one, every call reads the rows from their start.
    cache: Option<Cache>,
    /// What was read, a row each.
    texts: Vec<Vec<u32>>,
    /// Next position of each row.
    next: Vec<i64>,
    /// One number a row, for parts that read columns.
    columns: BTreeMap<Name, Vec<i64>>,
    /// Scores of the next token `[rows, vocabulary]`, where they are known.
    logits: Option<Tensor<2>>,
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
        let mut session = Self { cache: Some(Cache::default()), ..Self::once(model, prompts.len(), columns)? };
        let next = session.extend(prompts)?;
        Ok((session, next))
    }

    /// [`Self::open`] without keys and values: every call reads the rows from their start. Slow, and the measure of what a
    /// cache may change (nothing, where every part sees a token the same way whether or not others follow it).
    ///
    /// # Errors
    /// A prompt is empty, or longer than the model's positions.
    pub fn open_uncached(model: &Model, prompts: &[&[u32]]) -> Result<(Self, Tensor<2>)> {
        Self::open_uncached_with(model, prompts, BTreeMap::new())
    }

    /// The same where parts read columns.
    ///
    /// # Errors
    /// As [`Self::open_with`].
    pub fn open_uncached_with(model: &Model, prompts: &[&[u32]], columns: BTreeMap<Name, Vec<i64>>) -> Result<(Self, Tensor<2>)> {
        let mut session = Self::once(model, prompts.len(), columns)?;
        let next = session.extend(prompts)?;
        Ok((session, next))
    }

    /// Rows of which nothing was read and of which no keys are kept: for [`Self::score`] of whole texts.
    ///
    /// # Errors
    /// A column has not one number a row, or the model's tokens see those behind them.
    pub fn once(model: &Model, rows: usize, columns: BTreeMap<Name, Vec<i64>>) -> Result<Self> {
        model.check_causal("writing, and scoring from left to right")?;
        if let Some((name, column)) = columns.iter().find(|(_, c)| c.len() != rows) {
            return refuse(format!("column `{name}`"), format!("{rows} numbers, one a row"), column.len(), "");
        }
        Ok(Self { model: model.inference(), cache: None, texts: vec![vec![]; rows], next: vec![0; rows], columns, logits: None })
    }

    /// Reads one more token of every row; returns log-probabilities of the next `[rows, vocabulary]`.
    ///
    /// # Errors
    /// The number of tokens differs from the number of rows, or the positions are used up.
    pub fn push(&mut self, tokens: &[u32]) -> Result<Tensor<2>> {
        let texts: Vec<&[u32]> = tokens.chunks(1).collect();
        self.extend(&texts)
    }

    /// Reads some more tokens of every row, as many as each has; returns log-probabilities of the next `[rows, vocabulary]`.
    ///
    /// # Errors
    /// A row is empty, an id lies outside the vocabulary, the number of rows differs, or the positions are used up.
    pub fn extend(&mut self, texts: &[&[u32]]) -> Result<Tensor<2>> {
        self.check(texts)?;
        let (device, whole) = (self.model.plain_device(), self.whole(texts));
        let rows: Vec<&[u32]> = whole.iter().map(Vec::as_slice).collect();
        let from = self.from();
        let rectangle = Rectangle::left(&rows, &from);
        let input = rectangle.input(self.model.spec().main(), true, &self.columns, &device);
        let (hidden, mut pass) = walk(&self.model, &input, self.cache.take())?;
        let walked = hidden.x.dims()[1];
        let (last, next) = match &hidden.origin {
            None => (hidden.x.clone().narrow(1, walked - 1, 1), from.iter().zip(&rows).map(|(from, row)| from + row.len() as i64).collect()),
            Some(_) => moved(&hidden, &pass, &device),
        };
        let logits = self.model.read_out_with(last, false, &mut pass)?;
        self.next = next;
        self.keep(pass.cache.take(), &hidden, logits);
        self.texts.iter_mut().zip(texts).for_each(|(row, text)| row.extend_from_slice(text));
        Ok(log_softmax(self.logits()?, 1))
    }

    /// Scores of the next token before they are made probabilities `[rows, vocabulary]`.
    ///
    /// # Errors
    /// Nothing was read since the session was opened or cut back.
    pub fn logits(&self) -> Result<Tensor<2>> {
        self.logits.clone().ok_or_else(|| Error::input("session", "rows that were read to their end", "none read yet", "push a token first"))
    }

    /// Keeps the given rows in the given order; a row may appear several times (beams).
    pub fn reorder(&mut self, rows: &[usize]) {
        let device = self.model.plain_device();
        if let Some(cache) = &mut self.cache {
            cache.reorder(rows, &device);
        }
        let index: Vec<i64> = rows.iter().map(|r| *r as i64).collect();
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [rows.len()]), &device);
        self.logits = self.logits.take().map(|logits| logits.select(0, index));
        self.texts = rows.iter().map(|r| self.texts[*r].clone()).collect();
        self.next = rows.iter().map(|r| self.next[*r]).collect();
        for column in self.columns.values_mut() {
            *column = rows.iter().map(|r| column[*r]).collect();
        }
    }

    /// Forgets the last tokens of every row; what comes next is known again after the next token is read.
    ///
    /// # Errors
    /// A row would be left without a token.
    pub fn truncate(&mut self, tokens: usize) -> Result<()> {
        if let Some(short) = self.texts.iter().map(Vec::len).find(|n| *n <= tokens) {
            return refuse("session", format!("rows of more than {tokens} tokens"), short, "keep at least one token of every row");
        }
        self.texts.iter_mut().for_each(|text| text.truncate(text.len() - tokens));
        self.next.iter_mut().for_each(|next| *next -= tokens as i64);
        if let Some(cache) = &mut self.cache {
            cache.forget(tokens);
        }
        self.logits = None;
        Ok(())
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.texts.len()
    }

    /// Places in use: tokens of the longest row so far, with the pads and the places that parts put in.
    pub fn length(&self) -> usize {
        self.cache.as_ref().map_or_else(|| self.texts.iter().map(Vec::len).max().unwrap_or(0), |cache| cache.length)
    }

    fn is_fresh(&self) -> bool {
        self.texts.iter().all(Vec::is_empty)
    }

    fn check(&self, texts: &[&[u32]]) -> Result<()> {
        if texts.is_empty() || texts.iter().any(|text| text.is_empty()) {
            return refuse("prompt", "at least one token", "none", "begin with the begin-of-sequence token");
        }
        if texts.len() != self.rows() {
            return refuse("session", format!("{} rows of tokens", self.rows()), texts.len(), "one a row");
        }
        self.model.check_ids(texts.iter().flat_map(|text| text.iter().copied()))
    }

    /// What the model reads in this call: the new tokens, behind all others where no keys are kept.
    fn whole(&self, texts: &[&[u32]]) -> Vec<Vec<u32>> {
        let before = |old: &Vec<u32>| if self.cache.is_some() { vec![] } else { old.clone() };
        self.texts.iter().zip(texts).map(|(old, new)| [before(old), new.to_vec()].concat()).collect()
    }

    /// The position of the first token that is read in this call.
    fn from(&self) -> Vec<i64> {
        if self.cache.is_some() { self.next.clone() } else { vec![0; self.rows()] }
    }

    /// Keeps what a pass left: the cache with its new places, and the scores `[rows, 1, vocabulary]` of what comes next.
    fn keep(&mut self, cache: Option<Cache>, hidden: &Hidden, logits: Tensor<3>) {
        self.cache = cache.map(|mut cache| {
            cache.remember(hidden.positions.clone(), hidden.valid.clone());
            cache
        });
        let [rows, _, vocabulary] = logits.dims();
        self.logits = Some(logits.reshape([rows, vocabulary]));
    }
}

/// Walks through all blocks with a cache.
fn walk<'m>(model: &'m Model, input: &Input, cache: Option<Cache>) -> Result<(Hidden, Pass<'m>)> {
    let mut pass = model.pass(Call { draws: Draws::new(0), columns: input.columns.clone(), ..Call::default() });
    pass.cache = cache;
    let hidden = model.walk(input, None, &mut pass)?;
    Ok((hidden, pass))
}

/// The state at each row's last place that holds a token `[rows, 1, hidden]`, and the position that comes next.
fn moved(hidden: &Hidden, pass: &Pass<'_>, device: &Device) -> (Tensor<3>, Vec<i64>) {
    let [rows, walked, width] = hidden.x.dims();
    let (valid, positions) = (host(hidden.valid_or_all().int()), host(hidden.positions.clone()));
    let last: Vec<i64> = (0..rows).map(|r| (0..walked).rev().find(|t| valid[r * walked + t] == 1).unwrap_or(walked - 1) as i64).collect();
    // Positions that every call adds are not counted twice.
    let shift = pass.fronts.positions as i64;
    let next = last.iter().enumerate().map(|(r, t)| positions[r * walked + *t as usize] + 1 - shift).collect();
    let index = Tensor::<1, Int>::from_data(TensorData::new(last, [rows]), device);
    (hidden.x.clone().gather(1, index.reshape([rows, 1, 1]).expand([rows, 1, width])), next)
}

/// The numbers of a tensor, row by row.
fn host(tensor: Tensor<2, Int>) -> Vec<i64> {
    tensor.into_data().convert::<i64>().try_to_vec::<i64>().unwrap_or_default()
}
