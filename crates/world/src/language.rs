//! What makes a language: how much of the pivot it keeps, and its grammar.

use crate::error::{WorldError, in_range};
use crate::script::Script;
use crate::split::Split;

/// The order of subject, verb and object in a clause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WordOrder {
    /// Subject, verb, object.
    #[default]
    Svo,
    /// Subject, object, verb; relative clauses stand before their noun.
    Sov,
    /// Verb, subject, object.
    Vso,
    /// Verb, object, subject.
    Vos,
    /// Object, verb, subject.
    Ovs,
    /// Object, subject, verb; relative clauses stand before their noun.
    Osv,
}

impl WordOrder {
    /// Whether the verb ends the clause.
    pub fn is_verb_final(self) -> bool {
        matches!(self, Self::Sov | Self::Osv)
    }
}

/// A language of the world. Shares are in permille, `0..=1000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanguageConfig {
    /// Name; with the seed it determines sounds and own words.
    pub name: String,
    /// Share of word types that keep the form of the pivot. Names are kept first.
    pub cognate_permille: u32,
    /// Order of the clause.
    pub order: WordOrder,
    /// Case, tense, person and number by suffixes (with vowel harmony) instead
    /// of function words; such a language has no articles.
    pub suffixing: bool,
    /// Alphabet.
    pub script: Script,
    /// Adjectives follow their noun.
    pub adjective_after_noun: bool,
    /// Share of the pairs of near-synonyms that are one word here, among the
    /// pairs of which neither word is kept from the pivot.
    pub merged_permille: u32,
    /// Share of verbs and adjectives, among those not kept from the pivot, that
    /// are two words here, chosen by the class of the neighbouring noun.
    pub split_permille: u32,
    /// Affixes stand before the stem; nothing changes where there are none.
    pub prefixing: bool,
    /// Adjectives take the affixes of number and case that their noun has.
    pub agreeing: bool,
    /// Share of the open-class words that have a synonym, a second form that is
    /// used as freely as the first. Split words have none.
    pub synonym_permille: u32,
    /// Share of the manner adverbs that sound like a verb, own words both. Which of
    /// the two is meant, only the place in the sentence tells.
    pub polysemy_permille: u32,
    /// Share of the words of a text that have a spelling error.
    pub noise_permille: u32,
    /// How much of what is asked of the train part there is in this language: of a
    /// thousand sentences or items, the first so many. Dev and test are whole.
    pub resource_permille: u32,
}

impl LanguageConfig {
    /// The pivot: subject-verb-object, function words, Latin letters.
    pub fn pivot() -> Self {
        Self {
            name: "pivot".to_owned(),
            cognate_permille: 1000,
            order: WordOrder::Svo,
            suffixing: false,
            script: Script::Latin,
            adjective_after_noun: false,
            merged_permille: 0,
            split_permille: 0,
            prefixing: false,
            agreeing: false,
            synonym_permille: 0,
            polysemy_permille: 0,
            noise_permille: 0,
            resource_permille: 1000,
        }
    }

    /// A relative of the pivot: 40 % of its words are shared; verb-final,
    /// suffixing, Latin letters.
    pub fn derived() -> Self {
        Self {
            name: "derived".to_owned(),
            cognate_permille: 400,
            order: WordOrder::Sov,
            suffixing: true,
            merged_permille: 400,
            split_permille: 100,
            ..Self::pivot()
        }
    }

    /// A language far from the pivot: 5 % of its words are shared; verb-initial,
    /// function words, adjectives after nouns, Cyrillic letters.
    pub fn distant() -> Self {
        Self {
            name: "distant".to_owned(),
            cognate_permille: 50,
            order: WordOrder::Vso,
            script: Script::Cyrillic,
            adjective_after_noun: true,
            merged_permille: 400,
            split_permille: 100,
            ..Self::pivot()
        }
    }

    /// A near relative of the pivot: 80 % of its words are shared; the same order,
    /// but suffixes, agreeing adjectives after nouns, and synonyms.
    pub fn kindred() -> Self {
        Self {
            name: "kindred".to_owned(),
            cognate_permille: 800,
            suffixing: true,
            agreeing: true,
            adjective_after_noun: true,
            synonym_permille: 100,
            split_permille: 100,
            ..Self::pivot()
        }
    }

    /// Shares no word with the pivot: object first, prefixes, agreement,
    /// synonyms, polysemy, 2 % spelling errors, Cherokee letters.
    pub fn remote() -> Self {
        Self {
            name: "remote".to_owned(),
            cognate_permille: 0,
            order: WordOrder::Ovs,
            suffixing: true,
            prefixing: true,
            agreeing: true,
            script: Script::Cherokee,
            merged_permille: 400,
            split_permille: 100,
            synonym_permille: 100,
            polysemy_permille: 200,
            noise_permille: 20,
            ..Self::pivot()
        }
    }

    /// The ready-made languages: pivot, kindred, derived, distant, remote.
    pub fn ready_made() -> [Self; 5] {
        [Self::pivot(), Self::kindred(), Self::derived(), Self::distant(), Self::remote()]
    }

    /// How many of `count` sentences or items of a split this language has.
    pub(crate) fn has(&self, split: Split, count: usize) -> usize {
        let share = if split == Split::Train { self.resource_permille } else { 1000 };
        (count as u64 * u64::from(share)).div_ceil(1000) as usize
    }

    /// The ready-made language of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ready_made().into_iter().find(|language| language.name == name)
    }

    pub(crate) fn check(&self) -> Result<(), WorldError> {
        if self.name.is_empty() {
            return Err(WorldError::NamelessLanguage);
        }
        let share = |field: &str, value: u32| {
            let place = format!("language.{}.{field}", self.name);
            in_range(&place, u64::from(value), 0, 1000)
        };
        share("cognate_permille", self.cognate_permille)?;
        share("merged_permille", self.merged_permille)?;
        share("split_permille", self.split_permille)?;
        share("synonym_permille", self.synonym_permille)?;
        share("polysemy_permille", self.polysemy_permille)?;
        share("noise_permille", self.noise_permille)?;
        share("resource_permille", self.resource_permille)
    }
}
