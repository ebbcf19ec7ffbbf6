//! One error type for everything a user can get wrong, and for what fails while running.
//!
//! A message has four pieces: the place, what was expected, what was found, and what to do.

use std::fmt;

/// Whose turn it is to act: decides the exit code of the command line (2, 1 or 130).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The recipe, the data, the checkpoint or the plugin is wrong: exit code 2.
    Input,
    /// Something failed while running (disk, memory, a broken invariant): exit code 1.
    Run,
    /// Someone asked to stop; what was done is saved: exit code 130.
    Interrupted,
}

/// Place, expectation, finding and remedy.
#[derive(Clone, Debug)]
pub struct Error(Box<Story>);

/// The pieces of an [`Error`].
#[derive(Clone, Debug)]
pub struct Story {
    /// Whose turn it is.
    pub fault: Fault,
    /// Where: a file with line, a tensor name, a recipe key.
    pub at: String,
    /// What should have been there.
    pub expected: String,
    /// What was there.
    pub found: String,
    /// What the user can do; may be empty.
    pub remedy: String,
}

/// The kernel's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The user's input is wrong.
    pub fn input(at: impl fmt::Display, expected: impl fmt::Display, found: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self::new(Fault::Input, at, expected, found, remedy)
    }

    /// What a metric refuses is the user's data. (No `From`: with a second one `?` in closures could not tell its error.)
    pub fn metric(e: tongues_metrics::MetricError) -> Self {
        Self::input(e.at, e.expected, e.found, e.remedy)
    }

    /// Something failed while running.
    pub fn run(at: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::new(Fault::Run, at, "to go on", what, "")
    }

    /// Someone asked to stop.
    pub fn interrupted(at: impl fmt::Display, what: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self::new(Fault::Interrupted, at, "to go on", what, remedy)
    }

    fn new(fault: Fault, at: impl fmt::Display, expected: impl fmt::Display, found: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self(Box::new(Story { fault, at: at.to_string(), expected: expected.to_string(), found: found.to_string(), remedy: remedy.to_string() }))
    }

    /// The pieces of the message.
    pub fn story(&self) -> &Story {
        &self.0
    }

    /// Whose turn it is.
    pub fn fault(&self) -> Fault {
        self.0.fault
    }

    /// The same error, seen from further out: `place: ` is put before the place.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.0.at = if self.0.at.is_empty() { place.to_string() } else { format!("{place}: {}", self.0.at) };
        self
    }

    /// The same error with another name for something, e.g. that of a model for the folder it was read from.
    #[must_use]
    pub fn renamed(mut self, from: &str, to: &str) -> Self {
        for text in [&mut self.0.at, &mut self.0.expected, &mut self.0.found, &mut self.0.remedy] {
            *text = text.replace(from, to);
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Story { fault, at, expected, found, remedy } = &*self.0;
        match fault {
            Fault::Input => write!(f, "{at}: expected {expected}, found {found}")?,
            Fault::Run | Fault::Interrupted => write!(f, "{at}: {found}")?,
        }
        if remedy.is_empty() { Ok(()) } else { write!(f, "\n  help: {remedy}") }
    }
}

impl std::error::Error for Error {}

/// `Err(Error::input(…))`, for a check that fails.
pub fn refuse<T>(at: impl fmt::Display, expected: impl fmt::Display, found: impl fmt::Display, remedy: impl fmt::Display) -> Result<T> {
    Err(Error::input(at, expected, found, remedy))
}

/// The candidate nearest to `word` by edit distance, if it is near enough to be a typing mistake.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (strsim::osa_distance(&lower, &c.to_lowercase()), c))
        .filter(|(d, c)| *d <= (c.chars().count().max(word.chars().count()) / 3).max(1))
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_a_slip_and_nothing_far() {
        assert_eq!(nearest("learning_rat", ["learning_rate", "r"]), Some("learning_rate"));
        assert_eq!(nearest("zzz", ["learning_rate", "steps"]), None);
    }

    #[test]
    fn message_has_place_expectation_finding_remedy() {
        let e = refuse::<()>("x.toml:3:1", "a number", "text", "write 3").unwrap_err().within("run");
        assert_eq!(e.to_string(), "run: x.toml:3:1: expected a number, found text\n  help: write 3");
    }
}
