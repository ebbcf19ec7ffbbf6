//! # llama
//!
//! The decoder of Llama 1-3, TinyLlama, Vicuna, Yi and most small open models.
//! Paper: Touvron et al. 2023, "LLaMA: Open and Efficient Foundation Language Models" (arXiv 2302.13971, §2.2);
//! grouped-query attention: Ainslie et al. 2023 (arXiv 2305.13245); Llama-3 frequency scaling: Grattafiori et al. 2024
//! (arXiv 2407.21783, §3.2); YaRN: Peng et al. 2023 (arXiv 2309.00071, §3.2); LongRoPE: Ding et al. 2024 (arXiv 2402.13753).
//!
//! ## What it does
//! Pre-norm blocks of RMSNorm, rotary attention with grouped keys and values, and a SwiGLU feed-forward layer; tied or
//! untied head. Tensors have the names and layout of the Hugging Face files.
//!
//! ## When to use
//! For any checkpoint whose `config.json` says `"model_type": "llama"`, and for small models from scratch.
//!
//! ## Differences from the paper
//! None known. Dropout is not applied (the released models have none). Activations other than `silu` are refused. Where a
//! frequency scaling depends on the length of a text (`dynamic`, `longrope`), keys in a cache stay turned as they were, as in
//! the reference.
//!
//! ## Reproduces
//! Logits and hidden states of `transformers` on random checkpoints within 1e-4 of their standard deviation, and its gradients
//! of every parameter within 1e-3 of their largest entry (`tests/fixtures/llama`), for every rope type.

mod config;

pub use config::LlamaConfig;
use tongues_kernel::{Backbone, Family, Init, Result, register};

impl Family for LlamaConfig {
    fn build(&self, init: &Init) -> Result<Box<dyn Backbone>> {
        self.plan()?.build(init)
    }
}

register!(Backbone, "llama", "Llama 1-3 and kin: RMSNorm, rotary grouped-query attention, SwiGLU", LlamaConfig);
