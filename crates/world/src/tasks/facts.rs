//! Facts, and questions about them.
//!
//! A fact is where one person did something to another; the same with the two
//! exchanged happened elsewhere, and in a third place it did not happen. A document
//! states all three, so the words of a question suit three statements. The question
//! of a fact is asked in one split alone; where its statement stands is a matter of
//! [`TaskConfig`](crate::TaskConfig). With the three statements beside it (`context`)
//! a question asks for reading, without them for what was read before. Statements of
//! other facts may stand for those with the same words (`alike`).

use crate::inventory::ConceptId;
use crate::inventory::Function;
use crate::meaning::{Clause, Meaning, NounPhrase, Place, Tense};
use crate::random::{Stream, hash};
use crate::selection::Frame;
use crate::split::Split;
use crate::tasks::cast::{distinct, person};
use crate::tasks::draft::{Draft, Field, Piece, Truth};
use crate::tasks::{Maker, Task};
use std::collections::BTreeSet;

const SPLITS: [Split; 3] = [Split::Train, Split::Dev, Split::Test];
const ATTEMPTS: u64 = 100;
/// The statements beside the one that answers a question.
const ALIKE: u32 = 2;

/// What two persons did to each other, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) key: u64,
    verb: ConceptId,
    persons: [ConceptId; 2],
    /// Where the first did it, where the second did, where neither did.
    places: [ConceptId; 3],
    split: Split,
}

/// The facts of a world, split by split, and those that documents of a language state.
#[derive(Default)]
pub(crate) struct Facts {
    all: [Vec<Fact>; SPLITS.len()],
    pub(crate) stated: Vec<Fact>,
}

impl Facts {
    /// The facts that the configuration asks for, or as many as there are; none for
    /// tasks without facts.
    pub(crate) fn of(maker: &Maker<'_>) -> Self {
        if !matches!(maker.config.task, Task::LanguageModel | Task::Translation | Task::FactQa) {
            return Self::default();
        }
        let all = SPLITS.map(|split| of_split(maker, split));
        let stated = all.iter().flatten().copied().filter(|fact| is_stated(maker, fact)).collect();
        Self { all, stated }
    }

    /// How many questions a split has.
    pub(crate) fn questions(&self, split: Split) -> u64 {
        2 * self.within(split).len() as u64
    }

    fn within(&self, split: Split) -> &[Fact] {
        SPLITS.iter().zip(&self.all).find(|(s, _)| **s == split).map_or(&[], |(_, facts)| facts)
    }
}

fn of_split(maker: &Maker<'_>, split: Split) -> Vec<Fact> {
    let count = u64::from(maker.config.facts);
    let mut seen = BTreeSet::new();
    let facts = (0..count * ATTEMPTS).filter_map(|attempt| fact(maker, split, attempt));
    facts.filter(|fact| seen.insert(fact.key)).take(split.size(count) as usize).collect()
}

fn is_stated(maker: &Maker<'_>, fact: &Fact) -> bool {
    let config = maker.config;
    let range = if fact.split == Split::Train { &config.stated } else { &config.stated_held_out };
    range.contains(&((hash(maker.seed, "stated", &[fact.key]) % 1000) as u32))
}

fn fact(maker: &Maker<'_>, split: Split, attempt: u64) -> Option<Fact> {
    let mut stream = Stream::new(maker.seed, "fact", &[split as u64, attempt]);
    let persons = maker.cast.persons(&mut stream, 2);
    let verbs = maker.cast.verbs(Frame::Transitive, split, &persons);
    let verb = *distinct(&mut stream, &verbs, 1).first()?;
    let places = distinct(&mut stream, &maker.cast.places, 3);
    let (&[one, other], &[here, there, elsewhere]) = (persons.as_slice(), places.as_slice()) else { return None };
    let key = maker.cast.key(verb, &persons);
    Some(Fact { key, verb, persons: [one, other], places: [here, there, elsewhere], split })
}

