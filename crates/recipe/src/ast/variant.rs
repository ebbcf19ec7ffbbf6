//! A language of the synthetic world that is like a ready-made one but for some things.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A language like a ready-made one, but for what is said here. Its name determines its sounds and own words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorldVariant {
    /// Its name; data sets of one name have one language, so say the same of it everywhere.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Words of 1000 that keep the form of the pivot, names first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000))]
    pub cognate_permille: Option<u32>,
    /// Order of subject, verb and object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<WorldOrder>,
    /// Case, tense, person and number by affixes, and no articles; by function words where not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffixing: Option<bool>,
    /// Affixes stand before the stem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefixing: Option<bool>,
    /// Adjectives follow their noun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjective_after_noun: Option<bool>,
    /// Adjectives take the affixes of their noun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreeing: Option<bool>,
    /// Its letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<WorldScript>,
    /// Pairs of near-synonyms of 1000 that are one word here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000))]
    pub merged_permille: Option<u32>,
    /// Verbs and adjectives of 1000 that are two words here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000))]
    pub split_permille: Option<u32>,
    /// Words of 1000 with a synonym.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000))]
    pub synonym_permille: Option<u32>,
    /// Manner adverbs of 1000 that sound like a verb.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000))]
    pub polysemy_permille: Option<u32>,
    /// Words of 1000 of a text with a spelling error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000))]
    pub noise_permille: Option<u32>,
    /// Of 1000 sentences or items that are asked of the train part, this language has the first so many: a language with few resources.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000))]
    pub resource_permille: Option<u32>,
}

/// Orders of subject, verb and object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorldOrder {
    /// Subject, verb, object.
    Svo,
    /// Subject, object, verb.
    Sov,
    /// Verb, subject, object.
    Vso,
    /// Verb, object, subject.
    Vos,
    /// Object, verb, subject.
    Ovs,
    /// Object, subject, verb.
    Osv,
}

/// Letters of the world's languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorldScript {
    /// One byte a letter.
    Latin,
    /// Two bytes a letter.
    Cyrillic,
    /// Three bytes a letter.
    Cherokee,
}
