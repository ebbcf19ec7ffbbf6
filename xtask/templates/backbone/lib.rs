//! # __name__
//!
//! The smallest language model: what follows a token depends on that token alone.
//! Paper: none; this is the skeleton that `cargo xtask new-plugin` writes. Name the paper, its number and its section here.
//!
//! ## What it does
//! An embedding and a head; no blocks and no norm.
//!
//! ## When to use
//! As a starting point for a network family, and as a baseline.
//!
//! ## Differences from the paper
//! There is no paper yet.
//!
//! ## Reproduces
//! No published number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::ops::Range;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Backbone, Family, Hidden, Init, Input, Linear, Pass, Result, Role, Site, SiteInfo, Spec, Stack, burn, refuse, register};
use tongues_nn::{Embedding, Fill, linear};

/// The configuration, as `config.json` has it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct __Type__Config {
    /// Rows of the embedding matrix; filled in from the tokenizer for a fresh model.
    #[serde(default)]
    pub vocab_size: usize,
    /// Width of an embedding.
    #[schemars(range(min = 1))]
    pub hidden_size: usize,
    /// Standard deviation of fresh matrices.
    #[serde(default = "range")]
    pub initializer_range: f64,
}

fn range() -> f64 {
    0.02
}

impl __Type__Config {
    fn spec(&self) -> Spec {
        let (d, v) = (self.hidden_size, self.vocab_size);
        let config = json!({ "model_type": "__name__", "vocab_size": v, "hidden_size": d, "initializer_range": self.initializer_range });
        let info = |role, path: &str, width, weight| SiteInfo { site: site(role), path: path.into(), width, weight };
        Spec {
            family: "__name__".into(),
            hidden: d,
            vocabulary: v,
            stacks: vec![(Stack::Decoder, 0)],
            max_positions: 2048,
            sites: vec![info(Role::Embeddings, "embed_tokens", [1, d], false), info(Role::Head, "lm_head", [d, v], true)],
            config: config.as_object().cloned().unwrap_or_default(),
            ..Spec::default()
        }
    }
}

fn site(role: Role) -> Site {
    Site::new(Stack::Decoder, 0, role)
}

/// The network; field names are the tensors' names.
#[derive(Module, Debug)]
pub struct __Type__ {
    embed_tokens: Embedding,
    lm_head: Linear,
    #[module(skip)]
    spec: Spec,
}

impl Family for __Type__Config {
    fn build(&self, init: &Init) -> Result<Box<dyn Backbone>> {
        if self.vocab_size == 0 {
            return refuse("__name__: vocab_size", "at least 1", 0, "correct the configuration");
        }
        let fill = Fill::new(init, self.initializer_range);
        let embed_tokens = Embedding::new(fill.matrix("embed_tokens.weight", [self.vocab_size, self.hidden_size]));
        let lm_head = linear(&fill, "lm_head", [self.hidden_size, self.vocab_size], false);
        Ok(Box::new(__Type__ { embed_tokens, lm_head, spec: self.spec() }))
    }
}

impl Backbone for __Type__ {
    fn spec(&self) -> &Spec {
        &self.spec
    }
    fn spec_mut(&mut self) -> &mut Spec {
        &mut self.spec
    }
    fn embed(&self, input: &Input, pass: &mut Pass<'_>) -> Result<Hidden> {
        let stream = input.stream(Stack::Decoder)?;
        let x = stream.rows.clone().unwrap_or_else(|| self.embed_tokens.forward(stream.ids.clone())); // [B, T, D]
        let x = pass.at(site(Role::Embeddings), x)?;
        Ok(Hidden { x, valid: stream.valid.clone(), positions: stream.positions.clone(), segments: stream.segments.clone(), origin: None })
    }
    fn blocks(&self, _: Stack, hidden: Hidden, _: Range<usize>, _: &mut Pass<'_>) -> Result<Hidden> {
        Ok(hidden)
    }
    fn norm(&self, _: Stack, x: Tensor<3>, _: &mut Pass<'_>) -> Result<Tensor<3>> {
        Ok(x)
    }
    fn head(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        pass.linear(site(Role::Head), &self.lm_head, x)
    }
}

register!(Backbone, "__name__", "What follows a token depends on that token alone", __Type__Config);
