//! Who takes part in the events of tasks, and which split an event belongs to.
//!
//! Tasks need events that make as much sense the other way round: who did it to
//! whom must be read, not guessed. Their participants are persons, and their
//! verbs are those that no sentence of the world has with a person as its object,
//! so no sentence tells an event of a task. An event and the same with the
//! participants exchanged belong to one split, and near-synonyms are one word.

use crate::inventory::{ConceptId, Function, Inventory, WordClass};
use crate::meaning::NounPhrase;
use crate::random::{Stream, hash};
use crate::selection::{Frame, NounClass, patterns};
use crate::split::Split;

/// Marks the keys that are no numbers of events of sentences.
const OWN: u64 = 1 << 63;

/// The words that tasks draw from.
pub(crate) struct Cast {
    seed: u64,
    /// Names and nouns for persons, the frequent ones first.
    persons: Vec<ConceptId>,
    /// Verbs with an object.
    verbs: Vec<ConceptId>,
    /// Verbs with an object and a recipient.
    giving: Vec<ConceptId>,
    pub(crate) things: Vec<ConceptId>,
    pub(crate) places: Vec<ConceptId>,
}

impl Cast {
    pub(crate) fn new(inventory: &Inventory, seed: u64) -> Self {
        let nouns = |class| inventory.groups(WordClass::Noun(class)).collect::<Vec<_>>();
        let mut persons: Vec<_> = inventory.class(WordClass::Name).chain(nouns(NounClass::Person)).collect();
        persons.sort_by_key(|id| inventory.get(*id).rank);
        let spares_persons = |frame: Frame, id: &ConceptId| {
            let pattern = &patterns(frame)[usize::from(inventory.get(*id).pattern)];
            !pattern.object.contains(&NounClass::Person)
        };
        let verbs = |frame: Frame| inventory.groups(frame.word_class()).filter(move |id| spares_persons(frame, id)).collect();
        Self {
            seed,
            persons,
            verbs: verbs(Frame::Transitive),
            giving: verbs(Frame::Ditransitive),
            things: nouns(NounClass::Thing),
            places: nouns(NounClass::Place),
        }
    }

    /// So many different persons; fewer where there are no more.
    pub(crate) fn persons(&self, stream: &mut Stream, count: usize) -> Vec<ConceptId> {
        distinct(stream, &self.persons, count)
    }

    /// The verbs of a frame whose events with these participants belong to the split.
    pub(crate) fn verbs(&self, frame: Frame, split: Split, persons: &[ConceptId]) -> Vec<ConceptId> {
        let all = if frame == Frame::Ditransitive { &self.giving } else { &self.verbs };
        all.iter().copied().filter(|verb| split.holds(self.key(*verb, persons))).collect()
    }

    /// The key of an event, whoever does it to whom.
    pub(crate) fn key(&self, verb: ConceptId, persons: &[ConceptId]) -> u64 {
        let mut parts: Vec<_> = persons.iter().map(|id| u64::from(*id)).collect();
        parts.sort_unstable();
        parts.push(u64::from(verb));
        own_key(self.seed, "task event", &parts)
    }
}

/// A key by the hash of what it stands for; its last digit tells the split.
pub(crate) fn own_key(seed: u64, label: &str, parts: &[u64]) -> u64 {
    hash(seed, label, parts) | OWN
}

/// Different items, the first ones more often.
pub(crate) fn distinct(stream: &mut Stream, items: &[ConceptId], count: usize) -> Vec<ConceptId> {
    let mut rest = items.to_vec();
    let mut drawn = Vec::new();
    while drawn.len() < count && !rest.is_empty() {
        let n = rest.len() as u64;
        let index = stream.below(n).min(stream.below(n)) as usize;
        drawn.push(rest.remove(index));
    }
    drawn
}

/// A person: a noun with its article, or a name.
pub(crate) fn person(inventory: &Inventory, head: ConceptId) -> NounPhrase {
    let noun = matches!(inventory.get(head).class, WordClass::Noun(_));
    NounPhrase { determiner: noun.then_some(Function::Definite), ..NounPhrase::bare(head) }
}
