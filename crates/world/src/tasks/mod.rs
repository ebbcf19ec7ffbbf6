//! Tasks with known answers, the same in every language.
//!
//! A `draft` is an item before any language: meanings, numbers, and what is
//! true of them. It is drawn from a counter, kept when all its events belong to
//! the split, and then rendered. Each task is one file.

mod arithmetic;
mod cast;
mod config;
mod draft;
mod facts;
mod instruction;
mod intent;
mod item;
mod maker;
mod nli;
mod retrieval;
mod slots;
mod texts;

pub use config::TaskConfig;
pub use item::{Gold, Item, ItemField, Span, Task, bio};
pub(crate) use maker::Maker;
