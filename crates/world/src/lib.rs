//! A synthetic multilingual world: languages with known truth, from a seed.
//!
//! A world has events ("a person eats a food"), and languages that say them.
//! Everything is known of what they say: [`World::glossed`] gives the words with
//! glosses, [`align`] their alignment with another language, [`World::entries`] the
//! lexicon, [`LanguageConfig::features`] and [`World::distance`] the typology, and
//! [`World::items`] tasks with gold answers. The way from a number to a sentence is
//!
//! 1. `events`: every event the world allows, in one enumeration whose word
//!    frequencies are Zipf-like and which a keyed permutation cuts into
//!    train, dev and test;
//! 2. `plan` and `compose`: an event with its tense, numbers, modifiers and
//!    further clauses, the same for every language;
//! 3. `lexicon`: the words of one language: kept from the pivot or its own,
//!    some merged, some split by context;
//! 4. `realise`, `phrase`, `verb`: word order, function words or affixes;
//! 5. `utterance`: spelling errors, script, glosses.
//!
//! `tasks` goes the same way from persons, facts, numbers and events of its own.
//!
//! All of it is integer arithmetic on fixed tables: the same seed gives the
//! same bytes on every machine.
//!
//! ```
//! use tongues_world::{Gold, LanguageConfig, Split, Task, TaskConfig, World, WorldConfig};
//!
//! let world = World::new(WorldConfig { seed: 7, ..Default::default() })?;
//! let pivot = world.sentences(&LanguageConfig::pivot(), Split::Dev, 2)?;
//! let derived = world.sentences(&LanguageConfig::derived(), Split::Dev, 2)?;
//! assert_eq!(pivot[1].meaning, derived[1].meaning);
//!
//! let task = TaskConfig::new(Task::Nli);
//! let item = &world.items(&task, &LanguageConfig::remote(), Split::Dev, 1)?[0];
//! assert!(matches!(&item.gold, Gold::Label(label) if ["entailment", "neutral", "contradiction"].contains(&label.as_str())));
//! # Ok::<(), tongues_world::WorldError>(())
//! ```

mod agreement;
mod atom;
mod compose;
mod config;
mod error;
mod events;
mod features;
mod gloss;
mod inventory;
mod language;
mod lexicon;
mod meaning;
mod phonology;
mod phrase;
mod plan;
mod random;
mod realise;
mod sample;
mod script;
mod selection;
mod split;
mod tasks;
mod utterance;
mod verb;
mod words;
mod world;
mod zipf;

pub use atom::{Aspect, Atom, Role, align};
pub use config::WorldConfig;
pub use error::WorldError;
pub use features::{Distance, Feature};
pub use gloss::looked_up;
pub use language::{LanguageConfig, WordOrder};
pub use phonology::Phonotactics;
pub use sample::sample_page;
pub use script::Script;
pub use split::Split;
pub use tasks::{Gold, Item, ItemField, Span, Task, TaskConfig, bio};
pub use utterance::{Text, Token};
pub use world::{Entry, Sentence, World};
