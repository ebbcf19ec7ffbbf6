//! Runs a checked recipe: resolves data, tokenizers and models, goes through the stages, fills the run folder.

pub mod ahead;
mod card;
mod chat;
mod datasets;
mod folder;
mod formats;
mod identity;
mod journal;
mod lock;
mod memo;
mod memory;
mod merged_tokens;
pub mod mergekit;
pub mod merging;
mod mixture;
mod models;
mod pool;
mod progress;
mod run;
mod samples;
mod shop;
mod stage;
mod surroundings;
mod variant;
mod world;

pub use chat::{Chat, Hear, Listener};
pub use folder::{Begin, Folder, Occupied};
pub use memory::anonymous_bytes;
pub use progress::{Progress, Quiet};
pub use run::{Outcome, RunOptions, run};
pub use samples::{Piece, Sample, Sampled, samples};
pub use shop::Shop;
pub use stage::{Asked, Writing, Written, continued};
pub use surroundings::Surroundings;
