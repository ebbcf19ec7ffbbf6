//! # mistral
//!
//! The decoder of Mistral 7B, Nemo and Zephyr.
//! Paper: Jiang et al. 2023, "Mistral 7B" (arXiv 2310.06825, §2); sliding windows: Beltagy et al. 2020 (arXiv 2004.05150).
//!
//! ## What it does
//! Llama's blocks, in which a query sees the last `sliding_window` keys, itself among them; heads may be wider or narrower
//! than `hidden_size / num_attention_heads`.
//!
//! ## When to use
//! For any checkpoint whose `config.json` says `"model_type": "mistral"`.
//!
//! ## Differences from the paper
//! The cache keeps all keys, also those behind the window (no rolling buffer); what a query sees is the same. Dropout is not
//! applied. Activations other than `silu` are refused.
//!
//! ## Reproduces
//! Logits and hidden states of `transformers` on random checkpoints within 1e-4 of their standard deviation, and its gradients
//! of every parameter within 1e-3 of their largest entry (`tests/fixtures/mistral`).

mod config;

pub use config::MistralConfig;
use tongues_kernel::{Backbone, Family, Init, Result, register};

impl Family for MistralConfig {
    fn build(&self, init: &Init) -> Result<Box<dyn Backbone>> {
        self.plan()?.build(init)
    }
}

register!(Backbone, "mistral", "Mistral 7B, Nemo and kin: llama with a sliding window", MistralConfig);
