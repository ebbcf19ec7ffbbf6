//! One text under way.

use std::collections::BTreeMap;
use tongues_kernel::{Error, Generation, Limits, Name, Request, Result, Tokenizer};

/// One text under way.
pub struct Row {
    /// Its place among the requests.
    pub index: usize,
    /// The request's stable name.
    pub id: u64,
    /// Prompt and what was written.
    pub ids: Vec<u32>,
    /// The request's columns; every row of a call has the same ones.
    pub columns: BTreeMap<Name, i64>,
    /// What was written.
    pub generation: Generation,
}

impl Row {
    /// Nothing written yet.
    pub fn new(index: usize, request: &Request) -> Self {
        Self { index, id: request.id, ids: request.prompt.clone(), columns: request.columns.clone(), generation: Generation::default() }
    }

    /// A stop was reached, or nothing more may be written; `room` is for prompt and text.
    pub fn is_done(&self, limits: &Limits, room: usize) -> bool {
        self.generation.stopped || self.generation.ids.len() >= limits.max_new_tokens || self.ids.len() >= room
    }

    /// Writes a token down, or stops at it.
    ///
    /// # Errors
    /// The model gave no probability.
    pub fn take(&mut self, token: u32, score: f32, limits: &Limits, tokenizer: &dyn Tokenizer) -> Result<()> {
        if score.is_nan() {
            return Err(Error::run(format!("request {}", self.id), "the model's log-probabilities are NaN"));
        }
        if limits.stop.contains(&token) {
            self.generation.stopped = true;
            return Ok(());
        }
        self.ids.push(token);
        self.generation.ids.push(token);
        self.generation.scores.push(score);
        self.generation.stopped = limits.is_met(tokenizer, &self.generation.ids)?;
        Ok(())
    }
}
