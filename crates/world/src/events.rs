//! Every event of a frame, numbered, with Zipf-like words, cut into splits.
//!
//! Each concept has a cost that grows with its rank. The events are the
//! combinations whose product of costs stays below a limit (a hyperbolic
//! cross), so a concept of cost c takes part in about 1/c as many events as one
//! of cost 1: drawing events evenly, without repetition, draws words by Zipf's
//! law. A keyed permutation orders the events; the place modulo ten is the
//! split. Near-synonyms count as one concept here, so that no language that
//! merges them can say an event of test as it says one of train.

use crate::inventory::{ConceptId, Inventory, PERSONS, WordClass};
use crate::random::{Permutation, hash};
use crate::selection::{Frame, NounClass, Pattern, patterns};
use crate::split::Split;

/// An event: a predicate and who takes part, each the first of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) predicate: ConceptId,
    pub(crate) subject: ConceptId,
    /// Object, place, or standard of comparison.
    pub(crate) object: Option<ConceptId>,
    pub(crate) recipient: Option<ConceptId>,
}

/// Who can fill a role, by rising cost.
struct Slot(Vec<(u64, Option<ConceptId>)>);

impl Slot {
    fn new(inventory: &Inventory, classes: &[NounClass], optional: bool) -> Self {
        let mut fillers = Vec::new();
        if optional || classes.is_empty() {
            fillers.push((1, None));
        }
        for (place, class) in classes.iter().enumerate() {
            let factor = if place == 0 { 1 } else { 3 };
            let mut add = |id: ConceptId, cost: u64| fillers.push((cost * factor, Some(id)));
            if *class == NounClass::Person {
                PERSONS.iter().for_each(|person| add(person.id(), 4));
                let names = inventory.class(WordClass::Name);
                names.for_each(|id| add(id, u64::from(inventory.get(id).rank) + 6));
            }
            for id in inventory.groups(WordClass::Noun(*class)) {
                add(id, u64::from(inventory.get(id).rank) + 3);
            }
        }
        fillers.sort_unstable();
        Self(fillers)
    }

    /// How many fillers cost at most `limit`.
    fn within(&self, limit: u64) -> u64 {
        self.0.partition_point(|(cost, _)| *cost <= limit) as u64
    }

    fn find(&self, id: Option<ConceptId>) -> Option<usize> {
        self.0.iter().position(|(_, filler)| *filler == id)
    }
}

struct Roles {
    subject: Slot,
    object: Slot,
    recipient: Slot,
}

impl Roles {
    fn new(inventory: &Inventory, frame: Frame, pattern: &Pattern) -> Self {
        let optional = matches!(frame, Frame::Intransitive | Frame::Copular);
        Self {
            subject: Slot::new(inventory, pattern.subject, false),
            object: Slot::new(inventory, pattern.object, optional),
            recipient: Slot::new(inventory, pattern.recipient, false),
        }
    }

    /// How many objects and recipients cost at most `limit` together.
    fn tails(&self, limit: u64) -> u64 {
        let affordable = &self.object.0[..self.object.within(limit) as usize];
        let counts = affordable.iter().map(|(cost, _)| self.recipient.within(limit / cost));
        counts.sum()
    }

    /// How many tails come before the first of object number `object`.
    fn before(&self, limit: u64, object: u64) -> u64 {
        let earlier = &self.object.0[..object as usize];
        earlier.iter().map(|(cost, _)| self.recipient.within(limit / cost)).sum()
    }

    /// Object and recipient of the tail number `rest`.
    fn tail(&self, limit: u64, mut rest: u64) -> (Option<ConceptId>, Option<ConceptId>) {
        for (cost, object) in &self.object.0 {
            let recipients = self.recipient.within(limit / cost);
            if rest < recipients {
                return (*object, self.recipient.0[rest as usize].1);
            }
            rest -= recipients;
        }
        (None, None)
    }
}

/// The events of one frame.
pub(crate) struct EventSpace {
    limit: u64,
    predicates: Vec<(ConceptId, u64)>,
    patterns: Vec<Roles>,
    /// For each predicate its pattern and where its subjects begin in `starts`.
    rows: Vec<(usize, usize)>,
    /// For each predicate and subject the number of the first event.
    starts: Vec<u64>,
    order: Permutation,
}

