//! # gemma3_text
//!
//! The text decoder of Gemma 3.
//! Paper: Gemma Team 2025, "Gemma 3 Technical Report" (arXiv 2503.19786, §2).
//!
//! ## What it does
//! Gemma 2's blocks with norms of queries and keys in place of capped scores, five layers with a window for one that sees
//! everything, and a rotation of its own for each kind.
//!
//! ## When to use
//! For checkpoints whose `config.json` says `"model_type": "gemma3_text"`: the text models, and text parts of the others.
//!
//! ## Differences from the paper
//! No images: files with `"model_type": "gemma3"` nest this network in another and are not read. Dropout is not applied;
//! texts read in both directions, capped scores (which the reference ignores) and other activations are refused.
//!
//! ## Reproduces
//! Logits and hidden states of `transformers` on random checkpoints within 1e-4 of their standard deviation, and its gradients
//! of every parameter within 1e-3 of their largest entry (`tests/fixtures/gemma3`).

mod config;

pub use config::Gemma3Config;
use tongues_kernel::{Backbone, Family, Init, Result, register};

impl Family for Gemma3Config {
    fn build(&self, init: &Init) -> Result<Box<dyn Backbone>> {
        self.plan()?.build(init)
    }
}

register!(Backbone, "gemma3_text", "Gemma 3 for text: norms on heads, five windows for one full layer", Gemma3Config);
