//! What can be wrong with what is judged.

use std::fmt;

/// Why nothing can be judged: where, what was expected and found, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgeError {
    /// Where, such as `claim helps, seed 3`.
    pub at: String,
    /// What was expected there.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub remedy: String,
}

impl JudgeError {
    pub(crate) fn new(at: impl Into<String>, expected: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { at: at.into(), expected: expected.into(), found: found.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for JudgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}; {}", self.at, self.expected, self.found, self.remedy)
    }
}

impl std::error::Error for JudgeError {}

/// What every function here returns that can refuse its input.
pub type Result<T> = std::result::Result<T, JudgeError>;
