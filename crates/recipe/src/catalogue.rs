//! What the checks must know of plugins: their names and the schema of their options.

use serde_json::Value as Json;
use tongues_kernel::Kind;

/// The plugins a recipe may name.
pub trait Catalogue {
    /// Names of all plugins of a kind, sorted.
    fn names(&self, kind: Kind) -> Vec<String>;
    /// JSON schema of a plugin's options; none for an unknown plugin.
    fn schema(&self, kind: Kind, name: &str) -> Option<Json>;
}

/// The plugins linked into this program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Linked;

impl Catalogue for Linked {
    fn names(&self, kind: Kind) -> Vec<String> {
        tongues_kernel::plugins().into_iter().filter(|p| p.kind == kind).map(|p| p.name.to_owned()).collect()
    }

    fn schema(&self, kind: Kind, name: &str) -> Option<Json> {
        tongues_kernel::find(kind, name).map(|plugin| (plugin.schema)())
    }
}
