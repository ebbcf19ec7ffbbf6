//! Blocks that backbones and objectives share. Field names are those of the Hugging Face files.

mod attention;
mod embedding;
mod init;
mod loss;
mod norm;
mod rope;

pub use attention::{grouped, heads_apart, heads_together};
pub use embedding::Embedding;
pub use init::{Fill, linear};
pub use loss::{cross_entropy, cross_entropy_in_pieces};
pub use norm::RmsNorm;
pub use rope::{Rope, RopeScaling};
