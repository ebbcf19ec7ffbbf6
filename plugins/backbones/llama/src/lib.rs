//! # llama
//!
//! The decoder of Llama 1-3, TinyLlama, Vicuna and most small open models.
//! Paper: Touvron et al. 2023, "LLaMA: Open and Efficient Foundation Language Models" (arXiv 2302.13971, §2.2);
//! grouped-query attention: Ainslie et al. 2023 (arXiv 2305.13245); Llama-3 frequency scaling: Grattafiori et al. 2024
//! (arXiv 2407.21783, §3.2).
//!
//! ## What it does
//! Pre-norm blocks of RMSNorm, rotary attention with grouped keys and values, and a SwiGLU feed-forward layer; tied or
//! untied head. Tensors have the names and layout of the Hugging Face files.
//!
//! ## When to use
//! For any checkpoint whose `config.json` says `"model_type": "llama"`, and for small models from scratch.
//!
//! ## Differences from the paper
//! None known. Dropout is not applied (the released models have none). Activations other than `silu` and frequency
//! scalings other than `linear` and `llama3` are refused.
//!
//! ## Reproduces
//! Logits of `transformers` on random checkpoints within 1e-4 of their standard deviation (`tests/fixtures/llama`).

mod block;
mod config;

use block::Block;
pub use config::LlamaConfig;
use std::ops::Range;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Backbone, Family, Hidden, Init, Input, Linear, Pass, Result, Role, Site, Spec, Stack, burn, refuse, register};
use tongues_nn::{Embedding, Fill, RmsNorm, Rope, linear};

/// The network. Field names are the Hugging Face names.
#[derive(Module, Debug)]
pub struct Llama {
    model: Body,
    lm_head: Option<Linear>,
    #[module(skip)]
    spec: Spec,
    #[module(skip)]
    rope: Rope,
}

#[derive(Module, Debug)]
struct Body {
    embed_tokens: Embedding,
    layers: Vec<Block>,
    norm: RmsNorm,
}

impl Family for LlamaConfig {
    fn build(&self, init: &Init) -> Result<Box<dyn Backbone>> {
        self.check()?;
        let fill = Fill::new(init, self.initializer_range);
        let rope = self.rope()?;
        let model = Body {
            embed_tokens: Embedding::new(fill.matrix("model.embed_tokens.weight", [self.vocabulary(), self.hidden_size])),
            layers: (0..self.num_hidden_layers).map(|layer| Block::new(self, layer, &fill)).collect(),
            norm: RmsNorm::new(fill.constant(1.0, self.hidden_size), self.rms_norm_eps),
        };
        let lm_head = (!self.tie_word_embeddings).then(|| linear(&fill, "lm_head", [self.hidden_size, self.vocabulary()], false));
        Ok(Box::new(Llama { model, lm_head, spec: self.spec(), rope }))
    }
}

fn site(role: Role) -> Site {
    Site::new(Stack::Decoder, 0, role)
}

impl Backbone for Llama {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn spec_mut(&mut self) -> &mut Spec {
        &mut self.spec
    }

    fn embed(&self, input: &Input, pass: &mut Pass<'_>) -> Result<Hidden> {
        let Some(stream) = input.streams.get(&Stack::Decoder) else {
            return refuse("input", "tokens for the decoder", "none", "give the decoder's stream");
        };
        let x = match &stream.rows {
            Some(rows) => rows.clone(),
            None => self.model.embed_tokens.forward(stream.ids.clone()), // [B, T, D]
        };
        let x = pass.at(site(Role::Embeddings), x)?;
        Ok(Hidden { x, valid: stream.valid.clone(), positions: stream.positions.clone(), segments: stream.segments.clone(), origin: None })
    }

    fn blocks(&self, _: Stack, hidden: Hidden, range: Range<usize>, pass: &mut Pass<'_>) -> Result<Hidden> {
        let tables = self.rope.tables(hidden.positions.clone());
        let mut x = hidden.x.clone();
        for layer in range {
            let at = Site::new(Stack::Decoder, layer, Role::Block);
            x = pass.site(at, x, |x, pass| self.model.layers[layer].forward(x, &tables, pass))?;
        }
        Ok(hidden.with(x))
    }

    fn norm(&self, _: Stack, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        pass.site(site(Role::Final), x, |x, _| Ok(self.model.norm.forward(x)))
    }

    fn head(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        match &self.lm_head {
            Some(head) => pass.linear(site(Role::Head), head, x),
            None => pass.site(site(Role::Head), x, |x, _| Ok(self.model.embed_tokens.as_head(x))),
        }
    }
}

register!(Backbone, "llama", "Llama 1-3 and kin: RMSNorm, rotary grouped-query attention, SwiGLU", LlamaConfig);
