//! # qwen3
//!
//! The dense decoders of Qwen 3.
//! Paper: Yang et al. 2025, "Qwen3 Technical Report" (arXiv 2505.09388, §2); norms of queries and keys: Dehghani et al. 2023
//! (arXiv 2302.05442, §2).
//!
//! ## What it does
//! Llama's blocks, with an RMSNorm on every query and key head before the rotation, heads of a width of their own (128 where
//! the file does not say it), and windows as in qwen2.
//!
//! ## When to use
//! For any checkpoint whose `config.json` says `"model_type": "qwen3"`.
//!
//! ## Differences from the paper
//! None known. Dropout is not applied. Activations other than `silu` are refused. Mixtures of experts are another family.
//!
//! ## Reproduces
//! Logits and hidden states of `transformers` on random checkpoints within 1e-4 of their standard deviation, and its gradients
//! of every parameter within 1e-3 of their largest entry (`tests/fixtures/qwen3`).

mod config;

pub use config::Qwen3Config;
use tongues_kernel::{Backbone, Family, Init, Result, register};

impl Family for Qwen3Config {
    fn build(&self, init: &Init) -> Result<Box<dyn Backbone>> {
        self.plan()?.build(init)
    }
}

register!(Backbone, "qwen3", "Qwen 3, dense: llama with norms on query and key heads", Qwen3Config);