impl EventSpace {
    pub(crate) fn new(inventory: &Inventory, frame: Frame, seed: u64) -> Self {
        let groups = inventory.groups(frame.word_class());
        let mut space = Self {
            limit: if frame == Frame::Ditransitive { 300_000 } else { 120_000 },
            predicates: groups.map(|id| (id, u64::from(inventory.get(id).rank) + 3)).collect(),
            patterns: patterns(frame).iter().map(|pattern| Roles::new(inventory, frame, pattern)).collect(),
            rows: Vec::new(),
            starts: Vec::new(),
            order: Permutation::new(0, 1),
        };
        let total = space.number(inventory);
        space.order = Permutation::new(hash(seed, "events", &[frame as u64]), total);
        space
    }

    /// Fills the tables; returns the number of events.
    fn number(&mut self, inventory: &Inventory) -> u64 {
        let mut total = 0;
        for (id, predicate_cost) in &self.predicates {
            let number = usize::from(inventory.get(*id).pattern);
            let roles = &self.patterns[number];
            self.rows.push((number, self.starts.len()));
            for (cost, _) in &roles.subject.0 {
                self.starts.push(total);
                total += roles.tails(self.limit / (predicate_cost * cost));
            }
        }
        total
    }

    /// How many events the split has.
    pub(crate) fn size(&self, split: Split) -> u64 {
        split.size(self.order.size())
    }

    /// Number of the `k`-th event of the split, `k < size(split)`.
    pub(crate) fn number_at(&self, split: Split, k: u64) -> u64 {
        self.order.forward(split.place(k))
    }

    /// The event of a number.
    pub(crate) fn event(&self, number: u64) -> Event {
        let flat = self.starts.partition_point(|start| *start <= number) - 1;
        let row = self.rows.partition_point(|(_, first)| *first <= flat) - 1;
        let (pattern, first) = self.rows[row];
        let roles = &self.patterns[pattern];
        let (predicate, predicate_cost) = self.predicates[row];
        let (cost, subject) = roles.subject.0[flat - first];
        let limit = self.limit / (predicate_cost * cost);
        let (object, recipient) = roles.tail(limit, number - self.starts[flat]);
        Event { predicate, subject: subject.unwrap_or_default(), object, recipient }
    }

    /// Whether there is such an event and it belongs to the split.
    pub(crate) fn contains(&self, split: Split, event: &Event) -> bool {
        self.find(event).is_some_and(|number| split.holds(self.order.backward(number)))
    }

    /// The number of an event: `event(find(e)) == e`.
    pub(crate) fn find(&self, event: &Event) -> Option<u64> {
        let same = |(id, _): &(ConceptId, u64)| *id == event.predicate;
        let row = self.predicates.iter().position(same)?;
        let (pattern, first) = self.rows[row];
        let roles = &self.patterns[pattern];
        let subject = roles.subject.find(Some(event.subject))?;
        let limit = self.limit / (self.predicates[row].1 * roles.subject.0[subject].0);
        let object = roles.object.find(event.object)? as u64;
        let recipient = roles.recipient.find(event.recipient)? as u64;
        let before = roles.before(limit, object);
        let last = limit / roles.object.0[object as usize].0;
        (object < roles.object.within(limit) && recipient < roles.recipient.within(last)).then(|| self.starts[first + subject] + before + recipient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WorldConfig;
    use crate::selection::FRAMES;

    #[test]
    fn numbers_and_events_are_one_to_one() {
        let inventory = Inventory::new(&WorldConfig::default());
        for frame in FRAMES {
            let space = EventSpace::new(&inventory, frame, 5);
            for k in 0..2000 {
                let number = space.number_at(Split::Test, k);
                let event = space.event(number);
                assert_eq!(space.find(&event), Some(number), "{frame:?} {event:?}");
                assert!(space.contains(Split::Test, &event));
                assert!(!space.contains(Split::Train, &event));
            }
        }
    }

    #[test]
    fn events_of_other_frames_are_not_contained() {
        let inventory = Inventory::new(&WorldConfig::default());
        let [first, second] = [Frame::Intransitive, Frame::Transitive].map(|f| EventSpace::new(&inventory, f, 5));
        assert_eq!(second.find(&first.event(0)), None);
    }
}