impl Fact {
    /// Whether another fact has neither a person nor a place of this one.
    fn is_apart(&self, other: &Self) -> bool {
        let persons = self.persons.iter().any(|id| other.persons.contains(id));
        !persons && !self.places.iter().any(|id| other.places.contains(id))
    }

    fn clause(&self, maker: &Maker<'_>, subject: usize) -> Clause {
        let [subject, object] = [subject, 1 - subject].map(|index| person(maker.inventory, self.persons[index]));
        let clause = Clause::new(Frame::Transitive, subject, self.verb);
        Clause { object: Some(object), tense: Tense::Past, ..clause }
    }

    /// One of the two doing it, and where.
    fn told(&self, maker: &Maker<'_>, subject: usize, place: ConceptId) -> Clause {
        let place = NounPhrase { determiner: Some(Function::Definite), ..NounPhrase::bare(place) };
        Clause { place: Some(Place::In(place)), ..self.clause(maker, subject) }
    }

    /// Its three statements, the order drawn.
    pub(crate) fn statements(&self, maker: &Maker<'_>, stream: &mut Stream) -> Vec<Piece> {
        let mut rest: Vec<_> = self.places.iter().copied().enumerate().collect();
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let (number, place) = rest.remove(stream.below(rest.len() as u64) as usize);
            let negated = number == 2;
            let subject = if negated { stream.below(2) as usize } else { number };
            pieces.push(Piece::say(Meaning::of(Clause { negated, ..self.told(maker, subject, place) }, None)));
        }
        pieces
    }
}

impl Maker<'_> {
    /// Question `number` of the split: where one of the two did it.
    pub(crate) fn question(&self, number: u64, facts: &Facts) -> Option<Draft> {
        let facts = facts.within(self.split);
        let fact = facts.get(number as usize / 2)?;
        let subject = number as usize % 2;
        let clause = Clause { place: Some(Place::Asked), ..fact.clause(self, subject) };
        let answer = Piece::List(vec![fact.places[subject]], "");
        let mut stream = Stream::new(self.seed, "context", &[fact.key, subject as u64]);
        let (before, after) = facts.split_at(number as usize / 2);
        let others = after[1..].iter().chain(before);
        let (context, keys) = match self.config.alike {
            ALIKE => (fact.statements(self, &mut stream), vec![fact.key]),
            _ => self.statements_of_some(&mut stream, fact, subject, others)?,
        };
        let fields =
            vec![Field::new("question", vec![Piece::say(Meaning::question(clause))]), Field::new("context", context), Field::answer("answer", vec![answer])];
        let meaning = hash(0, "qa", &[fact.key, subject as u64]);
        Some(Draft { meaning, keys, stated: Vec::new(), fields, truth: Truth::Field("answer") })
    }

    /// The statement that answers a question, the turned one if one is to be alike,
    /// and those of other facts with other persons and places, the order drawn; with
    /// the keys of all. None where there are too few facts.
    fn statements_of_some<'f>(
        &self,
        stream: &mut Stream,
        fact: &'f Fact,
        subject: usize,
        others: impl Iterator<Item = &'f Fact>,
    ) -> Option<(Vec<Piece>, Vec<u64>)> {
        let told = |fact: &Fact, subject: usize| fact.told(self, subject, fact.places[subject]);
        let mut clauses = vec![told(fact, subject)];
        if self.config.alike > 0 {
            clauses.push(told(fact, 1 - subject));
        }
        let mut stated = vec![fact];
        for other in others {
            if clauses.len() > ALIKE as usize {
                break;
            }
            if stated.iter().all(|fact| fact.is_apart(other)) {
                clauses.push(told(other, stream.below(2) as usize));
                stated.push(other);
            }
        }
        let mut pieces = Vec::new();
        while !clauses.is_empty() {
            let clause = clauses.remove(stream.below(clauses.len() as u64) as usize);
            pieces.push(Piece::say(Meaning::of(clause, None)));
        }
        let keys = stated.iter().map(|fact| fact.key).collect();
        (pieces.len() > ALIKE as usize).then_some((pieces, keys))
    }
}
