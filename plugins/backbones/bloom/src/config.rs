//! The configuration: keys and defaults of the Hugging Face `config.json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tongues_kernel::{Result, Role, Site, SiteInfo, Spec, Stack, Stored, refuse};
use tongues_nn::config::{require, written};

/// A bloom network, by the keys of its `config.json`. Old files name some keys otherwise; both may be present and must then agree.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BloomConfig {
    /// Rows of the embedding matrix; filled in from the tokenizer for a fresh model.
    pub vocab_size: Option<usize>,
    /// Width of the residual stream.
    pub hidden_size: Option<usize>,
    /// Another name of `hidden_size`.
    pub n_embed: Option<usize>,
    /// Blocks.
    pub n_layer: Option<usize>,
    /// Another name of `n_layer`.
    pub num_hidden_layers: Option<usize>,
    /// Heads.
    pub n_head: Option<usize>,
    /// Another name of `n_head`.
    pub num_attention_heads: Option<usize>,
    /// Epsilon of the norms.
    #[serde(default = "epsilon")]
    pub layer_norm_epsilon: f64,
    /// Standard deviation of fresh matrices.
    #[serde(default = "range")]
    pub initializer_range: f64,
    /// Residuals start behind the norms, not before them.
    #[serde(default)]
    pub apply_residual_connection_post_layernorm: bool,
    /// Head and embedding are one matrix.
    #[serde(default = "yes")]
    pub tie_word_embeddings: bool,
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

/// The sizes, under one name each.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Blocks.
    pub layers: usize,
    /// Heads.
    pub heads: usize,
    /// Rows of the embedding matrix.
    pub vocabulary: usize,
}

impl BloomConfig {
    /// The sizes; refuses what contradicts itself.
    ///
    /// # Errors
    /// As said.
    pub fn sizes(&self) -> Result<Sizes> {
        let sizes = Sizes {
            hidden: one_of(("hidden_size", self.hidden_size), ("n_embed", self.n_embed))?,
            layers: one_of(("n_layer", self.n_layer), ("num_hidden_layers", self.num_hidden_layers))?,
            heads: one_of(("n_head", self.n_head), ("num_attention_heads", self.num_attention_heads))?,
            vocabulary: self.vocab_size.unwrap_or(0),
        };
        require(sizes.hidden.is_multiple_of(sizes.heads), ("bloom", "hidden_size"), format!("a multiple of the {} heads", sizes.heads), sizes.hidden)?;
        require(sizes.vocabulary > 0, ("bloom", "vocab_size"), "at least 1", 0)?;
        Ok(sizes)
    }

    /// What the kernel is told. There is no table of positions, so that inputs may have any length.
    pub fn spec(&self, sizes: Sizes) -> Spec {
        let ties = if self.tie_word_embeddings { vec![("lm_head.weight".into(), "transformer.word_embeddings.weight".into())] } else { vec![] };
        Spec {
            family: "bloom".into(),
            hidden: sizes.hidden,
            vocabulary: sizes.vocabulary,
            stacks: vec![(Stack::Decoder, sizes.layers)],
            max_positions: 0,
            sites: self.sites(sizes),
            ties,
            config: self.written(sizes),
            stored: Stored { prefix: "transformer.".into(), ..Stored::default() },
        }
    }

    /// Every size under the name that readers of any age know.
    fn written(&self, sizes: Sizes) -> Map<String, Json> {
        let mut map = written(self, "bloom", "BloomForCausalLM");
        for (key, value) in [("hidden_size", sizes.hidden), ("n_layer", sizes.layers), ("n_head", sizes.heads)] {
            map.insert(key.into(), value.into());
        }
        map
    }

    fn sites(&self, Sizes { hidden: d, layers, vocabulary, .. }: Sizes) -> Vec<SiteInfo> {
        let info = |layer, role, path: &str, width, weight| SiteInfo { site: Site::new(Stack::Decoder, layer, role), path: path.into(), width, weight };
        let mut sites = vec![
            info(0, Role::Embeddings, "transformer.word_embeddings", [1, d], false),
            info(0, Role::EmbeddingsNorm, "transformer.word_embeddings_layernorm", [d, d], false),
        ];
        for layer in 0..layers {
            let mut add = |role, name: &str, width, weight| sites.push(info(layer, role, &format!("transformer.h.{layer}{name}"), width, weight));
            add(Role::AttentionNorm, ".input_layernorm", [d, d], false);
            add(Role::SelfAttention, ".self_attention", [d, d], false);
            add(Role::QueryKeyValue, ".self_attention.query_key_value", [d, 3 * d], true);
            add(Role::Query, ".self_attention.query", [d, d], false);
            add(Role::Key, ".self_attention.key", [d, d], false);
            add(Role::Value, ".self_attention.value", [d, d], false);
            add(Role::Attention, ".self_attention.attention", [d, d], false);
            add(Role::Heads, ".self_attention.heads", [d, d], false);
            add(Role::AttentionOut, ".self_attention.dense", [d, d], true);
            add(Role::FeedForwardNorm, ".post_attention_layernorm", [d, d], false);
            add(Role::FeedForward, ".mlp", [d, d], false);
            add(Role::Up, ".mlp.dense_h_to_4h", [d, 4 * d], true);
            add(Role::Activation, ".mlp.gelu_impl", [4 * d, 4 * d], false);
            add(Role::Down, ".mlp.dense_4h_to_h", [4 * d, d], true);
            add(Role::Block, "", [d, d], false);
        }
        sites.push(info(0, Role::Final, "transformer.ln_f", [d, d], false));
        sites.push(info(0, Role::Head, "lm_head", [d, vocabulary], !self.tie_word_embeddings));
        sites
    }
}

/// A size by either of its names, at least 1.
fn one_of((key, value): (&str, Option<usize>), (other, also): (&str, Option<usize>)) -> Result<usize> {
    match (value, also) {
        (Some(a), Some(b)) if a != b => refuse(format!("bloom: {other}"), format!("the same as {key}, which is {a}"), b, "remove the wrong key"),
        (Some(0), _) | (None, Some(0)) => refuse(format!("bloom: {key}"), "at least 1", 0, "correct the configuration"),
        (Some(size), _) | (None, Some(size)) => Ok(size),
        (None, None) => refuse(format!("bloom: {key}"), "a whole number", "none", format!("add `{key}` to the configuration")),
    }
}
