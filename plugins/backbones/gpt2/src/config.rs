//! The configuration: keys and defaults of the Hugging Face `config.json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tongues_kernel::{Result, Role, Site, SiteInfo, Spec, Stack, Stored};
use tongues_nn::Activation;
use tongues_nn::config::{require, written};

/// A gpt2 network, by the keys of its `config.json`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gpt2Config {
    /// Rows of the embedding matrix; filled in from the tokenizer for a fresh model.
    pub vocab_size: Option<usize>,
    /// Width of the residual stream.
    #[schemars(range(min = 1))]
    pub n_embd: usize,
    /// Blocks.
    #[schemars(range(min = 1))]
    pub n_layer: usize,
    /// Heads.
    #[schemars(range(min = 1))]
    pub n_head: usize,
    /// Width of the feed-forward layer; four times `n_embd` where absent.
    pub n_inner: Option<usize>,
    /// Rows of the position matrix: the longest input in tokens.
    #[serde(default = "positions")]
    #[schemars(range(min = 1))]
    pub n_positions: usize,
    /// Activation of the feed-forward layer.
    #[serde(default = "gelu")]
    pub activation_function: String,
    /// Epsilon of the norms.
    #[serde(default = "epsilon")]
    pub layer_norm_epsilon: f64,
    /// Standard deviation of fresh matrices.
    #[serde(default = "range")]
    pub initializer_range: f64,
    /// Scores are divided by the root of a head's width.
    #[serde(default = "yes")]
    pub scale_attn_weights: bool,
    /// Scores of layer i, counted from 1, are divided by i.
    #[serde(default)]
    pub scale_attn_by_inverse_layer_idx: bool,
    /// Blocks look at an encoder too; refused where true.
    #[serde(default)]
    pub add_cross_attention: bool,
    /// Head and embedding are one matrix.
    #[serde(default = "yes")]
    pub tie_word_embeddings: bool,
}

fn positions() -> usize {
    1024
}
fn gelu() -> String {
    "gelu_new".into()
}
fn epsilon() -> f64 {
    1e-5
}
fn range() -> f64 {
    0.02
}
fn yes() -> bool {
    true
}

impl Gpt2Config {
    /// Width of the feed-forward layer.
    pub fn inner(&self) -> usize {
        self.n_inner.unwrap_or(4 * self.n_embd)
    }

    /// Rows of the embedding matrix.
    pub fn vocabulary(&self) -> usize {
        self.vocab_size.unwrap_or(0)
    }

    /// Factor of a layer's scores.
    pub fn scale(&self, layer: usize) -> f64 {
        let width = (self.n_embd / self.n_head) as f64;
        let scale = if self.scale_attn_weights { width.powf(-0.5) } else { 1.0 };
        if self.scale_attn_by_inverse_layer_idx { scale / (layer + 1) as f64 } else { scale }
    }

    /// The activation of the feed-forward layer; refuses what contradicts itself.
    ///
    /// # Errors
    /// As said.
    pub fn check(&self) -> Result<Activation> {
        let at = |key| ("gpt2", key);
        require(self.vocabulary() > 0, at("vocab_size"), "at least 1", 0)?;
        let divides = self.n_head > 0 && self.n_embd > 0 && self.n_embd.is_multiple_of(self.n_head);
        require(divides, at("n_embd"), format!("a multiple of the {} heads", self.n_head), self.n_embd)?;
        require(self.inner() > 0, at("n_inner"), "at least 1", self.inner())?;
        require(self.n_positions > 0, at("n_positions"), "at least 1", self.n_positions)?;
        require(!self.add_cross_attention, at("add_cross_attention"), "false: this is a decoder alone", true)?;
        let activation = Activation::named(&self.activation_function);
        require(activation.is_some(), at("activation_function"), Activation::NAMES.join(", "), &self.activation_function)?;
        Ok(activation.unwrap_or(Activation::GeluTanh))
    }

    /// What the kernel is told.
    pub fn spec(&self) -> Spec {
        let sites = self.sites();
        let inside = sites.iter().filter(|i| i.weight && i.site.role != Role::Head);
        let stored = Stored { transposed: inside.map(|i| format!("{}.weight", i.path)).collect(), prefix: "transformer.".into() };
        let ties = if self.tie_word_embeddings { vec![("lm_head.weight".into(), "transformer.wte.weight".into())] } else { vec![] };
        Spec {
            family: "gpt2".into(),
            hidden: self.n_embd,
            vocabulary: self.vocabulary(),
            stacks: vec![(Stack::Decoder, self.n_layer)],
            max_positions: self.n_positions,
            sites,
            ties,
            config: self.written(),
            stored,
        }
    }

    fn written(&self) -> Map<String, Json> {
        written(self, "gpt2", "GPT2LMHeadModel")
    }

    fn sites(&self) -> Vec<SiteInfo> {
        let (d, f) = (self.n_embd, self.inner());
        let info = |layer, role, path: &str, width, weight| SiteInfo { site: Site::new(Stack::Decoder, layer, role), path: path.into(), width, weight };
        let mut sites = vec![info(0, Role::Embeddings, "transformer.wte", [1, d], false)];
        for layer in 0..self.n_layer {
            let mut add = |role, name: &str, width, weight| sites.push(info(layer, role, &format!("transformer.h.{layer}{name}"), width, weight));
            add(Role::AttentionNorm, ".ln_1", [d, d], false);
            add(Role::SelfAttention, ".attn", [d, d], false);
            add(Role::QueryKeyValue, ".attn.c_attn", [d, 3 * d], true);
            add(Role::Query, ".attn.query", [d, d], false);
            add(Role::Key, ".attn.key", [d, d], false);
            add(Role::Value, ".attn.value", [d, d], false);
            add(Role::Attention, ".attn.attention", [d, d], false);
            add(Role::Heads, ".attn.heads", [d, d], false);
            add(Role::AttentionOut, ".attn.c_proj", [d, d], true);
            add(Role::FeedForwardNorm, ".ln_2", [d, d], false);
            add(Role::FeedForward, ".mlp", [d, d], false);
            add(Role::Up, ".mlp.c_fc", [d, f], true);
            add(Role::Activation, ".mlp.act", [f, f], false);
            add(Role::Down, ".mlp.c_proj", [f, d], true);
            add(Role::Block, "", [d, d], false);
        }
        sites.push(info(0, Role::Final, "transformer.ln_f", [d, d], false));
        sites.push(info(0, Role::Head, "lm_head", [d, self.vocabulary()], !self.tie_word_embeddings));
        sites
    }
}
