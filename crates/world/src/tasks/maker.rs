//! From a counter to the items of a task.

use crate::error::WorldError;
use crate::inventory::{ConceptId, Inventory};
use crate::meaning::{Clause, TENSES, Tense};
use crate::plan::Planner;
use crate::random::Stream;
use crate::selection::Frame;
use crate::split::Split;
use crate::tasks::cast::{Cast, person};
use crate::tasks::draft::Draft;
use crate::tasks::facts::Facts;
use crate::tasks::{Task, TaskConfig};
use std::collections::BTreeSet;

/// Counters in a row that give nothing new before a split counts as used up.
const MISSES: u64 = 10_000;

/// Most items of one list: some tasks never end.
const MOST: u64 = 1_000_000;

/// Makes the drafts of one task and split.
pub(crate) struct Maker<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) planner: &'a Planner,
    pub(crate) seed: u64,
    pub(crate) config: &'a TaskConfig,
    pub(crate) split: Split,
    pub(crate) cast: Cast,
}

impl<'a> Maker<'a> {
    pub(crate) fn new(inventory: &'a Inventory, planner: &'a Planner, seed: u64, config: &'a TaskConfig, split: Split) -> Self {
        Self { inventory, planner, seed, config, split, cast: Cast::new(inventory, seed) }
    }

    /// The first `count` drafts with distinct meanings.
    pub(crate) fn drafts(&self, count: usize) -> Result<Vec<Draft>, WorldError> {
        let refused = |available| {
            let (task, split) = (self.config.task.name(), self.split.name());
            Err(WorldError::TooManyItems { task, split, available, asked: count as u64 })
        };
        if count as u64 > MOST {
            return refused(MOST);
        }
        let facts = Facts::of(self);
        let (mut drafts, mut seen) = (Vec::new(), BTreeSet::new());
        let (mut counter, mut misses) = (0, 0);
        while drafts.len() < count {
            let draft = self.draft(self.config.task, counter, &facts);
            counter += 1;
            match draft.filter(|draft| seen.insert(draft.meaning)) {
                Some(draft) => {
                    drafts.push(draft);
                    misses = 0;
                }
                None if misses == MISSES => return refused(drafts.len() as u64),
                None => misses += 1,
            }
        }
        Ok(drafts)
    }

    /// What a counter gives, unless it belongs to another split.
    pub(crate) fn draft(&self, task: Task, attempt: u64, facts: &Facts) -> Option<Draft> {
        let mut stream = Stream::new(self.seed, task.name(), &[self.split as u64, attempt]);
        match task {
            Task::LanguageModel => self.document(&mut stream, attempt, facts),
            Task::Translation => self.translation(&mut stream, attempt, facts),
            Task::FactQa => self.question(attempt, facts),
            Task::Arithmetic => self.arithmetic(&mut stream),
            Task::Nli => self.nli(&mut stream),
            Task::Slots => self.slots(&mut stream),
            Task::Intent => self.intent(&mut stream),
            Task::Retrieval => self.retrieval(&mut stream),
            Task::Instruction => self.instruction(&mut stream),
            Task::Preference => self.preference(&mut stream),
        }
    }

    /// Two verbs, and two persons who do one thing each to the other.
    pub(crate) fn exchange(&self, stream: &mut Stream) -> Option<Exchange> {
        let persons = self.cast.persons(stream, 2);
        let verbs = self.cast.verbs(Frame::Transitive, self.split, &persons);
        let verbs = super::cast::distinct(stream, &verbs, 2);
        let tense = TENSES[stream.below(3) as usize];
        let (&[first, second], &[one, other]) = (verbs.as_slice(), persons.as_slice()) else { return None };
        Some(Exchange { verbs: [first, second], persons: [one, other], tense })
    }

    /// An exchange of persons who are not in the first one, in its tense.
    pub(crate) fn stranger(&self, stream: &mut Stream, first: &Exchange) -> Option<Exchange> {
        let apart = |other: &Exchange| !other.persons.iter().any(|id| first.persons.contains(id));
        let other = (0..64).find_map(|_| self.exchange(stream).filter(apart))?;
        Some(Exchange { tense: first.tense, ..other })
    }

    /// The clause of an exchange: who does it, and whether it is negated.
    pub(crate) fn act(&self, exchange: &Exchange, verb: usize, subject: usize, negated: bool) -> Clause {
        let [subject, object] = [subject, 1 - subject].map(|index| person(self.inventory, exchange.persons[index]));
        let clause = Clause::new(Frame::Transitive, subject, exchange.verbs[verb]);
        Clause { object: Some(object), tense: exchange.tense, negated, ..clause }
    }

    /// The keys of the two events.
    pub(crate) fn keys(&self, exchange: &Exchange) -> Vec<u64> {
        exchange.verbs.iter().map(|verb| self.cast.key(*verb, &exchange.persons)).collect()
    }
}

/// Two persons and what they do to each other.
pub(crate) struct Exchange {
    pub(crate) verbs: [ConceptId; 2],
    pub(crate) persons: [ConceptId; 2],
    pub(crate) tense: Tense,
}

/// Where the second verb stands among the numbers of an exchange.
pub(crate) const VERB: usize = 1;

impl Exchange {
    /// Numbers that tell it from others.
    pub(crate) fn parts(&self) -> [u64; 5] {
        let [first, second] = self.verbs.map(u64::from);
        let [one, other] = self.persons.map(u64::from);
        [first, second, one, other, self.tense as u64]
    }
}
