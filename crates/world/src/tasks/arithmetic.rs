//! Arithmetic word problems. Persons own a number of things; some are given away,
//! found or lost, and some are not; how many has one of them in the end? The chain
//! works out what changes that number, step by step. Where one person alone owns
//! something, it is exchanged with another of whom no number is told.

use crate::inventory::ConceptId;
use crate::meaning::{Clause, Count, Meaning, NounPhrase, Number, Tense};
use crate::random::{Stream, hash};
use crate::selection::Frame;
use crate::tasks::Maker;
use crate::tasks::cast::{distinct, own_key, person};
use crate::tasks::draft::{Draft, Field, Piece, Truth};
use crate::words::Extra;

const MOST: u64 = 9;

/// The fewest who take part: a gift has two sides.
const PARTIES: usize = 2;

/// Who owns how many of what, and what happened so far.
struct Ledger {
    /// The owners, then whoever they exchange with.
    persons: Vec<ConceptId>,
    owners: usize,
    thing: ConceptId,
    amounts: Vec<u32>,
    events: Vec<Event>,
}

/// Something that happens to a number of things, or does not.
struct Event {
    verb: Extra,
    /// Whose it is, by number.
    from: Option<usize>,
    to: Option<usize>,
    count: u32,
    negated: bool,
}

impl Ledger {
    /// An event that is possible: nobody gives what they do not have. Who is no owner
    /// has some as well, so that a gift to an owner is as likely as one of theirs.
    fn happen(&mut self, stream: &mut Stream) {
        let actor = stream.below(self.persons.len() as u64) as usize;
        let other = (actor + 1 + stream.below(self.persons.len() as u64 - 1) as usize) % self.persons.len();
        let verb = [Extra::Give, Extra::Give, Extra::Find, Extra::Lose][stream.below(4) as usize];
        let negated = stream.chance(1, 4);
        let has = if verb == Extra::Find || self.amounts[actor] == 0 { MOST } else { u64::from(self.amounts[actor]).min(MOST) };
        let count = 1 + stream.below(has) as u32;
        let (from, to) = match verb {
            Extra::Give => (Some(actor), Some(other)),
            Extra::Lose => (Some(actor), None),
            _ => (None, Some(actor)),
        };
        let negated = negated || from.is_some_and(|from| self.amounts[from] < count);
        if !negated {
            from.iter().for_each(|from| self.amounts[*from] -= count);
            to.iter().for_each(|to| self.amounts[*to] += count);
        }
        self.events.push(Event { verb, from, to, count, negated });
    }

    /// What the problem tells of the amounts at first: those of the owners.
    fn told(&self, amounts: &[u32]) -> impl Iterator<Item = u32> {
        amounts.iter().copied().take(self.owners)
    }

    /// The persons that the problem names.
    fn named(&self) -> impl Iterator<Item = ConceptId> {
        let acts = |person| self.events.iter().any(|event| [event.from, event.to].contains(&Some(person)));
        self.persons.iter().enumerate().filter(move |(number, _)| *number < self.owners || acts(*number)).map(|(_, id)| *id)
    }

    /// What changes the number of one person, with its sign.
    fn changes(&self, person: usize) -> Vec<(&'static str, u32)> {
        let real = self.events.iter().filter(|event| !event.negated);
        let signed = real.filter_map(|event| match event {
            event if event.from == Some(person) => Some(("-", event.count)),
            event if event.to == Some(person) => Some(("+", event.count)),
            _ => None,
        });
        signed.collect()
    }
}

