//! What can be wrong with the input of a score.

use std::fmt;

/// Why a score could not be computed: where, what was expected and found, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricError {
    /// Where, such as `references[2]`.
    pub at: String,
    /// What was expected there.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub remedy: String,
}

impl MetricError {
    pub(crate) fn new(at: impl Into<String>, expected: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { at: at.into(), expected: expected.into(), found: found.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for MetricError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}; {}", self.at, self.expected, self.found, self.remedy)
    }
}

impl std::error::Error for MetricError {}

/// What every function here returns that can refuse its input.
pub type Result<T> = std::result::Result<T, MetricError>;

/// Refuses two lists of unequal length, and empty ones.
pub(crate) fn same_length(at: &str, one: usize, other: usize) -> Result<()> {
    if one == 0 && other == 0 {
        return Err(MetricError::new(at, "at least one item", "none", "an average over nothing has no value; pass the items"));
    }
    if one != other {
        return Err(MetricError::new(at, format!("{one} items, one for each of the other list"), format!("{other}"), "pass lists of the same length"));
    }
    Ok(())
}

/// Refuses what is not a number, and infinities.
pub(crate) fn all_finite(at: &str, values: &[f64]) -> Result<()> {
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(i) => Err(MetricError::new(format!("{at}[{i}]"), "a finite number", values[i].to_string(), "leave the item out, or repair what computed it")),
    }
}
