//! Selectional preferences: which classes of nouns a verb or adjective goes with.

/// The classes of nouns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NounClass {
    Person,
    Animal,
    Food,
    Thing,
    Place,
    Idea,
}

use NounClass::{Animal, Food, Idea, Person, Place, Thing};

pub(crate) const NOUN_CLASSES: [NounClass; 6] = [Person, Animal, Food, Thing, Place, Idea];

/// The shape of an event: its predicate and what takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Subject, verb, perhaps a place.
    Intransitive,
    /// Subject, verb, object.
    Transitive,
    /// Subject, verb, object, recipient.
    Ditransitive,
    /// Subject, adjective, perhaps what it is compared with.
    Copular,
}

pub(crate) const FRAMES: [Frame; 4] = [Frame::Intransitive, Frame::Transitive, Frame::Ditransitive, Frame::Copular];

/// The classes each participant comes from, the favoured class first.
pub(crate) struct Pattern {
    pub(crate) subject: &'static [NounClass],
    pub(crate) object: &'static [NounClass],
    pub(crate) recipient: &'static [NounClass],
}

const fn pattern(subject: &'static [NounClass], object: &'static [NounClass]) -> Pattern {
    Pattern { subject, object, recipient: &[] }
}

const fn giving(subject: &'static [NounClass], object: &'static [NounClass], recipient: &'static [NounClass]) -> Pattern {
    Pattern { subject, object, recipient }
}

const INTRANSITIVE: [Pattern; 5] = [
    pattern(&[Person, Animal], &[Place]),
    pattern(&[Animal, Person], &[Place]),
    pattern(&[Person], &[Place]),
    pattern(&[Thing, Food], &[Place]),
    pattern(&[Idea, Thing], &[Place]),
];

const TRANSITIVE: [Pattern; 8] = [
    pattern(&[Person, Animal], &[Food, Animal]),
    pattern(&[Person], &[Thing, Food]),
    pattern(&[Person], &[Idea, Person]),
    pattern(&[Animal, Person], &[Animal, Food]),
    pattern(&[Person, Animal], &[Person, Animal]),
    pattern(&[Person], &[Place, Thing]),
    pattern(&[Idea, Thing], &[Person, Idea]),
    pattern(&[Thing, Animal], &[Thing, Place]),
];

const DITRANSITIVE: [Pattern; 3] = [
    giving(&[Person], &[Thing, Food], &[Person, Animal]),
    giving(&[Person], &[Idea, Thing], &[Person]),
    giving(&[Person, Animal], &[Food, Thing], &[Animal, Person]),
];

const COPULAR: [Pattern; 6] = [
    pattern(&[Person, Animal], &[Person, Animal]),
    pattern(&[Animal, Thing], &[Animal]),
    pattern(&[Food, Thing], &[Food]),
    pattern(&[Thing, Place], &[Thing, Place]),
    pattern(&[Place, Idea], &[Place]),
    pattern(&[Idea, Person], &[Idea]),
];

/// The patterns the predicates of a frame can have.
pub(crate) fn patterns(frame: Frame) -> &'static [Pattern] {
    match frame {
        Frame::Intransitive => &INTRANSITIVE,
        Frame::Transitive => &TRANSITIVE,
        Frame::Ditransitive => &DITRANSITIVE,
        Frame::Copular => &COPULAR,
    }
}

/// The favoured class of the noun next to a predicate: the object of a
/// transitive verb, the subject of others, the noun of an adjective.
pub(crate) fn favoured(frame: Frame, pattern: &Pattern) -> NounClass {
    match frame {
        Frame::Transitive | Frame::Ditransitive => pattern.object[0],
        Frame::Intransitive | Frame::Copular => pattern.subject[0],
    }
}
