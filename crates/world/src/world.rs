//! The world itself: sentences and lexicons of any language, from one seed.

use crate::config::WorldConfig;
use crate::error::WorldError;
use crate::features::Distance;
use crate::inventory::{ConceptId, Inventory, WordClass};
use crate::language::LanguageConfig;
use crate::lexicon::Lexicon;
use crate::phonology::Phonotactics;
use crate::plan::Planner;
use crate::random::{hash, hash_text};
use crate::realise::{Speaker, Speech};
use crate::selection::Frame;
use crate::split::Split;
use crate::tasks::{Item, Maker, TaskConfig};
use crate::utterance::Text;

/// A sentence of one language.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sentence {
    /// Split and index, such as `train.000123`: the same in every language.
    pub id: String,
    /// The sentence: 4 to 14 words between spaces, a capital first, a mark last.
    pub text: String,
    /// What it means, the same in every language. `meaning >> 3` numbers the
    /// event (no event of one split occurs in another); the low three bits tell
    /// tense and number. Near-synonyms and modifiers are not told apart.
    pub meaning: u64,
}

/// A concept and the words for it in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number of the concept, as in [`Token::lexeme`](crate::Token::lexeme).
    pub lexeme: u16,
    /// `function`, `noun`, `name`, `verb`, `adjective`, `adverb` or `numeral`.
    pub class: &'static str,
    /// The word of the pivot.
    pub pivot: String,
    /// The words here in the script of the language: the first form, that of
    /// another context where the word is split, a synonym where it has one.
    pub forms: Vec<String>,
}

/// Events and the languages that tell them.
pub struct World {
    config: WorldConfig,
    inventory: Inventory,
    planner: Planner,
    pivot: Lexicon,
}

impl World {
    /// A world of that seed and size.
    ///
    /// # Errors
    /// [`WorldError::OutOfRange`] when a size is not in `3..=200`.
    pub fn new(config: WorldConfig) -> Result<Self, WorldError> {
        config.check()?;
        let inventory = Inventory::new(&config);
        let planner = Planner::new(&inventory, config.seed);
        let pivot = Lexicon::pivot(&inventory, config.seed);
        Ok(Self { config, inventory, planner, pivot })
    }

    /// How many sentences a split has, in every language.
    pub fn capacity(&self, split: Split) -> u64 {
        self.planner.capacity(split)
    }

    /// The first `count` sentences of a split, of train the language's share of them
    /// ([`LanguageConfig::resource_permille`]). Sentences of equal index mean the
    /// same in every language; meanings within a split are distinct.
    ///
    /// # Errors
    /// [`WorldError::TooMany`] beyond [`World::capacity`]; `OutOfRange` and
    /// `NamelessLanguage` for a language that cannot be.
    pub fn sentences(&self, language: &LanguageConfig, split: Split, count: usize) -> Result<Vec<Sentence>, WorldError> {
        let texts = self.glossed(language, split, count)?;
        Ok(texts.into_iter().map(|(sentence, _)| sentence).collect())
    }

    /// [`World::sentences`] with their words: glosses, and what [`align`](crate::align)
    /// needs. The text is told twice.
    ///
    /// # Errors
    /// As [`World::sentences`].
    pub fn glossed(&self, language: &LanguageConfig, split: Split, count: usize) -> Result<Vec<(Sentence, Text)>, WorldError> {
        language.check()?;
        let (asked, available) = (count as u64, self.capacity(split));
        if asked > available {
            return Err(WorldError::TooMany { split: split.name(), available, asked });
        }
        let lexicon = self.words(language);
        let speaker = self.speaker(language, &lexicon);
        Ok((0..language.has(split, count) as u64).map(|index| self.sentence(&speaker, split, index)).collect())
    }

