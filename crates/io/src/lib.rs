//! Files of tongues: what lies on a disk becomes bytes, records and tokenizers, and back.
//!
//! Nothing here knows a method. Every reader checks a file before it is used and says what is wrong
//! with it, where, and what to do; every writer is atomic, so that a file under its final name is always a whole file.
//!
//! - [`tensors`]: safetensors checkpoints, memory-mapped and written in a stream
//! - [`hf`]: models and adapters as Hugging Face folders
//! - [`hub`]: models of the hub by name
//! - [`config`]: JSON configurations with typed keys
//! - [`text`] and [`mod@split`]: corpora as streams of records, and their parts
//! - [`tokenizer`]: `tokenizer.json` files, read, written and trained
//! - [`atomic`] and [`disk`]: files and folders that appear at once

pub mod atomic;
pub mod config;
pub mod disk;
pub mod hf;
pub mod hub;
mod parquet;
mod private;
pub mod split;
pub mod tensors;
pub mod text;
pub mod tokenizer;

pub use atomic::{AtomicDir, failed, remove_partial, sha256_file, write_atomic};
pub use private::private;
pub use split::{By, Parts, split};
pub use tensors::{Checkpoint, CheckpointWriter, Dtype, Flusher, Info, PlacedWriter, TensorOut, TensorSpec, Writer, open_file};
pub use text::{Format, Layout, TextFile};
pub use tokenizer::{Algorithm, HfTokenizer, check_rows};
