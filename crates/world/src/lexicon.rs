//! The words of one language: kept, own, merged, split.

use crate::inventory::{ConceptId, Inventory, WordClass};
use crate::language::LanguageConfig;
use crate::phonology::Phonology;
use crate::random::{Stream, hash, hash_text};
use crate::selection::NounClass;
use std::collections::{BTreeMap, BTreeSet};

/// What a suffix says, in languages that have suffixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[rustfmt::skip]
pub(crate) enum Suffix {
    Plural, Accusative, Dative, In, On, Near, Under, Than,
    Past, Present, Future,
    First, Second, Third, FirstMany, SecondMany, ThirdMany,
    Relative, Question,
}

const SUFFIXES: usize = Suffix::Question as usize + 1;

/// Forms in Latin letters, by concept.
pub(crate) struct Lexicon {
    forms: Vec<String>,
    /// Second forms, next to nouns of another class than the favoured one.
    seconds: BTreeMap<ConceptId, String>,
    suffixes: Vec<[String; 2]>,
}

impl Lexicon {
    /// The words of the pivot, which the others keep or replace.
    pub(crate) fn pivot(inventory: &Inventory, seed: u64) -> Self {
        let mut coiner = Coiner::new(inventory, seed, "pivot", BTreeSet::new());
        let all = 0..inventory.concepts.len() as ConceptId;
        Self { forms: all.map(|id| coiner.coin(id)).collect(), seconds: BTreeMap::new(), suffixes: coiner.suffixes() }
    }

    /// The words of a language with a share of those of the pivot.
    pub(crate) fn derive(&self, inventory: &Inventory, seed: u64, config: &LanguageConfig) -> Self {
        let key = hash(seed, "language", &[hash_text(&config.name)]);
        let kept = kept(inventory, key, config);
        let own = |id: &ConceptId| !kept.contains(id);
        let taken = self.forms.iter().cloned().collect();
        let mut coiner = Coiner::new(inventory, seed, &config.name, taken);
        let mut forms: Vec<String> = (0..inventory.concepts.len() as ConceptId)
            .map(|id| match own(&id) {
                true => coiner.coin(id),
                false => self.forms[usize::from(id)].clone(),
            })
            .collect();
        for (elder, younger) in merged(inventory, key, config, &own) {
            forms[usize::from(younger)] = forms[usize::from(elder)].clone();
        }
        let split = split(inventory, key, config, &own).into_iter();
        Self { forms, seconds: split.map(|id| (id, coiner.coin(id))).collect(), suffixes: coiner.suffixes() }
    }

    /// The only or first form.
    pub(crate) fn form(&self, id: ConceptId) -> &str {
        &self.forms[usize::from(id)]
    }

    /// The second form of a word split by context.
    pub(crate) fn second(&self, id: ConceptId) -> Option<&str> {
        self.seconds.get(&id).map(String::as_str)
    }

    /// The form next to a noun of that class.
    pub(crate) fn form_near(&self, inventory: &Inventory, id: ConceptId, class: NounClass) -> &str {
        match self.second(id) {
            Some(second) if inventory.favoured(id) != Some(class) => second,
            _ => self.form(id),
        }
    }

    /// The suffix in harmony with a front or a back vowel.
    pub(crate) fn suffix(&self, suffix: Suffix, front: bool) -> &str {
        &self.suffixes[suffix as usize][usize::from(front)]
    }
}

/// Makes the own words of a language; frequent words are shorter.
struct Coiner<'a> {
    inventory: &'a Inventory,
    stream: Stream,
    phonology: Phonology,
    taken: BTreeSet<String>,
}

impl<'a> Coiner<'a> {
    fn new(inventory: &'a Inventory, seed: u64, name: &str, taken: BTreeSet<String>) -> Self {
        let mut stream = Stream::new(seed, "words", &[hash_text(name)]);
        let phonology = Phonology::new(&mut stream);
        Self { inventory, stream, phonology, taken }
    }

    fn coin(&mut self, id: ConceptId) -> String {
        let concept = self.inventory.get(id);
        let syllables = match concept.class {
            WordClass::Function => 1,
            _ if concept.rank < 12 => 1 + self.stream.below(2),
            _ => 2 + self.stream.below(2),
        };
        self.phonology.coin(&mut self.stream, syllables as usize, &mut self.taken)
    }

    fn suffixes(&mut self) -> Vec<[String; 2]> {
        let mut taken = BTreeSet::new();
        (0..SUFFIXES).map(|_| self.phonology.suffix(&mut self.stream, &mut taken)).collect()
    }
}

/// The words that a language keeps: an exact share of those it has, names first.
fn kept(inventory: &Inventory, key: u64, config: &LanguageConfig) -> BTreeSet<ConceptId> {
    let all = 0..inventory.concepts.len() as ConceptId;
    let used: Vec<_> = all.filter(|id| inventory.is_word(*id, config.suffixing)).collect();
    let names = inventory.class(WordClass::Name);
    let rank = |id: &ConceptId| {
        let drawn = hash(key, "kept", &[u64::from(*id)]);
        (!names.contains(id), drawn)
    };
    share(used, config.cognate_permille, rank).into_iter().collect()
}

/// Pairs of near-synonyms, both own words, that are one word.
fn merged(inventory: &Inventory, key: u64, config: &LanguageConfig, own: &impl Fn(&ConceptId) -> bool) -> Vec<(ConceptId, ConceptId)> {
    let all = 0..inventory.concepts.len() as ConceptId;
    let pairs = all.filter_map(|id| Some((id, inventory.twin(id)?)));
    let pairs = pairs.filter(|(elder, younger)| own(elder) && own(younger));
    share(pairs.collect(), config.merged_permille, |(elder, _)| hash(key, "merged", &[u64::from(*elder)]))
}

/// Predicates, own words, that are two words. Near-synonyms are left alone:
/// a word both merged and split would say either with two forms.
fn split(inventory: &Inventory, key: u64, config: &LanguageConfig, own: &impl Fn(&ConceptId) -> bool) -> Vec<ConceptId> {
    let all = 0..inventory.concepts.len() as ConceptId;
    let alone = |id: &ConceptId| inventory.get(*id).group == *id && inventory.twin(*id).is_none();
    let predicates = all.filter(|id| inventory.favoured(*id).is_some() && own(id) && alone(id));
    share(predicates.collect(), config.split_permille, |id| hash(key, "split", &[u64::from(*id)]))
}

/// The share of the items of lowest rank, rounded up.
fn share<T, K: Ord>(mut items: Vec<T>, permille: u32, rank: impl Fn(&T) -> K) -> Vec<T> {
    let count = (items.len() * permille.min(1000) as usize).div_ceil(1000);
    items.sort_by_key(rank);
    items.truncate(count);
    items
}
