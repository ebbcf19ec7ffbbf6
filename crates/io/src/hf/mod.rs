//! Models as Hugging Face folders: `config.json`, safetensors, `tokenizer.json`, and PEFT adapter folders.

mod adapter;
pub mod certificate;
mod fill;
mod keep;
mod load;
mod opened;
mod reading;
mod save;
mod sizes;
mod stored;

pub use adapter::{adapter_tensors, load_adapter, save_adapter};
pub use keep::{Keep, as_written, dtype_name, rounded, set_dtype, written_dtype};
pub use load::{family, load, load_backbone};
pub use opened::{Opened, merge_input, order_of_files, shape_in_files, with_blocks};
pub use reading::{From, Reading};
pub use save::{save, save_sides, tensor_specs};
