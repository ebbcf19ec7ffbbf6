//! The configuration: keys and defaults of the Hugging Face `config.json`.

use crate::sites::sites;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Result, Spec, Stack, Stored};
use tongues_nn::Activation;
use tongues_nn::config::{require, written};

/// An encoder, by the keys of its `config.json`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RobertaConfig {
    /// Rows of the embedding matrix; filled in from the tokenizer for a fresh model.
    pub vocab_size: Option<usize>,
    /// Width of the residual stream.
    #[schemars(range(min = 1))]
    pub hidden_size: usize,
    /// Blocks.
    #[schemars(range(min = 1))]
    pub num_hidden_layers: usize,
    /// Heads.
    #[schemars(range(min = 1))]
    pub num_attention_heads: usize,
    /// Width of the feed-forward layer.
    #[schemars(range(min = 1))]
    pub intermediate_size: usize,
    /// Activation of the feed-forward layer. The one of the head is always GELU.
    #[serde(default = "gelu")]
    pub hidden_act: String,
    /// Rows of the position matrix. The first `pad_token_id + 1` are of no token, so the longest input is that much shorter.
    #[serde(default = "positions")]
    #[schemars(range(min = 1))]
    pub max_position_embeddings: usize,
    /// Rows of the matrix of token types. Every token is of the first type.
    #[serde(default = "types")]
    #[schemars(range(min = 1))]
    pub type_vocab_size: usize,
    /// Epsilon of the norms.
    #[serde(default = "epsilon")]
    pub layer_norm_eps: f64,
    /// The padding token; 1 where absent, for a fresh model the tokenizer's. A text's positions count from the number behind it.
    pub pad_token_id: Option<usize>,
    /// How positions are told; `absolute` alone is known.
    #[serde(default = "absolute")]
    pub position_embedding_type: String,
    /// Standard deviation of fresh matrices.
    #[serde(default = "range")]
    pub initializer_range: f64,
    /// Blocks look at earlier tokens alone; refused where true.
    #[serde(default)]
    pub is_decoder: bool,
    /// Blocks look at another encoder too; refused where true.
    #[serde(default)]
    pub add_cross_attention: bool,
    /// Head and embedding are one matrix; refused where false.
    #[serde(default = "yes")]
    pub tie_word_embeddings: bool,
}

fn gelu() -> String {
    "gelu".into()
}
fn positions() -> usize {
    512
}
fn types() -> usize {
    2
}
fn epsilon() -> f64 {
    1e-12
}
fn absolute() -> String {
    "absolute".into()
}
fn range() -> f64 {
    0.02
}
fn yes() -> bool {
    true
}

/// What the two families are called: `model_type`, and the class that reads their files.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// The plugin, and `model_type`.
    pub family: &'static str,
    /// The first of `architectures`.
    pub class: &'static str,
}

impl RobertaConfig {
    /// Rows of the embedding matrix.
    pub fn vocabulary(&self) -> usize {
        self.vocab_size.unwrap_or(0)
    }

    /// The position of a text's first token.
    pub fn first_position(&self) -> usize {
        self.pad_token_id.unwrap_or(1) + 1
    }

    /// The activation of the feed-forward layer; refuses what contradicts itself.
    ///
    /// # Errors
    /// As said.
    pub fn check(&self, family: &str) -> Result<Activation> {
        let at = |key| (family, key);
        require(self.vocabulary() > 0, at("vocab_size"), "at least 1", 0)?;
        let divides = self.num_attention_heads > 0 && self.hidden_size > 0 && self.hidden_size.is_multiple_of(self.num_attention_heads);
        require(divides, at("hidden_size"), format!("a multiple of the {} heads", self.num_attention_heads), self.hidden_size)?;
        let room = self.max_position_embeddings > self.first_position();
        let rows = format!("more than the {} rows up to the padding token's", self.first_position());
        require(room, at("max_position_embeddings"), rows, self.max_position_embeddings)?;
        require(self.type_vocab_size > 0, at("type_vocab_size"), "at least 1", 0)?;
        require(self.position_embedding_type == "absolute", at("position_embedding_type"), "absolute", &self.position_embedding_type)?;
        require(!self.is_decoder, at("is_decoder"), "false: this is an encoder", true)?;
        require(!self.add_cross_attention, at("add_cross_attention"), "false: this is an encoder alone", true)?;
        require(self.tie_word_embeddings, at("tie_word_embeddings"), "true: the head is the embedding matrix", false)?;
        let activation = Activation::named(&self.hidden_act);
        require(activation.is_some(), at("hidden_act"), Activation::NAMES.join(", "), &self.hidden_act)?;
        Ok(activation.unwrap_or(Activation::Gelu))
    }

    /// What the kernel is told.
    pub fn spec(&self, names: Names) -> Spec {
        let tie = |alias: &str, source: &str| (alias.to_owned(), source.to_owned());
        Spec {
            family: names.family.into(),
            hidden: self.hidden_size,
            vocabulary: self.vocabulary(),
            stacks: vec![(Stack::Encoder, self.num_hidden_layers)],
            max_positions: self.max_position_embeddings - self.first_position(),
            sites: sites(self),
            ties: vec![tie("lm_head.decoder.weight", "roberta.embeddings.word_embeddings.weight"), tie("lm_head.decoder.bias", "lm_head.bias")],
            config: written(&Self { pad_token_id: Some(self.first_position() - 1), ..self.clone() }, names.family, names.class),
            stored: Stored { prefix: "roberta.".into(), ..Stored::default() },
        }
    }
}
