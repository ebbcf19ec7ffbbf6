//! The world itself: sentences and lexicons of any language, from one seed.

use crate::config::WorldConfig;
use crate::error::WorldError;
use crate::inventory::{ConceptId, Inventory};
use crate::language::LanguageConfig;
use crate::lexicon::Lexicon;
use crate::plan::Planner;
use crate::realise::Speaker;
use crate::split::Split;

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

    /// The first `count` sentences of a split. Sentences of equal index mean the
    /// same in every language; meanings within a split are distinct.
    ///
    /// # Errors
    /// [`WorldError::TooMany`] beyond [`World::capacity`]; `OutOfRange` and
    /// `NamelessLanguage` for a language that cannot be.
    pub fn sentences(&self, language: &LanguageConfig, split: Split, count: usize) -> Result<Vec<Sentence>, WorldError> {
        language.check()?;
        let (asked, available) = (count as u64, self.capacity(split));
        if asked > available {
            return Err(WorldError::TooMany { split: split.name(), available, asked });
        }
        let lexicon = self.words(language);
        let speaker = Speaker { inventory: &self.inventory, lexicon: &lexicon, config: language };
        Ok((0..asked).map(|index| self.sentence(&speaker, split, index)).collect())
    }

    /// Every word of the language: the form of the pivot and the form here, in
    /// the scripts of each. A merged word has several rows, a split word two;
    /// what the language says by suffixes has none. Shares above 1000 count as
    /// 1000.
    pub fn lexicon(&self, language: &LanguageConfig) -> Vec<(String, String)> {
        let here = self.words(language);
        let all = 0..self.inventory.concepts.len() as ConceptId;
        let mut rows = Vec::new();
        for id in all.filter(|id| self.inventory.is_word(*id, language.suffixing)) {
            let forms = [Some(here.form(id)), here.second(id)];
            rows.extend(forms.into_iter().flatten().map(|form| {
                let pivot = self.pivot.form(id).to_owned();
                (pivot, language.script.write(form))
            }));
        }
        rows
    }

    fn words(&self, language: &LanguageConfig) -> Lexicon {
        self.pivot.derive(&self.inventory, self.config.seed, language)
    }

    fn sentence(&self, speaker: &Speaker<'_>, split: Split, index: u64) -> Sentence {
        let (meaning, number) = self.planner.plan(&self.inventory, split, index);
        Sentence { id: format!("{}.{index:06}", split.name()), text: speaker.say(&meaning), meaning: number }
    }
}
