//! Models as Hugging Face folders: `config.json`, safetensors, `tokenizer.json`, and PEFT adapter folders.

mod adapter;
pub mod certificate;
mod fill;
mod keep;
mod load;
mod reading;
mod save;
mod sizes;
mod stored;

pub use adapter::{adapter_tensors, load_adapter, save_adapter};
pub use keep::{Keep, as_written, dtype_name, rounded, set_dtype, written_dtype};
pub use load::{family, load, load_backbone};
pub use reading::{From, Reading};
pub use save::{save, tensor_specs};
