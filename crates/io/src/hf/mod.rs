//! Models as Hugging Face folders: `config.json`, safetensors, `tokenizer.json`, and PEFT adapter folders.

mod adapter;
mod load;
mod save;
mod stored;

pub use adapter::{load_adapter, save_adapter};
pub use load::{family, load, load_backbone};
pub use save::{save, tensor_specs};
