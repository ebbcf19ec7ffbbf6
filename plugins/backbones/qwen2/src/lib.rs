//! # qwen2
//!
//! The decoder of Qwen 2 and 2.5.
//! Paper: Yang et al. 2024, "Qwen2 Technical Report" (arXiv 2407.10671, §2.2).
//!
//! ## What it does
//! Llama's blocks with biases on queries, keys and values, and none on the output. With `use_sliding_window`, layers from
//! `max_window_layers` on see a window only. Frequency scaling is YaRN in the released long models.
//!
//! ## When to use
//! For any checkpoint whose `config.json` says `"model_type": "qwen2"`.
//!
//! ## Differences from the paper
//! Dual chunk attention, with which the paper extrapolates, is not built; neither is it in the files' reference. Dropout is not
//! applied. Activations other than `silu` are refused.
//!
//! ## Reproduces
//! Logits and hidden states of `transformers` on random checkpoints within 1e-4 of their standard deviation, and its gradients
//! of every parameter within 1e-3 of their largest entry (`tests/fixtures/qwen2`).

mod config;

pub use config::Qwen2Config;
use tongues_kernel::{Backbone, Family, Init, Result, register};

impl Family for Qwen2Config {
    fn build(&self, init: &Init) -> Result<Box<dyn Backbone>> {
        self.plan()?.build(init)
    }
}

register!(Backbone, "qwen2", "Qwen 2 and 2.5: llama with biases on queries, keys and values", Qwen2Config);
