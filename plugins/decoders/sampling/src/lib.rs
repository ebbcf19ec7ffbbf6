//! # sampling
//!
//! Continues texts token by token: the likeliest token, or one drawn from the model's distribution.
//! Papers: temperature: Ackley, Hinton and Sejnowski 1985, "A Learning Algorithm for Boltzmann Machines" (Cognitive Science 9);
//! top-k: Fan et al. 2018, "Hierarchical Neural Story Generation" (arXiv 1805.04833); top-p: Holtzman et al. 2020, "The Curious
//! Case of Neural Text Degeneration" (arXiv 1904.09751, §3.1).
//!
//! ## What it does
//! At each step: divide log-probabilities by the temperature, keep the `top_k` likeliest, of these keep the smallest set whose
//! probability reaches `top_p` (at least one), and draw. Temperature 0 takes the likeliest; ties go to the lowest id. What is
//! drawn depends on the seed, the request's id and the step, so that a text does not depend on which others are written
//! beside it. A text ends at a stop token, after `max_new_tokens`, or when prompt and text fill the model's positions. Scores
//! are log-probabilities under the unchanged distribution.
//!
//! ## When to use
//! Temperature 0 where an answer is right or wrong; temperature 1 and top_p 0.9 or so for text that should read like text.
//!
//! ## Differences from the paper
//! The order of the three is that of `transformers`. Where several tokens tie for the last of the `top_k` places, those with
//! the lowest ids are taken (`transformers` takes all). Rows of the vocabulary that the tokenizer has no token for are never
//! chosen.
//!
//! ## Reproduces
//! No published number. The tests compare greedy text with the model read from the start at every step, and draws with the
//! distribution worked out by hand.

mod choose;
mod row;

pub use choose::choose;

use row::Row;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Context, Decoder, Draws, Generation, Limits, Model, Request, Result, Session, refuse, register, values};

/// How tokens are chosen; keys and defaults follow `transformers`, with off written as 0 and 1.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Divides the log-probabilities: below 1 sharper, above 1 flatter; 0 takes the likeliest token.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0))]
    pub temperature: f64,
    /// Only so many of the likeliest tokens; 0 for all.
    #[serde(default)]
    pub top_k: usize,
    /// Only the smallest set of likeliest tokens with this probability; 1 for all.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub top_p: f64,
    /// Texts written side by side; more is faster and needs more memory.
    #[serde(default = "batch")]
    #[schemars(range(min = 1))]
    pub batch: usize,
}

fn one() -> f64 {
    1.0
}
fn batch() -> usize {
    8
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: one(), top_k: 0, top_p: one(), batch: batch() }
    }
}

impl Decoder for Sampling {
    fn decode(&self, cx: &mut dyn Context, requests: &[Request], limits: &Limits) -> Result<Vec<Generation>> {
        let model = cx.subject()?.inference();
        let work = Work::new(self, &model, limits, cx.draws().stream("sampling"))?;
        work.check(requests)?;
        // Prompts of like length beside each other: less padding.
        let mut order: Vec<usize> = (0..requests.len()).collect();
        order.sort_by_key(|i| (requests[*i].prompt.len(), *i));
        let mut written = vec![Generation::default(); requests.len()];
        for chunk in order.chunks(self.batch.max(1)) {
            let rows = chunk.iter().map(|i| Row::new(*i, &requests[*i])).collect();
            for row in work.batch(rows)? {
                written[row.index] = row.generation;
            }
        }
        Ok(written)
    }
}

/// What does not change while a call is at work.
struct Work<'w> {
    how: &'w Sampling,
    model: &'w Model,
    limits: &'w Limits,
    draws: Draws,
    /// Tokens that prompt and text may have together.
    room: usize,
    /// Ids below it have a token.
    tokens: usize,
}

impl<'w> Work<'w> {
    fn new(how: &'w Sampling, model: &'w Model, limits: &'w Limits, draws: Draws) -> Result<Self> {
        let room = match model.spec().max_positions {
            0 => usize::MAX,
            positions => positions,
        };
        Ok(Self { how, model, limits, draws, room, tokens: model.tokenizer()?.size() })
    }

    fn check(&self, requests: &[Request]) -> Result<()> {
        for request in requests {
            let place = format!("request {}", request.id);
            if request.prompt.is_empty() {
                return refuse(place, "a prompt of at least one token", "none", "begin with the begin-of-sequence token");
            }
            if request.prompt.len() > self.room {
                return refuse(place, format!("a prompt of at most {} tokens (the model's positions)", self.room), request.prompt.len(), "shorten the prompt");
            }
        }
        Ok(())
    }

    /// Writes some texts side by side.
    fn batch(&self, mut rows: Vec<Row>) -> Result<Vec<Row>> {
        let mut done = vec![];
        loop {
            let (going, ended): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| !row.is_done(self.limits, self.room));
            done.extend(ended);
            if going.is_empty() {
                return Ok(done);
            }
            rows = self.stretch(going, &mut done)?;
        }
    }

    /// Reads the rows from the start and writes on, until all are done or the session is full. A session counts its longest
    /// row and the padding with it, so it may be full while shorter rows still have room: these are handed back.
    fn stretch(&self, mut rows: Vec<Row>, done: &mut Vec<Row>) -> Result<Vec<Row>> {
        let texts: Vec<&[u32]> = rows.iter().map(|row| row.ids.as_slice()).collect();
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let (mut session, mut next) = Session::open(self.model, &texts)?;
        // Places that parts put before the text count as the text's own.
        let room = self.room.saturating_sub(session.length().saturating_sub(longest));
        loop {
            let chosen = self.write(&mut rows, next)?;
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
    fn write(&self, rows: &mut [Row], next: Tensor<2>) -> Result<Vec<u32>> {
        let vocabulary = next.dims()[1];
        let all = values(next);
        let one = |(row, scores): (&mut Row, &[f32])| {
            let u = self.draws.example(row.id).step(row.generation.ids.len() as u64).uniform(1)[0];
            let token = choose(&scores[..self.tokens.min(vocabulary)], self.how, u);
            row.take(token, scores[token as usize], self.limits)?;
            Ok(token)
        };
        rows.iter_mut().zip(all.chunks(vocabulary)).map(one).collect()
    }
}

register!(Decoder, "sampling", "Greedy text, or draws with temperature, top-k and top-p", Sampling);
