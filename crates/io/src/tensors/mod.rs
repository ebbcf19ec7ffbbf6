//! Named tensors on a disk: the safetensors format, one file or several with an index.
//!
//! A file is 8 bytes of header length (little endian), a JSON header, and the tensors' bytes, row by row, little endian.
//! Reading maps the file into memory and copies only the tensor that is asked for; writing streams tensor by tensor.
//! Format: <https://github.com/huggingface/safetensors#format>.

mod checkpoint;
mod convert;
mod header;
pub(crate) mod index;
mod map;
mod missing;
mod placed;
mod sharded;
mod writer;

pub use ::safetensors::Dtype;
pub use checkpoint::{Checkpoint, open_file};
pub use header::Info;
pub(crate) use missing::CONVERT;
pub use placed::{Flusher, PlacedWriter};
pub use sharded::{CheckpointWriter, MAX_SHARD_BYTES};
pub use writer::{Data, TensorOut, TensorSpec, Writer, pt_metadata, write};

/// Name of a checkpoint in one file.
pub const SINGLE: &str = "model.safetensors";
/// Name of the list of shards.
pub const INDEX: &str = "model.safetensors.index.json";
