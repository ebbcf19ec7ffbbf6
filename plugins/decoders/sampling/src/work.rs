//! Texts written side by side.

use crate::row::Row;
use crate::{Sampling, choose, penalise};
use std::sync::Arc;
use tongues_kernel::{Context, Draws, Limits, Model, Request, Result, Session, Tokenizer, check_requests, score, values};

/// What does not change while a call is at work.
pub struct Work<'w> {
    how: &'w Sampling,
    model: &'w Model,
    tokenizer: &'w Arc<dyn Tokenizer>,
    limits: &'w Limits,
    draws: Draws,
    /// Tokens that prompt and text may have together.
    room: usize,
}

impl<'w> Work<'w> {
    /// Checks the requests.
    ///
    /// # Errors
    /// A prompt is empty or too long.
    pub fn new(how: &'w Sampling, model: &'w Model, limits: &'w Limits, draws: Draws, requests: &[Request]) -> Result<Self> {
        Ok(Self { how, model, tokenizer: model.tokenizer()?, limits, draws, room: check_requests(model, requests)? })
    }

    /// Writes some texts side by side.
    ///
    /// # Errors
    /// The model gives NaN, or nobody listens any more.
    pub fn batch(&self, mut rows: Vec<Row>, cx: &mut dyn Context) -> Result<Vec<Row>> {
        let mut done = vec![];
        loop {
            let (going, ended): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| !row.is_done(self.limits, self.room));
            done.extend(ended);
            if going.is_empty() {
                return Ok(done);
            }
            rows = self.stretch(going, &mut done, cx)?;
        }
    }

    /// Reads the rows from the start and writes on, until all are done or the session is full. A session counts its longest
    /// row and the padding with it, so it may be full while shorter rows still have room: these are handed back.
    fn stretch(&self, mut rows: Vec<Row>, done: &mut Vec<Row>, cx: &mut dyn Context) -> Result<Vec<Row>> {
        let texts: Vec<&[u32]> = rows.iter().map(|row| row.ids.as_slice()).collect();
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let open = if self.how.use_cache { Session::open_with } else { Session::open_uncached_with };
        let columns = score::columns_of(rows.iter().map(|row| &row.columns));
        let (mut session, mut next) = open(self.model, &texts, columns)?;
        // Places that parts put before the text count as the text's own.
        let room = self.room.saturating_sub(session.length().saturating_sub(longest));
        loop {
            let chosen = self.write(&mut rows, &values(next), &session, cx)?;
            let going: Vec<usize> = (0..rows.len()).filter(|r| !rows[*r].is_done(self.limits, room)).collect();
            if going.len() < rows.len() {
                session.reorder(&going);
                let (still, ended): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| !row.is_done(self.limits, room));
                rows = still;
                done.extend(ended);
            }
            if rows.is_empty() || session.length() >= self.room {
                return Ok(rows);
            }
            let chosen: Vec<u32> = going.iter().map(|r| chosen[*r]).collect();
            next = session.push(&chosen)?;
        }
    }

    /// Chooses the next token of every row; `next` are log-probabilities `[rows, vocabulary]`.
    fn write(&self, rows: &mut [Row], next: &[f32], session: &Session, cx: &mut dyn Context) -> Result<Vec<u32>> {
        let vocabulary = next.len() / rows.len().max(1);
        // A penalty changes scores by their sign, so that it needs them as they were before they became probabilities.
        let logits = if self.how.repetition_penalty == 1.0 { vec![] } else { values(session.logits()?) };
        let tokens = self.tokenizer.size().min(vocabulary);
        let mut all = vec![];
        for (r, (row, scores)) in rows.iter_mut().zip(next.chunks(vocabulary)).enumerate() {
            let u = self.draws.example(row.id).step(row.generation.ids.len() as u64).uniform(1)[0];
            let token = match logits.chunks(vocabulary).nth(r) {
                None => choose(&scores[..tokens], self.how, u),
                Some(logits) => {
                    let mut logits = logits[..tokens].to_vec();
                    penalise(&mut logits, &row.ids, self.how.repetition_penalty);
                    choose(&logits, self.how, u)
                }
            };
            row.take(token, scores[token as usize], self.limits, self.tokenizer.as_ref())?;
            cx.wrote(row.id, &row.generation.ids)?;
            all.push(token);
        }
        Ok(all)
    }
}
