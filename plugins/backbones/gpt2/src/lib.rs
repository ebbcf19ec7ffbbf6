//! # gpt2
//!
//! The decoder of GPT-2 and the many small models in its form.
//! Paper: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners" (§2.3).
//!
//! ## What it does
//! Pre-norm blocks of LayerNorm, attention over learned positions, and a GELU feed-forward layer; tied head. The files keep
//! the matrices inside blocks as `[in, out]`; in memory they are `[out, in]` as everywhere, so that adapters and merges see
//! nothing of it, and adapters are written with `fan_in_fan_out`. Old files without `transformer.` before their names are read.
//!
//! ## When to use
//! For any checkpoint whose `config.json` says `"model_type": "gpt2"`. Queries, keys and values are one projection, `c_attn`;
//! after it, each is a place of its own for parts and taps, without a weight.
//!
//! ## Differences from the paper
//! Dropout is not applied. Cross-attention is refused. `reorder_and_upcast_attn` changes nothing in 32 bits and is kept as it is.
//! Fresh output projections are not scaled down by the number of layers.
//!
//! ## Reproduces
//! Logits and hidden states of `transformers` on random checkpoints within 1e-4 of their standard deviation, and its gradients
//! of every parameter within 1e-3 of their largest entry (`tests/fixtures/gpt2`).

mod block;
mod config;

use block::{Block, norm};
pub use config::Gpt2Config;
use std::ops::Range;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Backbone, Family, Hidden, Init, Input, Linear, Pass, Result, Role, Site, Spec, Stack, burn, register};
use tongues_nn::{Embedding, Fill, LayerNorm, linear};

/// The network. Field names are the Hugging Face names.
#[derive(Module, Debug)]
pub struct Gpt2 {
    transformer: Body,
    lm_head: Option<Linear>,
    #[module(skip)]
    spec: Spec,
}

#[derive(Module, Debug)]
struct Body {
    wte: Embedding,
    wpe: Embedding,
    h: Vec<Block>,
    ln_f: LayerNorm,
}

impl Family for Gpt2Config {
    fn build(&self, init: &Init) -> Result<Box<dyn Backbone>> {
        let activation = self.check()?;
        let fill = Fill::new(init, self.initializer_range);
        let table = |name: &str, rows| Embedding::new(fill.matrix(&format!("transformer.{name}.weight"), [rows, self.n_embd]));
        let transformer = Body {
            wte: table("wte", self.vocabulary()),
            wpe: table("wpe", self.n_positions),
            h: (0..self.n_layer).map(|layer| Block::new(self, activation, layer, &fill)).collect(),
            ln_f: norm(self, &fill),
        };
        let lm_head = (!self.tie_word_embeddings).then(|| linear(&fill, "lm_head", [self.n_embd, self.vocabulary()], false));
        Ok(Box::new(Gpt2 { transformer, lm_head, spec: self.spec() }))
    }
}

fn site(role: Role) -> Site {
    Site::new(Stack::Decoder, 0, role)
}

impl Backbone for Gpt2 {
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
            None => self.transformer.wte.forward(stream.ids.clone()), // [B, T, D]
        };
        let x = pass.at(site(Role::Embeddings), x)? + self.transformer.wpe.forward(stream.positions.clone());
        Ok(Hidden { x, valid: stream.valid.clone(), positions: stream.positions.clone(), segments: stream.segments.clone(), origin: None })
    }

    fn blocks(&self, _: Stack, hidden: Hidden, range: Range<usize>, pass: &mut Pass<'_>) -> Result<Hidden> {
        let mut x = hidden.x.clone();
        for layer in range {
            let at = Site::new(Stack::Decoder, layer, Role::Block);
            x = pass.site(at, x, |x, pass| self.transformer.h[layer].forward(x, pass))?;
        }
        Ok(hidden.with(x))
    }

    fn norm(&self, _: Stack, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        pass.site(site(Role::Final), x, |x, _| Ok(self.transformer.ln_f.forward(x)))
    }

    fn head(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        match &self.lm_head {
            Some(head) => pass.linear(site(Role::Head), head, x),
            None => pass.site(site(Role::Head), x, |x, _| Ok(self.transformer.wte.as_head(x))),
        }
    }
}

register!(Backbone, "gpt2", "GPT-2 and kin: LayerNorm, learned positions, GELU", Gpt2Config);
