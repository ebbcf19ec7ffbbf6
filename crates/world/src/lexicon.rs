//! The words of one language: kept, own, merged, split.

use crate::inventory::{ConceptId, Inventory, WordClass};
use crate::language::LanguageConfig;
use crate::phonology::{Phonology, Phonotactics};
use crate::random::{Stream, hash, hash_text};
use crate::selection::{Frame, NounClass};
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
    /// Second forms used as freely as the first.
    synonyms: BTreeMap<ConceptId, String>,
    suffixes: Vec<[String; 2]>,
    phonotactics: Phonotactics,
}

impl Lexicon {
    /// The words of the pivot, which the others keep or replace.
    pub(crate) fn pivot(inventory: &Inventory, seed: u64) -> Self {
        let mut coiner = Coiner::new(inventory, seed, "pivot", BTreeSet::new());
        let mut forms: Vec<String> = inventory.common().map(|id| coiner.coin(id)).collect();
        let suffixes = coiner.suffixes();
        forms.extend(inventory.extras().map(|id| coiner.coin(id)));
        Self { forms, seconds: BTreeMap::new(), synonyms: BTreeMap::new(), suffixes, phonotactics: coiner.phonology.phonotactics() }
    }

    /// The words of a language with a share of those of the pivot.
    pub(crate) fn derive(&self, inventory: &Inventory, seed: u64, config: &LanguageConfig) -> Self {
        let key = hash(seed, "language", &[hash_text(&config.name)]);
        let kept = kept(inventory, key, config);
        let own = |id: &ConceptId| !kept.contains(id);
        let taken = self.forms[..inventory.common().len()].iter().cloned().collect();
        let mut coiner = Coiner::new(inventory, seed, &config.name, taken);
        let common = inventory.common().map(|id| match own(&id) {
            true => coiner.coin(id),
            false => self.forms[usize::from(id)].clone(),
        });
        let mut forms: Vec<String> = common.collect();
        for (elder, younger) in merged(inventory, key, config, &own) {
            forms[usize::from(younger)] = forms[usize::from(elder)].clone();
        }
        let seconds: BTreeMap<_, _> = split(inventory, key, config, &own).into_iter().map(|id| (id, coiner.coin(id))).collect();
        let suffixes = coiner.suffixes();
        // What follows came later than the sentences whose bytes are fixed.
        forms.extend(self.extras(inventory, key, config, &mut coiner));
        let synonyms = synonymous(inventory, key, config, &seconds).into_iter().map(|id| (id, coiner.coin(id))).collect();
        for (adverb, verb) in polysemous(inventory, key, config, &own) {
            forms[usize::from(adverb)] = forms[usize::from(verb)].clone();
        }
        Self { forms, seconds, synonyms, suffixes, phonotactics: coiner.phonology.phonotactics() }
    }

    /// The words of tasks, of which the same share is kept. One that an own word
    /// of the language sounds like is its own, too.
    fn extras(&self, inventory: &Inventory, key: u64, config: &LanguageConfig, coiner: &mut Coiner<'_>) -> Vec<String> {
        let all = inventory.extras().collect();
        let kept: BTreeSet<_> = share(all, config.cognate_permille, |id| hash(key, "kept", &[u64::from(*id)])).into_iter().collect();
        let pivot = |id: ConceptId| &self.forms[usize::from(id)];
        let keeps = |id: ConceptId, coiner: &mut Coiner<'_>| kept.contains(&id) && coiner.taken.insert(pivot(id).clone());
        let kept: Vec<bool> = inventory.extras().map(|id| keeps(id, coiner)).collect();
        coiner.taken.extend(inventory.extras().map(|id| pivot(id).clone()));
        let forms = inventory.extras().zip(kept).map(|(id, kept)| if kept { pivot(id).clone() } else { coiner.coin(id) });
        forms.collect()
    }

    /// The only or first form.
    pub(crate) fn form(&self, id: ConceptId) -> &str {
        &self.forms[usize::from(id)]
    }