impl Maker<'_> {
    pub(crate) fn arithmetic(&self, stream: &mut Stream) -> Option<Draft> {
        let owners = self.config.entities as usize;
        let parties = owners.max(PARTIES);
        let persons = self.cast.persons(stream, parties);
        let thing = *distinct(stream, &self.cast.things, 1).first()?;
        if persons.len() < parties {
            return None;
        }
        let amounts: Vec<u32> = persons.iter().map(|_| 1 + stream.below(MOST) as u32).collect();
        let mut ledger = Ledger { amounts: amounts.clone(), persons, owners, thing, events: Vec::new() };
        (0..self.config.steps).for_each(|_| ledger.happen(stream));
        let asked = stream.below(owners as u64) as usize;
        let (key, meaning) = self.problem_keys(&ledger, &amounts, asked);
        let changes = ledger.changes(asked);
        let (chain, largest) = self.chain(amounts[asked], &changes);
        let solved = !changes.is_empty() && largest <= self.config.largest && self.split.holds(key);
        let answer = ledger.amounts[asked];
        let fields = vec![
            Field::new("problem", self.problem(&ledger, &amounts, asked)),
            Field::answer("chain", chain),
            Field::answer("answer", vec![Piece::number(self.inventory, answer, "")]),
        ];
        solved.then_some(Draft { meaning, keys: vec![key], stated: Vec::new(), fields, truth: Truth::Number(answer) })
    }

    fn problem(&self, ledger: &Ledger, amounts: &[u32], asked: usize) -> Vec<Piece> {
        let has = |owner: usize, count: Count| {
            let clause = Clause::new(Frame::Transitive, person(self.inventory, ledger.persons[owner]), Extra::Have.id(self.inventory));
            Clause { object: Some(things(ledger.thing, count)), ..clause }
        };
        let mut pieces: Vec<_> = ledger.told(amounts).enumerate().map(|(owner, amount)| Piece::say(Meaning::of(has(owner, Count::Of(amount)), None))).collect();
        pieces.extend(ledger.events.iter().map(|event| Piece::say(Meaning::of(self.event(ledger, event), None))));
        pieces.push(Piece::say(Meaning::question(has(asked, Count::Asked))));
        pieces
    }

    fn event(&self, ledger: &Ledger, event: &Event) -> Clause {
        let who = |number: usize| person(self.inventory, ledger.persons[number]);
        let actor = event.from.or(event.to).unwrap_or_default();
        let recipient = event.from.and(event.to).map(who);
        let frame = if recipient.is_some() { Frame::Ditransitive } else { Frame::Transitive };
        let clause = Clause::new(frame, who(actor), event.verb.id(self.inventory));
        Clause { object: Some(things(ledger.thing, Count::Of(event.count))), recipient, tense: Tense::Past, negated: event.negated, ..clause }
    }

    /// The steps such as "five - two = three.", and the largest number in them.
    fn chain(&self, start: u32, changes: &[(&'static str, u32)]) -> (Vec<Piece>, u32) {
        let number = |value, mark| Piece::number(self.inventory, value, mark);
        let (mut pieces, mut value, mut largest) = (Vec::new(), start, start);
        for (sign, count) in changes {
            let next = if *sign == "+" { value + count } else { value - count };
            pieces.extend([number(value, ""), Piece::Sign(sign), number(*count, ""), Piece::Sign("="), number(next, ".")]);
            value = next;
            largest = largest.max(value);
        }
        (pieces, largest)
    }

    /// The key of the problem, and its meaning. One key has all problems with these
    /// persons, things and numbers, in whatever order.
    fn problem_keys(&self, ledger: &Ledger, amounts: &[u32], asked: usize) -> (u64, u64) {
        let mut persons: Vec<_> = ledger.named().map(u64::from).collect();
        let mut numbers: Vec<_> = ledger.told(amounts).chain(ledger.events.iter().map(|event| event.count)).map(u64::from).collect();
        let ordered = [persons.clone(), numbers.clone()].concat();
        let events = ledger
            .events
            .iter()
            .flat_map(|event| [event.verb as u64, event.from.map_or(9, |n| n as u64), event.to.map_or(9, |n| n as u64), event.negated.into()]);
        let meaning: Vec<_> = ordered.into_iter().chain(events).chain([u64::from(ledger.thing), asked as u64]).collect();
        persons.sort_unstable();
        numbers.sort_unstable();
        persons.extend(numbers);
        persons.push(ledger.thing.into());
        (own_key(self.seed, "problem", &persons), hash(0, "arithmetic", &meaning))
    }
}

fn things(thing: ConceptId, count: Count) -> NounPhrase {
    let number = if count == Count::Of(1) { Number::One } else { Number::Many };
    NounPhrase { number, count: Some(count), ..NounPhrase::bare(thing) }
}
