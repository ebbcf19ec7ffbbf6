//! Merging checkpoints: tensor by tensor from disk to disk, in pieces, so that memory does not grow with the models.
//!
//! A merge has a plan (what every tensor of the result is made of) before the first number is read; [`stream`] follows it
//! and fills a folder that has no final name yet ([`Pending`]), from where a killed merge goes on.

mod band;
mod look;
mod pending;
mod source;
mod stream;
mod vocabulary;

pub use look::{Look, Looked, look, quick_warnings};
pub use pending::{Pending, is_pending};
pub use source::{Held, Source};
pub use stream::{Job, Merging, Watch, stream, survey};
pub use vocabulary::{Entry, Rule, Stand, Target, Vocabulary, check_same};
