//! In which script and language a text is.

mod ngrams;
mod script;

pub use ngrams::LanguageModel;
pub use script::{SCRIPTS, Script, script_counts, script_of};

use crate::error::{MetricError, Result};

/// The share of texts that are not in the language they should be in, where `found` tells a text's language.
///
/// # Errors
/// There is no text.
pub fn off_target_share<T>(texts: &[T], wanted: &str, found: impl Fn(&T) -> String) -> Result<f64> {
    if texts.is_empty() {
        return Err(MetricError::new("texts", "at least one", "none", "pass the texts that were written"));
    }
    Ok(texts.iter().filter(|t| found(t) != wanted).count() as f64 / texts.len() as f64)
}
