//! One search: the texts that run, those that ended, and a step of theirs.

use crate::{Beam, EarlyStopping};
use std::collections::BTreeMap;
use tongues_kernel::{Error, Generation, Limits, Result, Tokenizer};

/// A running text.
#[derive(Clone)]
pub struct Running {
    /// Its row in the session.
    pub row: usize,
    /// Σ log-probability, less what diversity cost.
    pub sum: f64,
    /// What was written.
    pub ids: Vec<u32>,
    /// Log-probability of each.
    pub scores: Vec<f32>,
}

/// A text and one more token.
#[derive(Clone, Copy)]
struct Candidate {
    sum: f64,
    beam: usize,
    token: u32,
    score: f32,
}

/// What ends a text.
pub struct Ends<'e> {
    /// Stop tokens and strings.
    pub limits: &'e Limits,
    /// For the strings.
    pub tokenizer: &'e dyn Tokenizer,
    /// Tokens that this text may have.
    pub length: usize,
}

/// Beams that are ranked among each other.
pub struct Group {
    /// Best first.
    pub running: Vec<Running>,
    /// Best first.
    pub ended: Vec<Generation>,
    /// The search goes on.
    pub is_open: bool,
}

impl Group {
    /// Nothing written, read from one row.
    pub fn new(row: usize) -> Self {
        Self { running: vec![Running { row, sum: 0.0, ids: vec![], scores: vec![] }], ended: vec![], is_open: true }
    }

    /// One token more; `next(row)` are log-probabilities of the next token, of those that may be chosen. `taken` counts the
    /// tokens that earlier groups took in this step, and gets this group's.
    ///
    /// # Errors
    /// The model gave NaN.
    pub fn step<'n>(&mut self, how: &Beam, ends: &Ends<'_>, next: impl Fn(usize) -> &'n [f32], taken: &mut BTreeMap<u32, usize>) -> Result<()> {
        let width = how.num_beams / how.num_beam_groups;
        let mut all = self.candidates(how, &next, taken);
        // So many are enough where only stop tokens end a text: each ends one candidate of a beam at most.
        let mut enough = width * (1 + ends.limits.stop.len()).max(2);
        let going = loop {
            best_first(&mut all, enough);
            let (going, ended) = self.sorted_out(&all[..enough.min(all.len())], how, ends)?;
            if going.len() == width || enough >= all.len() || ends.length == self.length() + 1 {
                self.set_aside(ended, width);
                break going;
            }
            enough *= 2;
        };
        for running in &going {
            *taken.entry(running.ids[running.ids.len() - 1]).or_default() += 1;
        }
        self.running = going;
        self.is_open = !self.running.is_empty() && self.may_improve(how, width, ends.length);
        Ok(())
    }

    /// Tokens of the running texts.
    fn length(&self) -> usize {
        self.running.first().map_or(0, |running| running.ids.len())
    }

    fn candidates<'n>(&self, how: &Beam, next: &impl Fn(usize) -> &'n [f32], taken: &BTreeMap<u32, usize>) -> Vec<Candidate> {
        let mut all = vec![];
        for (beam, running) in self.running.iter().enumerate() {
            let start = all.len();
            let one = |(token, score): (usize, &f32)| Candidate { sum: running.sum + f64::from(*score), beam, token: token as u32, score: *score };
            all.extend(next(running.row).iter().enumerate().map(one));
            for (token, times) in taken {
                if let Some(candidate) = all.get_mut(start + *token as usize) {
                    candidate.sum -= how.diversity_penalty * *times as f64;
                }
            }
        }
        all
    }

    /// Of candidates, best first: those that run on, and those among the first `width` that end.
    fn sorted_out(&self, best: &[Candidate], how: &Beam, ends: &Ends<'_>) -> Result<(Vec<Running>, Vec<Generation>)> {
        let (mut going, mut ended) = (vec![], vec![]);
        let width = how.num_beams / how.num_beam_groups;
        for (rank, candidate) in best.iter().enumerate() {
            if candidate.sum.is_nan() {
                return Err(Error::run("decoder beam", "the model's log-probabilities are NaN"));
            }
            let (running, stopped) = self.extended(candidate, ends)?;
            let is_end = stopped || running.ids.len() == ends.length;
            if !is_end && going.len() < width {
                going.push(running);
            } else if is_end && rank < width {
                let rank = running.sum / (running.ids.len() as f64).powf(how.length_penalty);
                let mut generation = Generation { ids: running.ids, scores: running.scores, stopped, rank: Some(rank), ..Generation::default() };
                if ends.limits.stop.contains(&candidate.token) {
                    generation.ids.pop();
                    generation.scores.pop();
                }
                ended.push(generation);
            }
        }
        Ok((going, ended))
    }

    /// A text with its candidate's token, and whether that stops it.
    fn extended(&self, candidate: &Candidate, ends: &Ends<'_>) -> Result<(Running, bool)> {
        let mut running = self.running[candidate.beam].clone();
        running.sum = candidate.sum;
        running.ids.push(candidate.token);
        running.scores.push(candidate.score);
        let stopped = ends.limits.stop.contains(&candidate.token) || ends.limits.is_met(ends.tokenizer, &running.ids)?;
        Ok((running, stopped))
    }

    /// Texts that ended in this step, by their scores among those that ended before.
    fn set_aside(&mut self, ended: Vec<Generation>, width: usize) {
        self.ended.extend(ended);
        self.ended.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
        self.ended.truncate(width);
    }

    /// Whether a running text may still become one of the best.
    fn may_improve(&self, how: &Beam, width: usize, most: usize) -> bool {
        if self.ended.len() < width {
            return true;
        }
        let length = match how.early_stopping {
            EarlyStopping::True => return false,
            EarlyStopping::Never if how.length_penalty > 0.0 => most,
            _ => self.length(),
        };
        let best = self.running.first().map_or(f64::NEG_INFINITY, |running| running.sum / (length as f64).powf(how.length_penalty));
        best > self.ended.last().map_or(f64::NEG_INFINITY, rank)
    }
}

/// What a text that ended was ranked by.
pub fn rank(generation: &Generation) -> f64 {
    generation.rank.unwrap_or(f64::NEG_INFINITY)
}

/// Puts the `n` best candidates first, in order; ties by beam, then by token.
fn best_first(all: &mut [Candidate], n: usize) {
    let order = |a: &Candidate, b: &Candidate| b.sum.total_cmp(&a.sum).then((a.beam, a.token).cmp(&(b.beam, b.token)));
    if n < all.len() {
        all.select_nth_unstable_by(n, order);
    }
    let n = n.min(all.len());
    all[..n].sort_unstable_by(order);
}
