//! Runs a checked recipe: resolves data, tokenizers and models, goes through the stages, fills the run folder.

mod card;
mod datasets;
mod folder;
mod formats;
mod identity;
mod journal;
mod lock;
mod memory;
mod mixture;
mod models;
mod pool;
mod progress;
mod run;
mod samples;
mod shop;
mod stage;
mod surroundings;

pub use folder::{Begin, Folder, Occupied};
pub use memory::anonymous_bytes;
pub use progress::{Progress, Quiet};
pub use run::{Outcome, RunOptions, run};
pub use samples::{Piece, Sample, Sampled, samples};
pub use shop::Shop;
pub use stage::{continued, scores};
pub use surroundings::Surroundings;
