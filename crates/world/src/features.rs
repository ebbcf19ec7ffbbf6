//! What a grammar is like: typological features, and distances by them.

use crate::language::{LanguageConfig, WordOrder};
use crate::script::Script;

/// One typological feature of a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Feature {
    /// What is compared, such as `order.clause`.
    pub name: &'static str,
    /// What it is here, such as `subject-verb-object`.
    pub value: &'static str,
}

/// How far two languages are from each other, in permille.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distance {
    /// Share of the typological features in which they differ, script aside.
    pub typological: u32,
    /// Share of the concepts with a word in both whose first forms differ, both
    /// in Latin letters; affixes do not count.
    pub lexical: u32,
    /// Whether the scripts differ.
    pub script: bool,
}

impl LanguageConfig {
    /// The features of the grammar, the same names in the same order for every language.
    pub fn features(&self) -> Vec<Feature> {
        let affixes = self.suffixing;
        let last = self.order.is_verb_final();
        let rows = [
            ("order.clause", order(self.order)),
            ("order.adjective", choose(self.adjective_after_noun, "noun-adjective", "adjective-noun")),
            ("order.relative", choose(last, "relative-noun", "noun-relative")),
            ("order.negation", choose(last && !affixes, "verb-negation", "negation-verb")),
            ("order.where", choose(last, "in-place", "first")),
            ("tense", choose(affixes, "affix", choose(last, "auxiliary-after-verb", "auxiliary-before-verb"))),
            ("case", choose(affixes, "affix", "preposition")),
            ("plural", choose(affixes, "affix", "determiner")),
            ("question", choose(affixes, "affix", "first-particle")),
            ("articles", choose(affixes, "none", "definite-indefinite")),
            ("agreement.verb", choose(affixes, "person-number", "number")),
            ("agreement.adjective", choose(affixes && self.agreeing, "number-case", "none")),
            ("affixes", choose(affixes, choose(self.prefixing, "prefixes", "suffixes"), "none")),
            ("harmony", choose(affixes, "front-back", "none")),
            ("script", script(self.script)),
        ];
        rows.map(|(name, value)| Feature { name, value }).to_vec()
    }

    /// Permille of the features, script aside, in which two languages differ.
    pub(crate) fn typological_distance(&self, other: &Self) -> u32 {
        let (here, there) = (self.features(), other.features());
        let pairs: Vec<_> = here.iter().zip(&there).filter(|(a, _)| a.name != "script").collect();
        let differing = pairs.iter().filter(|(a, b)| a != b).count();
        (differing * 1000 / pairs.len()) as u32
    }
}

fn choose(condition: bool, then: &'static str, otherwise: &'static str) -> &'static str {
    if condition { then } else { otherwise }
}

fn order(order: WordOrder) -> &'static str {
    match order {
        WordOrder::Svo => "subject-verb-object",
        WordOrder::Sov => "subject-object-verb",
        WordOrder::Vso => "verb-subject-object",
        WordOrder::Vos => "verb-object-subject",
        WordOrder::Ovs => "object-verb-subject",
        WordOrder::Osv => "object-subject-verb",
    }
}

fn script(script: Script) -> &'static str {
    match script {
        Script::Latin => "latin",
        Script::Cyrillic => "cyrillic",
        Script::Cherokee => "cherokee",
    }
}
