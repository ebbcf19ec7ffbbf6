//! What can go wrong: a size or share out of range, or too many sentences.

use crate::tasks::Task;
use std::fmt;

/// Why a world or its sentences could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorldError {
    /// A field of a configuration is outside its range.
    OutOfRange {
        /// Where the value stands, such as `world.nouns_per_class`.
        place: String,
        /// Smallest value allowed.
        min: u64,
        /// Largest value allowed.
        max: u64,
        /// The value found.
        found: u64,
    },
    /// A language without a name: the name seeds its words.
    NamelessLanguage,
    /// More sentences were asked for than the split has distinct meanings.
    TooMany {
        /// Name of the split.
        split: &'static str,
        /// Sentences the split has.
        available: u64,
        /// Sentences asked for.
        asked: u64,
    },
    /// More items were asked for than were found in the split.
    TooManyItems {
        /// Name of the task.
        task: &'static str,
        /// Name of the split.
        split: &'static str,
        /// Distinct items found.
        available: u64,
        /// Items asked for.
        asked: u64,
    },
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { place, min, max, found } => write!(f, "{place}: expected {min} to {max}, found {found}; choose a value in that range"),
            Self::NamelessLanguage => write!(f, "language.name: expected a name, found an empty one; name the language, its words depend on it"),
            Self::TooMany { split, available, asked } => write!(
                f,
                "split {split}: expected at most {available} sentences, found a request for {asked}; ask for fewer, or enlarge the lexicon of the world"
            ),
            Self::TooManyItems { task, split, available, asked } => write!(
                f,
                "task {task}, split {split}: expected at most {available} items, found a request for {asked}; ask for fewer, {}or enlarge the lexicon of the world",
                if *task == Task::FactQa.name() { "or for more `facts`, " } else { "" }
            ),
        }
    }
}

impl std::error::Error for WorldError {}

/// Checks that `found` lies in `min..=max`.
pub(crate) fn in_range(place: &str, found: u64, min: u64, max: u64) -> Result<(), WorldError> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(WorldError::OutOfRange { place: place.to_owned(), min, max, found })
}
