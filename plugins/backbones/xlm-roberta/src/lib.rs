//! # xlm-roberta
//!
//! The encoders RoBERTa and XLM-R, with their head for masked tokens.
//! Papers: Liu et al. 2019, "RoBERTa: A Robustly Optimized BERT Pretraining Approach" (arXiv 1907.11692); Conneau et al. 2020,
//! "Unsupervised Cross-lingual Representation Learning at Scale" (arXiv 1911.02116, §3); the network is that of Devlin et al. 2019
//! (arXiv 1810.04805, §3) and Vaswani et al. 2017 (arXiv 1706.03762, §3.1).
//!
//! ## What it does
//! Every token sees every token of its text. Embeddings of tokens, positions and types are added and normed; blocks have their
//! norms behind the residuals; the head is a dense layer, GELU, a norm, and the embedding matrix with a bias. A text's first token
//! has the position `pad_token_id + 1`, so that a table of 514 rows has room for 512 tokens. The prefix `roberta.` may be missing.
//!
//! ## When to use
//! For checkpoints whose `config.json` says `"model_type": "xlm-roberta"` or `"roberta"`; both names are families of this crate.
//! Train it with `masked-lm`. An encoder predicts tokens that are hidden from it, not the next one: what writes text or scores it
//! from left to right refuses it. Checkpoints with a pooler or the head of another task are read with `allow_unused = true`.
//!
//! ## Differences from the paper
//! Dropout is not applied. Every token is of the first type. Decoders built of these blocks, relative positions and untied heads
//! are refused. The place `final` is the last block's output.
//!
//! ## Reproduces
//! Logits and hidden states of `transformers` on random checkpoints within 1e-4 of their standard deviation, and its gradients
//! of every parameter within 1e-3 of their largest entry (`tests/fixtures/xlm-roberta`).

// The files say `LayerNorm`.
#![allow(non_snake_case)]

mod block;
mod config;
mod head;
mod sites;

use block::{Block, norm};
pub use config::{Names, RobertaConfig};
use head::Head;
use sites::at;
use std::ops::Range;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Backbone, Context, Family, Hidden, Init, Input, Pass, Result, Role, Spec, Stack, burn, register};
use tongues_nn::{Embedding, Fill, LayerNorm};

/// The network. Field names are the Hugging Face names.
#[derive(Module, Debug)]
pub struct Roberta {
    roberta: Body,
    lm_head: Head,
    first_position: usize,
    #[module(skip)]
    spec: Spec,
}

#[derive(Module, Debug)]
struct Body {
    embeddings: Embeddings,
    encoder: Encoder,
}

#[derive(Module, Debug)]
struct Embeddings {
    word_embeddings: Embedding,
    position_embeddings: Embedding,
    token_type_embeddings: Embedding,
    LayerNorm: LayerNorm,
}

#[derive(Module, Debug)]
struct Encoder {
    layer: Vec<Block>,
}

/// One of the two families.
#[derive(Clone, Debug)]
pub struct Named {
    names: Names,
    config: RobertaConfig,
}

impl Named {
    fn xlm(config: RobertaConfig, _: &mut dyn Context) -> Result<Self> {
        Ok(Self { names: Names { family: "xlm-roberta", class: "XLMRobertaForMaskedLM" }, config })
    }

    fn plain(config: RobertaConfig, _: &mut dyn Context) -> Result<Self> {
        Ok(Self { names: Names { family: "roberta", class: "RobertaForMaskedLM" }, config })
    }
}

impl Family for Named {
    fn build(&self, init: &Init) -> Result<Box<dyn Backbone>> {
        let config = &self.config;
        let activation = config.check(self.names.family)?;
        let fill = Fill::new(init, config.initializer_range);
        let table = |name: &str, rows| Embedding::new(fill.matrix(&format!("roberta.embeddings.{name}.weight"), [rows, config.hidden_size]));
        let embeddings = Embeddings {
            word_embeddings: table("word_embeddings", config.vocabulary()),
            position_embeddings: table("position_embeddings", config.max_position_embeddings),
            token_type_embeddings: table("token_type_embeddings", config.type_vocab_size),
            LayerNorm: norm(config, &fill),
        };
        let encoder = Encoder { layer: (0..config.num_hidden_layers).map(|layer| Block::new(config, activation, layer, &fill)).collect() };
        let lm_head = Head::new(config, &fill);
        Ok(Box::new(Roberta { roberta: Body { embeddings, encoder }, lm_head, first_position: config.first_position(), spec: config.spec(self.names) }))
    }
}

impl Backbone for Roberta {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn spec_mut(&mut self) -> &mut Spec {
        &mut self.spec
    }

    fn embed(&self, input: &Input, pass: &mut Pass<'_>) -> Result<Hidden> {
        let stream = input.stream(Stack::Encoder)?;
        let tables = &self.roberta.embeddings;
        let x = match &stream.rows {
            Some(rows) => rows.clone(),
            None => tables.word_embeddings.forward(stream.ids.clone()), // [B, T, D]
        };
        let positions = stream.positions.clone() + self.first_position as i64;
        let x = pass.at(at(0, Role::Embeddings), x)? + tables.position_embeddings.forward(positions);
        let x = x + tables.token_type_embeddings.forward(stream.ids.zeros_like());
        let x = pass.site(at(0, Role::EmbeddingsNorm), x, |x, _| Ok(tables.LayerNorm.forward(x)))?;
        Ok(Hidden { x, valid: stream.valid.clone(), positions: stream.positions.clone(), segments: stream.segments.clone(), origin: None })
    }

    fn blocks(&self, _: Stack, hidden: Hidden, range: Range<usize>, pass: &mut Pass<'_>) -> Result<Hidden> {
        let mut x = hidden.x.clone();
        for layer in range {
            x = pass.site(at(layer, Role::Block), x, |x, pass| self.roberta.encoder.layer[layer].forward(x, pass))?;
        }
        Ok(hidden.with(x))
    }

    fn norm(&self, _: Stack, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        pass.at(at(0, Role::Final), x)
    }

    fn head(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let words = &self.roberta.embeddings.word_embeddings;
        pass.site(at(0, Role::Head), x, |x, _| Ok(self.lm_head.forward(x, words)))
    }
}

register!(Backbone, "xlm-roberta", "XLM-R: an encoder with learned positions and norms behind the residuals", RobertaConfig => Named::xlm);
register!(Backbone, "roberta", "RoBERTa: the same encoder as xlm-roberta", RobertaConfig => Named::plain);
