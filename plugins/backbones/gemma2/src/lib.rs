//! # gemma2
//!
//! The decoder of Gemma 2.
//! Paper: Gemma Team 2024, "Gemma 2: Improving Open Language Models at a Practical Size" (arXiv 2408.00118, §2).
//!
//! ## What it does
//! Rotary grouped-query attention and a GeGLU feed-forward layer, each between two RMSNorms whose weights are stored less one;
//! every other layer sees a window. Scores and logits are capped with tanh, embeddings multiplied by √hidden.
//!
//! ## When to use
//! For any checkpoint whose `config.json` says `"model_type": "gemma2"`. Weights stored in 16 bits train best in 32: the
//! caps and the large embeddings overflow half floats.
//!
//! ## Differences from the paper
//! None known. Dropout is not applied; texts read in both directions and other activations are refused.
//!
//! ## Reproduces
//! Logits and hidden states of `transformers` on random checkpoints within 1e-4 of their standard deviation, and its gradients
//! of every parameter within 1e-3 of their largest entry (`tests/fixtures/gemma2`).

mod config;

pub use config::Gemma2Config;
use tongues_kernel::{Backbone, Family, Init, Result, register};

impl Family for Gemma2Config {
    fn build(&self, init: &Init) -> Result<Box<dyn Backbone>> {
        self.plan()?.build(init)
    }
}

register!(Backbone, "gemma2", "Gemma 2: norms around sub-layers, soft caps, alternating windows", Gemma2Config);
