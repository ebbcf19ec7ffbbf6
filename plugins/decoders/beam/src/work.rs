//! Searches of several prompts side by side in one session.

use crate::Beam;
use crate::group::{Ends, Group, rank};
use std::collections::BTreeMap;
use tongues_kernel::{Generation, Limits, Model, Request, Result, Session, Tokenizer, check_requests, score, values};

/// What does not change while a call is at work.
pub struct Work<'w> {
    how: &'w Beam,
    model: &'w Model,
    tokenizer: &'w dyn Tokenizer,
    limits: &'w Limits,
    requests: &'w [Request],
    /// Tokens that prompt and text may have together.
    room: usize,
}

/// The search of one prompt.
struct Text {
    /// Its place among the requests.
    index: usize,
    /// Tokens that its text may have.
    length: usize,
    groups: Vec<Group>,
}

impl<'w> Work<'w> {
    /// Checks the requests.
    ///
    /// # Errors
    /// A prompt is empty or too long.
    pub fn new(how: &'w Beam, model: &'w Model, limits: &'w Limits, requests: &'w [Request]) -> Result<Self> {
        let room = check_requests(model, requests)?;
        Ok(Self { how, model, tokenizer: model.tokenizer()?.as_ref(), limits, requests, room })
    }

    fn prompt(&self, index: usize) -> &'w [u32] {
        &self.requests[index].prompt
    }

    /// Tokens that the text of a request may have where parts take `extra` places.
    fn length(&self, index: usize, extra: usize) -> usize {
        self.limits.max_new_tokens.min(self.room.saturating_sub(extra + self.prompt(index).len()))
    }

    /// Requests side by side, of like length; none whose text may have no token.
    pub fn chunks(&self) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.requests.len()).filter(|i| self.length(*i, 0) > 0).collect();
        order.sort_by_key(|i| (self.prompt(*i).len(), *i));
        order.chunks(self.how.batch.max(1)).flat_map(|chunk| if self.fits(chunk, 0) { vec![chunk.to_vec()] } else { alone(chunk) }).collect()
    }

    /// Whether every text can have its length in one session, which counts its longest row and the padding with it.
    fn fits(&self, chunk: &[usize], extra: usize) -> bool {
        let longest = chunk.iter().map(|i| self.prompt(*i).len()).max().unwrap_or(0);
        let most = chunk.iter().map(|i| self.length(*i, extra)).max().unwrap_or(0);
        chunk.len() == 1 || longest + extra + most <= self.room
    }

    /// Searches side by side; gives texts with their places among the requests.
    ///
    /// # Errors
    /// The model gives NaN.
    pub fn batch(&self, chunk: &[usize]) -> Result<Vec<(usize, Generation)>> {
        let prompts: Vec<&[u32]> = chunk.iter().map(|i| self.prompt(*i)).collect();
        let open = if self.how.use_cache { Session::open_with } else { Session::open_uncached_with };
        let columns = score::columns_of(chunk.iter().map(|i| &self.requests[*i].columns));
        let (mut session, mut next) = open(self.model, &prompts, columns)?;
        let longest = prompts.iter().map(|prompt| prompt.len()).max().unwrap_or(0);
        let extra = session.length().saturating_sub(longest);
        if !self.fits(chunk, extra) {
            let apart: Result<Vec<Vec<_>>> = alone(chunk).iter().map(|one| self.batch(one)).collect();
            return Ok(apart?.concat());
        }
        let groups = |row| (0..self.how.num_beam_groups).map(|_| Group::new(row)).collect();
        let text = |(row, i): (usize, &usize)| Text { index: *i, length: self.length(*i, extra), groups: groups(row) };
        let mut texts: Vec<Text> = chunk.iter().enumerate().map(text).filter(|text| text.length > 0).collect();
        let mut done = vec![];
        while !texts.is_empty() {
            let vocabulary = next.dims()[1];
            let scores = values(next);
            for text in &mut texts {
                self.step(text, &scores, vocabulary)?;
            }
            let (open, over): (Vec<Text>, Vec<Text>) = texts.into_iter().partition(Text::is_open);
            done.extend(over.into_iter().map(|text| self.found(text)));
            texts = open;
            let (rows, tokens) = lined_up(&mut texts);
            if rows.is_empty() {
                break;
            }
            session.reorder(&rows);
            next = session.push(&tokens)?;
        }
        Ok(done)
    }

    fn step(&self, text: &mut Text, scores: &[f32], vocabulary: usize) -> Result<()> {
        let tokens = self.tokenizer.size().min(vocabulary);
        let next = |row: usize| &scores[row * vocabulary..row * vocabulary + tokens];
        let ends = Ends { limits: self.limits, tokenizer: self.tokenizer, length: text.length };
        let mut taken = BTreeMap::new();
        text.groups.iter_mut().filter(|group| group.is_open).try_for_each(|group| group.step(self.how, &ends, next, &mut taken))
    }

    /// The best texts of all groups.
    fn found(&self, text: Text) -> (usize, Generation) {
        let mut all: Vec<Generation> = text.groups.into_iter().flat_map(|group| group.ended).collect();
        all.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
        all.truncate(self.how.num_return_sequences);
        let mut all = all.into_iter();
        let best = all.next().unwrap_or_default();
        (text.index, Generation { others: all.collect(), ..best })
    }
}

impl Text {
    fn is_open(&self) -> bool {
        self.groups.iter().any(|group| group.is_open)
    }
}

fn alone(chunk: &[usize]) -> Vec<Vec<usize>> {
    chunk.iter().map(|i| vec![*i]).collect()
}

/// The rows that go on, with their new tokens; every running text learns its new row.
fn lined_up(texts: &mut [Text]) -> (Vec<usize>, Vec<u32>) {
    let (mut rows, mut tokens) = (vec![], vec![]);
    for running in texts.iter_mut().flat_map(|text| &mut text.groups).filter(|group| group.is_open).flat_map(|group| &mut group.running) {
        rows.push(std::mem::replace(&mut running.row, rows.len()));
        tokens.extend(running.ids.last());
    }
    (rows, tokens)
}