    /// The second form of a word split by context.
    pub(crate) fn second(&self, id: ConceptId) -> Option<&str> {
        self.seconds.get(&id).map(String::as_str)
    }

    /// The second form that may stand for the first anywhere.
    pub(crate) fn synonym(&self, id: ConceptId) -> Option<&str> {
        self.synonyms.get(&id).map(String::as_str)
    }

    /// All forms, the first one first.
    pub(crate) fn all(&self, id: ConceptId) -> impl Iterator<Item = &str> {
        [Some(self.form(id)), self.second(id), self.synonym(id)].into_iter().flatten()
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

    /// What the own words are made of.
    pub(crate) fn phonotactics(&self) -> &Phonotactics {
        &self.phonotactics
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
    let used: Vec<_> = inventory.common().filter(|id| inventory.is_word(*id, config.suffixing)).collect();
    let names = inventory.class(WordClass::Name);
    let rank = |id: &ConceptId| {
        let drawn = hash(key, "kept", &[u64::from(*id)]);
        (!names.contains(id), drawn)
    };
    share(used, config.cognate_permille, rank).into_iter().collect()
}

/// Pairs of near-synonyms, both own words, that are one word.
fn merged(inventory: &Inventory, key: u64, config: &LanguageConfig, own: &impl Fn(&ConceptId) -> bool) -> Vec<(ConceptId, ConceptId)> {
    let pairs = inventory.common().filter_map(|id| Some((id, inventory.twin(id)?)));
    let pairs = pairs.filter(|(elder, younger)| own(elder) && own(younger));
    share(pairs.collect(), config.merged_permille, |(elder, _)| hash(key, "merged", &[u64::from(*elder)]))
}

/// Predicates, own words, that are two words. Near-synonyms are left alone:
/// a word both merged and split would say either with two forms.
fn split(inventory: &Inventory, key: u64, config: &LanguageConfig, own: &impl Fn(&ConceptId) -> bool) -> Vec<ConceptId> {
    let alone = |id: &ConceptId| inventory.get(*id).group == *id && inventory.twin(*id).is_none();
    let predicates = inventory.common().filter(|id| inventory.favoured(*id).is_some() && own(id) && alone(id));
    share(predicates.collect(), config.split_permille, |id| hash(key, "split", &[u64::from(*id)]))
}

/// Words of the open classes with a synonym. Near-synonyms are left alone, and
/// so are names and words that context splits.
fn synonymous(inventory: &Inventory, key: u64, config: &LanguageConfig, seconds: &BTreeMap<ConceptId, String>) -> Vec<ConceptId> {
    let open = |id: &ConceptId| matches!(inventory.get(*id).class, WordClass::Noun(_) | WordClass::Predicate(_));
    let alone = |id: &ConceptId| inventory.get(*id).group == *id && inventory.twin(*id).is_none();
    let words = inventory.common().filter(|id| open(id) && alone(id) && !seconds.contains_key(id));
    share(words.collect(), config.synonym_permille, |id| hash(key, "synonym", &[u64::from(*id)]))
}

/// Adverbs of manner, own words, with a verb that they sound like.
fn polysemous(inventory: &Inventory, key: u64, config: &LanguageConfig, own: &impl Fn(&ConceptId) -> bool) -> Vec<(ConceptId, ConceptId)> {
    let adverbs = inventory.class(WordClass::Manner).filter(own);
    let chosen = share(adverbs.collect(), config.polysemy_permille, |id| hash(key, "polysemy", &[u64::from(*id)]));
    chosen.into_iter().zip(inventory.class(Frame::Intransitive.word_class()).filter(own)).collect()
}

/// The share of the items of lowest rank, rounded up.
fn share<T, K: Ord>(mut items: Vec<T>, permille: u32, rank: impl Fn(&T) -> K) -> Vec<T> {
    let count = (items.len() * permille.min(1000) as usize).div_ceil(1000);
    items.sort_by_key(rank);
    items.truncate(count);
    items
}
