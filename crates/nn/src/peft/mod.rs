//! What adapters with a folder in PEFT's form share: names that choose modules, patterns over paths, keys and tensors.

mod folder;
mod names;

pub use crate::ByPath;
pub use folder::{CONFIG, PREFIX, TENSORS, config, flag, host, inert, number, refuse_unknown, tensor, text, whole};
pub use names::{Names, by_pattern};
