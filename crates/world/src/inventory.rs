//! The concepts of a world: what there are words for, before any language.

use crate::config::WorldConfig;
use crate::random::hash;
use crate::selection::{Frame, NOUN_CLASSES, NounClass, favoured, patterns};
use crate::words::EXTRAS;
use std::ops::Range;

/// Number of a concept in the inventory.
pub(crate) type ConceptId = u16;

/// The closed class: pronouns, determiners, auxiliaries, prepositions and so on.
/// Its members are the first concepts, numbered as here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[rustfmt::skip]
pub(crate) enum Function {
    I, We, You, YouAll, He, She, They,
    Be, Not, Only, And, But, Because, When,
    This, That, My, Your,
    // From here on words that a suffixing language does without.
    These, Those, MyMany, YourMany, Definite, DefiniteMany, Indefinite, IndefiniteMany,
    Past, PastMany, Present, PresentMany, Future, FutureMany,
    In, On, Near, Under, To, Than, Who, Question,
}

impl Function {
    pub(crate) const fn id(self) -> ConceptId {
        self as ConceptId
    }
}

/// The pronouns that take part in events; number and near-synonym come later.
pub(crate) const PERSONS: [Function; 3] = [Function::I, Function::You, Function::He];

const FUNCTIONS: ConceptId = Function::Question.id() + 1;
const FIRST_ISOLATING: ConceptId = Function::These.id();

/// What kind of word a concept is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WordClass {
    Function,
    Noun(NounClass),
    Name,
    /// A verb of that frame; the adjective is the predicate of the copular one.
    Predicate(Frame),
    Manner,
    Time,
    Numeral,
}

/// One concept.
pub(crate) struct Concept {
    pub(crate) class: WordClass,
    /// Rank by frequency within its class, 0 the most frequent.
    pub(crate) rank: u16,
    /// The first member of its group: itself, or the near-synonym before it.
    pub(crate) group: ConceptId,
    /// Number of its pattern, for predicates.
    pub(crate) pattern: u8,
}

/// All concepts, class by class.
pub(crate) struct Inventory {
    concepts: Vec<Concept>,
    /// How many of them sentences use; the rest are words of tasks alone.
    common: ConceptId,
    classes: Vec<(WordClass, Range<ConceptId>)>,
}

impl Inventory {
    pub(crate) fn new(config: &WorldConfig) -> Self {
        let mut inventory = Self { concepts: Vec::new(), common: 0, classes: Vec::new() };
        inventory.add(config.seed, WordClass::Function, FUNCTIONS);
        for (class, size) in Self::open_classes(config) {
            inventory.add(config.seed, class, size);
        }
        // He and she are near-synonyms too: some languages have one word.
        inventory.concepts[usize::from(Function::She.id())].group = Function::He.id();
        inventory.common = inventory.concepts.len() as ConceptId;
        for rank in 0..EXTRAS {
            let group = inventory.common + rank;
            inventory.concepts.push(Concept { class: WordClass::Function, rank, group, pattern: 0 });
        }
        inventory
    }

    fn open_classes(config: &WorldConfig) -> Vec<(WordClass, u16)> {
        let nouns = NOUN_CLASSES.map(|class| (WordClass::Noun(class), config.nouns_per_class));
        let mut classes = nouns.to_vec();
        classes.extend([
            (WordClass::Name, config.names),
            (Frame::Intransitive.word_class(), config.intransitive_verbs),
            (Frame::Transitive.word_class(), config.transitive_verbs),
            (Frame::Ditransitive.word_class(), config.ditransitive_verbs),
            (Frame::Copular.word_class(), config.adjectives),
            (WordClass::Manner, config.manner_adverbs),
            (WordClass::Time, config.time_adverbs),
            (WordClass::Numeral, config.numerals),
        ]);
        classes
    }

    fn add(&mut self, seed: u64, class: WordClass, size: u16) {
        let first = self.concepts.len() as ConceptId;
        for rank in 0..size {
            let id = first + rank;
            let group = if has_elder_twin(class, rank) { id - 1 } else { id };
            let pattern = match class {
                WordClass::Predicate(frame) => hash(seed, "pattern", &[u64::from(group)]) % patterns(frame).len() as u64,
                _ => 0,
            };
            self.concepts.push(Concept { class, rank, group, pattern: pattern as u8 });
        }
        self.classes.push((class, first..first + size));
    }

    pub(crate) fn get(&self, id: ConceptId) -> &Concept {
        &self.concepts[usize::from(id)]
    }

    /// The concepts of sentences.
    pub(crate) fn common(&self) -> Range<ConceptId> {
        0..self.common
    }

    /// The concepts of tasks alone, `Extra` by `Extra`.
    pub(crate) fn extras(&self) -> Range<ConceptId> {
        self.common..self.concepts.len() as ConceptId
    }

    /// The concepts of a class, the most frequent first.
    pub(crate) fn class(&self, class: WordClass) -> Range<ConceptId> {
        let found = self.classes.iter().find(|(name, _)| *name == class);
        found.map_or(0..0, |(_, range)| range.clone())
    }

    /// The first members of the groups of a class, the most frequent first.
    pub(crate) fn groups(&self, class: WordClass) -> impl Iterator<Item = ConceptId> + '_ {
        let range = self.class(class);
        range.filter(|id| self.get(*id).group == *id)
    }

    /// The other member of the group that `group` begins, where it has two.
    pub(crate) fn twin(&self, group: ConceptId) -> Option<ConceptId> {
        let next = self.concepts.get(usize::from(group) + 1)?;
        (next.group == group).then_some(group + 1)
    }

    /// The class of the noun that a predicate favours next to it.
    pub(crate) fn favoured(&self, id: ConceptId) -> Option<NounClass> {
        let concept = self.get(id);
        match concept.class {
            WordClass::Predicate(frame) => Some(favoured(frame, &patterns(frame)[usize::from(concept.pattern)])),
            _ => None,
        }
    }

    /// How well an adjective suits nouns of a class: 2, 1 or 0.
    pub(crate) fn suits(&self, adjective: ConceptId, class: NounClass) -> u8 {
        let pattern = &patterns(Frame::Copular)[usize::from(self.get(adjective).pattern)];
        match pattern.subject.iter().position(|own| *own == class) {
            Some(0) => 2,
            Some(_) => 1,
            None => 0,
        }
    }

    /// The class of a participant; pronouns and names are persons.
    pub(crate) fn noun_class(&self, id: ConceptId) -> NounClass {
        match self.get(id).class {
            WordClass::Noun(class) => class,
            _ => NounClass::Person,
        }
    }

    /// Whether a language has a word for the concept.
    pub(crate) fn is_word(&self, id: ConceptId, suffixing: bool) -> bool {
        !suffixing || !(FIRST_ISOLATING..FUNCTIONS).contains(&id)
    }
}

impl Frame {
    /// The class of its predicates.
    pub(crate) fn word_class(self) -> WordClass {
        WordClass::Predicate(self)
    }
}

/// Every eighth noun or predicate is a near-synonym of the one before it.
fn has_elder_twin(class: WordClass, rank: u16) -> bool {
    matches!(class, WordClass::Noun(_) | WordClass::Predicate(_)) && rank % 8 == 7
}
