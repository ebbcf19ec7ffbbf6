//! The size of a world: how many words each class has.

use crate::error::{WorldError, in_range};

/// Seed and lexicon sizes of a world; the default has about 650 content words.
///
/// Every size counts word types and lies in `3..=200`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldConfig {
    /// The seed: another seed is another world.
    pub seed: u64,
    /// Nouns in each of the six noun classes.
    pub nouns_per_class: u16,
    /// Proper names of persons.
    pub names: u16,
    /// Verbs with a subject alone.
    pub intransitive_verbs: u16,
    /// Verbs with a subject and an object.
    pub transitive_verbs: u16,
    /// Verbs with a subject, an object and a recipient.
    pub ditransitive_verbs: u16,
    /// Adjectives.
    pub adjectives: u16,
    /// Adverbs of manner.
    pub manner_adverbs: u16,
    /// Adverbs of time, a third for each tense.
    pub time_adverbs: u16,
    /// Numerals from two upwards.
    pub numerals: u16,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            nouns_per_class: 50,
            names: 40,
            intransitive_verbs: 60,
            transitive_verbs: 100,
            ditransitive_verbs: 24,
            adjectives: 80,
            manner_adverbs: 24,
            time_adverbs: 12,
            numerals: 10,
        }
    }
}

impl WorldConfig {
    pub(crate) fn check(&self) -> Result<(), WorldError> {
        let sizes = [
            ("world.nouns_per_class", self.nouns_per_class),
            ("world.names", self.names),
            ("world.intransitive_verbs", self.intransitive_verbs),
            ("world.transitive_verbs", self.transitive_verbs),
            ("world.ditransitive_verbs", self.ditransitive_verbs),
            ("world.adjectives", self.adjectives),
            ("world.manner_adverbs", self.manner_adverbs),
            ("world.time_adverbs", self.time_adverbs),
            ("world.numerals", self.numerals),
        ];
        sizes.iter().try_for_each(|(place, size)| in_range(place, u64::from(*size), 3, 200))
    }
}
