//! # bloom
//!
//! The decoder of BLOOM and BLOOMZ, trained on 46 languages.
//! Paper: BigScience Workshop 2022, "BLOOM: A 176B-Parameter Open-Access Multilingual Language Model" (arXiv 2211.05100, §3.2);
//! linear biases: Press et al. 2022 (arXiv 2108.12409).
//!
//! ## What it does
//! Pre-norm blocks of LayerNorm, attention with a bias for each head that grows with distance (no table of positions), and a
//! GELU feed-forward layer; a norm right after the embeddings; tied head. Old files without `transformer.` before their names are read.
//!
//! ## When to use
//! For any checkpoint whose `config.json` says `"model_type": "bloom"`. The vocabulary is large, so that logits dominate the
//! memory of small models. Queries, keys and values are one projection, `query_key_value`; after it, each is a place of its own
//! for parts and taps, without a weight.
//!
//! ## Differences from the paper
//! Dropout is not applied. `slow_but_exact` and `pretraining_tp` change the order of sums only and are kept as they are.
//!
//! ## Reproduces
//! Logits and hidden states of `transformers` on random checkpoints within 1e-4 of their standard deviation, and its gradients
//! of every parameter within 1e-3 of their largest entry (`tests/fixtures/bloom`).

mod block;
mod config;

use block::{Block, norm};
pub use config::BloomConfig;
use std::ops::Range;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Backbone, Family, Hidden, Init, Input, Linear, Pass, Result, Role, Site, Spec, Stack, burn, register};
use tongues_nn::{Embedding, Fill, LayerNorm, alibi, alibi_slopes, linear};

/// The network. Field names are the Hugging Face names.
#[derive(Module, Debug)]
pub struct Bloom {
    transformer: Body,
    lm_head: Option<Linear>,
    #[module(skip)]
    spec: Spec,
    #[module(skip)]
    slopes: Vec<f32>,
}

#[derive(Module, Debug)]
struct Body {
    word_embeddings: Embedding,
    word_embeddings_layernorm: LayerNorm,
    h: Vec<Block>,
    ln_f: LayerNorm,
}

impl Family for BloomConfig {
    fn build(&self, init: &Init) -> Result<Box<dyn Backbone>> {
        let sizes = self.sizes()?;
        let (d, vocabulary) = (sizes.hidden, sizes.vocabulary);
        let fill = Fill::new(init, self.initializer_range);
        let transformer = Body {
            word_embeddings: Embedding::new(fill.matrix("transformer.word_embeddings.weight", [vocabulary, d])),
            word_embeddings_layernorm: norm(self, d, &fill),
            h: (0..sizes.layers).map(|layer| Block::new(self, sizes, layer, &fill)).collect(),
            ln_f: norm(self, d, &fill),
        };
        let lm_head = (!self.tie_word_embeddings).then(|| linear(&fill, "lm_head", [d, vocabulary], false));
        Ok(Box::new(Bloom { transformer, lm_head, spec: self.spec(sizes), slopes: alibi_slopes(sizes.heads) }))
    }
}

fn site(role: Role) -> Site {
    Site::new(Stack::Decoder, 0, role)
}

impl Backbone for Bloom {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn spec_mut(&mut self) -> &mut Spec {
        &mut self.spec
    }

    fn embed(&self, input: &Input, pass: &mut Pass<'_>) -> Result<Hidden> {
        let stream = input.stream(Stack::Decoder)?;
        let x = match &stream.rows {
            Some(rows) => rows.clone(),
            None => self.transformer.word_embeddings.forward(stream.ids.clone()), // [B, T, D]
        };
        let x = pass.at(site(Role::Embeddings), x)?;
        let x = pass.site(site(Role::EmbeddingsNorm), x, |x, _| Ok(self.transformer.word_embeddings_layernorm.forward(x)))?;
        Ok(Hidden { x, valid: stream.valid.clone(), positions: stream.positions.clone(), segments: stream.segments.clone(), origin: None })
    }

    fn blocks(&self, _: Stack, hidden: Hidden, range: Range<usize>, pass: &mut Pass<'_>) -> Result<Hidden> {
        let keys = hidden.x.dims()[1] + pass.cache.as_ref().map_or(0, |c| c.length);
        let bias = alibi(&self.slopes, &pass.mask, keys, &hidden.x.device()); // [B or 1, H, 1, K]
        let mut x = hidden.x.clone();
        for layer in range {
            let at = Site::new(Stack::Decoder, layer, Role::Block);
            x = pass.site(at, x, |x, pass| self.transformer.h[layer].forward(x, &bias, pass))?;
        }
        Ok(hidden.with(x))
    }

    fn norm(&self, _: Stack, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        pass.site(site(Role::Final), x, |x, _| Ok(self.transformer.ln_f.forward(x)))
    }

    fn head(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        match &self.lm_head {
            Some(head) => pass.linear(site(Role::Head), head, x),
            None => pass.site(site(Role::Head), x, |x, _| Ok(self.transformer.word_embeddings.as_head(x))),
        }
    }
}

register!(Backbone, "bloom", "BLOOM and BLOOMZ: LayerNorm, attention with linear biases, GELU", BloomConfig);
