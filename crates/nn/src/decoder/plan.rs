//! What a decoder of rotary blocks is made of.

use crate::config::require;
use crate::{Activation, Rope};
use serde_json::{Map, Value as Json};
use tongues_kernel::{Result, Role, Site, SiteInfo, Spec, Stack};

/// A decoder of pre-norm blocks with rotary grouped-query attention and a gated feed-forward layer, under the names of the
/// Hugging Face files. A family fills it in from its configuration.
#[derive(Clone, Debug)]
pub struct DecoderPlan {
    /// The plugin's name.
    pub family: &'static str,
    /// Rows of the embedding matrix.
    pub vocabulary: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width of the feed-forward layer.
    pub inner: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads, a divisor of the query heads.
    pub kv_heads: usize,
    /// Width of a head, even.
    pub width: usize,
    /// Longest input in tokens.
    pub max_positions: usize,
    /// Standard deviation of fresh matrices.
    pub std: f64,
    /// Epsilon of the norms.
    pub epsilon: f64,
    /// Norm weights are stored less one.
    pub plus_one: bool,
    /// Sub-layers have a norm behind them too.
    pub norms_behind: bool,
    /// Every query and key head has a norm before the rotation.
    pub head_norms: bool,
    /// Biases on queries, keys and values.
    pub qkv_bias: bool,
    /// A bias on the attention's output.
    pub out_bias: bool,
    /// Biases in the feed-forward layer.
    pub inner_bias: bool,
    /// Activation of the gate.
    pub activation: Activation,
    /// Factor of the embeddings.
    pub embedding_factor: Option<f64>,
    /// Factor of the scores.
    pub scale: f64,
    /// `cap · tanh(score / cap)`.
    pub score_cap: Option<f64>,
    /// `cap · tanh(logit / cap)`.
    pub logit_cap: Option<f64>,
    /// Head and embedding are one matrix.
    pub tied: bool,
    /// What each block sees.
    pub layers: Vec<LayerPlan>,
    /// Rotations that blocks name by index.
    pub ropes: Vec<Rope>,
    /// `config.json` as it will be written.
    pub config: Map<String, Json>,
}

/// What one block sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayerPlan {
    /// So many keys up to the query itself; all for `None`.
    pub window: Option<usize>,
    /// Index into [`DecoderPlan::ropes`].
    pub rope: usize,
}

impl DecoderPlan {
    /// Refuses what contradicts itself, by the keys of `config.json`.
    ///
    /// # Errors
    /// As said.
    pub fn check(&self) -> Result<()> {
        let at = |key| (self.family, key);
        require(self.vocabulary > 0, at("vocab_size"), "at least 1", self.vocabulary)?;
        require(self.hidden > 0, at("hidden_size"), "at least 1", self.hidden)?;
        require(!self.layers.is_empty(), at("num_hidden_layers"), "at least 1", 0)?;
        let divides = self.kv_heads > 0 && self.heads.is_multiple_of(self.kv_heads);
        require(divides, at("num_key_value_heads"), format!("a divisor of {}", self.heads), self.kv_heads)?;
        require(self.width > 0 && self.width.is_multiple_of(2), at("head_dim"), "an even number", self.width)?;
        let windows = self.layers.iter().all(|l| l.window != Some(0));
        require(windows, at("sliding_window"), "at least 1", 0)?;
        for (key, cap) in [("attn_logit_softcapping", self.score_cap), ("final_logit_softcapping", self.logit_cap)] {
            require(cap.is_none_or(|c| c > 0.0), at(key), "a number above 0", cap.unwrap_or_default())?;
        }
        require(self.scale > 0.0 && self.scale.is_finite(), at("query_pre_attn_scalar"), "a number above 0", self.scale)?;
        self.ropes.iter().try_for_each(|rope| rope.check(self.family))
    }

    /// What the kernel is told.
    pub fn spec(&self) -> Spec {
        let ties = if self.tied { vec![("lm_head.weight".into(), "model.embed_tokens.weight".into())] } else { vec![] };
        let mut spec = Spec {
            family: self.family.into(),
            hidden: self.hidden,
            vocabulary: self.vocabulary,
            stacks: vec![(Stack::Decoder, self.layers.len())],
            max_positions: self.max_positions,
            sites: self.sites(),
            ties,
            config: self.config.clone(),
            ..Spec::default()
        };
        spec.stored.prefix = "model.".into();
        spec
    }

    fn sites(&self) -> Vec<SiteInfo> {
        let (d, v) = (self.hidden, self.vocabulary);
        let mut sites = vec![info(0, Role::Embeddings, "model.embed_tokens".into(), [1, d], false)];
        (0..self.layers.len()).for_each(|layer| self.block(layer, &mut sites));
        sites.push(info(0, Role::Final, "model.norm".into(), [d, d], false));
        sites.push(info(0, Role::Head, "lm_head".into(), [d, v], !self.tied));
        sites
    }

    fn block(&self, layer: usize, sites: &mut Vec<SiteInfo>) {
        let (d, f) = (self.hidden, self.inner);
        let (q, kv) = (self.heads * self.width, self.kv_heads * self.width);
        let mut add = |role, name: &str, width, weight| sites.push(info(layer, role, format!("model.layers.{layer}{name}"), width, weight));
        add(Role::AttentionNorm, ".input_layernorm", [d, d], false);
        add(Role::SelfAttention, ".self_attn", [d, d], false);
        add(Role::Query, ".self_attn.q_proj", [d, q], true);
        add(Role::Key, ".self_attn.k_proj", [d, kv], true);
        add(Role::Value, ".self_attn.v_proj", [d, kv], true);
        if self.head_norms {
            add(Role::QueryNorm, ".self_attn.q_norm", [self.width, self.width], false);
            add(Role::KeyNorm, ".self_attn.k_norm", [self.width, self.width], false);
        }
        add(Role::Attention, ".self_attn.attention", [q, q], false);
        add(Role::Heads, ".self_attn.heads", [q, q], false);
        add(Role::AttentionOut, ".self_attn.o_proj", [q, d], true);
        if self.norms_behind {
            add(Role::AttentionOutNorm, ".post_attention_layernorm", [d, d], false);
        }
        add(Role::FeedForwardNorm, if self.norms_behind { ".pre_feedforward_layernorm" } else { ".post_attention_layernorm" }, [d, d], false);
        add(Role::FeedForward, ".mlp", [d, d], false);
        add(Role::Gate, ".mlp.gate_proj", [d, f], true);
        add(Role::Up, ".mlp.up_proj", [d, f], true);
        add(Role::Activation, ".mlp.act_fn", [f, f], false);
        add(Role::Down, ".mlp.down_proj", [f, d], true);
        if self.norms_behind {
            add(Role::FeedForwardOutNorm, ".post_feedforward_layernorm", [d, d], false);
        }
        add(Role::Block, "", [d, d], false);
    }
}

fn info(layer: usize, role: Role, path: String, width: [usize; 2], weight: bool) -> SiteInfo {
    SiteInfo { site: Site::new(Stack::Decoder, layer, role), path, width, weight }
}
