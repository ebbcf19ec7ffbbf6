//! Formats: a record becomes text with loss on its answers, and a prompt up to where an answer begins.
//!
//! Templates are Jinja, rendered as transformers renders chat templates. They come with checkpoints and recipes, so they run
//! with a bound on their work and on what they write.
//!
//! - [`ChatTemplate`]: conversations as a checkpoint writes them
//! - [`Strings`]: `prompt` and `target` of a recipe
//! - [`TextFormat`]: either of them as a [`tongues_kernel::Format`]
//! - [`shots`]: worked examples before a prompt
//! - [`syntax`]: what is wrong with a template before anything is rendered

mod chat_template;
mod clock;
mod conversation;
mod environment;
mod generation;
mod python;
mod row;
pub mod shots;
mod spans;
mod strings;
mod text_format;
mod truncate;

pub use chat_template::ChatTemplate;
pub use clock::Date;
pub use environment::{Wrong, syntax};
pub use row::Rendered;
pub use spans::Loss;
pub use strings::{Strings, fields};
pub use text_format::{Body, Options, TextFormat};
pub use truncate::Truncate;
