//! Values as TOML, for recipes made from flags.

use std::path::Path;

/// A string in quotes. JSON's escapes are valid TOML escapes.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A path in quotes.
pub fn path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// A list of paths.
pub fn paths(all: &[std::path::PathBuf]) -> String {
    format!("[{}]", all.iter().map(|p| path(p)).collect::<Vec<_>>().join(", "))
}