    /// The first `count` items of a task, of train the language's share of them. Items of
    /// equal index mean the same in every language, and a longer list begins with the shorter one.
    ///
    /// # Errors
    /// [`WorldError::TooManyItems`] when so many are not found, or beyond a million; `OutOfRange` and
    /// `NamelessLanguage` for a difficulty or a language that cannot be.
    pub fn items(&self, task: &TaskConfig, language: &LanguageConfig, split: Split, count: usize) -> Result<Vec<Item>, WorldError> {
        language.check()?;
        task.check()?;
        let maker = Maker::new(&self.inventory, &self.planner, self.config.seed, task, split);
        let drafts = maker.drafts(language.has(split, count))?;
        let (here, there) = (self.words(language), self.words(&task.source));
        let (speaker, source) = (self.speaker(language, &here), self.speaker(&task.source, &there));
        let voice = hash(self.config.seed, "voice", &[hash_text(&language.name), task.task as u64]);
        let items = drafts.into_iter().enumerate().map(|(index, draft)| {
            let fields = draft.fields(&speaker, &source, hash(voice, "item", &[draft.meaning]));
            Item {
                id: format!("{}.{}.{index:06}", task.task.name(), split.name()),
                task: task.task,
                language: language.name.clone(),
                split,
                meaning: draft.meaning,
                gold: draft.gold(&fields),
                keys: draft.keys,
                stated: draft.stated,
                fields,
            }
        });
        Ok(items.collect())
    }

    /// Every word of the language: the form of the pivot and the form here, in
    /// the scripts of each. A merged word has several rows, a split word two;
    /// what the language says by suffixes has none. Shares above 1000 count as
    /// 1000.
    pub fn lexicon(&self, language: &LanguageConfig) -> Vec<(String, String)> {
        let entries = self.entries(language);
        let common = entries.into_iter().filter(|entry| self.inventory.common().contains(&entry.lexeme));
        let rows = common.flat_map(|entry| entry.forms.into_iter().map(move |form| (entry.pivot.clone(), form)));
        rows.collect()
    }

    /// Every concept that the language has a word for, those that only tasks use last.
    pub fn entries(&self, language: &LanguageConfig) -> Vec<Entry> {
        let here = self.words(language);
        let all = self.inventory.common().chain(self.inventory.extras());
        let words = all.filter(|id| self.inventory.is_word(*id, language.suffixing));
        let entry = |id: ConceptId| Entry {
            lexeme: id,
            class: class_name(self.inventory.get(id).class),
            pivot: self.pivot.form(id).to_owned(),
            forms: here.all(id).map(|form| language.script.write(form)).collect(),
        };
        words.map(entry).collect()
    }

    /// What the own words of a language are made of; none of those kept from the pivot.
    pub fn phonotactics(&self, language: &LanguageConfig) -> Phonotactics {
        self.words(language).phonotactics().clone()
    }

    /// How far two languages are from each other. Symmetric; 0 from a language to itself.
    pub fn distance(&self, left: &LanguageConfig, right: &LanguageConfig) -> Distance {
        let (here, there) = (self.words(left), self.words(right));
        let common = self.inventory.common().filter(|id| self.inventory.is_word(*id, left.suffixing || right.suffixing));
        let ids: Vec<_> = common.chain(self.inventory.extras()).collect();
        let differing = ids.iter().filter(|id| here.form(**id) != there.form(**id)).count();
        Distance { typological: left.typological_distance(right), lexical: (differing * 1000 / ids.len()) as u32, script: left.script != right.script }
    }

    fn words(&self, language: &LanguageConfig) -> Lexicon {
        self.pivot.derive(&self.inventory, self.config.seed, language)
    }

    fn speaker<'a>(&'a self, language: &'a LanguageConfig, lexicon: &'a Lexicon) -> Speaker<'a> {
        Speaker { inventory: &self.inventory, lexicon, pivot: &self.pivot, config: language }
    }

    fn sentence(&self, speaker: &Speaker<'_>, split: Split, index: u64) -> (Sentence, Text) {
        let (meaning, number) = self.planner.plan(&self.inventory, split, index);
        let key = hash(self.config.seed, "variation", &[hash_text(&speaker.config.name), split as u64, index]);
        let mut speech = Speech::new(speaker, key, Some(key));
        speech.say(&meaning);
        let text = speech.finish();
        let sentence = Sentence { id: format!("{}.{index:06}", split.name()), text: text.text.clone(), meaning: number };
        (sentence, text)
    }
}

fn class_name(class: WordClass) -> &'static str {
    match class {
        WordClass::Function => "function",
        WordClass::Noun(_) => "noun",
        WordClass::Name => "name",
        WordClass::Predicate(Frame::Copular) => "adjective",
        WordClass::Predicate(_) => "verb",
        WordClass::Manner | WordClass::Time => "adverb",
        WordClass::Numeral => "numeral",
    }
}
