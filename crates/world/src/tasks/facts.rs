//! Facts, and questions about them.
//!
//! A fact is where one person did something to another; the same with the two
//! exchanged happened elsewhere, and in a third place it did not happen. A document
//! states all three, so the words of a question suit three statements. The question
//! of a fact is asked in one split alone; where its statement stands is a matter of
//! [`TaskConfig`](crate::TaskConfig). With the three statements beside it (`context`)
//! a question asks for reading, without them for what was read before. Statements of
//! other facts may stand for those with the same words (`alike`), and say where
//! something did not happen (`denials`).

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
/// What did not happen, beside what one did and the other did.
const DENIED: usize = 2;

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

    /// Its three statements, the order drawn.
    pub(crate) fn statements(&self, stream: &mut Stream) -> Vec<Statement<'_>> {
        let mut rest = vec![0, 1, DENIED];
        let mut statements = Vec::new();
        while !rest.is_empty() {
            let side = rest.remove(stream.below(rest.len() as u64) as usize);
            let negated = side == DENIED;
            let subject = if negated { stream.below(2) as usize } else { side };
            statements.push(Statement { fact: self, subject, negated });
        }
        statements
    }
}

/// One of the two doing it, or not doing it, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Statement<'f> {
    fact: &'f Fact,
    subject: usize,
    negated: bool,
}

impl Statement<'_> {
    fn place(&self) -> ConceptId {
        self.fact.places[if self.negated { DENIED } else { self.subject }]
    }

    fn clause(&self, maker: &Maker<'_>, place: Place) -> Clause {
        let [subject, object] = [self.subject, 1 - self.subject].map(|index| person(maker.inventory, self.fact.persons[index]));
        let clause = Clause::new(Frame::Transitive, subject, self.fact.verb);
        Clause { object: Some(object), tense: Tense::Past, place: Some(place), negated: self.negated, ..clause }
    }

    pub(crate) fn tell(&self, maker: &Maker<'_>) -> Piece {
        let place = NounPhrase { determiner: Some(Function::Definite), ..NounPhrase::bare(self.place()) };
        Piece::say(Meaning::of(self.clause(maker, Place::In(place)), None))
    }

    fn ask(&self, maker: &Maker<'_>) -> Piece {
        Piece::say(Meaning::question(self.clause(maker, Place::Asked)))
    }
}

impl Maker<'_> {
    /// Question `number` of the split: where one of the two did it.
    pub(crate) fn question(&self, number: u64, facts: &Facts) -> Option<Draft> {
        let facts = facts.within(self.split);
        let fact = facts.get(number as usize / 2)?;
        let subject = number as usize % 2;
        let asked = Statement { fact, subject, negated: false };
        let (before, after) = facts.split_at(number as usize / 2);
        let mut stream = Stream::new(self.seed, "context", &[fact.key, subject as u64]);
        let context = match self.config.alike {
            ALIKE => fact.statements(&mut stream),
            _ => self.statements_of_some(&mut stream, asked, after[1..].iter().chain(before))?,
        };
        let mut keys = vec![fact.key];
        keys.extend(context.iter().map(|told| told.fact.key).filter(|key| *key != fact.key));
        let fields = vec![
            Field::new("question", vec![asked.ask(self)]),
            Field::new("context", context.iter().map(|told| told.tell(self)).collect()),
            Field::answer("answer", vec![Piece::List(vec![asked.place()], "")]),
        ];
        let meaning = hash(0, "qa", &[fact.key, subject as u64]);
        Some(Draft { meaning, keys, stated: Vec::new(), fields, truth: Truth::Field("answer") })
    }

    /// The statement that answers a question, the turned one if one is to be alike,
    /// and those of other facts with other persons and places, the order drawn. None
    /// where there are too few facts.
    fn statements_of_some<'f>(&self, stream: &mut Stream, asked: Statement<'f>, others: impl Iterator<Item = &'f Fact>) -> Option<Vec<Statement<'f>>> {
        let mut rest = vec![asked];
        if self.config.alike > 0 {
            rest.push(Statement { subject: 1 - asked.subject, ..asked });
        }
        for fact in others {
            if rest.len() > ALIKE as usize {
                break;
            }
            if rest.iter().all(|told| told.fact.is_apart(fact)) {
                let negated = rest.len() <= (self.config.alike + self.config.denials) as usize;
                rest.push(Statement { fact, subject: stream.below(2) as usize, negated });
            }
        }
        let mut statements = Vec::new();
        while !rest.is_empty() {
            statements.push(rest.remove(stream.below(rest.len() as u64) as usize));
        }
        (statements.len() > ALIKE as usize).then_some(statements)
    }
}
