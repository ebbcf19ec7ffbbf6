//! Documents and translations: sentences of the world, texts of other tasks, and
//! in documents the statements of facts.

use crate::random::{Stream, hash};
use crate::split::Split;
use crate::tasks::draft::{Draft, Field, Piece, Truth};
use crate::tasks::facts::Facts;
use crate::tasks::{Maker, Task};

/// The tasks whose first field a document or translation may take over.
const LENDERS: [Task; 6] = [Task::Arithmetic, Task::Nli, Task::Slots, Task::Intent, Task::Instruction, Task::FactQa];

/// Counters of another task tried for one text.
const TRIES: u64 = 64;

/// A text with the keys of what it tells.
struct Body {
    pieces: Vec<Piece>,
    keys: Vec<u64>,
    meaning: u64,
}

impl Maker<'_> {
    pub(crate) fn document(&self, stream: &mut Stream, number: u64, facts: &Facts) -> Option<Draft> {
        let Body { mut pieces, keys, meaning } = self.body(stream, number, u64::from(self.config.sentences), facts)?;
        let mut stated = Vec::new();
        // Facts are stated in train alone: what is held out is the question.
        let turn = number.checked_rem(facts.stated.len() as u64).filter(|_| self.split == Split::Train);
        if let Some(fact) = turn.and_then(|turn| facts.stated.get(turn as usize)) {
            pieces.extend(fact.statements(stream).iter().map(|told| told.tell(self)));
            stated.push(fact.key);
        }
        let truth = Truth::Field("text");
        Some(Draft { meaning: hash(0, "lm", &[meaning]), keys, stated, fields: vec![Field::new("text", pieces)], truth })
    }

    pub(crate) fn translation(&self, stream: &mut Stream, number: u64, facts: &Facts) -> Option<Draft> {
        let Body { pieces, keys, meaning } = self.body(stream, number, 1, facts)?;
        let source = Field { foreign: true, ..Field::new("source", pieces.clone()) };
        let fields = vec![source, Field::answer("target", pieces)];
        Some(Draft { meaning: hash(0, "translation", &[meaning]), keys, stated: Vec::new(), fields, truth: Truth::Field("target") })
    }

    fn body(&self, stream: &mut Stream, number: u64, sentences: u64, facts: &Facts) -> Option<Body> {
        if stream.chance(self.config.borrowed_permille.into(), 1000) {
            return self.borrowed(stream, number, facts);
        }
        let (mut pieces, mut keys) = (Vec::new(), Vec::new());
        for index in number * sentences..(number + 1) * sentences {
            if index >= self.planner.capacity(self.split) {
                return None;
            }
            let (said, meaning) = self.planner.plan(self.inventory, self.split, index);
            pieces.push(Piece::say(said));
            keys.push(meaning >> 3);
        }
        Some(Body { pieces, keys, meaning: hash(0, "sentences", &[number]) })
    }

    fn borrowed(&self, stream: &mut Stream, number: u64, facts: &Facts) -> Option<Body> {
        let task = LENDERS[stream.below(LENDERS.len() as u64) as usize];
        let first = if task == Task::FactQa { number % facts.questions(self.split).max(1) } else { number * TRIES };
        let draft = (first..first + TRIES).find_map(|attempt| self.draft(task, attempt, facts))?;
        let pieces = draft.fields.into_iter().next()?.pieces;
        Some(Body { pieces, keys: draft.keys, meaning: hash(draft.meaning, task.name(), &[]) })
    }
}
