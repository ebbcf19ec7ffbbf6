//! The recipe as it is run, written as TOML again: sweeps expanded, overrides applied, defaults filled in.

use crate::ast::Recipe;
use tongues_kernel::{Error, Result};

/// TOML text that [`parse`](crate::parse) reads as the same recipe. Paths stay as they were written.
///
/// # Errors
/// A value that TOML cannot write: a seed above 2^63 - 1.
pub fn resolved(recipe: &Recipe) -> Result<String> {
    toml_edit::ser::to_string_pretty(recipe).map_err(|error| Error::input("resolved recipe", "values that TOML can write", error, "take a seed below 2^63"))
}
