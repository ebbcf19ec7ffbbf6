//! Blocks that backbones, adapters and objectives share. Field names are those of the Hugging Face files.

mod activation;
mod alibi;
mod attention;
mod by_path;
pub mod config;
mod decoder;
mod embedding;
mod init;
pub mod insert;
mod loss;
pub mod masked;
mod norm;
mod pair;
pub mod peft;
mod rope;

pub use activation::Activation;
pub use alibi::{alibi, alibi_slopes};
pub use attention::{grouped, heads_apart, heads_together};
pub use by_path::ByPath;
pub use decoder::{Block, Decoder, DecoderPlan, LayerPlan};
pub use embedding::Embedding;
pub use init::{Fill, linear};
pub use loss::{cross_entropy, cross_entropy_in_pieces};
pub use norm::{LayerNorm, RmsNorm};
pub use pair::Pair;
pub use rope::{LayerRope, Rope, RopeScaling, read_layer_rope, read_rope, write_layer_ropes, write_rope};
