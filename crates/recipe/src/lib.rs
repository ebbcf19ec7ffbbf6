//! Recipes: TOML to a checked, typed plan, with every problem reported at its place.
//!
//! [`load`] reads a file, applies `--set` overrides, expands sweeps and checks everything against the recipe's own
//! schema, the schemas of the plugins it names, the names it refers to, and a few rules beyond. What it returns can be
//! run; what is wrong comes back all at once, as [`Diagnostics`].

pub mod ast;
mod catalogue;
mod checks;
mod diagnostics;
mod docs;
mod editor;
mod format_rules;
mod load;
mod node;
mod optimizer_rules;
mod order;
mod overrides;
mod place;
mod resolved;
mod rules;
mod scope;
mod shots_rules;
mod sweep;
mod visit;

pub use ast::Recipe;
pub use catalogue::{Catalogue, Linked};
pub use diagnostics::{Diagnostic, Diagnostics};
pub use docs::options_text;
pub use editor::schema;
pub use load::{Loaded, load, parse};
pub use place::Excerpt;
pub use resolved::resolved;
